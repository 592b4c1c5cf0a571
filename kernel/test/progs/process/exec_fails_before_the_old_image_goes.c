/* NEEDS: MEM=32M SWAP=16M CPUS=1,2 TIMEOUT=120 SWEEP=few MORE=1 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * With all memory given away exec is ENOMEM, or the new program runs: nobody
 * loses his old image for one that cannot take its first steps.  With
 * overcommit_memory 1 nobody is refused while frames and slots are there;
 * when they are used up, he who touches one more gets SIGBUS, and no one waits
 * for ever, not even for memory that had been promised.
 */
#include "lib/trap.h"

#define MODE "/proc/sys/vm/overcommit_memory"
#define RW (PROT_READ | PROT_WRITE)
#define REFUSED 77
#define STEPS 200

static char *
try_map(size_t bytes)
{
	return mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Memory that only takes the promises of others: a child has none of it. */
static char *
try_hoard(size_t bytes)
{
	char *p = try_map(bytes);

	if (p != MAP_FAILED)
		OK(madvise(p, bytes, MADV_DONTFORK));
	return p;
}

/* What the programs do that are started: some stack, some data. */
static char data[40 * 4096];

static int
first_steps(void)
{
	volatile char stack[24 * 4096];

	for (size_t i = 0; i < sizeof(stack); i += PAGE)
		stack[i] = (char)i;
	for (size_t i = 0; i < sizeof(data); i += PAGE)
		data[i] = stack[i % sizeof(stack)];
	return 0;
}

/* How a program is started: both have to touch something before they exec. */
static bool by_fork;

/* 0, REFUSED, or what else became of a program that was started. */
static int
start(const char *path, char *const argv[])
{
	pid_t pid = by_fork ? fork() : vfork();

	if (pid == 0) {
		execv(path, argv);
		_exit(errno == ENOMEM ? REFUSED : 78);
	}
	if (pid < 0) {
		EQ(errno, ENOMEM);
		return REFUSED << 8;
	}
	return reap(pid);
}

/* All that may be promised is taken; then one page after the other is free. */
static void
page_by_page(const char *path, char *const argv[], bool own_words)
{
	char *big, *small;
	size_t n = 64 * MIB;
	int refused = 0, ran = 0, status;

	for (big = MAP_FAILED; big == MAP_FAILED; n -= 64 * PAGE)
		big = try_hoard(n);
	/* One that goes page by page; then what is left, to the last page. */
	small = big + n - STEPS * PAGE;
	for (size_t k = 32; k > 0; k /= 2)
		while (try_hoard(k * PAGE) != MAP_FAILED)
			continue;
	for (int i = 0; i < STEPS; i++) {
		status = start(path, argv);
		/* A libc that is refused memory of its own may say so. */
		if (status != 0 && status != REFUSED << 8 &&
		    (!own_words || !WIFEXITED(status)))
			FAIL("%s with %d pages: status %#x", path, i, status);
		refused += status == REFUSED << 8;
		ran += status == 0;
		OK(munmap(small + i * PAGE, PAGE));
	}
	CHECK(refused > 0);
	CHECK(ran > 0);
}

static void
in_a_child(void (*fn)(void))
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		fn();
		_exit(0);
	}
	REAP(pid, 0);
}

static void
strict(void)
{
	char *self[] = { "self", "steps", NULL };

	page_by_page("/proc/self/exe", self, false);
}

static void
strict_fork(void)
{
	by_fork = true;
	strict();
}

static void
strict_busybox(void)
{
	char *busy[] = { "busybox", "true", NULL };

	page_by_page("/bin/busybox", busy, true);
}

/* The promises of before do not keep others from frames that are free. */
static void
always(void)
{
	char *self[] = { "self", "steps", NULL }, *p;
	size_t n = 64 * MIB;
	pid_t pid;

	for (p = MAP_FAILED; p == MAP_FAILED; n -= 16 * PAGE)
		p = try_map(n);
	EQ(proc_write(MODE, "1"), 0);
	EQ(start("/proc/self/exe", self), 0);
	pid = OK(fork());
	if (pid == 0) {
		p = try_map(8 * MIB);
		CHECK(p != MAP_FAILED);
		for (size_t i = 0; i < 8 * MIB; i += PAGE)
			store(p + i, 1);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(proc_write(MODE, "2"), 0);
}

/* One page, many processes: copies that nobody makes count for nothing. */
static void
snapshots(void)
{
	char *p = try_map(10 * MIB);
	pid_t pid[12];
	int ready[2], go[2];
	char c;

	EQ(proc_write(MODE, "1"), 0);
	memset(p, 's', 10 * MIB);
	OK(pipe(ready));
	OK(pipe(go));
	for (int i = 0; i < 12; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0) {
			close(go[1]);
			for (size_t k = 0; k < 10; k++)
				store(p + k * MIB, i);
			EQ(write(ready[1], "r", 1), 1);
			EQ(read(go[0], &c, 1), 0);
			EQ(load(p + 9 * MIB), i);
			EQ(load(p + PAGE), 's');
			_exit(0);
		}
	}
	for (int i = 0; i < 12; i++)
		EQ(read(ready[0], &c, 1), 1);
	close(go[1]);
	for (int i = 0; i < 12; i++)
		REAP(pid[i], 0);
	EQ(proc_write(MODE, "2"), 0);
}

/* More is used than there is: a signal, and an end. */
static void
used_up(void)
{
	char *mine = try_map(2 * MIB), *promised, *more;
	size_t n = 64 * MIB, i;

	memset(mine, 'm', 2 * MIB);
	for (promised = MAP_FAILED; promised == MAP_FAILED; n -= 16 * PAGE)
		promised = try_map(n);
	EQ(proc_write(MODE, "1"), 0);
	more = try_map(20 * MIB);
	trap_catch(0);
	EQ(TRAPPED(memset(more, 1, 20 * MIB)), 0);
	for (i = 0; i < n; i += PAGE)
		if (TRAPPED(store(promised + i, 2)) != 0)
			break;
	CHECK(i < n);
	EQ(trap_info.signo, SIGBUS);
	EQ(trap_info.code, BUS_ADRERR);
	/* All that has a place is there. */
	for (size_t k = 0; k < 2 * MIB; k += PAGE)
		EQ(load(mine + k), 'm');
	for (size_t k = 0; k < i; k += 16 * PAGE)
		EQ(load(promised + k), 2);
	EQ(proc_write(MODE, "2"), 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return first_steps();
	if (!on_vadose() || geteuid() != 0)
		return test_done();
	in_a_child(strict);
	in_a_child(strict_fork);
	in_a_child(strict_busybox);
	in_a_child(always);
	in_a_child(snapshots);
	in_a_child(used_up);
	return test_done();
}
