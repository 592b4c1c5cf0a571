/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process that arms an injection point for itself and its family arms it for
 * the threads and children that it makes afterwards; others are left alone, and
 * so are these where the + is missing.
 */
#include "lib/test.h"
#include <pthread.h>

static bool
map_fails(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED && errno == ENOMEM;
}

static void *
in_thread(void *failed)
{
	*(volatile bool *)failed = map_fails();
	return NULL;
}

/* family: + or nothing. */
static int
armed(const char *family)
{
	static bool in_thread_failed;
	pthread_attr_t attr;
	pthread_t thread;
	char spec[64];
	pid_t pid;

	/* Its memory is there before memory is refused. */
	OK(pthread_attr_init(&attr));
	EQ(pthread_attr_setstack(&attr, pages_private(16), 16 * PAGE), 0);
	snprintf(spec, sizeof(spec), "FI_COMMIT:1:1:1000000:%d%s",
	    (int)getpid(), family);
	EQ(proc_write("/proc/vm/inject", spec), 0);
	CHECK(map_fails());
	pid = vfork();
	if (pid == 0)
		_exit(map_fails() == (*family == '+') ? 0 : 9);
	REAP(pid, 0);
	EQ(pthread_create(&thread, &attr, in_thread, &in_thread_failed), 0);
	EQ(pthread_join(thread, NULL), 0);
	EQ(in_thread_failed, *family == '+');
	return 0;
}

int
main(void)
{
	pid_t pid;

	if (!on_vadose()) {
		printf("skipped: needs /proc/vm/inject\n");
		return 0;
	}
	for (int i = 0; i < 2; i++) {
		pid = OK(fork());
		if (pid == 0)
			_exit(armed(i == 0 ? "" : "+"));
		REAP(pid, 0);
	}
	EQ(proc_write("/proc/vm/inject", "FI_COMMIT:1:1:1:1+"), -EINVAL);
	CHECK(!map_fails());
	pid = OK(fork());
	if (pid == 0)
		_exit(map_fails() ? 9 : 0);
	REAP(pid, 0);
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	return test_done();
}
