/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux.h: anons, amaps that forks share, objects (book: seeds 002)
 *
 * Private for kernel/vm/design/scalux/.
 *
 * Typical life: a first store makes an anon, and an entry that says at which page
 * of its amap it is; a fork lets the child use the same amap; the first store of
 * either side copies the entries, not the anons (W1); a store to an anon that
 * several entries name copies that one page (W2).
 *
 * Tags beside those of space.h: [sx] sx_lock, the one lock of all amaps, entries
 * and anons, rank 7; [check] freeze_spaces().
 */
#ifndef VM_DESIGN_SCALUX_SCALUX_H
#define VM_DESIGN_SCALUX_SCALUX_H

#include "vm/design/anons/anons.h"

struct sx_amap;

/* How the page of an anon is read in, and what the anon's words mean. */
enum sx_pager {
	SX_SWAP,               /* w0: the slot, once it has one */
	SX_OBJECT              /* a vnode's, or an anonymous one's; w0: it, w1: the page of it */
};

/* One page that can be had: of anonymous memory, or of the object behind a mapping. */
struct sx_anon {
	uint64_t word;         /* [P] SWAP: TRANS, BUSY, SWAP, ERROR, its page or slot */
	enum sx_pager pager : 1; /* [c] */
	uint32_t met : 31;     /* [check] of nmapped, seen so far */
	uint32_t refs;         /* [sx] entries that name it */
	uint32_t nmapped;      /* [sx] words that map its page, of all spaces */
	uint32_t seen;         /* [check] in this run */
	uint64_t w[2];         /* [c] OBJECT */
	struct list entries;   /* [sx] by anon_q: the reverse map begins here */
	struct vm_page *page;  /* [sx] OBJECT, and nmapped > 0: its page; else NULL */
	struct sx_anon *next;  /* [sx] OBJECT: of the same bucket of pages */
	struct sx_anon **at;   /* [sx] OBJECT, page != NULL: what points here, of those */
};

/* A page of an amap has an anon. */
struct sx_entry {
	struct rb_node rb;     /* [sx] amap->entries, by vpn */
	uint64_t vpn;          /* [sx] pages are numbered by address */
	struct sx_anon *anon;  /* [sx] */
	struct sx_amap *amap;  /* [sx] */
	struct list_node anon_q; /* [sx] anon->entries */
	uint64_t mapped_in;    /* [sx] bit per share of the amap: it is actually mapped */
	bool late;             /* [sx] each who shares it was charged when it was touched */
};

static inline enum charged
sx_charged(const struct sx_entry *e)
{
	return e->late ? CHARGED_LATE : CHARGED_AHEAD;
}

#define SX_RECORD_PAGES 16u    /* a frame has the records of so many pages side by side */
#define SX_SHARES 64u          /* of an amap; a fork that finds none copies at once */
#define SX_WINDOWS UINT16_MAX  /* objects of a share, at most: who needs more copies first */

/*
 * The map of anonymous objects: which anon is at which page.  Processes share one
 * after a fork; a share may have several objects of one process, parts of one mapping.
 */
struct sx_amap {
	struct rb_root entries; /* [sx] */
	struct sx_entry *last;  /* [sx] that was met last; NULL */
	uint64_t n, nlate;      /* [sx] entries; of these late */
	uint64_t shares;        /* [sx] bit per process that uses it: refs of the seed */
	uint16_t objects_of[SX_SHARES]; /* [sx] objects of each share */
	struct list objects;    /* [sx] by amap_q */
	uint32_t seen;          /* [check] */
};

/* An entry of a map, and the object that it maps: in the VAD's dpriv. */
struct sx_object {
	struct rb_node rb;     /* [M], [W] sx_space.objects, by start */
	struct aspace *as;     /* [c] the map: back pointer of the reverse map */
	struct vad *vad;       /* [M] */
	uint64_t start, end;   /* its window, vpn: [M] to read; to change [M], [W], [sx] */
	struct sx_amap *amap;  /* [W], to change [sx], too */
	struct sx_amap *copy;  /* [W], to change [sx], too: W1 under way; NULL */
	uint64_t copied;       /* [W] vpn: copy has the entries below */
	struct list_node amap_q; /* [sx] amap->objects */
	uint8_t share;         /* [sx] its bit in the amap */
	bool is_in;            /* [M] in the tree */
};

/* as->dpriv; NULL: the space has ended. */
struct sx_space {
	struct rb_root objects; /* [M], [W] */
};

extern struct spinlock sx_lock;
extern struct kmem_cache sx_anons, sx_entries, sx_amaps; /* who pays for records feeds them */

static inline struct sx_space *
sx_space(const struct aspace *as)
{
	return as->dpriv;
}

/* More than one process uses it: it is not changed, but copied (W1). */
static inline bool
sx_is_shared(const struct sx_amap *amap)
{
	return (amap->shares & (amap->shares - 1)) != 0;
}

/* sx_anon.c */
void sx_init(void);
struct sx_anon *sx_anon_new(enum sx_pager);    /* no refs, no page yet; NULL: no memory */
void sx_anon_free(struct sx_anon *);           /* that nobody names */
/* [sx]: the share maps its page, or no more. */
void sx_map_locked(struct sx_entry *, unsigned share, struct vm_page *);
void sx_unmap_locked(struct sx_entry *, unsigned share);
struct sx_anon *sx_queue_next(const struct vm_page *, struct sx_anon *); /* [sx]; NULL */

/* sx_amap.c */
struct sx_amap *sx_amap_new(void);             /* no share; NULL: no memory */
struct sx_entry *sx_find_locked(struct sx_amap *, uint64_t vpn);   /* [sx]; NULL */
struct sx_entry *sx_from_locked(struct sx_amap *, uint64_t vpn);   /* first from vpn on; NULL */
bool sx_has_entries(struct sx_amap *, uint64_t lo, uint64_t hi);   /* takes [sx] */
/* [sx]: the entry of a page that has none; another anon for one that there is. */
void sx_add_locked(struct sx_amap *, struct sx_entry *, uint64_t vpn, struct sx_anon *,
    enum charged);
void sx_replace_locked(struct sx_entry *, struct sx_anon *, enum charged);
void sx_drop(struct sx_amap *, uint64_t lo, uint64_t hi);          /* late ones are paid back */
void sx_amap_end(struct sx_amap *);            /* all entries, which no share can reach */
uint64_t sx_count_late(struct sx_amap *, uint64_t lo, uint64_t hi);
void sx_move(struct sx_amap *to, uint64_t vpn, struct sx_amap *from, uint64_t lo, uint64_t hi);
void sx_join_locked(struct sx_object *, struct sx_amap *, unsigned share); /* [sx] */
void sx_part_locked(struct sx_object *);        /* [sx]: the reverse */
int sx_free_share_locked(const struct sx_amap *);                  /* [sx]; -1 */
struct sx_object *sx_window_locked(const struct sx_amap *, uint64_t vpn); /* [sx]; NULL */
uint64_t sx_leave(struct sx_object *);         /* the last one ends the amap; late pages */

/* unshare.c: W1.  [W] */
bool sx_has_others(const struct sx_object *);
struct kmem_cache *sx_unshare(void *object, uint64_t *copied); /* NULL; what lacks */
void sx_abandon(struct sx_object *);           /* a copy that is not whole */
int sx_unshare_wait(struct sx_object *);       /* [M]; 0, -ENOMEM, -EINTR */

/* sx_object.c */
struct sx_object *sx_object_at(const struct aspace *, uint64_t vpn);   /* NULL */
struct sx_object *sx_object_from(const struct aspace *, uint64_t vpn); /* first with end > vpn */
#define SX_OBJECTS(o, as, lo, hi) \
	for ((o) = sx_object_from(as, lo); (o) != NULL && (o)->start < (hi); \
	    (o) = sx_object_from(as, (o)->end))
int sx_as_init(struct aspace *);
int sx_prepare(struct aspace *, struct vad *, uint64_t start, uint64_t end);
void sx_attach(struct aspace *, struct vad *);
void sx_split(struct aspace *, struct vad *lo, struct vad *hi, uint64_t vpn);
int sx_merge(struct aspace *, struct vad *lo, struct vad *hi);
bool sx_next(struct aspace *, uint64_t vpn, struct anons_range *);
int sx_each(struct aspace *, uint64_t lo, uint64_t hi, anons_fn *, void *arg);
uint64_t sx_end(struct aspace *, void *object);
void sx_free(void *object);

/* sx_fault.c */
extern const struct anons_fault_ops sx_fault_ops;
bool sx_is_own(void *object, const uint64_t *word);
void sx_left(struct aspace *, va_t, uint64_t old);

/* sx_dup.c */
void sx_fork(struct anons_fork *);

/* sx_change.c */
void sx_drop_all(struct aspace *, uint64_t lo, uint64_t hi);
int sx_mremap(struct aspace *, struct vad *from, struct vad *to, uint64_t n);
int sx_discard(struct aspace *, void *object, uint64_t lo, uint64_t hi);

/* sx_ops.c */
extern const struct anons_ops sx_anon_ops;

/* sx_stat.c */
void sx_show(void *object, struct out *);
int64_t sx_refs(struct aspace *, va_t, uint64_t word, uint64_t *named);

/* sx_check.c */
void sx_check_word(struct vm_report *, void *object, va_t, uint64_t word);
uint64_t sx_check_entry(struct vm_report *, const struct anons_range *);
void sx_check_end(struct vm_report *);
void sx_each_swapped(struct swap_walk *);

#endif
