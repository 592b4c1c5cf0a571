/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 SWEEP=disk KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T4: a private view of a file: a page that was not written follows the
 * file, a written page does not, and the file never sees the view's bytes.
 */
#include "lib/file.h"
#include "lib/trap.h"

#define N 16

/* Every page that is not in mask (a bit for each page) shows c. */
static void
shows(const char *p, unsigned mask, int c)
{
	for (int i = 0; i < N; i++)
		if ((mask >> i & 1) == 0)
			EQ(load(p + i * PAGE + 9), c);
}

static void
follows(void)
{
	int fd = file_stamped("t04", N, 'a');
	char *p = file_map(fd, 0, N, RW, MAP_PRIVATE);
	char *s = file_map(fd, 0, N, RW, MAP_SHARED);

	for (int i = 0; i < N; i++)
		EQ(load(p + i * PAGE), 'a' + i);
	for (int i = 0; i < N; i++)
		file_poke(fd, i * PAGE + 9, 'W');
	shows(p, 0, 'W');
	printf("unwritten pages follow write(2)\n");
	for (int i = 0; i < N; i++)
		store(s + i * PAGE + 9, 'S');
	shows(p, 0, 'S');
	printf("unwritten pages follow stores of a shared mapping\n");

	store(p + 3 * PAGE, 'p');
	store(p + 8 * PAGE, 'q');
	for (int i = 0; i < N; i++)
		file_poke(fd, i * PAGE + 9, 'X');
	shows(p, 1 << 3 | 1 << 8, 'X');
	EQ(load(p + 3 * PAGE + 9), 'S');
	EQ(load(p + 8 * PAGE + 9), 'S');
	EQ(load(p + 3 * PAGE), 'p');
	printf("written pages keep what they had\n");
	EQ(file_byte(fd, 3 * PAGE), 'a' + 3);
	EQ(load(s + 8 * PAGE), 'a' + 8);
	OK(msync(p, N * PAGE, MS_SYNC));
	EQ(file_byte(fd, 3 * PAGE), 'a' + 3);
	printf("the file has none of it\n");
	OK(munmap(p, N * PAGE));
	OK(munmap(s, N * PAGE));
	close(fd);
}

/* A page whose first access is a write: no read fault came before. */
static void
written_first(void)
{
	int fd = file_stamped("t04", N, 'A');
	char *p = file_map(fd, 0, N, RW, MAP_PRIVATE);

	for (int i = 0; i < N; i++)
		store(p + i * PAGE + 100, 'n');
	for (int i = 0; i < N; i++) {
		EQ(load(p + i * PAGE + 99), 'A' + i);
		EQ(load(p + i * PAGE + 100), 'n');
		EQ(file_byte(fd, i * PAGE + 100), 'A' + i);
	}
	printf("a first access that writes starts from the file's bytes\n");
	OK(munmap(p, N * PAGE));
	close(fd);
}

/* After fork parent, child and file are three different things. */
static void
across_fork(void)
{
	int fd = file_stamped("t04", N, 'a');
	char *p = file_map(fd, 0, N, RW, MAP_PRIVATE);
	pid_t pid;

	store(p, 'P');
	pid = OK(fork());
	if (pid == 0) {
		EQ(load(p), 'P');
		store(p, 'C');
		store(p + PAGE, 'C');
		file_poke(fd, 0, 'F');
		file_poke(fd, 2 * PAGE, 'F');
		EQ(load(p), 'C');
		EQ(load(p + 2 * PAGE), 'F');
		_exit(0);
	}
	REAP(pid, 0);
	EQ(load(p), 'P');
	EQ(load(p + PAGE), 'a' + 1);
	EQ(load(p + 2 * PAGE), 'F');
	EQ(file_byte(fd, 0), 'F');
	EQ(file_byte(fd, PAGE), 'a' + 1);
	printf("after fork: each process has its own written pages\n");
	OK(munmap(p, N * PAGE));
	close(fd);
}

/* Rights of the file bind a shared mapping, not a private one. */
static void
rights(void)
{
	int w = file_open("t04r", O_RDWR | O_CREAT | O_TRUNC);
	int r = file_open("t04r", O_RDONLY);
	char *p;

	file_unlink("t04r");
	OK(ftruncate(w, 2 * PAGE));
	p = file_map(r, 0, 2, RW, MAP_PRIVATE);
	store(p, 'x');
	EQ(file_byte(w, 0), 0);
	OK(mprotect(p, PAGE, PROT_READ));
	TRAP(store(p, 'y'), SIGSEGV, SEGV_ACCERR, p);
	EQ(load(p), 'x');
	ERR(mmap(NULL, PAGE, RW, MAP_SHARED, r, 0), EACCES);
	printf("a file open for reading can be written privately only\n");
	OK(munmap(p, 2 * PAGE));
	close(r);
	close(w);
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	trap_catch(0);
	follows();
	written_first();
	across_fork();
	rights();
	return test_done();
}
