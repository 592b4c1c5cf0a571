/* NEEDS: MEM=48M SWAP=256M CPUS=1 TIMEOUT=100 LINUX=no SWEEP=no KIND=exact */
/*
 * A call that goes on after a stop, and finds no frame for its work then, is made
 * again when there is one: it answers as if nothing had been.
 */
#include "lib/events.h"
#include "lib/pressure.h"
#include "lib/sleeps.h"
#include <poll.h>

#define INJECT "/proc/vm/inject"
#define MANY 20   /* more ends than poll has room for without memory */
#define PIPES 40  /* full, they are more than what is free beside a hog */
#define ROUNDS 2000

static char full[64 * KIB];

/* Touch more than there is, time and again. */
static void __attribute__((noreturn))
touch_all(void)
{
	size_t n = meminfo("MemTotal") * 5 / 4;
	char *p = pages_private(n);

	for (;;)
		for (size_t i = 0; i < n; i++)
			p[i * PAGE]++;
}

/* The kernel takes frames at once, and waits for none. */
static void
fill_pipes(void)
{
	int fd[PIPES][2];

	for (int i = 0; i < PIPES; i++) {
		OK(pipe(fd[i]));
		(void)write(fd[i][1], full, sizeof(full));
	}
	for (int i = 0; i < PIPES; i++) {
		OK(close(fd[i][0]));
		OK(close(fd[i][1]));
	}
}

/* Until a call has lacked a frame: only then is one made again. */
static void
lack_frames(void)
{
	pid_t pid = OK(fork());
	int i;

	if (pid == 0)
		touch_all();
	for (i = 0; i < ROUNDS && snap_get(0, "page.calls_again") == 0; i++) {
		fill_pipes();
		snap_all(0);
	}
	CHECK(i < ROUNDS);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
}

static int
poll_many(int end)
{
	struct pollfd p[MANY];

	for (int i = 0; i < MANY; i++)
		p[i] = (struct pollfd){ end, POLLIN, 0 };
	return poll(p, MANY, 100000) == MANY ? 0 : errno;
}

/* Its nth piece of memory after the stop is refused; a process of its own, for no call
 * is made again for a lack of long ago. */
static void
goes_on_without(int nth)
{
	char spec[64];
	int fd[2], status;
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0)
		_exit(poll_many(fd[0]));
	process_sleeps(pid);
	OK(kill(pid, SIGSTOP));
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	snprintf(spec, sizeof(spec), "FI_SLAB:%d:0:1:%d", nth, (int)pid);
	EQ(proc_write(INJECT, spec), 0);
	OK(kill(pid, SIGCONT));
	sleep_ms(50);
	EQ(proc_write(INJECT, "off"), 0);
	EQ(write(fd[1], "x", 1), 1);
	REAP(pid, 0);
	OK(close(fd[0]));
	OK(close(fd[1]));
}

int
main(void)
{
	snap_init();
	need_swap();
	lack_frames();
	for (int nth = 1; nth <= 3; nth++)
		goes_on_without(nth);
	return test_done();
}
