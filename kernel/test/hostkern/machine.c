/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c: RAM, the kernel's page tables, and accesses by way of them
 *
 * Rules     1. Physical memory is one mapping of the host; pa2va adds its
 *              address.
 *           2. A translation of a user comes from the program's TLB; using one
 *              whose frame is free ends the test (I13).
 *           3. Kernel paged memory is touched by its addresses (window.c), and
 *              by no one who holds a lock of rank >= 3, there or not; but
 *              vm_check, which holds all of them.
 */
#include "boot/boot.h"
#include "test/hostkern/hostkern.h"

_Static_assert(MD_KPAGED_BASE == WINDOW_BASE, "host_pre.h, sim_pre.h");

static struct {
	struct boot_info info;
	pa_t taken;                  /* boot_take() works downwards */
	pa_t kroot;
	uint64_t ktables;
	bool makes_table;            /* one at a time, as under the kernel's lock */
	int64_t word[MD_WORDS];
} mach;

uint64_t md_direct_base;

/* ---- boot/ ---- */

/*
 * What a plain access to kernel paged memory does: the processor's page fault.
 * Translations are common to all CPUs: who flushes, flushes for all.
 */
static void
touch(unsigned long va, int write)
{
	uint64_t *word = md_kpte(va);

	if (lockrank_highest() >= LR_KMAP && !mutex_is_mine(&kernel_as.ws_lock))
		panic("kpaged: %lx is touched, not pinned, under rank %u", va,
		    lockrank_highest());
	while (word == NULL || (*word & MD_PTE_P) == 0)
		if (kpaged_fault(va) != 0)
			panic("kpaged: %lx is touched, and nobody's", va);
	*word |= MD_PTE_A | (write ? MD_PTE_D : 0);
	window_map(va, *word & MD_PTE_PFN, write || window_has(va, 1));
}

void
host_ram(unsigned frames)
{
	size_t bytes = ((size_t)frames + 1) << PAGE_SHIFT;

	md_direct_base = (uint64_t)window_ram(bytes);
	window_open(MD_KPAGED_SIZE, touch);
	mach.info.loader = "host";
	mach.info.nranges = 1;
	mach.info.range[0] = (struct boot_range){ PAGE_SIZE, bytes };
	mach.info.top = mach.taken = bytes;
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

/* ---- CPUs ---- */

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
md_cycles_to(uint64_t *at)
{
	*at = md_cycles();
}

void
md_preempt_disable(void)
{
}

void
md_preempt_enable(void)
{
}

unsigned
md_preempt_count(void)
{
	return 0;
}

bool
md_may_sleep(void)
{
	return !md_in_irq();
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
word_of(pa_t table, va_t va, int level)
{
	return (uint64_t *)pa2va(table) + md_pt_index(va, level);
}

pa_t
host_walk(pa_t table, va_t va)
{
	uint64_t *word;
	int level;

	for (level = MD_PT_LEVELS; level > 1; level--) {
		word = word_of(table, va, level);
		if (!(*word & MD_PTE_P))
			return 0;
		table = *word & MD_PTE_PFN;
	}
	return table;
}

uint64_t *
md_kpte(va_t va)
{
	pa_t leaf = mach.kroot == 0 ? 0 : host_walk(mach.kroot, va);

	return leaf == 0 ? NULL : word_of(leaf, va, 1);
}

/* The leaf table, with what lacks above it.  Returns: 0: no frame. */
static pa_t
make_path(va_t va)
{
	pa_t table = mach.kroot;
	uint64_t *word;
	int level;

	for (level = MD_PT_LEVELS; level > 1 && table != 0; level--) {
		word = word_of(table, va, level);
		table = *word & MD_PTE_PFN;
		if (*word == 0 && (table = new_table()) != 0)
			*word = table | MD_PTE_P | MD_PTE_W;
	}
	return table;
}

uint64_t *
md_kpte_make(va_t va)
{
	pa_t leaf;

	while (mach.makes_table)
		sched_yield();
	mach.makes_table = true;
	if (mach.kroot == 0)
		mach.kroot = new_table();
	leaf = make_path(va);
	mach.makes_table = false;
	return leaf == 0 ? NULL : word_of(leaf, va, 1);
}

/* The frame database and the arena are the host's memory already. */
int
md_kmap(va_t va, pa_t pa, uint64_t prot)
{
	if (va - MD_ARENA_BASE < MD_ARENA_SIZE)
		*md_kpte_make(va) = pa | MD_PTE_P | prot;
	else if (va < MD_PFDB_BASE)
		panic("md_kmap %lx", va);
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
	uint64_t *word = md_kpte(va), old = word == NULL ? 0 : *word;

	if (word != NULL)
		*word = 0;
	return old;
}

void
md_root_init(pa_t root)
{
}

void
md_root_clear(pa_t root)
{
}

/* ---- registers of a program: there is none ---- */

void
md_get_tls(struct md_thread *t, uint64_t *fsbase, uint64_t *gsbase)
{
	*fsbase = t->fsbase;
	*gsbase = t->gsbase;
}

void
md_set_tls(struct md_thread *t, uint64_t fsbase, uint64_t gsbase)
{
	t->fsbase = fsbase;
	t->gsbase = gsbase;
}

bool
md_frame_sanitize(struct trapframe *tf, uint64_t now)
{
	return true;
}

/* ---- accesses of a user ---- */

bool
host_is_idle(const struct vm_page *pg)
{
	return pg->state == PG_FREE || pg->state == PG_ZEROED ||
	    pg->state == PG_STANDBY || pg->state == PG_MODIFIED;
}

void *
host_bytes(uint64_t word, va_t va)
{
	const struct vm_page *pg = pte_page(word);

	if (host_is_idle(pg))
		panic("I13: access to %lx reaches frame %u, which is %s", va,
		    page_pfn(pg), page_state_name((enum page_state)pg->state));
	return (char *)pa2va(page_pa(pg)) + (va & PAGE_MASK);
}

static int
user_access(struct aspace *as, va_t va, bool write, uint64_t *value)
{
	struct vm_siginfo sig;
	uint64_t word, *p;
	int r;

	while ((word = host_translate(as_space(as), va, write)) == 0) {
		r = vm_user_fault(as, va, write ? ACCESS_WRITE : ACCESS_READ,
		    &sig);
		if (r < 0)
			return r;
	}
	p = host_bytes(word, va);
	if (write)
		*p = *value;
	else
		*value = *p;
	return 0;
}

int
host_load(struct aspace *as, va_t va, uint64_t *value)
{
	return user_access(as, va, false, value);
}

int
host_store(struct aspace *as, va_t va, uint64_t value)
{
	return user_access(as, va, true, &value);
}
