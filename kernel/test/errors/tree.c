/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c: the files that every row finds
 *
 * Problem   Rows speak of a directory, a link, a file of another user, without
 *           making them.
 *
 * Picture   f     "0123456789", 0644     d/in     in a directory of 0755
 *           e/    empty                  p/f      in a directory of 0700
 *           l     → f    ld → d    loop → loop    dangling → none
 *           fifo                         x        executable, no program
 *           u     file of uid 1000, 0600 ud/      directory of uid 1000
 *           uf    file of uid 1000 0644  s/r      root's file in a directory
 *                                                 of 01777
 *           none  is not there           script   "#!/t/no", 0755
 *           /t    holds the rows' directories, a file system of its own
 *           /ro   read-only: f, d        /small   two pages: f
 *           /noexec  without programs and devices: x
 *
 * Rules     1. All is of root where nothing else stands, and the same each time.
 *           2. Who names none of it gets none: a row that has no string and no
 *              descriptor of these files leaves its directory empty.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "rows.h"

#define USER 1000

static void
make_text(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, mode);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		row_wrong("cannot make %s", name);
	close(fd);
}

static void
must(int r, const char *what)
{
	if (r < 0)
		row_wrong("cannot make %s", what);
}

static const char *const mounts[] = { "/t", "/ro", "/small", "/noexec" };

static void
must_mount(const char *where, unsigned long flags, const char *data)
{
	if (!(flags & MS_REMOUNT))
		mkdir(where, 0755);
	if (mount("rows", where, "tmpfs", flags, data) < 0) {
		perror(where);
		exit(2);
	}
}

void
tree_mounts(void)
{
	must_mount("/t", 0, "mode=755");
	must_mount("/ro", 0, "mode=755");
	make_text("/ro/f", "0123456789", 0644);
	make_text("/ro/x", "no program", 0755);
	must(mkdir("/ro/d", 0755), "/ro/d");
	must(symlink("f", "/ro/l"), "/ro/l");
	must_mount("/ro", MS_REMOUNT | MS_RDONLY, NULL);
	must_mount("/small", 0, "mode=755,size=8192");
	make_text("/small/f", "0123456789", 0644);
	must_mount("/noexec", MS_NOEXEC | MS_NODEV, "mode=755");
	make_text("/noexec/x", "#!/bin/sh\n", 0755);
	must(mknod("/noexec/null", S_IFCHR | 0666, makedev(1, 3)),
	    "/noexec/null");
}

void
tree_unmount(void)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
		if (umount2(mounts[i], 0) < 0)
			perror(mounts[i]);
}

void
tree_make(void)
{
	static bool is_made;

	if (is_made)
		return;
	is_made = true;
	make_text("f", "0123456789", 0644);
	must(mkdir("d", 0755), "d");
	make_text("d/in", "in", 0644);
	must(mkdir("e", 0755), "e");
	must(mkdir("p", 0700), "p");
	make_text("p/f", "private", 0644);
	must(symlink("f", "l"), "l");
	must(symlink("d", "ld"), "ld");
	must(symlink("loop", "loop"), "loop");
	must(symlink("none", "dangling"), "dangling");
	must(mkfifo("fifo", 0644), "fifo");
	make_text("x", "no program", 0755);
	make_text("script", "#!/t/no\n", 0755);
	make_text("u", "user", 0600);
	must(chown("u", USER, USER), "u");
	make_text("uf", "user", 0644);
	must(chown("uf", USER, USER), "uf");
	must(mkdir("ud", 0755), "ud");
	must(chown("ud", USER, USER), "ud");
	must(mkdir("s", 01777), "s");
	make_text("s/r", "root", 0644);
}

/* Remove path and all in it; what cannot be removed stays. */
void
tree_remove(const char *path)
{
	char below[512];
	struct dirent *entry;
	DIR *dir;

	if (unlink(path) == 0)
		return;
	dir = opendir(path);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		tree_remove(below);
	}
	closedir(dir);
	if (rmdir(path) < 0) {
		umount2(path, 0);
		rmdir(path);
	}
}
