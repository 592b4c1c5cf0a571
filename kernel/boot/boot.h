/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h: what the loader told us
 *
 * Offers    the memory map, command line, initial file system, ACPI root.
 * Needs     nothing; runs before everything else.
 * Sleeps?   Never.
 * In interrupts?  No.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "lib/assert.h"
#include "lib/types.h"

#define BOOT_MAXRANGES 64
#define BOOT_MAXMODS 8
#define BOOT_CMDLINE 2048

struct boot_range {
	pa_t start, end;  /* bytes */
};

struct boot_info {
	const char *loader;              /* "pvh" or "multiboot2" */
	char cmdline[BOOT_CMDLINE];
	unsigned nranges, nmods;
	/* Usable RAM: page-aligned, disjoint, sorted; kernel and modules not cut out */
	struct boot_range range[BOOT_MAXRANGES];
	struct boot_range mod[BOOT_MAXMODS];     /* cpio archives: all are one initramfs */
	pa_t rsdp;                       /* 0: the loader knows of none */
	pa_t top;                        /* end of the highest range */
};

/* Filled by pvh.c or multiboot2.c through memmap.c before main() runs. */
const struct boot_info *boot_info(void);

/*
 * Cut n bytes, page-aligned, out of free RAM: for the frame database and the
 * first page tables.  Only before phys_init(), which takes what is left.
 */
pa_t boot_take(size_t bytes);
/* The same where the loader has put something, and nobody said so. */
pa_t boot_take_at(pa_t start, size_t bytes);

/*
 * The i-th range of RAM that is free now: not kernel, modules, tables taken.
 *
 * Returns:  false behind the last.
 */
bool boot_free_range(unsigned i, struct boot_range *out);

/* Overwrite n characters of the command line: a secret that was read. */
void boot_hide(size_t at, size_t n);

/* ---- within boot/, and start.S ---- */

extern uint8_t image_start[], image_end[]; /* kernel.ld */

#define BOOT_PVH_MAGIC 0x336ec578u
#define BOOT_MB2_MAGIC 0x36d76289u

/*
 * Read what the loader left at info; makes boot_info() and the free ranges.
 * Too little memory or an unknown loader: says so and ends the machine.
 */
void boot_collect(uint32_t magic, pa_t info);
void boot_pvh_read(pa_t info);         /* pvh.c */
void boot_multiboot2_read(pa_t info);  /* multiboot2.c */
/* What the two report, in any order; memmap.c sorts, aligns and clips. */
void boot_add_ram(pa_t start, pa_t end);
void boot_add_reserved(pa_t start, pa_t end);
void boot_add_module(pa_t start, pa_t end);
void boot_set_cmdline(const char *);
void boot_set_rsdp(pa_t);
/* Say why the machine cannot run, and end it. */
void boot_fatal(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

#endif
