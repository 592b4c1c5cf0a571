/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.h: processes, as sys/ and main.c see them
 *
 * Offers    the current process, fork, exec, exit, wait, signals, futexes,
 *           descriptors.  Structures: proc/procdat.h (also for sys/).
 * Needs     fs/, vm/, kern/.
 * Sleeps?   Yes.
 * In interrupts?  Never.
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include "fs/fs.h"

struct proc;

void proc_init(void);                 /* trap_ops, tty_job_ops, /proc/PID rows */
/* Process 1: opens /dev/console as 0, 1, 2 and executes path. */
void proc_start_init(const char *path);

/*
 * Registered by sys/ before the first process: dispatch of one system call;
 * rax of the frame is number and result.
 */
void proc_set_syscall(void (*fn)(struct trapframe *));

/* ---- descriptors (fdtab.c), written with the file system ---- */

struct fdtab;
struct fdtab *fdtab_create(void);
struct fdtab *fdtab_copy(struct fdtab *);          /* fork; NULL: no memory */
void fdtab_get(struct fdtab *);
bool fdtab_is_shared(struct fdtab *);              /* by several tasks */
struct fdtab *fdtab_look(struct fdtab *);          /* as get, but not a task's */
void fdtab_look_end(struct fdtab *);
void fdtab_put(struct fdtab *);                    /* the last one closes all */
void fdtab_close_exec(struct fdtab *);             /* at exec */
struct fdtab *fdtab_current(void);                 /* of the current process */
enum fd_at_exec { FD_STAYS, FD_CLOSES };
/* Lowest free >= min; limit: RLIMIT_NOFILE.  fd, -EMFILE, -EINVAL. */
int fdtab_install(struct fdtab *, struct file *, int min, enum fd_at_exec);
bool fdtab_has_room(struct fdtab *);
/* The file with a reference, or NULL. */
struct file *fdtab_file(struct fdtab *, int fd);
/* dup2: fd becomes file, whatever it was.  0, -EBADF, -ENOMEM. */
int fdtab_replace(struct fdtab *, int fd, struct file *, enum fd_at_exec);
int fdtab_close(struct fdtab *, int fd);           /* 0, -EBADF */
void fdtab_take_back(struct fdtab *, int fd, const struct file *);
unsigned fdtab_size(struct fdtab *);               /* numbers it has room for */
int fdtab_cloexec(struct fdtab *, int fd);         /* F_GETFD: 0, 1, -EBADF */
int fdtab_set_cloexec(struct fdtab *, int fd, enum fd_at_exec); /* 0, -EBADF */
int fdtab_next(struct fdtab *, int fd, struct file **out); /* for /proc */
/* For fdtab.c: the two facts it needs of the process. */
struct fdtab *proc_current_fdtab(void);
int proc_unshare_files(void);                      /* a table of its own; 0, -ENOMEM */
int proc_unshare_place(void);                      /* and a place; 0, -ENOMEM */
bool proc_shares_nothing(void);                    /* handlers, memory; one thread */
uint64_t proc_rlimit_nofile(void);

#endif
