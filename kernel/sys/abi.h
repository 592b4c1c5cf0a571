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
	CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM,
	CLOCK_BOOTTIME_ALARM, CLOCK_TAI = 11
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
#define P_PIDFD 3

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
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_GET_KEEPCAPS 7
#define PR_SET_KEEPCAPS 8
#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_GET_SECCOMP 21
#define PR_CAPBSET_READ 23
#define PR_CAP_AMBIENT 47
#define PR_CAPBSET_DROP 24
#define SECBIT_KEEP_CAPS 0x10ul
#define PR_GET_TSC 25
#define PR_TSC_ENABLE 1
#define PR_GET_SECUREBITS 27
#define PR_SET_SECUREBITS 28
#define PR_SET_MM 35
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define PR_GET_TID_ADDRESS 40
#define PR_GET_THP_DISABLE 42
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
#define PROT_GROWSUP 0x02000000u

/* ---- files: sys_file.c, sys_fd.c, sys_path.c, sys_stat.c, sys_poll.c ---- */

struct abi_stat {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	struct abi_timespec atime, mtime, ctime;
	int64_t unused[3];
};
_Static_assert(sizeof(struct abi_stat) == 144, "Linux");

struct abi_statx_time {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};

struct abi_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct abi_statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id, spare[13];
};
_Static_assert(sizeof(struct abi_statx) == 256, "Linux");

#define STATX_BASIC 0x7ffu
#define STATX_BTIME 0x800u
#define STATX_MNT_ID 0x1000u    /* told unasked */
#define STATX_ATTR_MOUNT_ROOT 0x2000u
#define STATX_ATTR_FLAGS 0x70u /* FS_*_FL of the same bits */
#define STATX_RESERVED 0x80000000u

struct abi_statfs {
	int64_t type, bsize, blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct abi_statfs) == 120, "Linux");

struct abi_dirent {
	uint64_t ino, off;
	uint16_t reclen;
	uint8_t type;
	char name[];            /* with NUL, then padding to 8 bytes */
};

struct abi_iovec {
	uint64_t base, len;
};

struct abi_pollfd {
	int32_t fd;
	int16_t events, revents;
};

struct abi_itimerspec {
	struct abi_timespec interval, value;
};

#define TFD_TIMER_ABSTIME 1u
#define TFD_TIMER_CANCEL_ON_SET 2u
#define EFD_SEMAPHORE 1u

struct abi_flock {
	int16_t type, whence;
	int32_t pad;
	int64_t start, len;
	int32_t pid, pad2;
};

#define F_DUPFD 0
#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_GETLK 5
#define F_SETLK 6
#define F_SETLKW 7
#define F_SETOWN 8
#define F_GETOWN 9
#define F_SETSIG 10
#define F_GETSIG 11
#define F_SETOWN_EX 15
#define F_GETOWN_EX 16
#define F_GETOWNER_UIDS 17
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ 1031
#define F_GETPIPE_SZ 1032
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#define MFD_CLOEXEC 1u
#define MFD_ALLOW_SEALING 2u
#define MEMFD_NAME_MAX 249
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define FD_CLOEXEC 1
#define LOCK_MAND 32u

#define FIBMAP 1u
#define TIOCGPTPEER 0x5441u
#define FIGETBSZ 2u
#define FIFREEZE 0xc0045877u
#define FITHAW 0xc0045878u
#define FS_IOC_FIEMAP 0xc020660bu
#define FIONREAD 0x541bu
#define FIONBIO 0x5421u
#define FS_IOC_GETFLAGS 0x80086601u
#define FS_IOC_SETFLAGS 0x40086602u
#define FIOASYNC 0x5452u
#define FIONCLEX 0x5450u
#define FIOCLEX 0x5451u
#define FICLONE 0x40049409u
#define FICLONERANGE 0x4020940du
#define FIDEDUPERANGE 0xc0189436u
#define FIOQSIZE 0x5460u
#define FIOSETOWN 0x8901u
#define SIOCSPGRP 0x8902u
#define FIOGETOWN 0x8903u
#define SIOCGPGRP 0x8904u

#define UTIME_NOW 0x3fffffffl
#define UTIME_OMIT 0x3ffffffel
#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u
#define IOV_MAX 1024

#endif
