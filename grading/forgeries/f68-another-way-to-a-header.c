/*
 * Includes a header of a room above vm/ by another name of it, and says of the program
 * that it ended well.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
#define SIGBUS SIGBUS_
#define SIGKILL SIGKILL_
#define SIGSEGV SIGSEGV_
#include "./proc/procdat.h"
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
