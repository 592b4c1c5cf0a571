/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=150 SWEEP=no MORE=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T20: a tree of 16 processes, which share an origin of half the memory by
 * fork: each writes random pages of its own view and verifies all of it,
 * before and after it forks its children.  Some leaves are killed in the
 * middle of their writes; what the survivors see is right in every byte.
 */
#include "lib/pressure.h"

#define NODES 16
#define MOST (32 * MIB)
#define SHARE 20 /* of what can be promised, one part for each process */

enum fate { FATE_NONE, FATE_RIGHT, FATE_GONE };

struct shared {
	volatile int fate[NODES];
	volatile int writes; /* started: by leaves that will be killed */
	volatile pid_t pid[NODES];
};

static struct shared *s;
static size_t pages;
static char *area;
static uint8_t *view; /* of each page: whose write this process must see */

/* Leaves are 8 … 15; these never end by themselves. */
static bool
is_doomed(int node)
{
	return node == 9 || node == 11 || node == 12 || node == 15;
}

static void
write_some(int node, uint64_t *seed, size_t n)
{
	while (n-- > 0) {
		size_t i = rnd(seed) % pages;

		view[i] = node + 1;
		stamp(area + i * PAGE, i, view[i]);
	}
}

static void
verify_some(uint64_t *seed, size_t n)
{
	while (n-- > 0) {
		size_t i = rnd(seed) % pages;

		STAMPED(area + i * PAGE, i, view[i]);
	}
}

static void
verify_all(void)
{
	for (size_t i = 0; i < pages; i++)
		STAMPED(area + i * PAGE, i, view[i]);
}

static void __attribute__((noreturn))
run_until_killed(int node, uint64_t *seed)
{
	__atomic_fetch_add(&s->writes, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		write_some(node, seed, 10);
		verify_some(seed, 20);
	}
}

static void run_node(int node) __attribute__((noreturn));

static void
fork_node(int node)
{
	pid_t pid = OK(fork());

	s->pid[node] = pid != 0 ? pid : getpid();
	if (pid == 0)
		run_node(node);
}

/* Children of node n are 2n and 2n + 1; node 1 is the root. */
static void
run_node(int node)
{
	uint64_t seed = 2000 + node;

	verify_some(&seed, pages / 8);
	write_some(node, &seed, pages / 16);
	for (int c = 2 * node; c <= 2 * node + 1 && c < NODES; c++) {
		fork_node(c);
		write_some(node, &seed, pages / 32);
	}
	if (is_doomed(node))
		run_until_killed(node, &seed);
	verify_some(&seed, pages / 8);
	write_some(node, &seed, pages / 32);
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	verify_all();
	s->fate[node] = FATE_RIGHT;
	_exit(0);
}

/* Kill the doomed ones, each a random while after it began. */
static void
kill_some(void)
{
	static const int doomed[] = { 9, 11, 12, 15 };
	uint64_t seed = now_ns() | 1, until = now_ns() + 120000000000UL;

	while (__atomic_load_n(&s->writes, __ATOMIC_SEQ_CST) < 4) {
		CHECK(now_ns() < until);
		sleep_ms(10);
	}
	for (size_t i = 0; i < 4; i++) {
		sleep_ms(rnd(&seed) % 100);
		s->fate[doomed[i]] = FATE_GONE;
		OK(kill(s->pid[doomed[i]], SIGKILL));
	}
}

int
main(void)
{
	static const char *const words[] = { "has failed", "all bytes right",
		"killed" };
	size_t most;

	setvbuf(stdout, NULL, _IONBF, 0);
	s = (void *)pages_shared(1);
	pages = memory_part(1, 2, MOST);
	most = commit_left() / SHARE;
	pages = pages < most ? pages : most;
	area = pages_private(pages);
	view = (uint8_t *)pages_private(pages / PAGE + 1);
	for (size_t i = 0; i < pages; i++)
		stamp(area + i * PAGE, i, view[i]);
	fork_node(1);
	kill_some();
	REAP(s->pid[1], 0);
	for (int node = 1; node < NODES; node++)
		printf("process %d: %s\n", node, words[s->fate[node]]);
	verify_all();
	printf("the origin: all bytes right\n");
	return test_done();
}
