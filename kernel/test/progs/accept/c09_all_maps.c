/* NEEDS: MEM=64M SWAP=128M CPUS=1,4 TIMEOUT=60 SWEEP=no TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design scalux: seventeen processes share pages.  When each gives one up by itself,
 * it is in use as long as one of them maps it; when none does, and not before, it goes
 * to swap.  There it is one anon for all, and one read brings it.  The same when all of
 * them sleep and another wants the memory: whoever looks then never sees a page that
 * has left, or is about to, and that one of them maps.
 */
#include "../lib/design.h"
#include "../lib/entries.h"
#include "../lib/pressure.h"
#include <poll.h>

#define SONS 16
#define N 64          /* pages; the first of them leaves by calls, too */
#define WANT (N / 2)  /* of them by pressure: each process keeps a few */
#define TRIES 6

static char *p;
static volatile int *turn, *done;
static struct hog hog;
static int asleep[2]; /* the sons read from it */

static int
son(void *number)
{
	char c;

	EQ(p[0], 'p');
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 1 + (int)(intptr_t)number);
	OK(madvise(p, PAGE, MADV_PAGEOUT));
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, SONS + 1);
	EQ(p[0], 'p');
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, SONS + 2);
	for (int i = 0; i < N; i++)
		EQ(p[i * PAGE], 'p');
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	EQ(read(asleep[0], &c, 1), 1);
	for (int i = 0; i < N; i++)
		EQ(p[i * PAGE], 'p');
	return 0;
}

/* How many of all processes map the page. */
static long
mapped(const pid_t *pid)
{
	long n = vmstat_pages(text_of(0, "vmstat"), p, 1, "kind=VALID");

	for (int i = 0; i < SONS; i++)
		n += vmstat_pages(text_of(pid[i], "vmstat"), p, 1, "kind=VALID");
	return n;
}

/* Once more for each of the pages that are on lines with these words. */
static void
mark(const char *text, const char *words, int *n)
{
	for (int i = 0; i < N; i++)
		n[i] += vmstat_pages(text, p + i * PAGE, 1, words) != 0;
}

/*
 * What is not in use before the look is mapped by nobody.  How many pages have left
 * memory.
 */
static int
look(const pid_t *pid)
{
	int used[N] = { 0 }, out[N] = { 0 }, valid[N] = { 0 }, gone = 0;
	const char *text = text_of(0, "vmstat");

	mark(text, "state=ACTIVE", used);
	mark(text, "state=-", out);
	mark(text_of(0, "vmstat"), "kind=VALID", valid);
	for (int k = 0; k < SONS; k++)
		mark(text_of(pid[k], "vmstat"), "kind=VALID", valid);
	for (int i = 0; i < N; i++) {
		if (used[i] == 0)
			EQ(valid[i], 0);
		gone += out[i];
	}
	return gone;
}

/*
 * All have mapped all pages, and the sons sleep: looks while another process uses up the
 * memory, until enough pages have left.
 */
static void
by_pressure(const pid_t *pid)
{
	struct pollfd end = { .fd = hog.done, .events = POLLIN };
	size_t want = meminfo("MemTotal");
	char bytes[SONS] = { 0 };
	int gone = 0;

	EQ(look(pid), 0);
	for (int i = 0; i < TRIES && gone < WANT; i++) {
		EQ(write(hog.order, &want, sizeof(want)), sizeof(want));
		do
			gone = look(pid);
		while (OK(poll(&end, 1, 0)) == 0);
		EQ(read(hog.done, bytes, 1), 1);
	}
	LE(WANT, gone);
	EQ(write(asleep[1], bytes, SONS), SONS);
}

static int
body(void)
{
	pid_t pid[SONS];

	for (int i = 0; i < N; i++)
		p[i * PAGE] = 'p';
	for (int i = 0; i < SONS; i++)
		pid[i] = fork_on(son, (void *)(intptr_t)i, shared_stack());
	turn_wait(done, SONS);
	EQ(p[0], 'p');
	EQ(mapped(pid), SONS + 1);
	EQ(entry_of(0, p, "nmapped="), SONS + 1);

	for (int i = 0; i < SONS; i++) {
		turn_give(turn, 1 + i);
		turn_wait(done, SONS + 1 + i);
		EQ(mapped(pid), SONS - i);
		EQ(entry_of(0, p, "nmapped="), SONS - i);
		EQ(entry_of(0, p, "resident="), 1);
		EQ(vmstat_pages(text_of(0, "vmstat"), p, 1, "state=ACTIVE"), 1);
	}
	snap_all(1);
	OK(madvise(p, PAGE, MADV_PAGEOUT));
	EQ(mapped(pid), 0);
	EQ(entry_of(0, p, "resident="), 0);
	EQ(entry_of(0, p, "refs="), 1);
	snap_all(2);
	DELTA_EQ(1, 2, "swap.out_scalux", 1);

	turn_give(turn, SONS + 1);
	turn_wait(done, 3 * SONS);
	EQ(p[0], 'p');
	snap_all(3);
	DELTA_EQ(2, 3, "swap.in_scalux", 1);
	EQ(entry_of(0, p, "nmapped="), SONS + 1);
	turn_give(turn, SONS + 2);
	turn_wait(done, 4 * SONS);
	by_pressure(pid);
	for (int i = 0; i < SONS; i++)
		REAP(pid[i], 0);
	for (int i = 0; i < N; i++)
		EQ(p[i * PAGE], 'p');
	return 0;
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_SCALUX, argv);
	need_swap();
	snap_init();
	text_init();
	hog = hog_start();
	OK(pipe(asleep));
	p = pages_private(N);
	turn = (void *)pages_shared(1);
	done = (void *)pages_shared(1);
	EQ(run_on_shared_stack(body), 0);
	hog_end(&hog);
	return test_done();
}
