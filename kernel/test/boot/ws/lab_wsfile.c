/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_wsfile.c: lab 07, step 2: a page of a file that was read once is as good as old
 *
 * Problem   A program that reads a long file through a mapping has a thousand
 *           pages of age 1, and will use none of them again.  Those that it runs,
 *           writes or shares are of the same age, and it will.
 *
 * Picture   age 1: file, read ─→ goes │ file, run; shared; private ─→ stay
 *           age 0, or used: all of them stay
 *
 * Rules     1. As lab_wsset.c: A is set by hand alone.
 *
 * Read next lab_ws.c, lab_cachedisk.c; vm/ws/ws.c: is_used_once().
 */
#include "test/boot/cache/lab_cachedisk.h"
#include "test/boot/ws/lab_wsset.h"

enum { READ, RUN, SHARED, PRIVATE, KINDS };

#define FILE_PAGES 4u

static const char *const what[KINDS] = {
	"of a file that is only read", "of a file that is run", "of shared memory",
	"of private memory",
};

/* A page of each kind, each in a mapping of its own, of the same age; unused. */
static void
four_kinds(struct pages *p, const struct pages *set, struct vmo *file, uint64_t age)
{
	struct map_args a = { .len = PAGE_SIZE, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W | PROT_X, .flags = MAP_PRIVATE };
	uint64_t value;
	unsigned k;

	for (k = 0; k < KINDS; k++) {
		a.vmo = k <= RUN ? file : NULL;
		a.flags = k == PRIVATE ? MAP_PRIVATE | MAP_ANONYMOUS :
		    k == SHARED ? MAP_SHARED | MAP_ANONYMOUS : MAP_PRIVATE;
		a.prot = k <= RUN ? PROT_R : PROT_R | PROT_W;
		a.prot |= k == RUN ? PROT_X : 0;
		p[k] = (struct pages){ .as = set->as, .n = 1, .seed = 5 };
		CHECK(map_mmap(set->as, &a, &p[k].va) == 0);
		if (k <= RUN)
			CHECK(family_load(set->as, p[k].va, &value) == 0);
		else
			pages_write(&p[k], 0);
		wset_change(&p[k], 0, MD_PTE_A | PTE_AGE_MASK,
		    age << PTE_AGE_SHIFT);
	}
}

static void
unmapped(const struct pages *p)
{
	unsigned k;

	for (k = 0; k < KINDS; k++)
		CHECK(map_munmap(p[k].as, p[k].va, PAGE_SIZE) == 0);
}

/* A trim of those of min_age: of pages of this age the one that is read goes, or none. */
static void
trimmed(const struct pages *set, struct vmo *file, uint64_t age, int min_age,
    bool goes)
{
	struct pages p[KINDS];
	unsigned k;

	four_kinds(p, set, file, age);
	if (!goes && age > 0)
		wset_change(&p[READ], 0, 0, MD_PTE_A);
	(void)wset_evict(set, SIZE_MAX, min_age);
	for (k = 0; k < KINDS; k++) {
		bool stays = k != READ || !goes;

		CLAIM(wset_is_in(&p[k], 0) == stays, "pages of age %d and more were "
		    "asked for; one %s, of age %lu%s, %s: is_used_once() says which "
		    "of them is as good as old", min_age, what[k], age,
		    k == READ && !goes && age > 0 ? " and used since" : "",
		    stays ? "went" : "stays");
	}
	unmapped(p);
}

static void
used_once(void)
{
	struct pages set = wset_begin(1);
	struct cdisk *d = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	uint64_t age;

	ev_mark(1);
	for (age = 1; age < WS_AGES - 1; age++) {
		trimmed(&set, d->vmo, age, WS_AGES - 1, true);
		trimmed(&set, d->vmo, age, WS_AGES - 1, false);
	}
	trimmed(&set, d->vmo, 0, 1, false);
	ev_mark(2);
	cd_end(d);
	wset_end(&set);
}

const struct selftest selftests_lab_wsfile[] = {
	{ "lab_ws_once", used_once, "a page of a file read once is as good as old" },
	{ NULL, NULL, NULL },
};
