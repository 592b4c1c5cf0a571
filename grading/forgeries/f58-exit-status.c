/*
 * Says of the program that it ended well: what the judge is told stands in the
 * process.  A header of a room above vm/ is refused.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
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
		task->proc->wait_status = 0;
}
