/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T5: one file, one copy: stores of a shared mapping are seen by read(2),
 * write(2) by loads, between two processes, for whole pages and for parts,
 * and while O_APPEND lets the file grow.
 */
#include "lib/file.h"
#include "lib/trap.h"

#define N 16
#define ROUNDS 200

static volatile int *turn;

static void
wait_turn(int mine)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != mine)
		sched_yield();
}

static void
give_turn(int next)
{
	__atomic_store_n(turn, next, __ATOMIC_RELEASE);
}

/* Where round r works: whole pages, parts, and parts over a border. */
static size_t
place(int r, size_t *n)
{
	static const size_t size[] = { PAGE, 1, 7, 511, PAGE + 3, 2 * PAGE };

	*n = size[r % 6];
	return (size_t)r * 2654435761UL % (N * PAGE - *n);
}

static void
holds(const unsigned char *p, size_t n, int c)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != (unsigned char)c)
			FAIL("byte %zu: expected %d, seen %d", i, c, p[i]);
}

/* The child: answers the even turns by the other means. */
static void
other(int fd, char *map)
{
	static unsigned char buf[2 * PAGE];
	size_t n, at;

	for (int r = 0; r < ROUNDS; r++) {
		at = place(r, &n);
		wait_turn(2 * r + 1);
		if (r % 2 == 0) { /* the parent stored: read */
			EQ(pread(fd, buf, n, at), n);
			holds(buf, n, r);
		} else { /* the parent wrote: load */
			holds((unsigned char *)map + at, n, r);
		}
		memset(map + at, r + 1, n);
		give_turn(2 * r + 2);
	}
	_exit(0);
}

static void
two_processes(void)
{
	static unsigned char buf[2 * PAGE];
	int fd = file_stamped("t05", N, 0);
	char *map = file_map(fd, 0, N, RW, MAP_SHARED);
	size_t n, at;
	pid_t pid;

	*turn = 0;
	pid = OK(fork());
	if (pid == 0)
		other(fd, map);
	for (int r = 0; r < ROUNDS; r++) {
		at = place(r, &n);
		memset(buf, r, n);
		if (r % 2 == 0)
			memcpy(map + at, buf, n);
		else
			EQ(pwrite(fd, buf, n, at), n);
		give_turn(2 * r + 1);
		wait_turn(2 * r + 2);
		EQ(pread(fd, buf, n, at), n);
		holds(buf, n, r + 1);
	}
	REAP(pid, 0);
	printf("%d rounds: both processes and both ways agree\n", ROUNDS);
	OK(munmap(map, N * PAGE));
	close(fd);
}

/* A file opened twice, a mapping of each: one page of memory. */
static void
two_mappings(void)
{
	int a = file_open("t05b", O_RDWR | O_CREAT | O_TRUNC);
	int b = file_open("t05b", O_RDWR);
	char *p, *q;

	file_unlink("t05b");
	OK(ftruncate(a, N * PAGE));
	p = file_map(a, 0, N, RW, MAP_SHARED);
	q = file_map(b, 1, N - 1, RW, MAP_SHARED);
	for (int i = 1; i < N; i++)
		store(p + i * PAGE + i, 'p' + i);
	for (int i = 1; i < N; i++)
		EQ(load(q + (i - 1) * PAGE + i), 'p' + i);
	close(a);
	close(b);
	store(q, 'q');
	EQ(load(p + PAGE), 'q');
	printf("mappings through two opens share; they outlive the files\n");
	OK(munmap(p, N * PAGE));
	OK(munmap(q, (N - 1) * PAGE));
}

/* Records of 300 bytes are appended; the mapping shows each. */
static void
appended(void)
{
	int fd = file_open("t05c", O_RDWR | O_CREAT | O_TRUNC);
	int out = file_open("t05c", O_WRONLY | O_APPEND);
	unsigned char *map = (unsigned char *)file_map(fd, 0, N, RW,
	    MAP_SHARED);
	unsigned char rec[300];
	off_t size = 0;

	file_unlink("t05c");
	for (int i = 0; size + (off_t)sizeof(rec) < (off_t)(N * PAGE); i++) {
		memset(rec, i + 1, sizeof(rec));
		OK(lseek(out, 0, SEEK_SET));
		EQ(write(out, rec, sizeof(rec)), sizeof(rec));
		holds(map + size, sizeof(rec), i + 1);
		size += sizeof(rec);
		if (size % PAGE != 0)
			EQ(load(map + size), 0);
	}
	EQ(lseek(fd, 0, SEEK_END), size);
	printf("O_APPEND: %ld bytes, each record is in the mapping\n",
	    (long)size);
	OK(munmap(map, N * PAGE));
	close(fd);
	close(out);
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	turn = (int *)pages_shared(1);
	two_processes();
	two_mappings();
	appended();
	return test_done();
}
