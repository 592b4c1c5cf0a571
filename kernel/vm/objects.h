/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objects.h: the door of the virtual memory manager for file systems
 *
 * Offers    memory objects, pages of files and their pagers, swap areas.
 * Needs     vm.h: the bytes of users.
 * Sleeps?   All but *_get and those that say so.
 * In interrupts?  Never.
 */
#ifndef VM_OBJECTS_H
#define VM_OBJECTS_H

#include "vm/vm.h"

/* ---- memory objects (vmo.c, maplink.c, anon.c) ---- */

#define VMO_MAX_PAGES (1ul << 36) /* 256 TiB */

/* For /proc/PID/maps: name and number of the object. */
struct vmo_ident {
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	char *path;       /* room bytes; "" at first: it has no name */
	size_t room;
	bool is_short;    /* more room is needed */
};
/* Filled in by fs/ for its objects; called under [O], but for punch. */
struct vmo_client_ops {
	void (*ident)(void *client, struct vmo_ident *);
	/* Somebody stores through a shared mapping: update the times.  NULL: none. */
	void (*stored)(void *client);
	/* The current thread has added or removed a mapping.  NULL: not called. */
	void (*mapped)(void *client, bool more);
	/* May the caller know which pages are in memory?  NULL: if it maps them. */
	bool (*tells)(void *client);
	/* Keep the client for punch(); false: it is going away. */
	bool (*hold)(void *client);
	/* No lock of rank >= 1: a hole, as the client allows it; ends the hold. */
	int (*punch)(void *client, uint64_t off, uint64_t len);
	/* No lock: the last reference is gone, the object ends.  NULL: none. */
	void (*ended)(void *client);
};

/* Anonymous object (tmpfs, shared anonymous memory); refs 1.  price: pages charged for
 * all of it, or 0: each when it is made.  NULL: no memory. */
struct vmo *vmo_create_anon(uint64_t bytes, uint64_t price,
    const struct vmo_client_ops *, void *client);
/* Special object: physical addresses that are not RAM; refs 1.
 * NULL: no memory. */
struct vmo *vmo_create_device(pa_t base, uint64_t bytes, const struct vmo_client_ops *,
    void *client);
/* How many pages the objects of one owner, a file system, have together, and their
 * limit (quota.c).  An object keeps a reference as long as it lives. */
struct vmo_quota;
#define QUOTA_NONE UINT64_MAX                      /* no limit */
struct vmo_quota *vmo_quota_create(void);          /* QUOTA_NONE; NULL: no memory */
void vmo_quota_put(struct vmo_quota *);
/* Its owner and its objects; pages; pages, or QUOTA_NONE. */
enum quota_figure { QUOTA_REFS, QUOTA_USED, QUOTA_MAX };
uint64_t vmo_quota(struct vmo_quota *, enum quota_figure);
int vmo_quota_limit(struct vmo_quota *, uint64_t pages);  /* -EINVAL: too few */
void vmo_set_quota(struct vmo *, struct vmo_quota *); /* before its first page */
bool vmo_quota_has_writer(struct vmo_quota *);     /* MAPS_OF_WRITERS: one has such */
void vmo_put(struct vmo *);
uint64_t vmo_size(struct vmo *);
uint32_t vmo_refs(struct vmo *);                   /* 1: the caller's alone */
/* The client is going away; mappings may live on. */
void vmo_forget_client(struct vmo *);
void vmo_change_client(struct vmo *, const struct vmo_client_ops *, void *client);
int vmo_resize(struct vmo *, uint64_t bytes) MUST_CHECK;   /* book: truncate */
/* Bytes moved, short at the end of the object; -EFAULT, -ENOSPC, -EINTR.  Writing
 * does not grow the object: the caller resizes first. */
ssize_t vmo_read(struct vmo *, uint64_t off, struct uio *);
ssize_t vmo_write(struct vmo *, uint64_t off, struct uio *);
uint64_t vmo_pages(struct vmo *);                           /* that exist */
int vmo_punch(struct vmo *, uint64_t off, uint64_t len) MUST_CHECK;
/* Make page pg of an anonymous object, also behind the end; there it
 * is kept until the object is cut or punched.  0, -ENOSPC, -EINTR. */
int vmo_allocate(struct vmo *, uint64_t pg) MUST_CHECK;
/* Next page index >= pg that exists (SEEK_DATA), or UINT64_MAX. */
uint64_t vmo_next_page(struct vmo *, uint64_t pg);
void vmo_keep_whole(struct vmo *);           /* anonymous: no holes from now on */
/* All; those that are shared, and may be written by maxprot; those made from an open file
 * that can write, shared or private. */
enum vmo_maps { MAPS_ALL, MAPS_WRITABLE, MAPS_OF_WRITERS };
uint64_t vmo_mappings(struct vmo *, enum vmo_maps);
bool vmo_try_get(struct vmo *);              /* false: the last reference is gone */

/* ---- pages of files (pagecache.c): fs/ supplies the pager ---- */

/* Called with no lock of rank >= 2; of several pages each may be tried again alone. */
struct pager_ops {
	/* Fill n adjacent pages from page idx on, holes with zeros; sleeps until done.
	 * 0, -EIO. */
	int (*in)(void *obj, uint64_t idx, struct vm_page **, int n);
	/* Write them; sleeps until done; blocks exist (extend).  0, -EIO. */
	int (*out)(void *obj, uint64_t idx, struct vm_page **, int n);
	/* Free the blocks of pages [idx, idx + n): a hole.  Blocks behind the end
	 * after vmo_resize() are freed by the caller.  0, -EIO.  NULL: no holes. */
	int (*free)(void *obj, uint64_t idx, int n);
	bool (*is_allocated)(void *obj, uint64_t idx); /* false: a hole, reads as zero */
	uint64_t (*hole)(void *obj, uint64_t idx); /* of so many pages; NULL: of one */
	/* Make sure page idx has a block before it becomes dirty, unless it has
	 * left the file (cache_is_page).  0, -ENOSPC, -EIO. */
	int (*extend)(void *obj, uint64_t idx, struct vm_page *);
	/* Make the pages that out() has written durable, with size and times: a power
	 * cut does not lose them; sleeps.  0, -EIO.  NULL: nothing to do. */
	int (*sync)(void *obj);
};

/* A vnode object of so many bytes; refs 1.  NULL: no memory.  Its end: when
 * vmo_refs() is 1, vmo_sync() or vmo_resize(0), vmo_forget_client() (waits for the
 * write-back thread; then the pager is not called any more), vmo_put(). */
struct vmo *vmo_create_file(const struct pager_ops *, void *obj, uint64_t bytes,
    const struct vmo_client_ops *, void *client);
/* One page, read in if absent, pinned: metadata of file systems.  By direct map. */
int cache_page(struct vmo *, uint64_t idx, struct vm_page **out) MUST_CHECK;
void cache_unpin(struct vm_page *, enum page_dirt);
bool cache_is_page(const struct vmo *, uint64_t idx, const struct vm_page *);
/* Write the dirty pages [lo, hi), mapped ones too, and wait.  0, first error; an
 * error of the write-back thread is told once. */
int vmo_sync(struct vmo *, uint64_t lo, uint64_t hi) MUST_CHECK;
/* The n bytes at src are on the disk now, at off: copy them into the resident
 * pages.  For a writer that bypasses the object; sleeps while a page is being read. */
void vmo_refresh(struct vmo *, uint64_t off, const void *src, size_t n);
/* Drop clean, unmapped, unpinned pages (drop_caches, umount). */
void vmo_drop_clean(struct vmo *);
void vmo_drop_range(struct vmo *, uint64_t lo, uint64_t hi); /* of pages [lo, hi) */
SYSTEM_ONLY void vmo_drop_clean_all(void);                /* the same for all files */

/* ---- swap areas (swaparea.c, swapoff.c): fs/ opens what they lie on ---- */

#define SWAP_FLAG_PRIO_MASK 0x7fffu
#define SWAP_FLAG_PREFER 0x8000u
#define SWAP_FLAG_DISCARD 0x10000u /* and _ONCE, _PAGES: no disk of ours wants it */
#define SWAP_FLAGS_VALID 0x7ffffu

struct bdev;
struct swap_run {               /* so many pages from a sector on */
	uint64_t sector, pages;
};
struct swap_source {
	struct bdev *dev;       /* of the run: the disk below a file */
	uint64_t bytes;
	const void *header;     /* the first page */
	const char *path;       /* for /proc/swaps */
	unsigned flags;         /* SWAP_FLAG_* */
	/* A file: where pages from idx on lie, at most max.  0; -EAGAIN: the blocks
	 * of page idx lie apart; -EINVAL: a hole; -EIO.  NULL: the whole device. */
	int (*run)(void *client, uint64_t idx, uint64_t max, struct swap_run *);
	void *client;           /* NULL: a device */
};
/* Begin; keeps dev and client until swap_off(*no) has returned 0. */
SYSTEM_ONLY int swap_on(const struct swap_source *, unsigned *no) MUST_CHECK;
/* Bring all pages back; sleeps long.  0, -ENOMEM, -EINTR: it is used as before. */
SYSTEM_ONLY int swap_off(unsigned no) MUST_CHECK;

#endif
