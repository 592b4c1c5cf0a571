/* NEEDS: MEM=48M SWAP=256M CPUS=1 TIMEOUT=100 LINUX=no SWEEP=no KIND=exact */
/*
 * A call that finds no frame for its work is made again when there is one, and answers as
 * if nothing had been: also one that goes on after a stop, and brk, which tells of no
 * failure.
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

/* The nth piece of memory that the process takes from now on. */
static void
refuse(pid_t pid, int nth)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "FI_SLAB:%d:0:1:%d", nth, (int)pid);
	EQ(proc_write(INJECT, spec), 0);
}

/* Processes of their own: no call is made again for a lack that its thread knows. */
static void
goes_on_without(int nth)
{
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
	refuse(pid, nth);
	OK(kill(pid, SIGCONT));
	sleep_ms(50);
	EQ(proc_write(INJECT, "off"), 0);
	EQ(write(fd[1], "x", 1), 1);
	REAP(pid, 0);
	OK(close(fd[0]));
	OK(close(fd[1]));
}

static char *
brk_to(char *p)
{
	return (char *)syscall(SYS_brk, p);
}

/* The heap ends with a page of another kind, so a mapping is made. */
static void __attribute__((noreturn))
grow_heap(int nth)
{
	char *b = (char *)(((uintptr_t)brk_to(NULL) + PAGE - 1) & -PAGE);

	CHECK(brk_to(b + PAGE) == b + PAGE);
	OK(mprotect(b, PAGE, PROT_READ));
	refuse(getpid(), nth);
	CHECK(brk_to(b + 2 * PAGE) == b + 2 * PAGE);
	EQ(proc_write(INJECT, "off"), 0);
	b[PAGE] = 1;
	_exit(0);
}

static void
heap_grows_without(int nth)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		grow_heap(nth);
	REAP(pid, 0);
}

int
main(void)
{
	snap_init();
	need_swap();
	lack_frames();
	for (int nth = 1; nth <= 3; nth++) {
		goes_on_without(nth);
		heap_grows_without(nth);
	}
	return test_done();
}
