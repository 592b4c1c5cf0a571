/* NEEDS: MEM=64M SWAP=128M CPUS=1,4 TIMEOUT=120 MORE=1 ALONE=1 CLOCK=1 KIND=bounded */
/* BOUNDED: who got on meanwhile hangs on when the disk ends */
/*
 * A37: when memory is short, who does not use his pages gives them: of two
 * processes, one idle, at least 80 % of what is trimmed comes from the idle
 * one, and the other goes on without a read.  Who makes it short is counted,
 * too, but for the pages of its program, which it does not use while it waits:
 * 188 of them, a file in memory.  The shells that wait for this test are idle as
 * well, and are not counted.
 */
#include "../lib/events.h"
#include "../lib/vmtext.h"

#define IDLE_PAGES (20 * MIB / PAGE)
#define BUSY_PAGES (8 * MIB / PAGE)
#define MORE_PAGES (36 * MIB / PAGE)
#define IDLE_MS 4000 /* enough age passes to grow old */

static volatile int *turn; /* 1, 2: who is ready; 3: be done */

static int
idle(void *arg)
{
	volatile char *p = pages_private(IDLE_PAGES);

	for (size_t i = 0; i < IDLE_PAGES; i++)
		p[i * PAGE] = 1;
	turn_give(turn, 1);
	while (*turn < 3)
		sleep_ms(100000);
	return arg != NULL;
}

static int
busy(void *arg)
{
	volatile char *p = pages_private(BUSY_PAGES);
	size_t i;

	for (i = 0; i < BUSY_PAGES; i++)
		p[i * PAGE] = 1;
	turn_give(turn, 2);
	for (i = 0; *turn < 3; i++)
		p[i % BUSY_PAGES * PAGE]++;
	return arg != NULL;
}

static long
trimmed_of(pid_t pid)
{
	return sum_key(text_of(pid, "ws"), "trimmed=", "trimmed=");
}

/* Mapped pages of files in memory. */
static long
image_pages(void)
{
	const char *line = strstr(text_of(getpid(), "status"), "RssShmem:");

	CHECK(line != NULL);
	return strtol(line + 9, NULL, 10) / 4;
}

int
main(void)
{
	long all, of_idle, of_busy, of_me, image;
	volatile char *p;
	pid_t a, b;

	snap_init();
	text_init();
	turn = (void *)pages_shared(1);
	a = fork_on(idle, NULL, shared_stack());
	turn_wait(turn, 1);
	b = fork_on(busy, NULL, shared_stack());
	turn_wait(turn, 2);
	sleep_ms(IDLE_MS);
	snap_all(1);
	of_idle = trimmed_of(a);
	of_busy = trimmed_of(b);
	of_me = trimmed_of(getpid());
	image = image_pages();
	p = pages_private(MORE_PAGES);
	for (size_t i = 0; i < MORE_PAGES; i++)
		p[i * PAGE] = 1;
	of_idle = trimmed_of(a) - of_idle;
	of_busy = trimmed_of(b) - of_busy;
	image -= image_pages();
	of_me = trimmed_of(getpid()) - of_me - image;
	snap_all(2);
	all = of_idle + of_busy + of_me;
	LE(all, snap_delta(1, 2, "ws.trimmed"));
	CHECK(all >= 1000);
	CHECK(snap_delta(1, 2, "ws.adjust") >= 1);
	if (of_idle * 100 < all * 80 || of_busy * 100 > all * 10)
		FAIL("of %ld trimmed pages %ld were of the idle one, %ld of the "
		     "busy one, %ld of who took memory", all, of_idle,
		     of_busy, of_me);
	turn_give(turn, 3);
	OK(kill(a, SIGKILL));
	REAP(b, 0);
	reap(a);
	return test_done();
}
