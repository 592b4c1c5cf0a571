/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 SWEEP=no APPEND=frames=8M KIND=exact,bounded */
/* BOUNDED: readers run on other CPUs while a frame goes */
/*
 * Design frames, on several CPUs: what a call has taken away no CPU reaches afterwards,
 * threads map and unmap side by side, and processes that are killed at any moment leave
 * all that they had (rows E7, E15, E19).
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
#define CHILDREN 20
#define CODE (BASE + 0x100000ul)
#define DATA (CODE + PAGE)

static struct f_space mine;
static _Atomic int gone, running, bad;
static __thread sigjmp_buf back;

static uint64_t
sum(void)
{
	struct frame_info i;
	uint64_t n = 0;

	for (int k = 0; f_info((unsigned)k, &i) == 0; k++)
		n += i.len;
	return n;
}

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

/* ---- E19 ---- */

__asm__(".section .rodata\n"
    "busy_begin:\n"
    "1:	addq $1, (%rdi)\n"
    "	jmp 1b\n"
    "busy_end:\n"
    ".previous\n");
extern const char busy_begin[], busy_end[];

/* With a page to store to, or without. */
static pid_t
child(unsigned kind)
{
	pid_t pid = OK(f_proc(f_cut(2)));
	struct f_space s;
	int code = f_cut(1);

	f_build(&s, CODE);
	EQ(f_map(mine.table[1], code, AT(0), F_READ | F_WRITE), 0);
	memcpy((void *)AT(0), busy_begin, (size_t)(busy_end - busy_begin));
	EQ(f_unmap(mine.table[1], code, AT(0)), 0);
	EQ(f_map(s.table[1], code, CODE, F_READ | F_EXEC), 0);
	if (kind != 1)
		EQ(f_map(s.table[1], f_cut(1), DATA, F_READ | F_WRITE), 0);
	EQ(f_swap(pid, s.table[4]), 0);
	return pid;
}

static void
the_killed_leave_all(uint64_t seed)
{
	struct frame_regs regs = { .rip = CODE, .rdi = DATA };
	unsigned kind[CHILDREN];
	pid_t pid[CHILDREN];
	int status;

	for (unsigned i = 0; i < CHILDREN; i++)
		pid[i] = child(kind[i] = (unsigned)(rnd(&seed) % 3));
	/* One that runs, one that waits for us, one that has not begun. */
	for (unsigned i = 0; i < CHILDREN; i++)
		if (kind[i] != 2)
			EQ(f_start(pid[i], &regs), 0);
	usleep((useconds_t)(rnd(&seed) % 5000));
	for (unsigned i = 0; i < CHILDREN; i++)
		OK(kill(pid[i], SIGKILL));
	for (unsigned i = 0; i < CHILDREN; i++) {
		EQ(waitpid(pid[i], &status, 0), pid[i]);
		EQ(WTERMSIG(status), SIGKILL);
	}
	EQ(sum(), 8ul << 20);
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
	EQ(sum(), 8ul << 20);
	threads_map_side_by_side();
	for (uint64_t seed = 1; seed <= 3; seed++)
		the_killed_leave_all(seed);
	return test_done();
}
