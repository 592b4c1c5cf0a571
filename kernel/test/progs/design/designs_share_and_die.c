/* NEEDS: MEM=48M SWAP=256M CPUS=4 TIMEOUT=120 SWEEP=no ARGS=1:6 SHORT=1:3 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Families of all designs on one file and one memfd: workers run under fmo, uvm
 * and eager in turn (elsewhere all are alike).  A worker stores in its pages of
 * both, in a private mapping of the file and in memory of its own, and forks;
 * the child finds all that the parent had, and stores over it unseen.  Whole
 * families are killed in the midst.  Afterwards nothing is missing.
 *
 * Arguments: seed, seconds
 */
#include "lib/design.h"
#include "lib/pressure.h"

#define WORKERS 8
#define SHARED 512  /* pages of the memfd, and of the file that all store to */
#define FIXED 256   /* pages of the file behind them, which nobody changes */
#define OWN 512

static char *memfd, *file, *priv, *own;
static uint8_t seen_memfd[SHARED], seen_file[SHARED], seen_priv[FIXED],
    seen_own[OWN];
static const char *self;

static char *
map(int fd, size_t first, size_t n, int flags)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, flags, fd,
	    first * PAGE);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A random page: right so far; every other time it gets another version. */
static void
touch(char *base, uint8_t *seen, size_t i, uint64_t *seed)
{
	STAMPED(base + i * PAGE, i, seen[i]);
	if (rnd(seed) % 2 == 0) {
		seen[i] = 1 + rnd(seed) % 200;
		stamp(base + i * PAGE, i, seen[i]);
	}
}

static void
touch_private(uint64_t *seed, int n)
{
	while (n-- > 0) {
		touch(priv, seen_priv, rnd(seed) % FIXED, seed);
		touch(own, seen_own, rnd(seed) % OWN, seed);
	}
}

static void
verify_private(void)
{
	for (size_t i = 0; i < FIXED; i++)
		STAMPED(priv + i * PAGE, i, seen_priv[i]);
	for (size_t i = 0; i < OWN; i++)
		STAMPED(own + i * PAGE, i, seen_own[i]);
}

/* A child with all that the parent has; sometimes one of its own. */
static void
forks(uint64_t *seed, int depth)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		verify_private();
		touch_private(seed, 100);
		if (depth > 0)
			forks(seed, depth - 1);
		verify_private();
		_exit(0);
	}
	touch_private(seed, 50);
	REAP(pid, 0);
}

/* Pages of both go, and come again as zeros. */
static void
discards(uint64_t *seed)
{
	size_t i = rnd(seed) % (OWN - 8);

	OK(madvise(own + i * PAGE, 8 * PAGE, MADV_DONTNEED));
	for (size_t k = i; k < i + 8; k++) {
		EQ(own[k * PAGE], 0);
		seen_own[k] = 0;
		stamp(own + k * PAGE, k, 0);
	}
}

/* Of the design that its parent has asked for; until it is killed. */
static void __attribute__((noreturn))
worker(unsigned n, uint64_t seed, int mfd, int fd)
{
	memfd = map(mfd, 0, SHARED, MAP_SHARED);
	file = map(fd, 0, SHARED, MAP_SHARED);
	priv = map(fd, SHARED, FIXED, MAP_PRIVATE);
	own = pages_private(OWN);
	for (size_t i = 0; i < OWN; i++)
		stamp(own + i * PAGE, i, 0);
	for (size_t i = n; i < SHARED; i += WORKERS) {
		stamp(memfd + i * PAGE, i, 0);
		stamp(file + i * PAGE, i, 0);
	}
	for (;;) {
		for (int k = 0; k < 50; k++) {
			size_t i = rnd(&seed) % (SHARED / WORKERS) * WORKERS + n;

			touch(memfd, seen_memfd, i, &seed);
			touch(file, seen_file, i, &seed);
		}
		touch_private(&seed, 50);
		forks(&seed, rnd(&seed) % 3);
		discards(&seed);
	}
}

static pid_t
start(unsigned n, uint64_t seed, int mfd, int fd)
{
	static const int design[] = { DESIGN_FMO, DESIGN_EAGER, DESIGN_UVM,
		DESIGN_SCALUX, DESIGN_SHADOW, DESIGN_FRAMES };
	char a[4][24];
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	OK(setpgid(0, 0));
	if (on_vadose())
		OK(prctl(PR_VMM_DESIGN, design[n % 6], 0, 0, 0));
	snprintf(a[0], sizeof(a[0]), "%u", n);
	snprintf(a[1], sizeof(a[1]), "%lu", seed);
	snprintf(a[2], sizeof(a[2]), "%d", mfd);
	snprintf(a[3], sizeof(a[3]), "%d", fd);
	execl(self, "worker", a[0], a[1], a[2], a[3], NULL);
	FAIL("exec %s: errno %d", self, errno);
}

/* Killed before it could run into anything: nobody else ends a worker. */
static void
end(pid_t pid)
{
	int status;

	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Which design does it say, after its exec?  It may not be there yet. */
static void
says_design(pid_t pid, const char *design)
{
	char path[32], line[256], want[64];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	snprintf(want, sizeof(want), "VmDesign:\t%s\n", design);
	for (int tries = 0; on_vadose() && !found; tries++) {
		FILE *f = fopen(path, "r");

		CHECK(f != NULL && tries < 1000);
		while (fgets(line, sizeof(line), f) != NULL)
			found |= strcmp(line, want) == 0;
		fclose(f);
		usleep(10000);
	}
}

/* Start, kill at random, start again; the end of all. */
static void
keep_going(uint64_t seed, unsigned seconds)
{
	pid_t pid[WORKERS];
	char *fixed;
	int mfd, fd;
	time_t until;

	mfd = OK(memfd_create("shared", 0));
	OK(ftruncate(mfd, SHARED * PAGE));
	fd = nameless_file("/tmp");
	OK(ftruncate(fd, (SHARED + FIXED) * PAGE));
	fixed = map(fd, SHARED, FIXED, MAP_SHARED);
	for (size_t i = 0; i < FIXED; i++)
		stamp(fixed + i * PAGE, i, 0);
	for (unsigned n = 0; n < WORKERS; n++)
		pid[n] = start(n, rnd(&seed), mfd, fd);
	says_design(pid[0], "fmo");
	says_design(pid[1], "eager");
	says_design(pid[2], "uvm");
	until = time(NULL) + seconds;
	while (time(NULL) < until) {
		unsigned n = rnd(&seed) % WORKERS;

		usleep(rnd(&seed) % 300000);
		EQ(waitpid(-1, NULL, WNOHANG), 0);
		end(pid[n]);
		pid[n] = start(n, rnd(&seed), mfd, fd);
	}
	for (unsigned n = 0; n < WORKERS; n++)
		end(pid[n]);
}

/* What a fork leaves with its parent is there before and after. */
static void
run(void (*fn)(uint64_t, unsigned), uint64_t seed, unsigned seconds)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		if (fn != NULL)
			fn(seed, seconds);
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[0], "worker") == 0)
		worker(atoi(argv[1]), strtoul(argv[2], NULL, 0),
		    atoi(argv[3]), atoi(argv[4]));
	self = argv[0];
	if (on_vadose())
		ERR(prctl(PR_VMM_DESIGN, 7, 0, 0, 0), EINVAL);
	run(NULL, 0, 0);
	leak_mark();
	run(keep_going, argc > 1 ? strtoul(argv[1], NULL, 0) : 1,
	    argc > 2 ? atoi(argv[2]) : 3);
	leak_diff();
	return test_done();
}
