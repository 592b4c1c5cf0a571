/* SPDX-License-Identifier: BSD-2-Clause */
/* ch09-cache.c: one copy of a file: read once, dirty once, cut.  GUEST: --root disk */
#define _GNU_SOURCE
#define RUN_ALSO "cache.", "page.to_", "pageout.file", "io."
#include <signal.h>
#include <time.h>

#include "run.h"

#define AT ((void *)0x100000000000ul)
#define ANON_AT ((void *)0x110000000000ul)
#define PAGES 64   /* of the file */
#define SOME 8     /* stored to */
#define READERS 4  /* processes that want one page */

static volatile char *shared;
static char page[PAGE];
static int fd;

/* The file's pages leave memory; what the file system knows of it is read again. */
static void
forget(void)
{
	int drop = open("/proc/sys/vm/drop_caches", O_WRONLY);
	char c;

	if (drop < 0 || write(drop, "1", 1) != 1 ||
	    pread(fd, &c, 1, (PAGES - 1) * PAGE) != 1)
		exit(3);
	close(drop);
}

static void
read_at(uint64_t n, const char *must)
{
	if (pread(fd, page, PAGE, (off_t)(n * PAGE)) != (ssize_t)PAGE)
		exit(4);
	if (must != NULL && strncmp(page, must, strlen(must)) != 0)
		exit(5);
}

static void
write_at(uint64_t n, const char *text)
{
	if (pwrite(fd, text, strlen(text), (off_t)(n * PAGE)) < 0)
		exit(6);
}

static volatile char *
map(int flags, void *at)
{
	char *p = mmap(at, PAGES * PAGE, RW, flags, fd, 0);

	if (p == MAP_FAILED)
		exit(7);
	return p;
}

static void
sync_map(void)
{
	if (msync((void *)shared, PAGES * PAGE, MS_SYNC) != 0)
		exit(8);
}

/* Several processes load from a page that is not there. */
static void
together(uint64_t n)
{
	int go[2], i;
	char c[READERS] = { 0 };

	if (pipe(go) < 0)
		exit(9);
	for (i = 0; i < READERS; i++)
		if (fork() == 0)
			_exit(read(go[0], c, 1) != 1 || shared[n * PAGE] != 'a');
	run_step("together-fork");
	/* Who has slept for long has its turn before the thread that ends a read. */
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	if (write(go[1], c, READERS) != READERS)
		exit(10);
	for (i = 0; i < READERS; i++) {
		int status;

		if (wait(&status) < 0 || status != 0)
			exit(11);
	}
	run_step("together");
}

/* Who loads behind the end of the file? */
static void
load_behind(uint64_t n)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(shared[n * PAGE]);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != SIGBUS)
		exit(12);
}

static void
reads(void)
{
	static const unsigned order[SOME] = { 40, 7, 53, 20, 33, 12, 47, 26 };
	unsigned i;

	forget();
	run_begin();
	for (i = 0; i < PAGES; i++)
		read_at(i, "a");
	run_step("read-in-order");
	for (i = 0; i < PAGES; i++)
		read_at(i, "a");
	run_step("read-again");
	shared = map(MAP_SHARED, AT);
	for (i = 0; i < PAGES; i++)
		if (shared[i * PAGE] != 'a')
			exit(13);
	run_step("load-all");
	munmap((void *)shared, PAGES * PAGE);
	forget();
	run_step("forget");
	for (i = 0; i < SOME; i++)
		read_at(order[i], "a");
	run_step("read-at-random");
	forget();
	shared = map(MAP_SHARED, AT);
	run_step("map");
	together(32);
}

static void
writes(void)
{
	unsigned i;

	for (i = 0; i < PAGES; i++)
		(void)shared[i * PAGE];
	run_step("load-before");
	sync_map();
	run_step("sync-clean");
	for (i = 0; i < SOME; i++)
		shared[i * PAGE] = 'b';
	run_step("store");
	for (i = 0; i < SOME; i++)
		shared[i * PAGE] = 'c';
	run_step("store-again");
	sync_map();
	run_step("sync");
	for (i = 0; i < 3; i++)
		shared[2 * i * PAGE] = 'd';
	run_step("store-three");
	sync_map();
	run_step("sync-three");
	write_at(4, "ee");
	run_step("write");
	sync_map();
	run_step("sync-write");
}

static void
coherent(void)
{
	write_at(10, "by write");
	if (memcmp((const char *)&shared[10 * PAGE], "by write", 8) != 0)
		exit(14);
	shared[10 * PAGE] = 'B';
	read_at(10, "By write");
	run_step("coherent");
	sync_map();
	run_step("sync-coherent");
}

static void
mirror(void)
{
	volatile char *own = map(MAP_PRIVATE, NULL);

	if (own[20 * PAGE] != 'a')
		exit(15);
	run_step("private-load");
	write_at(20, "new");
	if (own[20 * PAGE] != 'n')
		exit(16);
	run_step("mirror");
	own[20 * PAGE] = 'p';
	run_step("private-store");
	write_at(20, "later");
	if (own[20 * PAGE] != 'p' || own[20 * PAGE + 1] != 'e')
		exit(17);
	read_at(20, "later");
	run_step("apart");
	sync_map();
	run_step("private-sync");
	munmap((void *)own, PAGES * PAGE);
}

static void
cut(void)
{
	run_step("before-cut");
	if (ftruncate(fd, 16 * PAGE + 100) != 0)
		exit(18);
	run_step("cut");
	load_behind(17);
	run_step("behind");
	if (ftruncate(fd, PAGES * PAGE) != 0)
		exit(19);
	if (shared[16 * PAGE + 99] != 'a' || shared[16 * PAGE + 100] != 0 ||
	    shared[17 * PAGE] != 0)
		exit(20);
	run_step("regrown");
}

/* For the session: who sets A and D? */
static void
bits(void)
{
	volatile char *anon = mmap(ANON_AT, PAGE, RW, SHARED, -1, 0);

	shared = map(MAP_SHARED, AT);
	(void)shared[0];
	(void)shared[PAGE];
	run_mark(1); /* neighbours are mapped, untouched */
	(void)shared[5 * PAGE];
	shared[5 * PAGE] = 's';
	shared[5 * PAGE] = 't';
	run_mark(2);
	sync_map();
	shared[5 * PAGE] = 'u';
	(void)anon[0];
	run_mark(3); /* a page of no file, loaded from */
	anon[0] = 'v';
	munmap((void *)shared, PAGES * PAGE);
}

static void
fill(void)
{
	unsigned i;

	memset(page, 'a', PAGE);
	for (i = 0; i < PAGES; i++)
		if (pwrite(fd, page, PAGE, (off_t)(i * PAGE)) != (ssize_t)PAGE)
			exit(2);
	if (fsync(fd) != 0)
		exit(2);
}

static long
written_back(void)
{
	char *s;

	run_read(run_after);
	s = strstr(run_text, "cache.writeback ");
	return s == NULL ? exit(21), 0 : strtol(strchr(s, ' '), NULL, 10);
}

/* Every few seconds the file system writes what is dirty.  Begin right behind that, and
 * no step meets it, however slow the machine is today. */
static void
behind_write_back(void)
{
	int marker = open("/root/marker", O_RDWR | O_CREAT | O_TRUNC, 0600), i;
	long before;

	sync();
	before = written_back();
	if (write(marker, "m", 1) != 1)
		exit(22);
	for (i = 0; i < 1000 && written_back() == before; i++)
		usleep(10000);
	close(marker);
	sync(); /* its inode, too */
}

int
main(void)
{
	fd = open("/root/cache", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return 2;
	fill();
	bits();
	fill();
	behind_write_back();
	reads();
	writes();
	coherent();
	mirror();
	cut();
	return run_end();
}
