/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the room of processes starts, and registers with lower rooms
 *
 * Problem   fs/ needs the credentials of a call, and vm/ the user who takes memory,
 *           but neither knows processes: proc/ registers functions for them.
 *
 * Read next proc/start.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

/* A process that was told to end may take the memory that its end needs. */
static bool
acts_for_user(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL && !cred_may(&tk->proc->cred, CAP_SYS_ADMIN) &&
	    !thread_is_killed();
}

static const struct cred *
current_cred(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL ? &tk->proc->cred : NULL;
}

/*
 * Tables, traps and text files, before the first process.
 *
 * Locks:    none; boot.
 */
void
proc_init(void)
{
	proctab_init();
	group_init();
	fs_set_cred_fn(current_cred);
	vm_set_user_fn(acts_for_user);
	futex_init();
	usertrap_init();
	jobctl_init();
	sigfile_init();
	pidfd_init();
	sigio_init();
	itimer_init();
	procinfo_init();
	sysinfo_init();
	loadavg_init();
}
