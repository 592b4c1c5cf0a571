/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.h: the operations whose road can be taken
 *
 * One row each: OP(function of walks.c, name, whose work counts, one of the six
 * walks?, needs a file system on the disk in memory?, less what the first region
 * ran?, what it is).  A new one is a row here and a function there.
 */
#ifndef ROAD_OPS_H
#define ROAD_OPS_H

/* clang-format off */
#define ROAD_OPS(OP) \
	OP(zero_fill, "zero-fill", WHO_PROGRAM, true, false, false, \
	    "a store to a fresh page of private memory; its table is missing, too") \
	OP(fork_pages, "fork", WHO_PROGRAM, true, false, false, \
	    "fork() of a program with 16 pages of its own beside its image") \
	OP(page_out, "page-out", WHO_ALL, true, false, true, \
	    "memory is full and a program stores to more pages: trim, write, steal") \
	OP(swap_in, "swap-in", WHO_ALL, true, false, false, \
	    "a load from a private page that is in swap") \
	OP(file_read, "file-read", WHO_ALL, true, true, false, \
	    "a load from a mapped file whose page is not in memory") \
	OP(unmap, "munmap", WHO_PROGRAM, true, false, false, \
	    "munmap() of the middle of 24 pages, written to and shared by a fork") \
	OP(next_page, "next-page", WHO_PROGRAM, false, false, false, \
	    "a store to a fresh page whose table is there") \
	OP(cow, "cow", WHO_PROGRAM, false, false, false, \
	    "a store to a page that a fork shares: it is copied") \
	OP(map, "mmap", WHO_PROGRAM, false, false, false, \
	    "mmap() of 16 private anonymous pages") \
	OP(unmap_all, "munmap-all", WHO_PROGRAM, false, false, false, \
	    "munmap() of a whole mapping of 16 private pages, and of their table") \
	OP(protect, "mprotect", WHO_PROGRAM, false, false, false, \
	    "mprotect() of the middle of 16 pages to read-only") \
	OP(move, "mremap", WHO_PROGRAM, false, false, false, \
	    "mremap() of 16 pages to another address") \
	OP(dontneed, "dontneed", WHO_PROGRAM, false, false, false, \
	    "madvise(MADV_DONTNEED) of 16 pages") \
	OP(lock, "mlock", WHO_PROGRAM, false, false, false, \
	    "mlock() of 16 fresh pages") \
	OP(grow, "brk", WHO_PROGRAM, false, false, false, \
	    "brk() by 16 pages") \
	OP(run, "exec", WHO_PROGRAM, false, false, false, \
	    "execve() of a static program, up to its main()") \
	OP(end, "exit", WHO_ANOTHER, false, false, false, \
	    "a child with 16 pages of its own ends")
/* clang-format on */

#endif
