/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Futexes whose word names the owner: LOCK_PI, LOCK_PI2, TRYLOCK_PI, UNLOCK_PI; what
 * the word is at each step; who ends while he has one, with and without a robust list;
 * circles; signals and times; from a first word to a second by CMP_REQUEUE_PI.
 */
#include "lib/sleeps.h"
#include "lib/futex.h"
#include <pthread.h>

#define WAITERS 0x80000000u
#define DIED 0x40000000u
#define LONG_AGO 1

static long
futex(void *at, int op, uint32_t val, const void *ts, void *at2, uint32_t val3)
{
	return syscall(SYS_futex, at, op, val, ts, at2, val3);
}

static uint32_t
own_tid(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

static uint32_t
seen(uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void
put(uint32_t *word, uint32_t v)
{
	__atomic_store_n(word, v, __ATOMIC_SEQ_CST);
}

/* A thread that makes one call and says what came of it. */
struct caller {
	pthread_t thread;
	int op;
	uint32_t *word, *word2;
	const struct timespec *until;
	uint32_t val, val3;
	volatile pid_t tid;
	volatile long result;        /* or -errno */
	volatile uint32_t left;      /* the first word just afterwards */
	volatile bool unlock, done;
};

static void *
calls(void *arg)
{
	struct caller *c = arg;
	long r;

	c->tid = (pid_t)own_tid();
	r = futex(c->word, c->op, c->val, c->until, c->word2, c->val3);
	c->result = r < 0 ? -errno : r;
	c->left = seen(c->word2 != NULL ? c->word2 : c->word);
	c->done = true;
	while (!c->unlock)
		sched_yield();
	if (c->result == 0)
		OK(futex(c->word2 != NULL ? c->word2 : c->word, FUTEX_UNLOCK_PI, 0,
		    NULL, NULL, 0));
	return NULL;
}

static void
begin(struct caller *c, int op, uint32_t *word)
{
	c->op = op;
	c->word = word;
	EQ(pthread_create(&c->thread, NULL, calls, c), 0);
}

/* It sleeps in its call. */
static void
asleep(struct caller *c)
{
	while (c->tid == 0)
		sched_yield();
	thread_sleeps(getpid(), c->tid);
}

static void
done(struct caller *c, long result)
{
	while (!c->done)
		sched_yield();
	EQ(c->result, result);
}

static void
end(struct caller *c)
{
	c->unlock = true;
	EQ(pthread_join(c->thread, NULL), 0);
}

static void
words(void)
{
	uint32_t w = 0, me = own_tid();

	OK(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	EQ(w, me);
	ERR(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	ERR(futex(&w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	OK(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	EQ(w, 0);
	ERR(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	OK(futex(&w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	EQ(w, me);
	w |= WAITERS;
	OK(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	EQ(w, 0);
	w = DIED | WAITERS;
	OK(futex(&w, FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
	EQ(w, DIED | me);
	OK(futex(&w, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0));
	EQ(w, 0);
	/* Of nobody: that is what is said, and the mark stays. */
	w = 3999999;
	ERR(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
	EQ(w, 3999999 | WAITERS);
	w = 3999999;
	ERR(futex(&w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), ESRCH);
	ERR(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
}

static void
errors(void)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };
	uint32_t w[2] = { 0, 0 };
	const int real = FUTEX_CLOCK_REALTIME;

	ERR(futex((char *)w + 1, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
	ERR(futex((void *)8, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	ERR(futex((void *)8, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EFAULT);
	ERR(futex((char *)w + 1, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	ERR(futex(w, FUTEX_LOCK_PI, 0, &bad, NULL, 0), EINVAL);
	ERR(futex(w, FUTEX_LOCK_PI2, 0, &negative, NULL, 0), EINVAL);
	ERR(futex(w, FUTEX_LOCK_PI | real, 0, NULL, NULL, 0), ENOSYS);
	ERR(futex(w, FUTEX_TRYLOCK_PI | real, 0, NULL, NULL, 0), ENOSYS);
	ERR(futex(w, FUTEX_UNLOCK_PI | real, 0, NULL, NULL, 0), ENOSYS);
	ERR(futex(w, FUTEX_CMP_REQUEUE_PI | real, 0, NULL, w + 1, 0), ENOSYS);
	ERR(futex(w, FUTEX_WAIT_REQUEUE_PI, 0, NULL, w, 0), EINVAL);
	ERR(futex(w, FUTEX_WAIT_REQUEUE_PI, 1, NULL, w + 1, 0), EAGAIN);
	ERR(futex(w, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, w, 0), EINVAL);
	ERR(futex(w, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, w + 1, 0), EINVAL);
	ERR(futex(w, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, w + 1, 7), EAGAIN);
	EQ(futex(w, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, w + 1, 0), 0);
}

/* In the order in which they came; the word names each in turn. */
static void
handed_on(void)
{
	struct caller c[3];
	uint32_t w = 0, me = own_tid();
	unsigned i;

	memset(c, 0, sizeof(c));
	OK(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	for (i = 0; i < 3; i++) {
		begin(&c[i], i == 1 ? FUTEX_LOCK_PI2 : FUTEX_LOCK_PI, &w);
		asleep(&c[i]);
		EQ(seen(&w), me | WAITERS);
	}
	ERR(futex(&w, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	ERR(futex(&w, FUTEX_REQUEUE, 1, (void *)1, &i, 0), EINVAL);
	ERR(futex(&w, FUTEX_REQUEUE, 0, (void *)1, &i, 0), EINVAL);
	for (i = 0; i < 3; i++) {
		if (i == 0)
			OK(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
		else
			end(&c[i - 1]);
		done(&c[i], 0);
		EQ(c[i].left, (uint32_t)c[i].tid | WAITERS);
		ERR(futex(&w, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
		ERR(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	}
	end(&c[2]);
	EQ(seen(&w), 0);
}

/* Words that can be read only. */
static void
read_only(void)
{
	uint32_t *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), other = 0;

	OK(futex(w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	OK(mprotect(w, PAGE, PROT_READ));
	ERR(futex(w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EFAULT);
	ERR(futex(w + 1, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	ERR(futex(&other, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, w + 1, 0), EFAULT);
	ERR(futex(&other, FUTEX_WAKE_OP, 1, (void *)1, w + 1, 0), EFAULT);
	ERR(futex(w + 1, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &other, 7), EFAULT);
	ERR(futex(w + 1, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1, (void *)1, &other, 7),
	    EAGAIN);
	EQ(*w, own_tid());
	OK(munmap(w, PAGE));
}

/* The word says what is not so. */
static void
spoiled(void)
{
	struct caller c, d;
	uint32_t w = 0, me = own_tid();

	memset(&c, 0, sizeof(c));
	memset(&d, 0, sizeof(d));
	OK(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	begin(&c, FUTEX_LOCK_PI, &w);
	asleep(&c);
	put(&w, (uint32_t)c.tid | WAITERS);
	ERR(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
	ERR(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	put(&w, me | WAITERS);
	OK(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	done(&c, 0);
	end(&c);
	/* One who waits for no owner is in the way. */
	put(&w, 0);
	begin(&d, FUTEX_WAIT, &w);
	asleep(&d);
	ERR(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
	put(&w, me);
	ERR(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EINVAL);
	d.result = -1;
	EQ(futex(&w, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	while (!d.done)
		sched_yield();
	d.result = -1;
	end(&d);
}

static void
times(void)
{
	struct timespec past = { LONG_AGO, 0 }, soon;
	struct caller c;
	uint32_t w = 0;

	memset(&c, 0, sizeof(c));
	begin(&c, FUTEX_LOCK_PI, &w);
	done(&c, 0);
	ERR(futex(&w, FUTEX_LOCK_PI, 0, &past, NULL, 0), ETIMEDOUT);
	ERR(futex(&w, FUTEX_LOCK_PI2, 0, &past, NULL, 0), ETIMEDOUT);
	ERR(futex(&w, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 0),
	    ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	ERR(futex(&w, FUTEX_LOCK_PI, 0, &soon, NULL, 0), ETIMEDOUT);
	EQ(seen(&w), (uint32_t)c.tid | WAITERS);
	end(&c);
	EQ(seen(&w), 0);
}

static volatile int handled;

static void
handler(int sig)
{
	handled++;
}

/* A signal is handled, and the call goes on, whatever SA_RESTART says. */
static void
signals(void)
{
	struct sigaction sa = { .sa_handler = handler };
	struct caller c;
	uint32_t w = 0;

	OK(sigaction(SIGUSR1, &sa, NULL));
	memset(&c, 0, sizeof(c));
	OK(futex(&w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	begin(&c, FUTEX_LOCK_PI, &w);
	asleep(&c);
	EQ(pthread_kill(c.thread, SIGUSR1), 0);
	while (handled == 0)
		sched_yield();
	asleep(&c);
	EQ(c.done, false);
	OK(futex(&w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	done(&c, 0);
	end(&c);
}

/* A waits for B's, B for A's. */
static struct {
	uint32_t w[2];
	volatile pid_t tid;
	volatile bool locked, go;
	volatile long result;
} circle;

static void *
other_half(void *arg)
{
	OK(futex(&circle.w[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	circle.tid = (pid_t)own_tid();
	circle.locked = true;
	while (!circle.go)
		sched_yield();
	OK(futex(&circle.w[0], FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	OK(futex(&circle.w[0], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	OK(futex(&circle.w[1], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	return NULL;
}

static void
circles(void)
{
	pthread_t t;

	OK(futex(&circle.w[0], FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	EQ(pthread_create(&t, NULL, other_half, NULL), 0);
	while (!circle.locked)
		sched_yield();
	circle.go = true;
	thread_sleeps(getpid(), circle.tid);
	while ((seen(&circle.w[0]) & WAITERS) == 0)
		sched_yield();
	thread_sleeps(getpid(), circle.tid);
	ERR(futex(&circle.w[1], FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	ERR(futex(&circle.w[1], FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EAGAIN);
	OK(futex(&circle.w[0], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	EQ(pthread_join(t, NULL), 0);
	EQ(circle.w[1], 0);
}

/* ---- owners that end ---- */

struct robust {
	void *next;
	long offset;
	void *pending;
};

static struct shared {
	uint32_t w;
	volatile pid_t tid;
	struct robust head;
	void *entry;
} *sh;

static void
locks_and_dies(bool robust, int signo)
{
	OK(futex(&sh->w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	if (robust) {
		sh->entry = &sh->head;
		sh->head.next = (void *)((uintptr_t)&sh->entry | 1);
		sh->head.offset = (char *)&sh->w - (char *)&sh->entry;
		OK(syscall(SYS_set_robust_list, &sh->head, sizeof(sh->head)));
	}
	OK(raise(SIGSTOP));
	if (signo != 0)
		raise(signo);
	_exit(0);
}

static void
owner_ends(bool robust, int signo)
{
	struct caller c;
	pid_t pid;
	int st;

	memset(&c, 0, sizeof(c));
	sh->w = 0;
	pid = OK(fork());
	if (pid == 0)
		locks_and_dies(robust, signo);
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	EQ(sh->w, (uint32_t)pid);
	begin(&c, FUTEX_LOCK_PI, &sh->w);
	asleep(&c);
	EQ(sh->w, (uint32_t)pid | WAITERS);
	OK(kill(pid, SIGCONT));
	EQ(waitpid(pid, &st, 0), pid);
	done(&c, 0);
	EQ(c.left, (uint32_t)c.tid | WAITERS | DIED);
	end(&c);
	EQ(sh->w, 0);
}

/* Nobody waits: a robust list says that he has died, no list leaves what was. */
static void
nobody_waits(bool robust)
{
	pid_t pid;
	int st;

	sh->w = 0;
	pid = OK(fork());
	if (pid == 0)
		locks_and_dies(robust, SIGKILL);
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	OK(kill(pid, SIGCONT));
	EQ(waitpid(pid, &st, 0), pid);
	if (!robust) {
		ERR(futex(&sh->w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
		return;
	}
	EQ(sh->w, DIED);
	OK(futex(&sh->w, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	EQ(sh->w, own_tid() | DIED);
	OK(futex(&sh->w, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void *
waits_without_memory(void *arg)
{
	sh->tid = (pid_t)own_tid();
	ERR(futex(&sh->w, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	_exit(arg == NULL ? 3 : 4);
}

/* The first waiter cannot write his name any more: the next one has the lock. */
static void
memory_is_gone(void)
{
	struct caller c;
	pthread_t t;
	pid_t pid, first;
	int st;

	memset(&c, 0, sizeof(c));
	memset(sh, 0, sizeof(*sh));
	pid = OK(fork());
	if (pid == 0)
		locks_and_dies(false, SIGKILL);
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	first = OK(fork());
	if (first == 0) {
		EQ(pthread_create(&t, NULL, waits_without_memory, NULL), 0);
		while (sh->tid == 0)
			sched_yield();
		thread_sleeps(getpid(), sh->tid);
		sh->tid = 0;
		OK(munmap(sh, PAGE));
		(void)pthread_join(t, NULL);
	}
	while (sh->w != ((uint32_t)pid | WAITERS) || sh->tid != 0)
		sched_yield();
	process_sleeps(first);
	begin(&c, FUTEX_LOCK_PI, &sh->w);
	asleep(&c);
	OK(kill(pid, SIGCONT));
	EQ(waitpid(pid, &st, 0), pid);
	REAP(first, 3);
	done(&c, 0);
	end(&c);
	EQ(sh->w, 0);
}

/* ---- from one word to the other ---- */

static void
requeue(void)
{
	struct timespec past = { LONG_AGO, 0 };
	struct caller c[3];
	uint32_t first = 5, second = 0, third = 0, me = own_tid();
	unsigned i;

	ERR(futex(&first, FUTEX_WAIT_REQUEUE_PI, 5, &past, &second, 0), ETIMEDOUT);
	memset(c, 0, sizeof(c));
	for (i = 0; i < 3; i++) {
		c[i].val = 5;
		c[i].word2 = &second;
		begin(&c[i], FUTEX_WAIT_REQUEUE_PI, &first);
		asleep(&c[i]);
	}
	ERR(futex(&first, FUTEX_WAKE, 1, NULL, NULL, 0), EINVAL);
	ERR(futex(&first, FUTEX_CMP_REQUEUE, 1, (void *)1, &third, 5), EINVAL);
	ERR(futex(&first, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &third, 5), EINVAL);
	ERR(futex(&first, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &second, 6), EAGAIN);
	/* It is free: the first has it, the second waits, the third stays. */
	EQ(futex(&first, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &second, 5), 2);
	done(&c[0], 0);
	EQ(c[0].left, (uint32_t)c[0].tid | WAITERS);
	EQ(c[1].done, false);
	end(&c[0]);
	done(&c[1], 0);
	end(&c[1]);
	EQ(seen(&second), 0);
	EQ(c[2].done, false);
	/* It is the caller's: he waits for it. */
	OK(futex(&second, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	EQ(futex(&first, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &second, 5), 1);
	EQ(seen(&second), me | WAITERS);
	EQ(c[2].done, false);
	OK(futex(&second, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	done(&c[2], 0);
	end(&c[2]);
	EQ(seen(&second), 0);
}

static struct {
	uint32_t first, second, held;
	volatile pid_t holder, owner;
} ring;

/* Has one lock, and is to be sent to wait for the other one. */
static void *
holder(void *arg)
{
	OK(futex(&ring.held, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	ring.holder = (pid_t)own_tid();
	ERR(futex(&ring.first, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &ring.second, 0), EAGAIN);
	OK(futex(&ring.held, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	return arg;
}

/* Has that, and waits for the first one's. */
static void *
owner(void *arg)
{
	OK(futex(&ring.second, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	ring.owner = (pid_t)own_tid();
	OK(futex(&ring.held, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	OK(futex(&ring.held, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	OK(futex(&ring.second, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	return arg;
}

/* Who would wait for himself at the second word stays at the first. */
static void
sent_in_a_circle(void)
{
	pthread_t t[2];

	EQ(pthread_create(&t[0], NULL, holder, NULL), 0);
	while (ring.holder == 0)
		sched_yield();
	thread_sleeps(getpid(), ring.holder);
	EQ(pthread_create(&t[1], NULL, owner, NULL), 0);
	while (ring.owner == 0 || (seen(&ring.held) & WAITERS) == 0)
		sched_yield();
	thread_sleeps(getpid(), ring.owner);
	ERR(futex(&ring.first, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &ring.second, 0),
	    EDEADLK);
	put(&ring.first, 1);
	EQ(pthread_kill(t[0], SIGUSR1), 0); /* it looks anew */
	EQ(pthread_join(t[0], NULL), 0);
	EQ(pthread_join(t[1], NULL), 0);
	EQ(seen(&ring.second), 0);
}

int
main(void)
{
	sh = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(sh != MAP_FAILED);
	words();
	errors();
	handed_on();
	read_only();
	spoiled();
	times();
	signals();
	circles();
	owner_ends(true, SIGKILL);
	owner_ends(true, 0);
	owner_ends(false, SIGKILL);
	owner_ends(false, 0);
	nobody_waits(true);
	nobody_waits(false);
	memory_is_gone();
	requeue();
	sent_in_a_circle();
	return test_done();
}
