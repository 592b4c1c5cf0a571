/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T22: buffers of read and write that are mappings: of the same file, even
 * of the same page; over a hole; in pieces; and of a process that forked
 * while the call waited.
 */
#include "lib/file.h"
#include "lib/trap.h"
#include <sys/uio.h>

#define N 8

static void
same_file(void)
{
	int fd = file_stamped("t22", N, 'a');
	char *s = file_map(fd, 0, N, RW, MAP_SHARED);

	EQ(pread(fd, s, PAGE, 0), PAGE);
	EQ(load(s + 77), 'a');
	EQ(pread(fd, s + 2 * PAGE, PAGE, PAGE), PAGE);
	EQ(load(s + 2 * PAGE), 'a' + 1);
	EQ(file_byte(fd, 2 * PAGE + 5), 'a' + 1);
	printf("read of a file into its own mapping\n");
	EQ(pwrite(fd, s + 5 * PAGE, PAGE, 6 * PAGE), PAGE);
	EQ(load(s + 6 * PAGE), 'a' + 5);
	EQ(pwrite(fd, s + 7 * PAGE, PAGE, 7 * PAGE), PAGE);
	EQ(load(s + 7 * PAGE), 'a' + 7);
	EQ(pwrite(fd, s + 100, 200, 3 * PAGE - 100), 200);
	EQ(load(s + 3 * PAGE - 1), 'a');
	EQ(load(s + 3 * PAGE + 99), 'a');
	EQ(load(s + 3 * PAGE + 100), 'a' + 3);
	printf("write of a file from its own mapping\n");
	EQ(pwrite(fd, s + 4 * PAGE, 2 * PAGE, N * PAGE), 2 * PAGE);
	EQ(file_byte(fd, N * PAGE), 'a' + 4);
	EQ(file_byte(fd, (N + 2) * PAGE - 1), 'a' + 5);
	printf("which it makes longer\n");
	OK(munmap(s, N * PAGE));
	close(fd);
}

/* A private mapping that was never touched, as a buffer. */
static void
untouched(void)
{
	int fd = file_stamped("t22", N, 'a');
	char *p = file_map(fd, 0, N, RW, MAP_PRIVATE), *q = pages_private(2);
	char page[PAGE];

	EQ(pread(fd, p, PAGE, 3 * PAGE), PAGE);
	EQ(load(p), 'a' + 3);
	EQ(file_byte(fd, 0), 'a');
	EQ(pread(fd, p + PAGE + 10, 10, 0), 10);
	EQ(load(p + PAGE + 9), 'a' + 1);
	EQ(load(p + PAGE + 19), 'a');
	EQ(load(p + PAGE + 20), 'a' + 1);
	EQ(pwrite(fd, q, 2 * PAGE, 4 * PAGE), 2 * PAGE);
	EQ(pread(fd, page, PAGE, 5 * PAGE), PAGE);
	for (size_t i = 0; i < PAGE; i++)
		EQ(page[i], 0);
	printf("buffers nobody had touched\n");
	OK(munmap(p, N * PAGE));
	OK(munmap(q, 2 * PAGE));
	close(fd);
}

/* Pages 0 and 1 are there, 2 is not. */
static void
over_a_hole(void)
{
	int fd = file_stamped("t22", N, 'a'), pipes[2];
	char *p = pages_private(3);
	struct iovec v[3];

	memset(p, 'm', 2 * PAGE);
	OK(munmap(p + 2 * PAGE, PAGE));
	EQ(pread(fd, p, 3 * PAGE, 0), 2 * PAGE);
	EQ(load(p + 2 * PAGE - 1), 'a' + 1);
	ERR(pread(fd, p + 2 * PAGE, 10, 0), EFAULT);
	printf("read: short up to the hole, then EFAULT\n");
	memset(p, 'm', 2 * PAGE);
	EQ(pwrite(fd, p, 3 * PAGE, 3 * PAGE), 2 * PAGE);
	EQ(file_byte(fd, 5 * PAGE - 1), 'm');
	EQ(file_byte(fd, 5 * PAGE), 'a' + 5);
	ERR(pwrite(fd, p + 2 * PAGE, 10, 0), EFAULT);
	EQ(file_byte(fd, 0), 'a');
	printf("write: the same\n");
	OK(lseek(fd, 0, SEEK_SET));
	v[0] = (struct iovec){ p, 100 };
	v[1] = (struct iovec){ p + PAGE, 50 };
	v[2] = (struct iovec){ p + 2 * PAGE, 10 };
	EQ(readv(fd, v, 3), 150);
	EQ(lseek(fd, 0, SEEK_CUR), 150);
	EQ(writev(fd, v, 2), 150);
	EQ(lseek(fd, 0, SEEK_CUR), 300);
	EQ(file_byte(fd, 299), 'a');
	printf("readv: whole pieces before the hole\n");
	OK(pipe(pipes));
	ERR(write(pipes[1], p + 2 * PAGE, 10), EFAULT);
	EQ(write(pipes[1], "pipe", 4), 4);
	ERR(read(pipes[0], p + 2 * PAGE, 4), EFAULT);
	close(pipes[0]);
	close(pipes[1]);
	OK(munmap(p, 2 * PAGE));
	close(fd);
}

/* A reader sleeps with a page as its buffer; its child shares it. */
static void
forked_while_reading(void)
{
	char *p = pages_private(1), *done = pages_shared(1);
	int pipes[2];
	pid_t reader, heir;

	memset(p, 'o', PAGE);
	OK(pipe(pipes));
	reader = OK(fork());
	if (reader == 0) {
		heir = OK(fork()); /* the page has two owners now */
		if (heir == 0) {
			while (load(done) == 0)
				sched_yield();
			_exit(load(p) == 'o' && load(p + 4) == 'o' ? 0 : 1);
		}
		EQ(read(pipes[0], p, 5), 5);
		EQ(memcmp(p, "data!o", 6), 0);
		store(done, 1);
		REAP(heir, 0);
		_exit(0);
	}
	sleep_ms(50);
	EQ(write(pipes[1], "data!", 5), 5);
	REAP(reader, 0);
	EQ(load(p), 'o');
	printf("data arrives in the reader's page only\n");
	close(pipes[0]);
	close(pipes[1]);
	OK(munmap(p, PAGE));
	OK(munmap(done, PAGE));
}

/* A pipe between mapped files. */
static void
through_a_pipe(void)
{
	int a = file_stamped("t22", N, 'a'), b = file_stamped("t22", N, 'A');
	char *p = file_map(a, 0, N, PROT_READ, MAP_SHARED);
	char *q = file_map(b, 0, N, RW, MAP_SHARED);
	int pipes[2];

	OK(pipe(pipes));
	for (int i = 0; i < N; i++) {
		EQ(write(pipes[1], p + i * PAGE, PAGE), PAGE);
		EQ(read(pipes[0], q + (N - 1 - i) * PAGE, PAGE), PAGE);
	}
	ERR(read(a, p, 10), EFAULT);
	for (int i = 0; i < N; i++)
		EQ(file_byte(b, i * PAGE + 3), 'a' + N - 1 - i);
	printf("from one mapped file through a pipe into another\n");
	close(pipes[0]);
	close(pipes[1]);
	close(a);
	close(b);
	OK(munmap(p, N * PAGE));
	OK(munmap(q, N * PAGE));
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	trap_catch(0);
	same_file();
	untouched();
	over_a_hole();
	forked_while_reading();
	through_a_pipe();
	return test_done();
}
