/* NEEDS: MEM=96M CPUS=1,2 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: two CPUs run in any order */
/*
 * A process that /proc calls a zombie can be waited for at once: while its memory
 * goes back it still runs.  One that has stopped is shown so, and one that was told to
 * go on, or to end, does not sleep any more.
 */
#include "lib/children.h"
#include "lib/test.h"

#define TIMES 10

static char
state_of(pid_t pid)
{
	pid_t parent;
	char state;

	CHECK(process_stat(pid, &state, &parent));
	EQ(parent, getpid());
	return state;
}

static void
until(pid_t pid, char state)
{
	while (state_of(pid) != state)
		;
}

static pid_t
one_with_pages(size_t pages)
{
	volatile bool *ready = (void *)pages_shared(1);
	pid_t pid = OK(fork());

	if (pid == 0) {
		char *p = pages_private(pages);

		for (size_t i = 0; i < pages; i++)
			p[i * PAGE] = 1;
		*ready = true;
		for (;;)
			pause();
	}
	while (!*ready)
		sleep_ms(1);
	until(pid, 'S');
	OK(munmap((void *)ready, PAGE));
	return pid;
}

int
main(void)
{
	int status;

	for (int i = 0; i < TIMES; i++) {
		pid_t pid = one_with_pages(32 * MIB / PAGE / TIMES * (size_t)(i + 1));

		OK(kill(pid, SIGSTOP));
		EQ(waitpid(pid, &status, WUNTRACED), pid);
		EQ(state_of(pid), 'T');
		OK(kill(pid, SIGCONT));
		CHECK(state_of(pid) != 'T');
		until(pid, 'S');
		OK(kill(pid, SIGKILL));
		CHECK(state_of(pid) != 'S');
		until(pid, 'Z');
		EQ(waitpid(pid, &status, WNOHANG), pid);
		EQ(WTERMSIG(status), SIGKILL);
	}
	return test_done();
}
