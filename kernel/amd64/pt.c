/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pt.c: the kernel's own page tables
 *
 * Problem   One kernel half for all address spaces: RAM, the frame database,
 *           arenas, the image with the rights of its sections.
 *
 * Picture   PML4 slot 256…  direct map of RAM, 2 MiB pages, RW NX
 *                     384,5 kpaged: words belong to vm/kpaged/kpaged.c
 *                     416   frame database
 *                     448   arenas: stacks, devices, kva_alloc()
 *                     511   image, 4 KiB pages: text R X, rodata R, data RW;
 *                           above it, fixed places for the APICs
 *           The direct map shows text and rodata read-only too.
 *
 * Rules     1. All kernel slots of the root are filled by pt_init(), so roots
 *              copied from it (md_root_init) never go out of date.
 *           2. Tables are added and never freed; two CPUs that need the same
 *              one race by compare-and-swap, and the loser gives its frame
 *              back.  So there is no lock.
 *           3. Global pages only where nothing is ever unmapped.
 *           4. Until pt_use_phys() frames come from boot_take().
 *
 * Read next vm/table/ptab.c for user tables.  Book: ch03.
 */
#include "amd64/amd64.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define LARGE (2ul << 20)
#define SLOT_BYTES (1ul << 39)     /* of a PML4 slot */
#define LOW_BYTES (1ul << 20)      /* BIOS data, VGA text, trampoline */
#define FIX_BASE 0xffffffffff000000ul
/* Of the 2^19 leaf tables of paged kernel memory 2^12 share one place of pt.near. */
#define NEAR 128

#define TABLE_WORD (MD_PTE_P | MD_PTE_W | MD_PTE_A)
#define LEAF_WORD (MD_PTE_P | MD_PTE_A | MD_PTE_D)
#define RO (MD_PTE_NX | MD_PTE_G)
#define RW (MD_PTE_W | MD_PTE_NX | MD_PTE_G)
#define RX MD_PTE_G

static struct {
	bool have_phys;            /* [c] after md_init() */
	_Atomic uint64_t tables;   /* [A] kernel tables taken from phys */
	_Atomic uint64_t near[NEAR]; /* [A] leaf tables of paged kernel memory: its
	                            * address, and which of those that would stand here */
	uint16_t slot[MD_PT_WORDS / 2]; /* [c] words of the root that are in use */
	unsigned nslots;           /* [c] so many */
} pt;

uint64_t md_direct_base = MD_DIRECT_BASE;
pa_t kernel_root;                  /* [c] after md_init_early() */

static void fill_slots(va_t base, uint64_t bytes);
static void map_ram(pa_t start, pa_t end);
static void map_image(void);
static int map_range(va_t va, pa_t pa, size_t bytes, uint64_t prot);
static void must_map(va_t va, pa_t pa, size_t bytes, uint64_t prot);
static uint64_t *walk(va_t va, int level, bool create);
static uint64_t *walk_and_note(va_t va, uint64_t n);
static uint64_t *next_table(uint64_t *word, bool create);
static bool install_table(uint64_t *word);

/*
 * Make the final tables and load them.
 *
 * Context:  CPU 0, loader's map, before phys_init().
 */
void
pt_init(void)
{
	const struct boot_info *b = boot_info();
	unsigned i;

	kernel_root = boot_take(PAGE_SIZE);
	memset(pa2va(kernel_root), 0, PAGE_SIZE);
	fill_slots(MD_DIRECT_BASE, b->top);
	fill_slots(MD_KPAGED_BASE, MD_KPAGED_SIZE);
	fill_slots(MD_PFDB_BASE, SLOT_BYTES);
	fill_slots(MD_ARENA_BASE, MD_ARENA_SIZE);
	fill_slots(MD_IMAGE_BASE, PAGE_SIZE);

	must_map(MD_DIRECT_BASE, 0, LOW_BYTES, RW);
	for (i = 0; i < b->nranges; i++)
		map_ram(b->range[i].start, b->range[i].end);
	map_image();
	write_cr3(kernel_root);
}

void
pt_use_phys(void)
{
	pt.have_phys = true;
}

/* Rule 1: a level-3 table for each slot of the range. */
static void
fill_slots(va_t base, uint64_t bytes)
{
	uint64_t *root = pa2va(kernel_root);
	unsigned i = md_pt_index(base, 4);
	unsigned end = i + (bytes + SLOT_BYTES - 1) / SLOT_BYTES;

	for (; i < end; i++) {
		CHECK(install_table(&root[i]));
		pt.slot[pt.nslots++] = (uint16_t)i;
	}
}

/* RAM [start, end) in the direct map; text and rodata are read-only in it. */
static void
map_ram(pa_t start, pa_t end)
{
	pa_t ro = (pa_t)image_start - MD_IMAGE_BASE;
	pa_t ro_end = (pa_t)rodata_end - MD_IMAGE_BASE;

	if (start <= ro && end >= ro_end) {
		map_ram(start, ro);
		must_map(MD_DIRECT_BASE + ro, ro, ro_end - ro, RO);
		start = ro_end;
	}
	must_map(MD_DIRECT_BASE + start, start, end - start, RW);
}

/* W^X by sections; the guard page of the boot stack stays unmapped. */
static void
map_image(void)
{
	va_t text = (va_t)image_start, ro = (va_t)text_end;
	va_t data = (va_t)rodata_end, end = (va_t)image_end;
	va_t guard = (va_t)boot_stack_guard;

	must_map(text, text - MD_IMAGE_BASE, ro - text, RX);
	must_map(ro, ro - MD_IMAGE_BASE, data - ro, RO);
	must_map(data, data - MD_IMAGE_BASE, end - data, RW);
	CHECK(md_kunmap(guard) != 0);
}

static void
must_map(va_t va, pa_t pa, size_t bytes, uint64_t prot)
{
	if (map_range(va, pa, bytes, prot) != 0)
		boot_fatal("no memory for the first page tables");
}

/* The image is mapped in 4 KiB pages whatever its alignment: it is small. */
static int
map_range(va_t va, pa_t pa, size_t bytes, uint64_t prot)
{
	uint64_t *w, flags, step;
	size_t at;
	bool large;

	for (at = 0; at < bytes; at += step) {
		large = ((va + at) | (pa + at)) % LARGE == 0 &&
		    bytes - at >= LARGE && va < MD_IMAGE_BASE;
		step = large ? LARGE : PAGE_SIZE;
		flags = large ? prot | LEAF_WORD | MD_PTE_PS : prot | LEAF_WORD;
		w = walk(va + at, large ? 2 : 1, true);
		if (w == NULL)
			return -ENOMEM;
		atomic_store(w, (pa + at) | flags);
	}
	return 0;
}

/* ---- walking ---- */

/* The word for va at level; NULL: no table, no frame, or a 2 MiB page. */
static uint64_t *
walk(va_t va, int level, bool create)
{
	uint64_t *table = pa2va(kernel_root);
	int l;

	for (l = MD_PT_LEVELS; l > level; l--) {
		table = next_table(&table[md_pt_index(va, l)], create);
		if (table == NULL)
			return NULL;
	}
	return &table[md_pt_index(va, level)];
}

static uint64_t *
next_table(uint64_t *word, bool create)
{
	uint64_t v = atomic_load(word);

	if ((v & MD_PTE_P) == 0) {
		if (!create || !install_table(word))
			return NULL;
		v = atomic_load(word);
	}
	if ((v & MD_PTE_PS) != 0)
		return NULL;
	return pa2va(v & MD_PTE_PFN);
}

/* Put a new table into *word, unless another CPU was faster. */
static bool
install_table(uint64_t *word)
{
	uint64_t none = 0;
	struct vm_page *pg;
	pa_t pa;

	if (!pt.have_phys) {
		pa = boot_take(PAGE_SIZE);
		memset(pa2va(pa), 0, PAGE_SIZE);
		atomic_store(word, pa | TABLE_WORD);
		return true;
	}
	pg = phys_alloc(PHYS_KERNEL, PHYS_ZEROED);
	if (pg == NULL)
		return false;
	if (!atomic_cas(word, &none, page_pa(pg) | TABLE_WORD)) {
		phys_free(pg);
		return true;
	}
	spin_lock(&pfn_lock);
	page_set_home(pg, HOME_KERNEL, 0);
	page_set_state(pg, PG_WIRED);
	spin_unlock(&pfn_lock);
	atomic_add(&pt.tables, 1);
	return true;
}

uint64_t
md_ktables(void)
{
	return atomic_load(&pt.tables);
}

/* ---- md.h ---- */

/* Locks:    the root is ours. */
void
md_root_init(pa_t root)
{
	uint64_t *to = pa2va(root), *from = pa2va(kernel_root);
	unsigned i;

	for (i = 0; i < pt.nslots; i++)
		to[pt.slot[i]] = from[pt.slot[i]];
}

/* Locks:    the root is ours, and no CPU's. */
void
md_root_clear(pa_t root)
{
	uint64_t *words = pa2va(root);
	unsigned i;

	for (i = 0; i < pt.nslots; i++)
		words[pt.slot[i]] = 0;
}

/*
 * Map one page of kernel addresses.
 *
 * Locks:    none of rank >= 8; the caller owns va.
 * Returns:  0, -ENOMEM.
 */
int
md_kmap(va_t va, pa_t pa, uint64_t prot)
{
	uint64_t *w = walk(va, 1, true);

	if (w == NULL)
		return -ENOMEM;
	atomic_store(w, pa | prot | LEAF_WORD);
	return 0;
}

/*
 * Map a region for good, in 2 MiB pages where possible.
 *
 * Locks:    as md_kmap().
 * Returns:  0, -ENOMEM (part may be mapped).
 */
int
md_kmap_large(va_t va, pa_t pa, size_t bytes, uint64_t prot)
{
	return map_range(va, pa, PAGE_UP(bytes), prot | MD_PTE_G);
}

/*
 * Unmap one page.  The caller flushes before va or the frame is used again.
 *
 * Locks:    the caller owns va.
 * Returns:  the old word, 0: there was none.
 */
uint64_t
md_kunmap(va_t va)
{
	uint64_t *w = walk(va, 1, false);

	return w == NULL ? 0 : atomic_xchg(w, 0);
}

/*
 * The leaf word of a kernel address.
 *
 * Locks:    create: none of rank >= 8.
 * Returns:  NULL: no table there (create: no frame for one), or a 2 MiB page.
 */
uint64_t *
md_kpte(va_t va)
{
	uint64_t n = (va - MD_KPAGED_BASE) / LARGE, near;

	if (n >= MD_KPAGED_SIZE / LARGE)
		return walk(va, 1, false);
	near = atomic_load(&pt.near[n % NEAR]);
	if ((near & PAGE_MASK) != n / NEAR || near < PAGE_SIZE)
		return walk_and_note(va, n);
	return (uint64_t *)pa2va(near - n / NEAR) + md_pt_index(va, 1);
}

/* A table is never freed (rule 2): so a cached pointer to it never becomes wrong. */
static __attribute__((noinline)) uint64_t *
walk_and_note(va_t va, uint64_t n)
{
	uint64_t *word = walk(va, 1, false);

	if (word != NULL)
		atomic_store(&pt.near[n % NEAR],
		    PAGE_DOWN(va2pa(word)) | n / NEAR);
	return word;
}

uint64_t *
md_kpte_make(va_t va)
{
	return walk(va, 1, true);
}

/*
 * May the kernel read va?  For backtraces: takes no lock, touches only tables.
 *
 * Locks:    none; any context.
 */
bool
pt_is_mapped(va_t va)
{
	uint64_t *table, v;
	int l;

	if (va < MD_DIRECT_BASE || kernel_root == 0)
		return false;
	table = pa2va(kernel_root);
	for (l = MD_PT_LEVELS; l >= 1; l--) {
		v = atomic_load(&table[md_pt_index(va, l)]);
		if ((v & MD_PTE_P) == 0)
			return false;
		if ((v & MD_PTE_PS) != 0)
			return true;
		table = pa2va(v & MD_PTE_PFN);
	}
	return true;
}

/* Registers of an APIC at a fixed place; ends the machine without memory. */
void *
pt_fix_device(unsigned slot, pa_t pa)
{
	va_t va = FIX_BASE + slot * PAGE_SIZE;

	if (md_kmap(va, PAGE_DOWN(pa), MD_PTE_W | MD_PTE_NX | MD_PTE_PCD) != 0)
		boot_fatal("no memory for the page tables of the APICs");
	return (void *)(va + (pa & PAGE_MASK));
}
