/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic.c: the end, with as much evidence as can be had
 *
 * Problem   Something cannot be true.  Stop before more is damaged, and say
 *           where, how we came there, and what happened just before.
 *
 * Picture   PANIC: message
 *           CPU, thread, registers (of a trap)
 *           backtrace with names
 *           the last trace records
 *           held locks
 *           → end hook (the emulator ends) → md_halt_forever()
 *
 * Rules     1. No locks, no allocation; each step may itself fail.  A second
 *              panic on the same CPU prints one line and ends.
 *           2. The first CPU talks; the others are stopped, one that panics
 *              too waits for that.
 *
 * Read next amd64/trap.c, which turns faults of the kernel into panic_trap().
 */
#include "kern/kernfn.h"
#include "kern/ksym.h"
#include "lib/poison.h"
#include "lib/string.h"
#include "mem/mem.h"

#define NOBODY 0u
#define MAXFRAMES 24
#define LAST_RECORDS 16

static struct {
	uint32_t cpu;            /* [A] who panics + 1 */
	void (*end)(void);       /* [c] */
} panics;

static void emergency_put(struct out *o, const char *text, size_t n);

static struct out panic_out = { .put = emergency_put };

static void
emergency_put(struct out *o, const char *text, size_t n)
{
	klog_emergency(text, n);
}

void
panic_set_end(void (*fn)(void))
{
	panics.end = fn;
}

/* ---- first and last ---- */

/* Only the first panic of the machine returns from here. */
static void
begin(void)
{
	uint32_t nobody = NOBODY, me;

	md_irq_disable();
	me = md_lock_word();
	if (atomic_cas(&panics.cpu, &nobody, me)) {
		md_preempt_disable();
		md_stop_others();
		return;
	}
	if (nobody == me) {
		md_early_write("PANIC within a panic\n", 21);
		if (panics.end != NULL)
			panics.end();
		md_halt_forever();
	}
	/* Another CPU has panicked first; let its stop request reach us. */
	md_preempt_disable();
	md_irq_enable();
	for (;;)
		md_pause();
}

static void NORETURN
finish(void)
{
	void (*end)(void) = panics.end;

	if (end != NULL)
		end();
	md_halt_forever();
}

/* ---- names ---- */

/*
 * The function that pc lies in.
 *
 * Returns:  false: not in the kernel, or no table is linked.
 */
bool
ksym_find(uint64_t pc, const char **name, uint64_t *offset)
{
	uint64_t lo = 0, hi, mid;

	if (&ksym_count == NULL || ksym_count == 0 || pc < ksym_addr[0])
		return false;
	/* ksym_addr[lo] <= pc < ksym_addr[hi] */
	for (hi = ksym_count; hi - lo > 1;) {
		mid = lo + (hi - lo) / 2;
		if (ksym_addr[mid] <= pc)
			lo = mid;
		else
			hi = mid;
	}
	*name = &ksym_str[ksym_name[lo]];
	*offset = pc - ksym_addr[lo];
	return true;
}

static void
show_address(uint64_t pc)
{
	const char *name;
	uint64_t offset;

	if (ksym_find(pc, &name, &offset))
		out_printf(&panic_out, "  %lx %s+0x%lx\n", pc, name, offset);
	else
		out_printf(&panic_out, "  %lx\n", pc);
}

/* ---- the parts of the report ---- */

static const struct {
	uint64_t pattern;
	const char *meaning;
} poisons[] = {
	{ POISON_FRAME, "a freed frame" },
	{ POISON_FREE, "a freed object" },
	{ POISON_NEW, "an object that was never initialised" },
	{ POISON_RED, "the red zone behind an object" },
};

/* A register near a poison value shows what was misused. */
static void
explain_poison(const char *reg, uint64_t v)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(poisons); i++) {
		if (v - poisons[i].pattern + PAGE_SIZE < 2 * PAGE_SIZE)
			out_printf(&panic_out, "%s comes from %s\n", reg,
			    poisons[i].meaning);
	}
}

static void
show_registers(const struct trapframe *tf, uint64_t cr2)
{
	const struct {
		const char *name;
		uint64_t v;
	} regs[] = {
		{ "rax", tf->rax }, { "rbx", tf->rbx }, { "rcx", tf->rcx },
		{ "rdx", tf->rdx }, { "rsi", tf->rsi }, { "rdi", tf->rdi },
		{ "rbp", tf->rbp }, { "rsp", tf->rsp }, { "r8 ", tf->r8 },
		{ "r9 ", tf->r9 }, { "r10", tf->r10 }, { "r11", tf->r11 },
		{ "r12", tf->r12 }, { "r13", tf->r13 }, { "r14", tf->r14 },
		{ "r15", tf->r15 }, { "rip", tf->rip }, { "cr2", cr2 },
		{ "flg", tf->rflags }, { "cs ", tf->cs },
		{ "vec", tf->vector }, { "err", tf->error },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(regs); i++)
		out_printf(&panic_out, "%s %016lx%s", regs[i].name, regs[i].v,
		    i % 4 == 3 ? "\n" : "  ");
	out_printf(&panic_out, "\n");
	for (i = 0; i < ARRAY_LEN(regs); i++)
		explain_poison(regs[i].name, regs[i].v);
	if (kva_is_guard(cr2))
		out_printf(&panic_out, "cr2 is below a kernel stack: "
		    "the stack has overflowed\n");
}

static void
show_backtrace(const struct trapframe *tf)
{
	uint64_t pcs[MAXFRAMES];
	unsigned i, n = md_backtrace(pcs, MAXFRAMES, tf);

	out_printf(&panic_out, "backtrace:\n");
	for (i = 0; i < n; i++)
		show_address(pcs[i]);
}

static void NORETURN
report(const struct trapframe *tf, uint64_t cr2)
{
	struct thread *t = md_current();

	out_printf(&panic_out, "CPU %u, thread %s %u\n", md_cpu(),
	    t == NULL ? "none" : t->name, t == NULL ? 0 : t->id);
	if (tf != NULL)
		show_registers(tf, cr2);
	show_backtrace(tf);
	out_printf(&panic_out, "last events:");
	ev_trace_show_last(&panic_out, LAST_RECORDS);
	if (t != NULL)
		lockrank_show(&panic_out, t);
	finish();
}

/* ---- entries ---- */

void
panic(const char *fmt, ...)
{
	va_list ap;

	begin();
	out_printf(&panic_out, "\nPANIC: ");
	va_start(ap, fmt);
	out_vprintf(&panic_out, fmt, ap);
	va_end(ap);
	out_printf(&panic_out, "\n");
	report(NULL, 0);
}

void
panic_assert(const char *what)
{
	panic("%s", what);
}

/*
 * A fault of the kernel itself.
 *
 * Context:  trap, also on the double-fault stack.
 */
void
panic_trap(const struct trapframe *tf, uint64_t cr2, const char *what)
{
	begin();
	out_printf(&panic_out, "\nPANIC: %s in the kernel, rip %lx cr2 %lx\n",
	    what, tf->rip, cr2);
	report(tf, cr2);
}
