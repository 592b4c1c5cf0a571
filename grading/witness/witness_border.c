/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness_border.c: does the submission's code stay where it belongs?
 *
 * Problem   It runs in ring 0: it can find any function and any table of the
 *           kernel in memory, and have a function of the kernel write there for
 *           it.  What it must not do can only be seen as it is done.
 *
 * Picture            ┌────────── the submission ─────────┐
 *           kernel ─→│ call ─→ a function it imports     │─→ the kernel goes on
 *                 ←──│ ret  ─→ where it was called from  │    within functions,
 *                    │ store ─→ its own data, stacks,    │    called by name or
 *                    │          slabs, frame database,   │    entered at their
 *                    │          paged pool               │    begin; returns to
 *                    └───────────────────────────────────┘    where it was called
 *           its activation ─→ until it returns, the kernel works on its behalf:
 *                    store ─→ data of the object whose code it is
 *
 * Rules     1. A return goes behind the call that wrote the word it reads:
 *              `call` and `ret` of the kernel tell the address of that word, so
 *              a table by address is exact whatever the threads do.
 *           2. A jump through a pointer goes to the begin of a function, or
 *              stays in its own (a switch).  What judges is called by name only.
 *           3. An exception or interrupt may come between any two blocks: its
 *              stub is no target that is judged, and what is done before IRET
 *              is on nobody's behalf.
 *           4. Data of what judges is written by its own object.  Helpers (locks,
 *              lists) write wherever they are told: on behalf of the submission
 *              only to words that were written so before when it was not.
 *           5. Variables of any other object: on behalf of the submission only
 *              an object that names it in its code, or has written to that
 *              variable before when it was not, or works for its owner (the
 *              allocator for who has the cache); helpers may.  What sets words
 *              of page tables does not even write to its own object's.
 *           6. memcpy() and its like write for their caller.  A loop of theirs
 *              that goes upwards is watched at its first store and counted: each
 *              word would double the price.
 *           7. What a function has to keep for its callers it pushes first: by
 *              its pushes and by where its return address lies these words are
 *              known, of the submission's own frames and of all above.  No store
 *              on its behalf goes there, nor into a frame of a test.
 *           8. Only reads the guest's memory.  All CPUs run on one host thread.
 *
 * Read next witness_ram.c, witness_code.c; grading/witness/border.c words all this.
 */
#include "witness/witness.h"

#include <stdlib.h>
#include <string.h>

#define MAXCPU 16
#define TRAP_FRAME 176ul        /* below the image of the FPU */
#define FPU_IMAGE 512ul         /* at the very top of a thread's stack */
#define STACK_SLOT 16384ul      /* kernel/mem/kva.c: the upper half is mapped */
#define FRAME_AT (STACK_SLOT - FPU_IMAGE - TRAP_FRAME)
#define STACKS 4096u            /* slots of their hash */
#define SAID_MOST 8u
#define STUB_BYTES 16ul         /* kernel/amd64/entry.S */
#define VEC_GP 13u
#define VEC_PF 14u
/* QEMU 7.2 mistakes one for the other: ask for both, look at the information. */
#define BOTH (PLUGIN_MEM_R | PLUGIN_MEM_W)

struct stack {
	uint64_t base;
	bool frame;     /* a user's registers are at its top */
	unsigned irq;   /* interrupts of the kernel that are not over */
	uint64_t until; /* the submission is active: its return reads this word */
	uint32_t activation; /* and for the how-manieth time */
	uint64_t entered; /* the function that it called last */
	uint32_t back[STACK_SLOT / 8]; /* return address, low half, by word; 0: read */
	uint32_t runs[STACK_SLOT / 8]; /* the function whose return reads that word */
	unsigned live; /* words of back that are not 0 */
};

static struct {
	struct stack *stack[STACKS];
	unsigned said[B_KINDS];
	uint32_t activations;
	struct {
		const struct block *last;
		struct stack *stack; /* used last */
		uint64_t low;        /* word that a call or return used last */
		uint64_t back;       /* where the return that was just made goes */
		bool due;            /* the block ends with a call or return, still to come */
		bool returned;
		uint64_t gone;       /* the submission jumped from there, to what? */
		struct {
			uint64_t caller; /* of memcpy(); 0: not known */
			uint64_t lo, hi; /* written so far */
		} fill;
	} cpu[MAXCPU];
} b;

void
border_seen(enum border what, uint64_t from, uint64_t to)
{
	uint64_t v[3] = { what, from, to };

	if (b.said[what]++ < SAID_MOST)
		witness_say("border", v, 3);
}

/* ---- stacks ---- */

static struct stack *
stack_of(unsigned cpu, uint64_t va, bool make)
{
	uint64_t base = va >= map.boot_stack.lo && va < map.boot_stack.hi
			    ? map.boot_stack.lo : va & ~(STACK_SLOT - 1);
	struct stack *s = b.cpu[cpu].stack, **slot;
	unsigned i;

	if (s != NULL && s->base == base)
		return s;
	for (i = 0; i < STACKS; i++) {
		slot = &b.stack[(base / STACK_SLOT + i) % STACKS];
		if (*slot != NULL && (*slot)->base == base)
			return *slot;
		if (*slot != NULL)
			continue;
		if (!make || (s = calloc(1, sizeof *s)) == NULL)
			return NULL;
		s->base = base;
		return *slot = s;
	}
	return NULL;
}

static unsigned
word_of(const struct stack *s, uint64_t va)
{
	return (va - s->base) / 8 % (STACK_SLOT / 8);
}

static uint32_t *
back_at(struct stack *s, uint64_t va)
{
	return &s->back[word_of(s, va)];
}

/*
 * This stack is used from its top: a program enters the kernel, or a thread
 * begins.  Who ended here, or went on to a program, did not return.
 */
static void
from_the_top(struct stack *s)
{
	if (s == NULL || s->live == 0)
		return;
	memset(s->back, 0, sizeof s->back);
	s->live = 0;
}

/* Are a program's registers saved there?  Above them lie those of the FPU. */
static bool
is_frame(const struct stack *s, uint64_t va)
{
	return s != NULL && s->frame &&
	       va - s->base >= FRAME_AT;
}

/* Does this CPU do what the submission asked for? */
static bool
on_behalf(unsigned cpu)
{
	const struct stack *s = b.cpu[cpu].stack;

	return s != NULL && s->until != 0 && s->irq == 0;
}

/*
 * QEMU 7.2 goes on telling of a call or return that ended a block: for what a helper
 * reads in the next one, as IRET the GDT, and for the frame that an interrupt stores
 * between the two.  So the first access counts, and of the file's own only where it is
 * no stack.
 */
static bool
is_stack(uint64_t va)
{
	return (va >= map.arena.lo && va < map.arena.hi) ||
	       (va >= map.boot_stack.lo && va < map.boot_stack.hi);
}

/* A call wrote its return address to va. */
static void
called(unsigned cpu, uint32_t info, uint64_t va, void *back)
{
	struct stack *s;

	cpu %= MAXCPU;
	if (!b.cpu[cpu].due || !qemu_plugin_mem_is_store(info) || !is_stack(va))
		return; /* call *8(%rax) reads, too */
	b.cpu[cpu].due = false;
	b.cpu[cpu].low = va;
	b.cpu[cpu].stack = s = stack_of(cpu, va, true);
	if (s == NULL)
		return;
	s->live += *back_at(s, va) == 0;
	*back_at(s, va) = (uint32_t)(uintptr_t)back;
	s->runs[word_of(s, va)] = 0; /* until it begins */
}

/* A return read it there. */
static void
returned(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	struct stack *s;

	(void)info;
	(void)arg;
	cpu %= MAXCPU;
	if (!b.cpu[cpu].due || !is_stack(va))
		return;
	b.cpu[cpu].due = false;
	b.cpu[cpu].stack = s = stack_of(cpu, va, true);
	b.cpu[cpu].low = va;
	b.cpu[cpu].returned = true;
	b.cpu[cpu].back = s != NULL ? *back_at(s, va) : 0;
	if (s == NULL)
		return;
	s->live -= *back_at(s, va) != 0;
	*back_at(s, va) = 0;
	if (s->until != 0 && va >= s->until)
		s->until = 0;
}

/*
 * The submission jumped, and the next that ran is the stub of a fault, which
 * saves its vector at va: where to is two words above.  A pointer outside of the
 * image is a bug, and ends in a panic.
 */
static void
fetched(unsigned cpu, uint64_t va)
{
	uint64_t to = ram_word(va + 16);

	if (to >= IMAGE_BASE)
		border_seen(B_CALL, b.cpu[cpu].gone, to);
	b.cpu[cpu].gone = 0;
}

/* A stub saved a register: where a program's are, nobody else writes. */
static void
saved(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	struct stack *s;

	(void)arg;
	cpu %= MAXCPU;
	if (b.cpu[cpu].gone != 0 && qemu_plugin_mem_is_store(info))
		fetched(cpu, va);
	if (va % STACK_SLOT - FRAME_AT >= TRAP_FRAME ||
	    !qemu_plugin_mem_is_store(info))
		return;
	b.cpu[cpu].stack = s = stack_of(cpu, va, true);
	if (s == NULL)
		return;
	s->frame = true;
	s->until = s->irq = 0; /* nothing is below it */
}

/* The word that the return of the function that runs now will read. */
static uint64_t
return_word(const struct stack *s, uint64_t low)
{
	uint64_t va = low;

	while (va < s->base + STACK_SLOT && s->back[word_of(s, va)] == 0)
		va += 8;
	return va;
}

/*
 * A function begins: called, jumped to by one that is done, or an interrupt came
 * between.  What returns for it is the next word.
 */
static void
begins(unsigned cpu, const struct block *from, const struct block *to)
{
	struct stack *s = b.cpu[cpu].stack;
	uint64_t va;

	if (s == NULL || from->stub ||
	    (from->end != END_DIRECT && from->end != END_POINTER &&
		from->end != END_IRET))
		return;
	va = return_word(s, b.cpu[cpu].low & ~7ul);
	if (va < s->base + STACK_SLOT)
		s->runs[word_of(s, va)] = to->nth;
}

/*
 * Is at va a register that belongs to the caller of the function whose frame it
 * is in?  A compiler pushes them first: right below the return address, each once.
 */
static bool
is_saved(const struct stack *s, uint64_t va)
{
	uint64_t top = return_word(s, va & ~7ul);
	uint32_t fn;
	uint8_t set;

	if (top >= s->base + STACK_SLOT)
		return false;
	fn = s->runs[word_of(s, top)];
	set = map.saves[fn] | map.saves[map.cold_of[fn]];
	return va < top && va >= top - 8ul * (unsigned)__builtin_popcount(set);
}

/* Whose frame va is in: the object that the call below it returns to. */
static unsigned
frame_of(unsigned cpu, const struct stack *s, uint64_t va)
{
	uint64_t low = s == b.cpu[cpu].stack ? b.cpu[cpu].low & ~7ul : s->base;
	uint32_t back = 0;

	for (va &= ~7ul; va > low && back == 0;)
		back = s->back[word_of(s, va -= 8)];
	return map_code_of(back != 0 ? IMAGE_BASE | back : 0);
}

/* ---- stores of the submission ---- */

/*
 * On a stack, of this thread or of another one.  What a judge or a test keeps
 * there is no more its own than its variables; nor is what a caller, whichever,
 * has in registers while others run.
 */
static enum border
judge_stack(unsigned cpu, const struct stack *s, uint64_t va)
{
	unsigned object;

	if (is_frame(s, va))
		return B_STORE_FRAME;
	if (is_saved(s, va))
		return B_STORE_CALLER;
	if (s == b.cpu[cpu].stack && va < b.cpu[cpu].low)
		return B_KINDS;
	object = frame_of(cpu, s, va);
	if (map.judges[object])
		return B_STORE_JUDGE;
	return map.tests[object] ? B_STORE_CALLER : B_KINDS;
}

/* It writes to va: B_KINDS if it may. */
static enum border
judge_store(unsigned cpu, uint64_t va)
{
	if (va >= IMAGE_BASE)
		return list_has(&map.lab_data, va) ||
			       (va >= map.boot_stack.lo &&
				   va < map.boot_stack.hi)
			   ? B_KINDS
			   : B_STORE_IMAGE;
	if (va >= map.arena.lo && va < map.arena.hi) {
		const struct stack *s = stack_of(cpu, va, false);

		if (s != NULL)
			return judge_stack(cpu, s, va);
	}
	return ram_judge(va);
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
		what = !ram_is_where(info, va) ? B_ELSEWHERE
		    : judge_store(cpu % MAXCPU, va);
	else if (va >= map.text.lo && va < map.text.hi &&
		 list_find(&map.functions, va) != NULL)
		what = B_READ_TEXT;
	if (what != B_KINDS)
		border_seen(what, (uint64_t)(uintptr_t)pc, va);
}

/*
 * It saves a register, calls or returns, in its own frame: the gate keeps the stack
 * pointer there.
 */
static void
lab_pushes(unsigned cpu, uint32_t info, uint64_t va, void *pc)
{
	if (!is_stack(va) || !ram_is_where(info, va))
		lab_accesses(cpu, info, va, pc);
}

/* ---- stores of the kernel ---- */

/* A second name of the image: its first one. */
static uint64_t
image_name(uint64_t va)
{
	uint64_t first = va - map.direct + IMAGE_BASE;

	return ram_is_direct(va) && first >= map.text.lo &&
		       first < map.image_end
		   ? first
		   : va;
}

/*
 * For whom does code of this object work?  The nearest caller's object that is
 * another one and no helper: who takes a lock, or has a cache.
 */
static unsigned
works_for(unsigned cpu, unsigned by)
{
	const struct stack *s = b.cpu[cpu].stack;
	uint64_t va = b.cpu[cpu].low, top = s->base + STACK_SLOT;
	unsigned i, object = 0;

	for (i = 0; i < 8 && (va = return_word(s, va)) < top; i++, va += 8) {
		object = map_code_of(IMAGE_BASE |
		    s->back[(va - s->base) / 8 % (STACK_SLOT / 8)]);
		if (object != by && !map.helpers[object])
			return object;
	}
	return 0;
}

/*
 * Code at pc writes n bytes to the image's data: is it its own?  plain: not by
 * string.c.
 */
static void
data_written(unsigned cpu, uint64_t pc, uint64_t va, uint64_t n, bool plain)
{
	bool told = list_find(&map.words, pc) != NULL, fine, *lent, *known;
	unsigned whose = map_data_of(va), by = map_code_of(pc);

	if (whose == 0) /* it may begin before what it writes to */
		whose = map_data_of(va += n - 1);
	if (whose == 0 || (whose == by && !told) ||
	    list_has(&map.lab_data, va) || list_has(&map.locks, va))
		return;
	lent = &map.lent[(va - map.text.hi) / 8];
	known = map_known(va, told ? 0 : by);
	if (!on_behalf(cpu)) {
		*lent |= map.helpers[by] || !plain;
		*known = true;
	}
	if (map.judges[whose])
		fine = *lent && (map.helpers[by] || !plain);
	else
		fine = *known || map.helpers[by];
	if (!fine && (told || works_for(cpu, by) != whose))
		border_seen(map.judges[whose] ? B_STORE_JUDGE : B_STORE_BEHALF,
		    pc, va);
}

/* Does the function that runs, or ev_record() above it, return to the file? */
static bool
file_asked(const struct stack *s, uint64_t low)
{
	uint64_t pc = 0, va = low;
	unsigned i;

	for (i = 0; i < 2 && va < s->base + STACK_SLOT; i++, va += 8) {
		va = return_word(s, va);
		pc = IMAGE_BASE |
		    s->back[(va - s->base) / 8 % (STACK_SLOT / 8)];
		if (list_find(&map.counters, pc) == NULL)
			break;
	}
	return list_has(&map.lab_code, pc);
}

/* ev_add() counts, for a file that has nothing of it in line. */
static void
cell_added(unsigned cpu, uint32_t info, uint64_t va, void *pc)
{
	const struct stack *s = b.cpu[cpu %= MAXCPU].stack;

	if (!qemu_plugin_mem_is_store(info) || va < map.cells.lo ||
	    va >= map.cells.hi || s == NULL || !file_asked(s, b.cpu[cpu].low))
		return;
	if (!ram_is_where(info, va))
		border_seen(B_ELSEWHERE, (uint64_t)(uintptr_t)pc, va);
	else if (!map.counts[(va - map.cells.lo) % map.row / 8 % COUNTERS])
		border_seen(B_COUNT, (uint64_t)(uintptr_t)pc, va);
}

/* A function that the submission called writes to what is of another room? */
static bool
is_foreign(const struct stack *s, uint64_t pc, uint64_t va)
{
	const struct range *fn;
	unsigned owner;

	if (pc - s->entered >= PAGE || (fn = list_find(&map.functions, pc)) ==
	    NULL || fn->lo != s->entered ||
	    list_find(&map.counters, pc) != NULL) /* a process has some, too */
		return false;
	owner = ram_slab_owner(va);
	return owner != 0 && !map.lends[owner] &&
	       map.folder[owner] != map.folder[map_code_of(pc)];
}

/* Code of the kernel at pc writes to a stack: on behalf of the file? */
static void
stack_written(unsigned cpu, uint64_t pc, uint64_t va)
{
	unsigned by = map_code_of(pc);
	const struct stack *s;
	enum border what;

	if (!on_behalf(cpu) || map.judges[by] || map.tests[by] ||
	    (s = stack_of(cpu, va, false)) == NULL)
		return;
	/* A switch of threads stores to what lies above a program's registers. */
	if (va - s->base >= FRAME_AT + TRAP_FRAME)
		return;
	what = judge_stack(cpu, s, va);
	/* A panic's own frame is filled in for it: its backtrace. */
	if (what == B_STORE_JUDGE && works_for(cpu, by) == frame_of(cpu, s, va))
		return;
	if (what != B_KINDS)
		border_seen(what, pc, va);
}

/* The kernel writes to va. */
static void
kernel_stores(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	uint64_t pc = (uint64_t)(uintptr_t)arg, n;
	const struct stack *s;

	if (va >= map.arena.lo && va < map.arena.hi) {
		if (qemu_plugin_mem_is_store(info))
			stack_written(cpu % MAXCPU, pc, va);
		return;
	}
	if (va < map.direct || !qemu_plugin_mem_is_store(info))
		return;
	cpu %= MAXCPU;
	s = b.cpu[cpu].stack;
	if (on_behalf(cpu) && (ram_is_direct(va) ||
		(va >= IMAGE_BASE && va < map.image_end))) {
		if (!ram_is_where(info, va))
			border_seen(B_ELSEWHERE, pc, va);
		if (ram_is_direct(va) && is_foreign(s, pc, va))
			border_seen(B_STORE_BEHALF, pc, va);
	}
	if (ram_is_direct(va))
		ram_word_stored(va - map.direct, pc);
	va = image_name(va);
	n = 1ul << qemu_plugin_mem_size_shift(info);
	if (va >= map.text.hi)
		data_written(cpu, pc, va, n, true);
	else if (ram_home_stored(va, s != NULL && s->until != 0 &&
		     s->entered == map.set_home,
		     s != NULL && s->until != 0 ? s->activation : 0) != B_KINDS)
		border_seen(B_STORE_HOME, pc, va);
}

/*
 * page_copy() and its like begin to write where the submission told them: to a
 * frame that is nobody's, or became somebody's just now.
 */
static void
copy_begins(unsigned cpu, uint64_t caller, uint64_t va)
{
	const struct stack *s = b.cpu[cpu].stack;

	if (on_behalf(cpu) && list_find(&map.copies, s->entered) != NULL &&
	    list_find(&map.copies, caller) != NULL &&
	    ram_is_program(va, s->activation))
		border_seen(B_STORE_PROGRAM, caller, va);
}

/* A function of string.c writes to va, for its caller. */
static void
string_stores(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	uint64_t caller, n;

	(void)arg;
	cpu %= MAXCPU;
	caller = b.cpu[cpu].fill.caller;
	if (caller == 0 || va < map.direct || !qemu_plugin_mem_is_store(info))
		return;
	if (b.cpu[cpu].fill.lo == 0) {
		b.cpu[cpu].fill.lo = va;
		copy_begins(cpu, caller, va);
	}
	n = 1ul << qemu_plugin_mem_size_shift(info);
	b.cpu[cpu].fill.hi = va + n;
	if (ram_is_direct(va) && ram_is_table(va - map.direct))
		border_seen(B_STORE_TABLE, caller, va);
	if (va >= map.arena.lo && va < map.arena.hi)
		stack_written(cpu, caller, va);
	va = image_name(va);
	if (va >= map.text.hi)
		data_written(cpu, caller, va, n, false);
}

/* memcpy() is over: did it run from what it may write into something else? */
static void
fill_over(unsigned cpu)
{
	uint64_t va = image_name(b.cpu[cpu].fill.lo), first = va, n;

	n = b.cpu[cpu].fill.hi - b.cpu[cpu].fill.lo;
	if (!on_behalf(cpu))
		return;
	if (va >= map.arena.lo && va < map.arena.hi) {
		/* Behind a stack lies nothing; who went on elsewhere is seen there. */
		if (n > STACK_SLOT - va % STACK_SLOT)
			n = STACK_SLOT - va % STACK_SLOT;
		for (; va - first < n; va += 8)
			stack_written(cpu, b.cpu[cpu].fill.caller, va);
		return;
	}
	if (va < map.text.hi)
		return;
	for (va = (va | 7) + 1; va - first < n; va += 8)
		if (map_data_of(va) != map_data_of(first))
			data_written(
			    cpu, b.cpu[cpu].fill.caller, va, 8, false);
}

/* ---- blocks ---- */

static bool
calls(const uint8_t *p, size_t n)
{
	size_t left = n;
	const uint8_t *op = opcode(p, &left);

	return is_call(op, left) || is_return(op);
}

static void
watch_calls(struct qemu_plugin_insn *insn, const uint8_t *p, size_t n)
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

static void
watch_stores(const struct block *blk, struct qemu_plugin_insn *insn,
    const uint8_t *p, size_t n, bool saves)
{
	void *pc = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);

	if (saves)
		qemu_plugin_register_vcpu_mem_cb(
		    insn, saved, PLUGIN_NO_REGS, BOTH, NULL);
	if (list_find(&map.counters, blk->va) != NULL)
		qemu_plugin_register_vcpu_mem_cb(
		    insn, cell_added, PLUGIN_NO_REGS, BOTH, pc);
	if (blk->lab)
		qemu_plugin_register_vcpu_mem_cb(insn,
		    is_push(p, n) || calls(p, n) ? lab_pushes : lab_accesses,
		    PLUGIN_NO_REGS, BOTH, pc);
	else if (stores_elsewhere(p, n) && blk->fills == 0)
		qemu_plugin_register_vcpu_mem_cb(insn,
		    blk->string ? string_stores : kernel_stores,
		    PLUGIN_NO_REGS, BOTH, pc);
}

/* A loop that goes upwards: what its one store writes each time, or 0. */
static uint8_t
fills_by(const struct block *blk, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb), bytes;
	struct qemu_plugin_insn *insn;
	unsigned by = 0, stores = 0;
	const uint8_t *p;

	if (blk->end != END_DIRECT || blk->target != blk->va ||
	    list_find(&map.fills, blk->va) == NULL)
		return 0;
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		p = qemu_plugin_insn_data(insn);
		bytes = qemu_plugin_insn_size(insn);
		if (stores_elsewhere(p, bytes)) {
			stores++;
			by = mov_bytes(p, bytes);
		}
	}
	return stores == 1 ? (uint8_t)by : 0;
}

static void
block_judge(struct block *blk)
{
	const struct range *fn = list_find(&map.functions, blk->va);

	blk->fn = fn != NULL ? fn->lo : 1;
	blk->fn_end = fn != NULL ? fn->hi : 0;
	blk->nth = fn != NULL ? (uint32_t)(fn - map.functions.v) + 1 : 0;
	blk->cold = list_find(&map.cold, blk->va) != NULL;
	blk->lab = list_has(&map.lab_code, blk->va);
	blk->stub = blk->va >= map.stubs.lo && blk->va < map.stubs.hi;
	blk->import = list_find(&map.imports, blk->va) != NULL;
	blk->sealed = list_find(&map.sealed, blk->va) != NULL;
	blk->string = !blk->lab && list_has(&map.strings, blk->va);
}

void
border_translated(struct block *blk, struct qemu_plugin_tb *tb)
{
	static bool begun;
	size_t i, n = qemu_plugin_tb_n_insns(tb), bytes;
	struct qemu_plugin_insn *insn;
	const uint8_t *p;
	bool saves;

	if (blk->va < IMAGE_BASE || n == 0)
		return;
	block_judge(blk);
	if (blk->lab && !begun) {
		begun = true;
		ram_check(); /* as all is before its first instruction */
	}
	insn = qemu_plugin_tb_get_insn(tb, n - 1);
	end_of(blk, qemu_plugin_insn_vaddr(insn), qemu_plugin_insn_data(insn),
	    qemu_plugin_insn_size(insn));
	blk->calls = calls(qemu_plugin_insn_data(insn),
	    qemu_plugin_insn_size(insn));
	blk->fills = fills_by(blk, tb);
	saves = blk->stub || (!blk->lab && list_has(&map.entries, blk->va));
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		p = qemu_plugin_insn_data(insn);
		bytes = qemu_plugin_insn_size(insn);
		if (blk->va < map.text.hi &&
		    !ram_is_code(qemu_plugin_insn_vaddr(insn), p, bytes))
			border_seen(B_TEXT, 0, 0);
		map.saves[blk->nth] |= saved_register(p, bytes);
		watch_calls(insn, p, bytes);
		watch_stores(blk, insn, p, bytes, saves);
	}
}

/* ---- edges ---- */

/* The submission begins to run: what it asks for is on its behalf from here. */
static void
lab_entered(unsigned cpu)
{
	struct stack *s = b.cpu[cpu].stack;

	if (s == NULL || s->until != 0)
		return;
	s->until = return_word(s, b.cpu[cpu].low);
	s->activation = ++b.activations;
}

/* The submission's code was left, otherwise than by a return. */
static void
lab_left(unsigned cpu, const struct block *from, const struct block *to)
{
	if (b.cpu[cpu].stack != NULL)
		b.cpu[cpu].stack->entered = to->va;
	if (!to->import)
		border_seen(B_CALL, from->va, to->va);
}

static void
went_back(unsigned cpu, const struct block *from, const struct block *to)
{
	if ((uint32_t)to->va == (uint32_t)b.cpu[cpu].back)
		return;
	if (!from->lab && list_has(&map.starts, to->va)) {
		from_the_top(b.cpu[cpu].stack);
		return;
	}
	border_seen(from->lab ? B_RETURN : B_RETURN_KERNEL, from->va, to->va);
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
			border_seen(B_POINTER, from->va, to->va);
		else if (to->sealed)
			border_seen(B_SEALED, from->va, to->va);
	}
}

/* Into, within and out of memcpy() and its like. */
static void
string_runs(unsigned cpu, const struct block *from, const struct block *to)
{
	bool was = from != NULL && from->string;

	if (was && !to->string && !to->stub && b.cpu[cpu].fill.lo != 0)
		fill_over(cpu);
	if (was && to->string && to->va != to->fn) {
		b.cpu[cpu].fill.hi += to->fills;
		return;
	}
	if (!was)
		b.cpu[cpu].fill.caller = 0;
	b.cpu[cpu].fill.lo = b.cpu[cpu].fill.hi = 0;
	/* Elsewhere than at a begin: an interrupt came between. */
	if (!was && to->string && to->va == to->fn && from != NULL)
		b.cpu[cpu].fill.caller = from->va;
}

static void
interrupt_runs(unsigned cpu, const struct block *from, const struct block *to)
{
	struct stack *s = b.cpu[cpu].stack;
	uint64_t vector = (to->va - map.stubs.lo) / STUB_BYTES;

	/* Faults with an error code, of the instruction that it jumped to. */
	b.cpu[cpu].gone = to->stub && from->lab && from->end == END_POINTER &&
		    (vector == VEC_GP || vector == VEC_PF) ? from->va : 0;
	if (s == NULL)
		return;
	/* Both: the next one was waiting when the one before ended. */
	if (from->end == END_IRET && s->irq > 0)
		s->irq--;
	if (to->stub && from->fn != 0)
		s->irq++;
}

void
border_runs(unsigned cpu, const struct block *to)
{
	const struct block *from = b.cpu[cpu %= MAXCPU].last;

	b.cpu[cpu].last = to;
	b.cpu[cpu].due = to->calls;
	if (from == NULL)
		return;
	if (to->stub || from->end == END_IRET)
		interrupt_runs(cpu, from, to);
	if (to->string || from->string)
		string_runs(cpu, from, to);
	if (from->fn == 0 && to->fn != 0)
		from_the_top(b.cpu[cpu].stack);
	/* Programs; and an interrupt that came between, or a fault. */
	if (from->fn != 0 && to->fn != 0 && !to->stub) {
		if (to->lab && !from->lab && from->end != END_RETURN &&
		    from->end != END_IRET)
			lab_entered(cpu);
		if (to->cold && !from->cold && from->end == END_DIRECT)
			map.cold_of[from->nth] = to->nth;
		else if (to->va == to->fn && !to->cold)
			begins(cpu, from, to);
		if (from->lab || from->end >= END_POINTER)
			judge_edge(cpu, from, to);
	}
	b.cpu[cpu].returned = false;
}
