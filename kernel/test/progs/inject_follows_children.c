/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 */
/*
 * A process that arms an injection point for itself arms it for the threads and
 * children that it makes afterwards, too; others are left alone.
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

static int
family(void)
{
	static bool in_thread_failed;
	pthread_attr_t attr;
	pthread_t thread;
	char spec[64];
	pid_t pid;

	/* Its memory is there before memory is refused. */
	OK(pthread_attr_init(&attr));
	EQ(pthread_attr_setstack(&attr, pages_private(16), 16 * PAGE), 0);
	snprintf(spec, sizeof(spec), "FI_COMMIT:1:1:1000000:%d", (int)getpid());
	EQ(proc_write("/proc/vm/inject", spec), 0);
	CHECK(map_fails());
	pid = vfork();
	if (pid == 0)
		_exit(map_fails() ? 0 : 9);
	REAP(pid, 0);
	EQ(pthread_create(&thread, &attr, in_thread, &in_thread_failed), 0);
	EQ(pthread_join(thread, NULL), 0);
	CHECK(in_thread_failed);
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
	pid = OK(fork());
	if (pid == 0)
		_exit(family());
	REAP(pid, 0);
	CHECK(!map_fails());
	pid = OK(fork());
	if (pid == 0)
		_exit(map_fails() ? 9 : 0);
	REAP(pid, 0);
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	return test_done();
}
