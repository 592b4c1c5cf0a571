/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memmap.c: either loader's report → one memory map
 *
 * Problem   Loaders report RAM in any order, unaligned, overlapping, and do
 *           not say that we, our modules and the first page are in it.
 *
 * Picture   ram   ─ sort, align inwards, merge ─→ minus reserved ─→ info.range
 *           free  = info.range minus low memory, kernel image, modules
 *                   minus what boot_take() cut off the upper ends
 *
 * Rules     1. All lists are sorted and disjoint once boot_collect() is over.
 *           2. Small pieces of boot_take() lie below 4 GiB: they are used
 *              while the loader's map, which ends there, is loaded.  Large
 *              ones (the frame database) come from the top.
 *
 * Read next kernel/amd64/pt.c, kernel/mem/phys.c.  Book: ch03.
 */
#include <stdarg.h>

#include "boot/boot.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "md.h"

#define LOW_KEPT 0x10000ul         /* vectors, BIOS data, trampoline */
#define RAM_LIMIT (64ul << 40)     /* end of the direct map */
#define RAM_MIN (15ul << 20)       /* "16 MiB", less the firmware's share */
#define SMALL_LIMIT (4ul << 30)
#define LARGE_PAGE (2ul << 20)
#define MAXFREE (2 * BOOT_MAXRANGES)

struct range_list {
	unsigned n, max;
	struct boot_range *r;
};

static struct {
	struct boot_info info;                     /* [c] */
	struct boot_range raw[BOOT_MAXRANGES];
	struct boot_range reserved[BOOT_MAXRANGES];
	struct boot_range free[MAXFREE];           /* until phys_init() */
	unsigned nraw, nreserved;
	struct range_list frees;
} boot;

static void make_ranges(void);
static void make_free(void);
static void check_size(void);
static void sort(struct boot_range *r, unsigned n);
static void add_merged(struct range_list *, pa_t start, pa_t end);
static void cut(struct range_list *, pa_t start, pa_t end);
static void insert_at(struct range_list *, unsigned at, pa_t start, pa_t end);
static bool take_from(struct boot_range *, size_t bytes, pa_t limit, pa_t *out);

/*
 * From the loader's report to boot_info() and the free ranges.
 *
 * Locks:    none; CPU 0 alone, loader's map.
 * Context:  called by start.S after md_early_init().
 */
void
boot_collect(uint32_t magic, pa_t info)
{
	if (magic == BOOT_PVH_MAGIC) {
		boot.info.loader = "pvh";
		boot_pvh_read(info);
	} else if (magic == BOOT_MB2_MAGIC) {
		boot.info.loader = "multiboot2";
		boot_multiboot2_read(info);
	} else {
		boot_fatal("unknown loader, magic 0x%x", magic);
	}
	make_ranges();
	check_size();
	make_free();
}

/* Sort, align, clip and merge the report; then cut what firmware keeps. */
static void
make_ranges(void)
{
	struct range_list l = { 0, BOOT_MAXRANGES, boot.info.range };
	unsigned i;

	sort(boot.raw, boot.nraw);
	for (i = 0; i < boot.nraw; i++)
		add_merged(&l, PAGE_UP(boot.raw[i].start),
		    PAGE_DOWN(MIN(boot.raw[i].end, RAM_LIMIT)));
	for (i = 0; i < boot.nreserved; i++)
		cut(&l, PAGE_DOWN(boot.reserved[i].start),
		    PAGE_UP(boot.reserved[i].end));
	boot.info.nranges = l.n;
	boot.info.top = l.n > 0 ? l.r[l.n - 1].end : 0;
}

static void
make_free(void)
{
	struct range_list *l = &boot.frees;
	unsigned i;

	l->r = boot.free;
	l->max = MAXFREE;
	l->n = boot.info.nranges;
	memcpy(l->r, boot.info.range, l->n * sizeof(*l->r));
	cut(l, 0, LOW_KEPT);
	cut(l, (uint64_t)image_start - MD_IMAGE_BASE,
	    PAGE_UP((uint64_t)image_end) - MD_IMAGE_BASE);
	for (i = 0; i < boot.info.nmods; i++)
		cut(l, PAGE_DOWN(boot.info.mod[i].start),
		    PAGE_UP(boot.info.mod[i].end));
}

static void
check_size(void)
{
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < boot.info.nranges; i++)
		bytes += boot.info.range[i].end - boot.info.range[i].start;
	if (bytes < RAM_MIN)
		boot_fatal("%lu KiB of memory is too little: the kernel needs "
		    "16 MiB with one CPU, 32 MiB with more", bytes >> 10);
}

/* Insertion sort by start: a few dozen rows. */
static void
sort(struct boot_range *r, unsigned n)
{
	struct boot_range x;
	unsigned i, j;

	for (i = 1; i < n; i++) {
		x = r[i];
		for (j = i; j > 0 && r[j - 1].start > x.start; j--)
			r[j] = r[j - 1];
		r[j] = x;
	}
}

/* Append to a sorted list; what touches or overlaps the last row joins it. */
static void
add_merged(struct range_list *l, pa_t start, pa_t end)
{
	struct boot_range *last = l->n > 0 ? &l->r[l->n - 1] : NULL;

	if (start >= end)
		return;
	if (last != NULL && start <= last->end)
		last->end = MAX(last->end, end);
	else
		insert_at(l, l->n, start, end);
}

/* Remove [start, end) from every row that overlaps it. */
static void
cut(struct range_list *l, pa_t start, pa_t end)
{
	struct boot_range old;
	unsigned i = 0;

	while (i < l->n) {
		old = l->r[i];
		if (old.end <= start || old.start >= end) {
			i++;
			continue;
		}
		memmove(&l->r[i], &l->r[i + 1],
		    (l->n - i - 1) * sizeof(*l->r));
		l->n--;
		if (old.start < start)
			insert_at(l, i++, old.start, start);
		if (old.end > end)
			insert_at(l, i++, end, old.end);
	}
}

/* A full list loses the row: less RAM, but nothing that is not ours. */
static void
insert_at(struct range_list *l, unsigned at, pa_t start, pa_t end)
{
	if (l->n == l->max)
		return;
	memmove(&l->r[at + 1], &l->r[at], (l->n - at) * sizeof(*l->r));
	l->r[at].start = start;
	l->r[at].end = end;
	l->n++;
}

/*
 * Cut bytes of RAM, page-aligned (2 MiB-aligned from that size on), contents
 * undefined.  Ends the machine when there is no such piece.
 *
 * Locks:    none; CPU 0 alone, before phys_init() is through.
 * Owns:     the caller, for good.
 * Returns:  its address; below 4 GiB if bytes < 2 MiB.
 */
pa_t
boot_take(size_t bytes)
{
	pa_t limit = bytes < LARGE_PAGE ? SMALL_LIMIT : RAM_LIMIT;
	struct range_list *l = &boot.frees;
	unsigned i;
	pa_t pa;

	bytes = PAGE_UP(bytes);
	for (i = l->n; i-- > 0;) {
		if (!take_from(&l->r[i], bytes, limit, &pa))
			continue;
		cut(l, pa, pa + bytes);
		return pa;
	}
	boot_fatal("no %lu KiB of adjacent memory for the first tables",
	    bytes >> 10);
}

/*
 * Cut [start, start + bytes) of RAM, page-aligned, as it is.  Ends the machine
 * when not all of it is free RAM.
 *
 * Locks:    none; CPU 0 alone, before phys_init().
 * Owns:     the caller, for good.
 */
pa_t
boot_take_at(pa_t start, size_t bytes)
{
	struct range_list *l = &boot.frees;
	unsigned i;

	bytes = PAGE_UP(bytes);
	for (i = 0; i < l->n; i++) {
		if (start < l->r[i].start || start + bytes > l->r[i].end)
			continue;
		cut(l, start, start + bytes);
		return start;
	}
	boot_fatal("no %lu KiB of free memory at %lx", bytes >> 10, start);
}

/* The highest place for bytes in a row below limit. */
static bool
take_from(struct boot_range *r, size_t bytes, pa_t limit, pa_t *out)
{
	pa_t align = bytes < LARGE_PAGE ? PAGE_SIZE : LARGE_PAGE;
	pa_t end = MIN(r->end, limit);

	if (end < bytes)
		return false;
	*out = (end - bytes) & ~(align - 1);
	return *out >= r->start;
}

/*
 * The i-th range of RAM that is free now.
 *
 * Locks:    none; CPU 0 alone.
 * Returns:  false behind the last.
 */
bool
boot_free_range(unsigned i, struct boot_range *out)
{
	if (i >= boot.frees.n)
		return false;
	*out = boot.frees.r[i];
	return true;
}

/* What the loader told us.  Locks: none, constant.  Returns: never NULL. */
const struct boot_info *
boot_info(void)
{
	return &boot.info;
}

void
boot_add_ram(pa_t start, pa_t end)
{
	if (boot.nraw < BOOT_MAXRANGES && start < end)
		boot.raw[boot.nraw++] = (struct boot_range){ start, end };
}

void
boot_add_reserved(pa_t start, pa_t end)
{
	struct boot_range r = { start, end };

	if (boot.nreserved < BOOT_MAXRANGES && start < end)
		boot.reserved[boot.nreserved++] = r;
}

void
boot_add_module(pa_t start, pa_t end)
{
	if (boot.info.nmods < BOOT_MAXMODS)
		boot.info.mod[boot.info.nmods++] = (struct boot_range){ start, end };
}

void
boot_set_cmdline(const char *text)
{
	str_copy(boot.info.cmdline, text, sizeof(boot.info.cmdline));
}

void
boot_hide(size_t at, size_t n)
{
	ASSERT(at + n < sizeof(boot.info.cmdline));
	memset(boot.info.cmdline + at, 'x', n);
}

void
boot_set_rsdp(pa_t pa)
{
	boot.info.rsdp = pa;
}

/*
 * Say on COM1 why the machine cannot run, and end it.
 *
 * Locks:    none.
 * Returns:  never.
 */
void
boot_fatal(const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	md_early_write("vadose: cannot start: ", 22);
	md_early_write(text, strlen(text));
	md_early_write("\n", 1);
	md_halt_forever();
}
