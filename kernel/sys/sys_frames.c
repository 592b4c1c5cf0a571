/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_frames.c: calls of programs that own physical frames (seed 004)
 *
 * Problem   A program of design frames splits, gives and maps memory itself.  Each call
 *           is one function of the design, under one lock.
 *
 * Picture   frame_split(f, off) ─→ frame_enter: who asks? ─→ frame_split(who, …)
 *           proc_new(f) ─→ record of a number of our own ─→ proc_clone ─→ its number
 *                          the child's first fetch, at 0, faults: it waits
 *           proc_start(child, regs) ─→ the answer to that fault
 *
 * Rules     1. In other designs each call is -ENOSYS.
 *           2. User memory is read before, and written after the lock is held.
 *           3. A process is made with all that may fail before it is seen.
 *
 * Read next vm/design/frames/frames.h.  Book: ch18.
 */
#include "sys/sys.h"

#include "lib/errno.h"
#include "vm/design/frames/frame_space.h"

static int
enter(int *who)
{
	return frame_enter(proc_current()->as, proc_current()->pid, proc_may(CAP_SYS_ADMIN), who);
}

/* r = expr, where who is the record of who asks. */
#define ASKED(r, expr)                                                    \
	do {                                                              \
		int who;                                                  \
		r = enter(&who);                                          \
		if (r == 0) {                                             \
			r = (expr);                                       \
			frame_leave();                                    \
		}                                                         \
	} while (0)

/* sys_NAME() is NAME(who, its arguments): one step of the mechanism, and no more. */
#define STEP(name, ...)                                                   \
	int64_t sys_##name(const uint64_t a[6])                           \
	{                                                                 \
		int r;                                                    \
		ASKED(r, name(who, ##__VA_ARGS__));                       \
		return r;                                                 \
	}

STEP(frame_split, (uint32_t)a[0], a[1])
STEP(frame_merge, (uint32_t)a[0], (uint32_t)a[1])
STEP(frame_give, (uint32_t)a[0], (int)a[1])
STEP(frame_allow, (int)a[0], (uint32_t)a[1])
STEP(frame_count)
STEP(frame_table, (uint32_t)a[0], a[1], (int)a[2])
STEP(frame_untable, (uint32_t)a[0])
STEP(frame_map, (uint32_t)a[0], (uint32_t)a[1], a[2], (unsigned)a[3])
STEP(frame_unmap, (uint32_t)a[0], (uint32_t)a[1], a[2])
STEP(frame_segment_space, (int)a[0], (uint32_t)a[1])
STEP(vspace_swap, (int)a[0], (uint32_t)a[1])
STEP(vspace_self)

int64_t
sys_frame_info(const uint64_t a[6])
{
	struct frame_info info;
	int r;

	ASKED(r, frame_info(who, (uint32_t)a[0], &info));
	return r < 0 ? r : copyout(a[1], &info, sizeof(info));
}

/* ---- processes ---- */

/*
 * The record is made under a number that no process has, for the child's own is known
 * only when it could run; it waits in its first fault until then.
 */
int64_t
sys_proc_new(const uint64_t a[6])
{
	struct clone_req req = { .exit_signal = SIGCHLD };
	static _Atomic int numbers;
	int number = INT32_MAX - (int)(atomic_add(&numbers, 1) & 0xffffff), r;

	r = frame_may_call(proc_current()->as);
	if (r == 0)
		r = as_create(design_by_name("frames"), &req.as);
	if (r < 0)
		return r;
	as_attach_user(req.as);
	ASKED(r, frame_child(who, (uint32_t)a[0], req.as, number));
	if (r >= 0) {
		r = proc_clone(&req);
		frame_number(number, r); /* if r is an error, as_detach_user() ends it */
	}
	as_detach_user(req.as);
	as_put(req.as);
	return r;
}

int64_t
sys_proc_start(const uint64_t a[6])
{
	struct frame_regs regs;
	int r = frame_may_call(proc_current()->as);

	if (r < 0)
		return r;
	if (copyin(&regs, a[1], sizeof(regs)) < 0)
		return -EFAULT;
	ASKED(r, frame_begin(who, (int)a[0], &regs));
	return r;
}

int64_t
sys_frame_fault(const uint64_t a[6])
{
	struct frame_fault fault;
	int r = frame_may_call(proc_current()->as);

	if (r < 0)
		return r;
	if (a[2] > FRAME_FAULT_SIGNAL)
		return -EINVAL;
	if (a[2] == FRAME_FAULT_WAIT) {
		ASKED(r, frame_next_fault(who, (int)a[0], &fault));
		return r < 0 ? r : copyout(a[1], &fault, sizeof(fault));
	}
	if (copyin(&fault, a[1], sizeof(fault)) < 0)
		return -EFAULT;
	fault.access = a[2] == FRAME_FAULT_RESUME;
	ASKED(r, frame_answer(who, (int)a[0], &fault));
	return r;
}
