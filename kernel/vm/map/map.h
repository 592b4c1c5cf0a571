/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.h: virtual address descriptors: their tree, their memory, their price
 */
#ifndef VM_MAP_MAP_H
#define VM_MAP_MAP_H

#include "vm/object/object.h"

struct vad {
	struct rb_node rb;         /* [M] tree by start */
	uint64_t start, end;       /* [M] vpn, end exclusive */
	uint64_t gap, maxgap;      /* [M] free pages before start; max in subtree */
	struct vmo *vmo;           /* [M] holds a reference; NULL: private anonymous */
	uint64_t off;              /* [M] pgoff of start in vmo */
	struct vm_maplink *link;   /* [M] NULL if no vmo */
	void *dpriv;               /* [M] of the design */
	uint32_t flags;            /* [M] VAD_* */
	uint8_t prot, maxprot;     /* [M] PROT_* */
	uint16_t rsv;              /* [c] 0 */
};

#define STACK_GUARD_PAGES 256
#define MMAP_MIN_ADDR 65536ul       /* below: only MAP_FIXED of the privileged */

/* vad.c: the tree; [M] exclusive for changes, shared for finds */
#define VAD_FOREACH(v, as)                                                \
	for (v = vad_first(as); v != NULL; v = vad_next(v))
/* Is memory of these flags and rights data: private, writable, no stack? */
static inline bool
vad_is_data(uint32_t flags, unsigned prot)
{
	return (flags & (VAD_SHARED | VAD_STACK | VAD_GROWSDOWN)) == 0 &&
	    (prot & PROT_W) != 0;
}
/* Its rights and flags, as in the events of the trace. */
static inline uint64_t
vad_rights(const struct vad *v)
{
	return (uint64_t)v->prot << 32 | v->flags;
}
/* Will memory of these flags and rights be charged as a whole? */
static inline bool
vad_is_charged(uint32_t flags, unsigned prot)
{
	return (flags & (VAD_SHARED | VAD_NORESERVE)) == 0 &&
	    (prot & PROT_W) != 0;
}
/* Are its pages those of a file, which could leave for a promised page if they were not
 * locked, and for which nobody has paid? */
static inline bool
vad_locks_file(const struct vmo *vmo, uint32_t flags)
{
	return (flags & (VAD_LOCKED | VAD_CHARGED)) == VAD_LOCKED && vmo != NULL &&
	    vmo->type == VMO_VNODE;
}
/* The next one of a list. */
static inline struct vad *
vad_list_next(const struct vad *v)
{
	return v->rb.left == NULL ? NULL : CONTAINER_OF(v->rb.left, struct vad, rb);
}
/* Put v, which is in no tree, at the end. */
static inline void
vad_list_add(struct vad_list *l, struct vad *v)
{
	v->rb.left = NULL;
	if (l->first == NULL)
		l->first = v;
	else
		l->last->rb.left = &v->rb;
	l->last = v;
}
/* Take the first one out; NULL. */
static inline struct vad *
vad_list_take(struct vad_list *l)
{
	struct vad *v = l->first;

	if (v != NULL)
		l->first = vad_list_next(v);
	return v;
}
struct vad *vad_find(struct aspace *, uint64_t vpn);          /* that contains vpn */
struct vad *vad_find_above(struct aspace *, uint64_t vpn);    /* first with end > vpn */
int vad_insert(struct aspace *, struct vad *) MUST_CHECK;     /* 0, -EEXIST */
int vad_find_gap(struct aspace *, uint64_t pages, uint64_t lo, uint64_t hi,
    uint64_t *vpn) MUST_CHECK;                                /* top-down first fit */
int vad_split(struct aspace *, struct vad *, uint64_t vpn, struct vad **hi) MUST_CHECK;
int vad_remove_range(struct aspace *, uint64_t lo, uint64_t hi, struct vad_list *out) MUST_CHECK;
int vad_protect_range(struct aspace *, uint64_t lo, uint64_t hi, uint8_t prot) MUST_CHECK;
struct vad *vad_merge(struct aspace *, struct vad *);         /* with neighbours */
void vad_set_range(struct aspace *, struct vad *, uint64_t start, uint64_t end); /* grow, clip */
void vad_remove(struct aspace *, struct vad *);               /* out of the tree */
struct vad *vad_first(struct aspace *);
struct vad *vad_next(struct vad *);

/* vadview.c */
/* One mapping of a range, and its part in the range. */
struct vad_part {
	struct vad *vad;           /* [M] */
	uint64_t lo, hi;           /* [own] vpn */
	bool hole;                 /* [own] somewhere before nothing is mapped; at the
	                            * end: or behind */
};
bool vad_next_part(struct aspace *, struct vad_part *, uint64_t end); /* from p->hi on */
/* Each of [from, end) vpn, in order; VADs may be split and merged meanwhile. */
#define VAD_PARTS(p, as, from, end) \
	for (*(p) = (struct vad_part){ .hi = (from) }; vad_next_part(as, p, end);)
/* The same for a loop that may sleep between two of them: a copy of the mapping, with a
 * reference to its object until the next one, or the end. */
struct vad_view {
	uint64_t lo, hi;           /* [own] vpn: of the range, what it holds */
	bool hole;                 /* [own] as in a vad_part */
	struct vmo *vmo;           /* [own] NULL: none */
	uint64_t off;              /* [own] page of vmo that lo maps */
	uint32_t flags;            /* [own] */
	uint8_t prot, maxprot;     /* [own] */
};
bool vad_view_next(struct aspace *, struct vad_view *, uint64_t end); /* takes [M] */
void vad_view_end(struct vad_view *);                    /* of who leaves the loop */
#define VAD_VIEWS(v, as, from, end) \
	for (*(v) = (struct vad_view){ .hi = (from) }; vad_view_next(as, v, end);)
/* Pages of [lo, hi) that are mapped with all these flags. */
uint64_t vad_pages(struct aspace *, uint64_t lo, uint64_t hi, uint32_t flags);
/* A part becomes a VAD of its own, and gets other flags. */
int vad_isolate(struct aspace *, struct vad **v, uint64_t lo, uint64_t hi) MUST_CHECK;
int vad_set_flags(struct aspace *, struct vad **v, uint64_t lo, uint64_t hi,
    uint32_t flags) MUST_CHECK;

/* vadmem.c */
/* Zeroed, with a reference to vmo and an unlisted maplink if vmo; NULL. */
struct vad *vad_alloc(struct aspace *, struct vmo *);
/* A VAD for the part of `of` from vpn on, its entry prepared; piece: or a spare. */
struct vad *vad_alloc_part(struct aspace *, const struct vad *of, uint64_t vpn);
struct vad *vad_alloc_piece(struct aspace *, const struct vad *of, uint64_t vpn);
void vad_free(struct vad *);                                  /* drops the reference */
void vad_list_free(struct vad_list *);                        /* all of them */
/* Were VADs lost?  Then the tree is emptied: changes to the rest of it would make
 * circles.  The end of the space finds all VADs without the tree.  [M] exclusive. */
static inline bool
vad_is_given_up(struct aspace *as)
{
	if (!as_has_lost(as, LOST_VADS))
		return false;
	as->map.vads.node = NULL;
	as->map.hint = NULL;
	return true;
}
void vad_refill_spare(struct aspace *);                       /* may fail quietly */

/* Their pages, paged; no lock of rank >= 3 but for vadpool_is_here (vm_check). */
unsigned vadpool_end(struct aspace *);                        /* VADs that were left */
bool vadpool_lost(va_t);                                      /* could not be read */
bool vadpool_is_here(struct aspace *);

/* Their links to objects. */
void vad_list_link(struct aspace *, struct vad *);            /* its maplink onto vmo->maps */
void vad_update_link(struct vad *);                           /* the VAD has changed */
void vad_unlist_link(struct vad *);
void vad_forget_links(struct aspace *);                       /* its VADs are lost */

/* vadcommit.c */
int map_charge(struct aspace *, struct vad *, uint8_t prot) MUST_CHECK;
bool map_data_fits(struct aspace *, uint64_t pages);          /* RLIMIT_DATA */
uint64_t vad_pays(const struct aspace *, const struct vad *, uint64_t *last); /* of all, in order */
uint64_t vad_price(struct aspace *, const struct vad *, uint64_t lo, uint64_t hi); /* of what is to pay */
uint64_t vad_paid(struct aspace *, uint64_t lo, uint64_t hi);  /* of what goes */
int vad_grow(struct aspace *, struct vad *, uint64_t start, uint64_t end) MUST_CHECK;

/* vadlock.c */
int map_lock_flags(struct aspace *, const struct vad *, uint32_t flags) MUST_CHECK;
int map_lock_reserve(struct aspace *, uint64_t pages, uint64_t limit) MUST_CHECK;
void map_lock_unreserve(struct aspace *, uint64_t pages);    /* are counted now, or not wanted */

/* vadstack.c */
int map_grow_stack(struct aspace *, struct vad *, uint64_t vpn) MUST_CHECK;

#endif
