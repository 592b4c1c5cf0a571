/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_swap.c: pages to a swap area in memory and back
 *
 * Problem   A disk's time is not the processor's; a disk in memory leaves what
 *           the kernels themselves do for a page.  Its copy is in the figure.
 *
 * Picture   Linux: module brd, the header written here; ours: the boot
 *           argument ramdisk= makes rama, with its header, and swaps to it
 *
 * Read next bench.h.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define PAGES 4096ul
#define AREA_PAGES (48 * MIB / PAGE)
#define STEP 1237ul /* coprime to PAGES, far from a neighbour */

static void
have_area(void)
{
	static bool had;
	struct {
		uint32_t version, last, bad;
	} head = { 1, AREA_PAGES - 1, 0 };
	int fd;

	if (had || access("/dev/rama", F_OK) == 0)
		return;
	had = true;
	fd = (int)must(open("/brd.ko", O_RDONLY | O_CLOEXEC), "/brd.ko");
	must(syscall(SYS_finit_module, fd, "rd_nr=1 rd_size=49152", 0), "brd");
	close(fd);
	fd = (int)must(open("/dev/ram0", O_RDWR | O_CLOEXEC), "/dev/ram0");
	must(pwrite(fd, &head, sizeof head, 1024), "/dev/ram0");
	must(pwrite(fd, "SWAPSPACE2", 10, PAGE - 10), "/dev/ram0");
	must(fsync(fd), "/dev/ram0");
	close(fd);
	must(swapon("/dev/ram0", 0), "swapon");
}

/*
 * Until each page is out.  The writer may be a thread: it gets the processor,
 * and who waits does not sleep, for time that leaps is no instruction.
 */
static void
all_out(char *p)
{
	static unsigned char in[PAGES];
	size_t n = 0;

	for (int tries = 0; tries < 1000; tries++) {
		must(madvise(p, PAGES * PAGE, MADV_PAGEOUT), "MADV_PAGEOUT");
		sched_yield();
		must(mincore(p, PAGES * PAGE, in), "mincore");
		n = 0;
		for (size_t i = 0; i < PAGES; i++)
			n += in[i] & 1;
		if (n == 0)
			return;
	}
	errx(1, "%zu of %lu pages do not go out", n, PAGES);
}

static char *
filled(void)
{
	char *p = map_private(PAGES * PAGE);

	have_area();
	for (size_t i = 0; i < PAGES; i++)
		memset(p + i * PAGE, (int)(i % 255 + 1), PAGE);
	return p;
}

static void
swap_out(void)
{
	char *p = filled();

	begin();
	all_out(p);
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

static void
swap_in(size_t step)
{
	char *p = filled();

	all_out(p);
	begin();
	for (size_t i = 0; i < PAGES; i++)
		look(p + i * step % PAGES * PAGE, 1);
	end(PAGES);
	unmap(p, PAGES * PAGE);
}

static void
swap_in_order(void)
{
	swap_in(1);
}

static void
swap_in_random(void)
{
	swap_in(STEP);
}

const struct op swap_ops[] = {
	{ "swap-out", "page", swap_out },
	{ "swap-in", "page", swap_in_order },
	{ "swap-in-random", "page", swap_in_random },
	{ NULL, NULL, NULL },
};
