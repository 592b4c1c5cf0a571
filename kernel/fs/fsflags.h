/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsflags.h: flags and type bits that programs and the kernel share
 *
 * Offers    O_*, S_*, AT_*, RESOLVE_*, SEEK_*, device numbers.
 * Needs     nothing.
 *
 * The values are Linux's, so that sys/ passes them on as they come.
 */
#ifndef FS_FSFLAGS_H
#define FS_FSFLAGS_H

#include "lib/types.h"

#define O_ACCMODE 03
#define O_RDONLY 00
#define O_WRONLY 01
#define O_RDWR 02
#define O_CREAT 0100
#define O_EXCL 0200
#define O_NOCTTY 0400
#define O_TRUNC 01000
#define O_APPEND 02000
#define O_NONBLOCK 04000
#define O_DSYNC 010000
#define O_ASYNC 020000
#define O_DIRECT 040000
#define O_LARGEFILE 0100000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW 0400000
#define O_NOATIME 01000000
#define O_CLOEXEC 02000000
#define O_SYNC 04010000
#define O_PATH 010000000
#define O_TMPFILE 020200000

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000
#define S_ISUID 04000
#define S_ISGID 02000
#define S_ISVTX 01000
#define S_PERM 07777

#define S_ISREG(m) (((m) & S_IFMT) == S_IFREG)
#define S_ISDIR(m) (((m) & S_IFMT) == S_IFDIR)
#define S_ISLNK(m) (((m) & S_IFMT) == S_IFLNK)
#define S_ISCHR(m) (((m) & S_IFMT) == S_IFCHR)
#define S_ISFIFO(m) (((m) & S_IFMT) == S_IFIFO)

#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS 0x200
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EMPTY_PATH 0x1000

#define RESOLVE_NO_XDEV 1u
#define RESOLVE_NO_MAGICLINKS 2u
#define RESOLVE_NO_SYMLINKS 4u
#define RESOLVE_BENEATH 8u
#define RESOLVE_IN_ROOT 0x10u
#define RESOLVE_CACHED 0x20u
#define RESOLVE_ALL 0x3fu

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define SEEK_DATA 3
#define SEEK_HOLE 4

/* What a file is marked with on its disk, by chattr(1). */
#define FS_SYNC_FL 0x8u         /* durable at return: bytes and attributes */
#define FS_IMMUTABLE_FL 0x10u   /* nobody changes it */
#define FS_APPEND_FL 0x20u      /* only what is behind its end is written */
#define FS_NODUMP_FL 0x40u
#define FS_NOATIME_FL 0x80u
#define FS_DIRSYNC_FL 0x10000u  /* durable at return: names in it */
#define FS_FIXED_FL (FS_IMMUTABLE_FL | FS_APPEND_FL)
#define FS_USER_VISIBLE 0x3dfffu

#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2

#define PATH_MAX 4096        /* bytes of a path, with the NUL */
#define NAME_MAX 255         /* bytes of a component */
#define LINKS_MAX 40         /* symbolic links in one lookup */

/* Device numbers as in stat(2) and mknod(2). */
static inline uint64_t
dev_make(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (uint64_t)major << 8 |
	    (uint64_t)(minor & ~0xffu) << 12;
}

#define F_SEAL_SEAL 1u
#define F_SEAL_SHRINK 2u
#define F_SEAL_GROW 4u
#define F_SEAL_WRITE 8u
#define F_SEAL_FUTURE_WRITE 16u

static inline uint32_t
dev_major(uint64_t dev)
{
	return (dev >> 8) & 0xfff;
}

static inline uint32_t
dev_minor(uint64_t dev)
{
	return (dev & 0xff) | ((dev >> 12) & 0xfff00);
}

#endif
