/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Without swap, too, nobody is killed for want of memory: a program maps
 * and fills until ENOMEM, and the shell works beside it; memory that was
 * not reserved is SIGBUS to the one that touches it and to nobody else;
 * and the three modes of overcommit_memory do what they say.
 */
#include "lib/pressure.h"
#include "lib/trap.h"

#define PART (256 * KIB)
#define PARTS 1024
#define MODE "/proc/sys/vm/overcommit_memory"
#define LEFT (6 * MIB / PART) /* enough for a shell */

static char *part[PARTS];
static int parts;

/* Map and fill until there is no more. */
static void
take_all(void)
{
	for (parts = 0; parts < PARTS; parts++) {
		part[parts] = mmap(NULL, PART, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (part[parts] == MAP_FAILED)
			break;
		for (size_t i = 0; i < PART / PAGE; i++)
			stamp(part[parts] + i * PAGE, parts, i);
	}
	CHECK(parts < PARTS && errno == ENOMEM);
	CHECK(parts > (int)(16 * MIB / PART));
}

static void
give_back(int n)
{
	while (n-- > 0)
		OK(munmap(part[--parts], PART));
}

static void
verify_parts(void)
{
	for (int k = 0; k < parts; k++)
		for (size_t i = 0; i < PART / PAGE; i++)
			STAMPED(part[k] + i * PAGE, k, i);
}

/* A neighbour that lives through all of it. */
static pid_t
neighbour(volatile int *go_on)
{
	pid_t pid = OK(fork());
	char *p;

	if (pid != 0)
		return pid;
	p = pages_private(64);
	for (long v = 0; *go_on; v++) {
		for (size_t i = 0; i < 64; i++)
			stamp(p + i * PAGE, i, v);
		sleep_ms(20);
		for (size_t i = 0; i < 64; i++)
			STAMPED(p + i * PAGE, i, v);
	}
	_exit(0);
}

static void
until_enomem(void)
{
	pid_t pid = OK(fork());
	char *argv[] = { "sh", "-c", "ls / | grep -q '^proc$' && exit 7",
		NULL };

	if (pid == 0) {
		take_all();
		give_back(LEFT);
		pid = OK(vfork());
		if (pid == 0) {
			execv("/bin/sh", argv);
			_exit(1);
		}
		REAP(pid, 7);
		verify_parts();
		_exit(0);
	}
	REAP(pid, 0);
}

/* Touch unreserved memory until it is refused; pages that were had. */
static size_t
touch_unreserved(int flags)
{
	size_t n = 2 * meminfo("MemTotal"), i;
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	for (i = 0; i < n; i++)
		if (TRAPPED(store(p + i * PAGE, 1 + i % 100)) != 0)
			break;
	EQ(trap_info.signo, SIGBUS);
	EQ(trap_info.addr, (uintptr_t)p + i * PAGE);
	for (size_t k = 0; k < i; k++)
		EQ(load(p + k * PAGE), 1 + k % 100);
	OK(munmap(p, n * PAGE));
	return i;
}

static void
unreserved(int flags)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		CHECK(touch_unreserved(flags) > 4 * MIB / PAGE);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
map_more_than_there_is(int expected)
{
	size_t n = 2 * meminfo("MemTotal");
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EQ(p == MAP_FAILED ? errno : 0, expected);
	if (p != MAP_FAILED)
		OK(munmap(p, n * PAGE));
}

static void
modes(void)
{
	EQ(proc_write(MODE, "1"), 0);
	map_more_than_there_is(0);
	unreserved(0);
	EQ(proc_write(MODE, "0"), 0);
	map_more_than_there_is(ENOMEM);
	EQ(proc_write(MODE, "2"), 0);
	map_more_than_there_is(ENOMEM);
	EQ(proc_write(MODE, "3"), -EINVAL);
}

int
main(void)
{
	volatile int *go_on = (volatile int *)pages_shared(1);
	pid_t pid;

	if (!on_vadose() || meminfo("SwapTotal") != 0) {
		printf("skipped: needs Vadose without swap\n");
		return 0;
	}
	trap_catch(0);
	*go_on = 1;
	pid = neighbour(go_on);
	for (int i = 0; i < 2; i++) {
		until_enomem();
		unreserved(MAP_NORESERVE);
		modes();
		if (i == 0)
			leak_mark();
	}
	leak_diff();
	*go_on = 0;
	REAP(pid, 0);
	return test_done();
}
