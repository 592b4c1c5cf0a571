/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h: files that report events
 *
 * For event/, and for proc/, which has such files for signals and processes.
 *
 * Tags as in fsdat.h; further ones stand in the file that defines them.
 */
#ifndef FS_EVENT_EVENT_H
#define FS_EVENT_EVENT_H

#include "fs/fsdat.h"
#include "fs/fsfn.h"

/* anon.c */
void anon_init(void);
int anon_open(const struct file_ops *, size_t size, unsigned flags, struct file **out)
    MUST_CHECK;
void anon_close(struct file *);

/* epoll.c */
void epoll_forget(struct file *);

#endif
