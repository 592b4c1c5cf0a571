/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Writes of at most 4096 bytes to a pipe are not mixed with others.
 */
#include "lib/test.h"

#define WRITERS 4
#define MESSAGES 300

int
main(void)
{
	static unsigned char block[PAGE];
	int fd[2], count[WRITERS] = { 0 };
	pid_t pid[WRITERS];
	uint64_t seed = 5;

	OK(pipe(fd));
	for (int w = 0; w < WRITERS; w++) {
		pid[w] = OK(fork());
		if (pid[w] != 0)
			continue;
		seed += w;
		for (int i = 0; i < MESSAGES; i++) {
			size_t n = 4 + rnd(&seed) % (PAGE - 3);

			memset(block, w, n);
			block[1] = n & 0xff;
			block[2] = n >> 8;
			EQ(write(fd[1], block, n), (long)n);
		}
		_exit(0);
	}
	close(fd[1]);
	for (int i = 0; i < WRITERS * MESSAGES; i++) {
		size_t n = 0, want = 3;

		while (n < want) {
			n += OK(read(fd[0], block + n, want - n));
			if (n == 3)
				want = block[1] | block[2] << 8;
		}
		for (size_t k = 3; k < n; k++)
			EQ(block[k], block[0]);
		count[block[0]]++;
	}
	for (int w = 0; w < WRITERS; w++) {
		EQ(count[w], MESSAGES);
		REAP(pid[w], 0);
	}
	return test_done();
}
