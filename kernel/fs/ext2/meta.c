/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meta.c: blocks that the file system itself reads and changes
 *
 * Problem   Bitmaps, inode tables, directories and block maps are read often
 *           and changed in small pieces; after a power cut the disk must hold
 *           a state that e2fsck can repair, so the order of writing matters.
 *
 * Picture   the page cache of the device, which its node /dev/sda shows too
 *           (blkfile.c): a page is 1, 2 or 4 blocks
 *              meta_get  → pinned while looked at
 *              meta_edit → struct ext2_buf: pinned until a commit ends
 *           fs->dirty[NEW | MAP | INODE | DIR | ALLOC] ─meta_write→ disk, HELD
 *
 * Rules     1. To the VM these pages are always clean: it may drop them when
 *              they are not pinned, but never writes one on its own.
 *           2. Before a change of a block meta_edit() is called, inside the
 *              gate; the commit closes the gate, so nothing changes under it.
 *           3. A block is written alone, not with its page: its neighbours
 *              may be data of files, which this page shows as of their last
 *              write-back (blkfile_wrote), or older after an error.
 *           4. A freed block is not written any more: that would destroy what
 *              lies there next.  Its page stays pinned to the end of the
 *              commit: on a damaged disk someone else may be looking at it.
 *              The node may show it as memory had it last, until it is used.
 *           5. A commit waits for memory: half of one cannot be undone, and
 *              an error would make the file system read-only.  For the same
 *              reason a commit holds all blocks that it will change before it
 *              writes the first, and reads none in between.
 *           6. The pages outlive the mount: changes that could not be written are
 *              undone at its end, so the node shows the bytes of the disk.
 *           7. On a damaged disk a block may also belong to a file, whose
 *              write-back then changes it here at any moment (blkfile_wrote).
 *              So code that reads a block that a file could own reads each
 *              word once, checks that copy, and uses nothing else.
 *           8. A failed write of a commit is tried again for a while: errors may
 *              pass, and half of a commit cannot be undone.
 *           9. A sector that cannot be read makes its whole page unreadable.  For
 *              reading, the other sectors are then read alone: bytes that have
 *              no page are as on the disk.  Else each commit that changes one of
 *              them would be put off.
 *
 * Read next commit.c for the order of the kinds.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define MEMORY_NS 10000000ul    /* rule 5: so often it is asked again */
#define MEMORY_TRIES 1000u      /* and so many times */
#define WRITE_NS 10000000ul     /* rule 8: the first pause, each twice the one before */
#define WRITE_TRIES 6u          /* 310 ms in all */

static struct kmem_cache buf_cache = KMEM_CACHE("ext2_buf", struct ext2_buf);

static void buf_drop(struct ext2_fs *fs, struct ext2_buf *b);

/*
 * Before anything else of this file.
 *
 * Locks:    none.
 */
void
meta_open(struct ext2_fs *fs)
{
	unsigned i;

	for (i = 0; i < META_KINDS; i++)
		list_init(&fs->dirty[i]);
	for (i = 0; i < EXT2_HASH; i++)
		list_init(&fs->bufs[i]);
	fs->meta = blkfile_vmo(fs->dev);
}

/* Rule 6. */
static void
buf_undo(struct ext2_fs *fs, struct ext2_buf *buf)
{
	uint64_t at = (uint64_t)buf->blk << fs->bs_shift;
	struct bio b;

	if (buf->kind == META_HELD) {
		buf_drop(fs, buf);
		return;
	}
	bio_init(&b, fs->dev, at >> SECTOR_SHIFT, BIO_READ);
	bio_add(&b, buf->page, (unsigned)(at & PAGE_MASK), fs->bs);
	if (blk_submit_wait(&b) != 0)
		klog("ext2: %s: block %u differs from the disk until it is "
		    "read again", fs->dev->name, buf->blk);
	buf_drop(fs, buf);
}

/* Blocks that are still dirty (after an error) are lost.  Locks: none. */
void
meta_close(struct ext2_fs *fs)
{
	unsigned i;

	if (fs->meta == NULL)
		return;
	mutex_lock_nested(&fs->meta_lock);
	for (i = 0; i < META_KINDS; i++)
		while (!list_is_empty(&fs->dirty[i]))
			buf_undo(fs, LIST_ENTRY(list_first(&fs->dirty[i]),
			    struct ext2_buf, all));
	mutex_unlock(&fs->meta_lock);
}

/* ---- looking ---- */

/* The page of blk, pinned, and blk's place in it. */
static int
block_pin(struct ext2_fs *fs, uint32_t blk, struct vm_page **pg, void **data)
{
	uint64_t at = (uint64_t)blk << fs->bs_shift;
	int r;

	if (blk >= fs->sb.blocks_count)
		return ext2_error(fs, "block %u is outside of the device", blk);
	r = cache_page(fs->meta, at >> PAGE_SHIFT, pg);
	if (r == 0)
		*data = (char *)pa2va(page_pa(*pg)) + (at & PAGE_MASK);
	return r;
}

/* Rule 5: r is -ENOMEM, and will not be for ever. */
static bool
ask_again(const struct ext2_fs *fs, int r, unsigned *tries)
{
	if (r != -ENOMEM || !atomic_load(&fs->gate.closed) ||
	    ++*tries > MEMORY_TRIES)
		return false;
	(void)sleep_until(md_time_ns() + MEMORY_NS, WAIT_PLAIN);
	return true;
}

/* Rule 9: the sectors of a block with n bytes at off.  0, -EIO, -ENOMEM. */
static int
block_copy(struct ext2_fs *fs, uint32_t blk, uint32_t off, uint32_t n,
    struct ext2_ref *ref)
{
	uint64_t at = ((uint64_t)blk << fs->bs_shift) + off;
	ssize_t r;

	ref->copy = kmem_zalloc(fs->bs);
	if (ref->copy == NULL)
		return -ENOMEM;
	r = blk_rw_bytes(fs->dev, at, (char *)ref->copy + off, n, BIO_READ);
	ref->data = ref->copy;
	if (r == (ssize_t)n)
		return 0;
	meta_put(ref);
	return r < 0 ? (int)r : -EIO;
}

/*
 * Look at n bytes at off of a block.
 *
 * Locks:    any of this room; may sleep.
 * Returns:  0, -EIO, -EUCLEAN, -ENOMEM.
 * Owns:     what meta_put() gives back.
 */
int
meta_get_bytes(struct ext2_fs *fs, uint32_t blk, uint32_t off, uint32_t n,
    struct ext2_ref *ref)
{
	void *data = NULL;
	unsigned tries = 0;
	int r;

	*ref = (struct ext2_ref){ .page = NULL };
	do
		r = block_pin(fs, blk, &ref->page, &data);
	while (ask_again(fs, r, &tries));
	ref->data = data;
	if (r != 0)
		ref->page = NULL;
	if (r == -EIO && atomic_load(&fs->readonly))
		r = block_copy(fs, blk, off, n, ref);
	return r;
}

/* Look at a block; the rest as of meta_get_bytes(). */
int
meta_get(struct ext2_fs *fs, uint32_t blk, struct ext2_ref *ref)
{
	return meta_get_bytes(fs, blk, 0, fs->bs, ref);
}

/* The counterpart; also of a get that failed. */
void
meta_put(struct ext2_ref *ref)
{
	if (ref->page != NULL)
		cache_unpin(ref->page, PAGE_CLEAN);
	kmem_free(ref->copy);
	ref->page = NULL;
	ref->copy = NULL;
}

/* ---- changing ---- */

static struct ext2_buf *
buf_find(struct ext2_fs *fs, uint32_t blk)
{
	struct ext2_buf *b;

	LIST_FOREACH(b, &fs->bufs[blk % EXT2_HASH], hash)
		if (b->blk == blk)
			return b;
	return NULL;
}

static void
buf_drop(struct ext2_fs *fs, struct ext2_buf *b)
{
	list_remove(&b->all);
	list_remove(&b->hash);
	cache_unpin(b->page, PAGE_CLEAN);
	kmem_cache_free(&buf_cache, b);
	fs->nbufs--;
}

static int
buf_make(struct ext2_fs *fs, uint32_t blk, struct ext2_buf **out)
{
	struct ext2_buf *b = kmem_cache_zalloc(&buf_cache);
	int r;

	if (b == NULL)
		return -ENOMEM;
	r = block_pin(fs, blk, &b->page, &b->data);
	if (r != 0) {
		kmem_cache_free(&buf_cache, b);
		return r;
	}
	b->blk = blk;
	list_push_back(&fs->bufs[blk % EXT2_HASH], &b->hash);
	list_node_init(&b->all);
	fs->nbufs++;
	*out = b;
	return 0;
}

/*
 * blk will be changed at *data, which stays valid while the caller is inside
 * the gate.  kind: when the next commit writes it; a NEW block stays NEW.
 *
 * Locks:    inside the gate, or it is closed; takes meta_lock.
 * Returns:  0, -ENOMEM, -EIO, -EUCLEAN.
 */
int
meta_edit(struct ext2_fs *fs, uint32_t blk, enum ext2_kind kind, void **data)
{
	unsigned tries = 0;
	struct ext2_buf *b;
	int r = 0;

	if (kind == META_DIR && fs->log.moving)
		kind = META_MOVE;
	mutex_lock_nested(&fs->meta_lock);
	b = buf_find(fs, blk);
	if (b == NULL) {
		do
			r = buf_make(fs, blk, &b);
		while (ask_again(fs, r, &tries));
		if (r == 0)
			b->kind = (uint8_t)kind;
	} else if (b->kind != META_NEW) {
		b->kind = (uint8_t)kind;
	}
	if (r == 0) {
		list_remove(&b->all);
		list_push_back(&fs->dirty[b->kind], &b->all);
		*data = b->data;
	}
	mutex_unlock(&fs->meta_lock);
	return r;
}

/*
 * A commit will look at blk, or change it: it stays in memory until one ends.
 *
 * Locks:    inside the gate, or it is closed; takes meta_lock.
 * Returns:  0, -ENOMEM, -EIO, -EUCLEAN.
 */
int
meta_hold(struct ext2_fs *fs, uint32_t blk)
{
	unsigned tries = 0;
	struct ext2_buf *b;
	int r = 0;

	mutex_lock_nested(&fs->meta_lock);
	if (buf_find(fs, blk) == NULL) {
		do
			r = buf_make(fs, blk, &b);
		while (ask_again(fs, r, &tries));
		if (r == 0) {
			b->kind = META_HELD;
			list_push_back(&fs->dirty[META_HELD], &b->all);
		}
	}
	mutex_unlock(&fs->meta_lock);
	return r;
}

/* The same for a block just allocated: zeroed, and written before all else. */
int
meta_edit_new(struct ext2_fs *fs, uint32_t blk, void **data)
{
	int r = meta_edit(fs, blk, META_NEW, data);

	if (r == 0)
		memset(*data, 0, fs->bs);
	return r;
}

/* blk was freed: rule 4.  Locks: inside the gate. */
void
meta_forget(struct ext2_fs *fs, uint32_t blk)
{
	struct ext2_buf *b;

	mutex_lock_nested(&fs->meta_lock);
	b = buf_find(fs, blk);
	if (b != NULL) {
		b->kind = META_FORGOT;
		list_remove(&b->all);
		list_push_back(&fs->dirty[META_FORGOT], &b->all);
	}
	mutex_unlock(&fs->meta_lock);
}

/* The counterpart of meta_hold() and meta_forget().  Locks: the gate is closed. */
void
meta_drop_held(struct ext2_fs *fs)
{
	static const enum ext2_kind kinds[] = { META_FORGOT, META_HELD };
	unsigned i;

	ASSERT(fs->gate.closed);
	mutex_lock_nested(&fs->meta_lock);
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		struct list *l = &fs->dirty[kinds[i]];

		while (!list_is_empty(l))
			buf_drop(fs, LIST_ENTRY(list_first(l), struct ext2_buf,
			    all));
	}
	mutex_unlock(&fs->meta_lock);
}

/* ---- writing ---- */

/* Put the first of the list, and those that follow it on the disk, into b. */
static unsigned
bio_fill(struct ext2_fs *fs, struct list *l, struct bio *b)
{
	struct ext2_buf *first = LIST_ENTRY(list_first(l), struct ext2_buf, all);
	struct ext2_buf *buf;
	unsigned n = 0;

	bio_init(b, fs->dev, (uint64_t)first->blk << (fs->bs_shift - SECTOR_SHIFT),
	    BIO_WRITE);
	LIST_FOREACH(buf, l, all) {
		uint64_t at = (uint64_t)buf->blk << fs->bs_shift;

		if (n == BIO_PAGES || buf->blk != first->blk + n)
			break;
		bio_add(b, buf->page, (unsigned)(at & PAGE_MASK), fs->bs);
		n++;
	}
	return n;
}

/*
 * Rule 8: a write or FLUSH of a commit, a write of pages.
 *
 * Context:  may sleep.
 * Returns:  0, -EIO: each time.
 */
int
meta_submit(struct ext2_fs *fs, struct bio *b)
{
	uint64_t pause = WRITE_NS;
	unsigned tries;
	int r = blk_submit_wait(b);

	for (tries = 1; r == -EIO && tries < WRITE_TRIES; tries++) {
		EVENT(ext2_commit_retry);
		(void)sleep_until(md_time_ns() + pause, WAIT_PLAIN);
		pause *= 2;
		r = blk_submit_wait(b);
	}
	return r;
}

/*
 * Write all dirty blocks of a kind; they are clean then, and held.
 *
 * Locks:    the gate is closed.
 * Returns:  0, -EIO: blocks that were not written stay dirty.
 */
int
meta_write(struct ext2_fs *fs, enum ext2_kind kind)
{
	struct list *l = &fs->dirty[kind];
	struct ext2_buf *buf;
	struct bio b;
	unsigned n;
	int r = 0;

	ASSERT(fs->gate.closed);
	mutex_lock_nested(&fs->meta_lock);
	while (r == 0 && !list_is_empty(l)) {
		n = bio_fill(fs, l, &b);
		r = meta_submit(fs, &b);
		atomic_store(&fs->written, true);
		if (r == 0)
			blkfile_wrote(&b);
		while (r == 0 && n-- != 0) {
			buf = LIST_ENTRY(list_pop_front(l), struct ext2_buf,
			    all);
			buf->kind = META_HELD;
			list_push_back(&fs->dirty[META_HELD], &buf->all);
		}
	}
	mutex_unlock(&fs->meta_lock);
	return r;
}

/*
 * What was written lies on the disk before anything written later.  Pages of files
 * are written beside it (pager_out): one that comes while the FLUSH runs is not of
 * it, and needs the next.
 *
 * Returns:  0, -EIO.
 */
int
meta_barrier(struct ext2_fs *fs)
{
	struct bio b;
	int r;

	ASSERT(fs->gate.closed);
	if (!atomic_xchg(&fs->written, false))
		return 0;
	bio_init(&b, fs->dev, 0, BIO_FLUSH);
	r = meta_submit(fs, &b);
	if (r != 0)
		atomic_store(&fs->written, true);
	return r;
}
