/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow.h: objects in chains (book: seeds 003)
 *
 * Private for kernel/vm/design/shadow/.
 *
 * Typical life: a mapping has an object of its own, the top; a fork puts two new tops
 * in front of it, the parent's and the child's; what either stores goes to its top; when
 * one of the two goes, the other collapses with the object behind it.
 *
 * Tags beside those of space.h: [sh] sh_lock, the one lock of all objects and records,
 * rank 7; [check] freeze_spaces().
 */
#ifndef VM_DESIGN_SHADOW_SHADOW_H
#define VM_DESIGN_SHADOW_SHADOW_H

#include "vm/design/anons/anons.h"

/* A page of an object, in memory or on swap. */
struct sh_page {
	uint64_t word;         /* [P] TRANS, BUSY, SWAP, ERROR; 0: a hole, [sh] */
	struct rb_node rb;     /* [sh] object->pages, by index */
	uint64_t index;        /* [sh] in the object's numbers */
	uint32_t unseen;       /* [sh] children of its object that have this page themselves,
	                        * at most: so many, or fewer than there are */
	bool late;             /* [sh] charged, by each who sees it, when it was touched */
	uint32_t met;          /* [check] children that do not see it */
};

/*
 * The pages that a mapping has stored to; its parent has those from before a fork: the
 * vm_object of the seed.  A top has one entry and no child; the others only children.
 */
struct sh_object {
	struct rb_root pages;  /* [sh] */
	struct sh_page *last;  /* [sh] that was met last; NULL */
	uint64_t n, nlate;     /* [sh] in the tree, holes too; of these late */
	struct sh_object *parent; /* [sh] NULL: the mapping's object, or zeros */
	uint64_t off;          /* [sh] index + off: the same page of the parent */
	uint64_t lo, hi;       /* [sh] window: of the parent it sees these, own numbers */
	uint32_t num_children; /* [sh] objects whose parent it is */
	uintptr_t children;    /* [sh] XOR of their addresses: of one, it */
	struct list_node due;  /* [sh] one child is left: sh_collapse_due() */
	uint64_t try_at;       /* [sh] with so many pages it may cover its parent */
	uint32_t met;          /* [check] */
	uint32_t seen;         /* [check] in this run */
};

/* An entry of a map: in the VAD's dpriv. */
struct sh_entry {
	struct rb_node rb;     /* [M], [W] sh_space.entries, by start */
	struct aspace *as;     /* [c] */
	struct vad *vad;       /* [M] */
	uint64_t start, end;   /* [M] or [W] to read, both to change; vpn */
	struct sh_object *top; /* [W] to read, [sh] too to change; pages by vpn */
	bool is_in;            /* [M] in the tree */
};

/* as->dpriv; NULL: the space has ended. */
struct sh_space {
	struct rb_root entries; /* [M], [W] */
};

/* A page that a top sees: [own]. */
struct sh_seen {
	struct sh_page *page;
	struct sh_object *object; /* that has it */
	uint64_t vpn;
	unsigned depth;        /* parents that were passed */
};

#define SH_RECORD_PAGES 32u    /* a frame has the records of so many pages side by side */
#define SH_STEP 256u           /* pages in one hold of [sh] */

extern struct spinlock sh_lock;
extern struct list sh_due;             /* [sh] objects with one child, by their due */
extern struct kmem_cache sh_pages, sh_objects; /* who pays for records feeds them */

/* sh_object.c: one object */
void sh_init(void);
struct sh_object *sh_object_new(void);         /* without a page, a parent; NULL: no memory */
void sh_object_free(struct sh_object *);       /* the same again */
struct sh_page *sh_page_new(void);             /* in no object, a hole; NULL */
void sh_page_free(struct sh_page *);           /* in no object; its page or slot goes */
void sh_page_empty(struct sh_page *);          /* it becomes a hole */
struct sh_page *sh_find_locked(struct sh_object *, uint64_t index);    /* NULL */
struct sh_page *sh_from_locked(struct sh_object *, uint64_t index);    /* first from it on */
void sh_add_locked(struct sh_object *, struct sh_page *, uint64_t index);
void sh_take_locked(struct sh_object *, struct sh_page *);
void sh_set_late_locked(struct sh_object *, struct sh_page *, enum charged);

/* shadow.c: chains.  [sh] */
/* The page that the top sees at vpn; false: none, or a hole. */
bool sh_look_locked(struct sh_object *top, uint64_t vpn, struct sh_seen *);
/* The first from vpn on, below end; *_below_: as if it had no pages of its own. */
bool sh_next_locked(struct sh_object *top, uint64_t vpn, uint64_t end, struct sh_seen *);
bool sh_next_below_locked(struct sh_object *top, uint64_t vpn, uint64_t end,
    struct sh_seen *);
void sh_note_depth_locked(unsigned depth);     /* of a fault's look-up */
uint64_t sh_count_late(struct sh_object *top, uint64_t lo, uint64_t hi); /* takes [sh] */
void sh_link_locked(struct sh_object *, struct sh_object *parent, uint64_t off,
    uint64_t lo, uint64_t hi);                 /* it had none; an empty window: nothing */
/* It sees only [lo, hi) of its parent, if any.  A parent without children: the caller's,
 * for sh_release(); NULL. */
struct sh_object *sh_cut_locked(struct sh_object *, uint64_t lo, uint64_t hi);
struct sh_object *sh_leave_locked(struct sh_object *);         /* the same: it sees nothing */
void sh_share_locked(struct sh_entry *from, struct sh_object *front,
    struct sh_object *child, uint64_t lo, uint64_t hi);    /* a fork: child sees what from sees */
void sh_show_parents_locked(struct sh_object *, uint64_t index); /* it has it no more */
void sh_hide_locked(struct sh_seen *);         /* a child has this page itself from now on */
bool sh_is_alone_locked(const struct sh_seen *); /* no other child sees it */
void sh_raise_locked(struct sh_object *top, struct sh_seen *); /* it goes to the top */
void sh_move(struct sh_object *to, struct sh_object *from, uint64_t lo, uint64_t hi,
    uint64_t shift);                           /* takes [sh]: pages between tops of a space */
/* takes [sh]: free an object without children, then such parents.  NULL is allowed. */
void sh_release(struct sh_object *);
void sh_collapse_due(void);                    /* takes [sh]: who is the only child */
void sh_bypass_locked(struct sh_object *);     /* if it has all that its parent would show */

/* sh_entry.c */
struct sh_entry *sh_entry_from(const struct aspace *, uint64_t vpn);   /* first with end > vpn */
#define SH_ENTRIES(e, as, lo, hi) \
	for ((e) = sh_entry_from(as, lo); (e) != NULL && (e)->start < (hi); \
	    (e) = sh_entry_from(as, (e)->end))
int sh_as_init(struct aspace *);
int sh_prepare(struct aspace *, struct vad *, uint64_t start, uint64_t end);
void sh_attach(struct aspace *, struct vad *);
void sh_split(struct aspace *, struct vad *lo, struct vad *hi, uint64_t vpn);
int sh_merge(struct aspace *, struct vad *lo, struct vad *hi);
bool sh_next(struct aspace *, uint64_t vpn, struct anons_range *);
int sh_each(struct aspace *, uint64_t lo, uint64_t hi, anons_fn *, void *arg);
int sh_swapped(struct aspace *, struct swap_walk *);
uint64_t sh_end(struct aspace *, void *entry);
void sh_free(void *entry);

/* sh_fault.c */
extern const struct anons_fault_ops sh_fault_ops;

/* sh_fork.c */
void sh_fork(struct anons_fork *);

/* sh_change.c */
void sh_drop(struct aspace *, uint64_t lo, uint64_t hi);
int sh_mremap(struct aspace *, struct vad *from, struct vad *to, uint64_t n);
int sh_discard(struct aspace *, void *entry, uint64_t lo, uint64_t hi);
bool sh_is_own(void *entry, const uint64_t *word);

/* sh_ops.c */
extern const struct anons_ops sh_anon_ops;

/* sh_check.c */
int64_t sh_refs(struct aspace *, va_t, uint64_t word, uint64_t *named);
void sh_show(void *entry, struct out *);
void sh_check_word(struct vm_report *, void *entry, va_t, uint64_t word);
uint64_t sh_check_entry(struct vm_report *, const struct anons_range *);
void sh_check_end(struct vm_report *);
void sh_each_swapped(struct swap_walk *);

static inline struct swap_words
sh_place(struct sh_page *page, uint64_t vpn)
{
	return anons_place(HOME_SHADOW, &page->word, vpn);
}

#endif
