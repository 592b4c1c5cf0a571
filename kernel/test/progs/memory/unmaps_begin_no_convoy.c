/* NEEDS: MEM=64M CPUS=1,2,4 MORE=4 ICOUNT=1 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs; switches depend on where the kernel's bytes lie: 84 to 590 in 60 boots, a convoy 6,600 */
/*
 * Sixteen threads store to fresh pages while one more gives its own back, in the
 * same space: by madvise, by munmap, by mprotect.  That its turn ends while it
 * has a lock does not put the others to sleep, fault by fault, from then on.
 */
#include "lib/test.h"
#include <pthread.h>
#include <stdatomic.h>

#define THREADS 16
#define ROUNDS 2
#define EACH 512ul /* pages of a thread, a leaf table */
#define OWN 64ul   /* pages of who gives them back */

static char *area;
static atomic_int left; /* threads that still fault */
static pthread_barrier_t gate;
static void (*gives_back)(char *own);
static unsigned long worst;

static void
by_madvise(char *own)
{
	OK(madvise(own, OWN * PAGE, MADV_DONTNEED));
}

static void
by_munmap(char *own)
{
	OK(munmap(own, OWN * PAGE));
	EQ(mmap(own, OWN * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), own);
}

static void
by_mprotect(char *own)
{
	OK(mprotect(own, OWN * PAGE, PROT_READ));
	OK(mprotect(own, OWN * PAGE, PROT_READ | PROT_WRITE));
}

static void *
touches(void *slot)
{
	size_t i = (size_t)slot, n;

	pthread_barrier_wait(&gate);
	for (n = i * EACH; n < (i + 1) * EACH; n++)
		area[n * PAGE] = 1;
	atomic_fetch_sub(&left, 1);
	return NULL;
}

static void *
disturbs(void *slot)
{
	char *own = pages_private(OWN);
	size_t n;

	(void)slot;
	pthread_barrier_wait(&gate);
	while (atomic_load(&left) > 0) {
		for (n = 0; n < OWN; n++)
			own[n * PAGE] = 1;
		gives_back(own);
	}
	OK(munmap(own, OWN * PAGE));
	return NULL;
}

/* Of all threads of the machine, since it came up. */
static unsigned long
all_switches(void)
{
	char text[4 * KIB], *at;
	int fd = (int)OK(open("/proc/stat", O_RDONLY));
	ssize_t n = OK(read(fd, text, sizeof(text) - 1));

	OK(close(fd));
	text[n] = '\0';
	at = strstr(text, "\nctxt ");
	CHECK(at != NULL);
	return strtoul(at + strlen("\nctxt "), NULL, 10);
}

static void
disturbed(const char *how, void (*fn)(char *))
{
	unsigned long switches = all_switches();
	pthread_t t[THREADS + 1];
	size_t i, round;

	gives_back = fn;
	for (round = 0; round < ROUNDS; round++) {
		atomic_store(&left, THREADS);
		for (i = 0; i < THREADS; i++)
			EQ(pthread_create(&t[i], NULL, touches, (void *)i), 0);
		EQ(pthread_create(&t[THREADS], NULL, disturbs, NULL), 0);
		for (i = 0; i <= THREADS; i++)
			EQ(pthread_join(t[i], NULL), 0);
		OK(madvise(area, THREADS * EACH * PAGE, MADV_DONTNEED));
	}
	switches = all_switches() - switches;
	printf("# %s: %lu switches, %lu faults\n", how, switches,
	    ROUNDS * THREADS * EACH);
	fflush(stdout);
	if (switches > worst)
		worst = switches;
}

int
main(void)
{
	if (!on_vadose()) {
		printf("skipped: others run on the host, too\n");
		return 0;
	}
	area = pages_private(THREADS * EACH);
	EQ(pthread_barrier_init(&gate, NULL, THREADS + 1), 0);
	disturbed("madvise", by_madvise);
	disturbed("munmap", by_munmap);
	disturbed("mprotect", by_mprotect);
	LE(worst, ROUNDS * THREADS * EACH / 10);
	return test_done();
}
