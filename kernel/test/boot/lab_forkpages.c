/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_forkpages.c: lab 05, step 2: a fork meets every kind of word
 *
 * Problem   With ample memory all words of a parent are ABSENT or VALID.  Then
 *           memory is short, a read(2) is under way, a disk fails, and a child
 *           finds zeros where its parent had written.
 *
 * Picture   n pages in every state ─→ as_dup ─→ word, entry and frame of each,
 *           in parent and child
 *
 * Rules     1. No fault of the child is taken: step 2 stands without F4 and F8.
 *           2. A claim says what the child would read; vm_check(2) follows at
 *              the marks, and the leak census behind the last space.
 *
 * Read next lab_family.c; vm/design/fmo/fork.c.
 */
#include "test/boot/lab_family.h"

#define POLLS 2000
#define POLL_NS 100000ul
#define PAGES_MAX 600
#define TRIES_MAX 20
#define SOME 8 /* pages, that a claim per page is worth it */

static struct pages
some_pages(struct aspace *as, uint64_t n)
{
	CHECK(n <= PAGES_MAX);
	return (struct pages){ .as = as, .va = lab_map(as, n), .n = n,
		.seed = lab_param("seed", 1) };
}

/* The first'th time, and each every'th behind it (0: once), this fails. */
static void
inject_from(const char *point, uint64_t first, uint64_t every)
{
	struct out_buf text;
	char spec[48];

	out_buf_init(&text, spec, sizeof(spec));
	out_printf(&text.out, every != 0 ? "%s:%lu:%lu" : "%s:%lu", point,
	    first, every);
	CHECK(inject_set(spec) == 0);
}

static void
nothing_is_left(void)
{
	CLAIM(vm_leak_end() == 0, "something of the fork is left when both "
	    "processes have ended: an object, an entry, a reference or a promise");
}

/* ---- every kind of word ---- */

static struct {
	uint64_t word[PAGES_MAX];   /* of the parent, before */
	const struct pages *pages;
	_Atomic bool done;
} test;

static enum pte_kind
kind_before(uint64_t i)
{
	return pte_kind(test.word[i]);
}

static void
note_words(const struct pages *p)
{
	uint64_t i;

	test.pages = p;
	for (i = 0; i < p->n; i++)
		test.word[i] = word_of(p->as, pages_at(p, i));
}

/* The child's word of page i names an entry that the parent's names, too. */
static bool
is_shared(const struct pages *p, struct aspace *child, uint64_t i)
{
	uint64_t pw = word_of(p->as, pages_at(p, i));
	uint64_t cw = word_of(child, pages_at(p, i));
	const char *was = word_name(test.word[i]);

	CLAIM(pte_kind(cw) == PTE_FORK, "page %lu, %s in the parent, is %s in "
	    "the child: it reads something else there than its parent has "
	    "written", i, was, word_name(cw));
	if (pte_kind(cw) != PTE_FORK)
		return false;
	CLAIM(word_is_forked(pw) && word_index(pw) == word_index(cw),
	    "page %lu, %s before, names an entry in the child, but the parent's "
	    "word (%s) does not name it: a store of the parent is seen by the "
	    "child, or is lost", i, was, word_name(pw));
	return word_is_forked(pw) && word_index(pw) == word_index(cw);
}

/* A page that was mapped: shared from now on, and what was stored stays stored. */
static void
was_valid(const struct pages *p, uint64_t i, const struct vm_page *pg)
{
	uint64_t pw = word_of(p->as, pages_at(p, i));

	CLAIM(pte_kind(pw) == PTE_VALID, "page %lu is no more mapped in the "
	    "parent: each fork costs it a fault for each page", i);
	CLAIM((pw & (MD_PTE_W | MD_PTE_D)) == 0, "page %lu: the parent's word "
	    "still allows stores: the child sees them", i);
	CLAIM((pg->flags & PF_DIRTY) != 0, "page %lu: its word had the D bit, "
	    "its frame has no PF_DIRTY: it is thrown away as clean, and the "
	    "stores are lost", i);
}

/* Two refer to page i now, and it is where and what it was. */
static void
entered(const struct pages *p, struct aspace *child, uint64_t i)
{
	const struct vm_page *pg;
	struct fmo_entry e;

	if (!is_shared(p, child, i))
		return;
	e = word_entry(word_of(child, pages_at(p, i)));
	CLAIM(e.refs == 2, "page %lu: its entry has %u references, and two words "
	    "name it", i, e.refs);
	if (kind_before(i) == PTE_SWAP) {
		CLAIM(e.word == test.word[i], "page %lu was on swap: its entry "
		    "does not hold its slot", i);
		return;
	}
	pg = pte_kind(e.word) == PTE_TRANS ? pte_page(e.word) : NULL;
	CLAIM(pg != NULL && pages_is(p, i, pg), "page %lu: the entry does not "
	    "lead to what the parent has written", i);
	if (pg != NULL && kind_before(i) == PTE_VALID)
		was_valid(p, i, pg);
}

static void
judge_page(const struct pages *p, struct aspace *child, uint64_t i)
{
	uint64_t cw = word_of(child, pages_at(p, i));

	switch (kind_before(i)) {
	case PTE_ABSENT:
		CLAIM(cw == 0, "page %lu exists in the child and not in the "
		    "parent", i);
		break;
	case PTE_ERROR:
		CLAIM(pte_kind(cw) == PTE_ERROR, "page %lu could not be read for "
		    "the parent; in the child it is %s: zeros instead of a "
		    "SIGBUS", i, word_name(cw));
		break;
	case PTE_BUSY: /* is being read; TRANS when the fork gets it */
	case PTE_TRANS:
	case PTE_SWAP:
	case PTE_VALID:
		entered(p, child, i);
		break;
	case PTE_FORK:
		break;
	}
}

/* Every fourth page: on swap, trimmed, mapped, never touched. */
static void
in_all_states(const struct pages *p)
{
	struct vm_page *pg;
	uint64_t i, step;

	for (step = 0; step < 3; step++) {
		for (i = step; i < p->n; i += 4)
			pages_write(p, i);
		if (step == 0)
			family_swap_out(p);
		if (step == 1)
			family_trim(p);
	}
	/* Only the D bits of their words say that these were stored to. */
	for (i = 2; i < p->n; i += 4) {
		pg = word_frame(word_of(p->as, pages_at(p, i)));
		CHECK((word_of(p->as, pages_at(p, i)) & MD_PTE_D) != 0);
		spin_lock(&pfn_lock);
		pg->flags &= (uint8_t)~PF_DIRTY;
		spin_unlock(&pfn_lock);
	}
}

/* As if the disk had refused page i, which is on swap. */
static void
cannot_be_read(const struct pages *p, uint64_t i)
{
	struct aspace *as = p->as;
	struct vm_page *leaf;
	uint64_t *word, old;

	mutex_lock(&as->ws_lock);
	word = pt_find(as, pages_at(p, i), &leaf);
	CHECK(word != NULL && pte_kind(word_get(word)) == PTE_SWAP);
	spin_lock(&pfn_lock);
	old = word_set_locked(leaf, word, pte_make_soft(PTE_ERROR, 0) |
	    (uint64_t)EIO << PTE_ERRNO_SHIFT);
	swap_free(swap_slot(old));
	spin_unlock(&pfn_lock);
	atomic_sub(&as->n_swap, 1);
	mutex_unlock(&as->ws_lock);
}

static void
reader(void *arg)
{
	uint64_t value;

	(void)family_load(test.pages->as, *(const va_t *)arg, &value);
	atomic_store(&test.done, true);
}

/* Another thread waits for page va, which is on its way from swap. */
static void
is_being_read(const struct pages *p, va_t *va)
{
	unsigned i;

	test.pages = p;
	atomic_store(&test.done, false);
	CHECK(inject_set("IO_DELAY:1:1:1") == 0);
	CHECK(thread_spawn("reader", reader, va) != NULL);
	for (i = 0; i < POLLS && pte_kind(word_of(p->as, *va)) == PTE_SWAP; i++)
		(void)sleep_until(md_time_ns() + POLL_NS, WAIT_PLAIN);
	CHECK(pte_kind(word_of(p->as, *va)) == PTE_BUSY);
}

static void
reader_ends(void)
{
	while (!atomic_load(&test.done))
		(void)sleep_until(md_time_ns() + POLL_NS, WAIT_PLAIN);
	CHECK(inject_set("off") == 0);
}

static void
fork_in_all_states(struct pages p, unsigned mark)
{
	va_t busy = pages_at(&p, 8);
	struct aspace *child;
	uint64_t i;

	in_all_states(&p);
	cannot_be_read(&p, 4);
	is_being_read(&p, &busy);
	note_words(&p);
	ev_mark(mark);
	child = family_fork(p.as);
	ev_mark(mark + 1);
	for (i = 0; child != NULL && i < p.n; i++)
		judge_page(&p, child, i);
	CLAIM(family_books(p.as).n_swap == 0, "n_swap of the parent counts "
	    "words that are FORK now");
	if (child != NULL)
		lab_space_end(child);
	reader_ends();
}

/* ---- an object that is being cut ---- */

/*
 * A truncate has set the size, and has not come to these mappings yet: what lies
 * beyond the end dies with the parent's word, and the child must not have it.
 */
static void
fork_while_cut(uint64_t n, uint64_t keep, unsigned mark)
{
	struct map_args a = { .len = n * PAGE_SIZE, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W, .flags = MAP_PRIVATE };
	struct pages p = { .n = n, .seed = lab_param("seed", 1) };
	struct aspace *child;
	uint64_t i;

	p.as = lab_space();
	a.vmo = vmo_create_anon(n * PAGE_SIZE, NULL, NULL);
	CHECK(a.vmo != NULL && map_mmap(p.as, &a, &p.va) == 0);
	for (i = 0; i < n; i++)
		pages_write(&p, i);
	note_words(&p);
	a.vmo->size = keep * PAGE_SIZE;
	ev_mark(mark);
	child = family_fork(p.as);
	ev_mark(mark + 1);
	for (i = 0; child != NULL && i < keep; i++)
		entered(&p, child, i);
	for (; child != NULL && i < n; i++)
		CLAIM(word_of(child, pages_at(&p, i)) == 0, "page %lu lies "
		    "behind the end of its object, which a truncate is cutting: "
		    "nobody will take it from the child", i);
	a.vmo->size = n * PAGE_SIZE;
	if (child != NULL)
		lab_space_end(child);
	lab_space_end(p.as);
	vmo_put(a.vmo);
}

/* One mapping that has paid ahead, one that pays at the touch, one of an object. */
static void
kinds(void)
{
	struct map_args late = { .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
	uint64_t n = lab_param("n", 80);
	struct pages p;

	vm_leak_begin();
	p = some_pages(lab_space(), n);
	fork_in_all_states(p, 1);
	lab_space_end(p.as);
	p.as = lab_space();
	late.len = n * PAGE_SIZE;
	CHECK(map_mmap(p.as, &late, &p.va) == 0);
	fork_in_all_states(p, 3);
	lab_space_end(p.as);
	fork_while_cut(n, lab_param("keep", 17), 5);
	nothing_is_left();
}

/* ---- pins ---- */

/* Pages that a read(2) fills: every third; half of them trimmed under its hands. */
static void
pin_some(const struct pages *p, struct vm_page **pin)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		pages_write(p, i);
	for (i = 0; i < p->n; i += 3)
		CHECK(vm_pin_user(p->as, pages_at(p, i), PAGE_SIZE, true,
		    &pin[i / 3], 1) == 1);
	family_trim(p);
	for (i = 0; i < p->n; i += 2)
		pages_write(p, i);
}

/* What a read(2) brings is in the frame now. */
static void
read_ends(const struct pages *p, struct vm_page **pin)
{
	uint64_t i, *frame;

	for (i = 0; i < p->n; i += 3) {
		frame = pa2va(page_pa(pin[i / 3]));
		frame[0] = frame[PAGE_SIZE / 8 - 1] = 7;
		vm_unpin_user(&pin[i / 3], 1, true);
	}
}

static void
copied(const struct pages *p, struct aspace *child, uint64_t i,
    const struct vm_page *pinned)
{
	uint64_t pw = word_of(p->as, pages_at(p, i));
	uint64_t cw = word_of(child, pages_at(p, i));
	const struct vm_page *own = word_frame(cw);

	CLAIM(cw != 0, "page %lu is pinned, and the child has no page there: it "
	    "reads zeros", i);
	CLAIM(own != pinned, "page %lu is pinned by a read(2), and the child "
	    "shares it: what the read brings will be the child's, too", i);
	CLAIM(!word_is_forked(pw), "page %lu is pinned, and the parent's word "
	    "names an entry: the first store of the parent copies, and the "
	    "read(2) ends in the page that it has left", i);
	if (own == NULL || own == pinned)
		return;
	CLAIM(pages_is(p, i, own), "page %lu: the child's copy of a pinned page "
	    "has other bytes than the parent's", i);
	CLAIM((own->flags & PF_DIRTY) != 0 && own->pins == 0 &&
	    own->state == PG_MODIFIED, "page %lu: the child's copy does not wait "
	    "on the modified queue, dirty and without a pin: it is lost, or "
	    "stays for ever", i);
}

static void
judge_pins(const struct pages *p, struct aspace *child, struct vm_page **pin)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		if (i % 3 == 0)
			copied(p, child, i, pin[i / 3]);
		else
			entered(p, child, i);
	for (i = 0; i < p->n; i += 3)
		CLAIM(pin[i / 3]->pins == 1, "page %lu has %u pins where there "
		    "was one: the fork's own was not given back, or another's "
		    "was", i, pin[i / 3]->pins);
}

/*
 * Each second frame is refused at once; not the first ones, without which there
 * is no child.
 */
static struct aspace *
scarce_fork(const struct pages *p)
{
	struct aspace *child = NULL;
	uint64_t first, fired = ev_read(EV_inject_hits);
	int r = -ENOMEM;

	for (first = 1; r == -ENOMEM && first < TRIES_MAX; first++) {
		inject_from("FRAME", first, 2);
		r = as_dup(p->as, &child);
		CHECK(inject_set("off") == 0);
	}
	CLAIM(r == 0 && ev_read(EV_inject_hits) > fired, "fork says %d where a "
	    "frame was not there at once: phase B waits for it", r);
	if (r != 0)
		return NULL;
	as_attach_user(child);
	return child;
}

/* The same once more while frames are scarce. */
static void
pins(void)
{
	static struct vm_page *pin[PAGES_MAX / 3 + 1];
	uint64_t n = lab_param("n", 45), round, i;
	struct aspace *child;
	struct pages p;

	vm_leak_begin();
	for (round = 0; round < 2; round++) {
		p = some_pages(lab_space(), n);
		pin_some(&p, pin);
		note_words(&p);
		ev_mark(1 + 2 * (unsigned)round);
		child = round == 0 ? family_fork(p.as) : scarce_fork(&p);
		ev_mark(2 + 2 * (unsigned)round);
		if (child != NULL)
			judge_pins(&p, child, pin);
		read_ends(&p, pin);
		for (i = 0; child != NULL && i < n; i += 3)
			CLAIM(word_frame(word_of(child, pages_at(&p, i))) ==
			    NULL || pages_is(&p, i, word_frame(word_of(child,
			    pages_at(&p, i)))), "page %lu: the child sees what "
			    "a read(2) brought to its parent after the fork", i);
		if (child != NULL)
			lab_space_end(child);
		lab_space_end(p.as);
	}
	nothing_is_left();
}

/* ---- forks of forks ---- */

/* Page i of both is one entry, of so many references, and has its bytes. */
static void
common(const struct pages *p, struct aspace *child, uint64_t i, uint32_t refs)
{
	const struct vm_page *pg;
	struct fmo_entry e;

	if (!is_shared(p, child, i))
		return;
	e = word_entry(word_of(child, pages_at(p, i)));
	CLAIM(e.refs == refs, "page %lu: its entry has %u references, %u words "
	    "name it", i, e.refs, refs);
	pg = word_frame(word_of(child, pages_at(p, i)));
	CLAIM(pg != NULL && pages_is(p, i, pg), "page %lu: its entry does not "
	    "lead to what was written", i);
}

/* Fork p once more: so many entries are new, so many have one reference more. */
static struct aspace *
fork_again(const struct pages *p, uint64_t entries, uint64_t rerefs)
{
	uint64_t e = ev_read(EV_fork_entries), r = ev_read(EV_fork_rerefs);
	struct aspace *child;

	note_words(p);
	child = family_fork(p->as);
	e = ev_read(EV_fork_entries) - e;
	r = ev_read(EV_fork_rerefs) - r;
	CLAIM(e == entries && r == rerefs, "%lu entries are new and %lu got a "
	    "reference more; it should be %lu, of pages that the parent alone "
	    "refers to, and %lu of the others", e, r, entries, rerefs);
	CHECK(child != NULL);
	return child;
}

static void
all_common(const struct pages *p, struct aspace *child, uint64_t from,
    uint64_t to, uint32_t refs)
{
	uint64_t i;

	for (i = from; i < to; i++)
		common(p, child, i, refs);
}

static void
again(void)
{
	uint64_t n = lab_param("n", 300), half = lab_param("half", 140);
	struct aspace *first, *second, *third, *grandchild;
	struct pages p, q;
	uint64_t i;

	vm_leak_begin();
	p = some_pages(lab_space(), n);
	for (i = 0; i < n; i++)
		pages_write(&p, i);
	ev_mark(1);
	first = fork_again(&p, n, 0);
	second = fork_again(&p, 0, n);
	ev_mark(2);
	all_common(&p, second, 0, n, 3);
	CLAIM(ev_read(EV_fmo_live) == 1, "a fork that entered nothing has left "
	    "an object");
	lab_space_end(first);
	/* Of the first pages the parent is the only owner now. */
	CHECK(map_munmap(second, p.va, half * PAGE_SIZE) == 0);
	CHECK(inject_set("TRYPIN:2:3") == 0);
	third = fork_again(&p, half, n - half);
	CHECK(inject_set("off") == 0);
	ev_mark(3);
	all_common(&p, third, 0, half, 2);
	all_common(&p, third, half, n, 3);
	lab_space_end(second);
	q = p;
	q.as = third;
	grandchild = fork_again(&q, 0, n);
	ev_mark(4);
	all_common(&q, grandchild, 0, n, 3);
	lab_space_end(p.as);
	lab_space_end(third);
	/* All are the grandchild's own: one object, the old ones are dead. */
	q.as = grandchild;
	second = fork_again(&q, n, 0);
	ev_mark(5);
	all_common(&q, second, 0, n, 2);
	CLAIM(ev_read(EV_fmo_live) == 1, "%lu objects live, one is in use: the "
	    "pages that their last owner took back are entered in the new one, "
	    "so that an old one can die", ev_read(EV_fmo_live));
	lab_space_end(second);
	lab_space_end(grandchild);
	nothing_is_left();
}

/* ---- what a fork that fails leaves ---- */

static bool
same_books(const struct family_books *a, const struct family_books *b)
{
	return a->n_priv == b->n_priv && a->n_fork == b->n_fork &&
	    a->nfmo == b->nfmo && a->n_swap == b->n_swap && a->late == b->late;
}

static bool
same_words(const struct pages *p)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		if ((word_of(p->as, pages_at(p, i)) ^ test.word[i]) &
		    ~(MD_PTE_A | PTE_AGE_MASK))
			return false;
	return true;
}

/* It was refused: is everything as it was? */
static void
judge_refusal(const struct pages *p, const struct family_books *before,
    const char *what, uint64_t hit, int r)
{
	struct family_books now = family_books(p->as);

	CLAIM(r == -ENOMEM, "%s %lu was refused, and fork says %d, not -ENOMEM",
	    what, hit, r);
	CLAIM(now.commit == before->commit, "%s %lu was refused: %ld pages of "
	    "promises are left of a child that is not there", what, hit,
	    (long)(now.commit - before->commit));
	CLAIM(now.objects == before->objects && now.entries == before->entries,
	    "%s %lu was refused: the new object is left", what, hit);
	CLAIM(same_books(&now, before) && same_words(p), "%s %lu was refused: "
	    "the parent is not as it was: n_priv %lu n_fork %lu objects %u, "
	    "before %lu %lu %u", what, hit, now.n_priv, now.n_fork, now.nfmo,
	    before->n_priv, before->n_fork, before->nfmo);
}

/*
 * Refuse the first, the second … allocation of this kind that a fork makes, until
 * one makes no more.  What the kernel can do without is no refusal.
 *
 * Returns:  how many forks were refused.
 */
static uint64_t
refuse_each(const struct pages *p, const char *point)
{
	uint64_t hit = 1, refused = 0, fired;
	struct family_books before;
	struct aspace *child;
	int r;

	do {
		note_words(p);
		before = family_books(p->as);
		fired = ev_read(EV_inject_hits);
		inject_from(point, hit, 0);
		r = as_dup(p->as, &child);
		CHECK(inject_set("off") == 0);
		fired = ev_read(EV_inject_hits) - fired;
		if (r == 0) {
			as_attach_user(child);
			lab_space_end(child);
		} else {
			judge_refusal(p, &before, point, hit, r);
			refused++;
		}
		hit++;
	} while (fired != 0);
	return refused;
}

static void
refusals(const struct pages *p)
{
	/* As many as a fork has things to allocate: none may be passed over. */
	CLAIM(refuse_each(p, "COMMIT") >= 2, "a fork charges nothing: what the "
	    "child may touch is not promised to it");
	CLAIM(refuse_each(p, "KPAGED") >= 1, "a fork reserves no entries");
	CLAIM(refuse_each(p, "SLAB") >= 5, "a fork makes no object, or no "
	    "reference to one");
}

static void
refused(void)
{
	uint64_t n = lab_param("n", 60), i;
	struct aspace *first, *child;
	struct pages p;

	vm_leak_begin();
	p = some_pages(lab_space(), n);
	for (i = 0; i < n; i += 2)
		pages_write(&p, i);
	first = family_fork(p.as);
	for (i = 1; i < n; i += 2)
		pages_write(&p, i);
	note_words(&p);
	ev_mark(1);
	refusals(&p);
	ev_mark(2);
	/* And it goes on as if nothing had been. */
	child = family_fork(p.as);
	for (i = 0; child != NULL && i < MIN(n, SOME); i++)
		common(&p, child, i, 2 + (i % 2 == 0));
	ev_mark(3);
	if (child != NULL)
		lab_space_end(child);
	if (first != NULL)
		lab_space_end(first);
	lab_space_end(p.as);
	nothing_is_left();
}

const struct selftest selftests_lab_forkpages[] = {
	{ "lab_fork_kinds", kinds, "a page is forked wherever it is" },
	{ "lab_fork_pins", pins, "a page that is being filled is copied at once" },
	{ "lab_fork_again", again, "forks of forks refer to the same entries" },
	{ "lab_fork_refused", refused, "a fork that fails leaves nothing" },
	{ NULL, NULL, NULL },
};
