/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_vadcut.c: tests of lab 01 about pieces: cut, given rights, joined
 *
 * Problem   A piece has a dozen fields that must fit the piece beside it, the
 *           object and what was paid; a program notices one wrong field years
 *           later.  So each is looked at here, by its name.
 *
 * Picture   an object's mapping, split everywhere │ random cuts beside a model
 *           of pages │ charged memory with holes │ two neighbours that differ in
 *           one thing │ each allocation refused
 *
 * Rules     1. What is said when something does not hold is a sentence about a
 *              mapping, not about a number.
 *           2. A test leaves no VAD and no reference to its object behind.
 *
 * Read next lab_vad.c, vm/vad.c.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/lab.h"

#define LOW 0x2000ul
#define R PROT_R
#define RW (PROT_R | PROT_W)
#define RWX (PROT_R | PROT_W | PROT_X)

static struct vmo *
object(uint64_t pages)
{
	struct vmo *vmo = vmo_create_anon(pages * PAGE_SIZE, NULL, NULL);

	CHECK(vmo != NULL);
	return vmo;
}

/* VADs that are alive, in trees or not. */
static uint64_t
vads_alive(void)
{
	return ev_read(EV_vad_alloc) - ev_read(EV_vad_free);
}

static unsigned
refs_of(struct vmo *vmo)
{
	return atomic_load(&vmo->refs);
}

/* A VAD in the tree, listed in its object. */
static struct vad *
put(struct aspace *as, struct vmo *vmo, uint64_t lo, uint64_t hi, uint64_t off,
    uint8_t prot, uint8_t maxprot)
{
	struct vad *v = lab_vad(as, vmo, lo, hi);

	v->off = off;
	v->prot = prot;
	v->maxprot = maxprot;
	if (vmo != NULL)
		v->flags = VAD_SHARED;
	CHECK(vad_insert(as, v) == 0);
	vad_list_link(as, v);
	return v;
}

/* What vad_remove_range() handed back goes. */
static void
drop(struct vad *list)
{
	struct vad *v;

	for (v = list; v != NULL; v = (struct vad *)v->rb.left)
		vad_unlist_link(v);
	vad_free_list(list);
}

static void
clear(struct aspace *as)
{
	struct vad *list;

	CHECK(vad_remove_range(as, 1, MD_USER_END >> PAGE_SHIFT, &list) == 0);
	drop(list);
}

/* The link says what the VAD says, and stands in the object's list. */
static void
link_fits(const struct vad *v)
{
	const struct vm_maplink *l = v->link;

	if (v->vmo == NULL)
		return;
	CLAIM(l != NULL && list_is_linked(&l->node), "a part of the mapping is "
	    "not in its object's list: a truncate would not find its pages");
	if (l == NULL)
		return;
	CLAIM(l->start == v->start && l->end == v->end && l->off == v->off,
	    "the link [%lx,%lx) page %lu is not the mapping's [%lx,%lx) page %lu",
	    l->start, l->end, l->off, v->start, v->end, v->off);
	CLAIM(l->flags == v->flags, "the link has other flags than the mapping");
}

/* ---- step 3: split ---- */

static void
halves_fit(struct aspace *as, const struct vad *lo, const struct vad *hi,
    const struct vad *was, uint64_t at)
{
	CLAIM(lo->start == was->start && lo->end == at && hi->start == at &&
	    hi->end == was->end, "the halves are [%lx,%lx) and [%lx,%lx)",
	    lo->start, lo->end, hi->start, hi->end);
	CLAIM(lo->off == was->off && hi->off == was->off + (at - was->start),
	    "the upper half begins at page %lu of the object, not %lu", hi->off,
	    was->off + (at - was->start));
	CLAIM(hi->flags == was->flags && lo->flags == was->flags &&
	    hi->prot == was->prot && lo->prot == was->prot &&
	    hi->maxprot == was->maxprot && lo->maxprot == was->maxprot,
	    "a half has other flags or rights than the whole had");
	CLAIM(hi->vmo == was->vmo && lo->vmo == was->vmo,
	    "a half has another object");
	link_fits(lo);
	link_fits(hi);
	CLAIM(was->link->nwr == hi->link->nwr && hi->link->as == as,
	    "the upper half's link does not say whose it is, or that it may be "
	    "written");
}

static void
split_at(uint64_t n, uint64_t at, uint32_t flags)
{
	uint64_t alive = vads_alive();
	struct aspace *as = lab_vads_begin();
	struct vmo *vmo = object(4 * n);
	struct vad *v = put(as, vmo, LOW, LOW + n, n / 2, R, RW), was, *hi = NULL;
	struct vad *next = put(as, NULL, LOW + 2 * n, LOW + 3 * n, 0, RW, RWX);

	vad_remove(as, v);
	v->flags |= flags;
	CHECK(vad_insert(as, v) == 0);
	vad_update_link(v);
	was = *v;
	EXPECT(vad_split(as, v, LOW + at, &hi) == 0);
	if (hi != NULL)
		halves_fit(as, v, hi, &was, LOW + at);
	CLAIM(vad_find(as, LOW + at - 1) == v && vad_find(as, LOW + at) == hi,
	    "the halves are not where they should be found");
	CLAIM(as->nvads == 3 && as->total_pages == 2 * n, "a split changes what "
	    "is mapped: %lu mappings, %lu pages", as->nvads, as->total_pages);
	CLAIM(as->locked_pages == ((flags & VAD_LOCKED) != 0 ? n : 0),
	    "a split changes how many pages are locked: %lu", as->locked_pages);
	CLAIM(next->gap == n, "the hole behind a split mapping has %lu pages",
	    next->gap);
	CLAIM(lab_is_sound(as), "a split left the space unsound");
	clear(as);
	CLAIM(refs_of(vmo) == 1, "%u references to an object that no mapping has",
	    refs_of(vmo) - 1);
	vmo_put(vmo);
	lab_vads_end(as);
	CLAIM(vads_alive() == alive, "VADs were not freed");
}

/* ---- step 3: cuts beside a model ---- */

#define PAGES 48u

struct model {
	uint64_t off[PAGES]; /* page of the object + 1; 0: nothing is mapped */
};

static void
tree_fits(struct aspace *as, const struct model *m)
{
	uint64_t i, pages = 0;
	struct vad *v;

	for (i = 0; i < PAGES; i++) {
		v = vad_find(as, LOW + i);
		CLAIM((v != NULL) == (m->off[i] != 0), "page %lu of the test is %s",
		    i, v != NULL ? "mapped: it was cut out" : "not mapped: it "
		    "was not cut out");
		if (v == NULL || m->off[i] == 0)
			continue;
		pages++;
		CLAIM(v->off + (LOW + i - v->start) == m->off[i] - 1,
		    "an address shows page %lu of the object, not %lu",
		    v->off + (LOW + i - v->start), m->off[i] - 1);
		link_fits(v);
	}
	CLAIM(as->total_pages == pages, "%lu pages are mapped, the space counts "
	    "%lu (total_pages)", pages, as->total_pages);
}

/* In order, inside, and what the model says was there. */
static void
list_fits(const struct vad *list, uint64_t lo, uint64_t hi,
    const struct model *m)
{
	uint64_t at = lo, i, found = 0, want = 0;
	const struct vad *v;

	for (i = lo; i < hi; i++)
		want += m->off[i - LOW] != 0;
	for (v = list; v != NULL; v = (const struct vad *)v->rb.left) {
		CLAIM(v->start >= at && v->end <= hi && v->start < v->end,
		    "what was cut out of [%lx,%lx) has a part [%lx,%lx), or is "
		    "not in order", lo, hi, v->start, v->end);
		link_fits(v);
		CLAIM(v->off == m->off[v->start - LOW] - 1, "a part that was cut "
		    "out begins at page %lu of the object, not %lu", v->off,
		    m->off[v->start - LOW] - 1);
		found += v->end - v->start;
		at = v->end;
	}
	CLAIM(found == want, "%lu pages were to be cut out, %lu were", want, found);
}

static void
fill_free(struct aspace *as, struct model *m, struct vmo *vmo, uint64_t *seed)
{
	uint64_t lo = lab_random(seed) % PAGES, n, i;
	uint64_t off = lab_random(seed) % PAGES;

	for (n = 0; lo + n < PAGES && n < 12 && m->off[lo + n] == 0; n++)
		;
	if (n == 0)
		return;
	(void)put(as, vmo, LOW + lo, LOW + lo + n, off, RW, RW);
	for (i = 0; i < n; i++)
		m->off[lo + i] = off + i + 1;
}

static void
cuts(uint64_t rounds, uint64_t seed)
{
	uint64_t alive = vads_alive(), i, lo, hi;
	struct aspace *as = lab_vads_begin();
	struct vmo *vmo = object(3 * PAGES);
	struct model m = { { 0 } };
	struct vad *list = NULL;

	for (i = 0; i < rounds; i++) {
		fill_free(as, &m, vmo, &seed);
		fill_free(as, &m, vmo, &seed);
		lo = LOW + lab_random(&seed) % PAGES;
		hi = lo + 1 + lab_random(&seed) % 9;
		hi = MIN(hi, LOW + PAGES);
		EXPECT(vad_remove_range(as, lo, hi, &list) == 0);
		list_fits(list, lo, hi, &m);
		memset(&m.off[lo - LOW], 0, (hi - lo) * sizeof(m.off[0]));
		drop(list);
		tree_fits(as, &m);
		if (i % 16 == 0)
			CLAIM(lab_is_sound(as), "a cut left the space unsound");
	}
	EXPECT(vad_remove_range(as, 1, 2, &list) == 0 && list == NULL);
	clear(as);
	CLAIM(refs_of(vmo) == 1, "%u references to an object that no mapping has",
	    refs_of(vmo) - 1);
	vmo_put(vmo);
	lab_vads_end(as);
	CLAIM(vads_alive() == alive, "VADs were not freed");
}

/* ---- step 3: what was paid ---- */

/* Commit of a space whose charged pages are those of [a, b) and [c, d). */
static uint64_t
due(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t tables = (a < b ? vad_tables(a, b) : 0) +
	    (c < d ? vad_tables(c, d) : 0);

	if (a < b && c < d && (b - 1) / MD_PT_WORDS == c / MD_PT_WORDS)
		tables--;
	return b - a + (d - c) + tables;
}

/* Charged memory [lo, hi), a hole [at, to), then the lower or upper rest. */
static void
hole(struct aspace *as, uint64_t lo, uint64_t at, uint64_t to, uint64_t hi,
    bool upper)
{
	uint64_t base = as->commit, total = commit_total();
	struct map_args a = { .addr = lo << PAGE_SHIFT,
		.len = (hi - lo) << PAGE_SHIFT, .prot = RW, .maxprot = RWX,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	va_t va;

	EXPECT(map_mmap(as, &a, &va) == 0);
	EXPECT(map_munmap(as, at << PAGE_SHIFT, (to - at) << PAGE_SHIFT) == 0);
	CLAIM(as->commit == base + due(lo, at, to, hi), "%lu pages and tables are "
	    "left, and %lu are paid for", due(lo, at, to, hi),
	    as->commit - base);
	CLAIM(vm_check(1) == 0, "what is paid does not fit what is mapped");
	if (upper)
		EXPECT(map_munmap(as, to << PAGE_SHIFT,
		    (hi - to) << PAGE_SHIFT) == 0);
	else if (lo < at)
		EXPECT(map_munmap(as, lo << PAGE_SHIFT,
		    (at - lo) << PAGE_SHIFT) == 0);
	CLAIM(as->commit == base + (upper ? due(lo, at, 0, 0) :
	    due(0, 0, to, hi)), "what one half had paid went with the other");
	CLAIM(vm_check(1) == 0, "what is paid does not fit what is mapped");
	EXPECT(map_munmap(as, a.addr, a.len) == 0);
	CLAIM(as->commit == base, "%lu pages stay paid for, and nothing is mapped",
	    as->commit - base);
	/* The memory of VADs comes and goes with them. */
	CLAIM(commit_total() <= total + 1, "memory was promised for ever");
}

static void
paid(uint64_t n)
{
	uint64_t block = LOW / MD_PT_WORDS * MD_PT_WORDS + MD_PT_WORDS;
	struct aspace *as = lab_space();

	/* Before the first the space takes a page for its VADs. */
	hole(as, block + 10, block + 15, block + 20, block + 30, false);
	hole(as, block + 10, block + 10 + n, block + 200, block + 300, true);
	hole(as, block + 10, block + 400, block + 500, block + 700, false);
	hole(as, block + 10, block + 400, block + 600, block + 700 + n, true);
	hole(as, block + 10, block + 512, block + 1024, block + 1500, false);
	hole(as, block, block + 100, block + 1300, block + 2048, true);
	hole(as, block + 511, block + 511, block + 513 + n, block + 1100, false);
	lab_space_end(as);
}

static void
pieces(void)
{
	uint64_t n = 6 + lab_param("n", 9), seed = lab_param("seed", 1) | 1;

	ev_mark(1);
	split_at(n, 1, 0);
	split_at(n, n / 2, VAD_LOCKED);
	split_at(n, n - 1, VAD_LOCKED | VAD_DONTFORK);
	cuts(120, seed);
	paid(n);
	ev_mark(2);
}

/* ---- step 4: who is joined ---- */

enum differs { NOTHING, FLAGS, RIGHTS, MAXIMUM, OBJECT, NO_OBJECT, OFFSET,
	PRIVATE_DATA, NOT_TO_BE, GROWS, APART, N_DIFFERS };

static const struct {
	const char *what;
} differences[N_DIFFERS] = {
	[FLAGS] = { "other flags" }, [RIGHTS] = { "other rights" },
	[MAXIMUM] = { "another maximum of rights: a file that may only be read "
	    "could become writable" },
	[OBJECT] = { "another object" }, [NO_OBJECT] = { "no object" },
	[OFFSET] = { "an offset that does not continue it" },
	[PRIVATE_DATA] = { "other data of the design" },
	[NOT_TO_BE] = { "VAD_NOMERGE" }, [GROWS] = { "VAD_GROWSDOWN" },
	[APART] = { "a hole between them" },
};

/* Two neighbours; how the second differs from what would continue the first. */
static void
neighbours(struct aspace *as, struct vmo *vmo, struct vmo *other,
    enum differs d, struct vad *two[2])
{
	uint64_t n = 5, at = LOW + n + (d == APART);
	struct vmo *second = d == OBJECT ? other : d == NO_OBJECT ? NULL : vmo;

	two[0] = put(as, vmo, LOW, LOW + n, 3, R, RW);
	two[1] = put(as, second, at, at + n, d == OFFSET ? n + 4 : n + 3,
	    d == RIGHTS ? RW : R, d == MAXIMUM ? R : RW);
	two[1]->flags = two[0]->flags;
	if (d == FLAGS)
		two[1]->flags |= VAD_DONTFORK;
	if (d == NOT_TO_BE || d == GROWS) {
		two[0]->flags |= d == GROWS ? VAD_GROWSDOWN : VAD_NOMERGE;
		two[1]->flags |= d == GROWS ? VAD_GROWSDOWN : VAD_NOMERGE;
	}
	if (d == PRIVATE_DATA)
		two[1]->dpriv = as;
	vad_update_link(two[0]);
	vad_update_link(two[1]);
}

static void
join(enum differs d, unsigned which, bool anonymous)
{
	struct aspace *as = lab_vads_begin();
	uint64_t alive = vads_alive();
	struct vmo *vmo = anonymous ? NULL : object(40), *other = object(40);
	struct vad *two[2], *got;
	unsigned want = d == NOTHING || (d == OFFSET && anonymous) ? 1 : 2;

	neighbours(as, vmo, other, d, two);
	got = vad_merge(as, two[which]);
	if (want == 1)
		CLAIM(as->nvads == 1, "neighbours that continue each other are "
		    "two mappings");
	else
		CLAIM(as->nvads == 2, "joined with a neighbour of %s",
		    differences[d].what);
	if (want == 1 && as->nvads == 1) {
		CLAIM(got == vad_first(as) && got->start == LOW &&
		    got->end == LOW + 10 && got->off == 3,
		    "the joined mapping is [%lx,%lx) at page %lu of its object",
		    got->start, got->end, got->off);
		link_fits(got);
		CLAIM(vmo == NULL || refs_of(vmo) == 2, "the joined mapping has %u "
		    "references to its object", vmo == NULL ? 0 :
		    refs_of(vmo) - 1);
		CLAIM(vads_alive() == alive + 1, "the VAD of what was joined is "
		    "not freed");
	} else if (want == 2) {
		CLAIM(got == two[which], "vad_merge returns another mapping");
	}
	CLAIM(as->total_pages == 10, "joining changes what is mapped");
	CLAIM(lab_is_sound(as), "joining left the space unsound");
	clear(as);
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
	uint64_t base = as->commit, commit;
	va_t va = lab_map(as, 30);

	commit = as->commit;
	EXPECT(map_mprotect(as, va + 10 * PAGE_SIZE, 10 * PAGE_SIZE, R) == 0);
	CLAIM(as->nvads == 3 && as->commit == commit, "a part with other rights "
	    "is a mapping of its own, and pays no more");
	EXPECT(map_mprotect(as, va + 10 * PAGE_SIZE, 10 * PAGE_SIZE, RW) == 0);
	CLAIM(as->nvads == 1 && as->commit == commit, "what was divided by rights "
	    "is joined by them, and has paid the same");
	CLAIM(vm_check(1) == 0, "joining left the space unsound");
	EXPECT(map_munmap(as, va, 30 * PAGE_SIZE) == 0);
	CLAIM(as->commit == base, "what a joined mapping had paid is not given "
	    "back with it");
	lab_space_end(as);
}

/* ---- step 4: who may have which rights ---- */

static void
maximum(void)
{
	struct aspace *as = lab_vads_begin();
	struct vmo *vmo = object(40);
	struct vad *low = put(as, vmo, LOW, LOW + 5, 0, R, RW);
	struct vad *high = put(as, vmo, LOW + 5, LOW + 10, 20, R, R);

	CLAIM(vad_protect_range(as, LOW + 6, LOW + 8, RW) == -EACCES &&
	    high->prot == R, "a mapping got a right that its maximum (maxprot) "
	    "forbids: a file opened for reading became writable");
	CLAIM(as->nvads == 2, "what was refused has been divided");
	CLAIM(vad_protect_range(as, LOW, LOW + 10, RW) == -EACCES &&
	    low->prot == RW && high->prot == R, "of two mappings the first may be "
	    "written, and gets it; the second may not, and does not");
	CLAIM(vad_protect_range(as, LOW, LOW + 10, R) == 0 && low->prot == R,
	    "a right that all have already is no error");
	CLAIM(as->nvads == 2, "mappings of different maximum were joined");
	(void)put(as, vmo, LOW + 20, LOW + 25, 0, R, RW);
	CLAIM(vad_protect_range(as, LOW + 20, LOW + 30, RW) == -ENOMEM &&
	    vad_find(as, LOW + 20)->prot == RW, "a hole ends the call with ENOMEM; "
	    "what lies before it has the rights");
	CLAIM(vad_protect_range(as, LOW + 12, LOW + 22, R) == -ENOMEM &&
	    vad_find(as, LOW + 20)->prot == RW, "a hole ends the call with ENOMEM; "
	    "what lies behind it is as before");
	CLAIM(lab_is_sound(as), "giving rights left the space unsound");
	clear(as);
	CLAIM(refs_of(vmo) == 1, "references to the object stay");
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
	commit = as->commit;
	EXPECT(inject_set("FI_COMMIT:1:0:1") == 0);
	CLAIM(map_mprotect(as, va + 5 * PAGE_SIZE, 5 * PAGE_SIZE, RW) == -ENOMEM &&
	    as->nvads == 1 && as->commit == commit, "nobody pays for memory that "
	    "becomes writable: ENOMEM, and the mapping is whole as before");
	inject_set("off");
	EXPECT(map_mprotect(as, va + 5 * PAGE_SIZE, 5 * PAGE_SIZE, RW) == 0);
	CLAIM(as->nvads == 3 && as->commit == commit + 5 +
	    vad_tables((va >> PAGE_SHIFT) + 5, (va >> PAGE_SHIFT) + 10),
	    "five pages became writable, %lu are paid for", as->commit - commit);
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
		EXPECT(vm_user_fault(as, va + i * PAGE_SIZE, ACCESS_WRITE,
		    &si) == 0);
	for (k = 0; k < 40; k++) {
		lo = lab_random(&seed) % PAGES;
		hi = lo + 1 + lab_random(&seed) % 14;
		hi = MIN(hi, (uint64_t)PAGES);
		prot = rights[lab_random(&seed) % ARRAY_LEN(rights)];
		EXPECT(map_mprotect(as, va + lo * PAGE_SIZE,
		    (hi - lo) * PAGE_SIZE, prot) == 0);
		memset(model + lo, prot, hi - lo);
		rw_lock_read(&as->map_lock);
		for (i = runs = 0; i < PAGES; i++) {
			v = vad_find(as, (va >> PAGE_SHIFT) + i);
			CLAIM(v != NULL && v->prot == model[i], "page %lu has "
			    "not the rights that it was given last", i);
			runs += i == 0 || model[i] != model[i - 1];
		}
		CLAIM(as->nvads == runs, "%lu runs of equal rights are %lu "
		    "mappings", runs, as->nvads);
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
	struct vad *list = NULL;
	int r = vad_remove_range(as, LOW + 4, LOW + 8, &list);

	if (r != 0)
		CLAIM(list == NULL, "a cut that failed hands mappings back");
	drop(list);
	return r;
}

static int
cut_across(struct aspace *as)
{
	struct vad *list = NULL;
	int r = vad_remove_range(as, LOW + 10, LOW + 24, &list);

	drop(list);
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
	struct vad *hi;

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
	uint64_t alive = vads_alive();
	struct vad *spare = as->spare_vad;
	struct vmo *vmo = object(60);
	struct vad *low = put(as, vmo, LOW, LOW + 12, 3, R, RW);
	struct vad *high = put(as, vmo, LOW + 20, LOW + 32, 40, R, RW);
	char spec[32];
	int got;

	/* What is kept for a hole in the middle would help a cut out. */
	as->spare_vad = NULL;
	snprintf(spec, sizeof(spec), "FI_SLAB:%u:0:1", k);
	EXPECT(inject_set(spec) == 0);
	got = r->call(as);
	inject_set("off");
	CLAIM(got == 0 || got == -ENOMEM, "%s without memory says %d", r->what,
	    got);
	if (got != 0) {
		CLAIM(as->nvads == 2 && vad_find(as, LOW + 11) == low &&
		    vad_find(as, LOW + 20) == high && low->start == LOW &&
		    low->end == LOW + 12 && high->end == LOW + 32,
		    "%s failed for want of memory, and changed the mappings",
		    r->what);
		CLAIM(low->prot == R && low->off == 3 && high->off == 40,
		    "%s failed, and changed what a mapping shows", r->what);
		link_fits(low);
		link_fits(high);
		CLAIM(refs_of(vmo) == 3, "%s failed and keeps %d references to "
		    "the object", r->what, (int)refs_of(vmo) - 3);
		CLAIM(vads_alive() == alive + 2, "%s failed and keeps %ld VADs",
		    r->what, (long)(vads_alive() - alive - 2));
		EXPECT(r->call(as) == 0);
	}
	as->spare_vad = spare;
	CLAIM(lab_is_sound(as), "%s left the space unsound", r->what);
	clear(as);
	CLAIM(refs_of(vmo) == 1, "references to the object stay");
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

const struct selftest selftests_lab_vadcut[] = {
	{ "lab_vad_pieces", pieces, "each field of what is cut" },
	{ "lab_vad_joins", joins, "who is joined, who may have which rights" },
	{ "lab_vad_refused", refused, "each allocation refused, nothing changed" },
	{ NULL, NULL, NULL },
};
