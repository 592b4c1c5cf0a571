/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T14: the end of a mapped file: beyond its last page SIGBUS, the tail of
 * that page zero; truncate takes mapped pages and private copies away;
 * what grows back reads zero.
 */
#include "lib/file.h"
#include "lib/trap.h"

#define N 8

static void
beyond(void)
{
	int fd = file_stamped("t14", 3, 'a');
	char *s, *p;

	OK(ftruncate(fd, 2 * PAGE + 100));
	s = file_map(fd, 0, N, RW, MAP_SHARED);
	p = file_map(fd, 0, N, RW, MAP_PRIVATE);
	EQ(load(s + 2 * PAGE + 99), 'a' + 2);
	for (size_t i = 100; i < PAGE; i++) {
		EQ(load(s + 2 * PAGE + i), 0);
		EQ(load(p + 2 * PAGE + i), 0);
	}
	printf("the tail of the last page is zero\n");
	for (int i = 3; i < N; i++) {
		TRAP(load(s + i * PAGE), SIGBUS, BUS_ADRERR, s + i * PAGE);
		TRAP(store(s + i * PAGE + 5, 1), SIGBUS, BUS_ADRERR,
		    s + i * PAGE + 5);
		TRAP(load(p + i * PAGE), SIGBUS, BUS_ADRERR, p + i * PAGE);
		TRAP(store(p + i * PAGE, 1), SIGBUS, BUS_ADRERR,
		    p + i * PAGE);
	}
	printf("pages beyond the end: SIGBUS, BUS_ADRERR\n");
	store(s + 2 * PAGE + 200, 'T');
	EQ(pread(fd, p, PAGE, 2 * PAGE), 100);
	printf("a store in the tail does not make the file longer\n");
	OK(munmap(s, N * PAGE));
	OK(munmap(p, N * PAGE));
	close(fd);
}

static void
cut(void)
{
	int fd = file_stamped("t14", N, 'a');
	char *s = file_map(fd, 0, N, RW, MAP_SHARED);
	char *p = file_map(fd, 0, N, RW, MAP_PRIVATE);

	for (int i = 0; i < N; i++) {
		store(s + i * PAGE + 1, 's');
		store(p + i * PAGE, 'p');
	}
	OK(ftruncate(fd, 3 * PAGE + 10));
	for (int i = 4; i < N; i++) {
		TRAP(load(s + i * PAGE), SIGBUS, BUS_ADRERR, s + i * PAGE);
		TRAP(load(p + i * PAGE), SIGBUS, BUS_ADRERR, p + i * PAGE);
	}
	EQ(load(p), 'p');
	EQ(load(p + 3 * PAGE), 'p');
	EQ(load(s + 3 * PAGE + 1), 's');
	EQ(load(s + 3 * PAGE + 10), 0);
	printf("truncate takes mapped pages and private copies\n");
	OK(ftruncate(fd, N * PAGE));
	for (int i = 4; i < N; i++) {
		EQ(load(s + i * PAGE + 1), 0);
		EQ(load(p + i * PAGE), 0);
	}
	EQ(load(s + 3 * PAGE + 9), 'a' + 3);
	for (size_t i = 10; i < PAGE; i++)
		EQ(load(s + 3 * PAGE + i), 0);
	EQ(file_byte(fd, 5 * PAGE + 1), 0);
	printf("grown again it reads zero\n");
	store(s + 6 * PAGE, 'z');
	EQ(load(p + 6 * PAGE), 'z');
	EQ(file_byte(fd, 6 * PAGE), 'z');
	printf("and is an ordinary file again\n");
	OK(munmap(s, N * PAGE));
	OK(munmap(p, N * PAGE));
	close(fd);
}

/* The tail that a store left behind is zero when the file grows over it. */
static void
tail(void)
{
	int fd = file_stamped("t14", 1, 'a');
	char *s = file_map(fd, 0, 2, RW, MAP_SHARED);

	OK(ftruncate(fd, 50));
	OK(ftruncate(fd, PAGE + 50));
	for (size_t i = 50; i < PAGE + 50; i++)
		EQ(load(s + i), 0);
	EQ(load(s + 49), 'a');
	OK(ftruncate(fd, 0));
	TRAP(load(s), SIGBUS, BUS_ADRERR, s);
	EQ(pwrite(fd, "w", 1, PAGE + 1), 1);
	EQ(load(s), 0);
	EQ(load(s + PAGE + 1), 'w');
	EQ(load(s + PAGE + 2), 0);
	printf("bytes that were cut off do not come back\n");
	OK(munmap(s, 2 * PAGE));
	close(fd);
}

/* Another process sees the cut, too; the kernel's accesses get EFAULT. */
static void
others(void)
{
	int fd = file_stamped("t14", N, 'a');
	char *s = file_map(fd, 0, N, RW, MAP_SHARED);
	int pipes[2];
	pid_t pid;

	EQ(load(s + 5 * PAGE), 'a' + 5);
	pid = OK(fork());
	if (pid == 0) {
		EQ(load(s + 5 * PAGE), 'a' + 5);
		OK(ftruncate(fd, 5 * PAGE));
		_exit(0);
	}
	REAP(pid, 0);
	TRAP(load(s + 5 * PAGE), SIGBUS, BUS_ADRERR, s + 5 * PAGE);
	EQ(load(s + 4 * PAGE), 'a' + 4);
	OK(pipe(pipes));
	ERR(write(pipes[1], s + 6 * PAGE, 10), EFAULT);
	EQ(write(pipes[1], s, 10), 10);
	ERR(read(pipes[0], s + 6 * PAGE, 10), EFAULT);
	printf("cut by another process: SIGBUS here, EFAULT for calls\n");
	OK(munmap(s, N * PAGE));
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	trap_catch(0);
	beyond();
	cut();
	tail();
	others();
	return test_done();
}
