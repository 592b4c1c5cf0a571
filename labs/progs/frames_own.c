/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames_own.c: a program that owns frames and builds its own tables
 *
 * --what tables  four tables by hand, --pages pages in them; then it tries to get at
 *                what it may not
 * --what pager   a child of --pages pages runs in --room pages of ours: each of its
 *                faults is answered, --rounds times around
 * --what exit    children with pages of ours and pages of their own are killed
 * --what race    a thread stores while half of the frame under it is given away
 *
 * What is counted lies between the marks 1 and 2, 3 and 4, and so on.
 */
#include "libt.h"

#define F_R 1
#define F_W 2
#define F_X 4
#define F_TABLE 16
#define BASE 0x280000000000ul        /* frames are mapped from here */
#define WINDOW (BASE + 64 * PAGE)    /* ours to look through */
#define CODE BASE                    /* of a child */
#define DATA (BASE + 0x10000ul)
#define ROOM_MAX 32
#define PAGES_MAX 128
#define EPERM 1
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define SIGKILL 9

enum { T_PAGE = 1, T_TABLE1 };
enum { ASK, RESUME };

struct info {
	int f_id, type;
	u64 pa, len, va;
	unsigned flags, table, vspace, nmap, parent, used;
	u64 touched;
};

struct regs {
	u64 r15, r14, r13, r12, rbp, rbx, rdi, rsi, rdx, r10, r8, r9, r11, rcx, rax;
	u64 rip, rflags, rsp, fsbase;
};

struct fault {
	u64 va;
	unsigned access, thread;
	struct regs regs;
};

/* ---- the calls ---- */

static long f_split(long f, u64 off) { return sys(4096, f, off, 0); }
static long f_merge(long f, long g) { return sys(4097, f, g, 0); }
static long f_give(long f, long to) { return sys(4098, f, to, 0); }
static long f_count(void) { return sys(4100, 0, 0, 0); }
static long f_info(u64 n, struct info *i) { return sys(4101, n, i, 0); }
static long f_table(long f, u64 view, long level) { return sys(4102, f, view, level); }
static long f_untable(long f) { return sys(4103, f, 0, 0); }
static long f_map(long t, long f, u64 va, long flags) { return sys6(4104, t, f, (long)va, flags, 0, 0); }
static long f_unmap(long t, long f, u64 va) { return sys(4105, t, f, va); }
static long f_swap(long of, long f) { return sys(4106, of, f, 0); }
static long f_proc(long f) { return sys(4108, f, 0, 0); }
static long f_start(long pid, struct regs *r) { return sys(4109, pid, r, 0); }
static long f_segments(long of, long f) { return sys(4110, of, f, 0); }
static long f_fault(long pid, struct fault *f, long op) { return sys(4111, pid, f, op); }
static long getpid(void) { return sys(39, 0, 0, 0); }

/* The upper pages of the largest frame, as one of their own. */
static long
cut(u64 pages)
{
	struct info i, most = { .len = 0 };
	long f;
	u64 n;

	for (n = 0; f_info(n, &i) == 0; n++)
		if (i.type == T_PAGE && i.nmap == 0 && i.len > most.len)
			most = i;
	EXPECT(most.len > pages * PAGE);
	f = f_split(most.f_id, most.len - pages * PAGE);
	EXPECT(f > 0);
	return f;
}

/* Bytes that are ours. */
static u64
sum(void)
{
	struct info i;
	u64 n, bytes = 0;

	for (n = 0; f_info(n, &i) == 0; n++)
		bytes += i.len;
	return bytes;
}

static u64
length_of(long f)
{
	struct info i;
	u64 n;

	for (n = 0; f_info(n, &i) == 0; n++)
		if (i.f_id == f)
			return i.len;
	return 0;
}

struct way {
	long table[5];               /* [1]: the leaf */
};

static void
build(struct way *w)
{
	long level;

	for (level = 1; level <= 4; level++) {
		w->table[level] = cut(1);
		EXPECT(f_table(w->table[level], 0, level) == 0);
	}
	for (level = 3; level >= 1; level--)
		EXPECT(f_map(w->table[level + 1], w->table[level], BASE, F_TABLE) == 0);
}

/* A page with these bytes, mapped nowhere. */
static long
page_with(struct way *w, const void *bytes, u64 n)
{
	long f = cut(1);
	u64 i;

	EXPECT(f_map(w->table[1], f, WINDOW, F_R | F_W) == 0);
	for (i = 0; i < n; i++)
		((volatile u8 *)WINDOW)[i] = ((const u8 *)bytes)[i];
	EXPECT(f_unmap(w->table[1], f, WINDOW) == 0);
	return f;
}

/* ---- tables ---- */

static void
stores_and_loads(struct way *w, struct trap *t, long f, u64 pages)
{
	u64 i;

	EXPECT(f_map(w->table[1], f, BASE, F_R | F_W) == 0);
	for (i = 0; i < pages; i++)
		*(volatile u64 *)(BASE + i * PAGE) = i + 1;
	EXPECT(f_unmap(w->table[1], f, BASE) == 0);
	EXPECT(try_load(t, (u8 *)BASE) == SIGSEGV);
	EXPECT(f_map(w->table[1], f, BASE, F_R) == 0);
	for (i = 0; i < pages; i++)
		EXPECT(*(volatile u64 *)(BASE + i * PAGE) == i + 1);
	EXPECT(try_store(t, (u8 *)BASE, 1) == SIGSEGV);
}

/* The leaf, seen through itself: its words are there, and stay as they are. */
static void
looks_at_a_table(struct way *w, struct trap *t, u64 pages)
{
	volatile u64 *word = (volatile u64 *)WINDOW;
	u64 was = word[0], step = word[1] - word[0];
	int pipe[2];
	long f = cut(1);

	EXPECT((was & 0x25) == 0x25 && (was & 2) == 0); /* P, U, A; no W */
	EXPECT(pages < 2 || (step & ~0x60ul) == PAGE);
	EXPECT(word[pages] == 0);
	EXPECT(try_store(t, (u8 *)WINDOW, 7) == SIGSEGV);
	EXPECT(f_map(w->table[1], w->table[1], WINDOW + PAGE, F_R | F_W) == -EPERM);
	EXPECT(f_map(w->table[1], f, BASE + 40 * PAGE, F_R | F_W) == 0);
	EXPECT(f_table(f, BASE + 40 * PAGE, 1) == -EBUSY);
	EXPECT(f_unmap(w->table[1], f, BASE + 40 * PAGE) == 0);
	EXPECT(f_map(w->table[2], f, BASE + (1ul << 21), F_R | F_W) == -EINVAL);
	EXPECT(f_map(w->table[2], f, BASE + (1ul << 21), F_TABLE) == -EINVAL);
	EXPECT(f_map(w->table[4], w->table[4], BASE + (1ul << 39), F_TABLE) == -EINVAL);
	EXPECT(f_untable(w->table[1]) == -EBUSY);
	/* The kernel does not do for us what we may not. */
	EXPECT(sys(22, pipe, 0, 0) == 0 && sys(1, pipe[1], &step, 8) == 8);
	EXPECT(sys(0, pipe[0], WINDOW, 8) == -EFAULT);
	EXPECT(word[0] == was);
}

static int
tables(u64 pages)
{
	long f = cut(pages), level;
	struct trap t;
	struct way w;
	u64 bytes = sum();

	trap_begin(&t);
	mark(1);
	build(&w);
	EXPECT(f_swap(getpid(), w.table[4]) == 0);
	stores_and_loads(&w, &t, f, pages);
	EXPECT(f_map(w.table[1], w.table[1], WINDOW, F_R) == 0);
	looks_at_a_table(&w, &t, pages);
	mark(2);
	EXPECT(f_unmap(w.table[1], w.table[1], WINDOW) == 0);
	EXPECT(f_unmap(w.table[1], f, BASE) == 0);
	for (level = 1; level <= 3; level++) {
		EXPECT(f_unmap(w.table[level + 1], w.table[level], BASE) == 0);
		EXPECT(f_untable(w.table[level]) == 0);
	}
	EXPECT(sum() == bytes);
	return 0;
}

/* ---- children ---- */

/* Adds 1 to the first word of each of rsi pages from rdi on, rdx times around. */
__asm__(".section .rodata\n"
    "child_begin:\n"
    "1:	movq %rdi, %rax\n"
    "	movq %rsi, %rcx\n"
    "2:	addq $1, (%rax)\n"
    "	addq $4096, %rax\n"
    "	decq %rcx\n"
    "	jnz 2b\n"
    "	decq %rdx\n"
    "	jnz 1b\n"
    "	movl $60, %eax\n"
    "	xorl %edi, %edi\n"
    "	syscall\n"
    "child_end:\n"
    ".previous\n");
extern const u8 child_begin[], child_end[];

/* A process with tables and code, in the space of which nothing else is. */
static long
make(struct way *mine, struct way *its)
{
	long pid = f_proc(cut(2)), code;

	EXPECT(pid > 0);
	build(its);
	code = page_with(mine, child_begin, (u64)(child_end - child_begin));
	EXPECT(f_map(its->table[1], code, CODE, F_R | F_X) == 0);
	EXPECT(f_swap(pid, its->table[4]) == 0);
	return pid;
}

struct pager {
	struct way mine, its;
	long pid;
	long frame[ROOM_MAX];        /* one page each, mapped in our window, too */
	u64 has[ROOM_MAX];           /* number of the child's page in it, + 1; 0 */
	u64 room, hand;
	u64 *store;                  /* the first word of each page that is out */
};

static volatile u64 *
window(u64 i)
{
	return (volatile u64 *)(WINDOW + i * PAGE);
}

/* The room: one mapped frame, cut into pages where it is. */
static void
room_make(struct pager *p)
{
	u64 i;

	p->frame[0] = cut(p->room);
	EXPECT(f_map(p->mine.table[1], p->frame[0], WINDOW, F_R | F_W) == 0);
	EXPECT(f_segments(getpid(), cut(1)) == 0);
	for (i = p->room - 1; i > 0; i--) {
		p->frame[i] = f_split(p->frame[0], i * PAGE);
		EXPECT(p->frame[i] > 0);
	}
}

static void
page_out(struct pager *p, u64 i)
{
	EXPECT(f_unmap(p->its.table[1], p->frame[i], DATA + (p->has[i] - 1) * PAGE) == 0);
	p->store[p->has[i] - 1] = *window(i);
}

static void
page_in(struct pager *p, u64 page)
{
	u64 i = p->hand++ % p->room;

	if (p->has[i] != 0)
		page_out(p, i);
	*window(i) = p->store[page];
	EXPECT(f_map(p->its.table[1], p->frame[i], DATA + page * PAGE, F_R | F_W) > 0);
	p->has[i] = page + 1;
}

static int
pager(u64 pages, u64 room, u64 rounds)
{
	struct regs regs = { .rip = CODE, .rdi = DATA, .rsi = pages, .rdx = rounds };
	struct pager p = { .room = room };
	u64 page, i, bytes;
	struct fault fault;

	EXPECT(room <= ROOM_MAX && pages <= PAGES_MAX);
	p.store = shared(1);
	for (i = 0; i < pages; i++)
		p.store[i] = 1000 * i;
	build(&p.mine);
	EXPECT(f_swap(getpid(), p.mine.table[4]) == 0);
	bytes = sum();
	mark(1);
	p.pid = make(&p.mine, &p.its);
	room_make(&p);
	EXPECT(f_start(p.pid, &regs) == 0);
	mark(2);
	while (f_fault(p.pid, &fault, ASK) == 0) {
		page = (fault.va - DATA) / PAGE;
		EXPECT(page < pages);
		page_in(&p, page);
		EXPECT(f_fault(p.pid, &fault, RESUME) == 0);
	}
	mark(3);
	EXPECT(wait_for(p.pid) == 0);
	for (i = 0; i < room; i++)
		if (p.has[i] != 0)
			p.store[p.has[i] - 1] = *window(i);
	for (i = 0; i < pages; i++)
		EXPECT(p.store[i] == 1000 * i + rounds);
	for (i = 1; i < room; i++)
		EXPECT(f_merge(p.frame[0], p.frame[i]) == p.frame[0]);
	EXPECT(length_of(p.frame[0]) == room * PAGE);
	EXPECT(f_unmap(p.mine.table[1], p.frame[0], WINDOW) == 0);
	EXPECT(sum() == bytes);
	mark(4);
	answer("ended", p.hand);
	return 0;
}

/* ---- their end ---- */

static int
ends(u64 children)
{
	struct way mine, its;
	long pid, count, f = cut(1), lent = cut(2), given;
	u64 i, bytes;

	build(&mine);
	EXPECT(f_swap(getpid(), mine.table[4]) == 0);
	EXPECT(f_segments(getpid(), cut(1)) == 0);
	EXPECT(f_map(mine.table[1], lent, WINDOW + 8 * PAGE, F_R | F_W) == 0);
	*(volatile u64 *)(WINDOW + 8 * PAGE) = 77;
	bytes = sum();
	mark(1);
	for (i = 0; i < children; i++) {
		pid = make(&mine, &its);
		given = i % 2 == 0 ? f : cut(1);
		EXPECT(f_give(given, pid) == given);
		EXPECT(f_map(its.table[1], given, DATA, F_R) == 0);
		EXPECT(f_map(its.table[1], lent, DATA + PAGE, F_R) > 0);
		EXPECT(sum() < bytes);
		EXPECT(sys(62, pid, SIGKILL, 0) == 0);
		EXPECT((wait_for(pid) & 127) == SIGKILL);
		EXPECT(sum() == bytes);
		EXPECT(*(volatile u64 *)(WINDOW + 8 * PAGE) == 77);
		count = f_count();
		EXPECT(count > 0);
	}
	mark(2);
	return 0;
}

/* ---- race ---- */

struct race {
	volatile int running, gone, bad, tid;
	struct trap trap;
	u64 half;                    /* pages */
};

/* A store to either half.  Where the upper one has gone it is tried again when the give
 * has returned, and no sooner. */
static int
storer(void *arg)
{
	struct race *r = arg;
	int was, lost;
	u64 i;

	do {
		was = r->gone;
		for (i = lost = 0; i < r->half && !lost; i++) {
			if (try_store(&r->trap, (u8 *)WINDOW + i * PAGE, 1) != 0)
				r->bad |= 1;
			lost = try_store(&r->trap, (u8 *)WINDOW + (r->half + i) * PAGE, 1) != 0;
			if (was && !lost)
				r->bad |= 2;
		}
		r->running = 1;
		while (lost && !r->gone)
			nap();
	} while (!was);
	return 0;
}

static int
race(u64 pages)
{
	struct race *r = shared(1);
	struct way mine;
	long pid, f, hi;

	build(&mine);
	EXPECT(f_swap(getpid(), mine.table[4]) == 0);
	pid = f_proc(cut(2));
	EXPECT(pid > 0);
	f = cut(2 * pages);
	EXPECT(f_map(mine.table[1], f, WINDOW, F_R | F_W) == 0);
	r->half = pages;
	trap_begin(&r->trap);
	r->tid = 1;
	EXPECT(thread(storer, r, &r->tid) > 0);
	while (!r->running)
		nap();
	mark(1);
	hi = f_split(f, pages * PAGE);
	EXPECT(hi > 0);
	EXPECT(f_give(hi, pid) == hi);
	r->gone = 1;
	thread_join(&r->tid);
	mark(2);
	EXPECT((r->bad & 1) == 0);   /* what stays is there all the time */
	EXPECT((r->bad & 2) == 0);   /* what was given is not */
	EXPECT(sys(62, pid, SIGKILL, 0) == 0);
	(void)wait_for(pid);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");

	switch (what[0]) {
	case 't':
		return tables(option(argv, "pages"));
	case 'p':
		return pager(option(argv, "pages"), option(argv, "room"),
		    option(argv, "rounds"));
	case 'e':
		return ends(option(argv, "pages"));
	case 'r':
		return race(option(argv, "pages"));
	default:
		return 2;
	}
}
