/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * paths.h: the file system's calls by path, from /
 *
 * Returns   what fs_*() return; path_touch() makes an empty file.
 */
#ifndef TEST_PATHS_H
#define TEST_PATHS_H

#include "fs/fsfn.h"

struct path_at at(const char *path);
struct path_at at_flags(const char *path, unsigned flags);
int path_mkdir(const char *path);
int path_open(const char *path, unsigned flags, struct file **f);
int path_touch(const char *path);
int path_unlink(const char *path);
int path_rmdir(const char *path);
int path_rename(const char *from, const char *to);
int path_link(const char *from, const char *to);
int path_symlink(const char *target, const char *path);
int path_stat(const char *path, struct kstat *st);
ssize_t plain_write(struct file *f, const void *buf, size_t n);
ssize_t plain_read(struct file *f, void *buf, size_t n);

#endif
