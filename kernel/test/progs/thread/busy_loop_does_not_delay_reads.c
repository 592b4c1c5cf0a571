/* NEEDS: MEM=64M SWAP=256M CPUS=1 TIMEOUT=60 SWEEP=no CLOCK=1 KIND=bounded */
/* BOUNDED: a disk of the emulator, whose interrupts wake the reader, ends when the host pleases; half of the reads are not late by a tick */
/*
 * A process that only counts, on the only CPU, does not make reads from a disk
 * wait for the end of its slice: who is woken goes first, and so does whom it
 * wakes in turn (the thread that ends transfers wakes the reader).
 */
#include "lib/events.h"
#include "lib/pressure.h"

#define DISK swap_disk()
#define READS 100
#define APART (512 * 1024) /* further than anything is read ahead */
#define MORE_US 8000       /* of a read, beside a busy loop; a tick is 10,000, a slice three */

static long
now_us(void)
{
	struct timespec t;

	OK(clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int
by_size(const void *a, const void *b)
{
	return (*(const long *)a > *(const long *)b) - (*(const long *)a < *(const long *)b);
}

/* What half of the reads take at most: a host that stands still delays the others. */
static long
read_all(int fd, long at)
{
	long took[READS], begin;
	char c;

	for (long i = 0; i < READS; i++) {
		begin = now_us();
		EQ(pread(fd, &c, 1, at + i * APART), 1);
		took[i] = now_us() - begin;
	}
	qsort(took, READS, sizeof took[0], by_size);
	return took[READS / 2];
}

int
main(void)
{
	volatile long n = 0;
	long alone, beside;
	pid_t pid;
	int fd;

	if (!on_vadose()) {
		printf("skipped: reads the disk that is swapped to\n");
		return 0;
	}
	fd = OK(open(DISK, O_RDONLY));
	alone = read_all(fd, 0);
	pid = OK(fork());
	if (pid == 0)
		for (;;)
			n++;
	beside = read_all(fd, READS * APART);
	for (int i = 2; i < 4 && beside > 2 * alone + MORE_US; i++)
		beside = read_all(fd, i * READS * APART);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	printf("# %ld us, beside a busy loop %ld us\n", alone, beside);
	LE(beside, 2 * alone + MORE_US);
	return test_done();
}
