/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm.h: anons, amaps, map entries (book: seeds 001)
 *
 * Private for kernel/vm/design/uvm/.
 *
 * Typical life of an anon: a first touch makes it, with one reference; a fork
 * gives it one more for each amap that is copied; a write by one side copies it
 * and gives one up; the last slot that drops it frees it, with its page or its
 * swap slot.
 *
 * Tags beside those of space.h: [anon] vm_anon.lock, [amap] vm_amap.lock, [splay]
 * uvm_space.lock, [check] freeze_spaces().
 */
#ifndef VM_DESIGN_UVM_UVM_H
#define VM_DESIGN_UVM_UVM_H

#include "vm/design/anons/anons.h"

/* One page of anonymous memory, in memory or on swap. */
struct vm_anon {
	uint64_t word;         /* [P] TRANS, BUSY, SWAP, ERROR: its page, or its slot */
	struct spinlock lock;  /* rank 7 */
	uint32_t refs;         /* [anon] slots of amaps that name it */
	uint32_t met;          /* [check] of these, seen so far */
};

#define AMAP_CHUNK 32ul        /* slots of a chunk */

/* Second level of an amap: the anons of 32 pages side by side. */
struct vm_amap_chunk {
	struct rb_node rb;     /* [W] amap->chunks, by no */
	uint64_t no;           /* [W] of its first page, vpn / AMAP_CHUNK */
	uint32_t n;            /* [W] slots in use */
	uint32_t late;         /* [W] by bit: of these, charged when touched */
	struct vm_anon *anon[AMAP_CHUNK]; /* [W] */
};

/* The anons of the pages of an anonymous object.  The space's [W] guards it. */
struct vm_amap {
	struct spinlock lock;  /* rank 7 */
	uint32_t refs;         /* [amap] entries that have it; more than 1: it is not changed */
	uint32_t met;          /* [check] of these, seen so far */
	struct rb_root chunks; /* [W] first level */
	struct vm_amap_chunk *last;  /* [W] relaxed: that was met last; NULL */
	struct vm_amap_chunk *spare; /* [W] set aside, by rb.left: amap_chunk_make() takes */
	uint32_t nspare;       /* [W] these first; of a split, of a copy */
	uint64_t nanons;       /* [W] */
};

/* An entry of a map, and its anonymous object: in the VAD's dpriv. */
struct uvm_entry {
	struct uvm_entry *left, *right; /* [splay] */
	struct uvm_space *in;  /* [W] whose tree holds it; NULL: none */
	struct vad *vad;       /* [M] */
	uint64_t start, end;   /* [M] vpn; to change [M], [W] and [splay] */
	struct vm_amap *amap;  /* [W] */
	struct vm_amap *next;  /* [W] its own to be, with spare chunks; NULL: none */
};

/* as->dpriv; NULL: the space has ended. */
struct uvm_space {
	struct spinlock lock;  /* [splay], rank 7 */
	struct uvm_entry *root; /* [splay] */
};

static inline struct uvm_space *
uvm_space(const struct aspace *as)
{
	return as->dpriv;
}

/* uvm_anon.c, amapchunk.c: for kmem_cache_feed() */
extern struct kmem_cache uvm_anons, amap_chunks;

/* uvm_anon.c */
void uvm_anon_init(void);
struct vm_anon *uvm_anon_new(void);            /* refs 1, no page yet; NULL: no memory */
void uvm_anon_free(struct vm_anon *);          /* that has never had a page */
void uvm_anon_ref(struct vm_anon *);
void uvm_anon_drop(struct vm_anon *);          /* the last one ends it; no lock above rank 5 */
struct kmem_cache *uvm_make(void *entry, uint64_t vpn, struct anons_making *);
void uvm_unmake(struct anons_making *);
static inline struct vm_anon *
anon_of_word(uint64_t *word)
{
	return CONTAINER_OF(word, struct vm_anon, word);
}

/* amapchunk.c: [W] of the space */
void amap_init(void);                                  /* once: its caches */
struct vm_amap *amap_new(void);                        /* refs 1; NULL: no memory */
void amap_free(struct vm_amap *);                      /* nobody has it, and it has no anon */
struct vm_amap *amap_share(struct vm_amap *);          /* one entry more */
static inline bool
amap_is_shared(const struct vm_amap *amap)
{
	/* The others may leave; who was alone stays alone. */
	return atomic_load(&amap->refs) > 1;
}
struct vm_amap_chunk *amap_chunk(struct vm_amap *, uint64_t no);      /* NULL */
struct vm_amap_chunk *amap_chunk_make(struct vm_amap *, uint64_t no); /* NULL: no memory */
void amap_chunk_end(struct vm_amap *, struct vm_amap_chunk *);        /* n is 0 */
void amap_count(struct vm_amap *, int64_t n);          /* anons more, or less */
bool amap_is_late(struct vm_amap *, uint64_t vpn);     /* its page was charged when touched */
uint64_t amap_count_late(struct vm_amap *, uint64_t lo, uint64_t hi);
/* The first page from vpn on that has an anon, and that; NULL: there is none. */
struct vm_anon *amap_next(struct vm_amap *, uint64_t *vpn);
#define AMAP_FOREACH(anon, amap, vpn, end) \
	for (; ((anon) = amap_next(amap, &(vpn))) != NULL && (vpn) < (end); (vpn)++)
void amap_move(struct vm_amap *to, struct vm_amap *from, uint64_t lo, uint64_t hi,
    uint64_t shift);
bool amap_make_spare(struct vm_amap *);                /* false: no memory */
struct vm_amap *amap_next_of(struct uvm_entry *);      /* for its copy; NULL: no memory */
struct kmem_cache *amap_own(void *entry, uint64_t *kept); /* NULL; what lacks: again goes on */
struct kmem_cache *amap_fault_own(struct fctx *, void *entry);
void amap_split(struct vm_amap *to, struct vm_amap *from, uint64_t lo, uint64_t hi);
void amap_merge(struct vm_amap *to, struct vm_amap *from);

/* amap.c: [W] of the space */
struct vm_anon *amap_lookup(struct vm_amap *, uint64_t vpn);     /* NULL */
bool amap_reserve(struct vm_amap *, uint64_t vpn);     /* a chunk; false: no memory */
/* A free slot. */
void amap_add(struct vm_amap *, uint64_t vpn, struct vm_anon *, enum charged);
struct vm_anon *amap_take(struct vm_amap *, uint64_t vpn);       /* out of its slot; NULL */
uint64_t amap_ref(struct vm_amap *, uint64_t lo, uint64_t hi);   /* how many anons */
uint64_t amap_unref(struct vm_amap *, uint64_t lo, uint64_t hi); /* of them, late ones */
uint64_t *amap_find(void *entry, uint64_t vpn);        /* its word, [anon] held; NULL */
void amap_found(void *entry, uint64_t vpn, uint64_t *word, struct vm_page *);
enum fault_outcome amap_read(struct fctx *, void *entry);
void amap_put(struct fctx *, void *entry, struct anons_making *, const struct vm_page *from);
bool amap_is_own(void *entry, const uint64_t *word);
uint64_t amap_copy(struct aspace *parent, struct uvm_entry *to,
    struct uvm_entry *from, uint64_t vpn, uint64_t end); /* how far */
bool amap_unshare(struct uvm_entry *);                 /* false: no memory; amap_own() */
void amap_leave(struct vm_amap *);                     /* one entry less */

/* splay.c: takes [splay] */
struct uvm_entry *splay_find(struct uvm_space *, uint64_t vpn);  /* that contains vpn; NULL */
struct uvm_entry *splay_next(struct uvm_space *, uint64_t vpn);  /* first with end > vpn; NULL */
void splay_insert(struct uvm_space *, struct uvm_entry *);
void splay_remove(struct uvm_space *, struct uvm_entry *);
void splay_resize(struct uvm_space *, struct uvm_entry *, uint64_t start, uint64_t end);
/* The entries in [lo, hi); nothing behind hi is searched: that would turn the tree. */
#define UVM_ENTRIES(e, sp, lo, hi) \
	for ((e) = splay_next(sp, lo); (e) != NULL && (e)->start < (hi); \
	    (e) = (e)->end < (hi) ? splay_next(sp, (e)->end) : NULL)

/* mapentry.c */
int uvm_as_init(struct aspace *);
int uvm_prepare(struct aspace *, struct vad *, uint64_t start, uint64_t end);
void uvm_attach(struct aspace *, struct vad *);
void uvm_split(struct aspace *, struct vad *lo, struct vad *hi, uint64_t vpn);
int uvm_merge(struct aspace *, struct vad *lo, struct vad *hi);
bool uvm_next(struct aspace *, uint64_t vpn, struct anons_range *);
int uvm_each(struct aspace *, uint64_t lo, uint64_t hi, anons_fn *, void *arg);
uint64_t uvm_end(struct aspace *, void *entry);
void uvm_free(void *entry);

/* dup.c */
void uvm_fork(struct anons_fork *);

/* change.c */
int uvm_own_wait(struct aspace *, struct uvm_entry *); /* [M]; 0, -ENOMEM, -EINTR */
void uvm_drop(struct aspace *, uint64_t lo, uint64_t hi);
int uvm_move(struct aspace *, struct vad *from, struct vad *to, uint64_t n);
int uvm_discard(struct aspace *, void *entry, uint64_t lo, uint64_t hi);

/* uvm_ops.c */
extern const struct anons_ops uvm_anon_ops;

/* uvm_check.c */
int64_t uvm_refs(struct aspace *, va_t, uint64_t word, uint64_t *named);
void uvm_show(void *entry, struct out *);
void uvm_check_word(struct vm_report *, void *entry, va_t, uint64_t word);
uint64_t uvm_check_entry(struct vm_report *, const struct anons_range *);
void uvm_check_end(struct vm_report *);
void uvm_each_swapped(struct swap_walk *);

#endif
