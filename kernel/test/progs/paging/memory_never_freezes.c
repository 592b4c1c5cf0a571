/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=300 ARGS=anon:objects:crowd:tables SWEEP=no MORE=1 SHORT=anon TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * However the memory is used up, all goes on: by dirty anonymous pages, by
 * page tables, by objects of the kernel, by 200 processes that fault at
 * once, by dirty pages of files.  A watchdog sees progress within seconds,
 * and the reserve of the pageout path is never used up.
 *
 * Arguments: what to do, of those above; files=FOLDER is for a disk
 * (cases/paging/paging_files.sh).
 */
#include "lib/events.h"
#include "lib/pressure.h"
#include "lib/trap.h"

#define PATIENCE 30 /* seconds without progress that are a freeze */
#define CROWD 200
#define CROWD_PAGES 128

static volatile long *progress; /* in shared memory; goes up */
static volatile int *gate;

static void
go_on(void)
{
	__atomic_fetch_add(progress, 1, __ATOMIC_RELAXED);
}

/* ---- dirty anonymous pages ---- */

static void
use_anon(const char *arg)
{
	size_t n = memory_part(3, 1, 160 * MIB);
	char *p = pages_private(n);

	(void)arg;
	for (int v = 0; v < 2; v++) {
		for (size_t i = 0; i < n; i++) {
			if (v > 0)
				STAMPED(p + i * PAGE, i, v - 1);
			stamp(p + i * PAGE, i, v);
			go_on();
		}
	}
}

/* ---- page tables ---- */

/*
 * One page in each block: with their tables more than there is memory, or
 * until what is not reserved is refused.
 */
static void
use_tables(const char *arg)
{
	size_t blocks = meminfo("MemTotal") * 2 / 3, i;
	char *p = mmap(NULL, blocks * 2 * MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)arg;
	CHECK(p != MAP_FAILED);
	for (i = 0; i < blocks; i++) {
		if (TRAPPED(store(p + i * 2 * MIB, 1 + i % 100)) != 0)
			break;
		go_on();
	}
	EQ(i < blocks ? trap_info.signo : SIGBUS, SIGBUS);
	CHECK(i > meminfo("MemTotal") / 4UL);
	for (size_t k = 0; k < i; k += 8) {
		EQ(load(p + k * 2 * MIB), 1 + k % 100);
		go_on();
	}
	/* Tables that are out come in for this, too. */
	for (size_t k = 0; k < i; k += 64) {
		size_t n = i - k < 64 ? i - k : 64;

		OK(munmap(p + k * 2 * MIB, n * 2 * MIB));
		go_on();
	}
}

/* ---- objects of the kernel ---- */

/* Pipes full of bytes; 1: that was the last one. */
static int
fill_pipe(void)
{
	static char bytes[64 * KIB];
	int p[2];

	if (pipe2(p, O_NONBLOCK) != 0) {
		CHECK(errno == EMFILE || errno == ENFILE || errno == ENOMEM);
		return 1;
	}
	if (write(p[1], bytes, sizeof(bytes)) < 0)
		CHECK(errno == ENOMEM || errno == EAGAIN);
	go_on();
	return 0;
}

/* Small mappings, each of its own rights: VADs and their links. */
static int
make_mappings(int fd)
{
	char *p = mmap(NULL, 64 * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED) {
		EQ(errno, ENOMEM);
		return 1;
	}
	for (int i = 0; i < 64; i += 2) {
		if (mprotect(p + i * PAGE, PAGE, PROT_NONE) != 0) {
			EQ(errno, ENOMEM);
			return 1;
		}
	}
	go_on();
	return 0;
}

static void __attribute__((noreturn))
hold_objects(volatile int *ready)
{
	int fd = syscall(SYS_memfd_create, "objects", 0);

	if (fd >= 0 && ftruncate(fd, 64 * PAGE) == 0)
		for (int i = 0; i < 1000 && make_mappings(fd) == 0; i++)
			continue;
	while (fill_pipe() == 0)
		continue;
	__atomic_fetch_add(ready, 1, __ATOMIC_SEQ_CST);
	while (!*gate)
		sleep_ms(50);
	_exit(0);
}

/* Processes that hold as many objects as they get, until fork fails, too. */
static void
use_objects(const char *arg)
{
	volatile int *ready = gate + 1;
	size_t n = memory_part(1, 8, 1UL << 40);
	char *p = pages_private(n);
	pid_t pid = 0;
	int made;

	(void)arg;
	for (made = 0; made < 60 && pid >= 0; made++) {
		pid = fork();
		if (pid == 0)
			hold_objects(ready);
		CHECK(pid > 0 || errno == ENOMEM || errno == EAGAIN);
		while (pid > 0 && *ready <= made)
			sleep_ms(1);
		go_on();
	}
	for (size_t i = 0; i < n; i++, go_on())
		stamp(p + i * PAGE, i, 0);
	for (size_t i = 0; i < n; i++, go_on())
		STAMPED(p + i * PAGE, i, 0);
	*gate = 1;
	while ((pid = wait(NULL)) > 0 || errno == EINTR)
		go_on();
}

/* ---- a crowd ---- */

static void __attribute__((noreturn))
fault_with_all(int who)
{
	char *p = pages_private(CROWD_PAGES);

	while (!*gate)
		sleep_ms(20);
	for (size_t i = 0; i < CROWD_PAGES; i++, go_on())
		stamp(p + i * PAGE, who, i);
	__atomic_fetch_add(gate + 1, 1, __ATOMIC_SEQ_CST);
	while (gate[1] < CROWD)
		sleep_ms(20);
	for (size_t i = 0; i < CROWD_PAGES; i++, go_on()) {
		STAMPED(p + i * PAGE, who, i);
		stamp(p + i * PAGE, who, i + 1);
	}
	for (size_t i = 0; i < CROWD_PAGES; i++, go_on())
		STAMPED(p + i * PAGE, who, i + 1);
	_exit(0);
}

static void
use_crowd(const char *arg)
{
	pid_t pid[CROWD];

	(void)arg;
	for (int i = 0; i < CROWD; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			fault_with_all(i);
		go_on();
	}
	*gate = 1;
	for (int i = 0; i < CROWD; i++)
		REAP(pid[i], 0);
}

/* ---- dirty pages of files ---- */

static void
map_and_dirty(int fd, size_t n)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < n; i++, go_on()) {
		STAMPED(p + i * PAGE, i, 0);
		stamp(p + i * PAGE, i, 1);
	}
	OK(munmap(p, n * PAGE));
}

static void
use_files(const char *folder)
{
	static char page[PAGE];
	size_t n = memory_part(2, 1, 120 * MIB);
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/dirty", folder);
	fd = OK(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
	OK(unlink(path));
	for (size_t i = 0; i < n; i++, go_on()) {
		stamp(page, i, 0);
		EQ(write(fd, page, PAGE), PAGE);
	}
	map_and_dirty(fd, n);
	for (size_t i = 0; i < n; i++, go_on()) {
		EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
		STAMPED(page, i, 1);
	}
	OK(close(fd));
}

/* ---- the watchdog ---- */

static const struct {
	const char *name;
	void (*use)(const char *arg);
} uses[] = {
	{ "anon", use_anon }, { "tables", use_tables },
	{ "objects", use_objects }, { "crowd", use_crowd },
	{ "files", use_files },
};

static void
watch(const char *name, pid_t pid)
{
	uint64_t since = now_ns();
	long seen = 0;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (*progress != seen) {
			seen = *progress;
			since = now_ns();
		}
		if (now_ns() - since > PATIENCE * 1000000000UL) {
			kill(-pid, SIGKILL);
			FAIL("%s: no progress for %d seconds after %ld steps",
			    name, PATIENCE, seen);
		}
		sleep_ms(200);
	}
	if (status != 0)
		FAIL("%s: expected status 0, seen %#x", name, status);
}

static void
run(const char *arg)
{
	size_t n = strcspn(arg, "="), i = 0;
	pid_t pid;

	while (strlen(uses[i].name) != n || strncmp(arg, uses[i].name, n) != 0)
		CHECK(++i < sizeof(uses) / sizeof(uses[0]));
	gate[0] = gate[1] = 0;
	pid = OK(fork());
	if (pid == 0) {
		setpgid(0, 0);
		uses[i].use(arg + n + (arg[n] == '='));
		_exit(0);
	}
	watch(uses[i].name, pid);
	if (!on_vadose())
		return;
	snap_all(1);
	if (snap_get(1, "page.reserve_min") <= 0)
		FAIL("%s: the reserve was used up", uses[i].name);
	check_vm();
}

int
main(int argc, char **argv)
{
	if (!on_vadose() && meminfo("MemTotal") > (long)(GIB / PAGE)) {
		printf("skipped: there is too much memory to use it up\n");
		return 0;
	}
	progress = (volatile long *)pages_shared(1);
	gate = (volatile int *)pages_shared(1);
	if (on_vadose())
		snap_init();
	trap_catch(0);
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	return test_done();
}
