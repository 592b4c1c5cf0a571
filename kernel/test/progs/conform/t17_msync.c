/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=disk KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T17: msync: what was stored by a shared mapping is in the file, also for
 * who opens it anew; other processes' stores too; wrong calls.
 */
#include "lib/file.h"
#include "lib/smaps.h"
#include "lib/trap.h"

#define N 40UL

/* Forget what is cached, where we may: then it comes from the disk. */
static void
drop_caches(void)
{
	if (on_vadose()) /* elsewhere others would notice */
		(void)proc_write("/proc/sys/vm/drop_caches", "1");
}

static void
synced(void)
{
	int fd = file_open("t17", O_RDWR | O_CREAT | O_TRUNC), again;
	char *s;

	OK(ftruncate(fd, N * PAGE));
	s = file_map(fd, 0, N, RW, MAP_SHARED);
	for (size_t i = 0; i < N; i++)
		memset(s + i * PAGE, 'A' + i % 26, PAGE);
	OK(msync(s, N * PAGE, MS_SYNC));
	drop_caches();
	again = file_open("t17", O_RDONLY);
	for (size_t i = 0; i < N; i++) {
		EQ(file_byte(again, i * PAGE), 'A' + i % 26);
		EQ(file_byte(again, i * PAGE + PAGE - 1), 'A' + i % 26);
	}
	close(again);
	printf("MS_SYNC: a new reader has it\n");
	/* Written again after the sync: dirty again. */
	store(s + 3 * PAGE, '3');
	store(s + 3 * PAGE + 1, '4');
	OK(msync(s + 3 * PAGE, PAGE, MS_SYNC));
	store(s + 3 * PAGE + 1, '5');
	OK(munmap(s, N * PAGE));
	drop_caches();
	EQ(file_byte(fd, 3 * PAGE), '3');
	EQ(file_byte(fd, 3 * PAGE + 1), '5');
	printf("stored after a sync: not forgotten\n");
	s = file_map(fd, 0, N, RW, MAP_SHARED);
	store(s, 'a');
	OK(msync(s, N * PAGE, MS_ASYNC));
	EQ(file_byte(fd, 0), 'a');
	OK(msync(s, N * PAGE, MS_INVALIDATE));
	EQ(load(s), 'a');
	OK(msync(s, N * PAGE, MS_SYNC | MS_INVALIDATE));
	EQ(load(s), 'a');
	OK(msync(s, N * PAGE, 0));
	OK(munmap(s, N * PAGE));
	close(fd);
	file_unlink("t17");
	printf("ASYNC, INVALIDATE, 0\n");
}

/* A child's stores lie in its own page table; our msync writes them, too. */
static void
others(void)
{
	int fd = file_open("t17", O_RDWR | O_CREAT | O_TRUNC), up[2], down[2];
	char *s, c;
	pid_t pid;

	OK(pipe(up));
	OK(pipe(down));
	OK(ftruncate(fd, N * PAGE));
	s = file_map(fd, 0, N, RW, MAP_SHARED);
	pid = OK(fork());
	if (pid == 0) {
		for (size_t i = 0; i < N; i++)
			store(s + i * PAGE + 7, 'k');
		EQ(write(up[1], "x", 1), 1);
		EQ(read(down[0], &c, 1), 1);
		store(s + 7, 'l');
		_exit(0);
	}
	EQ(read(up[0], &c, 1), 1);
	OK(msync(s, N * PAGE, MS_SYNC));
	drop_caches();
	for (size_t i = 0; i < N; i++)
		EQ(file_byte(fd, i * PAGE + 7), 'k');
	EQ(write(down[1], "x", 1), 1);
	REAP(pid, 0);
	OK(msync(s, PAGE, MS_SYNC));
	drop_caches();
	EQ(file_byte(fd, 7), 'l');
	EQ(load(s + 7), 'l');
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
	OK(munmap(s, N * PAGE));
	close(fd);
	file_unlink("t17");
	printf("stores of another process are written\n");
}

static void
private_views(void)
{
	int fd = file_stamped("t17p", 4, 'a');
	char *p = file_map(fd, 0, 4, RW, MAP_PRIVATE);
	char *a = pages_apart(4);

	store(p, 'P');
	OK(msync(p, 4 * PAGE, MS_SYNC));
	EQ(file_byte(fd, 0), 'a');
	EQ(load(p), 'P');
	store(a, 'a');
	OK(msync(a, 4 * PAGE, MS_SYNC));
	OK(msync(a, 4 * PAGE, MS_INVALIDATE));
	EQ(load(a), 'a');
	OK(munmap(p, 4 * PAGE));
	OK(munmap(a, 4 * PAGE));
	close(fd);
	printf("private memory: nothing to do\n");
}

static void
wrong(void)
{
	int fd = file_stamped("t17w", 8, 'a');
	char *s = file_map(fd, 0, 8, RW, MAP_SHARED);

	ERR(msync(s + 1, PAGE, MS_SYNC), EINVAL);
	ERR(msync(s, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	ERR(msync(s, PAGE, 8), EINVAL);
	OK(msync(s, 0, MS_SYNC));
	OK(msync(s, 1, MS_SYNC));
	ERR(msync(s, -PAGE, MS_SYNC), ENOMEM);
	ERR(msync((void *)0xffff800000000000, PAGE, MS_SYNC), ENOMEM);
	printf("wrong: EINVAL; kernel's memory: ENOMEM\n");
	OK(mlock(s + PAGE, PAGE));
	ERR(msync(s, 8 * PAGE, MS_INVALIDATE), EBUSY);
	ERR(msync(s, 8 * PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
	OK(msync(s, PAGE, MS_INVALIDATE));
	OK(msync(s, 8 * PAGE, MS_SYNC));
	OK(munlock(s + PAGE, PAGE));
	OK(msync(s, 8 * PAGE, MS_INVALIDATE));
	printf("INVALIDATE of locked memory: EBUSY\n");
	OK(munmap(s + 4 * PAGE, PAGE));
	store(s, 'v');
	store(s + 7 * PAGE, 'w');
	ERR(msync(s, 8 * PAGE, MS_SYNC), ENOMEM);
	ERR(msync(s, 8 * PAGE, MS_ASYNC), ENOMEM);
	EQ(file_byte(fd, 0), 'v');
	EQ(file_byte(fd, 7 * PAGE), 'w');
	OK(munmap(s, 8 * PAGE));
	close(fd);
	printf("hole: ENOMEM, and the rest is written\n");
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	trap_catch(0);
	synced();
	others();
	private_views();
	wrong();
	return test_done();
}
