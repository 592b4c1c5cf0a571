/* NEEDS: OWN=1 MEM=512M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * A child that was forked and waits takes at most 48 KiB: its seven page tables,
 * its kernel stack and the two pages that fork() of the C library writes are 44
 * of them; its mappings and all that the kernel knows of it are the rest.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/test.h"

#define CHILDREN 256
#define MOST (48 * 1024L)

/* Frames that nobody has.  -1: not on Vadose. */
static long
unused(void)
{
	long free_frames = 0, zeroed = 0;
	char text[512], *at;
	int fd = open("/proc/vm/frames", O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0);
	text[n] = '\0';
	OK(close(fd));
	at = strstr(text, " free=");
	CHECK(at != NULL);
	EQ(sscanf(at, " free=%ld zeroed=%ld", &free_frames, &zeroed), 2);
	return free_frames + zeroed;
}

/* So many children that wait; their numbers lie where fork() writes anyway. */
static long
fork_and_end(int n)
{
	long before = unused(), taken;
	pid_t children[n];

	for (int i = 0; i < n; i++) {
		children[i] = OK(fork());
		if (children[i] == 0) {
			pause();
			_exit(0);
		}
	}
	usleep(300000);
	taken = before - unused();
	for (int i = 0; i < n; i++) {
		OK(kill(children[i], SIGKILL));
		EQ(waitpid(children[i], NULL, 0), children[i]);
	}
	return taken;
}

int
main(void)
{
	long taken;

	if (unused() < 0) {
		printf("skipped: needs the counters of Vadose\n");
		return 0;
	}
	/* What the first forks find missing, and what is kept for the next ones. */
	fork_and_end(CHILDREN / 8);
	taken = fork_and_end(CHILDREN);
	printf("%ld bytes each\n", taken * PAGE / CHILDREN);
	LE(taken * PAGE, CHILDREN * MOST);
	return test_done();
}
