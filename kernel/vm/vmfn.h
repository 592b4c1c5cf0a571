/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmfn.h: what the files of kernel/vm/ call of one another
 *
 * One block per file in reading order: maps floor, objects floor, pages floor.
 * The contracts stand at the definitions.
 */
#ifndef VM_VMFN_H
#define VM_VMFN_H

#include "vm/kpaged/kpagedfn.h"
#include "vm/vmdat.h"

/* ======== maps floor ======== */
/* fault.c */
void fault_init(void);
uint64_t fault_around(void);                          /* pages a read fault may map */
int vm_fault(struct aspace *, va_t, enum access, struct fctx *) MUST_CHECK;
enum fault_outcome fault_permit(struct fctx *);       /* FAULT_DONE = allowed */
/* Where a fault waits or ends: tests and checks. */
enum fault_moment { FAULT_WAITS, FAULT_ENDS };
typedef void fault_hook_fn(struct aspace *, enum fault_moment);
void fault_set_hook(fault_hook_fn *);                 /* once, by force_init() */
void fault_hook(struct aspace *, enum fault_moment);  /* no lock */

/* answer.c */
void answer_init(void);
enum fault_frame { FRAME_ANY, FRAME_ZEROED };
struct vm_page *fault_take_spare(struct fctx *, enum fault_frame); /* NULL: f->need is set */
enum fault_outcome fault_need_kpaged(struct fctx *, va_t kva); /* R2: pin it, restart */
enum fault_outcome fault_signal(struct fctx *, int signo, int code);
enum fault_outcome fault_over_limit(struct fctx *);   /* a late charge failed: SIGBUS */
void fault_keep_spare(struct fctx *, struct vm_page *, enum fault_frame);
/* F5, F6, F11, as pages of all kinds come to them.  [W], the container's lock. */
enum fault_outcome fault_swap_in(struct fctx *, const struct swap_words *);
enum fault_outcome fault_busy(struct fctx *, uint64_t word, struct vm_page *);
enum fault_outcome fault_lost(struct fctx *, uint64_t word);

/* faultwait.c: no lock held */
int fault_wait(struct fctx *, enum fault_outcome) MUST_CHECK; /* 0, -EINTR, -EIO … */
int fault_get_token(struct fctx *) MUST_CHECK;        /* while memory is low; 0, -EINTR */
void fault_give_back(struct fctx *);                  /* pins and spare frames */

/* vad.c: the tree; M exclusive for changes, M shared for finds */
struct vad *vad_find(struct aspace *, uint64_t vpn);          /* that contains vpn */
struct vad *vad_find_above(struct aspace *, uint64_t vpn);    /* first with end > vpn */
int vad_insert(struct aspace *, struct vad *) MUST_CHECK;     /* 0, -EEXIST */
int vad_find_gap(struct aspace *, uint64_t pages, uint64_t lo, uint64_t hi,
    uint64_t *vpn) MUST_CHECK;                                /* top-down first fit */
int vad_split(struct aspace *, struct vad *, uint64_t vpn, struct vad **hi) MUST_CHECK;
/* Cut [lo, hi) out of the tree: the VADs wholly inside, on a list by rb.left;
 * ends are split first.  0, -ENOMEM (nothing changed). */
int vad_remove_range(struct aspace *, uint64_t lo, uint64_t hi, struct vad **out) MUST_CHECK;
int vad_protect_range(struct aspace *, uint64_t lo, uint64_t hi, uint8_t prot) MUST_CHECK;
struct vad *vad_merge(struct aspace *, struct vad *);         /* with neighbours */
void vad_set_range(struct aspace *, struct vad *, uint64_t start, uint64_t end); /* grow, clip */
void vad_remove(struct aspace *, struct vad *);               /* out of the tree */
#define VAD_FOREACH(v, as)                                                \
	for (v = vad_first(as); v != NULL; v = vad_next(v))
struct vad *vad_first(struct aspace *);
struct vad *vad_next(struct vad *);

/* Is memory of these flags and rights data: private, writable, no stack? */
static inline bool
vad_is_data(uint32_t flags, unsigned prot)
{
	return (flags & (VAD_SHARED | VAD_STACK | VAD_GROWSDOWN)) == 0 &&
	    (prot & PROT_W) != 0;
}

/* Will memory of these flags and rights be charged as a whole? */
static inline bool
vad_is_charged(uint32_t flags, unsigned prot)
{
	return (flags & (VAD_SHARED | VAD_NORESERVE)) == 0 &&
	    (prot & PROT_W) != 0;
}

/* vadmem.c */
/* Zeroed, with a reference to vmo and an unlisted maplink if vmo; NULL. */
struct vad *vad_alloc(struct aspace *, struct vmo *);
struct vad *vad_alloc_piece(struct aspace *, struct vmo *);   /* or a spare one */
void vad_free(struct vad *);                                  /* drops the reference */
void vad_free_list(struct vad *);                             /* through rb.left */
void vad_list_link(struct aspace *, struct vad *);            /* its maplink onto vmo->maps */
void vad_update_link(struct vad *);                           /* the VAD has changed */
void vad_unlist_link(struct vad *);
bool vad_is_given_up(struct aspace *);                        /* VADs were lost */
/* The part [lo, hi) of *v gets other flags; *v: the VAD that holds it.  0, -ENOMEM. */
int vad_set_flags(struct aspace *, struct vad **v, uint64_t lo, uint64_t hi,
    uint32_t flags) MUST_CHECK;
void vad_refill_spare(struct aspace *);                       /* may fail quietly */
int vad_check(struct aspace *, struct vm_report *);

/* vadpool.c: their memory, paged; no lock of rank >= 3 but for vadpool_is_here (vm_check) */
void vadpool_init(struct vad_pool *);
struct vad *vadpool_take(struct aspace *);                    /* NULL; may sleep */
bool vadpool_give(struct vad *);                              /* false: it was lost */
unsigned vadpool_end(struct aspace *);                        /* VADs that were left */
bool vadpool_lost(va_t);                                      /* could not be read */
bool vadpool_is_here(struct aspace *);

/* vadcommit.c */
/* Pay for vad under prot (RO → RW); vad->prot is the old one.  0, -ENOMEM. */
int map_charge(struct aspace *, struct vad *, uint8_t prot) MUST_CHECK;
bool map_data_fits(struct aspace *, uint64_t pages);          /* RLIMIT_DATA */
void vad_mark_inherited(struct aspace *);                     /* inherit.c */
uint64_t vad_tables(uint64_t start, uint64_t end);            /* leaf tables of a range */
uint64_t vad_pays(const struct vad *, uint64_t *block);        /* of all, in order */
uint64_t vad_price(struct aspace *, uint64_t lo, uint64_t hi); /* of what is to pay */
uint64_t vad_paid(struct aspace *, uint64_t lo, uint64_t hi);  /* of what goes */

/* map.c, grow.c: what others in vm/ need of them */
int map_grown_from(struct aspace *, uint64_t *lo, uint64_t hi) MUST_CHECK;
/* vpn range of user bytes; false: unaligned, empty or past the user half. */
bool map_range(va_t va, uint64_t len, uint64_t *lo, uint64_t *hi);
/* Common half of munmap, MAP_FIXED, mremap; M exclusive.  The VADs that went
 * are put before *gone: vad_free_list() after map_lock; what they had charged
 * is added to *freed, still to be uncharged. */
int map_detach(struct aspace *, uint64_t lo, uint64_t hi, struct vad **gone,
    uint64_t *freed) MUST_CHECK;
/* Insert, list its link, count; charged before.  Merges; the VAD that holds it. */
struct vad *map_attach(struct aspace *, struct vad *);
void map_populate(struct aspace *, va_t, va_t end, enum access); /* no lock; errors ignored */
/* Where pages (of bytes bytes) may go: hint, or top-down.  [M].  0, -ENOMEM. */
int map_place(struct aspace *, uint64_t hint, uint64_t pages, uint64_t *vpn) MUST_CHECK;
bool map_is_free(struct aspace *, uint64_t lo, uint64_t hi);  /* guard gaps kept too */
void map_end(struct aspace *, struct vad *gone, uint64_t freed); /* drops [M], then gives back */

/* grow.c */
int map_grow_stack(struct aspace *, struct vad *, uint64_t vpn) MUST_CHECK;

/* mlock.c */
/* May pages more be locked?  [M] exclusive.  0; -ENOMEM (limit, or half of the RAM). */
int lock_reserve(struct aspace *, uint64_t pages, uint64_t limit) MUST_CHECK;
void lock_unreserve(uint64_t pages);                     /* they are counted now */
/* Fault in what is locked in [va, end) but ONFAULT; no lock; errors end it. */
void lock_populate(struct aspace *, va_t, va_t end);

/* space.c */
extern struct aspace kernel_as;                                /* kpaged only */
void as_set_ending(void (*ending)(struct aspace *));     /* once, by as_init() */
struct aspace *as_alloc(void);                           /* a header, zeroed; NULL */
void as_free(struct aspace *);
void as_publish(struct aspace *);                        /* onto the list of all */
void as_unpublish(struct aspace *);
struct aspace *as_next(struct aspace *prev); /* with a reference, prev's is dropped; NULL */
void as_list_lock(void);                                 /* none comes or goes */
void as_list_unlock(void);
void as_walk_locked(void (*fn)(struct aspace *, void *), void *arg);
struct aspace *as_find(bool (*is_it)(struct aspace *, void *), void *arg); /* spin lock; NULL */
uint64_t as_sum(size_t field);  /* of a uint64_t field, over all spaces */
/* The spaces with the highest scores above 0, a reference each; how many. */
typedef uint64_t as_score_fn(const struct aspace *);
unsigned as_collect(as_score_fn *score, struct aspace **out, unsigned max);

/* as.c, asend.c */
void as_init(void);                                      /* once, by vm_init() */
void as_detach_all(struct aspace *, struct vad **gone);  /* asend.c: the words */
void as_free_vads(struct aspace *, struct vad *gone);    /* asend.c: the rest */

/* freeze.c */
void as_lock_all(void);      /* vm_check: map_lock and ws_lock of every space */
void as_unlock_all(void);

/* designs.c */
extern const struct vmm_ops fmo_ops, eager_ops;
void design_init(void);                                  /* once, by vm_init() */
bool design_owns_cache(const char *name);   /* a slab of records that are shared */
#define DESIGNS 6            /* numbers; not all of them are taken */
const struct vmm_ops *design_default(void);
void design_reap(void);      /* ops->reap of each; no rank >= 3 held */

/* ptab.c: user tables; [W] held throughout */
enum fault_outcome pt_pin(struct fctx *);      /* sets f->leaf, f->word */
/* All pins of f.  [W] NOT held: taken only to free a table that is empty now. */
void pt_unpin(struct fctx *);
/* The word of va if its leaf table is in use, else NULL. */
uint64_t *pt_find(struct aspace *, va_t, struct vm_page **leaf);
/* The same, making tables out of h->spare (pt_reserve); h->late: a leaf table made
 * here is charged to as->late, without the limit test (the caller has made it).
 * NULL: with h->away pt_bring(), else pt_reserve(), and again. */
uint64_t *pt_make(struct aspace *, va_t, struct vm_page **leaf, struct pt_hold *h);
/* First leaf table in use with an address in [*va, end); *va is moved to it.  Those
 * that are out, and so map nothing, are passed over. */
struct vm_page *pt_next_leaf(struct aspace *, va_t *va, va_t end);
/* The same, but NULL with h->away where the next one is out. */
struct vm_page *pt_next_leaf_in(struct aspace *, va_t *va, va_t end, struct pt_hold *h);
/* Leaf table of va has become empty and is not pinned: unlink it, and parents
 * that become empty, into the batch. */
void pt_prune(struct aspace *, va_t, struct tlb_batch *);
void pt_free_chain(struct aspace *, pfn_t chain);        /* tlb.c, after the ack */
/* No lock held: n zeroed frames on h->spare, waiting; 0, -EINTR. */
int pt_reserve(struct pt_hold *h, unsigned n) MUST_CHECK;
void pt_unreserve(struct pt_hold *h);
/* First leaf table with an address in [*va, end), in use or not; *va is moved to it.
 * False: there is none. */
struct pt_place {
	struct vm_page *leaf;      /* NULL: not in use */
	uint64_t word;             /* then: the word of its parent, or higher up */
	va_t end;                  /* of its addresses */
};
bool pt_next_place(struct aspace *, va_t *va, va_t end, struct pt_place *);

/* ptpage.c: tables go to swap and come back */
struct pt_path;
void ptpage_init(void);                                  /* once, by vm_init() */
va_t pt_va(const struct vm_page *table);                 /* [W]: its first address */
size_t pt_evict(struct aspace *, size_t want);           /* [W]: so many tables leave */
void pt_out_chain(pfn_t chain);                          /* tlb.c, after the ack */
enum fault_outcome pt_fault_in(struct fctx *, const struct pt_path *);  /* F10 */
/* pthold.c */
/* No lock of rank >= 3: the tables of h->va are brought and pinned.  0, -EINTR. */
int pt_bring(struct aspace *, struct pt_hold *h) MUST_CHECK;
void pt_bring_plain(struct aspace *, struct pt_hold *h); /* dying or not, to the end */
void pt_hold_va(struct aspace *, va_t va, struct pt_hold *h); /* [W]: pin those in use */
bool pt_holds(const struct pt_hold *, const struct vm_page *table);
bool pt_let_go(struct pt_hold *h);      /* true: with [W] pt_prune(h->va) */
void pt_release(struct aspace *, struct pt_hold *h);     /* not [W]: both */
void pt_forget_all_lost(struct aspace *);                /* no lock; nothing is mapped */
uint64_t *pt_away_word(struct aspace *, va_t);           /* [W]: of a table not in use */
/* Who holds tables of a space that he does not run on: it is not torn down meanwhile.
 * False: it is being torn down, and is not waited for with a token. */
bool pt_open_space(struct aspace *);
void pt_close_space(struct aspace *);
void pt_end_space(struct aspace *);                      /* nobody does any more; sleeps */
/* Words of a leaf table. */
static inline uint64_t *
pt_words(struct vm_page *table)
{
	return pa2va(page_pa(table));
}

/* ws.c: [W] held unless said */
void ws_insert(struct aspace *, struct vm_page *leaf);   /* a word became VALID, SRC != SPEC */
void ws_remove(struct aspace *, struct vm_page *leaf);   /* it ceased to be */
void ws_rescue(struct vm_page *);    /* [P]: queue → ACTIVE, counted; F2 F7 F8 F9 first of all */
void ws_age(struct aspace *);                            /* one pass over all words */
unsigned ws_age_word(uint64_t *);                        /* of one VALID word: its new age */
bool ws_pick_victim(struct aspace *, int min_age, uint64_t *look, struct ws_spot *);
/* The design's half of a trim: another word at s->word; the old one, or 0: it stays. */
typedef uint64_t ws_change_fn(struct aspace *, const struct ws_spot *);
size_t ws_trim(struct aspace *, size_t want, int min_age, ws_change_fn *);
bool ws_take(struct aspace *, struct ws_spot *, ws_change_fn *); /* one word, batch open */
size_t ws_adjust(struct aspace *, int round);            /* pages to give in a round of bsm */

/* pin.c: no lock of rank >= 2 held */
int vm_pin_user(struct aspace *, va_t, size_t, bool write, struct vm_page **, unsigned max); /* pages; -EFAULT, -EINTR if 0 */
void vm_unpin_user(struct vm_page **frames, unsigned n, bool dirty);

/* balance.c: thread bsm */
void bal_start(void);
void bal_show(struct out *);
void bal_help(struct aspace *);                          /* after a fault; no lock */

/* framewait.c */
void frames_init(void);                                  /* hooks of phys */
void frames_wake_bsm(void);                              /* any lock of rank < LR_WAIT */
void frames_wait_low(uint64_t deadline_ns);              /* bsm sleeps: they are, or the time has come */
void frames_came(void);                                  /* one more; any lock of rank < LR_WAIT */
uint64_t frames_available(void);                         /* free and standby */
bool frames_are_low(void);                               /* these are below the low mark */
int phys_wait(enum phys_class) MUST_CHECK;               /* 0, -EINTR (fatal signal) */
/* A frame of class USER in *out unless it has one; waits, no lock >= 3. */
int page_alloc_wait(enum phys_want, struct vm_page **out) MUST_CHECK;
struct vm_page *page_alloc_ahead(void);                  /* for read-ahead: never the last ones */

/* token.c (book: deadlock) */
void token_init(void);
SYSTEM_ONLY void token_set_unmovable(uint64_t pages);                  /* by bsm */
void vm_reserved_enter(void);                            /* this thread makes room; nests */
void vm_reserved_leave(void);
bool vm_is_reserved(void);
bool vm_may_stop(void);                                  /* killed, and not in vm_finish_begin() */
enum wait_how vm_wait_how(void);                         /* killable, or plain */
enum phys_class vm_class(void);                          /* of the current thread's frames */
int fault_token_take(void) MUST_CHECK;                   /* no lock, pin, frame; 0, -EINTR */
void fault_token_give(void);
bool fault_token_held(void);
void structural_begin(void);                             /* at most the own map_lock, no pin */
void structural_end(void);
void token_show(struct out *);

/* tlb.c: [W] held */
void tlb_batch_init(struct tlb_batch *, struct aspace *, enum batch_end);
/* The word at vpn was old, VALID; the caller has done word_set() and the counts
 * (ws_remove, n_priv …).  Flushes and does step 6 when full. */
void tlb_batch_add(struct tlb_batch *, uint64_t vpn, uint64_t oldword);
void tlb_batch_cover(struct tlb_batch *, uint64_t vpn);  /* to be flushed, too */
void tlb_batch_add_table(struct tlb_batch *, struct vm_page *table, uint64_t vpn);
/* The same for one that goes to a queue then (pt_out_chain). */
void tlb_batch_add_out(struct tlb_batch *, struct vm_page *table, uint64_t vpn);
/* Flush, wait for the acks, do step 6.  Empty: nothing. */
void tlb_batch_end(struct tlb_batch *);
/* Only rights were taken away: flush the vpn range, no step 6. */
void tlb_flush_range(struct aspace *, uint64_t lo, uint64_t hi);
/* One word: xchg 0 (nres, nused fall too), flush with ack.  Returns the old word;
 * mapcount and the counts of as are untouched. */
uint64_t tlb_clear_word(struct aspace *, va_t, struct vm_page *leaf, uint64_t *word);

/* ======== objects floor ======== */
void vmo_stored(struct vmo *);                           /* vmobytes.c: the times move */

/* vmo.c */
struct vmo *vmo_alloc(enum vmo_type, uint64_t bytes);    /* zeroed, refs 1, unlisted; NULL */
void vmo_free(struct vmo *);                             /* the header */
struct vmo *vmo_register(struct vmo *);                  /* on the list of all */
/* The next anonymous object, with a reference; prev's is dropped.  NULL: no more. */
struct vmo *vmo_next_anon(struct vmo *prev);
void vmo_walk(void (*fn)(struct vmo *, void *), void *arg);
void vmo_lock_all(void);                                 /* vm_check: the list stands still */
void vmo_unlock_all(void);
void vmo_walk_locked(void (*fn)(struct vmo *, void *), void *arg);
/* Commit pages for all that an object of so many pages can have, tables too. */
uint64_t anon_price(uint64_t pages);
/* MAP_SHARED|MAP_ANONYMOUS: takes over the charge of anon_price() that the caller has
 * made; the last vmo_put() gives it back.  NULL: the charge stays the caller's. */
struct vmo *vmo_create_shared_anon(uint64_t bytes);

/* After FAULT_NEEDMEM with NEED_PATH, no lock held: make the tables to the page of
 * f->va.  0, -ENOSPC (SIGBUS), -EINTR. */
int anon_fault_path(struct fctx *f) MUST_CHECK;

/*
 * The next object of a file after prev (NULL: the first) that is open for visits;
 * leaves prev.  While it is visited its owner waits in vmo_forget_client().
 */
struct vmo *vmo_visit_next(struct vmo *prev);

/* vmomaps.c */
struct zap_range {
	uint64_t lo, hi;           /* pgoff */
	uint32_t seq;              /* resize_seq of this zap */
	enum zap_how how;
};
void vmo_link(struct vmo *, struct vm_maplink *);        /* takes [X] */
void vmo_unlink(struct vmo *, struct vm_maplink *);      /* takes [X] */
struct vm_maplink *vmo_link_alloc(void);                 /* on no list; NULL */
void vmo_link_free(struct vm_maplink *);                 /* NULL is allowed */
void vmo_forget_space(struct aspace *);                   /* its VADs are lost */
void vmo_zap_links(struct vmo *, const struct zap_range *); /* no lock of rank >= 3; sleeps */
/* What a zap of this space lacks is brought and held; dying or not, to the end. */
void zap_bring(struct aspace *, struct zap_job *);
void zap_end(struct aspace *, struct zap_job *);         /* let go of it */

/* vmobytes.c */
int vmo_zero_part(struct vmo *, uint64_t off, size_t n) MUST_CHECK; /* within one page, if it exists */

/* pagecache.c: pages of files */
enum cache_want { CACHE_FIND, CACHE_READ };
#define CACHE_WINDOW 32      /* pages: the longest read ahead */
#define CACHE_CLUSTER 16     /* pages: the longest write */
void cache_init(void);
uint64_t cache_count(void);                              /* pages of all files */
struct vm_page *cache_lookup(struct vmo *, uint64_t idx); /* [O]; NULL */
struct vm_page *cache_next(struct vmo *, uint64_t idx);  /* [O]: first at or after; NULL */
/* The page, pinned.  May sleep, no lock of rank >= 2.  0; -ENXIO beyond the end,
 * -ENOENT absent (CACHE_FIND), -EIO, -EINTR. */
int cache_get(struct vmo *, uint64_t idx, enum cache_want, struct vm_page **out) MUST_CHECK;
/* Read up to n absent pages from idx on; *first: the first, pinned, or NULL if
 * it was there.  0, -EIO, -EINTR: for page idx. */
int cache_readahead(struct vmo *, uint64_t idx, unsigned n, struct vm_page **first) MUST_CHECK;
unsigned cache_window(struct vmo *, uint64_t idx);       /* how many to read at a miss */
/* A filled LIMBO frame becomes page idx, READING.  False: the page exists, or lies
 * beyond the end.  cache_end_insert() ends it: r 0 dirty, else forgotten. */
bool cache_begin_insert(struct vmo *, uint64_t idx, struct vm_page *);
void cache_end_insert(struct vmo *, struct vm_page *, int r);
/* Next cluster of adjacent dirty pages in [*idx, hi), now PF_WRITING; *idx moves
 * to it.  0: none; -EAGAIN: wait for out[0], then again. */
int cache_collect_dirty(struct vmo *, uint64_t *idx, uint64_t hi, struct vm_page **out);
int cache_writeback(struct vmo *, uint64_t idx, struct vm_page **, int n) MUST_CHECK;
void cache_truncate(struct vmo *, uint64_t lo, uint64_t hi);
void cache_erase(struct vmo *, struct vm_page *);         /* [O]: out of the tree */

/* vmofile.c: files as objects */
void cache_files_init(void);
void cache_end(struct vmo *);                             /* last reference */
ssize_t cache_write_page(struct vmo *, uint64_t off, size_t n, struct uio *);
int cache_cut_begin(struct vmo *, uint64_t bytes, struct vm_page **tail) MUST_CHECK;
void cache_cut_end(struct vmo *, uint64_t bytes, struct vm_page *tail);
int cache_zero_part(struct vmo *, uint64_t off, size_t n) MUST_CHECK;
void cache_clean_links(struct vmo *, uint64_t lo, uint64_t hi); /* mappings lose W, D */
void cache_flush_all(void);                               /* for leak accounting */
int cache_check(struct vmo *, struct vm_report *);       /* [O] */

/* ---- vmohole.c, vmogrow.c ---- */
int cache_hole_wait(struct vmo *, uint64_t lo, uint64_t hi) MUST_CHECK;
int cache_hole_begin(struct vmo *, uint64_t lo, uint64_t hi) MUST_CHECK;
int cache_hole_end(struct vmo *) MUST_CHECK;             /* frees the blocks */
bool cache_grown_locked(struct vmo *, uint64_t old);     /* [O] */
bool cache_is_short(struct vmo *, uint64_t idx, uint32_t *seq); /* dirty, yet to be extended */
int cache_extend(struct vmo *, uint64_t idx, struct vm_page *, uint32_t *seq) MUST_CHECK;

/* cachefault.c: F2, F3 */
/* The page of f, pinned in *out: FAULT_DONE; else the outcome.  [W]. */
enum fault_outcome cache_fault(struct fctx *, struct vm_page **out);
/* May this fault make the page dirty?  False: it has taken over the pin, and
 * FAULT_NEEDMEM is the outcome. */
bool cache_may_dirty(struct fctx *, struct vm_page *);
/* Map neighbours of f's page with these bits, as far as they are resident. */
void cache_around(struct fctx *, uint64_t bits);
void cache_fault_end(struct fctx *);                     /* give pins back; no lock */
bool cache_is_resident(struct vmo *, uint64_t idx);
int cache_fault_read(struct fctx *) MUST_CHECK;          /* NEED_READ; 0, -EIO, -EINTR */
int cache_fault_extend(struct fctx *) MUST_CHECK;        /* NEED_EXTEND; 0, -ENOSPC … */
int map_willneed(struct aspace *, uint64_t lo, uint64_t hi) MUST_CHECK;
int map_sync_range(struct aspace *, uint64_t lo, uint64_t hi) MUST_CHECK;

/* anon.c */
struct vmo *anon_create(uint64_t bytes);
/* The owning word of page pgoff, [O] held; its table, pinned (kpaged_unpin it), in
 * *table, NULL for direct words.  NULL: no table leads there (*away 0), or the one at
 * kva *away is not in memory: kpaged_pin() it without locks and ask again. */
uint64_t *anon_word(struct vmo *, uint64_t pgoff, struct vm_page **table, va_t *away);
/* Make the path of tables to pgoff; may sleep, no lock.  0, -ENOMEM, -EINTR. */
int anon_make_path(struct vmo *, uint64_t pgoff) MUST_CHECK;
/* The page, made if absent (size checked); pinned.  May sleep, no lock.
 * 0, -ENOSPC, -EINTR, -ENXIO (beyond the end), -ENOENT (hole, not made). */
enum anon_want { ANON_FIND, ANON_CREATE };
int anon_page(struct vmo *, uint64_t pgoff, enum anon_want, struct vm_page **out) MUST_CHECK;
/* F9 under [W]: page of f in *out, pinned, FAULT_DONE; else the outcome. */
enum fault_outcome anon_fault(struct fctx *f, struct vm_page **out);
/* Free pages and tables at and beyond pgoff (truncate) or of [lo, hi). */
void anon_truncate(struct vmo *, uint64_t lo, uint64_t hi);
void anon_put(struct vmo *);                             /* last reference */
/* First index >= *pgoff whose word exists, [O] held; *table pinned. */
uint64_t *anon_next_word(struct vmo *, uint64_t *pgoff, struct vm_page **table);
/* Words from pgoff that lie side by side end here. */
static inline uint64_t
anon_run_end(uint64_t pgoff)
{
	return pgoff < ANON_DIRECT ? ANON_DIRECT :
	    ((pgoff - ANON_DIRECT) | (MD_PT_WORDS - 1)) + 1 + ANON_DIRECT;
}
int anon_check(struct vmo *, struct vm_report *);        /* anon_check.c */

/* anonstat.c */
uint64_t anon_peek(struct vmo *, uint64_t pgoff);        /* its word, if at hand; 0 */
/* Of [lo, hi), may sleep: pages in swap; out with all that are not mapped, how many
 * are on their way; begin to read what is in swap. */
uint64_t anon_swapped(struct vmo *, uint64_t lo, uint64_t hi);
uint64_t anon_page_out(struct vmo *, uint64_t lo, uint64_t hi);
void anon_bring_ahead(struct vmo *, uint64_t lo, uint64_t hi);

/* commit.c: pages */
void commit_init(void);
int commit_charge(uint64_t n) MUST_CHECK;                /* 0, -ENOMEM */
void commit_charge_forced(uint64_t n);                   /* without the limit test */
void commit_uncharge(uint64_t n);
int commit_charge_late(struct aspace *, uint64_t n) MUST_CHECK; /* as->late too */
void commit_uncharge_late(struct aspace *, uint64_t n);
int commit_prepay(struct aspace *, uint64_t n) MUST_CHECK;
bool commit_use_prepaid(struct aspace *, uint64_t n);
bool commit_may_touch(void);                             /* what is promised */
void commit_tell(va_t);                                  /* a late charge has failed: the log */
int commit_guess(uint64_t pages) MUST_CHECK;             /* mode 0: 0, -ENOMEM */
bool commit_is_late(void);                               /* modes 0, 1 */
uint64_t commit_total(void);
uint64_t commit_limit(void);

/* ======== pages floor ======== */
/* page.c: words, pins, mapcounts.  *_locked: [P] held. */
void page_init(void);
static inline uint64_t
word_get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}
/* Store; keeps nres and nused of the container and marks it dirty.  container
 * NULL: a word in a WIRED header.  Returns the old word (atomic xchg). */
uint64_t word_set(struct vm_page *container, uint64_t *word, uint64_t new);
uint64_t word_set_locked(struct vm_page *container, uint64_t *word, uint64_t new);
/* VALID → VALID with other rights: cmpxchg loop against A and D. Old word. */
uint64_t word_change(uint64_t *word, uint64_t clear, uint64_t set);
/* A frame of class USER, not waiting; NULL. */
struct vm_page *page_alloc(enum phys_want);
void page_set_slot(struct vm_page *, slot_t);              /* [P] */
uint64_t page_slotted_count(void);                       /* in memory and on swap */
void page_free_chain(pfn_t);                              /* of such, through qnext */
void page_free(struct vm_page *);                        /* LIMBO, no home; wakes waiters */
void page_map_locked(struct vm_page *);                  /* mapcount++, off its queue, ACTIVE */
/* mapcount--, dirty → PF_DIRTY.  True: the caller frees it (page_free) after [P]. */
bool page_unmap_locked(struct vm_page *, bool dirty);
void page_unmap(struct vm_page *, bool dirty);
void page_pin(struct vm_page *);
void page_pin_locked(struct vm_page *);
bool page_unpin_locked(struct vm_page *);                /* true: caller frees */
bool page_unpin_dirty_locked(struct vm_page *);          /* after writing to it */
void page_unpin(struct vm_page *);
void page_unpin_dirty(struct vm_page *);
void page_unpin_written(struct vm_page *, bool written); /* dirty, if written */
bool page_let_go_locked(struct vm_page *);               /* an end of a hold; true: caller frees */
bool page_zap_locked(struct vm_page *);                  /* unmap and disown in one */
/* The home gives the page up (transitions 14, 15).  True: caller frees. */
bool page_disown_locked(struct vm_page *);
void page_disown(struct vm_page *);
/* LIMBO → ACTIVE under a new home, PF_DIRTY; mapcount and pins stay 0: the caller
 * maps it, pins it or makes it a container in the same hold of [P]. */
void page_adopt_locked(struct vm_page *, enum page_home, uint64_t payload, uint64_t index);
struct vm_page *page_zero_frame(void);                   /* the global zero page */
pa_t word_pa(const uint64_t *word);                      /* direct-map word → payload */

/* pageio.c: pages under I/O.  *_locked: [P] held. */
void pageio_init(void);
void page_dirty_locked(struct vm_page *);                /* set PF_DIRTY, counted */
void page_clean_locked(struct vm_page *);
uint64_t page_dirty_count(void);                         /* of files */
uint64_t page_writing_count(void);
void page_reading_locked(struct vm_page *, enum page_home, uint64_t payload, uint64_t index);
void page_filled_locked(struct vm_page *);               /* READING → STANDBY, queued; pinned: ACTIVE */
bool page_unfilled_locked(struct vm_page *) MUST_CHECK;  /* READING → LIMBO; true: caller frees */
void page_writing_locked(struct vm_page *);
bool page_written_locked(struct vm_page *, bool ok);     /* true: caller frees */
/* Sleep until the page is no longer busy; no lock.  0, -EINTR. */
int page_wait(struct vm_page *);
void page_wait_plain(struct vm_page *);
void page_wake(struct vm_page *);

/* pageq.c: [P] held */
void pq_init(void);
void pq_insert(struct vm_page *);                        /* by state and home */
void pq_remove(struct vm_page *);
void pq_activate(struct vm_page *);                      /* off its queue, ACTIVE */
void pq_set_owner(enum page_home, const struct owner_ops *); /* once, by vm_init() */
unsigned pq_cluster(struct vm_page *, struct vm_page **out);
void pq_set_idle(struct vm_page *table);                 /* a table of a space names no frame */
void pq_clear_idle(struct vm_page *table);
void pq_note_idle(struct vm_page *table, bool idle);
const struct page_queue *pq_standby(void);
const struct page_queue *pq_modified_anon(void);         /* they go to swap */
const struct page_queue *pq_modified_file(void);
bool phys_steal(void);                                   /* no lock needed */
bool pq_release(struct vm_page *);                       /* STANDBY: its frame, now */
struct page_queue { pfn_t head, tail; uint64_t n; };
const struct page_queue *pq_queue(enum page_state, bool file);

/* owner.c: pages whose home is a word (PTE, FMO, AOBJ, KPAGED; TABLE) */
extern const struct swap_ops *swap_ops;                  /* once, by swap_init() */
void owner_init(void);                                   /* once, by vm_init() */
/* [P]: a page of home whose word lies in container goes (1) or comes back (-1). */
void owner_count_out(enum page_home, struct vm_page *container, int change);
void owner_set_word(struct vm_page *, uint64_t new);     /* [P]: BUSY → TRANS, ERROR */
struct vm_page *owner_container(const struct vm_page *); /* NULL: a WIRED header */
/* A page of data: pg->swp is valid. */
static inline bool
owner_is_word(const struct vm_page *pg)
{
	enum page_home h = page_home_kind(pg);

	return h == HOME_PTE || h == HOME_FMO || h == HOME_AOBJ ||
	    h == HOME_KPAGED;
}
/* Data or not, it goes to swap, and its word tells. */
static inline bool
owner_has_word(const struct vm_page *pg)
{
	return owner_is_word(pg) || page_home_kind(pg) == HOME_TABLE;
}

/* swap.c: slots, clusters, reading back.  [S] is taken inside. */
void swap_init(void);
/* Up to n adjacent slots: the first, *got of them; 0: there is none. */
slot_t swap_alloc(unsigned n, unsigned *got);
void swap_free(slot_t);
SYSTEM_ONLY void swap_retire(slot_t);                                /* the device refused it: never again */
/* [P]: what the slot of the page holds is out of date, or the page goes: the slot is
 * freed, now or when its write ends. */
void swap_drop(struct vm_page *);
/* [P]: MODIFIED pages become PF_WRITING and are written, as many from the first on as
 * get adjacent slots.  How many; 0: no slot or no bio. */
unsigned swap_out(struct vm_page **, unsigned n);
/*
 * Read the page of w->word into *frame (LIMBO; NULL afterwards if it was used) and
 * those behind it into frames that are to spare.  The lock of the container is held
 * ([W], [F], [O]), not [P].  STARTED: the word is BUSY, wait for *wait; CHANGED: it is
 * SWAP no more, look again; NOBIO: swap_wait() without locks, then again.
 */
enum swap_in_result { SWAPIN_STARTED, SWAPIN_CHANGED, SWAPIN_NOBIO };
enum swap_in_result swap_in(const struct swap_words *w, struct vm_page **frame,
    struct vm_page **wait);
bool swap_ahead(const struct swap_words *);              /* begin to read; false: not now */
int swap_wait(void) MUST_CHECK;                          /* 0, -EINTR */
bool swap_has_room(void);                                /* a slot could be allocated */
/* vm_check: nothing is read, written or stolen from now on, and all has ended. */
SYSTEM_ONLY void swap_freeze(void);
SYSTEM_ONLY void swap_thaw(void);
bool swap_is_frozen(void);
void swap_ahead_hit(struct vm_page *);                   /* [P]: read ahead, now wanted */
void swap_ahead_miss(struct vm_page *);                  /* [P]: read ahead, given up */
struct swap_stat { uint64_t slots, used, bad; unsigned window; };
void swap_stat(struct swap_stat *);
/* For swaparea.c: enter and leave the list of areas. */
int swap_area_enter(struct swap_area *) MUST_CHECK;      /* sets no; 0, -EPERM (16 areas) */
void swap_area_close(struct swap_area *);                /* swapoff: stop filling it */
void swap_area_reopen(struct swap_area *);               /* swapoff gave up */
void swap_area_leave(struct swap_area *);                /* all slots free, no bio busy */
struct swap_area *swap_area(unsigned no);                /* NULL: there is none */

/* swaparea.c */
uint32_t swap_header_slots(const void *page, uint64_t pages); /* 0: no header */
void swap_area_retire(struct swap_area *);               /* empty: leaves, and is freed */
void swap_area_free(struct swap_area *);                 /* in no list */
void swap_areas_lock(void);                              /* no area comes or goes */
void swap_areas_unlock(void);

/* pageout.c: the thread that writes and keeps frames free */
void pageout_init(void);
void pageout_start(void);
void pageout_wake(void);                                 /* any lock up to LR_MEM */
void pageout_written(void);                              /* a cluster has been written */
void pageout_push(void);                                 /* write to swap what waits now */
bool pageout_page(struct vm_page *);                     /* [P]: out with it; true: later */
/* write: one round over all dirty pages that are as old. */
void pageout_set_files(void (*write)(uint64_t older_than_ns));
/* A writer of files waits while too much is dirty; no lock of rank >= 2. */
void pageout_throttle(void);

/* ======== evidence ======== */
/* check.c, leak.c */
void report_bad(struct vm_report *, const char *invariant, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* force.c: FI_TRIM, FI_TABLE, FI_EVICT_ENTRY, FI_STEAL */
void force_init(void);
void pt_push_out(struct aspace *);                       /* tables of a space; no lock */
void kpaged_push_out(bool vads);                         /* all that may go, to swap */
void kpaged_bring_all(void);                             /* check_kpaged.c */
void vm_check_fault(void);                               /* check=N: after each N-th fault */
void check_init(void);
void check_swap(struct vm_report *);                     /* check_swap.c */
/* A report text under construction; vm_check and vm_leak_end one at a time. */
void report_open(struct vm_report *, int level);
unsigned report_close(struct vm_report *, const char *what);
unsigned fault_in_flight(void);                          /* fault.c: faults not ended */

#endif
