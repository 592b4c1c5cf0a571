/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.h: what is mapped: objects, anonymous ones, and who maps them
 */
#ifndef VM_OBJECT_OBJECT_H
#define VM_OBJECT_OBJECT_H

#include "vm/kpaged/kpaged.h"
#include "vm/object/vmo.h"
#include "vm/want/want.h"

/* Object side of a mapping: non-paged, VADs are not. */
struct vm_maplink {
	struct list_node node;     /* [X] on vmo->maps */
	struct aspace *as;         /* [X] */
	uint64_t start, end, off;  /* [X] the VAD's range; changed under [M][X] */
	uint32_t nwr;              /* [X] 1: shared, is or can be made writable */
	uint32_t flags;            /* [X] VAD_* */
	uint64_t zap_seq;          /* [X] resize_seq it was last zapped for; 0: none */
};

struct vmo_quota {
	_Atomic uint32_t refs;         /* [A] the file system and its objects */
	_Atomic uint64_t used, max;    /* [A] pages; QUOTA_NONE: no limit */
};

/* SHARED_ONLY: words that map the object's pages; private copies stay.
 * CLEAN: such words stay too, but lose W and D; the page learns of D. */
enum zap_how { ZAP_EVEN_PRIVATE, ZAP_SHARED_ONLY, ZAP_CLEAN };
/* A zap may not wait: it says in want what is missing. */
struct zap_job {
	enum zap_how how;          /* [own] */
	struct pt_hold tables;     /* [own] */
	struct want want;          /* [own] kpage: an entry page */
};

/* The range of an object to be unmapped: [own]. */
struct zap_range {
	uint64_t lo, hi;           /* pgoff */
	uint64_t seq;              /* resize_seq of this zap */
	enum zap_how how;
};

/* vmo.c */
void vmo_stored(struct vmo *);                           /* the times move */
struct vmo *vmo_alloc(enum vmo_type, uint64_t bytes);    /* zeroed, refs 1, unlisted; NULL */
void vmo_free(struct vmo *);                             /* the header */
struct vmo *vmo_register(struct vmo *, const struct vmo_client_ops *, void *client);
struct vmo *vmo_next_anon(struct vmo *prev);             /* with a reference; NULL */
extern struct mutex vmo_list_lock;                       /* none comes or goes; rank 3 */
extern struct list vmo_list;                             /* [L] of all, by vmo->all */
struct vmo *vmo_visit_next(struct vmo *prev);            /* of the objects of files */
/* maplink.c */
int vmo_zap_link(struct vm_maplink *, uint64_t lo, uint64_t hi, struct zap_job *);
void vmo_zap_links(struct vmo *, const struct zap_range *); /* no lock of rank >= 3; sleeps */

/* anon.c */
enum anon_want {
	ANON_FIND,
	ANON_CREATE,     /* what fallocate keeps behind the end, too */
	ANON_TOUCH       /* a fault: made, but not the tables that lead there */
};
int anon_page(struct vmo *, uint64_t pgoff, enum anon_want, struct vm_page **out) MUST_CHECK;
int anon_look(struct vmo *, uint64_t pgoff, enum anon_want, struct want *,
    struct vm_page **out) MUST_CHECK;
int anon_make_path(struct vmo *, uint64_t pgoff) MUST_CHECK;
void anon_truncate(struct vmo *, uint64_t lo, uint64_t hi);

/* anontab.c */
void anon_home_init(void);                    /* after owner_init() */
uint64_t anon_run_end(uint64_t pgoff);        /* words from pgoff lie side by side until here */
/* A frame that was filled becomes the page at pgoff, owned by the object.  False: there
 * is a page already, or it needs a table or a charge first. */
bool anon_enter(struct vmo *, uint64_t pgoff, struct vm_page *) MUST_CHECK;
/* Commit pages for an object of so many pages, with all its tables. */
uint64_t anon_price(uint64_t pages);
/* Which of n pages are in memory?  pages[i], or NULL.  [O], [P]: they stay until they are
 * mapped or pinned. */
void anon_at_hand(struct vmo *, uint64_t pgoff, unsigned n, struct vm_page **pages);
int anon_next_word(struct vmo *, uint64_t *pgoff, struct want *,
    struct vm_page **table, uint64_t **word) MUST_CHECK;
int anon_words(struct vmo *, uint64_t end, struct swap_walk *) MUST_CHECK;
uint64_t anon_peek(struct vmo *, uint64_t pgoff);        /* its word, if at hand; 0 */
enum anon_way { ANON_OUT, ANON_IN };
uint64_t anon_move(struct vmo *, uint64_t lo, uint64_t hi, enum anon_way);

/* device.c */
static inline pfn_t
vmo_device_pfn(const struct vmo *vmo, uint64_t pgoff)
{
	return (pfn_t)((vmo->d.base >> PAGE_SHIFT) + pgoff);
}
int vmo_device_check(const struct vmo *, uint64_t pgoff, uint64_t n) MUST_CHECK;
uint64_t vmo_device_word(const struct vmo *, uint64_t pgoff, uint64_t rights);

/* ======== within the room ======== */

#define ANON_LEVELS 4 /* 512^4 pages */
/* The path to a word: [own]. */
struct anon_path {
	uint64_t *slot;
	uint64_t at;            /* page, counted from the first of its anon_top */
	struct vm_page *table;  /* pinned, holds slot; NULL: the header does */
	unsigned depth;         /* tables between slot and the owning word */
};
/* The word of page at in a table that has depth tables from here on. */
static inline unsigned
anon_word_in(uint64_t at, unsigned depth)
{
	return at >> (9 * (depth - 1)) & (MD_PT_WORDS - 1);
}
/* There is no page from here on, except while a cut is under way.  [O] */
static inline uint64_t
anon_end(const struct vmo *vmo)
{
	return MAX(PAGE_UP(vmo->size) >> PAGE_SHIFT, vmo->a.keep);
}
static inline va_t
anon_table_kva(uint64_t slot)
{
	return MD_KPAGED_BASE + ((slot >> 1) << PAGE_SHIFT);
}

/* quota.c */
bool quota_take(struct vmo_quota *) MUST_CHECK;
void quota_give(struct vmo_quota *, uint64_t n);

/* anon.c */
struct vmo *anon_create(uint64_t bytes);
void anon_put(struct vmo *);                             /* last reference */
int anon_walk(struct vmo *, uint64_t pgoff, struct anon_path *, struct want *);

/* anontab.c */
void anon_set_upper(struct vm_page *table, uint64_t *slot, uint64_t new);
int anon_table_charge(const struct vmo *) MUST_CHECK; /* before a table is made */
void anon_table_uncharge(const struct vmo *, uint64_t n);
void anon_attach(struct vmo *, struct vm_page *table, uint64_t pgoff, unsigned depth);
void anon_unpin_table(struct vm_page *);           /* NULL is allowed */
void anon_prune(struct vmo *, uint64_t pgoff);
void anon_forget_lost(struct vmo *);

#endif
