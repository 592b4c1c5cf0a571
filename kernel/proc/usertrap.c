/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usertrap.c: traps of a program become signals
 *
 * Problem   The machine reports vectors; a program gets signals with the
 *           code, address and registers that Linux documents (book: abi 3).
 *
 * Picture   page fault ─→ vm_user_fault ─→ fine │ SIGSEGV, SIGBUS, SIGKILL
 *           other exception ─→ table ─→ signal
 *           system call ─→ the dispatch of sys/
 *           on the way back ─→ sig_deliver, if something waits
 *
 * Rules     1. Faults of the kernel in user memory are vm/'s alone; they end
 *              the copy with -EFAULT and send nothing.
 *           2. For a kernel-half address the error code says "present", so
 *              the layout of the kernel is not leaked.
 *
 * Read next proc/sigdeliver.c, vm/fault/driver.c.  Book: ch01.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "lib/errno.h"
#include "lib/string.h"

#define PF_PRESENT 1ul
#define KERNEL_HALF (1ul << 47)
#define VEC_DB 1
#define VEC_PF 14
#define VEC_MF 16
#define VEC_XM 19
#define FX_CWD 0
#define FX_SWD 2
#define FX_MXCSR 24

static int on_fault(struct trapframe *, va_t, enum access, bool user);
static void on_exception(struct trapframe *, unsigned vector);
static void on_return(struct trapframe *);
static void watch_calls(bool on);

static struct {
	void (*call)(struct trapframe *); /* [c] the dispatch of sys/ */
} sys;

static struct trap_ops ops = { /* [c] .syscall: of sys/ */
	.fault = on_fault,
	.exception = on_exception,
	.user_return = on_return,
};

/* Traps of user mode come here from now on.  Locks: none; boot. */
void
usertrap_init(void)
{
	tracee_init(watch_calls);
	md_trap_set_user(&ops);
}

static void
watched_call(struct trapframe *tf)
{
	trace_call(tf, sys.call);
}

/* While a thread is traced, whoever it is, calls go by way of tracestop.c.
 * Locks: proc_lock held. */
static void
watch_calls(bool on)
{
	HELD(&proc_lock);
	ops.syscall = on ? watched_call : sys.call;
	md_trap_set_user(&ops);
}

/* The dispatch of system calls.  Locks: none; boot. */
void
proc_set_syscall(void (*fn)(struct trapframe *))
{
	ops.syscall = sys.call = fn;
	md_trap_set_user(&ops);
}

/* The last thing before user mode.  Nearly always nothing waits: no signal, no mask
 * to put back, no call to restart. */
static void
on_return(struct trapframe *tf)
{
	struct task *tk = task_current();

	if ((atomic_load(&tk->thread->pending) | (unsigned)tk->forced.signo |
	    tk->mask_saved | tk->proc->cpu_watch) == 0 &&
	    (tf->vector != MD_VEC_SYSCALL || (int64_t)tf->rax > -ERESTARTSYS))
		return;
	sig_deliver(tk, tf);
}

static void
remember_trap(unsigned vector, uint64_t error, va_t cr2)
{
	struct task *tk = task_current();

	tk->trap_no = vector;
	tk->trap_error = error;
	tk->trap_cr2 = cr2;
}

static int
on_fault(struct trapframe *tf, va_t va, enum access access, bool user)
{
	struct vm_siginfo si = { .signo = 0 };
	uint64_t error = tf->error;

	if (!user)
		return vm_kernel_fault(va, access);
	if (va < KERNEL_HALF) {
		if (vm_user_fault(proc_current()->as, va, access, &si) == 0 ||
		    si.signo == 0)
			return 0;
		if (si.signo == SIGSEGV && vm_fault_upcall(proc_current()->as, va,
		    access, tf))
			return 0;
	} else {
		si = (struct vm_siginfo){ SIGSEGV, SEGV_MAPERR, va };
		error |= PF_PRESENT;
	}
	remember_trap(VEC_PF, error, va);
	sig_force(si.signo, si.code, si.addr);
	return 0;
}

/* Vectors 0 … 19; code 0 and no signal: handled apart, or cannot happen. */
static const struct {
	uint8_t signo;
	int16_t code;
	bool at_rip;             /* si_addr is rip, else 0 */
} exceptions[20] = {
	[0] = { SIGFPE, FPE_INTDIV, true },
	[1] = { SIGTRAP, TRAP_TRACE, true },
	[3] = { SIGTRAP, SI_KERNEL, false },
	[4] = { SIGSEGV, SI_KERNEL, false },
	[5] = { SIGSEGV, SI_KERNEL, false },
	[6] = { SIGILL, ILL_ILLOPN, true },
	[7] = { SIGILL, ILL_ILLOPN, true },
	[10] = { SIGSEGV, SI_KERNEL, false },
	[11] = { SIGBUS, SI_KERNEL, false },
	[12] = { SIGBUS, SI_KERNEL, false },
	[13] = { SIGSEGV, SI_KERNEL, false },
	[17] = { SIGBUS, BUS_ADRALN, false },
};

/* Which of the x87 or SSE exceptions it is. */
static int
fpe_code(unsigned vector)
{
	struct thread *t = thread_current();
	const uint8_t *fx = t->md.fpu;
	uint16_t cwd, swd;
	uint32_t mxcsr, now;

	md_fpu_save(&t->md);
	memcpy(&cwd, fx + FX_CWD, sizeof(cwd));
	memcpy(&swd, fx + FX_SWD, sizeof(swd));
	memcpy(&mxcsr, fx + FX_MXCSR, sizeof(mxcsr));
	now = vector == VEC_MF ? swd & ~cwd : mxcsr & ~(mxcsr >> 7);
	if ((now & 1) != 0)
		return FPE_FLTINV;
	if ((now & 4) != 0)
		return FPE_FLTDIV;
	if ((now & 8) != 0)
		return FPE_FLTOVF;
	if ((now & 0x12) != 0)
		return FPE_FLTUND;
	return (now & 0x20) != 0 ? FPE_FLTRES : FPE_FLTINV;
}

static void
on_exception(struct trapframe *tf, unsigned vector)
{
	remember_trap(vector, tf->error, 0);
	if (vector == VEC_MF || vector == VEC_XM) {
		sig_force(SIGFPE, fpe_code(vector), tf->rip);
		return;
	}
	if (vector == VEC_DB && md_debug_has_hit(&thread_current()->md)) {
		sig_force(SIGTRAP, TRAP_HWBKPT, tf->rip);
		return;
	}
	if (vector >= ARRAY_LEN(exceptions) || exceptions[vector].signo == 0) {
		sig_force(SIGSEGV, SI_KERNEL, 0);
		return;
	}
	sig_force(exceptions[vector].signo, exceptions[vector].code,
	    exceptions[vector].at_rip ? tf->rip : 0);
}
