/* NEEDS: OWN=1 MEM=128M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * A call on 64 GiB, of which each eighth MiB is touched, does not keep others from the
 * words of its space until it is done: they wait for one table.  These are another
 * process, which reads what /proc says of this one's words, and a thread that faults:
 * beside mprotect it waits for some hundred tables, while the mappings change.  Its
 * longest wait is measured.  While a call lasts the other has turns of some 30 ms: it
 * uses them if it need not wait, else each is over with the look that waits.
 */
#include "lib/design.h"
#include <pthread.h>

#define SIZE (64ul << 30)
#define STEP (8 * MIB)
#define LAST (2 * MIB - PAGE) /* of a table, so that its words are walked to their end */
#define CALLS_US 300000       /* of one kind, together */
#define TURN_US 40000         /* of the caller, at most: who waits then has a look */
#define FRESH 8192ul          /* pages */

struct looks {
	_Atomic bool counts, over;
	_Atomic long n;
	_Atomic long since_us;   /* the look that is under way began; 0: none is */
	_Atomic long longest_us; /* the longest, or what of it lay in the calls of this kind */
};

static struct looks *looks;
static char *area, *fresh;

static long
now_us(void)
{
	struct timespec t;

	OK(clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
waited(long us)
{
	if (us > looks->longest_us)
		looks->longest_us = us;
}

static void
look_again_and_again(void (*look)(long), long arg)
{
	while (!looks->over) {
		if (!looks->counts) {
			sched_yield();
			continue;
		}
		looks->since_us = now_us();
		look(arg);
		if (looks->counts)
			waited(now_us() - looks->since_us);
		looks->since_us = 0;
		looks->n++;
	}
}

/* How many looks ended during the call. */
static long
looks_during(int (*call)(int), int arg)
{
	long n = looks->n;

	looks->counts = true;
	OK(call(arg));
	looks->counts = false;
	if (looks->since_us != 0)
		waited(now_us() - looks->since_us);
	return looks->n - n;
}

static void
touch(void)
{
	for (size_t i = 0; i < SIZE; i += STEP)
		area[i + LAST] = 1;
}

/* ---- another process ---- */

static void
look_at_proc(long fd)
{
	char text[256];

	OK(pread((int)fd, text, sizeof(text), 0));
}

static pid_t
start_looker(void)
{
	char path[64];
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/%d/fmo", (int)getpid());
	pid = OK(fork());
	if (pid == 0) {
		look_again_and_again(look_at_proc, OK(open(path, O_RDONLY)));
		_exit(0);
	}
	return pid;
}

static int
protect(int prot)
{
	return mprotect(area, SIZE, prot);
}

/* ---- a thread ---- */

static void
fault(long unused)
{
	(void)unused;
	fresh[looks->n % FRESH * PAGE] = 1;
}

static void *
faults(void *arg)
{
	look_again_and_again(fault, 0);
	return arg;
}

static int
advise(int advice)
{
	return madvise(area, SIZE, advice);
}

/* The longest call, in us; what the others got done meanwhile is looked at here. */
static long
called(const char *what, int (*call)(int), int arg)
{
	long n = 0, us = 0, call_us = 0, calls, t;

	looks->longest_us = 0;
	for (calls = 0; us < CALLS_US; calls++) {
		OK(protect(PROT_READ | PROT_WRITE));
		touch();
		OK(madvise(fresh, FRESH * PAGE, MADV_DONTNEED));
		t = now_us();
		n += looks_during(call, arg);
		t = now_us() - t;
		us += t;
		call_us = t > call_us ? t : call_us;
	}
	if (n < 2 * calls + us / TURN_US)
		FAIL("%s: %ld looks in %ld us", what, n, us);
	return call_us;
}

/* No fault beside it has waited for nearly all of it.  A turn of the caller is in the
 * wait, and an age pass may be: that one holds all words. */
static void
protected(const char *what, int prot)
{
	long call_us = called(what, protect, prot);

	if (looks->longest_us > call_us / 4 * 3)
		FAIL("%s: a fault has waited for %ld us, the call took %ld",
		    what, looks->longest_us, call_us);
}

static void
protect_beside_a_process(void)
{
	pid_t pid = start_looker();

	called("PROT_READ", protect, PROT_READ);
	called("PROT_NONE", protect, PROT_NONE);
	looks->over = true;
	REAP(pid, 0);
	looks->over = false;
}

static void
call_beside_a_thread(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, faults, NULL), 0);
	called("MADV_WILLNEED", advise, MADV_WILLNEED);
	protected("PROT_READ beside a thread", PROT_READ);
	protected("PROT_NONE beside a thread", PROT_NONE);
	looks->over = true;
	EQ(pthread_join(t, NULL), 0);
}

static char *
pages_unreserved(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* eager has nothing beside its words, uvm counts all its anons for each look. */
static void
under_this_design(const char *design)
{
	looks = (void *)pages_shared(1);
	fresh = pages_unreserved(FRESH * PAGE);
	area = pages_unreserved(SIZE);
	if (strcmp(design, "fmo") == 0 || strcmp(design, "scalux") == 0)
		protect_beside_a_process();
	call_beside_a_thread();
}

int
main(int argc, char **argv)
{
	if (!on_vadose()) {
		printf("skipped: needs the designs of Vadose\n");
		return 0;
	}
	if (!under_each_design(argc, argv)) {
		under_this_design(argv[1]);
		return 0;
	}
	return test_done();
}
