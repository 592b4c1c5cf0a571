/* NEEDS: MEM=64M CPUS=1,2,4 MORE=4 ICOUNT=1 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs; switches are counted, far from one for each tenth fault */
/*
 * More threads than processors, all storing to fresh pages of one space:
 * that the turn of one ends while it has a lock does not make all others
 * sleep for that lock, fault by fault, from then on.
 */
#include "lib/test.h"
#include <pthread.h>

#define THREADS 16
#define ROUNDS 4
#define EACH 512ul /* pages of a thread, a leaf table */

static char *area;
static pthread_barrier_t gate;

static void *
touches(void *slot)
{
	size_t i = (size_t)slot, round, n;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&gate);
		for (n = i * EACH; n < (i + 1) * EACH; n++)
			area[n * PAGE] = 1;
		pthread_barrier_wait(&gate);
		if (i == 0)
			OK(madvise(area, THREADS * EACH * PAGE, MADV_DONTNEED));
	}
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

int
main(void)
{
	unsigned long switches;
	pthread_t t[THREADS];
	size_t i;

	if (!on_vadose()) {
		printf("skipped: others run on the host, too\n");
		return 0;
	}
	area = pages_private(THREADS * EACH);
	EQ(pthread_barrier_init(&gate, NULL, THREADS), 0);
	switches = all_switches();
	for (i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, touches, (void *)i), 0);
	for (i = 0; i < THREADS; i++)
		EQ(pthread_join(t[i], NULL), 0);
	switches = all_switches() - switches;
	LE(switches, ROUNDS * THREADS * EACH / 50);
	return test_done();
}
