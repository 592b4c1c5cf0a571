/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons.h: the common part of designs whose pages are anons
 *
 * Private for kernel/vm/design/.  A design of the second school says by struct
 * anons_ops where its entries are and which anons they have; the functions of
 * this room are its school.  An anon is named by the address of its
 * word, with which it begins.
 */
#ifndef VM_DESIGN_ANONS_ANONS_H
#define VM_DESIGN_ANONS_ANONS_H

#include "vm/design/pmap/pmap.h"
#include "vm/pte/forks.h"
#include "vm/pte/pte.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"

struct out;

/* A copy of an entry of a map, made when it was looked up. */
struct anons_range {
	void *entry;           /* [W] the design's, in the VAD's dpriv */
	struct vad *vad;       /* [M] */
	uint64_t start, end;   /* vpn */
};

/* One fork under way; on the stack of anons_dup(). */
struct anons_fork {
	struct pte_fork c;     /* common to forks of all designs */
	void *from, *to;       /* [M] of parent and child: their entries */
	uint64_t start, end;   /* of both */
	uint64_t limit;        /* where the object of the mapping ends, or the entry */
	uint64_t at;           /* vpn: those below are done */
	uint64_t lo, hi;       /* parent words that lost W: to be flushed */
	uint64_t shared, copies; /* anons or amaps shared, pages copied so far */
	unsigned refused;      /* times that no record could be had for this anon */
	bool failed;           /* too often: the fork is given up */
};

/* An anon, at a page, with what guards it held: not 0 ends the walk. */
typedef int anons_fn(void *arg, uint64_t vpn, uint64_t *word);
typedef void anons_entry_fn(void *entry, void *arg);
/* [W]: do as much of a change as there are records for; *came_to: how far.  NULL: it is
 * done; else the cache that had no object. */
typedef struct kmem_cache *anons_turn_fn(void *arg, uint64_t *came_to);

/* The records of a new anon, until it is put to its page: [own]. */
struct anons_making {
	uint64_t *anon;         /* its word; NULL: none yet */
	void *slot;             /* what else the design needs; NULL */
	struct vm_page *page;
	struct vm_pv *pv;       /* NULL: the design keeps none */
};

/* The functions of a design for a page of an entry, in a fault: [M], [W]. */
struct anons_fault_ops {
	/* The whole pass, in place of the functions below, for a design in which a page
	 * may lie several objects away.  NULL: the others are called. */
	pmap_resolve_fn *pass;
	/* Make the amap the process's own, if this pass may change it.  NULL: it is;
	 * else the cache that had no object for that. */
	struct kmem_cache *(*own)(struct fctx *, void *entry);
	/* The word of the page's anon, with the lock of is_own; NULL: none, no lock. */
	uint64_t *(*find)(void *entry, uint64_t vpn);
	/* That lock is released.  page: f->word maps it, the anon's; NULL: it does not. */
	void (*found)(void *entry, uint64_t vpn, uint64_t *word, struct vm_page *);
	pmap_resolve_fn *read;          /* of a page without an anon */
	/* The anon, and what the slot takes.  NULL; the cache that had no object. */
	struct kmem_cache *(*make)(void *entry, uint64_t vpn, struct anons_making *);
	void (*unmake)(struct anons_making *); /* they are not used */
	/* f->word maps the new anon's page: it becomes the anon of f's page, also in
	 * place of a shared one.  from: the page that was copied; NULL: zeros. */
	void (*put)(struct fctx *, void *entry, struct anons_making *,
	    const struct vm_page *from);
};

/* The functions of a design; as->dpriv is not NULL. */
struct anons_ops {
	/* [M] or [W]: the first entry that ends behind vpn.  False: there is none. */
	bool (*next)(struct aspace *, uint64_t vpn, struct anons_range *);
	/* [W]: fn for the anons of [lo, hi) of all entries, until it returns not 0:
	 * that.  Around fn a lock of rank 7 guards the word's start of a read. */
	int (*each)(struct aspace *, uint64_t lo, uint64_t hi, anons_fn *, void *arg);
	/* [W]: as school->swapped, for anons that each() does not meet; NULL: none. */
	int (*swapped)(struct aspace *, struct swap_walk *);
	/* [W]: the entry leaves the tree and gives up its pages.  How many of them were
	 * charged when touched. */
	uint64_t (*end)(struct aspace *, void *entry);
	void (*free)(void *entry);     /* it is in no tree */
	/* [W], words are gone: all entries lose their anons of [lo, hi), and the charge
	 * of late ones is given back.  May not fail. */
	void (*drop)(struct aspace *, uint64_t lo, uint64_t hi);
	/* As anons_fn: no other slot, and no other process, has the anon. */
	bool (*is_own)(void *entry, const uint64_t *word);
	/* DONTNEED; [M] exclusive, takes [W].  0, or why nothing has changed. */
	int (*discard)(struct aspace *, void *entry, uint64_t lo, uint64_t hi);
	const struct anons_fault_ops *fault;
	/* Both [W]: the child gets the entry's pages from w->at to w->limit; w->at
	 * moves on, to w->limit or to the page for which it needs w->c.want. */
	void (*fork)(struct anons_fork *);
	/* [W]: text about an entry; nothing, if it has no anon. */
	void (*show)(void *entry, struct out *);
	/* freeze_spaces(): a VALID word that maps a page; an entry, and how many of its
	 * pages were charged when touched. */
	void (*check_word)(struct vm_report *, void *entry, va_t, uint64_t word);
	uint64_t (*check_entry)(struct vm_report *, const struct anons_range *);
};

/* anons.c */
bool anons_next(struct aspace *, uint64_t vpn, struct anons_range *); /* [M] or [W] */
bool anons_at(struct aspace *, uint64_t vpn, struct anons_range *);   /* that contains vpn */
#define ANONS_ENTRIES(r, as) \
	for ((r).end = 0; anons_next(as, (r).end, &(r));)
int anons_each(struct aspace *, uint64_t lo, uint64_t hi, anons_fn *, void *arg); /* [W] */
/* freeze_spaces(): fn for the entries of all spaces of a design. */
void anons_all_entries(const struct anons_ops *, anons_entry_fn *, void *arg);
static inline struct swap_words
anons_place(enum page_home home, uint64_t *word, uint64_t vpn)
{
	return (struct swap_words){ .word = word, .step = 1, .max = 1,
		.home = home, .index = vpn };
}
void anons_as_fini(struct aspace *);                              /* school->as_fini */
void anons_release(struct aspace *, struct vad *);                /* entries->release */
void anons_detach(struct aspace *, struct vad *);                 /* school->detach */
int anons_zap(struct aspace *, struct vm_maplink *, uint64_t lo, uint64_t hi,
    struct zap_job *);                                            /* school->zap */
int anons_by_turns(struct aspace *, const struct vad *, anons_turn_fn *, void *arg);
int anons_protect(struct aspace *, struct vad *, uint8_t prot);    /* school->protect */
struct vad *anons_lookup(struct aspace *, uint64_t vpn);          /* school->lookup */

/* anonsfault.c */
enum fault_outcome anons_fault(struct fctx *);                    /* school->fault */
/* For fault->read, too: with zeros. */
enum fault_outcome anons_new_page(struct fctx *, void *entry, const struct vm_page *from);

/* anonsfork.c */
int anons_dup(struct aspace *parent, struct aspace *child);       /* design->dup */
/* For anons->fork: the child has got pages, `late` of them charged when touched. */
void anons_fork_given(struct anons_fork *, uint64_t late);
bool anons_fork_is_pinned(const struct anons_fork *);              /* any page of the entry */
/* A page of the child's own, for the new anon `copy`.  False: w->c.want. */
bool anons_fork_copy(struct anons_fork *, uint64_t *word, uint64_t *copy);
bool anons_fork_refused(struct anons_fork *, struct kmem_cache *); /* false */
/* No record of this kind: 0, and want_get(); -ENOMEM. */
int anons_refused(struct want *, struct kmem_cache *, bool paid, unsigned *times);

/* anonsadvise.c */
int anons_advise(struct aspace *, struct vad *, uint64_t lo, uint64_t hi,
    int advice);                                                  /* school->advise */
int anons_swapped(struct aspace *, struct swap_walk *);           /* school->swapped */

/* anonswalk.c */
int anons_walk(struct aspace *, uint64_t lo, uint64_t hi, vm_walk_fn *, void *);
uint64_t anons_named(struct aspace *, va_t);
int anons_show(struct aspace *, uint64_t *at, struct out *);
/* The anon of a FORK or VALID/FORK word; NULL: it has just lost the page. */
uint64_t *anons_of(const struct aspace *, uint64_t word);

/* anonscheck.c */
void anons_check_word(struct aspace *, va_t, uint64_t word, struct vm_report *);
void anons_check_space(struct aspace *, struct vm_report *, struct vm_found *);

#endif
