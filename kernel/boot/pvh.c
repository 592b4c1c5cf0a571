/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pvh.c: what QEMU's -kernel tells us
 *
 * Problem   The PVH entry passes the physical address of a start block with
 *           the memory map, the command line, modules and the ACPI root.
 *
 * Rules     1. Only runs under the loader's map: all of it is below 4 GiB.
 *           2. Everything is copied; the block may be overwritten later.
 *
 * Read next kernel/boot/memmap.c
 */
#include "boot/boot.h"
#include "md.h"

enum { PVH_RAM = 1 };

struct pvh_start {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist, cmdline, rsdp;
	uint64_t memmap;            /* from version 1 on */
	uint32_t memmap_entries, rsv;
};

struct pvh_module {
	uint64_t start, size;
	uint64_t cmdline;           /* QEMU does not write it: what was in memory before */
	uint64_t rsv;
};

struct pvh_range {
	uint64_t start, size;
	uint32_t type, rsv;
};

static void read_ranges(const struct pvh_start *);
static void read_modules(const struct pvh_start *);

/*
 * Report the start block at info to memmap.c.
 *
 * Locks:    none; CPU 0 alone.
 */
void
boot_pvh_read(pa_t info)
{
	const struct pvh_start *s = pa2va(info);

	if (s->magic != BOOT_PVH_MAGIC || s->version < 1)
		boot_fatal("this PVH loader gives no memory map");
	if (s->cmdline != 0)
		boot_set_cmdline(pa2va(s->cmdline));
	if (s->rsdp != 0)
		boot_set_rsdp(s->rsdp);
	read_ranges(s);
	read_modules(s);
}

static void
read_ranges(const struct pvh_start *s)
{
	const struct pvh_range *r = pa2va(s->memmap);
	uint32_t i;

	for (i = 0; i < s->memmap_entries; i++) {
		if (r[i].type == PVH_RAM)
			boot_add_ram(r[i].start, r[i].start + r[i].size);
		else
			boot_add_reserved(r[i].start, r[i].start + r[i].size);
	}
}

static void
read_modules(const struct pvh_start *s)
{
	const struct pvh_module *m = pa2va(s->modlist);
	uint32_t i;

	for (i = 0; i < s->nr_modules; i++)
		boot_add_module(m[i].start, m[i].start + m[i].size);
}
