/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigfile.c: what a signalfd gives, and who is told when there is more
 *
 * Problem   fs/ knows no signals, and a watch of a signalfd may outlive the process
 *           whose signals it waits for.
 *
 * Picture   post_locked ─→ tell: the watches of all processes with such a number,
 *                          who look
 *
 * Read next fs/event/signalfd.c, proc/sigmask.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "fs/fscall.h"
#include "lib/errno.h"
#include "lib/string.h"

#define LISTS 64u

static struct ready lists[LISTS];    /* [c] by number of the process */

/* struct signalfd_siginfo. */
struct sigtext {
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trap;
	int32_t status, value_int;
	uint64_t value, utime, stime, addr;
	uint8_t none[48];
};
_Static_assert(sizeof(struct sigtext) == SIGNALFD_BYTES, "as on Linux");

/* A signal of p is pending.  Locks: proc_lock held. */
void
sigfile_tell_locked(const struct proc *p)
{
	HELD(&proc_lock);
	ready_tell(&lists[(unsigned)p->pid % LISTS], POLLIN);
}

static struct ready *
current_list(void)
{
	return &lists[(unsigned)proc_current()->pid % LISTS];
}

static bool
has(uint64_t set)
{
	struct task *tk = task_current();

	return UNDER(&proc_lock, ((tk->pending.set | tk->proc->pending.set) & set) != 0);
}

static bool
is_of_fault(const struct siginfo *si)
{
	return si->signo == SIGILL || si->signo == SIGFPE || si->signo == SIGSEGV ||
	    si->signo == SIGBUS || si->signo == SIGTRAP;
}

/* Which fields there are depends on who has sent it. */
static void
write_text(const struct siginfo *si, struct sigtext *t)
{
	bool by_kernel = si->code > SI_USER && si->code < SI_KERNEL;

	*t = (struct sigtext){ .signo = (uint32_t)si->signo, .err = si->err,
		.code = si->code };
	if (by_kernel && is_of_fault(si)) {
		t->addr = si->addr;
		return;
	}
	if (si->code == SI_TIMER) {
		t->tid = (uint32_t)si->timer;
		t->overrun = (uint32_t)si->overruns;
		t->value = si->value;
		t->value_int = (int32_t)si->value;
		return;
	}
	t->pid = (uint32_t)si->pid;
	t->uid = si->uid;
	if (by_kernel && si->signo == SIGCHLD) {
		t->status = si->status;
		t->utime = (uint64_t)si->utime;
		t->stime = (uint64_t)si->stime;
	} else if (si->code < 0) {
		t->value = si->value;
		t->value_int = (int32_t)si->value;
	}
}

static int
take(uint64_t set, bool nowait, uint8_t out[SIGNALFD_BYTES])
{
	struct siginfo si;
	struct sigtext t;
	int r = sig_wait(set, nowait ? 0 : WAIT_FOREVER, &si);

	if (r < 0)
		return r == -EINTR ? -ERESTARTSYS : r;
	write_text(&si, &t);
	memcpy(out, &t, sizeof(t));
	return 0;
}

/* Locks: none; boot. */
void
sigfile_init(void)
{
	static const struct signalfd_ops ops = { .has = has, .take = take,
		.at = current_list };
	unsigned i;

	for (i = 0; i < LISTS; i++)
		ready_init(&lists[i]);
	signalfd_set_ops(&ops);
}
