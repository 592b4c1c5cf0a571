/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames_host.h: a machine for design frames: memory, and CPUs that forget nothing
 *
 * Offers    physical memory of which process 0 has all; four CPUs, each with a TLB and
 *           a cache of tables on the way, which keep what they have used until a flush.
 * Needs     vm/design/frames/, nothing of the kernel.
 */
#ifndef TEST_FRAMES_HOST_H
#define TEST_FRAMES_HOST_H

#include "vm/design/frames/frames.h"

#define FH_CPUS 4u
#define FH_PIDS 24             /* numbers of processes: below */
#define FH_SECTION (512 * FRAME_PAGE_SIZE)
#define FH_FIRST FH_SECTION    /* address of the first page; two sections … */
#define FH_MORE (FH_FIRST + 2 * FH_SECTION + 16 * FRAME_PAGE_SIZE) /* … a gap, and more */
#define FH_MORE_PAGES 300u
#define FH_PAGES (2 * 512u + FH_MORE_PAGES)
#define FH_END (FH_MORE + FH_MORE_PAGES * FRAME_PAGE_SIZE)

extern struct frames_host {
	pa_t root[FH_PIDS];            /* under which each process runs */
	uint64_t live[FH_PIDS][FRAME_SLOTS]; /* what a CPU finds there */
	unsigned flushes;
	/* A CPU sets bits of a word; NULL: nobody asks. */
	void (*on_touch)(pa_t word, uint64_t bits);
} frames_host;

/* A fresh machine with so many descriptors: frames 1 and 2 are the two ranges. */
void frames_host_boot(uint32_t rows);
/* Where the program of pid, on the CPU, reaches va; NULL: a page fault. */
uint64_t *frames_host_reach(unsigned cpu, int pid, va_t va, bool write);
/* S7: can a CPU reach what the tables do not say?  NULL, or what is wrong. */
const char *frames_host_stale(void);

#endif
