/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * md_host.c: md.h on the host
 *
 * Problem   The sources of vm/ must run where ASan sees every stray pointer and
 *           gdb sees everything, without a machine underneath.
 *
 * Picture   user access ─→ model TLB ─miss→ walk of the same 64-bit words
 *                              │                     │ not allowed
 *                              v                     v
 *                           arena[pa]            vm_user_fault
 *
 * Rules     1. Physical memory is one mapping of the host; pa2va adds its
 *              address.
 *           2. The model TLB keeps a translation as long as it may: only
 *              md_tlb_flush and md_tlb_local drop one.  Using one whose frame
 *              is free ends the test (I13).
 *           3. One thread; "CPUs" are turns of it.
 *           4. Kernel paged memory is touched by its addresses (window.c), and
 *              by no one who holds a lock of rank >= 3, there or not; but
 *              vm_check, which holds all of them.
 *
 * Read next kern_host.c, t_fmo.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"
#include "test/host/host.h"
#include "test/host/touch.h"

_Static_assert(MD_KPAGED_BASE == WINDOW_BASE, "host_pre.h");

#define NCPU 4
#define TLB_MAX 256

struct tlb_entry {
	struct md_space *space; /* NULL: unused */
	uint64_t vpn, word;
};

static struct {
	struct boot_info info;
	pa_t taken;                       /* boot_take() works downwards */
	unsigned cpu, next;               /* whose turn; TLB replacement */
	struct md_space *cur[NCPU];
	struct tlb_entry tlb[NCPU][TLB_MAX];
	pa_t kroot;
	uint64_t ktables;
	uint64_t ns, seed;
	int64_t word[MD_WORDS];
} mach;

uint64_t md_direct_base;
unsigned long host_pfdb_base;
unsigned long host_arena_base;

/* ---- boot/ ---- */

/* Frames 1 … n: frame 0 means none. */
void
host_machine(unsigned frames)
{
	size_t bytes = ((size_t)frames + 1) << PAGE_SHIFT;
	void *ram = window_ram(bytes);
	void *db = aligned_alloc(PAGE_SIZE, 3 * PAGE_SIZE * ((size_t)frames / 256 + 1));

	void *arena = aligned_alloc(PAGE_SIZE, MD_ARENA_SIZE);

	if (ram == NULL || db == NULL || arena == NULL)
		abort();
	host_arena_base = (unsigned long)arena;
	md_direct_base = (uint64_t)ram;
	host_pfdb_base = (unsigned long)db;
	window_open(MD_KPAGED_SIZE, kpaged_touch);
	mach.info.loader = "host";
	mach.info.nranges = 1;
	mach.info.range[0] = (struct boot_range){ PAGE_SIZE, bytes };
	mach.info.top = bytes;
	mach.taken = bytes;
}

const struct boot_info *
boot_info(void)
{
	return &mach.info;
}

pa_t
boot_take(size_t bytes)
{
	mach.taken -= PAGE_UP(bytes);
	return mach.taken;
}

bool
boot_free_range(unsigned i, struct boot_range *out)
{
	*out = (struct boot_range){ PAGE_SIZE, mach.taken };
	return i == 0;
}

/* ---- CPUs, time ---- */

unsigned
md_cpu(void)
{
	return mach.cpu;
}

/* What CPUs count for themselves: only the sum is asked for. */
void
md_add_word(unsigned word, int64_t n)
{
	mach.word[word] += n;
}

int64_t
md_word_sum(unsigned word)
{
	return mach.word[word];
}

uint32_t
md_lock_word(void)
{
	return md_cpu() + 1;
}

bool
md_lock_word_is(uint32_t word)
{
	return md_lock_word() == word;
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

void
md_preempt_disable(void)
{
}

void
md_preempt_enable(void)
{
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

unsigned
md_preempt_count(void)
{
	return 0;
}

bool
md_in_irq(void)
{
	return false;
}

bool
md_may_sleep(void)
{
	return true;
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

void
md_cycles_to(uint64_t *at)
{
	*at = md_cycles();
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

/* ---- kernel mappings: tables of their own, words that can be homes ---- */

static pa_t
new_table(void)
{
	struct vm_page *pg = phys_alloc(PHYS_KERNEL, PHYS_ZEROED);

	if (pg == NULL)
		return 0;
	spin_lock(&pfn_lock);
	page_set_state(pg, PG_WIRED);
	page_set_home(pg, HOME_KERNEL, 0);
	spin_unlock(&pfn_lock);
	mach.ktables++;
	return page_pa(pg);
}

uint64_t
md_ktables(void)
{
	return mach.ktables;
}

static uint64_t *
kpte(va_t va, bool create)
{
	pa_t table;
	uint64_t *word;
	int level;

	if (mach.kroot == 0)
		mach.kroot = new_table();
	table = mach.kroot;
	for (level = MD_PT_LEVELS; level > 1; level--) {
		word = (uint64_t *)pa2va(table) + md_pt_index(va, level);
		if (*word == 0 && create) {
			table = new_table();
			if (table == 0)
				return NULL;
			*word = table | MD_PTE_P | MD_PTE_W;
		}
		if (*word == 0)
			return NULL;
		table = *word & MD_PTE_PFN;
	}
	return (uint64_t *)pa2va(table) + md_pt_index(va, 1);
}

uint64_t *
md_kpte(va_t va)
{
	return kpte(va, false);
}

uint64_t *
md_kpte_make(va_t va)
{
	return kpte(va, true);
}

/* The frame database and the arena are the host's memory already. */
int
md_kmap(va_t va, pa_t pa, uint64_t prot)
{
	if (va - host_arena_base < MD_ARENA_SIZE)
		*md_kpte_make(va) = pa | MD_PTE_P | prot;
	else if (va < host_pfdb_base)
		abort();
	return 0;
}

int
md_kmap_large(va_t va, pa_t pa, size_t bytes, uint64_t prot)
{
	return md_kmap(va, pa, prot);
}

uint64_t
md_kunmap(va_t va)
{
	uint64_t *word = md_kpte(va);

	return word == NULL ? 0 : atomic_xchg(word, 0);
}

void
md_root_init(pa_t root)
{
}

void
md_root_clear(pa_t root)
{
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
	pa_t table = space->root_pa;
	struct tlb_entry *e;
	int level;

	for (level = MD_PT_LEVELS; level > 1; level--) {
		word = (uint64_t *)pa2va(table) + md_pt_index(va, level);
		if (!(*word & MD_PTE_P))
			return NULL;
		table = *word & MD_PTE_PFN;
	}
	word = (uint64_t *)pa2va(table) + md_pt_index(va, 1);
	if ((*word & need) != need)
		return NULL;
	*word |= MD_PTE_A | (write ? MD_PTE_D : 0);
	e = &mach.tlb[mach.cpu][mach.next++ % TLB_MAX];
	*e = (struct tlb_entry){ space, va >> PAGE_SHIFT, *word };
	return e;
}

/* One access: the TLB first, as the processor does. */
static uint64_t *
mmu_access(struct md_space *space, va_t va, bool write)
{
	struct tlb_entry *e = tlb_find(space, va >> PAGE_SHIFT);
	struct vm_page *pg;

	if (e == NULL || (write && (e->word & (MD_PTE_W | MD_PTE_D)) !=
	    (MD_PTE_W | MD_PTE_D))) {
		if (e != NULL)
			e->space = NULL;
		e = tlb_walk(space, va, write);
	}
	if (e == NULL)
		return NULL;
	pg = pte_page(e->word);
	if (pg->state == PG_FREE || pg->state == PG_ZEROED)
		panic("I13: a TLB entry for va %lx names frame %u, which is %s",
		    va, page_pfn(pg), page_state_name(pg->state));
	return (uint64_t *)((char *)pa2va(page_pa(pg)) + (va & PAGE_MASK));
}

static int
host_access(struct aspace *as, va_t va, bool write, uint64_t *value)
{
	struct vm_siginfo sig;
	uint64_t *p;
	int r;

	md_space_enter(as_space(as));
	while ((p = mmu_access(as_space(as), va, write)) == NULL) {
		r = vm_user_fault(as, va, write ? ACCESS_WRITE : ACCESS_READ,
		    &sig);
		if (r < 0)
			return r;
	}
	if (write)
		*p = *value;
	else
		*value = *p;
	return 0;
}

int
host_load(struct aspace *as, va_t va, uint64_t *value)
{
	return host_access(as, va, false, value);
}

int
host_store(struct aspace *as, va_t va, uint64_t value)
{
	return host_access(as, va, true, &value);
}

int
md_copy_user(void *dst, const void *src, size_t n)
{
	abort();
}
