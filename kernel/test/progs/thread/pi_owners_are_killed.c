/* NEEDS: MEM=64M CPUS=4 TIMEOUT=90 KIND=bounded */
/* BOUNDED: processes are killed wherever they are */
/*
 * Many processes lock, unlock, wait at and are sent to the same words, some of which
 * others spoil meanwhile, and are killed at any moment.  No word keeps a waiter who
 * has nobody to wait for, nobody has what another has, and all memory comes back.
 */
#include "lib/test.h"
#include "lib/futex.h"
#include <pthread.h>

#define WAITERS 0x80000000u
#define DIED 0x40000000u
#define TID_MASK 0x3fffffffu
#define WORDS 6u             /* the last two are spoiled */
#define FAIR 4u
#define PROCS 6
#define THREADS 3
#define MS 3000

struct entry {
	void *next;
	uint32_t word;
};

static struct shared {
	struct entry e[WORDS];
	uint32_t first[2];       /* for WAIT_REQUEUE_PI */
	uint32_t inside[WORDS];  /* tid of who is inside, 0 */
	volatile uint32_t twice; /* two were inside */
	volatile bool over;
} *sh;

static long
futex(void *at, int op, uint32_t val, const void *ts, void *at2, uint32_t val3)
{
	return syscall(SYS_futex, at, op, val, ts, at2, val3);
}

/* As a library has them: on the list while it is locked. */
struct robust {
	void *next;
	long offset;
	void *pending;
};

static const struct timespec *
soon(struct timespec *ts, unsigned ms)
{
	clock_gettime(CLOCK_REALTIME, ts);
	ts->tv_nsec += ms * 1000000;
	ts->tv_sec += ts->tv_nsec / 1000000000;
	ts->tv_nsec %= 1000000000;
	return ts;
}

/* Nobody else is here: who was and is dead has left the mark DIED. */
static void
inside(unsigned n, uint32_t me)
{
	uint32_t was = __atomic_exchange_n(&sh->inside[n], me, __ATOMIC_SEQ_CST);
	uint32_t word = __atomic_load_n(&sh->e[n].word, __ATOMIC_SEQ_CST);

	if (n < FAIR && ((word & TID_MASK) != me ||
	    (was != 0 && (word & DIED) == 0)))
		sh->twice = was != 0 ? was : word;
	for (unsigned i = me % 50; i > 0; i--)
		sched_yield();
	was = me;
	(void)__atomic_compare_exchange_n(&sh->inside[n], &was, 0, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	if (n < FAIR && was != me)
		sh->twice = was;
}

static void
lock_one(unsigned n, uint32_t me, unsigned *seed, struct robust *head)
{
	static const int ops[] = { FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_TRYLOCK_PI,
		FUTEX_LOCK_PI };
	uint32_t *w = &sh->e[n].word, none = 0;
	bool robust = rand_r(seed) % 4 != 0;
	struct timespec ts;
	int op = ops[rand_r(seed) % 4];

	if (robust)
		head->pending = (void *)((uintptr_t)&sh->e[n] | 1);
	if (!__atomic_compare_exchange_n(w, &none, me, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST) && futex(w, op | (op == FUTEX_LOCK_PI2 ?
	    FUTEX_CLOCK_REALTIME : 0), 0, rand_r(seed) % 3 == 0 ?
	    soon(&ts, rand_r(seed) % 5) : soon(&ts, 100), NULL, 0) != 0) {
		head->pending = NULL;
		return;
	}
	inside(n, me);
	none = me;
	if (!__atomic_compare_exchange_n(w, &none, 0, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST))
		futex(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	head->pending = NULL;
}

static void *
works(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, n;
	uint32_t me = (uint32_t)syscall(SYS_gettid);
	struct robust head = { &head, offsetof(struct entry, word), NULL };
	struct timespec ts;
	uint32_t *w;

	syscall(SYS_set_robust_list, &head, sizeof(head));
	while (!sh->over) {
		n = rand_r(&seed) % WORDS;
		w = &sh->e[n].word;
		switch (rand_r(&seed) % 8) {
		case 0: /* sent from one of the others' words */
			if (futex(&sh->first[n % 2], FUTEX_WAIT_REQUEUE_PI |
			    FUTEX_CLOCK_REALTIME, 0, soon(&ts,
			    10), &sh->e[FAIR + n % 2].word, 0) == 0)
				futex(&sh->e[FAIR + n % 2].word, FUTEX_UNLOCK_PI, 0, NULL,
				    NULL, 0);
			break;
		case 1:
			futex(&sh->first[n % 2], FUTEX_CMP_REQUEUE_PI, 1,
			    (void *)(uintptr_t)(rand_r(&seed) % 3),
			    &sh->e[FAIR + n % 2].word, 0);
			break;
		case 2:
			if (n >= FAIR)
				__atomic_store_n(w, rand_r(&seed) % 2 ? 0 :
				    (uint32_t)rand_r(&seed), __ATOMIC_SEQ_CST);
			break;
		case 3:
			if (n >= FAIR)
				futex(w, FUTEX_WAKE, 9, NULL, NULL, 0);
			break;
		default:
			lock_one(n, me, &seed, &head);
			break;
		}
	}
	return NULL;
}

static pid_t
start(unsigned seed)
{
	pid_t pid = OK(fork());
	pthread_t t;

	if (pid != 0)
		return pid;
	for (unsigned i = 1; i < THREADS; i++)
		if (pthread_create(&t, NULL, works,
		    (void *)(uintptr_t)(seed * 7 + i)) != 0)
			_exit(1);
	works((void *)(uintptr_t)(seed * 7));
	_exit(0);
}

static void
attack(unsigned round)
{
	uint64_t t0 = now_ns();
	pid_t pid[PROCS];
	unsigned seed = round, i;
	int st;

	memset(sh, 0, sizeof(*sh));
	for (i = 0; i < PROCS; i++)
		pid[i] = start(++seed);
	while (now_ns() - t0 < (uint64_t)rounds(MS) * 1000000) {
		sleep_ms((unsigned)rand() % 8);
		i = (unsigned)rand() % PROCS;
		OK(kill(pid[i], SIGKILL));
		EQ(waitpid(pid[i], &st, 0), pid[i]);
		pid[i] = start(++seed);
	}
	sh->over = true;
	for (i = 0; i < PROCS; i++)
		EQ(waitpid(pid[i], &st, 0), pid[i]);
	EQ(sh->twice, 0);
	for (i = 0; i < WORDS; i++) {
		/* Nobody waits: what the word says is all there is. */
		sh->e[i].word = 0;
		OK(futex(&sh->e[i].word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
		EQ(sh->e[i].word, (uint32_t)syscall(SYS_gettid));
		OK(futex(&sh->e[i].word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
		EQ(sh->e[i].word, 0);
	}
}

int
main(void)
{
	sh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(sh != MAP_FAILED);
	attack(1);
	leak_mark();
	attack(1000);
	leak_diff();
	return test_done();
}
