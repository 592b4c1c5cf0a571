/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * md_host.c: CPUs of a unit test, each with a TLB, in one thread
 *
 * Problem   The sources of vm/ must run where ASan sees every stray pointer and
 *           gdb sees everything, without a machine underneath.
 *
 * Picture   user access ─→ model TLB ─miss→ walk of the same 64-bit words
 *                              │                     │ not allowed
 *                              v                     v
 *                             RAM[pa]            vm_user_fault
 *
 * Rules     1. The model TLB keeps a translation as long as it may: only
 *              md_tlb_flush and md_tlb_local drop one.
 *           2. One thread; "CPUs" are turns of it.
 *
 * Read next test/hostkern/machine.c, kern_host.c, t_fmo.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/host.h"

#define NCPU 4
#define TLB_MAX 256

struct tlb_entry {
	struct md_space *space; /* NULL: unused */
	uint64_t vpn, word;
};

static struct {
	unsigned cpu, next;               /* whose turn; TLB replacement */
	struct md_space *cur[NCPU];
	struct tlb_entry tlb[NCPU][TLB_MAX];
	uint64_t ns, seed;
} mach;

unsigned long host_pfdb_base;
unsigned long host_arena_base;

void
host_machine(unsigned frames)
{
	void *db = aligned_alloc(PAGE_SIZE, 3 * PAGE_SIZE * ((size_t)frames / 256 + 1));
	void *arena = aligned_alloc(PAGE_SIZE, MD_ARENA_SIZE);

	if (db == NULL || arena == NULL)
		abort();
	host_ram(frames);
	host_arena_base = (unsigned long)arena;
	host_pfdb_base = (unsigned long)db;
}

/* ---- CPUs, time ---- */

unsigned
md_cpu(void)
{
	return mach.cpu;
}

void
host_set_cpu(unsigned cpu)
{
	mach.cpu = cpu % NCPU;
}

unsigned
md_ncpus(void)
{
	return NCPU;
}

uint64_t
md_online_mask(void)
{
	return BIT(NCPU) - 1;
}

uint64_t
md_irq_save(void)
{
	return 0;
}

void
md_irq_restore(uint64_t flags)
{
}

bool
md_irq_is_enabled(void)
{
	return true;
}

bool
md_in_irq(void)
{
	return false;
}

void
md_pause(void)
{
}

void
md_call_others(void (*fn)(void *), void *arg)
{
	unsigned i, me = mach.cpu;

	for (i = 0; i < NCPU; i++) {
		mach.cpu = i;
		if (i != me)
			fn(arg);
	}
	mach.cpu = me;
}

uint64_t
md_time_ns(void)
{
	return mach.ns += 1000;
}

uint64_t
md_cycles(void)
{
	return mach.ns;
}

uint64_t
md_entropy(void)
{
	return host_random(UINT64_MAX);
}

void
host_seed(uint64_t seed)
{
	mach.seed = seed * 2 + 1;
	printf("seed %lu\n", (unsigned long)seed);
}

uint64_t
host_random(uint64_t below)
{
	mach.seed ^= mach.seed >> 12;
	mach.seed ^= mach.seed << 25;
	mach.seed ^= mach.seed >> 27;
	return (mach.seed * 0x2545F4914F6CDD1Dul >> 11) % below;
}

/* ---- the model TLB ---- */

void
md_space_enter(struct md_space *space)
{
	if (mach.cur[mach.cpu] == space)
		return;
	memset(mach.tlb[mach.cpu], 0, sizeof(mach.tlb[0]));
	mach.cur[mach.cpu] = space;
	atomic_or(&space->cpus, BIT(mach.cpu));
}

void
md_space_kick(struct md_space *space)
{
	unsigned i, j;

	for (i = 0; i < NCPU; i++) {
		if (mach.cur[i] == space)
			mach.cur[i] = NULL;
		for (j = 0; j < TLB_MAX; j++) {
			if (mach.tlb[i][j].space == space)
				mach.tlb[i][j].space = NULL;
		}
	}
	atomic_store(&space->cpus, 0);
}

void
md_tlb_flush(struct md_space *space, va_t lo, va_t hi, enum md_flush what)
{
	unsigned i, j;

	EVENT(tlb_flush, 0, (hi - lo) >> PAGE_SHIFT, 0);
	EVENT_ADD(tlb_pages, (hi - lo) >> PAGE_SHIFT);
	if (space == NULL) {
		window_forget(lo, hi - lo);
		return;
	}
	atomic_add(&space->tlb_gen, 1);
	for (i = 0; i < NCPU; i++) {
		for (j = 0; j < TLB_MAX; j++) {
			struct tlb_entry *e = &mach.tlb[i][j];

			if (e->space == space && e->vpn >= lo >> PAGE_SHIFT &&
			    e->vpn < PAGE_UP(hi) >> PAGE_SHIFT)
				e->space = NULL;
		}
	}
}

void
md_tlb_local(va_t va)
{
	unsigned j;

	for (j = 0; j < TLB_MAX; j++) {
		if (mach.tlb[mach.cpu][j].vpn == va >> PAGE_SHIFT)
			mach.tlb[mach.cpu][j].space = NULL;
	}
}

static struct tlb_entry *
tlb_find(struct md_space *space, uint64_t vpn)
{
	unsigned j;

	for (j = 0; j < TLB_MAX; j++) {
		struct tlb_entry *e = &mach.tlb[mach.cpu][j];

		if (e->space == space && e->vpn == vpn)
			return e;
	}
	return NULL;
}

/* The hardware's walk: sets A and D in the word, fills the TLB. */
static struct tlb_entry *
tlb_walk(struct md_space *space, va_t va, bool write)
{
	uint64_t *word, need = MD_PTE_P | MD_PTE_U | (write ? MD_PTE_W : 0);
	pa_t table = host_walk(space->root_pa, va);
	struct tlb_entry *e;

	if (table == 0)
		return NULL;
	word = (uint64_t *)pa2va(table) + md_pt_index(va, 1);
	if ((*word & need) != need)
		return NULL;
	*word |= MD_PTE_A | (write ? MD_PTE_D : 0);
	e = &mach.tlb[mach.cpu][mach.next++ % TLB_MAX];
	*e = (struct tlb_entry){ space, va >> PAGE_SHIFT, *word };
	return e;
}

/* The TLB first, as the processor does. */
uint64_t
host_translate(struct md_space *space, va_t va, bool write)
{
	struct tlb_entry *e;

	md_space_enter(space);
	e = tlb_find(space, va >> PAGE_SHIFT);
	if (e == NULL || (write && (e->word & (MD_PTE_W | MD_PTE_D)) !=
	    (MD_PTE_W | MD_PTE_D))) {
		if (e != NULL)
			e->space = NULL;
		e = tlb_walk(space, va, write);
	}
	return e == NULL ? 0 : e->word;
}

int
md_copy_user(void *dst, const void *src, size_t n)
{
	abort();
}

int
md_store_user_each(void *dst, const void *src, size_t n, size_t step)
{
	abort();
}
