/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: what differs from one Linux to the next, and what its others do
 *
 * A program leaves out what does not hold there; on Vadose nothing is left out.
 * There it runs alone; on Linux somebody has left descriptors open, looks into
 * each new mount, or writes gigabytes to another disk.
 */
#ifndef TEST_HOST_H
#define TEST_HOST_H

#include "test.h"
#include <sys/mount.h>
#include <sys/statvfs.h>

/* The number in a file of /proc or /sys; -1: there is none. */
static inline long
number_in(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return text[0] == '\0' ? -1 : strtol(text, NULL, 10);
}

/* On Linux: the answer of vm.overcommit_memory.  0: promises are weighed. */
static inline long
overcommit_mode(void)
{
	return on_vadose() ? 0 : number_in("/proc/sys/vm/overcommit_memory");
}

/* Huge pages that were put aside, or are when somebody asks. */
static inline bool
has_huge_pages(void)
{
	return !on_vadose() &&
	    (number_in("/proc/sys/vm/nr_hugepages") != 0 ||
	        number_in("/proc/sys/vm/nr_overcommit_hugepages") != 0);
}

/* vm.memfd_noexec: a memfd is made without the right to be run. */
static inline bool
memfds_are_not_run(void)
{
	return !on_vadose() && number_in("/proc/sys/vm/memfd_noexec") > 0;
}

/* With five levels of tables the user half ends far behind 2^47. */
static inline bool
has_five_levels(void)
{
	static char text[16 * KIB];
	size_t at = 0;
	ssize_t n;
	int fd;

	if (on_vadose())
		return false;
	fd = OK(open("/proc/cpuinfo", O_RDONLY));
	while ((n = read(fd, text + at, sizeof(text) - 1 - at)) > 0)
		at += n;
	close(fd);
	text[at] = '\0';
	return strstr(text, " la57") != NULL;
}

/* So many links; on btrfs a folder has one, whatever lies in it. */
static inline bool
has_links(const struct stat *st, nlink_t n)
{
	return st->st_nlink == n ||
	    (S_ISDIR(st->st_mode) && st->st_nlink == 1 && !on_vadose());
}

/* Is /tmp mounted with one of these: ST_NOSUID, ST_NOEXEC? */
static inline bool
tmp_forbids(unsigned long flags)
{
	struct statvfs fs;

	return !on_vadose() && statvfs("/tmp", &fs) == 0 &&
	    (fs.f_flag & flags) != 0;
}

/* For programs that are about nothing else. */
static inline void
need_tmp_without(unsigned long flags)
{
	if (!tmp_forbids(flags))
		return;
	printf("skipped: the mount of /tmp forbids it\n");
	exit(0);
}

/*
 * Mounts that nobody else sees: who looks into one makes its umount EBUSY.
 * False: they are not to be had.
 */
static inline bool
own_mounts(void)
{
	return on_vadose() ||
	       (unshare(CLONE_NEWNS) == 0 &&
	           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

/* A /tmp of its own as well: it goes when the program ends, in whatever way. */
static inline void
own_tmp(void)
{
	mkdir("/tmp", 0777);
	if (!on_vadose() && own_mounts())
		(void)mount("none", "/tmp", "tmpfs", 0, NULL);
}

/* Those that a shell gives: what it was given itself is closed. */
static inline void
own_descriptors(void)
{
	OK(syscall(SYS_close_range, 3, ~0U, 0));
}

/* sync(), which on Linux would write what all others wrote to all disks. */
static inline void
sync_folder(const char *path)
{
	int fd;

	if (on_vadose()) {
		sync();
		return;
	}
	fd = OK(open(path, O_RDONLY | O_DIRECTORY));
	OK(syncfs(fd));
	OK(close(fd));
}

#endif
