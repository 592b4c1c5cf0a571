/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procview.h: a moment's copy of a process, for the text of /proc/PID
 */
#ifndef PROC_PROCVIEW_H
#define PROC_PROCVIEW_H

#include "proc/procdat.h"
#include "vm/evidence/stat.h"

/* What was used: by the process, ended threads included, or by one thread. */
struct view_use {
	uint64_t ut, st, faults, major;
};

/* A process that somebody looks at. */
struct view {
	struct proc *p;          /* a reference */
	struct aspace *as;       /* a reference, or NULL: a zombie */
	char comm[16];
	char state;
	int ppid, pgid, sid, cpu, nice, policy, tracer;
	bool no_tty, no_new_privs;
	uint64_t cpus;           /* where it may run */
	uint32_t switches[2];    /* by others, of its own will */
	unsigned nthreads;
	int umask;               /* -1: it stands nowhere any more */
	uint64_t nsigq;
	uint64_t cut, cst;
	struct view_use whole, alone;
	uint64_t pend, shpend, blocked, ignored, caught;
	struct proc_image image;
	struct cred cred;
	struct rlimit rlim[RLIMIT_COUNT];
	struct vm_as_stat vm;
	bool may_look; /* else its addresses are not for the reader */
};

/* procstat.c */
int view_open(int id, struct view **) MUST_CHECK;
int view_close(struct view *);
int proc_show_stat(int id, struct out *);
int proc_show_stat_alone(int tid, struct out *);
int proc_show_statm(int id, struct out *);
int proc_show_status(int id, struct out *);
int proc_show_limits(int id, struct out *);

#endif
