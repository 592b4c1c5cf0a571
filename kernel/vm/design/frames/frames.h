/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames.h: physical frames that programs own (book: seeds 004)
 *
 * Private for kernel/vm/design/frames/ and its tests.
 *
 * Typical life: process 0 has all memory as one frame; it splits a part off, makes a
 * process of two pages and tables of single ones, maps pages into them, gives the child
 * its root; when the child ends, all that it had is its creator's again.
 *
 * Tag: [L] one mutex, which callers hold around each call; [c] never changes.
 *
 * Frames that a program may map read-only (tables, segments, records of processes)
 * hold numbers only, no kernel address.
 */
#ifndef VM_DESIGN_FRAMES_FRAMES_H
#define VM_DESIGN_FRAMES_FRAMES_H

#include "lib/tree.h"
#include "lib/types.h"
#include "kern/kern.h"

/* Types of a frame.  PAGE: bytes of a program; no program can write to the others. */
enum frame_type {
	FRAME_FREE, FRAME_PAGE,
	FRAME_TABLE1, FRAME_TABLE2, FRAME_TABLE3, FRAME_TABLE4, /* 1: leaf, 4: root */
	FRAME_SEGSPACE, FRAME_PROC
};

enum frame_flag {
	F_READ = 1, F_WRITE = 2, F_EXEC = 4,
	F_TYPE_PAGE = 0 << 4, F_TYPE_TABLE = 1 << 4, F_TYPE_SECTION = 2 << 4,
	F_TYPE_MASK = 15 << 4
};

#define FRAME_PAGE_SIZE 4096ul
#define FRAME_ROWS_MAX (1u << 23)  /* an s_id, f_id << 8 | index, is a positive int */
#define FRAME_SLOTS 512u           /* words of a table */
#define FRAME_SLOT_FIRST 80u       /* of a root: frames are mapped by its slots */
#define FRAME_SLOT_END 128u        /* FIRST … END - 1 alone; all else is the kernel's */
#define FRAME_USER_BASE ((va_t)FRAME_SLOT_FIRST << 39)
#define FRAME_USER_END ((va_t)FRAME_SLOT_END << 39)
#define FRAME_PROC_PAGES 2u        /* struct frame_proc, struct frame_allow[] */
#define FRAME_GIVERS 512u          /* rows of the second of them */
#define FRAME_CREATOR_MAY 256u     /* frames, until frame_proc_start() */
#define FRAME_SHARE 4u             /* a child gets this part of what its creator has spare, */
#define FRAME_QUOTA 64u            /* and no more; a frame that is given brings its own */

/* One mapping: words slot … of a table; table 0: none. */
struct frame_place {
	uint32_t table;        /* [L] f_id */
	uint16_t slot;         /* [L] the first word */
	uint16_t flags;        /* [L] enum frame_flag */
};

/* A run of physical pages with one owner: a row of the kernel's buffer, its f_id. */
struct frame {
	uint8_t type;          /* [L] enum frame_type */
	bool is_root;          /* [L] TABLE4: its owner runs in it */
	uint16_t used;         /* [L] TABLE: words of programs that are not 0 */
	uint16_t pslot;        /* [L] TABLE: slot of the parent */
	uint32_t parent;       /* [L] TABLE: f_id of the table that it is linked in; 0 */
	pa_t pa;               /* [L] */
	uint64_t pages;        /* [L] */
	struct frame_place at; /* [L] first mapping */
	uint32_t segs;         /* [L] s_id: the others; 0: none.  Only with a first */
	uint32_t owner;        /* [L] f_id of the owner's PROC frame; 0: process 0 */
	struct rb_node own;    /* [L] in the owner's tree, by f_id */
	uint32_t below;        /* [L] frames in that part of the tree, with itself */
	uint32_t next;         /* [L] FREE: the next one */
	uint32_t pa_next, pa_prev; /* [L] all, by address */
	uint32_t nmap, nwrite; /* [L] mappings, not pages; of these with F_WRITE */
};

/* A further mapping of a frame, in memory that its owner has donated. */
struct segment {
	uint32_t s_id;         /* [L] f_id of the SEGSPACE frame << 8 | index */
	uint32_t f_id;         /* [L] 0: free */
	struct frame_place at; /* [L] */
	uint32_t next;         /* [L] free: index of the next one */
	uint32_t f_next;       /* [L] s_id: of the same frame */
};

/* The first entry of a SEGSPACE frame. */
struct segment_space {
	uint32_t f_id;         /* [L] itself */
	uint32_t next;         /* [L] f_id: of the same owner */
	uint32_t live;         /* [L] segments in use */
	uint32_t free;         /* [L] index of the first free one; 0 */
	uint32_t spare[2];     /* [c] 0 */
};
#define SEGMENT_END (FRAME_PAGE_SIZE / sizeof(struct segment))

/* A process of the design: first page of its PROC frame. */
struct frame_proc {
	int32_t pid;           /* [c] */
	uint32_t f_id;         /* [c] of this; 0: process 0.  Its owner is the creator */
	uint32_t tree;         /* [L] own frames: f_id of the top of their tree; 0 */
	uint32_t used, quota;  /* [L] descriptors: own frames; what it may have */
	uint32_t root;         /* [L] f_id; 0: none yet */
	uint32_t spaces;       /* [L] SEGSPACE frames: f_id of the first */
	uint32_t next;         /* [L] f_id: all processes */
	uint32_t is_started;   /* [L] */
};

/* How many more frames a process accepts from which giver. */
struct frame_allow {
	uint32_t giver;        /* [L] pid + 1; 0: the row is free */
	uint32_t left;         /* [L] */
};

/* The result of frame_info(). */
struct frame_info {
	int32_t f_id, type;    /* [own] */
	uint64_t pa, len;      /* [own] bytes */
	uint64_t va;           /* [own] of the first mapping, as far as tables are linked */
	uint32_t flags, table, vspace; /* [own] of that; vspace: root, 0: in none */
	uint32_t nmap;         /* [own] */
	uint32_t parent, used; /* [own] TABLE: the one that it is linked in; its words */
	uint64_t touched;      /* [own] MD_PTE_A | MD_PTE_D of all its words */
};
#define FRAME_INFO_CLEAR (1u << 30) /* in n: and clear them */

/* Functions of the machine that the design needs. */
struct frames_machine_ops {
	/* No CPU has a translation of [va, va + pages) under root any more: every one
	 * has acknowledged. */
	void (*flush)(pa_t root, va_t va, uint64_t pages);
	/* The process runs under root from now on; 0: under none.  As flush. */
	void (*load)(int pid, pa_t root);
	/* A word of a process's root has changed; a flush follows if it was cleared. */
	void (*root_word)(int pid, unsigned slot, uint64_t word);
};

/* All return 0 or more, or -errno; pid is who asks.  [L] held.  A call that fails has
 * changed nothing. */

/* frames.c: what an owner does */
int frame_split(int pid, uint32_t f, uint64_t off);   /* f_id of the upper part */
int frame_merge(int pid, uint32_t f1, uint32_t f2);   /* f1 */
int frame_map(int pid, uint32_t table, uint32_t f, va_t, unsigned flags); /* s_id; 0 */
int frame_unmap(int pid, uint32_t table, uint32_t f, va_t);
int frame_table(int pid, uint32_t f, va_t view, int level);
int frame_untable(int pid, uint32_t f);
int frame_link(struct frame *table, struct frame *f, va_t);
int frame_unlink(struct frame *f);
int frame_give(int pid, uint32_t f, int to);          /* f; to pid itself: unasked */
int frame_allow(int pid, int from, uint32_t max);
/* Mappings of which it says so go: acknowledged. */
void frame_revoke_if(struct frame *, bool (*)(const struct frame *, uint32_t table,
    uint32_t arg), uint32_t arg);

/* frame_own.c: rows, owners */
void frames_init(struct frame *buffer, uint32_t n, const struct frames_machine_ops *);
int frames_add(pa_t pa, uint64_t pages);      /* memory for process 0: f_id; -ENFILE */
void frame_join(void);                         /* what process 0 has side by side */
int frame_count(int pid);
int frame_info(int pid, uint32_t n, struct frame_info *);
struct frame *frame_row_take(void);            /* zeros; NULL: none is free */
void frame_row_put(struct frame *);            /* of no owner and no list */
void frame_list(struct frame *, struct frame *before); /* behind it, by address; its owner has it */
void frame_unlist(struct frame *);

/* frame_segment.c: the list from a frame to its words */
int frame_segment_space(int pid, int of, uint32_t f);
void frame_revoke(struct frame *);             /* every mapping, acknowledged */
uint64_t frame_touched(struct frame *, bool clear);
bool frame_is_mapped_at(const struct frame *, uint32_t root, va_t);
void frame_segment_space_end(struct frame *);  /* it has no live segment */
struct segment *frame_segment_at(uint32_t s_id);
/* In f's list, of memory of its owner, for the caller to fill; NULL: no more. */
struct segment *frame_segment_new(struct frame *);
void frame_segment_free(struct frame *, struct segment *);
uint64_t frame_segments_free(const struct frame_proc *);

/* frame_table.c: where tables are, and whole spaces */
int vspace_swap(int pid, int of, uint32_t f);
int vspace_self(int pid);
uint32_t frame_root_of(uint32_t table);        /* 0: it is linked to none */
va_t frame_va_of(uint32_t table, unsigned slot, unsigned *top); /* level of the top */
bool frame_va_is_of(uint32_t table, unsigned slot, va_t); /* as far as it is linked */
void frame_flush(uint32_t table, unsigned slot, uint64_t words);
void frame_table_end(struct frame *);          /* PAGE, cleared; empty and unlinked */

/* frame_proc.c: processes */
struct frame_proc *frame_proc(int pid);        /* NULL: there is none */
struct frame_proc *frame_proc_at(uint32_t f);  /* of owner f */
struct frame_allow *frame_allow_row(struct frame_proc *, int pid); /* NULL; -1: a free one */
int frame_proc_new(int pid, uint32_t f, int child);   /* child: a number that is free */
int frame_proc_start(int pid, int child);
void frame_seat(int pid);                      /* pid is process 0: nobody was */
void frame_unseat(void);                       /* its threads have ended: nobody is */
/* Its threads have ended: all it had goes to its creator. */
int frames_exit(int pid);

/* frame_own.c, for the others */
extern struct frames {
	struct frame *at;      /* [c] the buffer, by f_id; [0] is nobody */
	uint32_t n;            /* [c] rows */
	uint32_t free;         /* [L] f_id of the first free row */
	uint32_t by_pa;        /* [L] f_id of the lowest frame */
	uint64_t pages;        /* [L] of all frames: constant after frames_add() */
	uint32_t live;         /* [L] rows in use */
	uint32_t segments;     /* [L] live */
	const struct frames_machine_ops *md; /* [c] */
} frames;
struct frame *frame_at(uint32_t f);            /* NULL: no such frame */
/* Frames of p, by f_id; NULL: no more.  f may be given away once its next is known. */
struct frame *frame_first(const struct frame_proc *);
struct frame *frame_next(const struct frame *);
bool frame_may(const struct frame_proc *, const struct frame *); /* owner, or its creator */
/* The frame and who asks; -ESRCH, -ENOENT, -EPERM. */
int frame_get(int pid, uint32_t f, struct frame_proc **, struct frame **);
void frame_own(struct frame *, uint32_t owner);   /* with its share of the quota */
bool frame_is_lent_right(const struct frame *, uint32_t table); /* S4 */

static inline unsigned
frame_level(const struct frame *f)
{
	return f->type >= FRAME_TABLE1 && f->type <= FRAME_TABLE4 ?
	    f->type - FRAME_TABLE1 + 1u : 0;
}

/* Words of a mapping of f. */
static inline unsigned
frame_slots_of(const struct frame *f, unsigned flags)
{
	return (unsigned)((flags & F_TYPE_MASK) == F_TYPE_SECTION ?
	    f->pages / FRAME_SLOTS : f->pages);
}

static inline uint32_t
frame_id(const struct frame *f)
{
	return (uint32_t)(f - frames.at);
}

static inline uint64_t *
frame_words(const struct frame *table)
{
	return pa2va(table->pa);
}

/* frames_check.c: S1 … S8; NULL, or what is wrong */
const char *frames_check(void);

#endif
