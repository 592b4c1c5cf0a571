/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_forkpages.c: lab 05, step 5: a fork meets every kind of word
 *
 * Problem   With ample memory all words of a parent are ABSENT or VALID.  Then
 *           memory is short, a read(2) is under way, a disk fails, and a child
 *           finds zeros where its parent had written.
 *
 * Picture   n pages in every state ─→ as_dup ─→ word, entry and frame of each,
 *           in parent and child
 *
 * Rules     1. No fault of the child is taken: step 5 stands without F4 and F8.
 *           2. A claim says what the child would read; vm_check(2) follows at
 *              the marks, and the leak census behind the last space.
 *
 * Read next lab_forkagain.c, lab_family.c; vm/design/fmo/fork.c.
 */
#include "test/boot/fork/lab_family.h"

#define POLLS 2000
#define POLL_NS 100000ul
#define TRIES_MAX 20

/* ---- every kind of word ---- */

static struct {
	const struct pages *pages;
	_Atomic bool done;
} test;

static enum pte_kind
kind_before(uint64_t i)
{
	return pte_kind(family_word_before(i));
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

	if (!family_shares(p, child, i))
		return;
	e = word_entry(word_of(child, pages_at(p, i)));
	CLAIM(e.refs == 2, "page %lu: its entry has %u references, and two words "
	    "name it", i, e.refs);
	if (kind_before(i) == PTE_SWAP) {
		CLAIM(e.word == family_word_before(i), "page %lu was on swap: its entry "
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
	atomic_sub(&as->words.swap, 1);
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
	family_note(&p);
	ev_mark(mark);
	child = family_fork(p.as);
	ev_mark(mark + 1);
	for (i = 0; child != NULL && i < p.n; i++)
		judge_page(&p, child, i);
	CLAIM(family_books(p.as).n_swap == 0, "words.swap of the parent counts "
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
	a.vmo = vmo_create_anon(n * PAGE_SIZE, 0, NULL, NULL);
	CHECK(a.vmo != NULL && map_mmap(p.as, &a, &p.va) == 0);
	for (i = 0; i < n; i++)
		pages_write(&p, i);
	family_note(&p);
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

/* The same, of a mapping that pays at the touch. */
static struct pages
late_pages(struct aspace *as, uint64_t n)
{
	struct map_args a = { .len = n * PAGE_SIZE, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };
	struct pages p = family_pages(as, n);

	CHECK(map_munmap(as, p.va, a.len) == 0);
	CHECK(map_mmap(as, &a, &p.va) == 0);
	return p;
}

/* One mapping that has paid ahead, one that pays at the touch, one of an object. */
static void
kinds(void)
{
	uint64_t n = lab_param("n", 80);
	struct pages p;

	vm_leak_begin();
	p = family_pages(lab_space(), n);
	fork_in_all_states(p, 1);
	lab_space_end(p.as);
	p = late_pages(lab_space(), n);
	fork_in_all_states(p, 3);
	lab_space_end(p.as);
	fork_while_cut(n, lab_param("keep", 17), 5);
	family_nothing_left();
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
		CHECK(vm_pin_user(p->as, pages_at(p, i), ACCESS_WRITE, &pin[i / 3]) == 0);
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
		page_unpin_dirty(pin[i / 3]);
	}
}

static void
pinned_is_copied(const struct pages *p, struct aspace *child, uint64_t i,
    const struct vm_page *pinned)
{
	uint64_t pw = word_of(p->as, pages_at(p, i));
	uint64_t cw = word_of(child, pages_at(p, i));
	const struct vm_page *own = word_frame(cw);

	CLAIM(cw != 0, "page %lu is pinned, and the child has no page there: it "
	    "reads zeros", i);
	CLAIM(own != pinned || i != 0, "page %lu is pinned by a read(2), and the "
	    "child shares it: what the read brings will be the child's, too", i);
	CLAIM(own != pinned || i == 0, "page %lu is pinned by a read(2), and the "
	    "child shares it: each word of a run is asked, not only its first",
	    i);
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
			pinned_is_copied(p, child, i, pin[i / 3]);
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
		family_inject("FRAME", first, 2);
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

/* The same once more while frames are scarce, and paid for at the touch. */
static void
pins(void)
{
	static struct vm_page *pin[FAMILY_PAGES / 3 + 1];
	uint64_t n = lab_param("n", 45), round, i;
	struct aspace *child;
	struct pages p;

	vm_leak_begin();
	for (round = 0; round < 2; round++) {
		p = round == 0 ? family_pages(lab_space(), n) :
		    late_pages(lab_space(), n);
		pin_some(&p, pin);
		family_note(&p);
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
	family_nothing_left();
}

const struct selftest selftests_lab_forkpages[] = {
	{ "lab_fork_kinds", kinds, "a page is forked wherever it is" },
	{ "lab_fork_pins", pins, "a page that is being filled is copied at once" },
	{ NULL, NULL, NULL },
};
