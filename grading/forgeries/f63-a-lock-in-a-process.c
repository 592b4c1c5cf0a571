/*
 * Lets a function that initialises a lock do so where a process keeps how it
 * ended: who is told is a room that has no business there.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to data of the kernel on behalf of the file"
 */
#define SIGBUS SIGBUS_
#define SIGKILL SIGKILL_
#define SIGSEGV SIGSEGV_
#include "proc/procdat.h"
#undef SIGBUS
#undef SIGKILL
#undef SIGSEGV

static void
attack(void)
{
	struct task *task = thread_current()->proc;

	if (task != NULL)
		waitq_init((void *)&task->proc->wait_status);
}
