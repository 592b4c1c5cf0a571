/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs.h: shared by procfs.c, procpid.c and proctext.c only
 *
 * Tags as in fsdat.h.
 */
#ifndef FS_PROCFS_H
#define FS_PROCFS_H

#include "fs/fsdat.h"

/* The kinds of vnodes of /proc. */
enum proc_kind {
	PN_DIR,        /* "", "vm", "sys/vm": a prefix of registered names */
	PN_ROW,        /* a registered file */
	PN_SELF,       /* link to the caller's pid */
	PN_THREAD_SELF,
	PN_PID,        /* /proc/PID, /proc/PID/task/TID */
	PN_PID_ROW,    /* a file or link in it */
	PN_TASKS,      /* /proc/PID/task */
	PN_FDS,        /* /proc/PID/fd */
	PN_FD,         /* /proc/PID/fd/N */
	PN_FDINFOS,    /* /proc/PID/fdinfo */
	PN_FDINFO      /* /proc/PID/fdinfo/N */
};

struct proc_node {
	enum proc_kind kind;                /* [c] */
	int pid;                            /* [c] process, for PN_PID … */
	int tid;                            /* [c] whose rows: pid or a thread */
	bool in_task;                       /* [c] below /proc/PID/task */
	uint64_t born;                      /* [c] of that process, not of a later one */
	int fd;                             /* [c] PN_FD, PN_FDINFO */
	const struct procfs_row *row;       /* [c] PN_ROW */
	const struct procfs_pid_row *pid_row; /* [c] PN_PID_ROW */
	const char *prefix;                 /* [c] PN_DIR: the start of a row's */
	size_t prefix_len;                  /* [c] name, with its slash */
};

/* procfs.c */
int proc_vnode(struct vnode *dir, const struct name *, uint32_t mode,
    const struct proc_node *, struct vnode **out) MUST_CHECK;
struct proc_node *proc_node_of(const struct vnode *);
int proc_emit(struct dirsink *, const char *name, size_t len, uint32_t type,
    uint64_t ino, uint64_t next);
uint64_t proc_ino(const struct proc_node *);

/* procpid.c */
int procpid_lookup(struct vnode *dir, const struct name *, struct vnode **out)
    MUST_CHECK;
int procpid_readdir(struct vnode *dir, uint64_t *pos, struct dirsink *)
    MUST_CHECK;
ssize_t procpid_readlink(const struct proc_node *, char *buf, size_t cap);
uint32_t procpid_links(const struct vnode *);
int procpid_jump(const struct proc_node *, struct vnode **out) MUST_CHECK;
int procpid_find(struct vnode *root, const struct name *, struct vnode **out)
    MUST_CHECK;
bool procpid_is_there(const struct proc_node *);
int procpid_may_look(
    const struct proc_node *, struct aspace **space) MUST_CHECK;
int procpid_next(int after);
int procpid_fdinfo(const struct proc_node *, struct out *) MUST_CHECK;

/* proctext.c */
extern const struct file_ops proc_text_ops, proc_bytes_ops;
int proc_text_opened(struct vnode *, struct file *) MUST_CHECK;

#endif
