/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_vadjoin.c: tests of lab 01: who is joined, who gets which rights, no memory
 *
 * Problem   Two mappings that differ in a thing that nobody shows must stay two;
 *           a call that failed must have done nothing.
 *
 * Picture   two neighbours that differ in one thing │ rights beside a model, and
 *           beyond the maximum │ each allocation refused in turn
 *
 * Read next lab_vadcut.c, vm/map/vad.c.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/vad/lab_vadpiece.h"

#define PAGES 48u

/* ---- step 4: who is joined ---- */

enum differs { NOTHING, FLAGS, RIGHTS, MAXIMUM, OBJECT, NO_OBJECT, OFFSET,
	NOT_TO_BE, GROWS, APART, N_DIFFERS };

static const struct {
	const char *what;
} differences[N_DIFFERS] = {
	[FLAGS] = { "other flags" }, [RIGHTS] = { "other rights" },
	[MAXIMUM] = { "another maximum of rights: a file that may only be read "
	    "could become writable" },
	[OBJECT] = { "another object" }, [NO_OBJECT] = { "no object" },
	[OFFSET] = { "an offset that does not continue it" },
	[NOT_TO_BE] = { "VAD_NOMERGE" },
	[APART] = { "a hole between them" },
};

/* Two neighbours; how the second differs from what would continue the first. */
static void
neighbours(struct aspace *as, struct vmo *vmo, struct vmo *other,
    enum differs d, struct vad *two[2])
{
	uint64_t n = 5, at = LOW + n + (d == APART);
	struct vmo *second = d == OBJECT ? other : d == NO_OBJECT ? NULL : vmo;

	two[0] = piece_put(as, vmo, LOW, LOW + n, 3, R, RW);
	two[1] = piece_put(as, second, at, at + n, d == OFFSET ? n + 4 : n + 3,
	    d == RIGHTS ? RW : R, d == MAXIMUM ? R : RW);
	two[1]->flags = two[0]->flags;
	if (d == FLAGS)
		two[1]->flags |= VAD_DONTFORK;
	if (d == NOT_TO_BE || d == GROWS) {
		two[0]->flags |= d == GROWS ? VAD_GROWSDOWN : VAD_NOMERGE;
		two[1]->flags |= d == GROWS ? VAD_GROWSDOWN : VAD_NOMERGE;
	}
	vad_update_link(two[0]);
	vad_update_link(two[1]);
}

static void
join(enum differs d, unsigned which, bool anonymous)
{
	struct aspace *as = lab_vads_begin();
	uint64_t alive = piece_vads_alive();
	struct vmo *vmo = anonymous ? NULL : piece_object(40), *other = piece_object(40);
	struct vad *two[2], *got;
	bool continues = d == NOTHING || d == GROWS || (d == OFFSET && anonymous);
	unsigned want = continues ? 1 : 2;

	neighbours(as, vmo, other, d, two);
	got = vad_merge(as, two[which]);
	if (want == 1)
		CLAIM(as->map.nvads == 1, "neighbours that continue each other%s are "
		    "two mappings", d == GROWS ? ", VAD_GROWSDOWN both," : "");
	else
		CLAIM(as->map.nvads == 2, "joined with a neighbour of %s",
		    differences[d].what);
	if (want == 1 && as->map.nvads == 1) {
		CLAIM(got == vad_first(as) && got->start == LOW &&
		    got->end == LOW + 10 && got->off == 3,
		    "the joined mapping is [%lx,%lx) at page %lu of its object",
		    got->start, got->end, got->off);
		piece_link_fits(got);
		CLAIM(vmo == NULL || piece_refs(vmo) == 2, "the joined mapping has %u "
		    "references to its object", vmo == NULL ? 0 :
		    piece_refs(vmo) - 1);
		CLAIM(piece_vads_alive() == alive + 1, "the VAD of what was joined is "
		    "not freed");
	} else if (want == 2) {
		CLAIM(got == two[which], "vad_merge returns another mapping");
	}
	CLAIM(as->map.total_pages == 10, "joining changes what is mapped");
	CLAIM(lab_is_sound(as), "joining left the space unsound");
	piece_clear(as);
	if (vmo != NULL)
		vmo_put(vmo);
	vmo_put(other);
	lab_vads_end(as);
}

/* The one in the middle closes both sides, and what they have paid is kept. */
static void
join_three(void)
{
	struct aspace *as = lab_space();
	uint64_t base = as->commit.paid, commit;
	va_t va = lab_map(as, 30);

	commit = as->commit.paid;
	EXPECT_IS(map_mprotect(as, va + 10 * PAGE_SIZE, 10 * PAGE_SIZE, R), ==, 0);
	CLAIM(as->map.nvads == 3 && as->commit.paid == commit, "a part with other rights "
	    "is a mapping of its own, and pays no more");
	EXPECT_IS(map_mprotect(as, va + 10 * PAGE_SIZE, 10 * PAGE_SIZE, RW), ==, 0);
	CLAIM(as->map.nvads == 1 && as->commit.paid == commit, "what was divided by rights "
	    "is joined by them, and has paid the same");
	CLAIM(vm_check(1) == 0, "joining left the space unsound");
	EXPECT_IS(map_munmap(as, va, 30 * PAGE_SIZE), ==, 0);
	CLAIM(as->commit.paid == base, "what a joined mapping had paid is not given "
	    "back with it");
	lab_space_end(as);
}

/* ---- step 4: who may have which rights ---- */

static void
maximum(void)
{
	struct aspace *as = lab_vads_begin();
	struct vmo *vmo = piece_object(40);
	struct vad *low = piece_put(as, vmo, LOW, LOW + 5, 0, R, RW);
	struct vad *high = piece_put(as, vmo, LOW + 5, LOW + 10, 20, R, R);

	CLAIM(vad_protect_range(as, LOW + 6, LOW + 8, RW) == -EACCES &&
	    high->prot == R, "a mapping got a right that its maximum (maxprot) "
	    "forbids: a file opened for reading became writable");
	CLAIM(as->map.nvads == 2, "what was refused has been divided");
	CLAIM(vad_protect_range(as, LOW, LOW + 10, RW) == -EACCES &&
	    low->prot == RW && high->prot == R, "of two mappings the first may be "
	    "written, and gets it; the second may not, and does not");
	CLAIM(vad_protect_range(as, LOW, LOW + 10, R) == 0 && low->prot == R,
	    "a right that all have already is no error");
	CLAIM(as->map.nvads == 2, "mappings of different maximum were joined");
	(void)piece_put(as, vmo, LOW + 20, LOW + 25, 0, R, RW);
	CLAIM(vad_protect_range(as, LOW + 20, LOW + 30, RW) == -ENOMEM &&
	    vad_find(as, LOW + 20)->prot == RW, "a hole ends the call with ENOMEM; "
	    "what lies before it has the rights");
	CLAIM(vad_protect_range(as, LOW + 12, LOW + 22, R) == -ENOMEM &&
	    vad_find(as, LOW + 20)->prot == RW, "a hole ends the call with ENOMEM; "
	    "what lies behind it is as before");
	CLAIM(lab_is_sound(as), "giving rights left the space unsound");
	piece_clear(as);
	CLAIM(piece_refs(vmo) == 1, "references to the object stay");
	vmo_put(vmo);
	lab_vads_end(as);
}

/* Private memory that becomes writable is paid for. */
static void
charge(void)
{
	struct aspace *as = lab_space();
	struct map_args a = { .len = 20 * PAGE_SIZE, .prot = R, .maxprot = RWX,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS };
	uint64_t commit;
	va_t va = 0;

	CHECK(map_mmap(as, &a, &va) == 0);
	commit = as->commit.paid;
	EXPECT_IS(inject_set("FI_COMMIT:1:0:1"), ==, 0);
	CLAIM(map_mprotect(as, va + 5 * PAGE_SIZE, 5 * PAGE_SIZE, RW) == -ENOMEM &&
	    as->map.nvads == 1 && as->commit.paid == commit, "nobody pays for memory that "
	    "becomes writable: ENOMEM, and the mapping is whole as before");
	inject_set("off");
	EXPECT_IS(map_mprotect(as, va + 5 * PAGE_SIZE, 5 * PAGE_SIZE, RW), ==, 0);
	CLAIM(as->map.nvads == 3 && as->commit.paid == commit + 5 +
	    piece_tables((va >> PAGE_SHIFT) + 5, (va >> PAGE_SHIFT) + 10),
	    "five pages became writable, %lu are paid for", as->commit.paid - commit);
	CLAIM(vm_check(1) == 0, "giving rights left the space unsound");
	lab_space_end(as);
}

static const uint8_t rights[] = { 0, R, RW, RWX, R | PROT_X };

/* Random rights over one mapping whose pages are there, beside a model. */
static void
rights_model(uint64_t seed)
{
	struct aspace *as = lab_space();
	va_t va = lab_map(as, PAGES);
	uint64_t lo, hi, i, k, runs;
	struct vm_siginfo si;
	uint8_t model[PAGES], prot;
	struct vad *v;

	memset(model, RW, sizeof(model));
	for (i = 0; i < PAGES; i++)
		EXPECT_IS(vm_user_fault(as, va + i * PAGE_SIZE, ACCESS_WRITE, &si),
		    ==, 0);
	for (k = 0; k < 40; k++) {
		lo = lab_random(&seed) % PAGES;
		hi = lo + 1 + lab_random(&seed) % 14;
		hi = MIN(hi, (uint64_t)PAGES);
		prot = rights[lab_random(&seed) % ARRAY_LEN(rights)];
		EXPECT_IS(map_mprotect(as, va + lo * PAGE_SIZE, (hi - lo) * PAGE_SIZE, prot),
		    ==, 0);
		memset(model + lo, prot, hi - lo);
		rw_lock_read(&as->map_lock);
		for (i = runs = 0; i < PAGES; i++) {
			v = vad_find(as, (va >> PAGE_SHIFT) + i);
			CLAIM(v != NULL && v->prot == model[i], "page %lu has "
			    "not the rights that it was given last", i);
			runs += i == 0 || model[i] != model[i - 1];
		}
		CLAIM(as->map.nvads == runs, "%lu runs of equal rights are %lu "
		    "mappings", runs, as->map.nvads);
		rw_unlock_read(&as->map_lock);
		if (k % 8 == 0)
			CLAIM(vm_check(1) == 0, "a page-table word allows what "
			    "its mapping does not, or the space is unsound");
	}
	lab_space_end(as);
}

static void
joins(void)
{
	enum differs d;

	ev_mark(1);
	for (d = NOTHING; d < N_DIFFERS; d++) {
		join(d, 0, false);
		join(d, 1, false);
	}
	join(NOTHING, 1, true);
	join(OFFSET, 0, true);
	join(OBJECT, 0, true);
	join_three();
	maximum();
	charge();
	rights_model(lab_param("seed", 1) | 1);
	ev_mark(2);
}

/* ---- step 5: each allocation is refused ---- */

struct refusal {
	const char *what;
	int (*call)(struct aspace *);
};

static int
cut_middle(struct aspace *as)
{
	static struct vad_list list;
	int r;

	list.first = NULL;
	r = vad_remove_range(as, LOW + 4, LOW + 8, &list);
	if (r != 0)
		CLAIM(list.first == NULL, "a cut that failed hands mappings back");
	piece_drop(&list);
	return r;
}

static int
cut_across(struct aspace *as)
{
	static struct vad_list list;
	int r;

	list.first = NULL;
	r = vad_remove_range(as, LOW + 10, LOW + 24, &list);
	piece_drop(&list);
	return r;
}

static int
protect_across(struct aspace *as)
{
	return vad_protect_range(as, LOW + 4, LOW + 8, RW);
}

static int
split(struct aspace *as)
{
	static struct vad *hi;

	return vad_split(as, vad_find(as, LOW), LOW + 7, &hi);
}

static const struct refusal refusals[] = {
	{ "a cut out of the middle", cut_middle },
	{ "a cut across two mappings", cut_across },
	{ "other rights for the middle", protect_across },
	{ "a split", split },
};

/* The k-th allocation fails.  False: there are not so many. */
static bool
refuse(const struct refusal *r, unsigned k)
{
	struct aspace *as = lab_vads_begin();
	uint64_t alive = piece_vads_alive();
	struct vad_list spare = as->map.spare;
	struct vmo *vmo = piece_object(60);
	struct vad *low = piece_put(as, vmo, LOW, LOW + 12, 3, R, RW);
	struct vad *high = piece_put(as, vmo, LOW + 20, LOW + 32, 40, R, RW);
	char spec[32];
	int got;

	/* What is kept for a hole in the middle would help a cut out. */
	as->map.spare.first = NULL;
	snprintf(spec, sizeof(spec), "FI_SLAB:%u:0:1", k);
	EXPECT_IS(inject_set(spec), ==, 0);
	got = r->call(as);
	inject_set("off");
	CLAIM(got == 0 || got == -ENOMEM, "%s without memory says %d", r->what,
	    got);
	if (got != 0) {
		CLAIM(as->map.nvads == 2 && vad_find(as, LOW + 11) == low &&
		    vad_find(as, LOW + 20) == high && low->start == LOW &&
		    low->end == LOW + 12 && high->end == LOW + 32,
		    "%s failed for want of memory, and changed the mappings",
		    r->what);
		CLAIM(low->prot == R && low->off == 3 && high->off == 40,
		    "%s failed, and changed what a mapping shows", r->what);
		piece_link_fits(low);
		piece_link_fits(high);
		CLAIM(piece_refs(vmo) == 3, "%s failed and keeps %d references to "
		    "the object", r->what, (int)piece_refs(vmo) - 3);
		CLAIM(piece_vads_alive() == alive + 2, "%s failed and keeps %ld VADs",
		    r->what, (long)(piece_vads_alive() - alive - 2));
		EXPECT_IS(r->call(as), ==, 0);
	}
	as->map.spare = spare;
	CLAIM(lab_is_sound(as), "%s left the space unsound", r->what);
	piece_clear(as);
	CLAIM(piece_refs(vmo) == 1, "references to the object stay");
	vmo_put(vmo);
	lab_vads_end(as);
	return got != 0;
}

static void
refused(void)
{
	unsigned i, k;

	ev_mark(1);
	for (i = 0; i < ARRAY_LEN(refusals); i++) {
		for (k = 1; k < 12 && refuse(&refusals[i], k); k++)
			;
		CLAIM(k > 2 && k < 12, "%s allocates %u times: what it needs is "
		    "to be had before it begins", refusals[i].what, k - 1);
	}
	ev_mark(2);
}

const struct selftest selftests_lab_vadjoin[] = {
	{ "lab_vad_joins", joins, "who is joined, who may have which rights" },
	{ "lab_vad_refused", refused, "each allocation refused, nothing changed" },
	{ NULL, NULL, NULL },
};
