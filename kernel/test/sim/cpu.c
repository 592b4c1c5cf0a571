/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c: CPUs and their TLBs, as bad as the manual allows
 *
 * Problem   A missing flush is seen only by a CPU that has cached the right
 *           word at the right moment.  So each CPU here caches whatever it may.
 *
 * Picture   host_load, host_store ─→ TLB of the CPU ─miss→ walk ─→ vm_user_fault
 *           sim_speculate: at each point every CPU with a root loaded, a lazy
 *           one too, fills its TLB and keeps the way to the leaf table
 *           amd64/shootdown.c ─→ sim_invlpg, write_cr3, apic_send
 *
 * Rules     1. An entry goes only by invlpg, a CR3 load, or because the walker
 *              looks again to set D.
 *           2. I13: a CPU that is active has no entry for a frame that is free
 *              or on a queue; no CPU has a cached way through a table that is.
 *           3. An IPI comes at the latest when its sender can only wait; up to
 *              then the target may run on with what it has cached.
 *
 * Read next amd64/shootdown.c, fiber.c.
 */
#include <stdlib.h>
#include <string.h>

#include "amd64/amd64.h"
#include "boot/boot.h"
#include "test/sim/sim.h"

#define HOT_MAX 12
#define NCPUS 8 /* what md_ncpus() says; fibers have SIM_FIBERS */

struct tlb_entry {
	uint64_t word;               /* 0: none */
	pa_t leaf;                   /* cached way: the leaf table, 0: none */
};

static struct {
	struct cpu cpu[MAXCPU];
	pa_t cr3[MAXCPU];
	unsigned irq_off[MAXCPU];
	uint32_t ipi[MAXCPU];        /* pending */
	unsigned acting;             /* CPU + 1 whose interrupt runs */
	struct {
		struct md_space *space;
		va_t va;
	} hot[HOT_MAX];
	unsigned nhot;
	struct tlb_entry tlb[MAXCPU][HOT_MAX];
} mach;

pa_t kernel_root;
/* A record is 48 bytes, and those of 256 frames fill pages. */
unsigned char sim_pfdb[3 * 4096 * (SIM_FRAMES_MAX / 256 + 1)]
    __attribute__((aligned(4096)));

void
sim_machine_init(unsigned frames)
{
	unsigned i;

	ASSERT(frames <= SIM_FRAMES_MAX);
	host_ram(frames);
	for (i = 0; i < MAXCPU; i++) {
		mach.cpu[i].id = i;
		mach.cpu[i].tlb_state = TLB_NONE;
	}
}

/* ---- CPUs, time ---- */

unsigned
md_cpu(void)
{
	struct fiber *f = sim_fiber();

	if (mach.acting != 0)
		return mach.acting - 1;
	return f == NULL ? SIM_DRIVER : f->cpu;
}

struct cpu *
cpu_of(unsigned id)
{
	return &mach.cpu[id];
}

struct cpu *
cpu_this(void)
{
	return cpu_of(md_cpu());
}

unsigned
md_ncpus(void)
{
	return NCPUS;
}

uint64_t
md_online_mask(void)
{
	return (BIT(sim.nfibers) - 1) | BIT(SIM_DRIVER);
}

uint64_t
md_irq_save(void)
{
	return mach.irq_off[md_cpu()]++;
}

void
md_irq_restore(uint64_t flags)
{
	mach.irq_off[md_cpu()] = (unsigned)flags;
}

void
md_irq_disable(void)
{
	(void)md_irq_save();
}

void
md_irq_enable(void)
{
	md_irq_restore(0);
}

bool
md_irq_is_enabled(void)
{
	return mach.irq_off[md_cpu()] == 0;
}

bool
md_in_irq(void)
{
	return mach.acting != 0;
}

uint64_t
md_time_ns(void)
{
	return sim.ns += 10;
}

uint64_t
md_cycles(void)
{
	return sim.ns;
}

uint64_t
md_entropy(void)
{
	return 4;
}

void
clock_spin_ns(uint64_t ns)
{
}

/* ---- interrupts ---- */

void
apic_send(unsigned cpu, unsigned vector)
{
	mach.ipi[cpu] = 1;
	sim_point(AT_TLB);
}

static void
serve(unsigned cpu)
{
	mach.ipi[cpu] = 0;
	mach.acting = cpu + 1;
	mach.irq_off[cpu]++;
	sim.in_irq++;
	tlb_interrupt();
	sim.in_irq--;
	mach.irq_off[cpu]--;
	mach.acting = 0;
}

/* Whoever is asked answers; who has interrupts off must first go on. */
void
md_pause(void)
{
	unsigned i;
	bool all = true;

	for (i = 0; i < MAXCPU; i++) {
		if (mach.ipi[i] == 0)
			continue;
		if (mach.irq_off[i] == 0)
			serve(i);
		else
			all = false;
	}
	if (!all && sim_fiber() != NULL && sim.in_irq == 0)
		sim_block(OP_YIELD, NULL);
}

/* ---- TLB ---- */

void
sim_tlb_point(const volatile void *what)
{
	sim_point(AT_TLB);
}

void
sim_word_point(const volatile void *word)
{
	uintptr_t at = (uintptr_t)word - (uintptr_t)md_direct_base;

	if (at < boot_info()->top && !spin_is_mine(&pfn_lock))
		sim_point(AT_WORD);
}

uint64_t
read_cr3(void)
{
	return mach.cr3[md_cpu()];
}

void
write_cr3(uint64_t root)
{
	unsigned i = md_cpu();

	/* The same again: all is to be flushed. */
	if (mach.cr3[i] == root)
		window_forget_all();
	mach.cr3[i] = root;
	memset(mach.tlb[i], 0, sizeof(mach.tlb[i]));
	sim_point(AT_TLB);
}

/* Also every cached way, as the manual says. */
void
sim_invlpg(va_t va)
{
	unsigned cpu = md_cpu(), h;

	if (va - MD_KPAGED_BASE < MD_KPAGED_SIZE)
		window_forget(va, PAGE_SIZE);
	for (h = 0; h < mach.nhot; h++) {
		mach.tlb[cpu][h].leaf = 0;
		if (PAGE_DOWN(va) == mach.hot[h].va)
			mach.tlb[cpu][h].word = 0;
	}
}

void
sim_hot(struct aspace *as, va_t va)
{
	if (mach.nhot == HOT_MAX)
		sim_fail("too many hot pages");
	mach.hot[mach.nhot].space = as_space(as);
	mach.hot[mach.nhot++].va = PAGE_DOWN(va);
}

/* A page table; the root is the kernel's. */
static bool
is_table(const struct vm_page *pg)
{
	return page_home_kind(pg) == HOME_TABLE ||
	    (page_home_kind(pg) == HOME_KERNEL && pg->state == PG_WIRED);
}

static void
check_entry(unsigned cpu, unsigned h)
{
	const struct tlb_entry *e = &mach.tlb[cpu][h];
	const struct vm_page *pg = e->leaf == 0 ? NULL : page_of_pa(e->leaf);

	if (pg != NULL && (host_is_idle(pg) || !is_table(pg)) &&
	    pg->state != PG_LIMBO)
		panic("I13: CPU %u walks table frame %u, which is %s", cpu,
		    page_pfn(pg), page_state_name((enum page_state)pg->state));
	/* With interrupts off it is about to load a root. */
	if (e->word == 0 || mach.cpu[cpu].tlb_state != TLB_ACTIVE ||
	    mach.irq_off[cpu] != 0)
		return;
	pg = pte_page(e->word);
	if (host_is_idle(pg))
		panic("I13: CPU %u has %lx cached: frame %u, which is %s", cpu,
		    mach.hot[h].va, page_pfn(pg),
		    page_state_name((enum page_state)pg->state));
}

static void
fill(unsigned cpu, unsigned h)
{
	struct tlb_entry *e = &mach.tlb[cpu][h];
	uint64_t *word;

	if (e->leaf == 0)
		e->leaf = host_walk(mach.cr3[cpu], mach.hot[h].va);
	if (e->leaf == 0 || e->word != 0)
		return;
	word = (uint64_t *)pa2va(e->leaf) + md_pt_index(mach.hot[h].va, 1);
	if (!(*word & MD_PTE_P))
		return;
	*word |= MD_PTE_A;
	e->word = *word;
}

void
sim_speculate(void)
{
	unsigned cpu, h;

	for (cpu = 0; cpu < MAXCPU; cpu++) {
		if (mach.cr3[cpu] == kernel_root)
			continue;
		for (h = 0; h < mach.nhot; h++) {
			if (mach.hot[h].space->root_pa != mach.cr3[cpu])
				continue;
			check_entry(cpu, h);
			fill(cpu, h);
		}
	}
}

/* ---- the scheduler's part: which root a CPU has ---- */

void
sim_switch_in(struct fiber *f)
{
	f->is_lazy = false;
	if (f->t.space == NULL)
		return;
	(void)md_irq_save();
	md_space_enter(f->t.space);
	md_irq_restore(0);
}

void
sim_switch_out(struct fiber *f)
{
	f->is_lazy = true;
	if (f->t.space == NULL)
		return;
	(void)md_irq_save();
	md_space_lazy();
	md_irq_restore(0);
}

/* ---- user accesses ---- */

static struct tlb_entry *
hot_entry(struct md_space *space, va_t va)
{
	unsigned h;

	if (read_cr3() != space->root_pa)
		return NULL;
	for (h = 0; h < mach.nhot; h++)
		if (mach.hot[h].space == space &&
		    mach.hot[h].va == PAGE_DOWN(va))
			return &mach.tlb[md_cpu()][h];
	return NULL;
}

uint64_t
sim_cached(unsigned cpu, const struct aspace *as, va_t va)
{
	unsigned h;

	for (h = 0; h < mach.nhot; h++)
		if (mach.hot[h].space->root_pa == as->md.root_pa &&
		    mach.hot[h].va == PAGE_DOWN(va))
			return mach.tlb[cpu][h].word;
	return 0;
}

/* By the TLB, or by a walk that sets A and D.  0: a fault. */
uint64_t
host_translate(struct md_space *space, va_t va, bool write)
{
	uint64_t need = MD_PTE_P | MD_PTE_U | (write ? MD_PTE_W : 0);
	uint64_t done = need | (write ? MD_PTE_D : 0), *word;
	struct tlb_entry *e;
	pa_t leaf;

	sim_point(AT_USER);
	e = hot_entry(space, va);
	if (e != NULL && (e->word & done) == done)
		return e->word;
	leaf = host_walk(space->root_pa, va);
	if (leaf == 0)
		return 0;
	word = (uint64_t *)pa2va(leaf) + md_pt_index(va, 1);
	if (e != NULL)
		e->word = 0;
	if ((*word & need) != need)
		return 0;
	*word |= MD_PTE_A | (write ? MD_PTE_D : 0);
	if (e != NULL)
		e->word = *word;
	return *word;
}

/* Addresses of scripts are those of sim.h; all others are the kernel's. */
static bool
is_user(const void *p)
{
	return ((va_t)p >= SIM_USER_BASE && (va_t)p < SIM_USER_END) ||
	    ((va_t)p >= SIM_OWNED_BASE && (va_t)p < SIM_OWNED_END);
}

/* The byte at p, faulted in as the trap handler does; NULL: it cannot be. */
static uint8_t *
user_byte(va_t va, bool write)
{
	uint64_t word;

	while ((word = host_translate(as_space(as_current()), va, write)) == 0)
		if (vm_kernel_fault(va, write ? ACCESS_WRITE : ACCESS_READ) < 0)
			return NULL;
	return host_bytes(word, va);
}

int
md_copy_user(void *dst, const void *src, size_t n)
{
	uint8_t *to = dst, *user;
	const uint8_t *from = src;
	bool write = is_user(dst);
	size_t part;

	/* Eight aligned bytes at once, as usercopy.S does. */
	for (; n > 0; n -= part, to += part, from += part) {
		part = MIN(n, 8 - ((va_t)(write ? to : from) & 7));
		user = user_byte((va_t)(write ? to : from), write);
		if (user == NULL)
			return -EFAULT;
		memcpy(write ? user : to, write ? from : user, part);
	}
	return 0;
}

int
md_store_user_each(void *dst, const void *src, size_t n, size_t step)
{
	size_t at;
	int r = 0;

	for (at = 0; at < n && r == 0; at += step)
		r = md_copy_user((uint8_t *)dst + at, (const uint8_t *)src + at, 2);
	return r;
}
