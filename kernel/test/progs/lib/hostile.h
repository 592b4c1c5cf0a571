/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile.h: from a good ext2 image to one that lies, by a seed
 *
 * Problem   Bytes changed at random are mostly found at once.  What hurts is an
 *           image whose every part looks right alone: two owners of a block, a
 *           map that leads round, a size that no disk has, a name that is none.
 *
 * Picture   good image ──hostile_make(seed)──→ kind seed % HOSTILE_KINDS, with
 *           details by the seed; from the second round on two kinds at once
 *
 * The same image and seed give the same result, everywhere: on the host
 * (test/host/t_ext2_bad.c) and in the guest (hostile_disks.c).
 */
#ifndef TEST_HOSTILE_H
#define TEST_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* An image in memory, and what its superblock says while it is good. */
struct hostile {
	uint8_t *b;
	uint32_t n;               /* bytes */
	uint32_t bs, nblocks, first, ngroups, per_group;
	uint32_t ninodes, inodes_per_group, isize;
	uint64_t rnd;
};

enum { H_DIR = 4, H_REG = 8, H_LNK = 10, H_ANY = 0 }; /* mode >> 12 */

static inline uint32_t
h_random(struct hostile *h, uint32_t below)
{
	h->rnd += 0x9e3779b97f4a7c15ULL;
	uint64_t z = h->rnd;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ (z >> 31)) % below);
}

static inline uint32_t
h_get(const uint8_t *p, unsigned bytes)
{
	uint32_t v = 0;

	memcpy(&v, p, bytes);
	return v;
}

static inline void
h_put(uint8_t *p, uint32_t v, unsigned bytes)
{
	memcpy(p, &v, bytes);
}

static inline bool
h_open(struct hostile *h, uint8_t *image, uint32_t n, uint64_t seed)
{
	const uint8_t *sb = image + 1024;

	if (n < 8192 || h_get(sb + 56, 2) != 0xef53)
		return false;
	h->b = image;
	h->n = n;
	h->rnd = seed * 1000003;
	h->bs = 1024U << h_get(sb + 24, 4);
	h->nblocks = h_get(sb + 4, 4);
	h->first = h_get(sb + 20, 4);
	h->per_group = h_get(sb + 32, 4);
	h->ngroups = (h->nblocks - h->first + h->per_group - 1) / h->per_group;
	h->ninodes = h_get(sb, 4);
	h->inodes_per_group = h_get(sb + 40, 4);
	h->isize = h_get(sb + 76, 4) == 0 ? 128 : h_get(sb + 88, 2);
	return true;
}

/* Where block blk is; out of range, block 1. */
static inline uint8_t *
h_block(struct hostile *h, uint32_t blk)
{
	if (blk >= h->n / h->bs)
		blk = 1;
	return h->b + (uint64_t)blk * h->bs;
}

static inline uint8_t *
h_group(struct hostile *h, uint32_t g)
{
	return h_block(h, h->first + 1) + g * 32;
}

static inline uint8_t *
h_inode(struct hostile *h, uint32_t ino)
{
	uint32_t g = (ino - 1) / h->inodes_per_group;
	uint32_t at = (ino - 1) % h->inodes_per_group * h->isize;

	return h_block(h, h_get(h_group(h, g) + 8, 4) + at / h->bs) +
	       at % h->bs;
}

static inline bool
h_is(struct hostile *h, uint32_t ino, int type)
{
	const uint8_t *i = h_inode(h, ino);

	return h_get(i + 26, 2) != 0 && h_get(i, 2) != 0 &&
	       (ino == 2 || ino > 11) &&
	       (type == H_ANY || (int)(h_get(i, 2) >> 12) == type);
}

/* An inode in use, of a type; seldom the root, behind which all else is. */
static inline uint32_t
h_pick(struct hostile *h, int type)
{
	uint32_t ino, n = 0, chosen = 2;

	if (h_random(h, 10) == 0)
		return 2;
	for (ino = 12; ino <= h->ninodes; ino++)
		if (h_is(h, ino, type) && h_random(h, ++n) == 0)
			chosen = ino;
	return chosen;
}

/* A file with a map: its block[12] is set. */
static inline uint32_t
h_pick_mapped(struct hostile *h)
{
	uint32_t ino, n = 0, chosen = 2;

	for (ino = 12; ino <= h->ninodes; ino++)
		if (h_is(h, ino, H_REG) &&
		    h_get(h_inode(h, ino) + 40 + 48, 4) != 0 &&
		    h_random(h, ++n) == 0)
			chosen = ino;
	return chosen;
}

static inline uint8_t *
h_slot(struct hostile *h, uint32_t ino, uint32_t i)
{
	return h_inode(h, ino) + 40 + 4 * i;
}

/* A number of one of the blocks of an inode, or 0. */
static inline uint32_t
h_block_of(struct hostile *h, uint32_t ino)
{
	uint32_t i = h_random(h, 13), k;

	for (k = 0; k < 13; k++, i = (i + 1) % 13)
		if (h_get(h_slot(h, ino, i), 4) != 0)
			return h_get(h_slot(h, ino, i), 4);
	return 0;
}

/* A block that the bitmap calls free, called used from now on; 0: none. */
static inline uint32_t
h_free_block(struct hostile *h)
{
	uint32_t blk = h->first + 1 + h_random(h, h->nblocks - h->first - 1), k;

	for (k = h->first + 1; k < h->nblocks; k++) {
		uint32_t g = (blk - h->first) / h->per_group;
		uint32_t bit = (blk - h->first) % h->per_group;
		uint8_t *map = h_block(h, h_get(h_group(h, g), 4));

		if ((map[bit / 8] & 1U << bit % 8) == 0) {
			map[bit / 8] |= (uint8_t)(1U << bit % 8);
			memset(h_block(h, blk), 0, h->bs);
			return blk;
		}
		blk = blk + 1 < h->nblocks ? blk + 1 : h->first + 1;
	}
	return 0;
}

/* A value that a check may have forgotten. */
static inline uint32_t
h_edge(struct hostile *h, uint32_t old)
{
	const uint32_t v[] = { 0, 1, 2, old - 1, old + 1, old * 2, 11, 0x7f,
		0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xfffffc00, 0xffffffff, h->nblocks, h->nblocks - 1, h->ninodes,
		h->bs, h->bs - 1, h->first, h_random(h, h->nblocks),
		h_random(h, 0xffffffff) };

	return v[h_random(h, sizeof v / sizeof v[0])];
}

static inline void
h_edge_field(struct hostile *h, uint8_t *p, unsigned bytes)
{
	h_put(p, h_edge(h, h_get(p, bytes)), bytes);
}

/* ---- the fields ---- */

static inline void
h_superblock(struct hostile *h)
{
	static const uint8_t at[] = { 0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40,
		76, 84, 92, 96, 100, 224, 232 };
	uint8_t *sb = h->b + 1024;

	if (h_random(h, 4) == 0)
		h_edge_field(h, sb + 88, 2); /* inode size */
	else
		h_edge_field(h, sb + at[h_random(h, sizeof at)], 4);
}

static inline void
h_descriptor(struct hostile *h)
{
	uint8_t *gd = h_group(h, h_random(h, h->ngroups));
	unsigned field = h_random(h, 6);

	if (field < 3)
		h_put(gd + 4 * field, h_random(h, 2) == 0 ? h_edge(h, 0) :
		    h_get(h_group(h, h_random(h, h->ngroups)) +
			4 * h_random(h, 3), 4) + h_random(h, 3), 4);
	else
		h_edge_field(h, gd + 12 + 2 * (field - 3), 2);
}

/* A bitmap that calls what is used free, or the other way round. */
static inline void
h_bitmap(struct hostile *h)
{
	uint8_t *gd = h_group(h, h_random(h, h->ngroups));
	uint8_t *map = h_block(h, h_get(gd + 4 * h_random(h, 2), 4));
	uint32_t k;

	switch (h_random(h, 3)) {
	case 0:
		memset(map, 0, h->bs);
		break;
	case 1:
		memset(map, 0xff, h->bs);
		break;
	case 2:
		for (k = 0; k < 64; k++)
			map[h_random(h, h->per_group / 8)] ^=
			    (uint8_t)(1U << h_random(h, 8));
		break;
	}
}

static inline void
h_inode_field(struct hostile *h)
{
	static const struct { uint8_t at, bytes; } f[] = { { 0, 2 }, { 4, 4 },
		{ 4, 4 }, { 26, 2 }, { 26, 2 }, { 28, 4 }, { 32, 4 }, { 104, 4 },
		{ 108, 4 }, { 108, 4 }, { 128, 2 }, { 132, 4 }, { 8, 4 } };
	uint32_t k = h_random(h, sizeof f / sizeof f[0]);

	h_edge_field(h, h_inode(h, h_pick(h, H_ANY)) + f[k].at, f[k].bytes);
}

static inline void
h_inode_block(struct hostile *h)
{
	uint8_t *slot = h_slot(h, h_pick(h, H_ANY), h_random(h, 15));

	h_put(slot, h_random(h, 2) == 0 ? h_edge(h, 0) :
	    h_random(h, h->nblocks), 4);
}

static inline void
h_link_count(struct hostile *h)
{
	static const uint16_t v[] = { 0, 1, 1, 1, 2, 3, 0x7fff, 32000, 0xffff };
	uint8_t *i = h_inode(h, h_pick(h, H_ANY));

	h_put(i + 26, v[h_random(h, 9)], 2);
}

/* ---- maps ---- */

/* One block of numbers: all the same, going up, or edges. */
static inline void
h_numbers(struct hostile *h, uint32_t map, uint32_t to)
{
	uint8_t *p = h_block(h, map);
	uint32_t i, how = h_random(h, 3);

	for (i = 0; i < h->bs / 4; i++)
		h_put(p + 4 * i, how == 0 ? to : how == 1 ? to + i :
		    h_random(h, 8) == 0 ? h_edge(h, to) : 0, 4);
}

/* A directory of almost all bytes, whose triple map names one block. */
static inline void
h_huge_dir(struct hostile *h)
{
	static const uint32_t sizes[] = { 0xfffffc00, 0x80000000, 0x100000,
		0x40000000, 0x10000 };
	uint32_t dir = h_pick(h, H_DIR), to = h_free_block(h), i, level;
	uint32_t leaf = h_random(h, 2) == 0 ? h_block_of(h, dir) : to;
	uint32_t top = h_free_block(h), mid = h_free_block(h);
	uint8_t *ip = h_inode(h, dir);

	if (to == 0 || top == 0 || mid == 0 || leaf == 0)
		return;
	h_put(h_block(h, to) + 4, h->bs, 2);
	for (i = 0; i < h->bs / 4; i++) {
		h_put(h_block(h, top) + 4 * i, mid, 4);
		h_put(h_block(h, mid) + 4 * i, leaf, 4);
	}
	for (i = 0; i < 12; i++)
		if (h_get(h_slot(h, dir, i), 4) == 0)
			h_put(h_slot(h, dir, i), leaf, 4);
	level = 12 + h_random(h, 3);
	for (i = 12; i <= level; i++)
		h_put(h_slot(h, dir, i), i == 12 ? mid : top, 4);
	if (level == 14) {
		uint32_t high = h_free_block(h);

		for (i = 0; high != 0 && i < h->bs / 4; i++)
			h_put(h_block(h, high) + 4 * i, top, 4);
		h_put(h_slot(h, dir, 14), high, 4);
	}
	h_put(ip + 4, sizes[h_random(h, 5)], 4);
	h_put(ip + 28, h_random(h, 2) == 0 ? 0xffffffff : 0x10000, 4);
}

/* A file that is as long as a number may be, with a map that leads round. */
static inline void
h_huge_file(struct hostile *h)
{
	uint32_t ino = h_pick(h, H_REG), map = h_free_block(h), i;
	uint8_t *ip = h_inode(h, ino);

	if (map == 0)
		return;
	h_numbers(h, map, h_random(h, 2) == 0 ? map : h_block_of(h, ino));
	for (i = 12; i < 15; i++)
		if (h_random(h, 2) == 0)
			h_put(h_slot(h, ino, i), map, 4);
	h_put(ip + 4, h_edge(h, 0xfffff000), 4);
	h_put(ip + 108, h_random(h, 2) == 0 ? 0 : h_random(h, 600), 4);
}

/* Edges in a block of numbers that there is. */
static inline void
h_map(struct hostile *h)
{
	uint32_t ino = h_pick_mapped(h), map = h_get(h_slot(h, ino, 12), 4);
	uint32_t k, double_map = h_get(h_slot(h, ino, 13), 4);

	if (double_map != 0 && h_random(h, 2) == 0)
		map = h_random(h, 2) == 0 ? double_map :
		    h_get(h_block(h, double_map), 4);
	for (k = 0; map != 0 && k < 6; k++) {
		uint8_t *p = h_block(h, map) + 4 * h_random(h, h->bs / 4);

		h_put(p, h_random(h, 3) == 0 ? map :
		    h_random(h, 2) == 0 ? h_edge(h, 0) :
		    h_random(h, h->nblocks), 4);
	}
}

/* ---- two owners ---- */

static inline void
h_share(struct hostile *h, uint32_t ino, uint32_t i, uint32_t blk)
{
	uint8_t *ip = h_inode(h, ino);

	if (blk == 0)
		return;
	h_put(h_slot(h, ino, i), blk, 4);
	if (h_get(ip + 4, 4) < (i + 1) * h->bs && i < 12)
		h_put(ip + 4, (i + 1) * h->bs, 4);
}

/* A file's data, and a directory. */
static inline void
h_share_dir(struct hostile *h)
{
	uint32_t file = h_pick(h, H_REG);

	h_share(h, file, h_random(h, 4), h_block_of(h, h_pick(h, H_DIR)));
	if (h_random(h, 2) == 0)
		h_share(h, file, h_random(h, 12), h_get(h_slot(h, 2, 0), 4));
}

/* A file's data, and the map of itself or of another. */
static inline void
h_share_map(struct hostile *h)
{
	uint32_t owner = h_pick_mapped(h);
	uint32_t map = h_get(h_slot(h, owner, 12 + h_random(h, 2)), 4);

	h_share(h, h_random(h, 2) == 0 ? owner : h_pick(h, H_REG),
	    h_random(h, 12), map);
}

/* A map, and a directory. */
static inline void
h_map_is_dir(struct hostile *h)
{
	h_share(h, h_random(h, 2) == 0 ? h_pick(h, H_DIR) : h_pick_mapped(h),
	    12 + h_random(h, 3), h_block_of(h, h_pick(h, H_DIR)));
}

static inline void
h_share_dirs(struct hostile *h)
{
	uint32_t dir = h_pick(h, H_DIR);

	h_share(h, dir, h_random(h, 3), h_block_of(h, h_pick(h, H_DIR)));
	if (h_random(h, 2) == 0)
		h_share(h, dir, 1, h_get(h_slot(h, dir, 0), 4));
}

/* A link's text or attributes, and anything. */
static inline void
h_share_text(struct hostile *h)
{
	uint32_t blk = h_block_of(h, h_pick(h, h_random(h, 2) == 0 ? H_DIR :
	    H_REG));

	if (h_random(h, 2) == 0)
		h_share(h, h_pick(h, H_LNK), 0, blk);
	else
		h_put(h_inode(h, h_pick(h, H_ANY)) + 104, blk, 4);
}

/* A file that owns what is the file system's. */
static inline void
h_share_system(struct hostile *h)
{
	uint8_t *gd = h_group(h, h_random(h, h->ngroups));
	uint32_t blk = h_random(h, 4) == 0 ? h->first + h_random(h, 2) :
	    h_get(gd + 4 * h_random(h, 3), 4);

	h_share(h, h_pick(h, h_random(h, 3) == 0 ? H_DIR : H_REG),
	    h_random(h, 15), blk);
}

/* A bitmap that gives away the blocks of directories and maps. */
static inline void
h_give_away(struct hostile *h)
{
	uint32_t k;

	for (k = 0; k < 12; k++) {
		uint32_t ino = h_pick(h, h_random(h, 3) == 0 ? H_REG : H_DIR);
		uint32_t blk = h_block_of(h, ino);
		uint32_t g = (blk - h->first) / h->per_group;
		uint32_t bit = (blk - h->first) % h->per_group;
		uint8_t *map;

		if (blk <= h->first || g >= h->ngroups)
			continue;
		map = h_block(h, h_get(h_group(h, g), 4));
		map[bit / 8] &= (uint8_t)~(1U << bit % 8);
		if (h_random(h, 3) != 0)
			continue;
		g = (ino - 1) / h->inodes_per_group;
		bit = (ino - 1) % h->inodes_per_group;
		map = h_block(h, h_get(h_group(h, g) + 4, 4));
		map[bit / 8] &= (uint8_t)~(1U << bit % 8);
	}
}

/* ---- directories ---- */

/* Some entry of some directory, NULL: none. */
static inline uint8_t *
h_entry(struct hostile *h)
{
	uint8_t *base = h_block(h, h_block_of(h, h_pick(h, H_DIR)));
	uint32_t off = 0, skip = h_random(h, 8), last = 0;

	while (off + 8 <= h->bs) {
		uint32_t len = h_get(base + off + 4, 2);

		if (len < 8 || off + len > h->bs)
			break;
		last = off;
		if (skip-- == 0)
			break;
		off += len;
	}
	return base + last;
}

static inline void
h_entry_field(struct hostile *h)
{
	uint8_t *e = h_entry(h);

	switch (h_random(h, 4)) {
	case 0:
		h_edge_field(h, e, 4);
		break;
	case 1:
		h_put(e + 4, h_random(h, 2) == 0 ? h_random(h, h->bs) & ~3U :
		    h_edge(h, h->bs), 2);
		break;
	case 2:
		e[6] = (uint8_t)h_edge(h, e[6]);
		break;
	case 3:
		e[7] = (uint8_t)h_edge(h, e[7]);
		break;
	}
}

/* A name with what no name has. */
static inline void
h_entry_name(struct hostile *h)
{
	static const char names[][16] = { "../../v", "/", "a/b", ".", "..",
		"\0", "a\0b", "../../../tmp/x", "....", " " };
	uint32_t k, round;

	for (round = 0; round < 3; round++) {
		uint8_t *e = h_entry(h);

		k = h_random(h, 10);
		for (uint32_t i = 0; i < e[6] && i < 16; i++) {
			uint32_t n = k == 5 || k == 6 ? 3 :
			    (uint32_t)strlen(names[k]);

			if (i < n)
				e[8 + i] = (uint8_t)names[k][i];
			if (i + 1 >= n && h_random(h, 2) == 0) {
				e[6] = (uint8_t)(i + 1);
				break;
			}
		}
	}
}

/* Names that lead where others lead: round, twice, to the root, to no file. */
static inline void
h_entry_target(struct hostile *h)
{
	uint32_t k, round;

	for (round = 0; round < 4; round++) {
		uint8_t *e = h_entry(h);

		k = h_random(h, 6);
		h_put(e, k == 0 ? 2 : k == 1 ? h_pick(h, H_DIR) :
		    k == 2 ? h_pick(h, H_REG) : k == 3 ? 1 + h_random(h, 11) :
		    k == 4 ? h->ninodes - h_random(h, 3) :
		    1 + h_random(h, h->ninodes), 4);
	}
}

/* The first block of a directory is not as it should be. */
static inline void
h_no_dots(struct hostile *h)
{
	uint8_t *base = h_block(h, h_get(h_slot(h, h_pick(h, H_DIR), 0), 4));

	switch (h_random(h, 4)) {
	case 0:
		h_put(base, 0, 4);
		break;
	case 1:
		h_put(base + 4, h->bs, 2);
		break;
	case 2:
		h_put(base + 12, h_pick(h, H_ANY), 4);
		break;
	case 3:
		base[20] = 'x';
		break;
	}
}

/* The journal's inode, which a move borrows. */
static inline void
h_journal(struct hostile *h)
{
	uint8_t *sb = h->b + 1024, *ip = h_inode(h, 8);

	switch (h_random(h, 4)) {
	case 0:
		h_put(sb + 92, h_get(sb + 92, 4) | 4, 4);
		h_put(sb + 224, 8, 4);
		h_put(ip, 0x8180, 2);
		h_put(ip + 26, 1, 2);
		h_put(ip + 4, 1024 * h->bs, 4);
		for (uint32_t i = 0; i < 12; i++)
			h_put(h_slot(h, 8, i), h_block_of(h, h_pick(h, H_DIR)),
			    4);
		break;
	case 1:
		h_put(ip + 26, h_edge(h, 1), 2);
		break;
	case 2:
		h_edge_field(h, sb + 224, 4);
		h_put(sb + 92, 4, 4);
		break;
	case 3:
		h_put(h_inode(h, 8) + 40, h_edge(h, 0), 4);
		h_put(sb + 92, 4, 4);
		h_put(sb + 224, 8, 4);
		break;
	}
}

static const struct hostile_kind {
	const char *name;
	void (*make)(struct hostile *);
} hostile_kinds[] = {
	{ "superblock", h_superblock },
	{ "descriptor", h_descriptor },
	{ "bitmap", h_bitmap },
	{ "inode field", h_inode_field },
	{ "inode's block", h_inode_block },
	{ "link count", h_link_count },
	{ "huge directory", h_huge_dir },
	{ "huge file", h_huge_file },
	{ "map", h_map },
	{ "file and directory share", h_share_dir },
	{ "file and map share", h_share_map },
	{ "map and directory share", h_map_is_dir },
	{ "directories share", h_share_dirs },
	{ "text shares", h_share_text },
	{ "file owns the system's", h_share_system },
	{ "used blocks are free", h_give_away },
	{ "entry's field", h_entry_field },
	{ "entry's name", h_entry_name },
	{ "entry's target", h_entry_target },
	{ "no dots", h_no_dots },
	{ "journal", h_journal },
};
#define HOSTILE_KINDS \
	((uint64_t)(sizeof hostile_kinds / sizeof hostile_kinds[0]))

/* Returns the kind's name; NULL: that is no good image. */
static inline const char *
hostile_make(uint8_t *image, uint32_t n, uint64_t seed)
{
	const struct hostile_kind *k = &hostile_kinds[seed % HOSTILE_KINDS];
	struct hostile h;

	if (!h_open(&h, image, n, seed))
		return NULL;
	k->make(&h);
	if (seed >= HOSTILE_KINDS)
		k->make(&h);
	if (seed >= 2 * HOSTILE_KINDS)
		hostile_kinds[2 + h_random(&h, HOSTILE_KINDS - 2)].make(&h);
	return k->name;
}

#endif
