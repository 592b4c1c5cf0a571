/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h: files for the programs about mappings
 *
 * A program takes a folder as its first argument (/tmp), so that it runs on
 * tmpfs and on a disk.  Page i of a stamped file is full of the byte who + i.
 */
#ifndef TEST_FILE_H
#define TEST_FILE_H

#include "test.h"

static const char *file_folder = "/tmp";

/* The folder of the arguments, if one is given. */
static inline void
file_args(int argc, char **argv)
{
	if (argc > 1)
		file_folder = argv[1];
	setvbuf(stdout, NULL, _IONBF, 0);
}

/* Open (and make) a file of the folder. */
static inline int
file_open(const char *name, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.%d", file_folder, name,
	    (int)getpid());
	return OK(open(path, flags, 0600));
}

static inline void
file_unlink(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.%d", file_folder, name,
	    (int)getpid());
	OK(unlink(path));
}

/* A stamped file of n pages without a name. */
static inline int
file_stamped(const char *name, int n, int who)
{
	int fd = file_open(name, O_RDWR | O_CREAT | O_TRUNC);
	char page[PAGE];

	file_unlink(name);
	for (int i = 0; i < n; i++) {
		memset(page, who + i, PAGE);
		EQ(pwrite(fd, page, PAGE, i * PAGE), PAGE);
	}
	return fd;
}

/* Map n pages of a file from its page at. */
static inline char *
file_map(int fd, long at, int n, int prot, int flags)
{
	void *p = mmap(NULL, n * PAGE, prot, flags, fd, at * PAGE);

	if (p == MAP_FAILED)
		FAIL("mmap of %d pages of a file: errno %d", n, errno);
	return p;
}

/* The byte at this place of the file, by pread. */
static inline int
file_byte(int fd, off_t at)
{
	unsigned char c;

	EQ(pread(fd, &c, 1, at), 1);
	return c;
}

/* Write one byte by pwrite. */
static inline void
file_poke(int fd, off_t at, int c)
{
	char b = (char)c;

	EQ(pwrite(fd, &b, 1, at), 1);
}

#define RW (PROT_READ | PROT_WRITE)

#endif
