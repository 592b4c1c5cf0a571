/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multiboot2.c: what GRUB tells us
 *
 * Problem   The multiboot2 entry passes the physical address of a list of
 *           tags with the memory map, the command line, modules and a copy
 *           of the ACPI root pointer.
 *
 * Picture   total size, 0 | type, size, … | type, size, … | 0, 8
 *                           each tag starts at a multiple of 8
 *
 * Rules     1. Only runs under the loader's map: all of it is below 4 GiB.
 *           2. Everything is copied; the list may be overwritten later.
 *
 * Read next kernel/boot/memmap.c
 */
#include "boot/boot.h"
#include "lib/string.h"
#include "md.h"

enum {
	MB2_END = 0, MB2_CMDLINE = 1, MB2_MODULE = 3, MB2_MEMMAP = 6,
	MB2_ACPI_OLD = 14, MB2_ACPI_NEW = 15
};

enum { MB2_RAM = 1, RSDP_BYTES = 36 };

struct mb2_tag {
	uint32_t type, size;
};

struct mb2_string {
	struct mb2_tag tag;
	char text[];
};

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;        /* behind them its name */
};

struct mb2_range {
	uint64_t start, size;
	uint32_t type, rsv;
};

struct mb2_memmap {
	struct mb2_tag tag;
	uint32_t entry_size, entry_version;
	struct mb2_range range[];
};

struct mb2_acpi {
	struct mb2_tag tag;
	uint8_t rsdp[];
};

static struct {
	uint8_t rsdp[RSDP_BYTES] __attribute__((aligned(8))); /* [c] a copy */
} mb2;

static void read_tag(const struct mb2_tag *);
static void read_memmap(const struct mb2_memmap *);
static void read_rsdp(const struct mb2_acpi *);

/*
 * Report the tags at info to memmap.c.
 *
 * Locks:    none; CPU 0 alone.
 */
void
boot_multiboot2_read(pa_t info)
{
	const uint8_t *p = pa2va(info);
	const uint8_t *end = p + *(const uint32_t *)p;
	const struct mb2_tag *tag;

	for (p += 8; p + sizeof(*tag) <= end; p += (tag->size + 7) & ~7u) {
		tag = (const struct mb2_tag *)p;
		if (tag->type == MB2_END || tag->size < sizeof(*tag))
			break;
		read_tag(tag);
	}
}

static void
read_tag(const struct mb2_tag *tag)
{
	const struct mb2_module *m = (const void *)tag;

	if (tag->type == MB2_CMDLINE)
		boot_set_cmdline(((const struct mb2_string *)tag)->text);
	else if (tag->type == MB2_MODULE)
		boot_add_module(m->start, m->end);
	else if (tag->type == MB2_MEMMAP)
		read_memmap((const void *)tag);
	else if (tag->type == MB2_ACPI_OLD || tag->type == MB2_ACPI_NEW)
		read_rsdp((const void *)tag);
}

static void
read_memmap(const struct mb2_memmap *map)
{
	const uint8_t *p = (const uint8_t *)map->range;
	const uint8_t *end = (const uint8_t *)map + map->tag.size;
	const struct mb2_range *r;

	for (; p + sizeof(*r) <= end; p += map->entry_size) {
		r = (const struct mb2_range *)p;
		if (r->type == MB2_RAM)
			boot_add_ram(r->start, r->start + r->size);
		else
			boot_add_reserved(r->start, r->start + r->size);
	}
}

/* The tag holds a copy, which dies with the list: keep one of our own. */
static void
read_rsdp(const struct mb2_acpi *a)
{
	size_t n = MIN(a->tag.size - sizeof(a->tag), sizeof(mb2.rsdp));

	memcpy(mb2.rsdp, a->rsdp, n);
	boot_set_rsdp((uint64_t)mb2.rsdp - MD_IMAGE_BASE);
}
