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
 *           2. The file's disk gives zeros and is never written to.
 *
 * Read next lab_ws.c; vm/ws/ws.c: is_used_once().
 */
#include "lib/string.h"
#include "test/boot/lab_wsset.h"

enum { READ, RUN, SHARED, PRIVATE, KINDS };

#define FILE_PAGES 4u

static const char *const what[KINDS] = {
	"of a file that is only read", "of a file that is run", "of shared memory",
	"of private memory",
};

static int
zeros_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	int i;

	for (i = 0; i < n; i++)
		memset(pa2va(page_pa(pages[i])), 0, PAGE_SIZE);
	return 0;
}

static int
refused_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	return -EIO;
}

static bool
all_is_there(void *obj, uint64_t idx)
{
	return true;
}

static const struct pager_ops disk_ops = {
	.in = zeros_in, .out = refused_out, .has = all_is_there,
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
	struct vmo *file = vmo_create_file(&disk_ops, NULL, FILE_PAGES * PAGE_SIZE,
	    NULL, NULL);
	uint64_t age;

	CHECK(file != NULL);
	ev_mark(1);
	for (age = 1; age < WS_AGES - 1; age++) {
		trimmed(&set, file, age, WS_AGES - 1, true);
		trimmed(&set, file, age, WS_AGES - 1, false);
	}
	trimmed(&set, file, 0, 1, false);
	ev_mark(2);
	CHECK(vmo_resize(file, 0) == 0);
	vmo_forget_client(file);
	vmo_put(file);
	wset_end(&set);
}

const struct selftest selftests_lab_wsfile[] = {
	{ "lab_ws_once", used_once, "a page of a file read once is as good as old" },
	{ NULL, NULL, NULL },
};
