/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_space.h: spaces of design frames, for its system calls
 *
 * Private for kernel/vm/design/frames/ and kernel/sys/sys_frames.c.
 *
 * Typical use:  r = frame_enter(as, pid, root, &who);       frames_lock is held
 *               r = frame_split(who, …);  frame_leave();
 */
#ifndef VM_DESIGN_FRAMES_FRAME_SPACE_H
#define VM_DESIGN_FRAMES_FRAME_SPACE_H

#include "vm/design/frames/frames.h"
#include "vm/vm.h"

/* Registers of a program: [own].  The call's ABI. */
struct frame_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, rdi, rsi, rdx, r10, r8, r9, r11, rcx, rax;
	uint64_t rip, rflags, rsp, fsbase;
};

/* A fault as frame_fault() reports it, and its answer: [own].  The call's ABI. */
struct frame_fault {
	uint64_t va;
	uint32_t access;       /* enum access */
	uint32_t thread;       /* number of the thread that waits */
	struct frame_regs regs; /* its registers; in an answer: with which it goes on */
};

enum frame_fault_op { FRAME_FAULT_WAIT, FRAME_FAULT_RESUME, FRAME_FAULT_SIGNAL };

/* May programs in this space call at all?  0; -ENOSYS: another design; -ENOMEM: boot
 * without frames=. */
int frame_may_call(const struct aspace *) MUST_CHECK;
/* The record of the caller, in *who.  0: frames_lock is held until frame_leave(); as
 * frame_may_call(); -ESRCH: it has none; -EPERM: nobody is process 0, and the caller may
 * not become it. */
int frame_enter(struct aspace *, int pid, bool may_sit, int *who) MUST_CHECK;
void frame_leave(void);
/* [F]: frame f of pid becomes the record of a process that runs in as, which is new.
 * child; or as frame_proc_new(). */
int frame_child(int pid, uint32_t f, struct aspace *as, int child);
/* No lock: its number was chosen ahead; it may have ended.  pid < 0: it stays. */
void frame_number(int old, int pid);
/* [F], which is dropped while these wait.  Each change wakes all waiters. */
/* Child begins with these registers.  0, -EINVAL: no root, or it has begun; -ESRCH,
 * -EPERM: not a child of pid; -EINTR. */
int frame_begin(int pid, int child, const struct frame_regs *);
/* The next fault of child that pid has not been told of.  0, -ESRCH, -EPERM, -EINTR. */
int frame_next_fault(int pid, int child, struct frame_fault *);
/* The thread in it goes on; access 0: with a signal.  0, -ENOENT: it waits for no
 * answer; -ESRCH, -EPERM. */
int frame_answer(int pid, int child, const struct frame_fault *);

#endif
