/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness_border.c: does the submission's code stay where it belongs?
 *
 * Problem   It runs in ring 0: it can find any function and any table of the
 *           kernel in memory.  What it must not do can only be seen as it is
 *           done.
 *
 * Picture            ┌────────── the submission ─────────┐
 *           kernel ─→│ call ─→ a function it imports     │─→ the kernel goes on
 *                 ←──│ ret  ─→ where it was called from  │    within functions,
 *                    │ store ─→ its own data, stacks,    │    called by name or
 *                    │          slabs, frame database,   │    entered at their
 *                    │          paged pool               │    begin; returns to
 *                    └───────────────────────────────────┘    where it was called
 *
 * Rules     1. A return goes behind the call that wrote the word it reads:
 *              `call` and `ret` of the kernel tell the address of that word, so
 *              a table by address is exact whatever the threads do.
 *           2. A jump through a pointer goes to the begin of a function, or
 *              stays in its own (a switch).  What judges is called by name only.
 *           3. An exception or interrupt may come between any two blocks: its
 *              stub is no target that is judged.
 *           4. Data of what judges is written by its own object.  Helpers (locks,
 *              lists) write wherever they are told: while the submission waits
 *              for a function that it called, only words that helpers wrote
 *              before when it did not.
 *           5. Fills and copies of the kernel's own are not watched word by
 *              word: they were half of the price.  The submission has a copy of
 *              them that is its own code, and no import takes from it a place
 *              to copy to (imports.c).
 *           6. Only reads the guest's memory.  All CPUs run on one host thread.
 *
 * Read next witness_code.c; grading/border.c writes the map and words this.
 */
#include "witness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAXCPU 16
#define PAGE 4096ul
#define WORDS (PAGE / 8)
#define IMAGE_BASE 0xffffffff80000000ul
#define FRAME_BYTES 64ul       /* struct vm_page (kernel/mem/page.h) */
#define FRAME_SLAB 24ul        /* offset of kern.slab */
#define TRAP_FRAME 176ul       /* at the very top of a thread's stack */
#define STACK_BYTES 16384ul   /* MD_KSTACK_SIZE */
#define SAID_MOST 8u
#define STACKS 4096u           /* slots of the hash of stack pages */
/* QEMU 7.2 mistakes one for the other: ask for both, look at the information. */
#define BOTH (PLUGIN_MEM_R | PLUGIN_MEM_W)

enum home { HOME_TABLE = 5, HOME_KPAGED = 6, HOME_KERNEL = 10 };

/* What is said; grading/border.c has the sentences. */
enum border {
	B_CALL, B_RETURN, B_RETURN_KERNEL, B_POINTER, B_SEALED, B_STORE_TABLE,
	B_STORE_PROGRAM, B_STORE_IMAGE, B_STORE_OTHER, B_STORE_FRAME,
	B_STORE_JUDGE, B_TEXT, B_READ_TEXT, B_KINDS
};

struct range {
	uint64_t lo, hi;
};

struct list {
	struct range *v;
	size_t n;
};

/* Data of an object that judges, and the code that may write it. */
struct guard {
	struct range data, code;
};

struct stack_page {
	uint64_t page;          /* 0: a free slot */
	bool frame;             /* a user's registers are at its top */
	uint32_t back[WORDS];   /* return address, low half, by word */
};

static struct {
	bool on;
	struct range text, stubs, boot_stack;
	struct list lab_code, lab_data, imports, sealed, functions, helpers;
	struct list starts;     /* functions that a new stack returns to */
	struct list turns;      /* where another thread's stack is taken */
	struct list bulk;       /* code that fills and copies, see Rule 5 */
	struct list entries;    /* code that saves a program's registers */
	struct guard *guard;
	size_t nguards;
	uint64_t guard_lo, guard_hi;
	uint8_t *guard_of;      /* by byte of guard_lo … guard_hi: which, or 0 */
	bool *lent;             /* by word: helpers have business with it */
	uint64_t root_at;       /* address of kernel_root */
	uint64_t image_end;
	uint64_t direct, pfdb, arena, arena_end, kpaged, kpaged_end;
	const uint8_t *ram;
	uint64_t ram_bytes;
	uint64_t text_sum;
	struct stack_page *stack[STACKS];
	unsigned said[B_KINDS];
	struct {
		const struct block *last;
		uint64_t back;      /* where the return that was just made goes */
		bool returned;
		bool outside;       /* in a function that the submission called */
		uint64_t slot;      /* of the return address written last */
		uint64_t until;     /* outside: a return from there or above ends it */
		struct stack_page *page; /* used last */
	} cpu[MAXCPU];
} b;

static void
seen(enum border what, uint64_t from, uint64_t to)
{
	uint64_t v[3] = { what, from, to };

	if (b.said[what]++ < SAID_MOST)
		witness_say("border", v, 3);
}

/* ---- the map ---- */

static void
add(struct list *l, uint64_t lo, uint64_t hi)
{
	if ((l->n & (l->n + 1)) == 0)
		l->v = realloc(l->v, (2 * l->n + 2) * sizeof *l->v);
	if (l->v == NULL)
		_exit(3);
	l->v[l->n++] = (struct range){ lo, hi };
}

/* Of a sorted list. */
static const struct range *
find(const struct list *l, uint64_t va)
{
	size_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (l->v[mid].hi <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && va >= l->v[lo].lo ? &l->v[lo] : NULL;
}

static bool
in(const struct list *l, uint64_t va)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (va >= l->v[i].lo && va < l->v[i].hi)
			return true;
	return false;
}

static void
map_line(const char *line)
{
	static const struct {
		const char *word;
		struct list *list;
	} lists[] = { { "lab", &b.lab_code }, { "data", &b.lab_data },
		{ "import", &b.imports }, { "sealed", &b.sealed },
		{ "function", &b.functions }, { "helper", &b.helpers },
		{ "start", &b.starts }, { "entry", &b.entries },
		{ "bulk", &b.bulk },
		{ "switch", &b.turns } };
	static const struct {
		const char *word;
		uint64_t *lo, *hi;
	} ranges[] = { { "text", &b.text.lo, &b.text.hi },
		{ "stubs", &b.stubs.lo, &b.stubs.hi },
		{ "bootstack", &b.boot_stack.lo, &b.boot_stack.hi },
		{ "arena", &b.arena, &b.arena_end },
		{ "kpaged", &b.kpaged, &b.kpaged_end },
		{ "base", &b.direct, &b.pfdb }, { "root", &b.root_at, NULL },
		{ "image", &b.image_end, NULL } };
	unsigned long v[4] = { 0 };
	char word[32];
	size_t i;

	if (sscanf(line, "%31s %lx %lx %lx %lx", word, &v[0], &v[1], &v[2],
		&v[3]) < 2)
		return;
	for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (strcmp(word, lists[i].word) == 0)
			add(lists[i].list, v[0], v[1]);
	for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (strcmp(word, ranges[i].word) == 0) {
			*ranges[i].lo = v[0];
			if (ranges[i].hi != NULL)
				*ranges[i].hi = v[1];
		}
	if (strcmp(word, "guard") != 0)
		return;
	b.guard = realloc(b.guard, (b.nguards + 1) * sizeof *b.guard);
	if (b.guard == NULL)
		_exit(3);
	b.guard[b.nguards++] =
	    (struct guard){ { v[0], v[1] }, { v[2], v[3] } };
	if (b.guard_lo == 0 || v[0] < b.guard_lo)
		b.guard_lo = v[0];
	if (v[1] > b.guard_hi)
		b.guard_hi = v[1];
}

static bool
guards_index(void)
{
	uint64_t va;
	size_t i;

	/* By byte: two objects of the kernel may share a word. */
	b.guard_of = calloc(b.guard_hi - b.guard_lo + 64, 1);
	b.lent = calloc((b.guard_hi - b.guard_lo) / 8 + 1, sizeof *b.lent);
	if (b.guard_of == NULL || b.lent == NULL || b.nguards > UINT8_MAX)
		return false;
	for (i = 0; i < b.nguards; i++)
		for (va = b.guard[i].data.lo; va < b.guard[i].data.hi; va++)
			b.guard_of[va - b.guard_lo] = (uint8_t)(i + 1);
	return true;
}

bool
border_read(const char *path)
{
	char line[256];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return false;
	while (fgets(line, sizeof line, f) != NULL)
		map_line(line);
	fclose(f);
	b.on = b.lab_code.n > 0 && guards_index();
	return b.on;
}

bool
border_ram(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	b.ram = p;
	b.ram_bytes = (uint64_t)st.st_size;
	return true;
}

/* ---- the guest's memory ---- */

static uint64_t
word_at(uint64_t pa)
{
	uint64_t v = 0;

	if (b.ram != NULL && pa + 8 <= b.ram_bytes)
		memcpy(&v, b.ram + pa, 8);
	return v;
}

/* Through the kernel's tables; 0: not mapped. */
static uint64_t
pa_of(uint64_t va)
{
	uint64_t table = word_at(b.root_at - IMAGE_BASE), w;
	int level;

	for (level = 4; level > 0; level--) {
		w = word_at((table & 0xffffffffff000ul) +
			    ((va >> (12 + 9 * (level - 1))) & 511) * 8);
		if ((w & 1) == 0)
			return 0;
		if (level == 1 || (w & 0x80) != 0) {
			uint64_t bytes = 1ul << (12 + 9 * (level - 1));

			return (w & 0xffffffffff000ul & ~(bytes - 1)) |
			       (va & (bytes - 1));
		}
		table = w;
	}
	return 0;
}

/* What the frame database says of a frame. */
static enum border
judge_frame(uint64_t pa)
{
	uint64_t row = pa_of(b.pfdb + (pa / PAGE) * FRAME_BYTES), home;

	if (row == 0)
		return B_STORE_OTHER;
	home = word_at(row) >> 60;
	if (home == HOME_TABLE)
		return B_STORE_TABLE;
	if (home == HOME_KPAGED)
		return B_KINDS;
	if (home != HOME_KERNEL)
		return B_STORE_PROGRAM;
	return word_at(row + FRAME_SLAB) != 0 ? B_KINDS : B_STORE_TABLE;
}

static uint64_t
sum_text(void)
{
	uint64_t h = 1469598103934665603u, pa, end;

	end = b.text.hi - IMAGE_BASE;
	for (pa = b.text.lo - IMAGE_BASE; pa < end; pa += 8)
		h = (h ^ word_at(pa)) * 1099511628211u;
	return h;
}

void
border_check_text(void)
{
	uint64_t sum = b.on && b.ram != NULL ? sum_text() : 0;

	if (b.text_sum == 0)
		b.text_sum = sum;
	else if (sum != b.text_sum)
		seen(B_TEXT, 0, 0);
}

/* ---- stacks ---- */

static struct stack_page *
stack_page(unsigned cpu, uint64_t va, bool make)
{
	uint64_t page = va / PAGE;
	struct stack_page *p = b.cpu[cpu].page, **slot;
	unsigned i;

	if (p != NULL && p->page == page)
		return p;
	for (i = 0; i < STACKS; i++) {
		slot = &b.stack[(page + i) % STACKS];
		if (*slot != NULL && (*slot)->page == page)
			return b.cpu[cpu].page = *slot;
		if (*slot != NULL)
			continue;
		if (!make || (p = calloc(1, sizeof *p)) == NULL)
			return NULL;
		p->page = page;
		*slot = p;
		return b.cpu[cpu].page = p;
	}
	return NULL;
}

/* A call wrote its return address to va. */
static void
called(unsigned cpu, uint32_t info, uint64_t va, void *back)
{
	struct stack_page *p;

	if (!qemu_plugin_mem_is_store(info))
		return; /* call *8(%rax) reads, too */
	b.cpu[cpu].slot = va;
	p = stack_page(cpu, va, true);
	if (p != NULL)
		p->back[va / 8 % WORDS] = (uint32_t)(uintptr_t)back;
}

/* A return read it there. */
static void
returned(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	struct stack_page *p = stack_page(cpu, va, false);

	(void)info;
	(void)arg;
	/* On its own stack: another thread's is elsewhere. */
	if (va - b.cpu[cpu].until < STACK_BYTES)
		b.cpu[cpu].outside = false;
	b.cpu[cpu].returned = true;
	b.cpu[cpu].back = p != NULL ? p->back[va / 8 % WORDS] : 0;
}

/* A stub saved a register: where a program's are, nobody else writes. */
static void
saved(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	struct stack_page *p;

	(void)arg;
	if (va % PAGE < PAGE - TRAP_FRAME || !qemu_plugin_mem_is_store(info))
		return;
	p = stack_page(cpu, va, true);
	if (p != NULL)
		p->frame = true;
}

/* ---- stores ---- */

/* The submission writes to va: B_KINDS if it may. */
static enum border
judge_store(unsigned cpu, uint64_t va)
{
	struct stack_page *p = stack_page(cpu, va, false);

	if (p != NULL)
		return p->frame && va % PAGE >= PAGE - TRAP_FRAME
			   ? B_STORE_FRAME
			   : B_KINDS;
	if (va >= IMAGE_BASE)
		return in(&b.lab_data, va) ||
			       (va >= b.boot_stack.lo && va < b.boot_stack.hi)
			   ? B_KINDS
			   : B_STORE_IMAGE;
	if (va >= b.direct && va - b.direct < b.ram_bytes) {
		uint64_t pa = va - b.direct;

		if (pa >= b.text.lo - IMAGE_BASE &&
		    pa < b.image_end - IMAGE_BASE)
			return B_STORE_IMAGE;
		return judge_frame(pa);
	}
	if (va >= b.kpaged && va < b.kpaged_end)
		return B_KINDS;
	if (va >= b.pfdb && va < b.arena)
		return B_KINDS;
	return B_STORE_OTHER;
}

/*
 * The submission reads or writes va.  Nothing reads code but who looks for
 * something in it.
 */
static void
lab_accesses(unsigned cpu, uint32_t info, uint64_t va, void *pc)
{
	enum border what = B_KINDS;

	if (qemu_plugin_mem_is_store(info))
		what = judge_store(cpu, va);
	else if (va >= b.text.lo && va < b.text.hi &&
		 find(&b.functions, va) != NULL)
		what = B_READ_TEXT;
	if (what != B_KINDS)
		seen(what, (uint64_t)(uintptr_t)pc, va);
}

/* The kernel writes to va: is it data of what judges? */
static void
kernel_stores(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	uint64_t pc = (uint64_t)(uintptr_t)arg;
	const struct guard *g;
	unsigned i;

	if (va >= b.direct && va - b.direct < b.ram_bytes)
		va = va - b.direct + IMAGE_BASE;
	if (va - b.guard_lo >= b.guard_hi - b.guard_lo)
		return;
	i = b.guard_of[va - b.guard_lo];
	if (i == 0) /* it may begin before what it writes to */
		i = b.guard_of[va - b.guard_lo +
			       (1u << qemu_plugin_mem_size_shift(info)) - 1];
	if (i == 0 || !qemu_plugin_mem_is_store(info))
		return;
	g = &b.guard[i - 1];
	if (pc >= g->code.lo && pc < g->code.hi)
		return;
	if (in(&b.helpers, pc) && !b.cpu[cpu % MAXCPU].outside)
		b.lent[(va - b.guard_lo) / 8] = true;
	if (!in(&b.helpers, pc) || !b.lent[(va - b.guard_lo) / 8])
		seen(B_STORE_JUDGE, pc, va);
}

/* ---- blocks ---- */

static void
watch_kernel(struct qemu_plugin_insn *insn, const uint8_t *p, size_t n)
{
	uint64_t va = qemu_plugin_insn_vaddr(insn);
	size_t left = n;
	const uint8_t *op = opcode(p, &left);

	if (is_call(op, left))
		qemu_plugin_register_vcpu_mem_cb(insn, called, PLUGIN_NO_REGS,
		    BOTH, (void *)(uintptr_t)(va + n));
	else if (is_return(op))
		qemu_plugin_register_vcpu_mem_cb(insn, returned,
		    PLUGIN_NO_REGS, BOTH, NULL);
}

void
border_translated(struct block *blk, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb), bytes = 0;
	struct qemu_plugin_insn *insn = NULL;
	const struct range *fn;
	const uint8_t *p = NULL;
	uint64_t va = 0;
	bool entry, bulk;

	if (!b.on || blk->va < IMAGE_BASE || n == 0)
		return;
	fn = find(&b.functions, blk->va);
	blk->fn = fn != NULL ? fn->lo : 1;
	blk->fn_end = fn != NULL ? fn->hi : 0;
	blk->lab = in(&b.lab_code, blk->va);
	if (blk->lab && b.text_sum == 0)
		border_check_text(); /* as it is before its first instruction */
	blk->stub = blk->va >= b.stubs.lo && blk->va < b.stubs.hi;
	blk->import = find(&b.imports, blk->va) != NULL;
	blk->sealed = find(&b.sealed, blk->va) != NULL;
	blk->turns = in(&b.turns, blk->va);
	entry = !blk->lab && in(&b.entries, blk->va);
	bulk = in(&b.bulk, blk->va);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		p = qemu_plugin_insn_data(insn);
		bytes = qemu_plugin_insn_size(insn);
		va = qemu_plugin_insn_vaddr(insn);
		watch_kernel(insn, p, bytes);
		if (blk->stub || entry)
			qemu_plugin_register_vcpu_mem_cb(insn, saved,
			    PLUGIN_NO_REGS, BOTH, NULL);
		if (blk->lab) {
			qemu_plugin_register_vcpu_mem_cb(insn, lab_accesses,
			    PLUGIN_NO_REGS, BOTH, (void *)(uintptr_t)va);
		} else if (!bulk && stores_elsewhere(p, bytes)) {
			qemu_plugin_register_vcpu_mem_cb(insn, kernel_stores,
			    PLUGIN_NO_REGS, BOTH,
			    (void *)(uintptr_t)va);
		}
	}
	end_of(blk, va, p, bytes);
}

/* ---- edges ---- */

/* The submission's code was left, otherwise than by a return. */
static void
lab_left(unsigned cpu, const struct block *from, const struct block *to)
{
	b.cpu[cpu].outside = true;
	b.cpu[cpu].until = b.cpu[cpu].slot;
	if (!to->import)
		seen(B_CALL, from->va, to->va);
}

static void
went_back(unsigned cpu, const struct block *from, const struct block *to)
{
	if ((uint32_t)to->va == (uint32_t)b.cpu[cpu].back ||
	    (!from->lab && in(&b.starts, to->va)))
		return;
	seen(from->lab ? B_RETURN : B_RETURN_KERNEL, from->va, to->va);
}

/* The block before ended so that its end is judged. */
static void
judge_edge(unsigned cpu, const struct block *from, const struct block *to)
{
	if (b.cpu[cpu].returned && from->end == END_RETURN) {
		went_back(cpu, from, to);
	} else if (from->lab && !to->lab) {
		lab_left(cpu, from, to);
	} else if (from->end == END_POINTER && !to->lab) {
		if (to->va != to->fn &&
		    (to->va < from->fn || to->va >= from->fn_end))
			seen(B_POINTER, from->va, to->va);
		else if (to->sealed)
			seen(B_SEALED, from->va, to->va);
	}
}

void
border_runs(unsigned cpu, const struct block *to)
{
	const struct block *from = b.cpu[cpu % MAXCPU].last;

	cpu %= MAXCPU;
	b.cpu[cpu].last = to;
	/* Programs; and an interrupt that came between, or a fault. */
	if (from != NULL && from->fn != 0 && to->fn != 0 && !to->stub &&
	    (from->lab || from->end >= END_POINTER))
		judge_edge(cpu, from, to);
	b.cpu[cpu].returned = false;
	if (to->lab || to->turns)
		b.cpu[cpu].outside = false;
}
