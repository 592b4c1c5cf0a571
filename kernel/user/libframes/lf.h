/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lf.h: a memory manager in a program, of frames that it owns
 *
 * Problem   Under design frames the kernel keeps pages apart and does nothing else:
 *           what is mapped, what goes to disk and what a fork shares is the program's
 *           business.
 *
 * Picture   ranges ─→ pages (space, va) ─→ phys ─┬─ frame   mapped by tables of ours
 *                                                └─ slot    in a file
 *           fault: a frame from the buddies, or from the clock ─→ zero, read or copy
 *
 * Needs     the calls of the design, and a file; no malloc: all is in struct lf.
 * Rules     1. One thread.  A child that runs meanwhile is stopped by its faults only.
 *           2. Pages of children are lent: frames stay the program's own.
 */
#ifndef USER_LIBFRAMES_LF_H
#define USER_LIBFRAMES_LF_H

#include <stdbool.h>
#include <stdint.h>

#define LF_PAGE 4096ul
#define LF_BASE 0x280000000000ul /* 40 TiB: where the program's ranges may begin */
#define LF_WINDOW (LF_BASE + (1ul << 39)) /* pages that the library works on */
#define LF_FRAMES (1u << 16)     /* f_ids: below */
#define LF_ORDERS 12u            /* up to 2,048 pages in one frame */
#define LF_STOCK 4u              /* order of what a child has for tables */
#define LF_TABLES 20u            /* of a space */
#define LF_RANGES 32u
#define LF_SPACES 16u
#define LF_PAGES 8192u           /* of all spaces */
#define LF_SLOTS 8192u           /* of the file; 0: none */

/* The calls of the design, in their order. */
enum lf_call {
	LF_SPLIT, LF_MERGE, LF_GIVE, LF_ALLOW, LF_COUNT, LF_INFO, LF_TABLE, LF_UNTABLE, LF_MAP,
	LF_UNMAP, LF_SWAP, LF_SELF, LF_PROC_NEW, LF_PROC_START, LF_SEGMENT_SPACE, LF_FAULT
};
enum lf_right { LF_R = 1, LF_W = 2, LF_X = 4, LF_IS_TABLE = 1 << 4 };

/* What LF_INFO says: the kernel's struct frame_info. */
struct lf_info {
	int32_t f_id, type;
	uint64_t pa, len, va;
	uint32_t flags, table, vspace, nmap, parent, used;
	uint64_t touched;
};
#define LF_INFO_CLEAR (1u << 30)
#define LF_A 0x20ul
#define LF_D 0x40ul

/* What is below: system calls and memory, or a test. */
struct lf_os {
	long (*call)(enum lf_call, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
	int (*out)(uint32_t slot, uint64_t va); /* a page to the file; 0, -errno */
	int (*in)(uint32_t slot, uint64_t va);
	void (*copy)(uint64_t to, uint64_t from);
	void (*clear)(uint64_t va);
};

/* A page of one or several spaces: in a frame, in a slot, or both. */
struct lf_phys {
	uint32_t f, slot;      /* 0: not there */
	uint32_t refs;         /* pages that are it; 0: free */
	bool is_dirty;         /* the slot has not what the frame has */
	struct lf_page *pages;
	struct lf_phys *next;  /* free */
};

struct lf_page {
	struct lf_space *space; /* NULL: free */
	uint64_t va;
	struct lf_phys *phys;
	unsigned mapped;        /* enum lf_right; 0: not now */
	struct lf_page *next;   /* of the same hash, or free */
	struct lf_page *same;   /* of the same phys */
};

struct lf_frame {
	uint64_t pa;
	uint32_t next;         /* free, of one order */
	uint8_t order;
	struct lf_phys *phys;  /* what is in it */
};

struct lf_range {
	uint64_t va, end;
	unsigned rights;
};

struct lf_space {
	int pid;               /* -1: free */
	uint32_t root, record; /* f_ids; record: of a child */
	uint32_t stock, nstock; /* a child's: for tables, pages left */
	unsigned ntables, nranges;
	struct { uint64_t base; uint32_t f; unsigned level; } table[LF_TABLES];
	struct lf_range range[LF_RANGES]; /* by address */
};

struct lf {
	const struct lf_os *os;
	struct lf_frame frame[LF_FRAMES];
	uint32_t free[LF_ORDERS];
	struct lf_space space[LF_SPACES]; /* [0]: its own */
	struct lf_page page[LF_PAGES], *free_page, *hash[LF_PAGES];
	struct lf_phys phys[LF_PAGES], *free_phys;
	struct lf_phys *busy;  /* not to be taken */
	bool slot_used[LF_SLOTS];
	uint32_t hand;         /* of the clock: n of frame_info() */
	/* What happened. */
	uint64_t faults, zeroed, copied, ins, outs, splits, merges;
};

/* lf_frames.c: frames of 2^order pages.  0: there is none. */
void lf_add(struct lf *, uint32_t f, uint64_t pa, uint64_t pages);
uint32_t lf_take(struct lf *, unsigned order);
void lf_put(struct lf *, uint32_t f, unsigned order);

/* lf_space.c: tables, and what is mapped.  -errno. */
long lf_space_begin(struct lf *, struct lf_space *, int pid);
long lf_table_of(struct lf *, struct lf_space *, uint64_t va); /* the leaf: f_id */
void lf_space_end(struct lf *, struct lf_space *); /* of a child that has ended */
struct lf_range *lf_range_of(struct lf_space *, uint64_t va);
long lf_mmap(struct lf *, struct lf_space *, uint64_t va, uint64_t len, unsigned rights);
long lf_munmap(struct lf *, struct lf_space *, uint64_t va, uint64_t len);
long lf_mprotect(struct lf *, struct lf_space *, uint64_t va, uint64_t len, unsigned rights);

/* lf_page.c: faults */
long lf_begin(struct lf *, const struct lf_os *, int pid, uint64_t pages); /* at most */
long lf_fault(struct lf *, struct lf_space *, uint64_t va, bool write);
struct lf_space *lf_fork(struct lf *, struct lf_space *); /* NULL: no memory */
struct lf_page *lf_page_of(struct lf *, struct lf_space *, uint64_t va);
void lf_page_hide(struct lf *, struct lf_page *);  /* unmapped; it stays */
void lf_page_drop(struct lf *, struct lf_page *);
uint32_t lf_frame(struct lf *, unsigned order); /* by the clock, if need be; 0 */

/* lf_sys.c: the kernel's calls, and a file for pages that are not in memory */
const struct lf_os *lf_sys(int fd);

#endif
