/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.h: the operations whose road can be taken
 *
 * One row each: OP(function of walks.c, name, whose work counts, flags, what it
 * is).  A new one is a row here and a function there.
 */
#ifndef ROAD_OPS_H
#define ROAD_OPS_H

enum {
	ROAD_WALK = 1,  /* one of the six of which the mean is taken */
	ROAD_DISK = 2,  /* the disk in memory has a file system, and is no swap */
	ROAD_MINUS = 4, /* less what the program ran in the first region */
	ROAD_LONG = 8,  /* more than the program's first way into the kernel */
};

/* clang-format off */
#define ROAD_OPS(OP) \
	OP(zero_fill, "zero-fill", WHO_PROGRAM, ROAD_WALK, \
	    "a store to a fresh page of private memory; its table is missing, too") \
	OP(fork_pages, "fork", WHO_PROGRAM, ROAD_WALK, \
	    "fork() of a program with 16 pages of its own beside its image") \
	OP(page_out, "page-out", WHO_ALL, ROAD_WALK | ROAD_MINUS | ROAD_LONG, \
	    "memory is full and a program stores to more pages: trim, write, steal") \
	OP(swap_in, "swap-in", WHO_ALL, ROAD_WALK, \
	    "a load from a private page that is in swap") \
	OP(file_read, "file-read", WHO_ALL, ROAD_WALK | ROAD_DISK, \
	    "a load from a mapped file whose page is not in memory") \
	OP(unmap, "munmap", WHO_PROGRAM, ROAD_WALK, \
	    "munmap() of the middle of 24 pages, written to and shared by a fork") \
	OP(next_page, "next-page", WHO_PROGRAM, 0, \
	    "a store to a fresh page whose table is there") \
	OP(cow, "cow", WHO_PROGRAM, 0, \
	    "a store to a page that a fork shares: it is copied") \
	OP(map, "mmap", WHO_PROGRAM, 0, \
	    "mmap() of 16 private anonymous pages") \
	OP(unmap_all, "munmap-all", WHO_PROGRAM, 0, \
	    "munmap() of a whole mapping of 16 private pages, and of their table") \
	OP(protect, "mprotect", WHO_PROGRAM, 0, \
	    "mprotect() of the middle of 16 pages to read-only") \
	OP(move, "mremap", WHO_PROGRAM, 0, \
	    "mremap() of 16 pages to another address") \
	OP(dontneed, "dontneed", WHO_PROGRAM, 0, \
	    "madvise(MADV_DONTNEED) of 16 pages") \
	OP(lock, "mlock", WHO_PROGRAM, 0, \
	    "mlock() of 16 fresh pages") \
	OP(grow, "brk", WHO_PROGRAM, 0, \
	    "brk() by 16 pages") \
	OP(run, "exec", WHO_PROGRAM, ROAD_LONG, \
	    "execve() of a static program, up to its main()") \
	OP(end, "exit", WHO_ANOTHER, ROAD_LONG, \
	    "a child with 16 pages of its own ends")
/* clang-format on */

#endif
