/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmo.h: the header of a memory object; its dirty pages are counted in vm/frame/pageio.c
 */
#ifndef VM_OBJECT_VMO_H
#define VM_OBJECT_VMO_H

#include "mem/pagetree.h"
#include "vm/objects.h"
#include "vm/space/space.h"

#define ANON_WORDS 10             /* of an anonymous object, in the header */

enum vmo_type { VMO_VNODE, VMO_AOBJ, VMO_DEVICE };

struct vmo {
	uint8_t type;                  /* [c] */
	uint8_t charged_whole;         /* [c] AOBJ of MAP_SHARED|MAP_ANONYMOUS: size charged */
	bool had_writer;               /* [X] a link may be VAD_WRITER; false: none is */
	const struct pager_ops *pager; /* [c] */
	void (*end)(struct vmo *);     /* [c] the last reference is gone */
	const struct vmo_client_ops *client_ops; /* [O] NULL: client is gone */
	void *client;                  /* [O] */
	_Atomic uint32_t refs;         /* [A] VADs + opens + node */
	uint64_t serial;               /* [c] of the key of futex words: an address comes again */
	struct spinlock lock;          /* rank 7 */
	uint64_t size;                 /* [O] bytes */
	uint64_t resize_seq;           /* [O] +1 on each change of size */
	uint32_t cuts;                         /* [O] truncates under way: pages beyond size go */
	struct mutex maps_lock;        /* rank 4 */
	struct list maps;              /* [X] vm_maplink */
	struct list_node all;          /* [L] */
	uint64_t n_resident;           /* [O] pages */
	uint64_t n_dirty;              /* [P] VNODE: pages with PF_DIRTY */
	union {
		struct {                       /* AOBJ */
			uint64_t words[ANON_WORDS]; /* [O] of pages, or of top tables: anon_top() */
			uint64_t n_tables;     /* [O] */
			uint64_t charged;      /* [O] commit pages held by the object */
			struct vmo_quota *quota; /* [c] a reference; NULL: none */
			uint64_t keep;         /* [O] pages below may exist, whatever the size */
			bool lost;             /* [O] a table could not be read: counts are guesses */
			_Atomic bool whole;    /* [A] sealed: MADV_REMOVE is refused */
		} a;
		struct {                       /* VNODE */
			struct page_tree pages; /* [O] by index */
			void *obj;             /* [c] what the pager calls it */
			struct sequences ahead; /* [O] reads of it, by calls and by faults */
			uint64_t hole_lo, hole_hi; /* [O] a hole is being made: no pages enter */
			uint64_t short_lo, short_hi; /* [O] pages that may lack blocks */
			_Atomic int wb_error;  /* [A] a write-back failed, nobody was told */
			uint32_t visits;       /* [L] write-back threads at it */
			_Atomic uint64_t dirty_since; /* [A] when n_dirty left 0 */
			bool closed;           /* [L] its owner goes: no new visits */
		} v;
		struct {                       /* DEVICE */
			pa_t base;             /* [c] physical address of its first byte */
		} d;
	};
};

_Static_assert(sizeof(struct vmo) <= 320, "small");

/* The words of pages [first, end) lie in the header, one behind the other (depth 0), or
 * below one word of the header, which leads to 512^depth pages. */
struct anon_top {
	unsigned word;                 /* [own] of the header, on the way to the page */
	unsigned depth;                /* [own] tables between it and the page's own */
	uint64_t first, end;           /* [own] */
};
struct anon_top anon_top(uint64_t pgoff);            /* anon.c; pgoff < VMO_MAX_PAGES */

/* Locks: any; the caller has a reference or the object's VAD. */
static inline void
vmo_get(struct vmo *vmo)
{
	ASSERT(vmo->refs > 0);
	vmo->refs++;
}

/* A special object: a physical range, without pages.  NULL: anonymous memory. */
static inline bool
vmo_is_device(const struct vmo *vmo)
{
	return vmo != NULL && vmo->type == VMO_DEVICE;
}

#endif
