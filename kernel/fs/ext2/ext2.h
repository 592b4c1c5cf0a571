/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2.h: the format on the disk, and the structures in memory
 *
 * Picture   superblock → groups → bitmaps, inode table
 *           inode → block[15] → data, or blocks of block numbers (bmap.c)
 *           directory: its blocks hold entries, name → inode (dir.c)
 *
 * Lock order (all sleeping, LR_VNODE, in this order only):
 *           flusher → mount->tree → vnode->lock → gate (gate.c)
 *                   → ilock → bmap of one inode → alloc → meta
 *
 * Tags      as in fsdat.h, and
 *           [G] inside the gate, or while it is closed
 *           [I] fs->ilock          [B] inode->bmap
 *           [a] fs->alloc          [m] fs->meta
 *           [g] fs->gate.lock
 */
#ifndef FS_EXT2_EXT2_H
#define FS_EXT2_EXT2_H

#include "fs/fsdat.h"
#include "lib/tree.h"

/* ---- on the disk, little-endian ---- */

#define EXT2_MAGIC 0xef53
#define EXT2_MIN_BLOCK 1024u
#define EXT2_ROOT_INO 2u
#define EXT2_OLD_FIRST_INO 11u   /* of revision 0: those below are the file system's */
#define EXT2_SB_OFFSET 1024u
#define EXT2_LINK_MAX 32000u
#define EXT2_NDIRECT 12u
#define EXT2_NBLOCKS 15u
#define EXT2_FAST_LINK 60u        /* bytes of text that fit into block[] */

#define EXT2_VALID 1u             /* state: unmounted orderly */
#define EXT2_HAS_ERRORS 2u

#define EXT2_COMPAT_JOURNAL 0x4u
#define EXT2_COMPAT_EXT_ATTR 0x8u
#define EXT2_INCOMPAT_FILETYPE 0x2u
#define EXT2_INCOMPAT_RECOVER 0x4u /* the journal has something to say */
#define EXT2_RO_SPARSE 0x1u
#define EXT2_RO_LARGE 0x2u

/* Inode flags beside FS_*_FL; what else there is, is kept. */
#define EXT2_KEPT_FL 0x380ffu     /* that programs may set */
#define EXT2_INHERITED_FL 0x1c6cfu /* that a directory gives to a new one in it */
#define EXT2_INDEX_FL 0x1000u     /* directory has a hash tree */

struct ext2_sb {
	uint32_t inodes_count, blocks_count, r_blocks_count;
	uint32_t free_blocks, free_inodes, first_data_block;
	uint32_t log_block_size, log_frag_size;
	uint32_t blocks_per_group, frags_per_group, inodes_per_group;
	uint32_t mtime, wtime;
	uint16_t mnt_count, max_mnt_count, magic, state, errors, minor_rev;
	uint32_t lastcheck, checkinterval, creator_os, rev_level;
	uint16_t def_resuid, def_resgid;
	uint32_t first_ino;
	uint16_t inode_size, block_group_nr;
	uint32_t compat, incompat, ro_compat;
	uint8_t uuid[16];
	char volume[16], last_mounted[64];
	uint32_t algorithms;
	uint8_t prealloc, prealloc_dir;
	uint16_t reserved_gdt;
	uint8_t journal_uuid[16];
	uint32_t journal_inum, journal_dev, last_orphan;
	uint8_t rest[788];
};
_Static_assert(sizeof(struct ext2_sb) == 1024, "superblock");

struct ext2_gd {
	uint32_t block_bitmap, inode_bitmap, inode_table;
	uint16_t free_blocks, free_inodes, used_dirs, flags;
	uint32_t rsv[3];
};
_Static_assert(sizeof(struct ext2_gd) == 32, "group descriptor");

struct ext2_disk_inode {
	uint16_t mode, uid;
	uint32_t size, atime, ctime, mtime, dtime;
	uint16_t gid, links;
	uint32_t sectors, flags, version;
	uint32_t block[EXT2_NBLOCKS];
	uint32_t generation, file_acl, size_high, faddr;
	uint16_t frag, pad;
	uint16_t uid_high, gid_high;
	uint32_t rsv;
	/* Only in inodes of 256 bytes and more. */
	uint16_t extra_isize, checksum_hi;
	uint32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra;
	uint32_t version_hi, projid;
};
#define EXT2_OLD_INODE 128u
#define EXT2_EXTRA_ISIZE 32u      /* of these fields, behind the old ones */
_Static_assert(sizeof(struct ext2_disk_inode) == 160, "inode");

struct ext2_dirent {
	uint32_t ino;             /* 0: free space */
	uint16_t rec_len;         /* to the next entry; multiple of 4 */
	uint8_t name_len, type;
	char name[];
};
#define EXT2_DIRENT_HEAD 8u
#define EXT2_DIRENT_LEN(n) (((n) + EXT2_DIRENT_HEAD + 3u) & ~3u)

/* ---- in memory ---- */

/*
 * The order in which a commit writes dirty blocks (commit.c).  NEW: no block on the
 * disk names it yet.  MOVE: all or none (movelog.c).  FORGOT: freed, not
 * written.  HELD: unchanged, but a commit needs it, so it stays in memory.
 */
enum ext2_kind {
	META_NEW, META_MAP, META_INODE, META_DIR, META_MOVE, META_ALLOC,
	META_FORGOT, META_HELD, META_KINDS
};

/* A block that is dirty or held, its page pinned to the end of a commit. */
struct ext2_buf {
	struct list_node all;     /* [m] in fs->dirty[kind] */
	struct list_node hash;    /* [m] */
	uint32_t blk;             /* [c] */
	uint8_t kind;             /* [m] enum ext2_kind */
	struct vm_page *page;     /* [c] pinned */
	void *data;               /* [c] in page; contents: by their owner */
};

/* [own] A block to look at, until meta_put(). */
struct ext2_ref {
	struct vm_page *page; /* pinned; or NULL: */
	void *copy;           /* it cannot be read whole, and this is of kmem_alloc() */
	const void *data;
};

struct ext2_group {
	uint32_t block_bitmap, inode_bitmap, inode_table; /* [c] */
	uint32_t free_blocks, free_inodes, used_dirs;     /* [a] */
	uint64_t *late_blocks;    /* [a] bits: free after the next commit */
	uint64_t *late_inodes;    /* [a] the same */
	bool dirty;               /* [a] descriptor differs from the disk's */
	bool blocks_lost;         /* [a] alloc.c, rule 4 */
	bool inodes_lost;         /* [a] the same */
};

/* A removed name that stays on the disk until its inode is dead there. */
struct ext2_gone {
	struct list_node all;     /* gone_lock; in fs->gone */
	struct list_node hash;    /* gone_lock */
	struct ext2_inode *dir;   /* [c] gone.c, rule 3 */
	uint32_t blk, off;        /* [c] where the entry is */
};

/* An inode without names, which the next commit writes as dead. */
struct ext2_death {
	struct list_node all;     /* [G] in fs->deaths */
	uint32_t ino;             /* [c] */
	uint32_t level;           /* [c] files 0, directories above their last child */
};

enum ext2_life {
	LIFE_UNBORN,              /* the disk knows nothing of it yet */
	LIFE_BIRTH,               /* its parent is there: links are next */
	LIFE_LIVE,
	LIFE_DEAD                 /* no names: never written again */
};

struct ext2_inode {
	struct ext2_fs *fs;       /* [c] */
	struct vnode *vn;         /* [c] */
	struct list_node all;     /* [I] in fs->inodes, longest unused first */
	struct list_node hash;    /* [I] */
	struct list_node zombie;  /* [T] in fs->zombies: nlink 0 */
	unsigned syncing;         /* [I], read without: icache_sync_files() is at it, so often */
	struct mutex bmap;        /* [c] guards block[] and all below it */
	uint32_t block[EXT2_NBLOCKS]; /* [B] */
	uint32_t goal;            /* [B] where the next block should be */
	enum ext2_life life;      /* [G] */
	uint32_t kid_level;       /* [G] 1 + level of the last death in it, of those to be written */
	uint32_t kids;            /* [T] cached children, counted by unmount */
	uint32_t bytes;           /* [c] of it on the disk, now or once it is there */
	uint32_t hidden;          /* gone_lock; names in it that are gone */
	bool tail;                /* [V], read without: a cut has left blocks behind the end */
	char *text;               /* [c] of a symbolic link */
	struct ext2_disk_inode raw; /* [G] as the disk has it */
};

struct ext2_gate {
	struct spinlock lock;
	struct waitq wait;
	unsigned inside;          /* [g] operations under way */
	unsigned closing;         /* [g] commits that wait */
	bool closed;              /* [g] a commit runs */
};

#define EXT2_LOG_INO 8u            /* reserved for a journal */
#define EXT2_LOG_MOVE 3u          /* blocks that a move changes */
#define EXT2_LOG_BLOCKS (EXT2_LOG_MOVE + 4u)

/* While a directory moves (movelog.c). */
struct ext2_log {
	struct vnode *file;       /* [T] whose blocks it has; NULL: the disk's */
	struct vm_page *page;     /* [T] to put its blocks together */
	uint32_t blk[EXT2_LOG_BLOCKS]; /* [T] where they are */
	uint32_t len;             /* [T] blocks of the journal */
	uint32_t seq;             /* [G] of the last step */
	bool ready;               /* [T] there is one */
	bool moving;              /* [T] blocks of directories that change: MOVE */
};

#define EXT2_HASH 512u

struct ext2_fs {
	struct mount *mnt;        /* [c] */
	struct bdev *dev;         /* [c] */
	struct vmo *meta;         /* [c] the device's pages, its node's (blkfile.c) */
	struct list_node all;     /* of sync.c */
	struct ext2_sb sb;        /* [a] counts; the rest [c] */
	uint32_t bs, bs_shift;    /* [c] block size */
	uint32_t inode_size;      /* [c] */
	uint32_t first_ino;       /* [c] the first that files may have */
	uint32_t ngroups, gd_blocks, itable_blocks; /* [c] */
	bool readonly;            /* [A] mounted so, or after an error */
	bool failed;              /* [A] there was an error */
	bool lost;                /* [T] blocks without an owner: e2fsck is due */
	bool stuck;               /* [T] never writable, whoever asks */
	uint16_t old_state;       /* [c] as found at mount */
	struct ext2_gate gate;
	struct ext2_log log;
	struct mutex alloc;       /* [c] */
	struct ext2_group *groups; /* [c] the array */
	uint64_t late_blocks, late_inodes; /* [a] bits in all groups */
	struct mutex meta_lock;   /* [c] */
	struct list dirty[META_KINDS]; /* [m] */
	struct list bufs[EXT2_HASH]; /* [m] */
	unsigned nbufs;           /* [m] */
	bool written;             /* [A] something since the last FLUSH began */
	struct mutex ilock;       /* [c] */
	struct list inodes;       /* [I] */
	struct list itab[EXT2_HASH]; /* [I] */
	unsigned ninodes;         /* [I] */
	struct waitq synced;      /* [c] an inode's syncing has fallen */
	struct list zombies;      /* [T] */
	struct list deaths;       /* [G] */
	struct list gone;         /* gone_lock */
	struct spinlock gone_lock; /* [c] */
	struct list gone_tab[EXT2_HASH]; /* gone_lock */
	unsigned ngone;           /* gone_lock */
};

/* [own] Where an entry is. */
struct ext2_spot {
	uint32_t blk, off;        /* disk block, byte in it */
	uint32_t ino;
	bool hidden;              /* of a lookup: one of that name is gone */
};

/* [own] A walk over the blocks of a directory (dirmap.c). */
struct ext2_blocks {
	struct ext2_inode *dir;
	uint32_t next;            /* which comes next */
	uint32_t blk;             /* where this one is */
	uint32_t mark, mark_at;   /* blk of an earlier one; when to take another */
};

static inline struct ext2_fs *
ext2_fs_of(const struct vnode *v)
{
	return v->mnt->fs;
}

static inline struct ext2_inode *
ext2_inode_of(const struct vnode *v)
{
	return v->inode;
}

/* ---- layout.c ---- */
int ext2_error(struct ext2_fs *, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool ext2_block_ok(const struct ext2_fs *, uint32_t blk);
bool layout_has_super(const struct ext2_fs *, uint32_t g);
bool layout_in_table(const struct ext2_fs *, const struct ext2_group *,
    uint32_t blk);
void inode_place(const struct ext2_fs *, uint32_t ino, uint32_t *blk,
    uint32_t *off);
size_t inode_bytes(const struct ext2_fs *, const struct ext2_disk_inode *);

/* ---- state.c ---- */
int ext2_mark_used(struct ext2_fs *) MUST_CHECK;
int ext2_settle(struct ext2_fs *);

/* ---- remount.c ---- */
int ext2_remount(struct mount *, unsigned flags) MUST_CHECK;

/* ---- meta.c ---- */
void meta_open(struct ext2_fs *);
void meta_close(struct ext2_fs *);
int meta_get(struct ext2_fs *, uint32_t blk, struct ext2_ref *) MUST_CHECK;
/* The same if only n bytes at off of it are needed. */
int meta_get_bytes(struct ext2_fs *, uint32_t blk, uint32_t off, uint32_t n,
    struct ext2_ref *) MUST_CHECK;
void meta_put(struct ext2_ref *);
int meta_edit(struct ext2_fs *, uint32_t blk, enum ext2_kind, void **data)
    MUST_CHECK;
int meta_edit_new(struct ext2_fs *, uint32_t blk, void **data) MUST_CHECK;
int meta_hold(struct ext2_fs *, uint32_t blk) MUST_CHECK;
void meta_forget(struct ext2_fs *, uint32_t blk);
int meta_submit(struct ext2_fs *, struct bio *) MUST_CHECK;
int meta_write(struct ext2_fs *, enum ext2_kind) MUST_CHECK;
int meta_barrier(struct ext2_fs *) MUST_CHECK;
void meta_drop_held(struct ext2_fs *);

/* ---- gate.c ---- */
enum gate_how {
	GATE_POLITE,              /* not while a commit waits */
	GATE_WRITEBACK            /* not while one runs: pages on their way to the disk */
};
int gate_begin(struct ext2_fs *, enum gate_how) MUST_CHECK;
void ext2_end(struct ext2_fs *);
void gate_close(struct ext2_gate *);
void gate_open(struct ext2_gate *);

/* ---- commit.c ---- */
int ext2_begin(struct ext2_fs *) MUST_CHECK;
int ext2_commit(struct ext2_fs *); /* an error: read-only from then on */
bool ext2_relieve(struct ext2_fs *, int r, unsigned *tries);

/* ---- sync.c ---- */
int ext2_sync(struct mount *, struct vnode *) MUST_CHECK;
void ext2_flusher_add(struct ext2_fs *);
void ext2_flusher_remove(struct ext2_fs *);
bool ext2_flusher_has(const struct bdev *);
void ext2_reap(struct mount *);
void ext2_shutdown(struct mount *);

/* ---- alloc.c ---- */
int alloc_block(struct ext2_fs *, uint32_t goal, uint32_t *out) MUST_CHECK;
int alloc_return_block(struct ext2_fs *, uint32_t blk);
int alloc_free_block(struct ext2_fs *, uint32_t blk);
int alloc_inode(struct ext2_fs *, uint32_t near, bool is_dir, uint32_t *out)
    MUST_CHECK;
int alloc_return_inode(struct ext2_fs *, uint32_t ino, bool is_dir);
int alloc_free_inode(struct ext2_fs *, uint32_t ino, bool is_dir);
int alloc_inode_is_used(struct ext2_fs *, uint32_t ino) MUST_CHECK;
int alloc_hold(struct ext2_fs *) MUST_CHECK;
int alloc_release(struct ext2_fs *) MUST_CHECK;
int alloc_store(struct ext2_fs *) MUST_CHECK;
int ext2_super_store(struct ext2_fs *) MUST_CHECK;
uint32_t alloc_goal(const struct ext2_fs *, uint32_t ino);

/* ---- bmap.c ---- */
int bmap_run(struct ext2_inode *, uint64_t fblk, uint32_t max, uint32_t *disk,
    uint32_t *n) MUST_CHECK;
int bmap_alloc(struct ext2_inode *, uint64_t fblk, uint32_t *disk) MUST_CHECK;
int bmap_alloc_page(struct ext2_inode *, uint64_t idx, const struct vm_page *)
    MUST_CHECK;
int bmap_free(struct ext2_inode *, uint64_t from, uint64_t to) MUST_CHECK;
uint64_t bmap_limit(const struct ext2_fs *);

/* ---- pager.c ---- */
extern const struct pager_ops ext2_pager;
int ext2_resize(struct vnode *, uint64_t bytes) MUST_CHECK;
int ext2_cut_tail(struct ext2_inode *) MUST_CHECK;
int ext2_allocate(struct vnode *, uint64_t idx) MUST_CHECK;
int ext2_place(struct vnode *, uint64_t idx, uint64_t max, struct swap_run *)
    MUST_CHECK;

/* ---- inode.c ---- */
int inode_get(struct ext2_fs *, uint32_t ino, struct vnode **) MUST_CHECK;
struct ext2_inode *inode_find(struct ext2_fs *, uint32_t ino);
int inode_make(struct vnode *dir, const struct vn_new *, struct vnode **)
    MUST_CHECK;
int inode_forget(struct ext2_inode *) MUST_CHECK;
void inode_time_fit(const struct vnode *, struct kts *);
void inode_inactive(struct vnode *);

/* ---- istore.c ---- */
int inode_store_all(struct ext2_fs *) MUST_CHECK;
void inode_reset_levels(struct ext2_fs *);
int inode_hold(struct ext2_fs *, uint32_t ino) MUST_CHECK;
int inode_bear(struct ext2_fs *, unsigned *n) MUST_CHECK;
bool inode_is_clean(struct ext2_inode *);
int inode_store_dead(struct ext2_fs *, uint32_t ino) MUST_CHECK;

/* ---- icache.c ---- */
void icache_insert(struct ext2_inode *);
void icache_remove(struct ext2_inode *);
void icache_reap(struct ext2_fs *);
void icache_trim(struct ext2_fs *);
bool icache_is_busy(struct ext2_fs *);
void icache_drop_all(struct ext2_fs *);
int icache_sync_files(struct ext2_fs *);
int icache_cut_tails(struct ext2_fs *) MUST_CHECK;
void icache_end_zombies(struct ext2_fs *);

/* ---- dirmap.c ---- */
uint32_t dir_blocks(const struct ext2_inode *);
int dir_block(struct ext2_inode *, uint32_t fblk, uint32_t *blk) MUST_CHECK;
void blocks_begin(struct ext2_blocks *, struct ext2_inode *);
int blocks_next(struct ext2_blocks *) MUST_CHECK;
int dir_check_map(struct ext2_inode *, uint64_t size) MUST_CHECK;

/* ---- dir.c ---- */
int dir_lookup(struct ext2_inode *, const struct name *, struct ext2_spot *)
    MUST_CHECK;
int dir_make_room(struct ext2_inode *, const struct name *) MUST_CHECK;
int dir_insert(struct ext2_inode *, const struct name *, uint32_t ino,
    uint32_t mode, struct ext2_spot *where) MUST_CHECK;
int dir_erase(struct ext2_inode *, const struct ext2_spot *) MUST_CHECK;
int dir_replace(struct ext2_inode *, const struct ext2_spot *, uint32_t ino,
    uint32_t mode) MUST_CHECK;
int dir_init(struct ext2_inode *, uint32_t parent) MUST_CHECK;
int dir_find_parent(struct ext2_inode *, struct ext2_spot *) MUST_CHECK;
int dir_is_empty(struct ext2_inode *) MUST_CHECK;
int dir_purge(struct ext2_fs *) MUST_CHECK;
int ext2_readdir(struct vnode *, uint64_t *pos, struct dirsink *) MUST_CHECK;

/* ---- gone.c ---- */
bool gone_has(struct ext2_fs *, uint32_t blk, uint32_t off);
struct ext2_gone *dir_gone_alloc(void);
void dir_gone_free(struct ext2_gone *);
void dir_erase_later(struct ext2_inode *, const struct ext2_spot *,
    struct ext2_gone *);
int dir_hold_gone(struct ext2_fs *) MUST_CHECK;
void gone_drop(struct ext2_fs *, struct ext2_gone *);
void dir_forget_gone(struct ext2_fs *, const struct ext2_inode *dir);

/* ---- movelog.c ---- */
int movelog_hold(struct ext2_fs *) MUST_CHECK;
int movelog_run(struct ext2_fs *) MUST_CHECK;

/* ---- movefile.c ---- */
int movelog_open(struct vnode *dir, const struct name *) MUST_CHECK;
void movelog_close(struct ext2_fs *);

/* ---- death.c ---- */
int death_reserve(const struct vnode *, struct ext2_death **) MUST_CHECK;
void death_free(struct ext2_death *);
void death_note(struct ext2_inode *, struct ext2_death *);
void deaths_forget(struct ext2_fs *);

/* ---- names.c ---- */
int name_free(struct vnode *dir, const struct name *) MUST_CHECK;
int name_erase(struct vnode *dir, struct vnode *, const struct ext2_spot *,
    struct ext2_gone **) MUST_CHECK;
void name_dropped(struct vnode *dir, const struct name *, struct vnode *,
    struct ext2_death *);
int ext2_lookup(struct vnode *dir, const struct name *, struct vnode **)
    MUST_CHECK;
int ext2_create(struct vnode *dir, const struct vn_new *, struct vnode **)
    MUST_CHECK;
int ext2_link(struct vnode *dir, const struct name *, struct vnode *) MUST_CHECK;
int ext2_remove(struct vnode *dir, const struct name *, struct vnode *)
    MUST_CHECK;
ssize_t ext2_readlink(struct vnode *, char *buf, size_t cap);

/* ---- rename.c ---- */
int ext2_rename(const struct vn_move *) MUST_CHECK;

#endif
