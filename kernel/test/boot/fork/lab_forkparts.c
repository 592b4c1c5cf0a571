/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_forkparts.c: lab 05, steps 2 to 4: parts of a fork, each alone
 *
 * Problem   Whoever has written phase A, or how one page is handed over, wants to
 *           know whether it is right before there is a fork that could fail.
 *
 * Picture   as_dup ─→ design->dup: fork_reserve, judged, fork_finish, "no" ─→ as_put
 *           one word, one new entry ─→ fork_hand_over ─→ judged, and put back
 *           mapped pages only ─→ as_dup ─→ the child's words, judged
 *
 * Rules     1. Of the learner's functions only those of the step are called, and
 *              of earlier ones.
 *           2. What is put into the books by hand is taken out before they are
 *              checked.
 *
 * Read next lab_forkpages.c, lab_family.c; vm/design/fmo/fork.c.
 */
#include "test/boot/fork/lab_family.h"
#include "lib/errno.h"

#define OLD_ENTRIES 300 /* of each older object */

/* ---- step 2: what phase A takes, and gives back ---- */

static struct {
	const struct design *real;
	struct design design;        /* the same, but its dup is phase A alone */
	struct fmo *old[FORK_OBJECTS];
	unsigned nold;
	bool ample;                   /* nothing is refused */
	bool taken;                   /* fork_reserve() has said 0 */
	int said;
} a;

/* The parent's share of the charge: what the child's own commit does not say. */
static void
judge_charge(const struct fork_work *w, uint64_t charged)
{
	const struct aspace *p = w->c.parent;
	uint64_t own = w->c.child->commit.paid - UPPER_TABLES;
	uint64_t entries = p->words.priv + p->words.fork, tables, pages, late;

	tables = p->table.n + p->table.n_out;
	pages = (entries + FMO_PER_PAGE - 1) / FMO_PER_PAGE;
	late = atomic_load(&p->commit.late);
	CLAIM(charged >= own + tables + pages + late, "%lu pages were promised; "
	    "the child's mappings are %lu, tables %lu, entry pages %lu, late "
	    "pages %lu", charged, own, tables, pages, late);
	CLAIM(w->c.charge == charged - MIN(charged, own), "w->c.charge is %lu: of "
	    "the %lu pages that were promised %lu are the child's own from now "
	    "on, and the rest is the fork's", w->c.charge, charged, own);
}

static void
judge_objects(const struct fork_work *w)
{
	struct aspace *p = w->c.parent, *child = w->c.child;
	unsigned i;

	/* Of forked words only those that are gathered need an entry. */
	if (p->words.priv == 0 && !w->gather)
		return;
	CLAIM(w->fmo != NULL && w->pref != NULL && w->cref != NULL, "w->fmo, "
	    "w->pref or w->cref is not set: the new object has a reference of "
	    "the parent and one of the child");
	if (w->fmo == NULL || w->pref == NULL || w->cref == NULL)
		return;
	CLAIM(w->fmo->npages * FMO_PER_PAGE >= p->words.priv + p->words.fork, "the new "
	    "object has room for %lu entries; %lu private and %lu forked words "
	    "may need one each", w->fmo->npages * FMO_PER_PAGE, p->words.priv,
	    p->words.fork);
	CLAIM(fmo_find_ref(p, w->fmo->base) == w->pref &&
	    fmo_find_ref(child, w->fmo->base) == w->cref, "the parent's and the "
	    "child's reference to the new object are not among theirs");
	for (i = 0; i < a.nold; i++)
		CLAIM(fmo_find_ref(child, a.old[i]->base) != NULL, "older object "
		    "%u has no reference of the child: words of the child will "
		    "lead into it", i);
}

static void
judge_mappings(struct aspace *p, struct aspace *child)
{
	uint64_t ours = 0, theirs = 0;
	struct vad *v;

	VAD_FOREACH(v, p)
		ours++;
	VAD_FOREACH(v, child)
		theirs++;
	CLAIM(ours == theirs, "the parent has %lu mappings, the child %lu", ours,
	    theirs);
}

/* design->dup of a design that only begins its forks. */
static int
only_reserve(struct aspace *parent, struct aspace *child)
{
	static struct fork_work w;
	uint64_t before = commit_total(), own, charged;

	w = (struct fork_work){ .c = { .parent = parent, .child = child },
		.lo = MD_USER_END };
	child->design = a.real;
	a.said = fork_reserve(&w);
	a.taken = a.said == 0;
	if (!a.taken)
		return a.said;
	charged = commit_total() - before;
	judge_mappings(parent, child);
	if (a.ample)
		judge_charge(&w, charged);
	mutex_lock(&parent->ws_lock);
	judge_objects(&w);
	mutex_unlock(&parent->ws_lock);
	own = child->commit.paid - UPPER_TABLES;
	fork_finish(&w);
	charged = commit_total() - before;
	CLAIM(!a.ample || charged == own, "fork_finish() gave back what "
	    "w->c.charge and the references say, and %lu pages are promised "
	    "instead of the child's %lu", charged, own);
	return -EAGAIN;
}

/* As if the parent had been forked before: objects, each with a word too many. */
static void
older_objects(struct aspace *as, unsigned n)
{
	struct fmo_ref *ref;

	for (a.nold = 0; a.nold < n; a.nold++) {
		a.old[a.nold] = fmo_create(OLD_ENTRIES);
		CHECK(a.old[a.nold] != NULL);
		mutex_lock(&as->ws_lock);
		ref = fmo_add_ref(as, a.old[a.nold]);
		CHECK(ref != NULL);
		ref->nptes = OLD_ENTRIES;
		as->words.fork += OLD_ENTRIES;
		mutex_unlock(&as->ws_lock);
	}
}

static void
older_objects_end(struct aspace *as)
{
	struct fmo_ref *ref;

	mutex_lock(&as->ws_lock);
	while (a.nold > 0) {
		ref = fmo_find_ref(as, a.old[--a.nold]->base);
		CHECK(ref != NULL);
		ref->nptes = 0;
		as->words.fork -= OLD_ENTRIES;
		fmo_drop_ref(as, ref);
	}
	mutex_unlock(&as->ws_lock);
	fmo_reap();
}

/* A parent of n written pages, half of them paid at the touch. */
static struct aspace *
parent_of(uint64_t n)
{
	struct map_args args = { .len = MAX(n, 1) * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
	struct pages p = family_pages(lab_space(), MAX(n, 1));
	uint64_t i;

	for (i = 0; i < n / 2; i++)
		pages_write(&p, i);
	CHECK(map_mmap(p.as, &args, &p.va) == 0);
	for (; i < n; i++)
		pages_write(&p, i);
	a.real = p.as->design;
	a.design = *a.real;
	a.design.dup = only_reserve;
	return p.as;
}

/* as_dup() as far as phase A: always refused, and all that it took is back. */
static void
begin_fork(struct aspace *as, const char *what, uint64_t hit)
{
	struct family_books before = family_books(as), now;
	struct aspace *child;
	int r;

	a.taken = false;
	a.said = -ENOMEM;
	as->design = &a.design;
	r = as_dup(as, &child);
	as->design = a.real;
	CHECK(r != 0 && inject_set("off") == 0);
	fmo_reap();
	now = family_books(as);
	CLAIM(a.ample || a.taken || a.said == -ENOMEM, "%s %lu was refused, and "
	    "fork_reserve() says %d, not -ENOMEM", what, hit, a.said);
	CLAIM(now.commit == before.commit, "%s %lu: %ld pages of promises are left "
	    "of a child that is not there", what, hit,
	    (long)(now.commit - before.commit));
	CLAIM(now.objects == before.objects && now.nfmo == before.nfmo, "%s %lu: "
	    "the new object, or a reference to it, is left", what, hit);
	CLAIM(now.n_priv == before.n_priv && now.n_fork == before.n_fork &&
	    now.late == before.late, "%s %lu: the parent's books have changed",
	    what, hit);
}

static void
promise_behind(struct aspace *as, unsigned old)
{
	older_objects(as, old);
	begin_fork(as, "fork behind", old);
	CLAIM(a.taken, "fork_reserve() says %d, though memory is ample", a.said);
	older_objects_end(as);
}

/* One parent with private pages, one whose words are all of older forks. */
static void
promise(void)
{
	struct aspace *as, *old_only;
	unsigned old;

	vm_leak_begin();
	a.ample = true;
	old_only = parent_of(0);
	as = parent_of(lab_param("n", 257));
	ev_mark(1);
	for (old = 0; old <= FORK_OBJECTS; old++)
		promise_behind(as, old);
	promise_behind(old_only, FORK_OBJECTS);
	ev_mark(2);
	CLAIM(vm_check(2) == 0, "vm_check() finds something behind phase A");
	lab_space_end(as);
	lab_space_end(old_only);
	family_nothing_left();
}

/* Refuse the first, the second … that phase A asks for; how many it does. */
static uint64_t
refuse_parts(struct aspace *as, const char *point)
{
	uint64_t hit = 1, refused = 0, fired;

	do {
		fired = ev_read(EV_inject_hits);
		family_inject(point, hit, 0);
		begin_fork(as, point, hit);
		fired = ev_read(EV_inject_hits) - fired;
		refused += !a.taken;
	} while (fired != 0 && hit++ < 100);
	return refused;
}

static void
undo(void)
{
	struct aspace *as;

	vm_leak_begin();
	a.ample = false; /* what others charge where memory is refused is not ours */
	as = parent_of(lab_param("n", 60));
	ev_mark(1);
	older_objects(as, 2);
	/* One of each is as_dup()'s own, before phase A. */
	CLAIM(refuse_parts(as, "COMMIT") >= 2, "phase A charges nothing: what "
	    "the child may touch is not promised to it");
	CLAIM(refuse_parts(as, "KPAGED") >= 1, "phase A reserves no entries");
	CLAIM(refuse_parts(as, "SLAB") >= 7, "phase A makes no object, or not all "
	    "references: the parent's and the child's to the new one, the "
	    "child's to the older ones");
	older_objects_end(as);
	ev_mark(2);
	lab_space_end(as);
	family_nothing_left();
}

/* ---- step 3: one page is handed over ---- */

static struct vm_page *
frame_of(uint64_t word)
{
	return pte_names_frame(word) ? pte_page(word) : NULL;
}

static void
judge_parent(uint64_t before, uint64_t now, uint64_t fork, uint64_t i)
{
	if (pte_kind(before) != PTE_VALID) {
		CLAIM(now == fork, "page %lu, %s before: the parent's word is %s, "
		    "and has to be the FORK word", i, word_name(before),
		    word_name(now));
		return;
	}
	CLAIM(pte_kind(now) == PTE_VALID && pte_page(now) == pte_page(before),
	    "page %lu is no more mapped in the parent: each fork costs it a "
	    "fault for each page", i);
	CLAIM(pte_kind(now) == PTE_VALID && pte_src(now) == SRC_FORK, "page %lu: "
	    "the parent's word maps the page, and its source is not SRC_FORK: "
	    "nobody knows that it is common", i);
	CLAIM((now & (MD_PTE_W | MD_PTE_D)) == 0, "page %lu: the parent's word "
	    "still has W or D: a store of the parent is the child's, too", i);
}

/* What one call has found and left; looked at behind the locks. */
struct handed {
	uint64_t i, before, said, now, fork, swapped;
	struct fmo_entry e;
	bool is_home;         /* of the frame: the entry */
	uint8_t flags;        /* of the frame */
	bool counted;         /* the object's books were changed */
};

static void
judge_entry(const struct handed *h)
{
	const struct vm_page *pg = frame_of(h->before);

	if (pg == NULL) {
		CLAIM(h->e.word == h->before, "page %lu was on swap: its entry "
		    "does not hold its slot", h->i);
		return;
	}
	CLAIM(h->e.word == pte_make_trans(pg), "page %lu: the entry's word is %s "
	    "and not the TRANS word of its frame", h->i, word_name(h->e.word));
	CLAIM(h->is_home, "page %lu: the home of its frame is not the entry: "
	    "nobody finds the entry from the frame", h->i);
	CLAIM(pte_kind(h->before) != PTE_VALID || (h->before & MD_PTE_D) == 0 ||
	    (h->flags & PF_DIRTY) != 0, "page %lu: its word had the D bit, its "
	    "frame has no PF_DIRTY: it is thrown away as clean, and the stores "
	    "are lost", h->i);
	CLAIM((h->flags & PF_LAZYFREE) == 0, "page %lu: MADV_FREE gave it up, "
	    "and it is common now: it must not be thrown away", h->i);
}

static void
judge_handed(const struct handed *h)
{
	CLAIM(h->said == h->before, "page %lu: what fork_hand_over() returns is "
	    "not the word that it found", h->i);
	judge_parent(h->before, h->now, h->fork, h->i);
	judge_entry(h);
	CLAIM(h->swapped == (pte_kind(h->before) == PTE_SWAP), "page %lu, %s "
	    "before: words.swap of the parent fell by %ld", h->i,
	    word_name(h->before), (long)h->swapped);
	CLAIM(!h->counted, "page %lu: references are the caller's, who counts a "
	    "run of words at once", h->i);
}

/* As it was before, entry and books.  [P]. */
static void
take_back(const struct handed *h, const struct pte_ref *s, struct fmo_entry *e)
{
	if (frame_of(h->before) != NULL)
		page_set_home(pte_page(h->before), HOME_PTE, word_pa(s->word));
	atomic_add(&s->as->words.swap, h->swapped);
	if (pte_kind(h->before) == PTE_VALID)
		(void)word_change(s->word, PTE_SRC_MASK,
		    (uint64_t)SRC_PRIV << PTE_SRC_SHIFT | MD_PTE_W);
	else
		word_set_locked(s->leaf, s->word, h->before);
	word_store(&e->word, 0);
}

/* The page at s goes to e, and back, in one hold: nobody else sees it there. */
static void
there_and_back(struct handed *h, const struct pte_ref *s, struct fmo *fmo,
    struct fmo_entry *e)
{
	const struct vm_page *pg;

	spin_lock(&fmo->lock);
	spin_lock(&pfn_lock);
	h->before = word_get(s->word);
	h->swapped = atomic_load(&s->as->words.swap);
	h->said = fork_hand_over(s, e, h->fork);
	h->swapped -= atomic_load(&s->as->words.swap);
	h->now = word_get(s->word);
	h->e = *e;
	h->counted = e->refs != 0 || fmo->live != 0 || fmo->nrefs != 0;
	pg = frame_of(h->before);
	if (pg != NULL) {
		h->flags = pg->flags;
		h->is_home = page_home_kind(pg) == HOME_FMO &&
		    page_home_payload(pg) == va2pa(e);
	}
	take_back(h, s, e);
	spin_unlock(&pfn_lock);
	spin_unlock(&fmo->lock);
}

static void
one_page(const struct pages *p, uint64_t i, struct fmo *fmo, struct fmo_entry *e)
{
	struct handed h = { .i = i, .fork = fork_word(fmo_index_of(e)) };
	struct pte_ref s = { .as = p->as, .va = pages_at(p, i) };

	mutex_lock(&p->as->ws_lock);
	s.word = pt_find(p->as, s.va, &s.leaf);
	CHECK(s.word != NULL);
	there_and_back(&h, &s, fmo, e);
	mutex_unlock(&p->as->ws_lock);
	judge_handed(&h);
}

/* By thirds: on swap, trimmed, mapped and stored to; of these some given up. */
static void
three_places(const struct pages *p)
{
	uint64_t place, i;
	struct vm_page *pg;

	for (place = 0; place < 3; place++) {
		for (i = place; i < p->n; i += 3)
			pages_write(p, i);
		if (place == 0)
			family_swap_out(p);
		if (place == 1)
			family_trim(p);
	}
	for (i = 2; i < p->n; i += 3) {
		pg = frame_of(word_of(p->as, pages_at(p, i)));
		CHECK(pg != NULL);
		if (i % 2 == 0)
			CHECK(map_madvise(p->as, pages_at(p, i), PAGE_SIZE,
			    MADV_FREE) == 0);
		spin_lock(&pfn_lock);
		if (i % 2 != 0)
			pg->flags &= (uint8_t)~PF_DIRTY;
		spin_unlock(&pfn_lock);
	}
}

static void
hand_over(void)
{
	struct pages p = { .n = 0 };
	struct vm_page *page;
	struct fmo *fmo;
	uint64_t i;
	va_t kva;

	vm_leak_begin();
	p = family_pages(lab_space(), lab_param("n", 60));
	three_places(&p);
	fmo = fmo_create(p.n);
	CHECK(fmo != NULL);
	ev_mark(1);
	for (i = 0; i < p.n; i++) {
		kva = MD_KPAGED_BASE + (fmo->base + i) * sizeof(struct fmo_entry);
		CHECK(kpaged_pin(kva, &page) == 0);
		one_page(&p, i, fmo, kpaged_ptr(page, kva));
		kpaged_unpin(page);
	}
	ev_mark(2);
	fmo_bury(fmo);
	fmo_reap();
	CLAIM(vm_check(2) == 0, "vm_check() finds something behind pages that were "
	    "handed over, and taken back");
	lab_space_end(p.as);
	family_nothing_left();
}

/* ---- step 4: what the child gets of mapped pages ---- */

static void
judge_child(const struct pages *p, struct aspace *child, uint64_t i)
{
	const struct vm_page *pg;
	struct fmo_entry e;

	if (!family_shares(p, child, i))
		return;
	e = word_entry(word_of(child, pages_at(p, i)));
	CLAIM(e.refs == 2, "page %lu: its entry has %u references, and two words "
	    "name it", i, e.refs);
	CLAIM(e.tag == (uint32_t)(pages_at(p, i) >> PAGE_SHIFT), "page %lu: the tag "
	    "of its entry is %x, not the number of the page", i, e.tag);
	pg = pte_kind(e.word) == PTE_TRANS ? pte_page(e.word) : NULL;
	CLAIM(pg != NULL && pages_is(p, i, pg), "page %lu: the entry does not lead "
	    "to what the parent has written", i);
}

static void
judge_sums(struct aspace *as, struct aspace *child, uint64_t n, uint64_t late)
{
	struct family_books p = family_books(as), c = family_books(child);
	struct fmo_ref *r;

	CLAIM(p.n_priv == 0 && p.n_fork == n, "%lu words of the parent are common; "
	    "its words.priv is %lu, its words.fork %lu", n, p.n_priv, p.n_fork);
	CLAIM(c.n_priv == 0 && c.n_fork == n, "%lu words of the child are common; "
	    "its words.priv is %lu, its words.fork %lu", n, c.n_priv, c.n_fork);
	CLAIM(c.late >= late && c.late <= late + child->table.n, "%lu pages of the "
	    "child, and some of its tables, are of mappings that have not paid "
	    "ahead; its late is %lu", late, c.late);
	mutex_lock(&child->ws_lock);
	r = rb_first(&child->shared.refs) == NULL ? NULL :
	    CONTAINER_OF(rb_first(&child->shared.refs), struct fmo_ref, rb);
	CLAIM(r != NULL && r->nptes == n && r->fmo->live == n &&
	    r->fmo->nrefs == 2 * n, "the object has %u entries and %lu references, "
	    "of the child %lu; it should be %lu, %lu, %lu",
	    r == NULL ? 0 : r->fmo->live, r == NULL ? 0 : r->fmo->nrefs,
	    r == NULL ? 0 : r->nptes, n, 2 * n, n);
	mutex_unlock(&child->ws_lock);
}

/* Two mappings with a hole in each; one pays at the touch. */
static void
child_words(void)
{
	uint64_t n = lab_param("n", 300), every = lab_param("every", 7), i, m = 0;
	struct map_args args = { .len = n * PAGE_SIZE, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
	struct aspace *child;
	struct pages p, q;

	vm_leak_begin();
	p = family_pages(lab_space(), n);
	q = p;
	CHECK(map_mmap(q.as, &args, &q.va) == 0);
	for (i = 0; i < n; i++)
		if (i % every != 0) {
			pages_write(&p, i);
			pages_write(&q, i);
			m++;
		}
	family_note(&p);
	ev_mark(1);
	child = family_fork(p.as);
	ev_mark(2);
	for (i = 0; child != NULL && i < n; i++)
		if (i % every != 0) {
			judge_child(&p, child, i);
			judge_child(&q, child, i);
		} else {
			CLAIM(word_of(child, pages_at(&p, i)) == 0, "page %lu "
			    "exists in the child and not in the parent", i);
		}
	if (child != NULL) {
		judge_sums(p.as, child, 2 * m, m);
		lab_space_end(child);
	}
	lab_space_end(p.as);
	family_nothing_left();
}

const struct selftest selftests_lab_forkparts[] = {
	{ "lab_fork_promise", promise, "phase A takes what a fork may need" },
	{ "lab_fork_undo", undo, "phase A gives back what it took" },
	{ "lab_fork_hand", hand_over, "one page goes from a word to an entry" },
	{ "lab_fork_child", child_words, "the child's words name the entries" },
	{ NULL, NULL, NULL },
};
