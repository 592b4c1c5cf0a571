/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames_host.c: the CPUs of a test of design frames
 *
 * Problem   A flush that is missing harms nobody unless a CPU still has the translation,
 *           and real CPUs forget at moments that no test can choose.
 *
 * Picture   reach ─→ TLB ─miss→ tables that it passed lately ─miss→ root ─→ words
 *                     ↑ both keep all they have seen; only flush() takes it away
 *                     └─ frames_host_stale(): is each of them what the words say?
 *
 * Rules     1. Entries are of a root, not of a process: load() drops none (PCID).
 *           2. A section is kept in pieces of a page, which some CPUs do.
 */
#include <stdlib.h>
#include <string.h>

#include "test/host/frames_host.h"

#define KEPT 48u

struct kept {
	pa_t root;             /* 0: unused */
	va_t va;
	unsigned level;        /* 0: a translation; else a table of this level */
	uint64_t bytes;        /* that it covers */
	uint64_t word;         /* as it was read */
};

struct frames_host frames_host;

static struct cpu {
	unsigned next;
	struct kept kept[KEPT];
} cpus[FH_CPUS];

static void
flush(pa_t root, va_t va, uint64_t pages)
{
	unsigned c, i;

	frames_host.flushes++;
	for (c = 0; c < FH_CPUS; c++)
		for (i = 0; i < KEPT; i++) {
			struct kept *k = &cpus[c].kept[i];

			if (k->root == root && k->va < va + pages * FRAME_PAGE_SIZE &&
			    va < k->va + k->bytes)
				k->root = 0;
		}
}

static void
load(int pid, pa_t root)
{
	unsigned i;

	frames_host.root[pid] = root;
	for (i = 0; i < FRAME_SLOTS; i++)
		frames_host.live[pid][i] = root == 0 ? 0 : ((uint64_t *)pa2va(root))[i];
}

static void
root_word(int pid, unsigned slot, uint64_t word)
{
	frames_host.live[pid][slot] = word;
}

static const struct frames_machine_ops ops = {
	.flush = flush,
	.load = load,
	.root_word = root_word,
};

void
frames_host_boot(uint32_t rows)
{
	static struct frame *buffer;
	static void *ram;

	free(buffer);
	free(ram);
	buffer = calloc(rows, sizeof(*buffer));
	ram = aligned_alloc(FH_SECTION, 4 * FH_SECTION);
	if (buffer == NULL || ram == NULL)
		abort();
	memset(ram, 0, 4 * FH_SECTION);
	memset(cpus, 0, sizeof(cpus));
	memset(&frames_host, 0, sizeof(frames_host));
	md_direct_base = (uint64_t)ram;
	frames_init(buffer, rows, &ops);
	if (frames_add(FH_FIRST, 2 * 512) != 1 || frames_add(FH_MORE, FH_MORE_PAGES) != 2)
		abort();
}

static struct kept *
keep(struct cpu *c, pa_t root, va_t va, unsigned level, uint64_t word)
{
	struct kept *k = &c->kept[c->next++ % KEPT];

	k->root = root;
	k->level = level;
	k->bytes = (uint64_t)1 << (12 + 9 * level);
	k->va = va & ~(k->bytes - 1);
	k->word = word;
	return k;
}

/* Of the lowest level that the CPU knows. */
static struct kept *
find(struct cpu *c, pa_t root, va_t va)
{
	struct kept *found = NULL, *k;

	for (k = c->kept; k < c->kept + KEPT; k++)
		if (k->root == root && va >= k->va && va < k->va + k->bytes &&
		    (found == NULL || k->level < found->level))
			found = k;
	return found;
}

static uint64_t *
slot_of(pa_t table, va_t va, unsigned level)
{
	return (uint64_t *)pa2va(table) + (va >> (3 + 9 * level) & (FRAME_SLOTS - 1));
}

/* As the hardware: A on the way, D at the end of a store. */
static uint64_t
walk(struct cpu *c, pa_t root, va_t va, bool write, struct kept *from)
{
	unsigned level = from == NULL ? 4 : from->level;
	pa_t table = from == NULL ? root : from->word & MD_PTE_PFN;
	uint64_t *w, bits;
	bool leaf;

	for (;; level--) {
		w = slot_of(table, va, level);
		leaf = level == 1 || (*w & MD_PTE_PS) != 0;
		if ((*w & MD_PTE_P) == 0 || (*w & MD_PTE_U) == 0 ||
		    (write && (*w & MD_PTE_W) == 0))
			return 0;
		bits = MD_PTE_A | (leaf && write ? MD_PTE_D : 0);
		if (frames_host.on_touch != NULL && (*w & bits) != bits)
			frames_host.on_touch(va2pa(w), bits);
		*w |= bits;
		keep(c, root, va, leaf ? 0 : level - 1, *w);
		if (leaf)
			return *w;
		table = *w & MD_PTE_PFN;
	}
}

uint64_t *
frames_host_reach(unsigned cpu, int pid, va_t va, bool write)
{
	struct cpu *c = &cpus[cpu];
	pa_t root = frames_host.root[pid];
	struct kept *k = find(c, root, va);
	uint64_t word, need = MD_PTE_A | (write ? MD_PTE_W | MD_PTE_D : 0);

	if (root == 0)
		return NULL;
	if (k != NULL && k->level == 0 && (k->word & need) != need) {
		k->root = 0; /* a fault, or D: the CPU looks again */
		k = find(c, root, va);
	}
	word = k != NULL && k->level == 0 ? k->word : walk(c, root, va, write, k);
	if (word == 0)
		return NULL;
	return pa2va((word & MD_PTE_PFN) + (va & ((word & MD_PTE_PS) != 0 ?
	    FH_SECTION - 1 : FRAME_PAGE_SIZE - 1)));
}

/* The word of the tables that is k's; 0: there is none. */
static uint64_t
word_now(const struct kept *k)
{
	pa_t table = k->root;
	unsigned level;
	uint64_t w;

	for (level = 4;; level--) {
		w = *slot_of(table, k->va, level);
		if ((w & MD_PTE_P) == 0)
			return 0;
		if (level == 1 || (w & MD_PTE_PS) != 0)
			return k->level == 0 ? w : 0;
		if (level - 1 == k->level)
			return w;
		table = w & MD_PTE_PFN;
	}
}

static bool
is_root(pa_t pa)
{
	uint32_t f;

	for (f = 1; f < frames.n; f++)
		if (frames.at[f].type == FRAME_TABLE4 && frames.at[f].pa == pa)
			return true;
	return false;
}

/* Is the root that a CPU walks what the table of level 4 says? */
static bool
is_live(int pid)
{
	const uint64_t *w = pa2va(frames_host.root[pid]);
	unsigned i;

	for (i = 0; frames_host.root[pid] != 0 && i < FRAME_SLOTS; i++)
		if (((frames_host.live[pid][i] ^ w[i]) & ~MD_PTE_A) != 0)
			return false;
	return true;
}

const char *
frames_host_stale(void)
{
	pa_t known = 0;
	unsigned c, i;

	for (i = 0; i < FH_PIDS; i++)
		if (!is_live((int)i))
			return "the live root is not the table of level 4";

	for (c = 0; c < FH_CPUS; c++)
		for (i = 0; i < KEPT; i++) {
			const struct kept *k = &cpus[c].kept[i];
			uint64_t w;

			if (k->root == 0)
				continue;
			if (k->root != known && !is_root(k->root))
				return "S7: a CPU has a translation of a root that is none";
			known = k->root;
			w = word_now(k);
			if (w != k->word && (w & ~MD_PTE_D) != k->word)
				return "S7: a CPU reaches what no word says";
		}
	return NULL;
}
