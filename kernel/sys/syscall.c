/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.c: from a number to a function
 *
 * Problem   A program names a call by a number in rax, which may be anything.
 *
 * Picture   rax ─→ syscall_rows[] ─→ sys_NAME(a) ─→ rax
 *                  syscall_own_rows[]: from 4096 on, what Linux does not have
 *                  │ no row: -ENOSYS, logged once per number
 *
 * Rules     1. Numbers are signed 32-bit; a number without a row changes
 *              nothing.
 *           2. Arguments are rdi rsi rdx r10 r8 r9, as the program gave them:
 *              a handler casts them to the types of its call.
 *           3. exec and sigreturn write the whole frame themselves and clear
 *              its vector; their result is not stored.
 *
 *           4. A call that fails for lack of memory has changed nothing.  If there was
 *              no frame, but programs have pages that can be evicted, the call waits
 *              and is made again: no program need know how full memory was.
 *
 * Read next the handler you care about.
 */
#include "sys/sys.h"

#include "fs/fscall.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vm/evidence/stat.h"

#define AGAIN_MAX 16 /* times that a call is made anew */
#define NR_SAID 512 /* behind the numbers of Linux */

static struct {
	uint64_t said[NR_SAID / 64]; /* [A] numbers reported missing */
} sys;

static void dispatch(struct trapframe *);
static void look_after(void);
static int64_t missing(int32_t nr);

/* Every system call comes here.  Locks: none; boot. */
void
sys_init(void)
{
	proc_set_syscall(dispatch);
	fs_set_fsize_fn(sys_fsize_limit);
	fs_set_no_reader_fn(sys_no_reader);
}

static inline __attribute__((always_inline)) int64_t
call(const struct trapframe *tf)
{
	int32_t nr = (int32_t)tf->rax;

	if (nr >= 0 && nr < SYSCALL_ROWS && syscall_rows[nr].fn != NULL)
		return syscall_rows[nr].fn(tf->arg);
	if (nr >= SYSCALL_OWN && nr < SYSCALL_OWN + SYSCALL_OWN_ROWS)
		return syscall_own_rows[nr - SYSCALL_OWN].fn(tf->arg);
	return missing(nr);
}

/* See sys.h.  Another thread may have been refused, or this one long ago: then the call is
 * made once more in vain.  Locks: none. */
bool
sys_is_made_again(unsigned *tries)
{
	if ((*tries)++ == AGAIN_MAX || !vm_frames_come())
		return false;
	EVENT(page_calls_again);
	return true;
}

/* Names that Linux has for want of memory, of a lock and a message, too. */
static inline bool
wants_memory(int64_t r)
{
	return r == -ENOMEM || r == -ENOLCK || r == -ENOBUFS;
}

static __attribute__((noinline)) int64_t
call_again(const struct trapframe *tf, int64_t r)
{
	unsigned tries = 0;

	while (wants_memory(r) && sys_is_made_again(&tries))
		r = call(tf);
	return r;
}

static void
dispatch(struct trapframe *tf)
{
	int64_t r = call(tf);

	if (UNLIKELY(r < 0) && wants_memory(r))
		r = call_again(tf, r);
	if (tf->vector == MD_VEC_SYSCALL)
		tf->rax = (uint64_t)r;
	if (evidence_is_asked())
		look_after();
}

/* After a call: checks that were asked for, and what a bad sector has taken. */
static void
look_after(void)
{
	vm_check_syscall();
	if (vm_is_lost(proc_current()->as))
		sig_force(SIGKILL, 0, 0);
	sched_point();
}

static int64_t
missing(int32_t nr)
{
	uint64_t bit = BIT(nr & 63);

	if (nr >= 0 && nr < NR_SAID &&
	    (atomic_or(&sys.said[nr / 64], bit) & bit) == 0)
		klog("%s: system call %d is not provided",
		    thread_current()->name, nr);
	return -ENOSYS;
}

/* ---- restarts ---- */

/* See sys.h.  Locks: none. */
int64_t
sys_restart_later(int64_t (*fn)(const uint64_t a[6]), const uint64_t *arg)
{
	struct task *tk = task_current();

	tk->restart_fn = fn;
	memcpy(tk->restart_arg, arg, sizeof(tk->restart_arg));
	return -ERESTART_BLOCK;
}

/* The kernel itself put this number into rax: go on with the wait. */
int64_t
sys_restart_syscall(const uint64_t a[6])
{
	struct task *tk = task_current();
	int64_t (*fn)(const uint64_t *) = tk->restart_fn;
	uint64_t arg[6] = { 0 };
	int64_t r;

	tk->restart_fn = NULL;
	memcpy(arg, tk->restart_arg, sizeof(tk->restart_arg));
	r = fn != NULL ? fn(arg) : -EINTR;
	/* Rule 4: if the call is made again, it continues from here. */
	if (r == -ENOMEM)
		tk->restart_fn = fn;
	return r;
}

/* ---- structs that grow ---- */

/* See sys.h.  Locks: none. */
int
sys_struct_copyin(void *out, size_t mine, va_t from, uint64_t size)
{
	static const uint8_t zeros[64];
	uint8_t part[sizeof(zeros)];
	uint64_t at, n;

	if (from > MD_USER_END || size > MD_USER_END - from)
		return -EFAULT;
	for (at = mine; at < size; at += n) {
		n = MIN(size - at, sizeof(part));
		if (copyin(part, from + at, n) != 0)
			return -EFAULT;
		if (memcmp(part, zeros, n) != 0)
			return -E2BIG;
	}
	memset(out, 0, mine);
	return copyin(out, from, MIN(size, mine));
}

/* ---- masks of a call ---- */

/* See sys.h.  Locks: none. */
int
sys_mask_begin(va_t set, uint64_t size)
{
	uint64_t mask;

	if (set == 0)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copyin(&mask, set, sizeof(mask)) < 0)
		return -EFAULT;
	sig_suspend_mask(mask);
	return 0;
}

/* See sys.h.  Locks: none. */
void
sys_mask_end(void)
{
	struct task *tk = task_current();

	if (!tk->mask_saved)
		return;
	tk->mask_saved = false;
	sig_set_blocked(tk->saved_mask);
}

