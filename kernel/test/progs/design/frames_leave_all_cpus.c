/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 SWEEP=no APPEND=frames=8M KIND=exact,bounded */
/* BOUNDED: readers run on other CPUs while a frame goes */
/*
 * Design frames, on several CPUs: what a call has taken away no CPU reaches afterwards,
 * and threads map and unmap side by side (rows E7, E15).
 */
#include "lib/frames.h"
#include "lib/trap.h"
#include <pthread.h>
#include <stdatomic.h>

#define WAYS 10                 /* mappings of the frame that goes */
#define READERS 3
#define AT(i) (BASE + (uint64_t)(i) * PAGE)
#define MAPPERS 4
#define ROUNDS 300

static struct f_space mine;
static _Atomic int gone, running, bad;
static __thread sigjmp_buf back;

static void
caught(int sig)
{
	siglongjmp(back, 1);
}

/* In a thread of any kind: does the load end in a signal? */
static bool
faults(uint64_t va)
{
	volatile bool faulted = true;

	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile uint64_t *)va;
		faulted = false;
	}
	return faulted;
}

/* ---- E7 ---- */

/* Looks through each mapping, again and again; once the call has returned, through none. */
static void *
reader(void *arg)
{
	unsigned i;
	int was;

	atomic_fetch_add(&running, 1);
	do {
		was = atomic_load(&gone);
		for (i = 0; i < WAYS; i++)
			if (!faults(AT(i)) && was != 0)
				atomic_fetch_add(&bad, 1);
	} while (was == 0);
	return NULL;
}

static void
no_cpu_reads_what_was_given(void)
{
	int pid = OK(f_proc(f_cut(2))), f = f_cut(1), space = f_cut(1), status;
	pthread_t t[READERS];

	EQ(f_map(mine.table[1], f, AT(0), F_READ), 0);
	ERR(f_map(mine.table[1], f, AT(1), F_READ), ENOSPC); /* E8 */
	EQ(f_segments(getpid(), space), 0);
	for (unsigned i = 1; i < WAYS; i++)
		CHECK(f_map(mine.table[1], f, AT(i), F_READ) > 0);
	for (int i = 0; i < READERS; i++)
		EQ(pthread_create(&t[i], NULL, reader, NULL), 0);
	while (atomic_load(&running) < READERS)
		sched_yield();
	usleep(20000);
	EQ(f_give(f, pid), f);
	atomic_store(&gone, 1);
	for (int i = 0; i < READERS; i++)
		EQ(pthread_join(t[i], NULL), 0);
	EQ(bad, 0);
	ERR(f_give(f_cut(1), 1), ESRCH); /* init is no process of frames */
	EQ(f_untable(space), 0);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
}

/* ---- E15 ---- */

static int page[MAPPERS];       /* of each */

/* A page of its own, mapped, used and unmapped, beside others. */
static void *
mapper(void *arg)
{
	uint64_t i = (uint64_t)arg, va = AT(16 + i);
	int f = page[i], r;

	for (uint64_t n = 0; n < ROUNDS; n++) {
		r = f_map(mine.table[1], f, va, F_READ | F_WRITE);
		if (r != 0 || *(volatile uint64_t *)va != n)
			atomic_fetch_add(&bad, 1);
		*(volatile uint64_t *)va = n + 1;
		if (f_unmap(mine.table[1], f, va) != 0 || !faults(va))
			atomic_fetch_add(&bad, 1);
	}
	return NULL;
}

static void
threads_map_side_by_side(void)
{
	pthread_t t[MAPPERS];

	for (int i = 0; i < MAPPERS; i++)
		page[i] = f_cut(1);
	for (uint64_t i = 0; i < MAPPERS; i++)
		EQ(pthread_create(&t[i], NULL, mapper, (void *)i), 0);
	for (int i = 0; i < MAPPERS; i++)
		EQ(pthread_join(t[i], NULL), 0);
	EQ(bad, 0);
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = caught };

	under_design(DESIGN_FRAMES, argv);
	OK(sigaction(SIGSEGV, &sa, NULL));
	f_build(&mine, BASE);
	EQ(f_swap(getpid(), mine.table[4]), 0);
	no_cpu_reads_what_was_given();
	EQ(f_sum(), 8ul << 20);
	threads_map_side_by_side();
	return test_done();
}
