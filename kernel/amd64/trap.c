/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.c: what to do about an exception or interrupt
 *
 * Problem   The processor reports a vector; upper rooms know what it means.
 *           Decide which of them is called, and stop at a fault of the kernel.
 *
 * Picture   vector ≥ 32 ─→ device, timer, IPI ─→ end of interrupt
 *           14, user    ─→ trap_ops.fault          (interrupts on)
 *           14, kernel  ─→ in md_copy_user, or kpaged memory?
 *                          trap_ops.fault, else panic
 *           6, kernel   ─→ ud2 of an assert: panic_assert(), as if called
 *           other       ─→ user: trap_ops.exception; kernel: panic
 *           then, to user mode: trap_user_exit(); to the kernel after an
 *           interrupt: the scheduler, if it is due and preemption is on
 *
 * Rules     1. C is entered with interrupts off and left with them off.
 *           2. cr2 is read before interrupts come on.
 *           3. No iret or sysret faults: cs and ss in a frame are ours, and
 *              trap_user_exit() keeps a non-canonical rip from getting there.
 *
 * Read next kernel/amd64/entry.S, then vm/fault/driver.c.  Book: ch06.
 */
#include "amd64/amd64.h"
#include "events.h"
#include "lib/errno.h"
#include "lib/floor.h"
#include "lib/string.h"
#include "mem/mem.h"

enum { PF_ERR_P = 1, PF_ERR_W = 2, PF_ERR_U = 4, PF_ERR_RSV = 8, PF_ERR_FETCH = 16 };
enum { VEC_UD = 6, VEC_GP = 13, VEC_PF = 14 };

#define RFLAGS_USER 0x50dd5ul /* CF PF AF ZF SF TF DF OF RF AC: users' own */
#define RFLAGS_KEPT 0x204000ul /* NT ID: users' own, but not a frame's */

static struct {
	struct trap_ops ops; /* [c] once all rooms have registered */
} traps;

static const char *const vector_name[32] = {
	"divide error", "debug exception", "NMI", "breakpoint", "overflow",
	"bound range", "invalid opcode", "no FPU", "double fault",
	"coprocessor overrun", "invalid TSS", "segment not present",
	"stack fault", "general protection", "page fault", "vector 15",
	"x87 error", "alignment check", "machine check", "SIMD error",
	"virtualization", "control protection", "vector 22", "vector 23",
	"vector 24", "vector 25", "vector 26", "vector 27", "vector 28",
	"VMM communication", "security exception", "vector 31"
};

static void interrupt(struct trapframe *, bool user);
static void dispatch(unsigned vector, bool user);
static void user_exception(struct trapframe *);
static void kernel_exception(struct trapframe *);
static void make_call(struct trapframe *);
static bool smap_gives_way(const struct trapframe *);
static void kernel_page_fault(struct trapframe *, va_t);
static bool is_kpaged(const struct trapframe *, va_t);
static const struct ex_row *find_fixup(uint64_t rip);
static enum access access_of(const struct trapframe *);
static const char *name_kernel_fault(const struct trapframe *, va_t);
static bool is_stack_guard(va_t);

/* Every vector but #DF, NMI, #MC, #DB of the kernel comes here from entry.S. */
void
trap(struct trapframe *tf)
{
	bool user = (tf->cs & 3) != 0;

	if (tf->vector >= VEC_IRQ0)
		interrupt(tf, user);
	else if (user)
		user_exception(tf);
	else
		kernel_exception(tf);

	if (user)
		trap_user_exit(tf);
	else if (tf->vector >= VEC_IRQ0)
		md_maybe_resched();
}

/* ---- interrupts ---- */

static void
interrupt(struct trapframe *tf, bool user)
{
	struct cpu *c = cpu_this();

	c->irq_depth++;
	dispatch(tf->vector, user);
	if (tf->vector != VEC_SPURIOUS)
		apic_eoi();
	c->irq_depth--;
}

/* A vector that nobody asked for is ignored. */
static void
dispatch(unsigned vector, bool user)
{
	if (vector == VEC_TIMER && traps.ops.tick != NULL)
		traps.ops.tick(user);
	else if (vector == VEC_RESCHED)
		md_set_need_resched();
	else if (vector == VEC_TLB)
		tlb_interrupt();
	else if (vector == VEC_CALL)
		smp_call_interrupt();
	else if (vector < VEC_TIMER)
		apic_isa_interrupt(vector - VEC_IRQ0);
}

/* ---- exceptions ---- */

static void
user_exception(struct trapframe *tf)
{
	va_t va = read_cr2();

	if (tf->vector != VEC_PF) {
		if (tf->vector == VEC_DB)
			debug_trap(tf);
		md_irq_enable();
		traps.ops.exception(tf, tf->vector);
		return;
	}
	EVENT(fault_trap);
	if ((tf->error & PF_ERR_RSV) != 0)
		panic_trap(tf, va, "page table of a user is corrupt");
	if (smap_gives_way(tf))
		return;
	md_irq_enable();
	(void)traps.ops.fault(tf, va, access_of(tf), true);
}

/*
 * A program's instruction met its own page as the kernel would, and SMAP refused that.
 * No processor does so; QEMU before 9.1 does, for iret and far returns of programs, and
 * would for ever.  Without SMAP they go on.
 *
 * Context:  interrupts off.
 * Returns:  true: this CPU has it no more, the program may try again.
 */
static bool
smap_gives_way(const struct trapframe *tf)
{
	uint64_t cr4 = read_cr4();

	if ((tf->error & (PF_ERR_P | PF_ERR_U)) != PF_ERR_P || (cr4 & CR4_SMAP) == 0)
		return false;
	write_cr4(cr4 & ~CR4_SMAP);
	klog("CPU %u: no SMAP from now on, this emulator's iret in programs needs that",
	    cpu_this()->id);
	return true;
}

static void
kernel_exception(struct trapframe *tf)
{
	const struct ex_row *fix;

	if (tf->vector == VEC_PF) {
		kernel_page_fault(tf, read_cr2());
		return;
	}
	if (tf->vector == VEC_UD)
		make_call(tf);
	/* #GP in md_copy_user: the user's address is not canonical. */
	fix = tf->vector == VEC_GP ? find_fixup(tf->rip) : NULL;
	if (fix == NULL)
		panic_trap(tf, 0, vector_name[tf->vector]);
	tf->rip = fix->fixup;
}

/*
 * A call that an ASSERT stands for (lib/assert.h): ud1 and the 32 bits of an
 * address.  Both the place of return and the byte before it are in the ud1: so
 * debuggers, too, find the line.
 *
 * Returns:  only if it is not that.
 */
static void
make_call(struct trapframe *tf)
{
	static const uint8_t ud1[] = { 0x0f, 0xb9, 0x04, 0x25 };
	int32_t what;

	if (tf->rip < (va_t)image_start || tf->rip >= (va_t)text_end ||
	    memcmp((const void *)tf->rip, ud1, sizeof ud1) != 0)
		return;
	memcpy(&what, (const void *)(tf->rip + sizeof ud1), sizeof what);
	tf->rdi = (uint64_t)(int64_t)what;
	tf->rip++;
	trap_assert(tf);
}

static void
kernel_page_fault(struct trapframe *tf, va_t va)
{
	const struct ex_row *fix = find_fixup(tf->rip);
	int r;

	EVENT(fault_trap);
	if ((tf->error & PF_ERR_RSV) != 0 ||
	    !(is_kpaged(tf, va) || (fix != NULL && va < MD_USER_END)))
		panic_trap(tf, va, name_kernel_fault(tf, va));
	md_irq_restore(tf->rflags & RFLAGS_IF);
	r = traps.ops.fault(tf, va, access_of(tf), false);
	md_irq_disable();
	if (r != 0 && fix == NULL)
		panic_trap(tf, va, name_kernel_fault(tf, va));
	if (r != 0)
		tf->rip = fix->fixup;
}

/* Pageable memory of the kernel, and the page is not there. */
static bool
is_kpaged(const struct trapframe *tf, va_t va)
{
	return va - MD_KPAGED_BASE < MD_KPAGED_SIZE &&
	    (tf->error & PF_ERR_P) == 0 && traps.ops.fault != NULL;
}

static const struct ex_row *
find_fixup(uint64_t rip)
{
	const struct ex_row *r;

	for (r = ex_table_start; r < ex_table_end; r++)
		if (r->rip == rip)
			return r;
	return NULL;
}

static enum access
access_of(const struct trapframe *tf)
{
	if ((tf->error & PF_ERR_FETCH) != 0)
		return ACCESS_EXEC;
	return (tf->error & PF_ERR_W) != 0 ? ACCESS_WRITE : ACCESS_READ;
}

static const char *
name_kernel_fault(const struct trapframe *tf, va_t va)
{
	bool present = (tf->error & PF_ERR_P) != 0;
	bool fetch = (tf->error & PF_ERR_FETCH) != 0;

	if ((tf->error & PF_ERR_RSV) != 0)
		return "page table of the kernel is corrupt";
	if (is_stack_guard(va))
		return "kernel stack overflow: guard page hit";
	if (va < MD_USER_END && present && fetch)
		return "kernel executed user memory (SMEP)";
	if (va < MD_USER_END && present)
		return "kernel touched user memory (SMAP)";
	if (va < MD_USER_END)
		return "kernel touched a user address";
	if (present && fetch)
		return "kernel executed data (NX)";
	if (present && (tf->error & PF_ERR_W) != 0)
		return "kernel wrote to read-only memory";
	return "page fault in the kernel";
}

static bool
is_stack_guard(va_t va)
{
	va_t boot_guard = (va_t)boot_stack_guard;

	return PAGE_DOWN(va) == boot_guard || kva_is_guard(va);
}

/*
 * A step into the kernel: TF was set in the program, and this processor looks at
 * what it was before syscall.  The program's rflags are in r11; nothing is lost.
 */
static bool
is_step_of_user(const struct trapframe *tf)
{
	return tf->rip == (uint64_t)syscall_entry && (tf->cs & 3) == 0;
}

/*
 * #DF, NMI, #MC, and #DB of the kernel, on their own stacks.  A push onto a full kernel stack ends
 * here as #DF: the processor could not push the page fault either.
 */
void
trap_paranoid(struct trapframe *tf)
{
	va_t va = read_cr2();
	bool hit;

	if (tf->vector == VEC_NMI) {
		while (smp_is_stopping())
			__asm__ volatile("cli; hlt");
		return;
	}
	if (tf->vector == VEC_DB) {
		hit = debug_trap_kernel();
		if (is_step_of_user(tf))
			tf->rflags &= ~RFLAGS_TF;
		else if (!hit)
			panic_trap(tf, va, vector_name[tf->vector]);
		return;
	}
	if (tf->vector == VEC_DF && is_stack_guard(va))
		panic_trap(tf, va, "kernel stack overflow: guard page hit");
	panic_trap(tf, va, vector_name[tf->vector]);
}

/* ---- system calls and the way back ---- */

/*
 * sysret restores rip and rflags, without TF, RF, NT, and what syscall_entry pops.
 * Who writes the rest of the frame (a handler, sigreturn, exec) clears vector.
 */
static bool
may_sysret(const struct trapframe *tf)
{
	return tf->vector == VEC_SYSCALL && tf->rcx == tf->rip &&
	    tf->r11 == tf->rflags && tf->rip < MD_USER_END &&
	    (tf->rflags & (RFLAGS_TF | RFLAGS_RF | RFLAGS_NT)) == 0;
}

/* More is due, or a frame that sysret does not give. */
static __attribute__((noinline)) bool
exit_again(struct trapframe *tf)
{
	trap_user_exit(tf);
	return may_sysret(tf);
}

/*
 * The first turn of trap_user_exit() stands here: nearly always it is the only
 * one, and a call that does nothing is 15 % shorter.
 *
 * Returns:  may it be left by sysret?
 */
bool
trap_syscall(struct trapframe *tf)
{
	md_irq_enable();
	traps.ops.syscall(tf);
	traps.ops.user_return(tf);
	md_irq_disable();
	ASSERT(md_may_sleep());
	if (!CPU_IS_SET(CPU_NEED_RESCHED, "l") && may_sysret(tf))
		return true;
	return exit_again(tf);
}

/*
 * All that is due before user mode runs again.  What arrives while interrupts
 * are on is seen by the next turn: whoever posts a signal to a running thread
 * also sends it md_send_resched().
 *
 * Context:  thread; entered with interrupts on or off, left with them off.
 */
void
trap_user_exit(struct trapframe *tf)
{
	do {
		md_irq_enable();
		if (CPU_IS_SET(CPU_NEED_RESCHED, "l"))
			md_maybe_resched();
		traps.ops.user_return(tf);
		while (UNLIKELY(!is_canonical(tf->rip))) {
			tf->error = 0; /* as iret would say it */
			traps.ops.exception(tf, VEC_GP);
			traps.ops.user_return(tf);
		}
		md_irq_disable();
		ASSERT(md_may_sleep());
	} while ((CPU_READ32(CPU_NEED_RESCHED) & ~RESCHED_TRY) != 0);
}

void
trap_call_resched(void)
{
	if (traps.ops.resched != NULL)
		traps.ops.resched();
}

/* Called once by kern/, before md_start_cpus(). */
void
md_trap_set_sched(void (*tick)(bool user), void (*resched)(void))
{
	traps.ops.tick = tick;
	traps.ops.resched = resched;
}

/* By proc/, before the first user thread; tick, resched kept. */
void
md_trap_set_user(const struct trap_ops *ops)
{
	traps.ops.fault = ops->fault;
	traps.ops.exception = ops->exception;
	traps.ops.syscall = ops->syscall;
	traps.ops.user_return = ops->user_return;
}

/* ---- frames ---- */

/* A frame for a new program (book: abi 2): all zero but these; no call's. */
void
md_frame_init(struct trapframe *tf, va_t entry, va_t sp)
{
	*tf = (struct trapframe){
		.rip = entry, .cs = SEL_UCODE, .rflags = RFLAGS_IF | 2,
		.rsp = sp, .ss = SEL_UDATA
	};
}

/*
 * Take a user's frame (book: abi 4): selectors and rflags made ours.  As
 * on Linux those bits count that a frame may set; the others stay as they are in
 * the program, `now`: NT and ID above all, which a handler inherits.
 *
 * Locks:    none.
 * Returns:  false: rip is not canonical, do not use the frame.
 */
bool
md_frame_sanitize(struct trapframe *tf, uint64_t now)
{
	tf->cs = SEL_UCODE;
	tf->ss = SEL_UDATA;
	tf->rflags = (tf->rflags & RFLAGS_USER) | (now & RFLAGS_KEPT) |
	    RFLAGS_IF | 2;
	return is_canonical(tf->rip);
}
