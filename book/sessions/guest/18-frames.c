/* SPDX-License-Identifier: BSD-2-Clause */
/* 18-frames.c: a space is made by hand, then everything is tried that must not work */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { R = 1, W = 2, X = 4, TABLE = 1 << 4 };
#define PAGE 4096ul
#define VA 0x280000000000ul
#define KERNEL 0xffff800000000000ul

struct info {
	int32_t f_id, type;
	uint64_t pa, len, va;
	uint32_t flags, table, vspace, nmap, parent, used;
	uint64_t touched;
};
struct regs { uint64_t other[15], rip, rflags, rsp, fsbase; };

#define split(f, off) syscall(4096, f, off)
#define give(f, pid) syscall(4098, f, pid)
#define info(n, i) syscall(4101, n, i)
#define table(f, view, level) syscall(4102, f, view, level)
#define untable(f) syscall(4103, f)
#define map(t, f, va, flags) syscall(4104, t, f, va, flags)
#define unmap(t, f, va) syscall(4105, t, f, va)
#define swap(pid, f) syscall(4106, pid, f)
#define proc_new(f) syscall(4108, f)
#define start(pid, regs) syscall(4109, pid, regs)
#define segments(pid, f) syscall(4110, pid, f)

static sigjmp_buf back;
static int me, child, t1, t2, t3, t4, page, other, spare;

static void
on_fault(int sig)
{
	siglongjmp(back, 1);
}

static const char *
name(int e)
{
	return e == EPERM ? "EPERM" : e == EBUSY ? "EBUSY" : e == EINVAL ? "EINVAL" :
	    e == EEXIST ? "EEXIST" : e == ENOENT ? "ENOENT" : e == EDQUOT ? "EDQUOT" :
	    e == ENOSPC ? "ENOSPC" : e == ENFILE ? "ENFILE" : strerror(e);
}

static struct { const char *name; int f; } known[16];
static int all; /* the long frame, by its name in the kernel */

static void
result(const char *what, long r)
{
	if (r < 0)
		printf("%-33s %s\n", what, name(errno));
	else
		printf("%-33s done\n", what);
}
#define TRY(call) result(#call, call)

/* So many pages off the end of the long frame, and what we call it; NULL: nothing. */
static int
cut(int pages, const char *as)
{
	struct info i;
	int n = 0, f;

	while (info(n, &i) == 0 && i.f_id != all)
		n++;
	f = split(all, i.len - pages * PAGE);
	for (n = 0; known[n].name != NULL;)
		n++;
	known[n].name = as;
	known[n].f = f;
	return f;
}

/* The frames of this process, as we call them. */
static void
list(void)
{
	static const char *const types[] = { "", "page", "table 1", "table 2", "table 3",
		"table 4", "segments", "process" };
	struct info i;

	for (int k = 0; known[k].name != NULL; k++)
		for (int n = 0; info(n, &i) == 0; n++)
			if (i.f_id == known[k].f)
				printf("  %-8s %5lu pages  %-8s  mapped %u  words %u\n",
				    known[k].name, i.len / PAGE, types[i.type], i.nmap,
				    i.used);
}

static unsigned long
pages(void)
{
	unsigned long sum = 0;
	struct info i;

	for (int n = 0; info(n, &i) == 0; n++)
		sum += i.len / PAGE;
	return sum;
}

static void
store(const char *what, uint64_t va)
{
	if (sigsetjmp(back, 1) == 0) {
		*(volatile uint64_t *)va = 7;
		printf("%-33s done\n", what);
	} else
		printf("%-33s SIGSEGV\n", what);
}

/* A space by hand: four tables, one page. */
static void
by_hand(void)
{
	puts("-- all memory is one frame; seven pages are cut off");
	known[0].f = all, known[0].name = "all";
	list();
	t1 = cut(1, "t1"), t2 = cut(1, "t2"), t3 = cut(1, "t3"), t4 = cut(1, "t4");
	page = cut(1, "page"), other = cut(1, "other"), spare = cut(1, "spare");
	TRY(table(t1, 0, 1));
	TRY(table(t2, 0, 2));
	TRY(table(t3, 0, 3));
	TRY(table(t4, 0, 4));
	TRY(map(t4, t3, VA, TABLE));
	TRY(map(t3, t2, VA, TABLE));
	TRY(map(t2, t1, VA, TABLE));
	TRY(map(t1, page, VA, R | W));
	store("a store to VA", VA);
	TRY(swap(me, t4));
	store("a store to VA", VA);
	list();
}

static void
refused(void)
{
	puts("-- a table may be seen");
	TRY(map(t1, t1, VA + PAGE, R | W));
	TRY(map(t1, t1, VA + PAGE, R));
	printf("low bits of its first word: %#lx\n", *(volatile uint64_t *)(VA + PAGE) & 0xfff);
	puts("-- six other ways to write into it");
	store("a store to what is seen", VA + PAGE);
	TRY(table(page, VA, 1));
	TRY(map(t3, page, VA, TABLE));
	TRY(map(t2, page, VA, R | W));
	TRY(untable(t1));
	TRY(split(t1, PAGE));
	puts("-- tables in the wrong place");
	TRY(map(t2, t1, VA + (1 << 21), TABLE));
	TRY(map(t4, t2, VA, TABLE));
	TRY(map(t1, other, VA, R));
	TRY(map(t4, t3, 0, TABLE));
	TRY(map(t4, t3, KERNEL, TABLE));
	TRY(unmap(t2, t1, VA));
	puts("-- a second mapping of a frame");
	TRY(map(t1, page, VA + 2 * PAGE, R));
	TRY(segments(me, spare));
	TRY(map(t1, page, VA + 2 * PAGE, R));
}

static void
given(void)
{
	struct regs regs = { .rip = VA };
	int record = cut(2, "record"), root = cut(1, "root"), n = 0;

	puts("-- a process is made of two pages");
	child = proc_new(record);
	list();
	table(root, 0, 4);
	TRY(give(other, child));
	TRY(map(t1, other, VA + 3 * PAGE, R));
	TRY(give(other, me));
	while (give(cut(1, NULL), child) >= 0)
		n++;
	printf("then others are given, until %s: %d\n", name(errno), n);
	TRY(swap(child, root));
	TRY(start(child, &regs));
	TRY(give(other, child));
	printf("pages of ours: %lu\n", pages());
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("pages of ours: %lu\n", pages());
}

int
main(void)
{
	struct info i;

	signal(SIGSEGV, on_fault);
	me = getpid();
	info(0, &i);
	all = i.f_id;
	by_hand();
	refused();
	given();
	return 0;
}
