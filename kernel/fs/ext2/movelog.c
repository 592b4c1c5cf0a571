/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * movelog.c: a directory moves to another one in a single step
 *
 * Problem   Three blocks change: with the old name, with the new one, and with
 *           "..".  e2fsck -p accepts no directory with two names or none, and
 *           no wrong ".."; so in every order of these writes there is a state
 *           in between that it does not repair.
 *
 * Picture   e2fsck does replay a journal.  So there is one, in the format of
 *           ext3, while the move lasts:
 *
 *           blocks → log | "there is a log" | log begins ← the step
 *             | blocks → their places | log is empty | "there is none"
 *
 *           with a FLUSH at each bar.  A cut before the step: nothing has
 *           moved.  Behind it: e2fsck -p writes all three from the log.
 *
 * Rules     Before the move all else is written, and the new directory has
 *           room for the name: so the log has these three blocks only.
 *
 * Read next movefile.c, commit.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define LOG_MAGIC 0xc03b3998u
#define LOG_DESCRIPTOR 1u
#define LOG_COMMIT 2u
#define LOG_SUPER 4u
#define TAG_SAME_UUID 2u
#define TAG_LAST 8u

enum log_state { LOG_EMPTY, LOG_BEGINS };

/* ---- the blocks of the log ---- */

static uint32_t
big(uint32_t v)
{
	return __builtin_bswap32(v);
}

/* The page, cleared but for a header. */
static uint32_t *
page_begin(struct ext2_fs *fs, uint32_t type, uint32_t seq)
{
	uint32_t *p = pa2va(page_pa(fs->log.page));

	memset(p, 0, PAGE_SIZE);
	if (type != 0)
		p[0] = big(LOG_MAGIC);
	p[1] = big(type);
	p[2] = big(seq);
	return p;
}

/* Bytes at off of a page become block i of the log. */
static int
log_put(struct ext2_fs *fs, unsigned i, struct vm_page *pg, unsigned off)
{
	struct bio b;
	int r;

	bio_init(&b, fs->dev, (uint64_t)fs->log.blk[i] << (fs->bs_shift - SECTOR_SHIFT),
	    BIO_WRITE);
	bio_add(&b, pg, off, fs->bs);
	r = meta_submit(fs, &b);
	atomic_store(&fs->written, true);
	if (r == 0)
		blkfile_wrote(&b);
	return r;
}

/* Block 0 says where the log begins, if it does. */
static int
super_put(struct ext2_fs *fs, enum log_state state)
{
	uint32_t *p = page_begin(fs, LOG_SUPER, 0);
	int r;

	p[3] = big(fs->bs);
	p[4] = big(fs->log.len);
	p[5] = big(1); /* its first block */
	p[6] = big(fs->log.seq);
	p[7] = big(state == LOG_BEGINS ? 1 : 0);
	p[16] = big(1); /* users */
	r = log_put(fs, 0, fs->log.page, 0);
	return r != 0 ? r : meta_barrier(fs);
}

/* Which blocks, the blocks, "that was all", and nothing behind it. */
static int
body_put(struct ext2_fs *fs, struct ext2_buf **buf, unsigned n)
{
	uint32_t *p = page_begin(fs, LOG_DESCRIPTOR, fs->log.seq);
	unsigned i;
	int r;

	for (i = 0; i < n; i++) {
		p[3 + 2 * i] = big(buf[i]->blk);
		p[4 + 2 * i] = big(TAG_SAME_UUID | (i + 1 == n ? TAG_LAST : 0));
	}
	r = log_put(fs, 1, fs->log.page, 0);
	for (i = 0; i < n && r == 0; i++)
		r = log_put(fs, 2 + i, buf[i]->page, (unsigned)(((uint64_t)
		    buf[i]->blk << fs->bs_shift) & PAGE_MASK));
	page_begin(fs, LOG_COMMIT, fs->log.seq);
	if (r == 0)
		r = log_put(fs, 2 + n, fs->log.page, 0);
	page_begin(fs, 0, 0);
	return r != 0 ? r : log_put(fs, 3 + n, fs->log.page, 0);
}

/* ---- what the disk says of it ---- */

static int
write_now(struct ext2_fs *fs, enum ext2_kind kind)
{
	int r = meta_write(fs, kind);

	return r != 0 ? r : meta_barrier(fs);
}

/* The superblock: there is a log to be looked at, or not any more. */
static int
mark_put(struct ext2_fs *fs, enum log_state state)
{
	int r;

	fs->sb.incompat &= ~EXT2_INCOMPAT_RECOVER;
	if (state == LOG_BEGINS)
		fs->sb.incompat |= EXT2_INCOMPAT_RECOVER;
	if (fs->log.file != NULL) {
		fs->sb.compat &= ~EXT2_COMPAT_JOURNAL;
		if (state == LOG_BEGINS)
			fs->sb.compat |= EXT2_COMPAT_JOURNAL;
		fs->sb.journal_inum = state == LOG_BEGINS ? EXT2_LOG_INO : 0;
	}
	r = ext2_super_store(fs);
	return r != 0 ? r : write_now(fs, META_ALLOC);
}

/* Inode 8 gets the blocks of our file, or gives them back. */
static int
inode_put(struct ext2_fs *fs, enum log_state state)
{
	struct ext2_disk_inode raw = { .mode = S_IFREG | 0600, .links = 1,
		.size = fs->log.len << fs->bs_shift };
	uint32_t blk, off;
	void *data;
	int r;

	if (fs->log.file == NULL)
		return 0;
	inode_place(fs, EXT2_LOG_INO, &blk, &off);
	r = meta_edit(fs, blk, META_INODE, &data);
	if (r != 0)
		return r;
	raw.mtime = raw.ctime = raw.atime = (uint32_t)kts_now().sec;
	raw.sectors = (uint32_t)fs->log.file->sectors;
	memcpy(raw.block, ext2_inode_of(fs->log.file)->block, sizeof(raw.block));
	memset((char *)data + off, 0, fs->inode_size);
	if (state == LOG_BEGINS)
		memcpy((char *)data + off, &raw, EXT2_OLD_INODE);
	return write_now(fs, META_INODE);
}

/* ---- the step, within a commit ---- */

static int
logged(struct ext2_fs *fs, struct ext2_buf **buf, unsigned n)
{
	int r;

	fs->log.seq++;
	r = body_put(fs, buf, n);
	if (r == 0)
		r = super_put(fs, LOG_EMPTY);
	if (r == 0)
		r = inode_put(fs, LOG_BEGINS);
	if (r == 0)
		r = mark_put(fs, LOG_BEGINS);
	if (r == 0)
		r = super_put(fs, LOG_BEGINS);
	if (r == 0)
		r = write_now(fs, META_MOVE);
	if (r == 0)
		r = super_put(fs, LOG_EMPTY);
	if (r == 0)
		r = mark_put(fs, LOG_EMPTY);
	return r != 0 ? r : inode_put(fs, LOG_EMPTY);
}

/* Hold further blocks that the step will change.  As meta_hold(). */
int
movelog_hold(struct ext2_fs *fs)
{
	return inode_hold(fs, EXT2_LOG_INO);
}

/*
 * Write the blocks that a move has changed, all or none.
 *
 * Locks:    the gate is closed; what is not of the move was written.
 * Returns:  0, -EIO, -ENOMEM.
 */
int
movelog_run(struct ext2_fs *fs)
{
	struct ext2_buf *buf[EXT2_LOG_MOVE], *b;
	unsigned n = 0;

	ASSERT(fs->gate.closed);
	LIST_FOREACH(b, &fs->dirty[META_MOVE], all) {
		if (n < EXT2_LOG_MOVE)
			buf[n] = b;
		n++;
	}
	if (n == 0)
		return 0;
	if (!fs->log.ready || n > EXT2_LOG_MOVE)
		return ext2_error(fs, "a move of %u blocks", n);
	return logged(fs, buf, n);
}
