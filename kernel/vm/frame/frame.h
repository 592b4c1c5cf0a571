/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.h: pages: their homes, queues, owners, I/O; their words: word.h
 */
#ifndef VM_FRAME_FRAME_H
#define VM_FRAME_FRAME_H

#include "dev/dev.h"
#include "vm/frame/commit.h"
#include "vm/frame/token.h"
#include "vm/frame/word.h"
#include "vm/space/space.h"

/* ---- functions of other rooms that frames call ---- */

#define SWAP_RUN BIO_PAGES        /* slots of one cluster, at most */

/* Words of a leaf table that word_take() has cleared. */
struct words_cleared {
	unsigned by_bits[8];       /* [own] VALID words, by bits 11:9: SRC, and LOCK */
};

static inline unsigned
words_cleared_of(const struct words_cleared *gone, enum pte_src src)
{
	return gone->by_bits[src] + gone->by_bits[src | PTE_LOCK >> PTE_SRC_SHIFT];
}

static inline unsigned
words_cleared_locked(const struct words_cleared *gone)
{
	const unsigned *n = &gone->by_bits[PTE_LOCK >> PTE_SRC_SHIFT];

	return n[SRC_OBJ] + n[SRC_PRIV] + n[SRC_FORK] + n[SRC_SPEC];
}

/* What becomes of a page that was read ahead. */
enum ahead_end { AHEAD_WANTED, AHEAD_GIVEN_UP };

/* Functions of the room that writes pages to swap: swap_init(). */
struct swap_ops {
	void (*wake)(void);        /* frames are low: write; any lock up to LR_MEM */
	const _Atomic uint64_t *slots; /* how many hold pages, or could */
	void (*drop)(struct vm_page *); /* [P]: its slot is out of date */
	void (*ahead_ended)(struct vm_page *, enum ahead_end); /* [P] */
};

/* ---- calls ---- */

/* Frames that can be allocated at once: free ones, and those of standby. */
static inline uint64_t
frames_available(void)
{
	return page_count(PG_FREE) + page_count(PG_ZEROED) +
	    page_count(PG_STANDBY);
}

/* These are below the low mark: a thread that goes on needs a token. */
static inline bool
frames_are_low(void)
{
	return frames_available() < phys_marks.low;
}

/* page.c: words, pins, mapcounts.  *_locked: [P] held. */
unsigned pte_age_word(uint64_t *);                        /* of one VALID word: its new age */
void page_init(void);
static inline uint64_t
word_get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}
/* container NULL: a word in a WIRED header.  The old word. */
uint64_t word_set(struct vm_page *container, uint64_t *word, uint64_t new);
uint64_t word_set_locked(struct vm_page *container, uint64_t *word, uint64_t new);
/* Clear one of many VALID words of a leaf table, for the old word with its final A and
 * D bits.  [W].  Until word_settle() has updated the counts for all of them the table
 * counts more words than it has, so it is neither idle nor empty. */
static inline uint64_t
word_take(uint64_t *word, struct words_cleared *gone)
{
	uint64_t old = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);

	ASSERT((old & MD_PTE_P) != 0);
	EVENT(page_word, va2pa(word), old, 0);
	gone->by_bits[old >> PTE_SRC_SHIFT & 7]++;
	return old;
}

/* Update the counts of a container after several word_store(): so many more words are
 * not ABSENT, so many more name a frame; in the same hold. */
void word_sums(struct vm_page *container, int used, int resident);
void word_sums_locked(struct vm_page *container, int used, int resident);
void word_settle(struct vm_page *table, const struct words_cleared *);
/* The same for words that word_enter() has made VALID.  [W], [P] */
void word_entered(struct vm_page *table, unsigned n, unsigned special,
    unsigned locked);
unsigned word_move_run(struct vm_page *table, uint64_t *from, struct vm_page *to_table,
    uint64_t *to, unsigned n);
uint64_t word_change(uint64_t *word, uint64_t clear, uint64_t set);

/* Inline functions, or calls of those that page.c compiles from the same text. */
#if IN_LINE && !defined(WORD_TO_CALL)
#define WORD_FN static inline
#else
#define WORD_FN
#endif

/* Store one of several words of a container that no CPU reads as PTEs; the caller traces
 * the old word (fork.word, fmo.deref).  Until word_sums() the counts of the container are
 * the old ones.  Its lock; [P] where a kind of rule 3 (page.c) changes. */
WORD_FN void word_store(uint64_t *word, uint64_t new);
/* Make one of many ABSENT words of a leaf table VALID.  Until word_entered() the table
 * counts fewer than it has.  [W], [P], kept until then. */
WORD_FN void word_enter(uint64_t *word, uint64_t new);

#if IN_LINE || defined(WORD_TO_CALL)
WORD_FN void
word_store(uint64_t *word, uint64_t new)
{
	ASSERT((new & MD_PTE_P) == 0);
	atomic_store_release(word, new);
}

WORD_FN void
word_enter(uint64_t *word, uint64_t new)
{
	uint64_t old = atomic_xchg(word, new);

	ASSERT(old == 0 && (new & MD_PTE_P) != 0);
	EVENT(page_word, va2pa(word), old, new);
}
#endif
/* A frame for user contents, not waiting; of the thread's class.  NULL:
 * phys_wait(PHYS_USER) without locks, then again.  The caller owns it, in LIMBO, until
 * page_adopt_locked() or page_free(). */
static inline struct vm_page *
page_alloc(enum phys_want want)
{
	return phys_alloc(vm_class(), want);
}

/* A frame for a page that is read ahead: never from the reserve, and only while there is
 * enough for pages that are wanted now.  NULL: there is none to spare. */
static inline struct vm_page *
page_alloc_ahead(void)
{
	return frames_are_low() ? NULL : phys_alloc(PHYS_USER, PHYS_ANY);
}

/* Add a frame to a chain through qnext that begins at *chain; 0: an empty chain. */
static inline void
page_chain(pfn_t *chain, struct vm_page *pg)
{
	pg->qnext = *chain;
	*chain = page_pfn(pg);
}
void page_free_linked(pfn_t first);                      /* such as page_free() takes */
/* The same; 0: there is none.  Not [P]. */
static inline void
page_free_chain(pfn_t chain)
{
	if (chain != 0)
		page_free_linked(chain);
}
void page_free(struct vm_page *);                        /* LIMBO, no home; wakes waiters */
/* The end of a hold of [P]; the page is freed, if its last mapping or pin has gone. */
static inline void
page_unlock_free(struct vm_page *pg, bool last)
{
	spin_unlock(&pfn_lock);
	if (last)
		page_free(pg);
}
void page_map_locked(struct vm_page *);                  /* mapcount++, off its queue, ACTIVE */
bool page_unmap_locked(struct vm_page *, enum page_dirt); /* mapcount--; true: caller frees */
void page_unmap(struct vm_page *, enum page_dirt);
void page_pin(struct vm_page *);
void page_pin_locked(struct vm_page *);
bool page_unpin_locked(struct vm_page *);                /* true: caller frees */
bool page_unpin_dirty_locked(struct vm_page *);          /* after writing to it */
void page_unpin(struct vm_page *);
void page_unpin_dirty(struct vm_page *);
void page_unpin_run(struct vm_page *const *, unsigned n, enum page_dirt);
/* Dirty, if written: perhaps the holder wrote to it. */
static inline void
page_unpin_written(struct vm_page *pg, bool written)
{
	if (written)
		page_unpin_dirty(pg);
	else
		page_unpin(pg);
}

bool page_let_go_locked(struct vm_page *);               /* an end of a hold; true: caller frees */
void page_rest(struct vm_page *);               /* ACTIVE, unused: to its queue */
bool page_zap_locked(struct vm_page *);                  /* unmap and disown in one */
bool page_disown_locked(struct vm_page *);               /* true: caller frees */
void page_adopt_locked(struct vm_page *, enum page_home, uint64_t payload, uint64_t index);
/* parent NULL: the root.  [W]. */
void page_install(struct vm_page *parent, uint64_t *word, struct vm_page *,
    enum page_home, uint64_t new);
void page_install_copy(struct vm_page *parent, uint64_t *word, enum page_home,
    struct vm_page *to, const struct vm_page *from);
struct vm_page *page_zero_frame(void);                   /* the global zero page */
/* Physical address of a word of the direct map: the payload of a home. */
static inline pa_t
word_pa(const uint64_t *word)
{
	pa_t pa = va2pa(word);

	ASSERT((pa & 7) == 0);
	return pa;
}

/* pageio.c: pages under I/O.  *_locked: [P] held. */
void page_dirty_locked(struct vm_page *);                /* set PF_DIRTY, counted */
void page_set_slot(struct vm_page *, slot_t);              /* [P] */
extern _Atomic uint64_t pages_slotted;                   /* [P] to change: in memory and on swap */
void page_clean_locked(struct vm_page *);
extern _Atomic uint64_t pages_dirty, pages_writing;      /* [P] to change: of files; PF_WRITING */
void page_reading_locked(struct vm_page *, enum page_home, uint64_t payload, uint64_t index);
void page_filled_locked(struct vm_page *);               /* READING → STANDBY, queued; pinned: ACTIVE */
bool page_unfilled_locked(struct vm_page *) MUST_CHECK;  /* READING → LIMBO; true: caller frees */
void page_writing_locked(struct vm_page *);
enum page_write { PAGE_UNWRITTEN, PAGE_WRITTEN };         /* how it has ended */
bool page_written_locked(struct vm_page *, enum page_write); /* true: caller frees */
int page_wait_idle(struct vm_page *, enum wait_how);     /* neither read nor written */
/* 0, -EINTR (fatal signal). */
static inline int
page_wait(struct vm_page *pg)
{
	return page_wait_idle(pg, vm_wait_how());
}

/* For an operation that must finish, even if its thread is dying. */
static inline void
page_wait_plain(struct vm_page *pg)
{
	(void)page_wait_idle(pg, WAIT_PLAIN);
}

/* pageq.c: [P] held */
void pq_init(void);
void pq_insert(struct vm_page *);                        /* by state and home */
void pq_remove(struct vm_page *);
void pq_activate(struct vm_page *);                      /* off its queue, ACTIVE */

enum { Q_STANDBY, Q_MODANON, Q_MODFILE, Q_COUNT };       /* MODANON: they go to swap */
extern struct page_queue pq_queue[Q_COUNT]; /* [P] */

/* Pages of a queue.  Locks: none, so a hint. */
static inline uint64_t
pq_length(unsigned which)
{
	return atomic_load_relaxed(&pq_queue[which].n);
}

bool phys_reclaim(void);                                   /* no lock needed */
bool pq_release(struct vm_page *);                       /* STANDBY: its frame, now */

/* pageio.c: who owns pages; whether by a word */
enum owner_kind { OWNER_NONE, OWNER_DATA, OWNER_TABLE };
struct owner_home {
	uint8_t kind;              /* [c] enum owner_kind */
	uint8_t step;              /* [c] words from one to the next; 0: it stands alone */
	enum ev_id in, out;        /* [c] counters: read from swap, written there */
	unsigned in_header;        /* [c] words in no table lie so: pages 0, 1, … of this many */
	/* [P] held: forget the STANDBY page, home NONE, slot 0 (the owning word
	 * has it).  False: busy just now.  NULL: never; set where there is a word. */
	bool (*reclaim)(struct vm_page *); /* [c] */
};
extern struct owner_home owner_homes[];                  /* [c] by enum page_home */
void owner_add_home(enum page_home, struct owner_home);  /* once for each kind, at boot */
extern _Atomic bool owner_lost_words; /* [A] a page of words could not be read */
extern _Atomic bool owner_frozen; /* [P] to set: vm_check looks, and all stay where they are */
extern const struct swap_ops *swap_ops;                  /* once, by swap_init() */
/* A page of data: pg->swp is valid. */
static inline bool
owner_is_word(const struct vm_page *pg)
{
	return owner_homes[page_home_kind(pg)].kind == OWNER_DATA;
}
/* Pages of programs that are in memory: of objects, and all others. */
void owner_count_pages(uint64_t *anon, uint64_t *objects);
/* The page was read ahead, and not used yet. */
static inline bool
page_is_ahead(const struct vm_page *pg)
{
	return owner_is_word(pg) ? pg->swp.ahead :
	    page_home_kind(pg) == HOME_VNODE && (pg->flags & PF_AHEAD) != 0;
}
/* A page, of data or of page-table entries, that can go to swap: its owning word then
 * says in which slot it is. */
static inline bool
owner_has_word(const struct vm_page *pg)
{
	return owner_homes[page_home_kind(pg)].kind != OWNER_NONE;
}
/* That word. */
static inline uint64_t *
owner_word(const struct vm_page *pg)
{
	ASSERT(owner_has_word(pg));
	return pa2va(page_home_payload(pg));
}
/* The page that holds it; NULL: it lies in the header of an object.  [P], or whatever
 * keeps pg resident. */
static inline struct vm_page *
owner_container(const struct vm_page *pg)
{
	struct vm_page *c = page_of_pa(page_home_payload(pg));

	return (c->flags & PF_CONTAINER) != 0 ? c : NULL;
}
void owner_init(void);                                   /* once, by vm_init() */
/* [P]: a page of home whose word lies in container goes (1) or comes back (-1). */
void owner_count_out(enum page_home, struct vm_page *container, int change);
void owner_set_word(struct vm_page *, uint64_t new);     /* [P]: BUSY → TRANS, ERROR */

/* ======== within the room ======== */

/* pageio.c */
void pageio_init(void);                                  /* once, by page_init() */

/* pageq.c: waiting */
void frames_wake_bsm(void);                              /* any lock of rank < LR_WAIT */

#endif
