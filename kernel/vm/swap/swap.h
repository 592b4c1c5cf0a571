/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap.h: slots of swap areas, and what is written to and read from them
 */
#ifndef VM_SWAP_SWAP_H
#define VM_SWAP_SWAP_H

#include "vm/frame/frame.h"
#include "vm/objects.h"
#include "dev/dev.h"

#define SWAP_AREAS 16
#define SWAP_BLOCK 4096u          /* slots that share one hint */
#define SWAP_BIOS 32              /* of each area, made with it */
#define SECTORS_PER_PAGE (PAGE_SIZE / SECTOR_SIZE)

/* What happens to an unused frame when its page has been written. */
enum swap_then { SWAP_KEEP, SWAP_FREE };

/* Slots [slot, slot + n) lie side by side from a sector of the device on. */
struct swap_extent {
	uint32_t slot, n;         /* [c] */
	uint64_t sector;          /* [c] */
};

struct swap_bio {
	struct bio io;            /* [own] */
	struct swap_area *area;   /* [own] */
	struct list_node node;    /* [S] among the idle ones */
	slot_t slot;              /* [own] of page[0] */
	unsigned n;               /* [own] pages */
	unsigned at, len;         /* [own] the request is for [at, at + len) of them */
	unsigned again;           /* [own] page[at] was read again so many times */
	enum swap_then then;      /* [own] of a write */
	struct vm_page *page[SWAP_RUN]; /* [own] */
};

struct swap_area {
	struct bdev *dev;         /* [c] */
	struct swap_extent *ext;  /* [c] in the order of slots */
	unsigned next;            /* [c] extents */
	unsigned max_ext;         /* [c] room for so many */
	unsigned no;              /* [c] its number in slots and words */
	uint32_t nslots;          /* [c] all, slot 0 (the header) too */
	int prio;                 /* [c] higher ones are filled first */
	uint64_t *map;            /* [S] a bit for each slot: used, bad, header */
	uint8_t *runhint;         /* [S] of each block: no longer free run than this */
	uint32_t nfree, nbad;     /* [S] nbad: retired and listed bad, not the header */
	uint32_t hint;            /* [S] block to look at next */
	uint32_t whole;           /* [S] slot from which on whole runs are looked for */
	uint32_t busy;            /* [S] bios under way */
	bool closing;             /* [S] swapoff empties it: nothing is allocated */
	struct list idle;         /* [S] swap_bio */
	void *client;             /* [c] the open file, for who has called swap_on() */
	char *path;               /* [c] for /proc/swaps */
};

/* Words whose pages are to be read from swap: the first, and some behind it. */
struct swap_words {
	struct vm_page *container; /* [own] that holds them; NULL: a WIRED header */
	uint64_t *word;           /* [own] */
	long step;                /* [own] words from one to the next: entries of fmo 2;
	                           * < 0: the others stand before it */
	unsigned max;             /* [own] so many from word on belong together */
	enum page_home home;      /* [own] */
	uint64_t index;           /* [own] page->index of the first page; HOME_PTE: its vpn */
	bool pin;                 /* [own] the caller gets a pin on what is read */
};

/* page->index of word i's page.  Words of HOME_ANON, SXANON, SHADOW have no neighbour. */
static inline uint64_t
swap_index(const struct swap_words *w, unsigned i)
{
	long words = owner_homes[w->home].step;

	return w->index + (uint64_t)(i == 0 ? 0 : (long)i * w->step / words);
}

/* swap.c: slots, clusters, reading back.  [S] is taken inside. */
slot_t swap_alloc(unsigned n, unsigned *got);
void swap_free(slot_t);
void swap_drop(struct vm_page *);
enum swap_in_result { SWAPIN_STARTED, SWAPIN_CHANGED, SWAPIN_NOBIO };
enum swap_in_result swap_in(const struct swap_words *w, struct vm_page **frame,
    struct vm_page **wait);

/* cluster.c */
uint64_t swap_ended(void);                               /* requests, so far */
int swap_wait(uint64_t ended) MUST_CHECK;                /* for one more: 0, -EINTR */

/* swaparea.c */
void swap_init(void);
struct swap_stat { uint64_t slots, used, bad; unsigned window; };
void swap_stat(struct swap_stat *);
void swap_area_close(struct swap_area *);                /* swapoff: stop filling it */
void swap_area_reopen(struct swap_area *);               /* swapoff gave up */
void swap_area_retire(struct swap_area *);               /* empty: leaves, and is freed */
/* Held: no area comes or goes.  Nested in any sleeping lock: its holder takes none. */
extern struct mutex swap_areas_lock;

/* ahead.c */
#define AHEAD_FILE 32             /* pages: the longest read of a file */
struct swap_walk;
/* swap_walk.fn: begin to read; 1: not now */
int swap_ahead(struct swap_walk *, const struct swap_words *);
void swap_look_ahead(struct swap_words *);               /* w->max, w->step: what to read */
enum neighbours { HAS_BEFORE = 1, HAS_BEHIND = 2 }; /* of a page: in memory */
int swap_look_ahead_file(struct sequences *, uint64_t idx, unsigned has); /* [O] */

/* pageout.c: the threads that write and keep frames free */
void pageout_init(void);
void pageout_start(void);
void pageout_wake(void);                                 /* any lock up to LR_MEM */
void pageout_push(void);                                 /* write to swap what waits now */
enum pageout_result {
	PAGEOUT_ENDED,            /* its frame is free, or somebody uses it */
	PAGEOUT_LATER,            /* it is being written, or has no slot */
	PAGEOUT_NOBIO             /* swap_wait(), without locks, then again */
};
enum pageout_result pageout_page(struct vm_page *, enum swap_then); /* [P]: out with it */
enum pageout_result pageout_word(const uint64_t *word);
/* write: one round over all dirty pages that are as old. */
void pageout_set_files(void (*write)(uint64_t older_than_ns));
/* A writer of files waits while too much is dirty; no lock of rank >= 2. */
void pageout_throttle(void);

/* ======== within the room ======== */

struct ahead_count {
	unsigned hits, misses;               /* [P] of pages read ahead, since the last look */
};

struct swap_state {
	struct spinlock lock;                /* [S] */
	struct swap_area *area[SWAP_AREAS];  /* [S] by number */
	_Atomic uint64_t slots;              /* [S] to change: that may hold pages */
	_Atomic uint64_t used;               /* [S] to change: that do */
	_Atomic uint64_t room;               /* [S] to change: may be allocated now */
	_Atomic uint64_t bad;                /* [S] to change: retired and listed bad */
	unsigned turn;                       /* [S] area that is asked first */
	_Atomic uint64_t idle;               /* [S] to change: bios of all areas */
	_Atomic uint64_t ended;              /* [A] requests, so far */
	struct waitq bios;                   /* sleepers: ended is another */
	unsigned window;                     /* [P] to change: pages of a read, SWAP_RUN at most */
	struct ahead_count count;
	struct {
		unsigned window;             /* [P] to change: the same of files */
		struct ahead_count count;
	} file;
};
extern struct swap_state swaps;

/* The area of that number; NULL.  The caller keeps it from being removed. */
static inline struct swap_area *
swap_area(unsigned no)
{
	return no < SWAP_AREAS ? swaps.area[no] : NULL;
}

/* A slot could be allocated now. */
static inline bool
swap_has_room(void)
{
	return swaps.room > 0;
}

/* Free slots.  A hint: areas come and go. */
static inline uint64_t
swap_slots_free(void)
{
	uint64_t slots = swaps.slots, used = swaps.used;

	return slots > used ? slots - used : 0;
}

/* Modified pages that will be standby once the writer has come to them. */
static inline uint64_t
pageout_coming(void)
{
	uint64_t n = pq_length(Q_MODFILE) + pages_writing;

	return swap_has_room() ? n + pq_length(Q_MODANON) : n;
}

/* swap.c: slots, clusters, reading back.  [S] is taken inside. */
unsigned swap_out(struct vm_page **, unsigned n, enum swap_then);
void swap_learn(unsigned *window, unsigned most, struct ahead_count *); /* [P] */
void swap_done(struct bio *);                            /* bio->done */

/* cluster.c */
unsigned swap_cluster(struct vm_page *, struct vm_page **out); /* [P]: SWAP_RUN at most */
struct swap_area *swap_area_to_fill(unsigned *n);
slot_t swap_alloc_beside(struct vm_page *const *, unsigned *n); /* [P]; 0: there is none */
uint32_t swap_side_by_side(const struct swap_area *, uint32_t i);
bool swap_bios_make(struct swap_area *);                 /* false: no memory */
void swap_bios_free(struct swap_area *);
/* Life of a bio: taken for the slots from this one on (NULL: none is idle), joined by
 * a page for each slot [P], sent, ended by swap_done(): sent again, or given back. */
struct swap_bio *swap_bio_take(slot_t, enum bio_dir);
bool swap_bio_is_idle(void);                             /* else to look for slots is no use */
void swap_bio_join(struct swap_bio *, struct vm_page *);
void swap_bio_send(struct swap_bio *);                   /* pages [at, at + len) of it */
void swap_bio_send_now(struct swap_bio *);               /* … by who will wait for them */
void swap_bio_give(struct swap_bio *);
bool swap_read_again(struct swap_bio *);

/* ahead.c */
void swap_ahead_ended(struct vm_page *, enum ahead_end); /* [P] */

/* [S].  The area of a slot. */
static inline struct swap_area *
swap_area_of(slot_t slot)
{
	struct swap_area *a = swaps.area[slot >> SWAP_INDEX_BITS];

	ASSERT(a != NULL && (slot & SWAP_INDEX_MAX) < a->nslots);
	return a;
}

#endif
