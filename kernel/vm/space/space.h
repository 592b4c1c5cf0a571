/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * space.h: an address space; tags of all fields, and the order of all locks
 *
 * For kernel/vm/ and its tests only, like all headers of its rooms: each has the
 * structs of its room, field by field with the lock that guards it, and the
 * functions for other rooms; the contracts stand at the definitions.
 *
 * Tags: [M] map_lock  [W] ws_lock  [O] object lock  [X] object's mapping list
 * [F] FMO lock  [P] PFN lock  [S] swap lock  [A] atomic  [c] constant after
 * construction  [cpu] per CPU, preemption off  [B] the thread whose I/O made
 * the word BUSY  [pool] the lock of a vad_pool  [s] valid only in the named state or for the named home
 * [own] the thread that made it  [L] the list lock of its file  [bsm] thread
 * bsm alone.
 *
 * Lock order (a lower rank is taken first; book: locks):
 *
 *   1  vnode rwlock        sleep   file size, read/write atomicity
 *   2  as->map_lock        sleep   VAD tree, brk, commit.  Shared: fault, /proc
 *   3  kernel map_lock     sleep   kernel arenas; never held while waiting
 *   4  vmo->maps_lock      sleep   mapping list
 *   5  as->ws_lock         sleep   user page tables; two only in fork
 *   6  kernel ws_lock      sleep   kernel PTEs of kpaged
 *   7  vmo, fmo, anon …    spin    tree and radix words, entry refs
 *   8  PFN lock            spin    page states, queues, pins, mapcount, nres
 *   9  swap, wait buckets  spin    leaves
 *
 * R1 never wait for a page, a frame or I/O with rank >= 3 held.  R2 paged
 * kernel memory needed under rank >= 5 is pinned first.  R3 after unlock and
 * relock everything read before is void.  R5 home and TRANS/BUSY words change
 * under [P].  R6 a frame leaves LIMBO only after the ack.  R6a no flush with
 * rank >= 7 held.  R7 a word becomes VALID in the ws_lock hold in which size
 * and identity were checked.
 */
#ifndef VM_SPACE_SPACE_H
#define VM_SPACE_SPACE_H

#include "lib/errno.h"
#include "lib/tree.h"
#include "mem/mem.h"
#include "vm/vm.h"

struct tlb_batch;
struct vad;

enum vad_flag {
	VAD_SHARED = 1, VAD_GROWSDOWN = 2, VAD_LOCKED = 4, VAD_NORESERVE = 8,
	VAD_DONTFORK = 16, VAD_WIPEONFORK = 32, VAD_STACK = 64, VAD_NOMERGE = 128,
	VAD_HEAP = 256,
	/* Private pages and leaf tables are paid for (vm/map/vadcommit.c).  A table
	 * made under a VAD without it is charged late (pt_walk, pt_make). */
	VAD_CHARGED = 512,
	VAD_RANDOM = 1024, VAD_SEQUENTIAL = 2048, /* madvise: how far to read ahead */
	VAD_LOCKONFAULT = 4096, /* with LOCKED: only what is touched */
	/* Has pages from a parent: mappings that the child makes have another origin,
	 * and are not merged with it. */
	VAD_INHERITED = 8192,
	/* The open file behind it can write, whatever the mapping itself may. */
	VAD_WRITER = 16384,
	/* Anonymous, but made by mapping /dev/zero. */
	VAD_ZERO_DEVICE = 32768
};
#define VAD_LOCK_FLAGS ((uint32_t)(VAD_LOCKED | VAD_LOCKONFAULT))

/* VADs that are in no tree, in order, through rb.left: map.h.  All 0: none. */
struct vad_list {
	struct vad *first, *last;  /* [own] */
};

/* What a space has lost by a bad sector. */
enum as_lost {
	LOST_VADS = 1,
	LOST_MOVED = 2,            /* words that mremap should have moved */
	LOST_TABLES = 4            /* no count of the space is exact */
};

/* The memory of a space's VADs: vm/map/vadmem.c. */
struct vad_pool {
	struct spinlock lock;      /* [pool] leaf */
	struct list pages;         /* [pool] struct vad_page */
	_Atomic uint32_t nblocks;  /* [A] of them not paged */
};

#define WS_AGES 4                  /* 0 young … 3 old */
#define WS_AGE (WS_AGES - 1)       /* min_age: its bits */
#define WS_HAS_PLACE 4             /* min_age: and only pages that need no new slot */
#define WS_BRIEF 8                 /* min_age: within WS_LOOKS words from the hand on */
#define AS_CLOSING 0x80000000u     /* of aspace.holders: is being torn down */
#define UPPER_TABLES 4             /* pages charged with each space */
#define UPPER_PAID 3u              /* of them; the root is the fourth */

#define SEQUENCES 4                /* reads ahead that a space, or a file, has at a time */

/* A read that may belong to a sequence: vm/swap/ahead.c.  [S], or [O] of a file. */
struct read_ahead {
	uint64_t at;                   /* [S][O] its first page */
	uint32_t when;                 /* [S][O] sequences.reads then */
	int8_t apart;                  /* [S][O] pages from one to the next; 0: not known */
	uint8_t window;                /* [S][O] so many are wanted; 1: no sequence, 0: none */
	uint8_t read;                  /* [S][O] so many were looked at */
};

#define ASKED_AT(idx) ((uint32_t)(idx) & 0x3ffffff) /* a hint, so the low bits do */

/* The last reads of a space from swap, or of a file by all its users. */
struct sequences {
	struct read_ahead last[SEQUENCES]; /* [S][O] */
	uint32_t reads;                /* [S][O] that others might follow */
	uint32_t asked : 6;            /* [O] so many pages a call wants of a file, … */
	uint32_t asked_at : 26;        /* [O] … from this one on: ASKED_AT() */
};

#define AS_NEAR 4                  /* CPUs beyond share what the first have */

/*
 * The parts of a space, each with the name of the room that keeps it.  They are
 * declared here, since space/ stands below them all; as->map_lock guards [M]
 * and as->ws_lock [W], which belong to no part.
 */

/* map/, calls/: what is mapped where, and how much of it may be. */
struct as_map {
	struct rb_root vads;           /* [M] */
	struct vad *hint;              /* [A] last hit, revalidated under [M] */
	struct vad_list spare;         /* [M] two, each with a link: one hole */
	struct vad_pool pool;          /* [pool] */
	uint64_t nvads;                /* [M] */
	uint64_t brk0, brk;            /* [M] bytes */
	_Atomic uint64_t limit[LIMITS]; /* [A] pages: of every GROWSDOWN mapping; of all
	                                * private writable memory; of what grows at a
	                                * touch */
	uint64_t base;                 /* [c] vpn: mappings are placed below */
	uint64_t total_pages;          /* [M] sum of VAD sizes, for RLIMIT_AS */
	uint64_t peak_pages;           /* [M] */
	uint64_t locked_pages;         /* [M] of VADs with LOCKED */
	uint64_t lock_limit;           /* [M] bytes that a stack may lock: RLIMIT_MEMLOCK */
	uint32_t lock_future;          /* [M] VAD_LOCK_FLAGS of new mappings */
	bool grows;                    /* [M] one with GROWSDOWN came by mmap, once */
	_Atomic bool runs;             /* [A] map_read_is_run() */
};

/* table/: its page tables. */
struct as_table {
	struct vm_page *near[AS_NEAR]; /* [W] the leaf table that each CPU met last, */
	va_t near_end[AS_NEAR];        /* [W] and where its addresses end; 0: none */
	uint64_t n;                    /* [W] in use, without root */
	uint64_t n_out;                /* [W] on swap, or on the way there or back */
	struct page_queue idle;        /* [P] those that name no frame but SPEC ones */
	uint32_t n_upper;              /* [W] upper ones paid with UPPER_TABLES */
	_Atomic bool hides;            /* [A] VALID words without U: PROT_NONE, locked */
};

/* frame/: its words by kind; word_set() and pageio.c count. */
struct as_words {
	uint64_t priv;                 /* [W] VALID/PRIV, TRANS, BUSY, SWAP, ERROR words */
	uint64_t fork;                 /* [W] FORK + VALID/FORK words */
	uint64_t locked;               /* [W] VALID with LOCK: word_set(), mlock.c */
	_Atomic uint64_t swap;         /* [A] */
};

/* frame/commit.c: what is charged for it. */
struct as_commit {
	uint64_t paid;                 /* [M] what its VADs have paid, + UPPER_TABLES */
	_Atomic uint64_t late;         /* [A] charged at touch */
	uint64_t fed;                  /* [W] of late: frames given to caches of records */
	uint64_t pruned;               /* [W] of late: for tables whose pages all left memory */
	_Atomic uint64_t prepaid;      /* [A] charged by map_prepay_start(), not used yet */
};

/* ws/: its working set. */
struct as_ws {
	uint64_t pages, peak;          /* [W] VALID, SRC != SPEC */
	uint64_t min, max;             /* [A] */
	uint32_t head, hand_tbl;       /* [W] ring of leaf tables by pfn; clock */
	uint16_t hand_idx;             /* [W] */
	uint32_t tables;               /* [W] on the ring */
	uint8_t missed, age_missed;    /* [bsm] visits that found [W] taken */
	uint8_t emptied;               /* [W] so many ages, the oldest first, were searched
	                                * to the end since its last age pass */
	uint32_t visit;                /* [bsm] the last one, to come once a round */
	uint64_t ages[WS_AGES];        /* [W] pages by age, at the last age pass */
	uint64_t used_ns;              /* [A] an age pass last found a page used */
	uint64_t trimmed;              /* [W] so far */
	uint32_t waiting;              /* [A] faults that wait: ws_limit() */
};

/* design/: references to what its shared words name, by index. */
struct as_shared {
	struct rb_root refs;           /* [W] of the design */
	uint32_t n;                    /* [W] so many */
};

/* evidence/force.c: the thread whose faults age pages, and faults of others since. */
struct as_force {
	uint32_t pacer, missed;        /* [W] */
};

struct aspace {
	struct md_space md;            /* [c] root_pa; [A] cpus, tlb_gen */
	const struct design *design;   /* [c] what a fork does with its private pages */
	const struct school *school;   /* [c] the design's: where they are recorded */
	void *dpriv;                   /* [c] the design's */
	uint64_t id;                   /* [c] never given twice; in the list's order */
	uint32_t record_pages;         /* [c] a frame has the records of so many pages
	                                * side by side, which stay in memory; 0: none */
	_Atomic uint32_t refs;         /* [A] */
	_Atomic uint32_t users;        /* [A] processes that run on it */
	_Atomic uint32_t holders;      /* [A] others who pin tables; AS_CLOSING */
	uint32_t lost;                 /* [A] enum as_lost: what could not be read */
	struct list_node all;          /* [L] published spaces */
	struct rwlock map_lock;        /* rank 2: [M] */
	struct as_map map;             /* [M] or as its fields say; so all parts */
	struct mutex ws_lock;          /* rank 5: [W], PTEs of the user half, tables */
	struct tlb_batch *batch;       /* [W] one batch under construction */
	struct as_table table;         /* [W][P] */
	struct as_ws ws;               /* [W][A][bsm] */
	struct as_words words;         /* [W][A] */
	struct as_commit commit;       /* [M][W][A] */
	struct as_shared shared;       /* [W] */
	struct as_force force;         /* [W] */
	struct sequences ahead;        /* [S] reads from swap: swap/ahead.c */
};

_Static_assert(sizeof(struct aspace) <= 1024, "book: objects");

/* Is it one of the space's page tables?  Not the root. */
static inline bool
as_has_table(const struct aspace *as, const struct vm_page *table)
{
	return table->tbl.root == as->md.root_pa >> PAGE_SHIFT;
}

/* The tables of one address, pinned by an operation on many words: fork, munmap, mremap,
 * truncate.  Zero: nothing is pinned. */
struct pt_hold {
	struct aspace *as;             /* [own] for whose tables a token is held; NULL: none */
	bool late;                     /* [own] leaf tables made are charged late */
	bool lost;                     /* [own] one on the way could not be read */
	bool forget;                   /* [own] such a one is given up */
	uint8_t npin;                  /* [own] */
	struct vm_page *pin[MD_PT_LEVELS - 1]; /* [own] */
	va_t pinned;                   /* [own] the pins are for this address */
};

/* space.c */
void as_lose(struct aspace *, enum as_lost);
static inline bool
as_has_lost(struct aspace *as, unsigned what)
{
	return (atomic_load(&as->lost) & what) != 0;
}
/* Some VADs or words were lost: the process must not go on. */
static inline bool
as_is_lost(struct aspace *as)
{
	return as_has_lost(as, LOST_VADS | LOST_MOVED);
}

extern struct aspace kernel_as;                                /* kpaged only */
void as_set_ending(void (*ending)(struct aspace *));     /* once, by as_init() */
struct aspace *as_alloc(void);                           /* a header; NULL */
void as_free(struct aspace *);
void as_publish(struct aspace *);                        /* onto the list of all */
void as_unpublish(struct aspace *);
struct aspace *as_from(uint64_t id);         /* that one, or behind it; a reference; NULL */
extern struct mutex as_list_lock;                        /* none comes or goes; before any map_lock */
extern struct list as_list;                              /* [list lock] by as->all; oldest first */
struct aspace *as_find(bool (*is_it)(struct aspace *, void *), void *arg); /* spin lock; NULL */
uint64_t as_sum(size_t field);  /* of a uint64_t field, over all spaces */
typedef uint64_t as_score_fn(const struct aspace *);
#define AS_COLLECT 16 /* at a time */
unsigned as_collect(as_score_fn *score, struct aspace *out[AS_COLLECT]);

#endif
