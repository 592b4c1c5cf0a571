/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_pidfd.c: descriptors of processes
 *
 * Problem   A server watches its children with poll, and signals them without the
 *           danger that the number has a new bearer.
 *
 * Rules     1. They are closed at exec; only waitid regards O_NONBLOCK.
 *           2. A signal may also be sent through a directory /proc/PID, as on Linux.
 *
 * Read next proc/pidfd.c; sys_proc.c (waitid, clone).
 */
#include "sys/filecall.h"

#include "lib/errno.h"

/*
 * The process of fd, and its file, which keeps it: file_put().
 *
 * Returns:  NULL: fd is closed, or something else.
 */
struct proc *
sys_pidfd(uint64_t fd, struct file **f)
{
	struct proc *p;

	*f = sys_open_file(fd);
	if (*f == NULL)
		return NULL;
	p = pidfd_of(*f);
	if (p == NULL)
		file_put(*f);
	return p;
}

int64_t
sys_pidfd_open(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1];
	struct file *f;
	int64_t r;

	if ((flags & ~(unsigned)O_NONBLOCK) != 0 || (int)a[0] <= 0)
		return -EINVAL;
	r = pidfd_open((int)a[0], flags, &f);
	return r != 0 ? r : sys_install(f, 0, FD_CLOSES);
}

/* The signal that is to be sent to the process `to`. */
static int
fetch_signal(va_t info, int signo, int to, struct siginfo *si)
{
	if (info == 0) {
		sig_fill_user(si, signo, SI_USER);
		return 0;
	}
	if (copyin(si, info, sizeof(*si)) < 0)
		return -EFAULT;
	if (si->signo != signo)
		return -EINVAL;
	return sys_may_tell(si, to) ? 0 : -EPERM;
}

/* The process whose directory f is, with a reference; NULL: it is none. */
static struct proc *
proc_of_dir(struct file *f)
{
	uint64_t born;
	int pid = fs_pid_of(f, &born);
	struct proc *p = pid > 0 ? proc_lookup(pid) : NULL;

	if (p != NULL && p->start_ns != born) {
		proc_put(p);
		p = NULL;
	}
	return p;
}

/* f is a pidfd, or else a directory that shows a process. */
static int64_t
send_through(struct file *f, int signo, va_t info)
{
	struct proc *p = pidfd_of(f);
	struct siginfo si;
	uint64_t born;
	int64_t r;

	if (p != NULL)
		proc_get(p);
	else
		p = proc_of_dir(f);
	if (p == NULL)
		return fs_pid_of(f, &born) > 0 ? -ESRCH : -EBADF;
	r = fetch_signal(info, signo, p->pid, &si);
	if (r == 0)
		r = pidfd_kill(p, &si);
	proc_put(p);
	return r;
}

int64_t
sys_pidfd_send_signal(const uint64_t a[6])
{
	struct file *f;

	if ((unsigned)a[3] != 0)
		return -EINVAL;
	f = sys_open_file(a[0]);
	if (f == NULL)
		return -EBADF;
	return sys_put_after(f, send_through(f, (int)a[1], a[2]));
}

int64_t
sys_pidfd_getfd(const uint64_t a[6])
{
	struct file *f, *theirs;
	struct proc *p;
	int64_t r;

	if ((unsigned)a[2] != 0)
		return -EINVAL;
	p = sys_pidfd(a[0], &f);
	if (p == NULL)
		return -EBADF;
	r = pidfd_file(p, (int)a[1], &theirs);
	file_put(f);
	return r != 0 ? r : sys_install(theirs, 0, FD_CLOSES);
}
