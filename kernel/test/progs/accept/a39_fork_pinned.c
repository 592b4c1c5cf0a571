/* NEEDS: MEM=64M CPUS=2 TIMEOUT=120 SHORT=250 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A39: a thread reads from a pipe into a page while another forks 1000
 * times (or as often as the argument says): the data lands in the parent; a
 * child sees old or new bytes, and its view does not change afterwards.
 * Meanwhile a second process reads the environment of the first, whose page is
 * pinned for each of its reads.  On Vadose forks go on until some have met that
 * page while it was pinned, and copied it.
 */
#include "../lib/events.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#define FORKS_MOST 6000

static char *page;
static int fd[2];
static volatile int stop;

/* Each message fills the page with one value; the reader checks it. */
static void *
reader(void *arg)
{
	unsigned char value = 0;
	ssize_t n;

	while ((n = read(fd[0], page, PAGE)) > 0) {
		EQ(n, PAGE);
		value++;
		for (size_t i = 0; i < PAGE; i++)
			if ((unsigned char)page[i] != value)
				FAIL("byte %zu: expected %d, seen %d", i,
				    value, (unsigned char)page[i]);
	}
	return arg;
}

static void *
writer(void *arg)
{
	char buf[PAGE];
	unsigned char value = 0;

	while (!stop) {
		memset(buf, ++value, sizeof(buf));
		EQ(write(fd[1], buf, sizeof(buf)), PAGE);
	}
	close(fd[1]);
	return arg;
}

static void
child(void)
{
	unsigned char seen[PAGE], older;

	memcpy(seen, page, PAGE);
	/*
	 * Bytes of at most two messages, one after the other.  In either order: a
	 * pinned page is copied while the message goes in, and who is stopped in
	 * the middle is overtaken.
	 */
	older = seen[0];
	for (size_t i = 1; i < PAGE; i++)
		if ((unsigned char)(older - seen[i]) == 1)
			older = seen[i];
	for (size_t i = 0; i < PAGE; i++)
		if ((unsigned char)(seen[i] - older) > 1)
			FAIL("byte %zu: expected %d or the next, seen %d", i,
			    older, seen[i]);
	sched_yield();
	EQ(memcmp(seen, page, PAGE), 0);
	_exit(0);
}

/* What the page of the environment holds is read by a process that is not its. */
static void
looker(void)
{
	char path[32], seen[PAGE];
	int env;

	snprintf(path, sizeof(path), "/proc/%d/environ", getppid());
	env = OK(open(path, O_RDONLY));
	for (;;)
		if (pread(env, seen, sizeof(seen), 0) <= 0)
			_exit(1);
}

/* Has a fork copied a page because it was pinned? */
static bool
has_met(void)
{
	if (!on_vadose())
		return true;
	snap_all(1);
	return snap_delta(0, 1, "fork.pinned_copies") > 0;
}

int
main(int argc, char **argv)
{
	int forks = argc > 1 ? atoi(argv[1]) : 1000;
	pthread_t r, w;
	pid_t looks;

	looks = OK(fork());
	if (looks == 0)
		looker();
	page = pages_private(1);
	OK(pipe(fd));
	EQ(pthread_create(&r, NULL, reader, NULL), 0);
	EQ(pthread_create(&w, NULL, writer, NULL), 0);
	if (on_vadose()) {
		snap_init();
		snap_all(0);
	}
	for (int i = 0; i < forks || (i < FORKS_MOST && !has_met()); i++) {
		pid_t pid = OK(fork());

		if (pid == 0)
			child();
		REAP(pid, 0);
	}
	CHECK(has_met());
	OK(kill(looks, SIGKILL));
	OK(waitpid(looks, NULL, 0));
	stop = 1;
	EQ(pthread_join(w, NULL), 0);
	EQ(pthread_join(r, NULL), 0);
	return test_done();
}
