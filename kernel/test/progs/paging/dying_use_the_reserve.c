/* NEEDS: MEM=32M SWAP=256M CPUS=4 TIMEOUT=200 SWEEP=no MORE=all KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * d08: who dies gives back more than he takes, and may take from the reserve.
 * Sleepers whose tables and VADs are on swap are killed all at once while two
 * others dirty more memory than there is.
 *
 * Argument: go on until page.reserve_allocs has risen, so many rounds at most
 * (1, and then it need not).  With a fast disk there is hardly ever nothing on
 * standby; cases/paging/reserve.sh runs it with a slow one.
 */
#include "lib/events.h"
#include "lib/pressure.h"

#define SLEEPERS 40
#define MAPPINGS 300            /* five pages of VADs */
#define TABLES 16
#define DIRTY_PAGES (22 * MIB / PAGE)
#define FILL_S 3                /* until they are out */

struct talk {
	volatile int asleep;
	volatile int over;
};

static struct talk *talk;

static void
sleeper(void)
{
	char *p = mmap(NULL, (size_t)TABLES * 2 * MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	for (long i = 0; i < MAPPINGS; i++)
		OK(mprotect(p + 2 * i * PAGE, PAGE, PROT_READ));
	for (long i = 0; i < TABLES; i++)
		p[i * 2 * MIB + MIB + PAGE] = 1;
	__atomic_add_fetch(&talk->asleep, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void
dirty(void)
{
	volatile char *p = pages_private(DIRTY_PAGES);

	for (char k = 1; !talk->over; k++)
		for (size_t i = 0; i < DIRTY_PAGES && !talk->over; i++)
			p[i * PAGE] = k;
	_exit(0);
}

static pid_t
begin(void (*fn)(void))
{
	pid_t pid = OK(fork());

	if (pid == 0)
		fn();
	return pid;
}

static void
kill_sleepers(void)
{
	pid_t pid[SLEEPERS], busy[2];
	int i;

	talk->asleep = talk->over = 0;
	for (i = 0; i < SLEEPERS; i++)
		pid[i] = begin(sleeper);
	while (talk->asleep < SLEEPERS)
		sleep_ms(10);
	for (i = 0; i < 2; i++)
		busy[i] = begin(dirty);
	sleep_ms(FILL_S * 1000);
	for (i = 0; i < SLEEPERS; i++)
		OK(kill(pid[i], SIGKILL));
	for (i = 0; i < SLEEPERS; i++)
		REAP_SIGNAL(pid[i], SIGKILL);
	talk->over = 1;
	for (i = 0; i < 2; i++)
		REAP(busy[i], 0);
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1, i;

	snap_init();
	talk = (void *)pages_shared(1);
	snap_all(1);
	for (i = 0; i < rounds; i++) {
		kill_sleepers();
		snap_all(2);
		if (snap_delta(1, 2, "page.reserve_allocs") > 0)
			break;
	}
	if (rounds > 1 && i == rounds && on_vadose())
		FAIL("%d rounds, and nobody has taken from the reserve", rounds);
	return test_done();
}
