/* NEEDS: MEM=48M SWAP=256M CPUS=4 TIMEOUT=900 SWEEP=no ARGS=1:6 SHORT=1:2 TURN=3 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Sixty processes under all designs in turn (elsewhere all are alike) share a
 * mapping of a file and a memfd, and stand in a ring of pipes.  Each stores in pages
 * of its own in both, sends their versions and a page of bytes to the next, who has
 * another design, and who must find what it was told; memory of their own, more than
 * there is, is copied by forks meanwhile.  Every byte is right, nobody is killed, and
 * afterwards nothing is missing.
 *
 * Argument: seed:seconds
 */
#include "lib/design.h"
#include "lib/pressure.h"

#define RING 60
#define SLOTS 32    /* pages of each process in the file and in the memfd */
#define OWN 240     /* pages of its own */
#define TOLD 8

/* What goes from one to the next. */
struct told {
	uint32_t round;
	uint32_t page[TOLD], version[TOLD]; /* of both files */
};

/* The page behind the memfd's slots: who runs, and until when. */
struct control {
	volatile uint32_t last; /* round */
};

static char *memfd, *file, *own;
static struct control *control;
static uint32_t version[SLOTS], seen_own[OWN];
static const char *self;

static int
designs(void)
{
	static const int all[] = { DESIGN_FMO, DESIGN_EAGER, DESIGN_UVM,
		DESIGN_SCALUX, DESIGN_SHADOW, DESIGN_FRAMES };
	static unsigned n;

	return all[n++ % (sizeof(all) / sizeof(all[0]))];
}

static char *
slot(char *base, unsigned who, uint32_t page)
{
	return base + (who * SLOTS + page) * PAGE;
}

static void
send_all(int fd, const void *p, size_t n)
{
	for (long done; n > 0; p = (const char *)p + done, n -= done)
		done = OK(write(fd, p, n));
}

static void
read_all(int fd, void *p, size_t n)
{
	for (long done; n > 0; p = (char *)p + done, n -= done) {
		done = OK(read(fd, p, n));
		CHECK(done > 0);
	}
}

/* Stores in its slots, and tells the next. */
static void
tell(unsigned n, uint32_t round, uint64_t *seed, int fd)
{
	static char bytes[PAGE];
	struct told t = { .round = round };

	for (int k = 0; k < TOLD; k++) {
		uint32_t i = rnd(seed) % SLOTS;

		stamp(slot(memfd, n, i), n, ++version[i]);
		stamp(slot(file, n, i), n, version[i]);
		t.page[k] = i;
		t.version[k] = version[i];
	}
	for (int k = 0; k < TOLD; k++) /* one may have been told twice */
		t.version[k] = version[t.page[k]];
	stamp(bytes, n, round);
	send_all(fd, &t, sizeof(t));
	send_all(fd, bytes, PAGE);
}

/* What the one before has told is so. */
static void
hear(unsigned before, uint32_t round, int fd)
{
	static char bytes[PAGE];
	struct told t;

	read_all(fd, &t, sizeof(t));
	read_all(fd, bytes, PAGE);
	EQ(t.round, round);
	STAMPED(bytes, before, round);
	for (int k = 0; k < TOLD; k++) {
		STAMPED(slot(memfd, before, t.page[k]), before, t.version[k]);
		STAMPED(slot(file, before, t.page[k]), before, t.version[k]);
	}
}

static void
touch_own(uint64_t *seed, int n)
{
	while (n-- > 0) {
		size_t i = rnd(seed) % OWN;

		STAMPED(own + i * PAGE, i, seen_own[i]);
		if (rnd(seed) % 2 == 0)
			stamp(own + i * PAGE, i, ++seen_own[i]);
	}
}

static void
verify_own(void)
{
	for (size_t i = 0; i < OWN; i++)
		STAMPED(own + i * PAGE, i, seen_own[i]);
}

/* A child stores over what it has, unseen. */
static void
forks(uint64_t *seed)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		touch_own(seed, 64);
		_exit(0);
	}
	touch_own(seed, 16);
	REAP(pid, 0);
}

static void
map_all(int mfd, int fd)
{
	size_t n = (RING * SLOTS + 1) * PAGE;
	int prot = PROT_READ | PROT_WRITE;

	memfd = mmap(NULL, n, prot, MAP_SHARED, mfd, 0);
	file = mmap(NULL, n, prot, MAP_SHARED, fd, 0);
	CHECK(memfd != MAP_FAILED && file != MAP_FAILED);
	control = (struct control *)slot(memfd, RING, 0);
}

/*
 * Number n of the ring, after its exec: reads from 10, writes to 11; who is read from
 * is answered by 12, 13 tells that the next one has looked.  The first one ends it:
 * neighbours are a round from each other at most, so nobody half a ring away is later.
 */
static int
stand(unsigned n, uint64_t seed, time_t until)
{
	unsigned before = (n + RING - 1) % RING;
	char c = 0;

	map_all(8, 9);
	own = pages_private(OWN);
	for (size_t i = 0; i < OWN; i++)
		stamp(own + i * PAGE, i, 0);
	for (uint32_t i = 0; i < SLOTS; i++) {
		stamp(slot(memfd, n, i), n, 0);
		stamp(slot(file, n, i), n, 0);
	}
	for (uint32_t round = 0; round <= control->last; round++) {
		if (n == 0 && control->last == UINT32_MAX && time(NULL) >= until)
			control->last = round + RING / 2 + 2;
		tell(n, round, &seed, 11);
		hear(before, round, 10);
		send_all(12, &c, 1);
		touch_own(&seed, 32);
		if (rnd(&seed) % 16 == 0)
			forks(&seed);
		read_all(13, &c, 1);
	}
	verify_own();
	for (uint32_t i = 0; i < SLOTS; i++) {
		STAMPED(slot(memfd, n, i), n, version[i]);
		STAMPED(slot(file, n, i), n, version[i]);
	}
	return 0;
}

/* Both pipes of each edge of the ring are open in this process. */
static pid_t
start(unsigned n, int (*to)[2], int (*back)[2], uint64_t seed, time_t until)
{
	unsigned before = (n + RING - 1) % RING;
	char a[3][24];
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	OK(dup2(to[before][0], 10));
	OK(dup2(to[n][1], 11));
	OK(dup2(back[before][1], 12));
	OK(dup2(back[n][0], 13));
	snprintf(a[0], sizeof(a[0]), "%u", n);
	snprintf(a[1], sizeof(a[1]), "%lu", seed);
	snprintf(a[2], sizeof(a[2]), "%ld", (long)until);
	execl(self, "stand", a[0], a[1], a[2], NULL);
	FAIL("exec %s: errno %d", self, errno);
}

static void
pipes(int (*p)[2])
{
	for (int i = 0; i < RING; i++) {
		OK(pipe2(p[i], O_CLOEXEC));
		for (int k = 0; k < 2; k++) { /* above those that are kept */
			int fd = OK(fcntl(p[i][k], F_DUPFD_CLOEXEC, 20));

			OK(close(p[i][k]));
			p[i][k] = fd;
		}
	}
}

static void
ring(uint64_t seed, long seconds)
{
	static int to[RING][2], back[RING][2];
	time_t until = time(NULL) + seconds;
	pid_t pid[RING];
	int fd;

	fd = OK(memfd_create("ring", 0));
	OK(dup2(fd, 8));
	OK(close(fd));
	fd = nameless_file("/tmp");
	OK(dup2(fd, 9));
	OK(close(fd));
	for (fd = 8; fd <= 9; fd++)
		OK(ftruncate(fd, (RING * SLOTS + 1) * PAGE));
	map_all(8, 9);
	control->last = UINT32_MAX;
	pipes(to);
	pipes(back);
	for (unsigned n = 0; n < RING; n++) {
		if (on_vadose())
			OK(prctl(PR_VMM_DESIGN, designs(), 0, 0, 0));
		pid[n] = start(n, to, back, rnd(&seed), until);
	}
	for (unsigned n = 0; n < RING; n++)
		REAP(pid[n], 0);
	printf("%u rounds\n", control->last);
}

/* What a fork leaves with its parent is there before and after. */
static void
run(uint64_t seed, long seconds)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		if (seconds != 0)
			ring(seed, seconds);
		fflush(stdout);
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	long seconds = 2;

	if (strcmp(argv[0], "stand") == 0)
		return stand(atoi(argv[1]), strtoul(argv[2], NULL, 0),
		    atol(argv[3]));
	self = "/proc/self/exe";
	seed_count(argc, argv, &seed, &seconds);
	run(seed, 0);
	leak_mark();
	run(seed, seconds);
	leak_diff();
	return test_done();
}
