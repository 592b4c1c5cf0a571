/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c: the per-CPU area, feature bits, interrupt and preemption state
 *
 * Problem   Code must know at any moment on which CPU and in which thread it
 *           runs, and must be able to say "not now" to interrupts and to the
 *           scheduler.
 *
 * Picture   GS base → struct cpu.  In user mode the other base is loaded;
 *           swapgs at each entry and exit exchanges the two.
 *
 * Rules     1. One instruction reads or counts a field of this CPU, so that
 *              no interrupt can move us to another CPU in between.
 *           2. need_resched stays set until the scheduler takes it; we look
 *              at it when preemption or interrupts come on again, at the end
 *              of an interrupt, and before user mode.
 *           3. The stack canary is set before the first function that keeps
 *              it for long: md_early_init() itself has none.
 *           4. No CPU is called (IPI) while a lock is held here: it would at
 *              once spin for that lock, and the call is slow; in an emulator
 *              the spinning even holds it up.
 *
 * Read next kernel/amd64/trap.c, kernel/amd64/gdt.c.  Book: ch03.
 */
#define MD_INLINE extern inline /* here they are for who cannot inline them */
#include "amd64/amd64.h"
#include "events.h"
#include "lib/string.h"

/* Bits of need_resched: the own run queue; CPUs that are to be called. */
enum { RESCHED_HERE = 1, RESCHED_THERE = 2 };

#define RAM_MIN_SMP (31ul << 20) /* "32 MiB", less the firmware's share */

struct cpu cpu_rows[MAXCPU];

static uint8_t boot_ist[IST_BYTES] __attribute__((aligned(16)));

struct cpu_features cpu_features; /* [c] after md_early_init() */
uint8_t cpu_smap;                 /* [c] */
uintptr_t __stack_chk_guard;      /* [c]; name given by the compiler */

void __stack_chk_fail(void) NORETURN;

_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "asm.h");
_Static_assert(offsetof(struct cpu, kstack) == CPU_KSTACK, "asm.h");
_Static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "asm.h");
_Static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "asm.h");
_Static_assert(offsetof(struct cpu, need_resched) == CPU_NEED_RESCHED, "asm.h");
_Static_assert(offsetof(struct cpu, irq_depth) == CPU_IRQ_DEPTH, "asm.h");
_Static_assert(offsetof(struct cpu, id) == CPU_ID, "asm.h");
_Static_assert(offsetof(struct cpu, lock_word) == CPU_LOCK_WORD, "asm.h");
_Static_assert(offsetof(struct cpu, word) == CPU_WORD, "asm.h");
_Static_assert(CPU_IRQ_DEPTH == CPU_PREEMPT + 4, "md_may_sleep()");
_Static_assert(sizeof(struct cpu) == MD_ROW, "rows of MD_COUNT()");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "asm.h");
_Static_assert(offsetof(struct trapframe, arg) == TF_ARGS, "asm.h");
_Static_assert(offsetof(struct trapframe, cs) == TF_CS, "asm.h");

static void find_features(void);
static void load_control_registers(void);
static void load_syscall_registers(void);
static void call_owed(void);
static void call_owed_now(void);

/*
 * The first C function: make faults reportable and set the canary.
 *
 * Context:  CPU 0, boot stack, interrupts off, loader's map.
 */
__attribute__((no_stack_protector)) void
md_early_init(void)
{
	struct cpu *c = &cpu_rows[0];

	find_features();
	c->ist = boot_ist;
	cpu_load(c);
	earlycon_init();
	/* The lowest byte is 0: a string cannot run over the canary. */
	__stack_chk_guard = md_entropy() & ~0xfful;
}

struct cpu *
cpu_of(unsigned id)
{
	return &cpu_rows[id];
}

/*
 * Make this CPU the one described by c, whose ist is set.
 *
 * Context:  once per CPU, interrupts off.
 */
void
cpu_load(struct cpu *c)
{
	c->self = c;
	c->id = c - cpu_rows;
	c->lock_word = c->id + 1;
	c->tlb_state = TLB_NONE;
	gdt_load(c);
	idt_load();
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	load_control_registers();
	load_syscall_registers();
	fpu_init();
}

static void
find_features(void)
{
	struct cpuid basic = cpuid(0, 0), f = { 0, 0, 0, 0 };

	if (basic.a >= 7)
		f = cpuid(7, 0);
	cpu_features.smep = (f.b & BIT(7)) != 0;
	cpu_features.smap = (f.b & BIT(20)) != 0;
	cpu_features.umip = (f.c & BIT(2)) != 0;
	cpu_features.rdrand = (cpuid(1, 0).c & BIT(30)) != 0;
	cpu_smap = cpu_features.smap;
}

static void
load_control_registers(void)
{
	uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (cpu_features.smep)
		cr4 |= CR4_SMEP;
	if (cpu_features.smap)
		cr4 |= CR4_SMAP;
	if (cpu_features.umip)
		cr4 |= CR4_UMIP;
	write_cr0(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_MP | CR0_PE);
	write_cr4(cr4);
}

static void
load_syscall_registers(void)
{
	wrmsr(MSR_EFER, EFER_LME | EFER_NXE | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)SEL_UBASE << 48 | (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_CSTAR, 0);
	wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL |
	    RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
}

void
__stack_chk_fail(void)
{
	panic("stack canary of %p overwritten", __builtin_return_address(0));
}

/* ---- who am I (also inline.h) ---- */

/*
 * The thread that this CPU runs from now on.
 *
 * Context:  interrupts off, or the first thread of the CPU.
 */
void
md_set_current(struct thread *t)
{
	struct cpu *c = cpu_this();

	c->md = (struct md_thread *)t;
	c->current = t;
}

/*
 * Locks:    none; the CPU itself, or before it starts.
 */
void
md_set_word(unsigned cpu, enum md_word word, uint64_t v)
{
	cpu_rows[cpu].word[word] = v;
}

int64_t
md_word_sum(unsigned word)
{
	uint64_t sum = 0, cpus = md_online_mask();

	do {
		sum += atomic_load_relaxed(
		    &cpu_rows[__builtin_ctzl(cpus)].word[word]);
		cpus &= cpus - 1;
	} while (cpus != 0);
	return (int64_t)sum;
}

/* ---- preemption (also inline.h) ---- */

void
md_set_need_resched(void)
{
	__asm__ volatile("orl %1, %%gs:%c0" : : "i"(CPU_NEED_RESCHED),
	    "i"(RESCHED_HERE) : "memory", "cc");
}

/* Also calls the CPUs that are still to be called: no lock is held here. */
bool
md_take_need_resched(void)
{
	uint32_t v = 0;

	ASSERT(!md_irq_is_enabled());
	__asm__ volatile("xchgl %0, %%gs:%c1" : "+r"(v)
	    : "i"(CPU_NEED_RESCHED) : "memory");
	call_owed();
	return (v & RESCHED_HERE) != 0;
}

/* Call the scheduler if it is due and this context may be preempted. */
void
md_maybe_resched(void)
{
	uint32_t due = CPU_READ32(CPU_NEED_RESCHED);

	if (due == 0 || md_preempt_count() != 0)
		return;
	if ((due & RESCHED_THERE) != 0)
		call_owed_now();
	if ((CPU_READ32(CPU_NEED_RESCHED) & RESCHED_HERE) != 0 && !md_in_irq())
		trap_call_resched();
}

/* ---- calling other CPUs, once no lock is held ---- */

static void
send_call(unsigned cpu)
{
	EVENT(sched_calls);
	apic_send(cpu, VEC_RESCHED);
}

/*
 * Make CPU cpu look at its run queue: at once, or when preemption comes on.
 * Who wakes a thread often holds a lock that the thread wants next (rule 4).
 *
 * Context:  any.
 */
void
md_send_resched(unsigned cpu)
{
	uint64_t flags = md_irq_save();
	struct cpu *c = cpu_this();

	if (cpu == c->id) {
		md_set_need_resched();
	} else if (c->preempt == 0) {
		send_call(cpu);
	} else {
		EVENT(sched_calls_put_off);
		c->owed |= BIT(cpu);
		c->need_resched |= RESCHED_THERE;
	}
	md_irq_restore(flags);
}

/* Interrupts off, no lock held. */
static void
call_owed(void)
{
	struct cpu *c = cpu_this();
	uint64_t owed = c->owed;
	unsigned id;

	c->owed = 0;
	c->need_resched &= ~RESCHED_THERE;
	for (id = 0; owed != 0; id++, owed >>= 1)
		if ((owed & 1) != 0)
			send_call(id);
}

/* The same with interrupts on or off; not by md_irq_restore(): it calls us. */
static void
call_owed_now(void)
{
	bool on = md_irq_is_enabled();

	md_irq_disable();
	call_owed();
	if (on)
		md_irq_enable();
}

/* ---- interrupts (also inline.h) ---- */

void
md_irq_on_again(void)
{
	md_irq_enable();
	if (CPU_READ32(CPU_NEED_RESCHED) != 0)
		md_maybe_resched();
}

/* ---- waiting ---- */

void
md_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* sti takes effect after hlt has begun: an interrupt in between wakes it. */
void
md_idle(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}

/* ---- start-up in steps: the order is in amd64.h ---- */

static void
check_memory(void)
{
	const struct boot_info *b = boot_info();
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < b->nranges; i++)
		bytes += b->range[i].end - b->range[i].start;
	if (acpi_info()->ncpus > 1 && bytes < RAM_MIN_SMP)
		boot_fatal("%lu KiB of memory is too little for %u CPUs: "
		    "32 MiB are needed", bytes >> 10, acpi_info()->ncpus);
}

void
md_init_early(void)
{
	acpi_init();
	check_memory();
	pt_init();
}

void
md_init(void)
{
	pt_use_phys();
	apic_init();
}
