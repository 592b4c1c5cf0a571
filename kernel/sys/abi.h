/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi.h: layouts and flags of Linux x86-64 that user programs see
 *
 * Offers    struct abi_* (bytes as in user memory) and flag values, one block
 *           per file of sys/.  Signals: proc/sigabi.h.  MAP_*: vm/vm.h.
 * Needs     nothing.
 */
#ifndef SYS_ABI_H
#define SYS_ABI_H

#include "lib/types.h"
#include "proc/sigabi.h"

/* ---- time ---- */

struct abi_timespec {
	int64_t sec, nsec;
};

struct abi_timeval {
	int64_t sec, usec;
};

struct abi_itimerval {
	struct abi_timeval interval, value;
};

struct abi_tms {
	int64_t utime, stime, cutime, cstime; /* 1/100 s */
};

enum abi_clock {
	CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME,
	CLOCK_THREAD_CPUTIME, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME
};

#define TIMER_ABSTIME 1
#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

/* ---- processes ---- */

#define WNOHANG 1u
#define WUNTRACED 2u
#define WSTOPPED 2u
#define WEXITED 4u
#define WCONTINUED 8u
#define WNOWAIT 0x01000000u
#define WNOTHREAD 0x20000000u
#define WALL 0x40000000u
#define WCLONE 0x80000000u
#define P_ALL 0
#define P_PID 1
#define P_PGID 2

struct abi_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
	    stack_size, tls, set_tid, set_tid_size, cgroup;
};

struct abi_rusage {
	struct abi_timeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock,
	    oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_CAPBSET_READ 23
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define PR_VMM_DESIGN 0x564d
#define PR_VMM_MARK 0x564e

/* ---- identity, limits, the machine ---- */

struct abi_rlimit {
	uint64_t cur, max;
};

struct abi_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65],
	    domainname[65];
};

struct abi_sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint32_t pad2;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
	char pad3[4];
};
_Static_assert(sizeof(struct abi_sysinfo) == 112, "Linux");

#define PRIO_PROCESS 0
#define PRIO_PGRP 1
#define PRIO_USER 2

#define REBOOT_MAGIC1 0xfee1deadu
#define REBOOT_MAGIC2 672274793u
#define REBOOT_MAGIC2A 85072278u
#define REBOOT_MAGIC2B 369367448u
#define REBOOT_MAGIC2C 537993216u
#define REBOOT_CAD_OFF 0u
#define REBOOT_CAD_ON 0x89abcdefu
#define REBOOT_HALT 0xcdef0123u
#define REBOOT_POWER_OFF 0x4321fedcu
#define REBOOT_RESTART 0x01234567u

#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u

/* ---- memory ---- */

#define MREMAP_MAYMOVE 1u
#define MREMAP_FIXED 2u
#define MREMAP_DONTUNMAP 4u
#define MS_ASYNC 1
#define MS_INVALIDATE 2
#define MS_SYNC 4
#define PROT_SEM 8u
#define PROT_GROWSDOWN 0x01000000u
#define PROT_GROWSUP 0x02000000u

/* ---- files: sys_file.c, sys_path.c, sys_poll.c ---- */

#endif
