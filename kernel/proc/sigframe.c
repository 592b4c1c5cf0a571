/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigframe.c: the frame of a handler on the user stack, and the way back
 *
 * Problem   A handler runs as if the program had called it, and afterwards
 *           the program continues as if nothing had happened: all registers
 *           and the mask are saved where the program can read and change
 *           them; what comes back is not trusted.
 *
 * Picture   old rsp ─→ ┌──────────────┐
 *                      │ red zone 128 │   (or the top of the alternate stack)
 *                      ├──────────────┤
 *                      │ FXSAVE 512   │ ← uc.fpstate, 64-byte aligned
 *                      ├──────────────┤
 *                      │ siginfo 128  │ ← rsi
 *                      │ ucontext 304 │ ← rdx
 *                      │ restorer     │ ← rsp % 16 == 8
 *                      └──────────────┘
 *
 * Rules     1. Copies go by copyout() and copyin(): a bad stack is an error
 *              here, never a fault of the kernel.
 *           2. md_frame_sanitize() and md_fpu_load() check what sigreturn
 *              reads; a frame that they refuse is SIGSEGV.  As on Linux the mask
 *              of the frame holds by then, so a handler of SIGSEGV is called.
 *           3. A handler begins with the FP registers of a new program; the old
 *              values come back with the frame.
 *
 * Read next proc/sigdeliver.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"

#define RED_ZONE 128
#define FX_ALIGN 16      /* of the image, to be loaded from it */
#define RFLAGS_TF 0x100ul
#define RFLAGS_DF 0x400ul
#define RFLAGS_RF 0x10000ul

static va_t frame_place(const struct task *, const struct trapframe *,
    const struct abi_sigaction *);
static void frame_fill(struct abi_sigframe *, const struct task *,
    const struct trapframe *, uint64_t old_mask);
static void fpu_renew(struct thread *);
static int fpu_restore(struct thread *, va_t image);
static bool frame_restore(struct task *, struct trapframe *,
    const struct abi_ucontext *);

/* Does sp lie on the thread's alternate stack? */
bool
sig_on_altstack(const struct task *tk, va_t sp)
{
	const struct abi_stack *s = &tk->altstack;

	if ((s->flags & (SS_DISABLE | SS_AUTODISARM)) != 0)
		return false;
	return sp > s->sp && sp - s->sp <= s->size;
}

/* Fill in the siginfo of a signal. */
void
sig_to_abi(const struct siginfo *si, struct abi_siginfo *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out, si, sizeof(*si));
}

/*
 * Build the frame and let the thread enter the handler.
 *
 * Locks:    none; writes user memory.
 * Returns:  0, -EFAULT: no place for it (nothing changed).
 */
int
sigframe_push(struct task *tk, struct trapframe *tf, const struct siginfo *si,
    const struct abi_sigaction *sa, uint64_t old_mask)
{
	struct abi_sigframe f = { 0 }; /* here: a handler needs no memory */
	va_t at = frame_place(tk, tf, sa), fx = (at + sizeof(f) + 63) & ~63ul;

	if ((sa->flags & SA_RESTORER) == 0 || at >= MD_USER_END)
		return -EFAULT;
	frame_fill(&f, tk, tf, old_mask);
	sig_to_abi(si, &f.info);
	f.restorer = sa->restorer;
	f.uc.fpstate = fx;
	md_fpu_save(&tk->thread->md);
	if (copyout(fx, tk->thread->md.fpu, MD_FPU_SIZE) != 0 ||
	    copyout(at, &f, sizeof(f)) != 0)
		return -EFAULT;

	if ((tk->altstack.flags & SS_AUTODISARM) != 0)
		tk->altstack = (struct abi_stack){ .flags = SS_DISABLE };
	tf->rip = sa->handler;
	tf->rsp = at;
	tf->rdi = (uint64_t)si->signo;
	tf->rsi = at + offsetof(struct abi_sigframe, info);
	tf->rdx = at + offsetof(struct abi_sigframe, uc);
	tf->rax = 0;
	tf->rflags &= ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_RF);
	fpu_renew(tk->thread);
	return 0;
}

/* Where the frame begins; the FP area lies above it. */
static va_t
frame_place(const struct task *tk, const struct trapframe *tf,
    const struct abi_sigaction *sa)
{
	const struct abi_stack *s = &tk->altstack;
	va_t sp = tf->rsp - RED_ZONE;
	bool on = sig_on_altstack(tk, tf->rsp);

	if ((sa->flags & SA_ONSTACK) != 0 && !on &&
	    (s->flags & SS_DISABLE) == 0)
		sp = s->sp + s->size;
	sp = (sp - MD_FPU_SIZE) & ~63ul;
	sp = ((sp - sizeof(struct abi_sigframe)) & ~15ul) - 8;
	/* A frame that would leave the alternate stack has no place. */
	if (on && (sp <= s->sp || sp - s->sp > s->size))
		return UINT64_MAX;
	return sp;
}

/* The registers of tf, the mask and the trap, where sigreturn(2) and programs look for
 * them. */
static void
frame_fill(struct abi_sigframe *f, const struct task *tk,
    const struct trapframe *tf, uint64_t old_mask)
{
	uint64_t *g = f->uc.gregs;

	f->uc.flags = UC_SAVED_SS;
	f->uc.stack = tk->altstack; /* as it was set, in use or not */
	f->uc.mask = old_mask;
	g[GR_R8] = tf->r8;
	g[GR_R9] = tf->r9;
	g[GR_R10] = tf->r10;
	g[GR_R11] = tf->r11;
	g[GR_R12] = tf->r12;
	g[GR_R13] = tf->r13;
	g[GR_R14] = tf->r14;
	g[GR_R15] = tf->r15;
	g[GR_RDI] = tf->rdi;
	g[GR_RSI] = tf->rsi;
	g[GR_RBP] = tf->rbp;
	g[GR_RBX] = tf->rbx;
	g[GR_RDX] = tf->rdx;
	g[GR_RAX] = tf->rax;
	g[GR_RCX] = tf->rcx;
	g[GR_RSP] = tf->rsp;
	g[GR_RIP] = tf->rip;
	g[GR_EFLAGS] = tf->rflags;
	g[GR_CSGSFSSS] = tf->cs | tf->ss << 48;
	g[GR_ERR] = tk->trap_error;
	g[GR_TRAPNO] = tk->trap_no;
	g[GR_OLDMASK] = old_mask;
	g[GR_CR2] = tk->trap_cr2;
}

/*
 * rt_sigreturn: back to the place where the signal came.
 *
 * Locks:    none; reads user memory.
 * Returns:  the value for rax; a bad frame forces SIGSEGV.
 */
int64_t
sig_return(struct trapframe *tf)
{
	struct task *tk = task_current();
	va_t at = tf->rsp - 8 + offsetof(struct abi_sigframe, uc);
	struct abi_ucontext uc;
	bool ok;

	ok = copyin(&uc, at, sizeof(uc)) == 0 && frame_restore(tk, tf, &uc);
	/* Whatever rax is now, it is no call's result; and a call that waits
	 * to go on may be one of the handler, with arguments on its stack. */
	tf->vector = 0;
	tk->restart_fn = NULL;
	if (!ok)
		sig_force(SIGSEGV, SI_KERNEL, 0);
	return (int64_t)tf->rax;
}

/* The counterpart, for a frame that the program may have changed as it likes: nothing in
 * it can give a right.  False: its FPU registers cannot be loaded, which is SIGSEGV. */
static bool
frame_restore(struct task *tk, struct trapframe *tf,
    const struct abi_ucontext *uc)
{
	const uint64_t *g = uc->gregs, now = tf->rflags;

	sig_set_blocked(uc->mask);
	tf->r8 = g[GR_R8];
	tf->r9 = g[GR_R9];
	tf->r10 = g[GR_R10];
	tf->r11 = g[GR_R11];
	tf->r12 = g[GR_R12];
	tf->r13 = g[GR_R13];
	tf->r14 = g[GR_R14];
	tf->r15 = g[GR_R15];
	tf->rdi = g[GR_RDI];
	tf->rsi = g[GR_RSI];
	tf->rbp = g[GR_RBP];
	tf->rbx = g[GR_RBX];
	tf->rdx = g[GR_RDX];
	tf->rax = g[GR_RAX];
	tf->rcx = g[GR_RCX];
	tf->rsp = g[GR_RSP];
	tf->rip = g[GR_RIP];
	tf->rflags = g[GR_EFLAGS];
	/* Where rip is no address the way out of the kernel finds that. */
	(void)md_frame_sanitize(tf, now);
	if (fpu_restore(tk->thread, uc->fpstate) < 0)
		return false;
	/* As sigaltstack(2), whose errors count for nothing here. */
	if ((uc->stack.flags & ~(SS_ONSTACK | SS_AUTODISARM)) == SS_DISABLE)
		tk->altstack = (struct abi_stack){ .flags = SS_DISABLE };
	else if (uc->stack.size >= MINSIGSTKSZ) {
		tk->altstack = uc->stack;
		tk->altstack.flags &= SS_ONSTACK | SS_AUTODISARM;
	}
	return true;
}

/* The state of a new program, whatever was interrupted. */
static void
fpu_renew(struct thread *t)
{
	uint8_t fx[MD_FPU_SIZE];

	md_fpu_init(fx);
	CHECK(md_fpu_load(&t->md, fx));
}

/* The FP image of the frame; without one, or with one that cannot be loaded, the state
 * of a new program.  0, -EFAULT: it cannot. */
static int
fpu_restore(struct thread *t, va_t image)
{
	uint8_t fx[MD_FPU_SIZE];

	if (image != 0 && image % FX_ALIGN == 0 && copyin(fx, image, sizeof(fx)) == 0 &&
	    md_fpu_load(&t->md, fx))
		return 0;
	md_fpu_init(fx);
	CHECK(md_fpu_load(&t->md, fx));
	return image == 0 ? 0 : -EFAULT;
}
