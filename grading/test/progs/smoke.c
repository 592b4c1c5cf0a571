/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smoke.c: the grader's own test program
 *
 * With --data: the sum of that file's bytes, then a store to each of --pages
 * fresh pages between the marks.  With --hole: unmaps the middle of a range
 * between the marks.  With --files: reads that file twice, writes another of
 * --pages pages.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK(id) prctl(0x564e, (id))
#define PAGE 4096ul

static const char *
argument(int argc, char **argv, const char *name)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return i + 1 < argc ? argv[i + 1] : "";
	return NULL;
}

static unsigned long
sum_of(const char *path)
{
	static unsigned char buf[4096];
	unsigned long sum = 0;
	ssize_t n, i;
	int fd = open(path, O_RDONLY);

	while ((n = read(fd, buf, sizeof buf)) > 0)
		for (i = 0; i < n; i++)
			sum += buf[i];
	close(fd);
	return sum;
}

/* Nobody writes to this pipe, and nobody will. */
static int
wait_for_ever(void)
{
	int p[2];
	char c;

	return pipe(p) != 0 || read(p[0], &c, 1) != 0;
}

/* More than there is memory: bytes come back from swap. */
static int
use_swap(unsigned long pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long i, wrong = 0;

	if (p == MAP_FAILED)
		return 2;
	MARK(1);
	for (i = 0; i < pages; i++)
		p[i * PAGE] = (char)(i * 7);
	for (i = 0; i < pages; i++)
		wrong += p[i * PAGE] != (char)(i * 7);
	MARK(2);
	printf("wrong %lu\n", wrong);
	return 0;
}

static int
use_files(const char *path, unsigned long pages)
{
	static char page[PAGE];
	unsigned long i, sum;
	int fd;

	MARK(1);
	sum = sum_of(path);
	MARK(2);
	MARK(3);
	sum += sum_of(path);
	MARK(4);
	MARK(5);
	fd = open("/tmp/new", O_RDWR | O_CREAT, 0600);
	for (i = 0; i < pages; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			return 3;
	if (fsync(fd) != 0)
		return 4;
	MARK(6);
	close(fd);
	printf("sum %lu\n", sum);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *data = argument(argc, argv, "--data");
	const char *number = argument(argc, argv, "--pages");
	unsigned long i, pages = number != NULL ? strtoul(number, NULL, 10) : 0;
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (argument(argc, argv, "--wait") != NULL)
		return wait_for_ever();
	if (argument(argc, argv, "--swap") != NULL)
		return use_swap(pages);
	if (argument(argc, argv, "--files") != NULL)
		return use_files(argument(argc, argv, "--files"), pages);
	if (argument(argc, argv, "--exit") != NULL)
		return 7;
	while (argument(argc, argv, "--loop") != NULL)
		;
	if (argument(argc, argv, "--child") != NULL && fork() == 0)
		pause();
	if (argument(argc, argv, "--pair") != NULL && fork() == 0)
		return 0;
	if (p == MAP_FAILED)
		return 2;
	if (data != NULL)
		printf("sum %lu\n", sum_of(data));
	MARK(1);
	if (data == NULL)
		munmap(p + pages / 2 * PAGE, PAGE);
	for (i = 0; data != NULL && i < pages; i++)
		p[i * PAGE] = 1;
	MARK(2);
	printf("touched %lu\n", i);
	if (argument(argc, argv, "--pair") != NULL)
		wait(NULL);
	return 0;
}
