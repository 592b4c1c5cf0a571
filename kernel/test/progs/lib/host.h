/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: what the host's other programs do shall not be seen
 *
 * Our kernel runs the program alone; on Linux somebody has left descriptors
 * open, looks into each new mount, or writes gigabytes to another disk.
 */
#ifndef TEST_HOST_H
#define TEST_HOST_H

#include "test.h"
#include <sys/mount.h>

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

/* Those that a shell gives: what it was given itself is closed. */
static inline void
own_descriptors(void)
{
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
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
