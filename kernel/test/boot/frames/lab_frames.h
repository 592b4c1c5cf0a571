/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_frames.h: frames of a test's own, and a CPU that forgets nothing
 *
 * Offers    a buffer and 4 MiB for process 0; tables made without what lab 22 writes; a
 *           TLB that keeps what it has seen until a flush; claims about both.
 * Needs     test/boot/lab/lab.h, vm/design/frames/.  The boot has no frames=.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_FRAMES_H
#define TEST_BOOT_LAB_FRAMES_H

#include "test/boot/lab/lab.h"
#include "lib/errno.h"
#include "vm/design/frames/frames.h"

#define LAB_FRAMES_PAGES 1024u         /* of the rig's memory: two sections */
#define LAB_FRAMES_ALL 1u              /* f_id of what nothing was cut from yet */

/* Tables on the way to va, made by hand; [1]: the leaf. */
struct lab_way {
	uint32_t table[5];
	va_t va;
};

/* What the machine was told: [own] */
extern struct lab_machine {
	uint64_t rounds;               /* flushes: each stops all CPUs */
	uint64_t root_words;           /* and the last of them */
	unsigned slot;
	uint64_t word;
} lab_machine;

/* So many descriptors; and the end. */
void frames_rig_begin(uint32_t rows);
void frames_rig_end(void);
/* The upper pages of LAB_FRAMES_ALL, by frame_split(). */
uint32_t frames_cut(uint64_t pages);
/* A process of two pages, not started. */
void frames_child(int pid);
/* A frame of one page is a table, without frame_table(); below another, without frame_link(). */
uint32_t frames_table_by_hand(int pid, int level);
void frames_link_by_hand(uint32_t up, uint32_t down, unsigned slot);
/* The four tables of pid at va, the root its own. */
void frames_way(struct lab_way *, int pid, va_t va);

/* Claimed: the mapping has its words; or they are 0. */
void frames_words_are(uint32_t table, uint32_t f, va_t, unsigned flags);
void frames_words_gone(uint32_t table, va_t, uint64_t pages);
/* The CPU looks at pages of a root; claimed: it reaches nothing that no word says. */
void frames_look(uint32_t root, va_t, uint64_t pages);
void frames_no_stale(const char *what);
void frames_forget(void);       /* the CPU, all */
/* Claimed: S1 to S6. */
void frames_sound(const char *what);
/* All that a call could have changed; claimed: r is the refusal, and nothing has. */
uint64_t frames_sum(void);
void frames_refused(int r, int error, uint64_t before, const char *what);
#define REFUSED(call, error, what)                                        \
	do {                                                              \
		uint64_t before_ = frames_sum();                          \
		frames_refused((call), (error), before_, (what));         \
	} while (0)

static inline struct frame *
frames_row(uint32_t f)
{
	return &frames.at[f];
}

#endif
