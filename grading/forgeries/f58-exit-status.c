/*
 * Says of the program that it ended well: what the judge is told stands in the
 * process, and a process lies in memory of the kernel as mappings do.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to memory of the kernel that is not the file's"
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
