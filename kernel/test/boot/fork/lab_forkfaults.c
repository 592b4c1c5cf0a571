/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_forkfaults.c: lab 05, steps 7 and 8: loads and stores behind a fork
 *
 * Problem   A common page may be mapped or not, in memory or on swap, held by
 *           a write(2), and have one owner or two.  Each of them is met sooner
 *           or later, and each must give the bytes that a copy would have.
 *
 * Picture   n pages ─→ fork ─→ one state of frame, word, pins and owners ─→
 *           a load (F8) or a store (F4) of the child ─→ bytes of both
 *
 * Rules     1. The bytes of both sides, and of a frame that somebody sends, are
 *              looked at after each store.
 *           2. vm_check(2) follows at the marks, the leak census at the end.
 *
 * Read next lab_family.c; vm/design/fmo/fork.c.
 */
#include "test/boot/fork/lab_family.h"

#define NEW_VALUE 0x5e5e5e5eul

static struct {
	struct pages p, c;           /* of the parent; the same of the child */
	struct vm_page *pin[FAMILY_PAGES];
} f;

static void
family_begin(uint64_t n)
{
	uint64_t i;

	CHECK(n <= FAMILY_PAGES);
	f.p = (struct pages){ .as = lab_space(), .n = n,
		.seed = lab_param("seed", 1) };
	f.p.va = lab_map(f.p.as, n);
	for (i = 0; i < n; i++)
		pages_write(&f.p, i);
	f.c = f.p;
	f.c.as = family_fork(f.p.as);
	CHECK(f.c.as != NULL);
}

static void
parent_ends(void)
{
	if (f.p.as != NULL)
		lab_space_end(f.p.as);
	f.p.as = NULL;
}

static void
family_ends(void)
{
	parent_ends();
	lab_space_end(f.c.as);
}

/* ---- step 7: loads ---- */

static void
child_reads(const char *when)
{
	uint64_t i, word;

	for (i = 0; i < f.c.n; i++) {
		CLAIM(pages_reads(&f.c, f.c.as, i), "page %lu, %s: the child "
		    "does not read what its parent has written", i, when);
		word = word_of(f.c.as, pages_at(&f.c, i));
		CLAIM((word & MD_PTE_W) == 0, "page %lu, %s: a load has mapped "
		    "a common page for stores, too", i, when);
	}
}

static void
parent_reads(const char *when)
{
	uint64_t i;

	for (i = 0; i < f.p.n; i++)
		CLAIM(pages_reads(&f.p, f.p.as, i), "page %lu, %s: the parent "
		    "does not read what it has written", i, when);
}

static uint64_t
pages_mapped(void)
{
	uint64_t i, n = 0;

	for (i = 0; i < f.c.n; i++)
		n += (word_of(f.c.as, pages_at(&f.c, i)) & MD_PTE_P) != 0;
	return n;
}

/* Mapped around a fault is only what the same VAD and the same table have. */
static void
around_ends(void)
{
	uint64_t half = f.c.n / 2, value;
	va_t va = pages_at(&f.c, half);

	CLAIM(family_load(f.c.as, f.c.va, &value) == 0 && pages_mapped() <=
	    2 * MIN(fault_around(), 8ul), "one load maps %lu pages: around a "
	    "fault are a few, or what nobody asked for drives out what is used",
	    pages_mapped());
	CHECK(map_mprotect(f.c.as, va, PAGE_SIZE, 0) == 0);
	CLAIM(family_load(f.c.as, va - PAGE_SIZE, &value) == 0 &&
	    family_load(f.c.as, va + PAGE_SIZE, &value) == 0, "no load");
	CLAIM(pte_kind(word_of(f.c.as, va)) == PTE_FORK, "a load mapped the "
	    "page beside its VAD, with the rights of that VAD");
	CHECK(map_mprotect(f.c.as, va, PAGE_SIZE, PROT_R | PROT_W) == 0);
}

#define TABLES 24ul
#define EDGE 4ul          /* pages on each side of the end of a table */

static struct aspace *
fork_of_edges(struct pages *p, uint64_t *first)
{
	struct aspace *child;
	uint64_t i, k, value;

	*p = (struct pages){ .as = lab_space(), .n = TABLES * MD_PT_WORDS,
		.seed = lab_param("seed", 1) };
	p->va = lab_map(p->as, p->n);
	*first = MD_PT_WORDS - md_pt_index(p->va, 1);
	if (*first < EDGE)
		*first += MD_PT_WORDS;
	/* A load of what was never written makes a table, and takes no other frame. */
	for (i = p->n; i > MD_PT_WORDS; i -= MD_PT_WORDS)
		CHECK(family_load(p->as, pages_at(p, i - MD_PT_WORDS / 2),
		    &value) == 0);
	for (i = *first; i + EDGE < p->n; i += MD_PT_WORDS)
		for (k = i - EDGE; k < i + EDGE; k++)
			pages_write(p, k);
	child = family_fork(p->as);
	CHECK(child != NULL);
	return child;
}

/*
 * A few pages around the end of each of some tables, which may lie one behind the
 * other in memory: what is behind a table is no word of it.
 */
static void
around_ends_with_table(void)
{
	struct aspace *child;
	uint64_t i, value;
	struct pages p;

	child = fork_of_edges(&p, &i);
	for (; i + EDGE < p.n; i += MD_PT_WORDS)
		CLAIM(family_load(child, pages_at(&p, i - 3), &value) == 0,
		    "no load");
	ev_mark(8);
	lab_space_end(child);
	lab_space_end(p.as);
}

#define PINNED_WORDS 1400u

/*
 * Frames, every second one of those that come next: what lies behind a page of entries
 * is no page of entries then.  Taken cleared, for emptied tables would come first.
 */
static unsigned
hold_frames(struct vm_page **held)
{
	struct vm_page *pg, *even = NULL;
	unsigned n = 0, i;

	for (i = 0; i < PINNED_WORDS; i++) {
		pg = phys_alloc(PHYS_USER, PHYS_ZEROED);
		CHECK(pg != NULL);
		if (page_pfn(pg) % 2 != 0) {
			held[n++] = pg;
			continue;
		}
		*(struct vm_page **)pa2va(page_pa(pg)) = even;
		even = pg;
	}
	while (even != NULL) {
		pg = even;
		even = *(struct vm_page **)pa2va(page_pa(pg));
		phys_free(pg);
	}
	return n;
}

/*
 * Loads right before the end of a page of entries.  What lies behind it looks like
 * entries, all of the parent's page 0.
 */
static void
around_ends_with_entries(uint64_t pages)
{
	static struct vm_page *held[PINNED_WORDS];
	unsigned n = hold_frames(held), i, k;
	uint64_t word, value, at;
	struct fmo_entry *e;

	family_begin(pages);
	word = word_entry(word_of(f.c.as, f.c.va)).word;
	for (i = 0; i < n; i++) {
		e = fmo_entries(held[i]);
		for (k = 0; k < FMO_PER_PAGE; k++)
			e[k].word = word;
	}
	for (at = 0; at < f.c.n; at++)
		if (word_index(word_of(f.c.as, pages_at(&f.c, at))) %
		    FMO_PER_PAGE == FMO_PER_PAGE - 2)
			CLAIM(family_load(f.c.as, pages_at(&f.c, at), &value) == 0,
			    "no load");
	child_reads("its entry behind the end of a page of entries");
	for (i = 0; i < n; i++)
		phys_free(held[i]);
	family_ends();
}

/* Nobody else refers to the pages: they are the child's own again. */
static void
child_alone_reads(void)
{
	uint64_t i, n;

	CHECK(vm_pin_user(f.p.as, pages_at(&f.p, 1), ACCESS_READ, f.pin) == 0);
	family_trim(&f.c);
	parent_ends();
	ev_mark(5);
	n = ev_read(EV_fmo_entries_live);
	for (i = 1; i < f.c.n; i++)
		CLAIM(pages_reads(&f.c, f.c.as, i), "page %lu: the last owner "
		    "does not read what was written", i);
	CLAIM(word_frame(word_of(f.c.as, pages_at(&f.c, 1))) == f.pin[0] &&
	    word_is_forked(word_of(f.c.as, pages_at(&f.c, 1))), "a page with "
	    "pins was taken back: who takes a page may store to it, and "
	    "somebody sends it");
	CLAIM(ev_read(EV_fmo_entries_live) < n / 2, "%lu of %lu entries live, "
	    "and their pages have one owner, who has read them: F8 asks "
	    "fmo_try_steal() first", ev_read(EV_fmo_entries_live), n);
	ev_mark(6);
	page_unpin(f.pin[0]);
}

static void
reads(void)
{
	uint64_t n = lab_param("n", 540);

	vm_leak_begin();
	family_begin(n);
	around_ends();
	ev_mark(1);
	child_reads("in memory");
	ev_mark(2);
	family_trim(&f.c);
	family_trim(&f.p);
	child_reads("mapped by nobody");
	parent_reads("mapped by the child");
	ev_mark(3);
	family_trim(&f.c);
	family_swap_out(&f.p);
	child_reads("on swap");
	parent_reads("back from swap");
	ev_mark(4);
	child_alone_reads();
	lab_space_end(f.c.as);
	around_ends_with_table();
	around_ends_with_entries(n);
	family_nothing_left();
}

/* ---- step 8: stores ---- */

enum page_place { IN_MEMORY, NOT_MAPPED, ON_SWAP, PLACES };

static const char *const place_name[PLACES] = {
	"in memory", "mapped by nobody", "on swap"
};

static bool
is_pinned(enum page_place place, uint64_t i)
{
	return place != ON_SWAP && i % 4 >= 2;
}

/* Every second one is mapped in the child; of four two are being sent. */
static void
bring(enum page_place place)
{
	uint64_t i, value;

	for (i = 0; place == IN_MEMORY && i < f.c.n; i += 2)
		CHECK(family_load(f.c.as, pages_at(&f.c, i), &value) == 0);
	for (i = 0; i < f.p.n; i++)
		if (is_pinned(place, i))
			CHECK(vm_pin_user(f.p.as, pages_at(&f.p, i), ACCESS_READ,
			    &f.pin[i]) == 0);
	if (place == IN_MEMORY)
		return;
	family_trim(&f.c);
	family_trim(&f.p);
	if (place == ON_SWAP)
		family_swap_out(&f.p);
}

/* The child has its value, and the rest of the page as it was. */
static void
child_has(uint64_t i, const char *where)
{
	uint64_t word = word_of(f.c.as, pages_at(&f.c, i)), first = 0, last = 0;

	(void)family_load(f.c.as, pages_at(&f.c, i), &first);
	(void)family_load(f.c.as, pages_at(&f.c, i) + PAGE_SIZE - 8, &last);
	CLAIM(first == NEW_VALUE, "page %lu, %s: the child's store is lost", i,
	    where);
	CLAIM(last == pages_tag(&f.c, i), "page %lu, %s: the child stored 8 "
	    "bytes, and the others of the page are not its parent's any more",
	    i, where);
	CLAIM(!word_is_forked(word) && (word & MD_PTE_W) != 0, "page %lu, %s: "
	    "the child has stored, and its word is not its own", i, where);
}

static void
others_have(uint64_t i, enum page_place place)
{
	const char *where = place_name[place];

	if (f.p.as != NULL)
		CLAIM(pages_reads(&f.p, f.p.as, i), "page %lu, %s: the child "
		    "stores, and the parent does not read its own bytes any "
		    "more", i, where);
	if (is_pinned(place, i))
		CLAIM(pages_is(&f.p, i, f.pin[i]), "page %lu, %s: a write(2) "
		    "sends it, and finds what the child has stored afterwards",
		    i, where);
}

/* Copies are made where others refer to the page, or send it; no more. */
static void
judge_copies(uint64_t copies, bool alone, enum page_place place)
{
	uint64_t i, want = 0;

	for (i = 0; i < f.c.n; i++)
		want += !alone || is_pinned(place, i);
	CLAIM(copies == want, "%s, %s: %lu pages were copied, %lu have to be: "
	    "the last owner takes its page back, unless it has pins",
	    alone ? "one owner" : "two owners", place_name[place], copies, want);
}

static void
unpin_all(enum page_place place)
{
	uint64_t i;

	for (i = 0; i < f.c.n; i++) {
		if (!is_pinned(place, i))
			continue;
		CLAIM(f.pin[i]->pins == 1, "page %lu has %u pins where there "
		    "was one: those of a fault are given back", i,
		    f.pin[i]->pins);
		page_unpin(f.pin[i]);
	}
}

/* scarce: frames are refused at once, so that F4 comes back for its own. */
static void
stores(enum page_place place, bool alone, bool scarce)
{
	static unsigned mark;
	uint64_t i, copies;

	family_begin(lab_param("n", 16));
	bring(place);
	if (alone)
		parent_ends();
	ev_mark(++mark);
	copies = ev_read(EV_fault_fork_copy);
	CHECK(inject_set(scarce ? "FRAME:1:2" : "off") == 0);
	for (i = 0; i < f.c.n; i++)
		CLAIM(family_store(f.c.as, pages_at(&f.c, i), NEW_VALUE) == 0,
		    "page %lu, %s: no store", i, place_name[place]);
	CHECK(inject_set("off") == 0);
	copies = ev_read(EV_fault_fork_copy) - copies;
	ev_mark(++mark);
	for (i = 0; i < f.c.n; i++) {
		child_has(i, place_name[place]);
		others_have(i, place);
	}
	judge_copies(copies, alone, place);
	unpin_all(place);
	family_ends();
	CLAIM(ev_read(EV_fmo_entries_live) == 0, "%lu entries live, and nobody "
	    "is left: F4 drops the reference of the word that it has replaced",
	    ev_read(EV_fmo_entries_live));
}

/*
 * The last owner stores to pages between two read-only mappings, from the upper end
 * down: whoever takes back more than he stores to stays in his mapping.
 */
static void
between_read_only(void)
{
	uint64_t third = 8, i, value;

	family_begin(3 * third);
	for (i = 0; i < f.c.n; i++)
		CHECK(family_load(f.c.as, pages_at(&f.c, i), &value) == 0);
	parent_ends();
	for (i = 0; i < f.c.n; i += 2 * third)
		CHECK(map_mprotect(f.c.as, pages_at(&f.c, i), third * PAGE_SIZE,
		    PROT_R) == 0);
	for (i = 2 * third; i-- > third;)
		CLAIM(family_store(f.c.as, pages_at(&f.c, i), NEW_VALUE) == 0,
		    "page %lu: no store", i);
	for (i = 0; i < f.c.n; i++) {
		if (i >= third && i < 2 * third)
			continue;
		CLAIM((word_of(f.c.as, pages_at(&f.c, i)) & MD_PTE_W) == 0,
		    "page %lu is of a read-only mapping, and a store to another "
		    "page has made its word writable", i);
		CLAIM(pages_reads(&f.c, f.c.as, i), "page %lu: not stored to, "
		    "and not what it was", i);
	}
	family_ends();
}

/*
 * The same, and the parent, whose tables were made from the upper end down, stores
 * when its child has gone.  Behind each second table lies a read-only mapping, which
 * the table that comes before it in memory knows nothing of.
 */
static void
stores_end_with_table(void)
{
	uint64_t first, i, k;
	struct pages p;

	lab_space_end(fork_of_edges(&p, &first));
	for (i = first; i + EDGE < p.n; i += MD_PT_WORDS)
		if (i / MD_PT_WORDS % 2 != 0)
			CHECK(map_mprotect(p.as, pages_at(&p, i), EDGE *
			    PAGE_SIZE, PROT_R) == 0);
	for (i = first; i + EDGE < p.n; i += MD_PT_WORDS)
		if (i / MD_PT_WORDS % 2 == 0)
			CHECK(family_store(p.as, pages_at(&p, i - 1),
			    NEW_VALUE) == 0);
	for (i = first; i + EDGE < p.n; i += MD_PT_WORDS)
		for (k = i; k < i + EDGE && i / MD_PT_WORDS % 2 != 0; k++)
			CLAIM((word_of(p.as, pages_at(&p, k)) & MD_PTE_W) == 0,
			    "page %lu, first of its table, is of a read-only mapping, "
			    "and a store to the last page of another table has made "
			    "it writable", k);
	lab_space_end(p.as);
}

/*
 * All pages are mapped in both.  Of each pair the parent gives the first one up, and of
 * each second pair somebody sends the second: the child's store to the first takes back
 * that one, and nothing else.
 */
static void
beside_common(void)
{
	uint64_t i, value;

	family_begin(24);
	for (i = 0; i < f.c.n; i++)
		CHECK(family_load(f.c.as, pages_at(&f.c, i), &value) == 0);
	for (i = 0; i < f.p.n; i += 2) {
		if (i % 4 == 0)
			CHECK(vm_pin_user(f.p.as, pages_at(&f.p, i + 1), ACCESS_READ,
			    &f.pin[i]) == 0);
		CHECK(map_munmap(f.p.as, pages_at(&f.p, i), i % 4 == 0 ?
		    2 * PAGE_SIZE : PAGE_SIZE) == 0);
	}
	for (i = 0; i < f.c.n; i++) {
		CLAIM(i % 2 == 0 || (word_of(f.c.as, pages_at(&f.c, i)) &
		    MD_PTE_W) == 0, "page %lu is %s, and a store to the page before "
		    "it has made the child's word writable", i, i % 4 == 1 ?
		    "being sent" : "the parent's, too");
		CLAIM(family_store(f.c.as, pages_at(&f.c, i), NEW_VALUE) == 0,
		    "page %lu: no store", i);
	}
	for (i = 0; i < f.c.n; i++) {
		child_has(i, "beside a common one");
		if (i % 4 == 3)
			CLAIM(pages_reads(&f.p, f.p.as, i), "page %lu: the child "
			    "stores, and the parent does not read its own bytes any "
			    "more", i);
		if (i % 4 != 0)
			continue;
		CLAIM(pages_is(&f.p, i + 1, f.pin[i]), "page %lu: a write(2) sends "
		    "it, and finds what the child has stored afterwards", i + 1);
		page_unpin(f.pin[i]);
	}
	family_ends();
}

static void
writes(void)
{
	unsigned i;

	vm_leak_begin();
	for (i = 0; i < 2 * PLACES; i++)
		stores((enum page_place)(i % PLACES), i >= PLACES, i % 2 == 0);
	between_read_only();
	beside_common();
	stores_end_with_table();
	family_nothing_left();
}

const struct selftest selftests_lab_forkfaults[] = {
	{ "lab_fork_reads", reads, "a load maps the common page, wherever it is" },
	{ "lab_fork_writes", writes, "a store copies, or takes the page back" },
	{ NULL, NULL, NULL },
};
