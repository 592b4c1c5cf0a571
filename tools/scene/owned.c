/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owned.c: processes of design frames: they keep their pages with libframes
 *
 * Problem   Under that design the kernel knows no map, no fault, no fork: the program
 *           does it.  So what a scene's actions do is done by the program's library, on
 *           the kernel's own calls.
 *
 * Picture   "store 0" ─→ may the root's words? ─no→ lf_fault() ─→ frame_map() … ─→ again
 *           "fork B"  ─→ lf_fork() ─→ a space, frame_child(), vspace_swap()
 *
 * Rules     1. The first process has all frames and keeps the books of its children.
 *           2. Words are those that a processor walks; E1, E2 are the library's records.
 *
 * Read next look.c.
 */
#include <string.h>

#include "test/sim/opsfn.h"
#include "tools/scene/play.h"
#include "user/libframes/lf.h"
#include "vm/design/frames/frame_space.h"

#define FEW 128u /* frames of the first process */

static struct lf lf;
static unsigned forking; /* number of the process that lf_fork() is to make */
static struct {
	uint64_t copied, faults, spaces;
} now, before;

bool
owned_is(const struct scene *sc)
{
	return strstr(sc->boot, "vmm=frames") != NULL;
}

static int
pid_of(unsigned p)
{
	return (int)p + 1;
}

/* The page's frame, where a processor finds it; NULL. */
static uint64_t *
at_window(va_t va)
{
	uint64_t *word = scene_word(world.as[0], va);

	if (word == NULL || !(*word & MD_PTE_P))
		sim_fail("the library's window is not mapped");
	return pa2va(*word & MD_PTE_PFN);
}

/* ---- what is below the library ---- */

static long
call_locked(int who, enum lf_call n, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	long r;

	switch ((int)n) {
	case LF_SPLIT:
		return frame_split(who, (uint32_t)a, b);
	case LF_MERGE:
		return frame_merge(who, (uint32_t)a, (uint32_t)b);
	case LF_GIVE:
		return frame_give(who, (uint32_t)a, (int)b);
	case LF_COUNT:
		return frame_count(who);
	case LF_INFO:
		return frame_info(who, (uint32_t)a, (struct frame_info *)b);
	case LF_TABLE:
		return frame_table(who, (uint32_t)a, b, (int)c);
	case LF_UNTABLE:
		return frame_untable(who, (uint32_t)a);
	case LF_MAP:
		return frame_map(who, (uint32_t)a, (uint32_t)b, c, (unsigned)d);
	case LF_UNMAP:
		return frame_unmap(who, (uint32_t)a, (uint32_t)b, c);
	case LF_SWAP:
		return vspace_swap(who, (int)a, (uint32_t)b);
	case LF_PROC_NEW:
		r = frame_child(who, (uint32_t)a, world.as[forking], pid_of(forking));
		return r < 0 ? r : pid_of(forking);
	case LF_SEGMENT_SPACE:
		return frame_segment_space(who, (int)a, (uint32_t)b);
	}
	return -ENOSYS;
}

static long
call(enum lf_call n, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	long result;
	int who, r;

	if (n == LF_PROC_NEW && as_create(NULL, &world.as[forking]) != 0)
		sim_fail("as_create");
	if (n == LF_PROC_NEW)
		as_attach_user(world.as[forking]);
	r = frame_enter(world.as[0], pid_of(0), true, &who);
	if (r != 0)
		sim_fail("the first process may not ask: %d", r);
	result = call_locked(who, n, a, b, c, d);
	frame_leave();
	return result;
}

static void
copy(uint64_t to, uint64_t from)
{
	memcpy(at_window(to), at_window(from), PAGE_SIZE);
}

static void
clear(uint64_t va)
{
	memset(at_window(va), 0, PAGE_SIZE);
}

/* Nothing is written out: there are more frames than pages. */
static int
no_disk(uint32_t slot, uint64_t va)
{
	return -EIO;
}

static const struct lf_os below = {
	.call = call, .out = no_disk, .in = no_disk, .copy = copy, .clear = clear,
};

/* ---- actions ---- */

static struct lf_space *
space_of(unsigned p)
{
	unsigned i;

	for (i = 0; i < LF_SPACES; i++)
		if (lf.space[i].pid == pid_of(p))
			return &lf.space[i];
	sim_fail("process %u has no space", p);
}

void
owned_map(unsigned pages)
{
	if (lf_begin(&lf, &below, pid_of(0), FEW) != 0 ||
	    lf_mmap(&lf, space_of(0), LF_BASE, pages * PAGE_SIZE, LF_R | LF_W) != 0)
		sim_fail("libframes does not begin");
}

/* Where the process finds the page, once its tables allow it; A and D as a walk sets them. */
uint64_t *
owned_touch(unsigned p, unsigned page, bool write)
{
	uint64_t need = MD_PTE_P | (write ? MD_PTE_W : 0), *word;
	va_t va = LF_BASE + page * PAGE_SIZE;

	for (;;) {
		word = scene_word(world.as[p], va);
		if (word != NULL && (*word & need) == need)
			break;
		if (lf_fault(&lf, space_of(p), va, write) != 0)
			return NULL;
	}
	*word |= MD_PTE_A | (write ? MD_PTE_D : 0);
	return pa2va(*word & MD_PTE_PFN);
}

void
owned_fork(unsigned p, unsigned child)
{
	forking = child;
	if (lf_fork(&lf, space_of(p)) == NULL)
		sim_fail("lf_fork");
}

/* A child; its creator hears of it. */
void
owned_exit(unsigned p)
{
	struct lf_space *s = space_of(p);
	struct aspace *as = world.as[p];

	world.as[p] = NULL;
	as_detach_user(as);
	as_put(as);
	lf_space_end(&lf, s);
}

static void
count(void)
{
	unsigned i;

	now.copied = lf.copied;
	now.faults = lf.faults;
	for (now.spaces = i = 0; i < LF_SPACES; i++)
		now.spaces += lf.space[i].pid >= 0;
}

void
owned_begin(void)
{
	count();
	before = now;
}

bool
owned_moved(const char *what)
{
	count();
	if (strcmp(what, "copied") == 0)
		return now.copied != before.copied;
	if (strcmp(what, "faults") == 0)
		return now.faults != before.faults;
	return now.spaces != before.spaces;
}

/* ---- for look.c ---- */

/* The library's record of a process's page; NULL. */
const void *
owned_record(unsigned p, unsigned page, pa_t *frame, uint32_t *refs, uint32_t *maps)
{
	struct lf_page *lp = lf_page_of(&lf, space_of(p), LF_BASE + page * PAGE_SIZE);

	if (lp == NULL)
		return NULL;
	*frame = frames.at[lp->phys->f].pa;
	*maps = frames.at[lp->phys->f].nmap;
	*refs = lp->phys->refs;
	return lp->phys;
}
