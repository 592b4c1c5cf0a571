/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newc.c: cpio archives in the format "newc", in memory
 *
 * Problem   The kernel starts with an empty root; its files come with it.
 *
 * Picture   header (110 hex digits) name\0 pad4 data pad4, per entry;
 *           an entry named TRAILER!!! ends an archive, another may follow
 *
 * Rules     1. Names are stored without the leading slash.
 *           2. Owner 0, date 0, numbers in order: reproducible.
 *
 * Read next tools/image/mkinitrd.c, then kernel/fs/tmpfs.c.
 */
#include "newc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(struct newc *n, const void *data, size_t len);
static void pad4(struct newc *n);
static bool host_dir(struct newc *n, const char *host, const char *path);

void
newc_entry(struct newc *n, const char *path, uint32_t mode, const void *data,
    size_t len)
{
	char head[128];
	unsigned namelen;

	while (*path == '/')
		path++;
	namelen = strlen(path) + 1;
	snprintf(head, sizeof head,
	    "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
	    ++n->ino, mode, 0u, 0u, S_ISDIR(mode) ? 2u : 1u, 0u, (unsigned)len,
	    0u, 0u, 0u, 0u, namelen, 0u);
	put(n, head, 110);
	put(n, path, namelen);
	pad4(n);
	put(n, data, len);
	pad4(n);
}

void
newc_parents(struct newc *n, const char *path)
{
	const char *s = path;
	char *dir;

	while (*s == '/')
		s++;
	while ((s = strchr(s, '/')) != NULL) {
		dir = strndup(path, s - path);
		newc_entry(n, dir, S_IFDIR | 0755, NULL, 0);
		free(dir);
		s++;
	}
}

/* What its owner may read and run, all may: the umask of who built it is not the guest's. */
static unsigned
mode_of(const struct stat *st)
{
	unsigned own = st->st_mode & 0500;

	return (st->st_mode & 07777) | own >> 3 | own >> 6;
}

bool
newc_host(struct newc *n, const char *host, const char *path)
{
	struct stat st;
	char link[4096];
	ssize_t r;
	void *data;
	size_t len;

	if (lstat(host, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return host_dir(n, host, path);
	if (S_ISLNK(st.st_mode)) {
		r = readlink(host, link, sizeof link);
		if (r < 0)
			return false;
		newc_entry(n, path, S_IFLNK | 0777, link, r);
		return true;
	}
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return false;
	}
	data = newc_read_file(host, &len);
	if (data == NULL)
		return false;
	newc_entry(n, path, S_IFREG | mode_of(&st), data, len);
	free(data);
	return true;
}

/* A folder and what is in it, in the order of the names. */
static bool
host_dir(struct newc *n, const char *host, const char *path)
{
	struct dirent **list;
	struct stat st;
	char *h, *p;
	int i, count;
	bool ok = true;

	count = scandir(host, &list, NULL, alphasort);
	if (count < 0 || stat(host, &st) < 0)
		return false;
	newc_entry(n, path, S_IFDIR | mode_of(&st), NULL, 0);
	for (i = 0; i < count; i++) {
		if (ok && strcmp(list[i]->d_name, ".") != 0 &&
		    strcmp(list[i]->d_name, "..") != 0) {
			if (asprintf(&h, "%s/%s", host, list[i]->d_name) < 0 ||
			    asprintf(&p, "%s/%s", path, list[i]->d_name) < 0)
				abort();
			ok = newc_host(n, h, p);
			free(h);
			free(p);
		}
		free(list[i]);
	}
	free(list);
	return ok;
}

void *
newc_read_file(const char *host, size_t *len)
{
	size_t cap = 65536, got = 0;
	char *buf = malloc(cap);
	ssize_t r;
	int fd = strcmp(host, "-") == 0 ? dup(0) : open(host, O_RDONLY);

	if (buf == NULL)
		abort();
	r = fd < 0 ? -1 : 1;
	while (r > 0) {
		if (got == cap && (buf = realloc(buf, cap *= 2)) == NULL)
			abort();
		r = read(fd, buf + got, cap - got);
		got += r > 0 ? r : 0;
	}
	if (fd >= 0)
		close(fd);
	if (r < 0) {
		free(buf);
		return NULL;
	}
	*len = got;
	return buf;
}

void
newc_end(struct newc *n)
{
	newc_entry(n, "TRAILER!!!", 0, NULL, 0);
}

void
newc_free(struct newc *n)
{
	free(n->buf);
	memset(n, 0, sizeof *n);
}

static void
put(struct newc *n, const void *data, size_t len)
{
	if (n->len + len > n->cap) {
		n->cap = (n->len + len) * 2;
		n->buf = realloc(n->buf, n->cap);
		if (n->buf == NULL)
			abort();
	}
	if (len > 0)
		memcpy(n->buf + n->len, data, len);
	n->len += len;
}

static void
pad4(struct newc *n)
{
	put(n, "\0\0\0", -n->len & 3);
}
