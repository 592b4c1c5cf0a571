/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_map.c: words of a script that change the map of a space
 *
 * Rules     1. Addresses are page numbers; flags and advice are Linux's numbers.
 *
 * Read next ops.c, vm/calls/map.c.
 */
#include "test/sim/opsfn.h"

static void
map(const struct step *s, struct vmo *vmo, unsigned flags)
{
	struct map_args a = { .addr = va_of(s), .len = s->arg[1] * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = flags | MAP_FIXED, .vmo = vmo };
	va_t va;

	expect(s, map_mmap(me(), &a, &va), 0);
}

static void
op_map(const struct step *s)
{
	map(s, NULL, MAP_PRIVATE | MAP_ANONYMOUS);
}

/* mmap P N PROT FLAGS: as they are, at P if FIXED. */
static void
op_mmap(const struct step *s)
{
	struct map_args a = { .addr = va_of(s), .len = s->arg[1] * PAGE_SIZE,
		.prot = (unsigned)s->arg[2], .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = (unsigned)s->arg[3] };
	va_t va;

	expect(s, map_mmap(me(), &a, &va), 0);
}

/* mremap P N M Q FLAGS */
static void
op_mremap(const struct step *s)
{
	struct mremap_args a = { .old = va_of(s),
		.old_len = s->arg[1] * PAGE_SIZE,
		.new_len = s->arg[2] * PAGE_SIZE,
		.new_addr = BASE + s->arg[3] * PAGE_SIZE,
		.flags = (unsigned)s->arg[4] };
	va_t va;

	expect(s, map_mremap(me(), &a, &va), 0);
}

static void
op_share(const struct step *s)
{
	map(s, world.vmo, MAP_SHARED);
}

static void
op_private(const struct step *s)
{
	map(s, world.vmo, MAP_PRIVATE);
}

/* late P N: private, paid for page by page when it is touched. */
static void
op_late(const struct step *s)
{
	map(s, world.vmo, MAP_PRIVATE | MAP_NORESERVE);
}

static void
op_unmap(const struct step *s)
{
	expect(s, map_munmap(me(), va_of(s), s->arg[1] * PAGE_SIZE), 0);
}

static void
op_prot(const struct step *s)
{
	unsigned prot = 0;
	const char *p;

	for (p = s->word[2]; *p != '\0'; p++)
		prot |= *p == 'r' ? PROT_R : *p == 'w' ? PROT_W : 0;
	expect(s, map_mprotect(me(), va_of(s), s->arg[1] * PAGE_SIZE, prot), 0);
}

/* advise P N HOW: Linux's numbers. */
static void
op_advise(const struct step *s)
{
	expect(s, map_madvise(me(), va_of(s), s->arg[1] * PAGE_SIZE,
	    (int)s->arg[2]), 0);
}

/* move P N Q */
static void
op_move(const struct step *s)
{
	struct mremap_args a = { .old = va_of(s),
		.old_len = s->arg[1] * PAGE_SIZE,
		.new_len = s->arg[1] * PAGE_SIZE, .flags = 1 | 2,
		.new_addr = BASE + s->arg[2] * PAGE_SIZE };
	va_t va;

	expect(s, map_mremap(me(), &a, &va), 0);
}

static void
op_lock(const struct step *s)
{
	expect(s, map_mlock(me(), va_of(s), s->arg[1] * PAGE_SIZE, MLOCK_NOW,
	    MLOCK_ANY), 0);
}

static void
op_unlock(const struct step *s)
{
	expect(s, map_munlock(me(), va_of(s), s->arg[1] * PAGE_SIZE), 0);
}

static void
op_lock_all(const struct step *s)
{
	expect(s, map_mlockall(me(), MCL_CURRENT | MCL_FUTURE, MLOCK_ANY), 0);
}

static void
op_unlock_all(const struct step *s)
{
	map_munlockall(me());
}

/* remap P N M: to M pages, wherever there is room (and it stays there). */
static void
op_remap(const struct step *s)
{
	struct mremap_args a = { .old = va_of(s),
		.old_len = s->arg[1] * PAGE_SIZE,
		.new_len = s->arg[2] * PAGE_SIZE, .flags = 1 };
	va_t va;

	expect(s, map_mremap(me(), &a, &va), 0);
}

static void
op_msync(const struct step *s)
{
	expect(s, map_msync(me(), va_of(s), s->arg[1] * PAGE_SIZE, 4), 0);
}

static void
op_core(const struct step *s)
{
	uint8_t vec[64];
	int r;

	ASSERT(s->arg[1] <= sizeof(vec));
	r = map_mincore(me(), va_of(s), s->arg[1] * PAGE_SIZE, vec);
	if (r >= 0)
		r = (uint64_t)r == s->arg[1] ? 0 : -ENOMEM; /* as the call says it */
	expect(s, r, 0);
}

/* stack P N: N pages that end before page P, and grow downwards. */
static void
op_stack(const struct step *s)
{
	expect(s, map_stack(me(), va_of(s), s->arg[1] * PAGE_SIZE,
	    PROT_R | PROT_W), 0);
}

static void
op_brk(const struct step *s)
{
	static const struct map_limits none = { UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX };

	if (s->n > 1)
		map_set_brk(me(), va_of(s));
	else
		(void)map_brk(me(), va_of(s), &none);
}

const struct op ops_map[] = {
	{ "map", op_map, 2 }, { "share", op_share, 2 },
	{ "private", op_private, 2 }, { "late", op_late, 2 },
	{ "unmap", op_unmap, 2 },
	{ "prot", op_prot, 3 }, { "advise", op_advise, 3 },
	{ "move", op_move, 3 }, { "lock", op_lock, 2 },
	{ "unlock", op_unlock, 2 }, { "lockall", op_lock_all, 0 },
	{ "unlockall", op_unlock_all, 0 }, { "remap", op_remap, 3 },
	{ "msync", op_msync, 2 }, { "core", op_core, 2 },
	{ "stack", op_stack, 2 }, { "brk", op_brk, 1 }, { "mmap", op_mmap, 4 },
	{ "mremap", op_mremap, 5 },
	{ NULL, NULL, 0 }
};
