/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_amap.c: lab 20, steps 1 and 4: slots, who counts an anon, who an amap
 *
 * Problem   A slot that is one off, or a count, shows itself as the page of
 *           somebody else, long afterwards.
 *
 * Picture   space ─ mapping ─→ entry ─→ amap ← amap_add, amap_take, amap_ref …
 *                                        └─→ chunks, read by their numbers here
 *
 * Rules     1. Slots are read by amap_chunk() and arithmetic of this file.
 *           2. Each anon has a page, in memory and not mapped, so vm_check(2) at
 *              the marks finds what it expects.
 *
 * Read next lab_amapstop.c, lab_amappace.c; vm/design/uvm/amap.c
 */
#include "test/boot/amap/lab_amap.h"
#include "test/boot/fault/lab_faultpass.h"
#include "lib/string.h"
#include "mem/mem.h"

struct vm_anon *lab_anon[LAB_ANONS];
uint64_t lab_at[LAB_ANONS];

/* ---- a mapping, and anons ---- */

static struct slots
slots_of(struct aspace *as, va_t va)
{
	struct slots s = { as, splay_find(uvm_space(as), va >> PAGE_SHIFT),
		((va >> PAGE_SHIFT) / AMAP_CHUNK + 1) * AMAP_CHUNK };

	CHECK(s.e != NULL);
	return s;
}

struct slots
slots_begin(uint64_t pages)
{
	struct aspace *as = lab_space_of(&uvm_design);

	return slots_of(as, lab_map(as, pages + 2 * AMAP_CHUNK));
}

struct slots
slots_begin_late(uint64_t pages)
{
	struct aspace *as = lab_space_of(&uvm_design);

	return slots_of(as, pass_map(as, NULL, pages + 2 * AMAP_CHUNK, P_RW,
	    MAP_PRIVATE | MAP_NORESERVE));
}

/* An anon of one reference, whose page is in memory. */
static struct vm_anon *
anon_of(uint64_t tag)
{
	struct vm_anon *anon = uvm_anon_new();
	struct vm_page *pg = NULL, *from = NULL;

	CHECK(anon != NULL);
	CHECK(page_alloc_wait(PHYS_ZEROED, &pg) == 0);
	CHECK(page_alloc_wait(PHYS_ZEROED, &from) == 0);
	*(uint64_t *)pa2va(page_pa(from)) = tag;
	page_install_copy(NULL, &anon->word, HOME_ANON, pg, from);
	page_free(from);
	return anon;
}

static struct vm_anon *
in_slot(const struct slots *s, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(s->e->amap, vpn / 32);

	return c == NULL ? NULL : c->anon[vpn % 32];
}

static unsigned
slots_in_use(const struct slots *s, uint64_t vpn)
{
	struct vm_amap_chunk *c = amap_chunk(s->e->amap, vpn / 32);
	unsigned i, n = 0;

	for (i = 0; c != NULL && i < 32; i++)
		n += c->anon[i] != NULL;
	return n;
}

/* The page has this anon, or none: by the chunk, and by amap_lookup(). */
void
slot_is(const struct slots *s, uint64_t vpn, const struct vm_anon *anon)
{
	struct vm_amap_chunk *c = amap_chunk(s->e->amap, vpn / 32);

	CLAIM(in_slot(s, vpn) == anon, "page %lu, slot %lu of chunk %lu: the slot "
	    "has %s", vpn, vpn % 32, vpn / 32, anon == NULL ? "an anon, and the "
	    "page has none" : "not the page's anon");
	CLAIM(amap_lookup(s->e->amap, vpn) == anon, "page %lu, slot %lu of chunk "
	    "%lu: amap_lookup does not say what the slot has", vpn, vpn % 32,
	    vpn / 32);
	if (c != NULL)
		CLAIM(c->n == slots_in_use(s, vpn), "chunk %lu has %u anons, and counts "
		    "%u", vpn / 32, slots_in_use(s, vpn), c->n);
}

void
slot_fill(struct slots *s, uint64_t i, uint64_t vpn, bool late)
{
	uint64_t n = s->e->amap->nanons;

	CHECK(i < LAB_ANONS);
	lab_anon[i] = anon_of(i);
	lab_at[i] = vpn;
	if (late)
		CHECK(commit_charge_late(s->as, 1) == 0);
	mutex_lock(&s->as->ws_lock);
	CLAIM(amap_reserve(s->e->amap, vpn), "page %lu: memory is ample, and "
	    "amap_reserve says that it is not", vpn);
	CLAIM(amap_chunk(s->e->amap, vpn / 32) != NULL, "page %lu is of chunk %lu, "
	    "and amap_reserve has made another one", vpn, vpn / 32);
	if (amap_chunk(s->e->amap, vpn / 32) == NULL)
		panic("lab_amap: without the chunk nothing can be added");
	slot_is(s, vpn, NULL);
	amap_add(s->e->amap, vpn, lab_anon[i], late ? CHARGED_LATE : CHARGED_AHEAD);
	slot_is(s, vpn, lab_anon[i]);
	CLAIM(s->e->amap->nanons == n + 1, "page %lu: one anon was added, and the "
	    "amap counts %lu, before %lu", vpn, s->e->amap->nanons, n);
	CLAIM(amap_is_late(s->e->amap, vpn) == late, "page %lu: it was%s charged "
	    "when touched, and its bit says otherwise", vpn, late ? "" : " not");
	mutex_unlock(&s->as->ws_lock);
}

/* The slots outlive it: the anon is let go by hand. */
static void
slot_empty(struct slots *s, uint64_t i)
{
	uint64_t vpn = lab_at[i], n = s->e->amap->nanons;
	unsigned left;
	bool late;

	mutex_lock(&s->as->ws_lock);
	left = slots_in_use(s, vpn) - 1;
	late = amap_is_late(s->e->amap, vpn);
	CLAIM(amap_take(s->e->amap, vpn) == lab_anon[i], "page %lu: amap_take does "
	    "not return its anon", vpn);
	slot_is(s, vpn, NULL);
	CLAIM(amap_take(s->e->amap, vpn) == NULL, "page %lu: its anon was taken, and "
	    "amap_take returns one again", vpn);
	CLAIM(s->e->amap->nanons == n - 1, "page %lu: one anon was taken, and the "
	    "amap counts %lu, before %lu", vpn, s->e->amap->nanons, n);
	CLAIM((amap_chunk(s->e->amap, vpn / 32) == NULL) == (left == 0),
	    "chunk %lu has %u anons, and is %s", vpn / 32, left,
	    left == 0 ? "there still" : "gone");
	CLAIM(!amap_is_late(s->e->amap, vpn), "page %lu: it has no anon, and "
	    "counts as charged", vpn);
	if (late)
		commit_uncharge_late(s->as, 1);
	mutex_unlock(&s->as->ws_lock);
	uvm_anon_drop(lab_anon[i]);
}

/* ---- t01 ---- */

/* Two pages beside each edge between chunks: in each of so many chunks two. */
static void
fill_edges(struct slots *s, uint64_t chunks)
{
	uint64_t k, vpn;

	for (k = 0; k < chunks; k++) {
		vpn = s->first + k * 32;
		slot_fill(s, 2 * k, vpn, k % 2 == 0);
		slot_fill(s, 2 * k + 1, vpn + 31, k % 3 == 0);
	}
}

static void
amap_slots(void)
{
	uint64_t chunks = lab_param("chunks", 20), k, state = lab_param("seed", 7);
	struct slots s;
	bool gone[LAB_ANONS] = { 0 };

	vm_leak_begin();
	s = slots_begin(chunks * 32);
	CHECK(2 * chunks <= LAB_ANONS);
	ev_mark(1);
	fill_edges(&s, chunks);
	for (k = 0; k < 2 * chunks; k++)
		slot_is(&s, lab_at[k], lab_anon[k]);
	CLAIM(ev_read(EV_uvm_chunks) == chunks, "pages of %lu chunks have anons, and "
	    "there are %lu chunks", chunks, ev_read(EV_uvm_chunks));
	ev_mark(2);
	for (k = 0; k < 16 * chunks; k++) {
		uint64_t i = lab_random(&state) % (2 * chunks);

		if (!gone[i])
			slot_empty(&s, i);
		gone[i] = true;
	}
	for (k = 0; k < 2 * chunks; k++)
		if (!gone[k])
			slot_empty(&s, k);
	CLAIM(ev_read(EV_uvm_chunks) == 0, "no page has an anon, and there are %lu "
	    "chunks", ev_read(EV_uvm_chunks));
	ev_mark(3);
	lab_space_end(s.as);
}

/* ---- t02 ---- */

void
refs_are(uint64_t lo, uint64_t hi, uint32_t refs)
{
	uint64_t i;

	for (i = lo; i < hi; i++)
		CLAIM(lab_anon[i]->refs == refs, "anon %lu: %u slots name it, and it "
		    "counts %u", i, refs, lab_anon[i]->refs);
}

/* The second amap names the n anons of the first, too. */
static void
name_again(struct slots *a, struct slots *b, uint64_t n)
{
	uint64_t i;

	mutex_lock(&a->as->ws_lock);
	mutex_lock_nested(&b->as->ws_lock);
	for (i = 0; i < n; i++) {
		CHECK(amap_reserve(b->e->amap, b->first + 3 * i));
		amap_add(b->e->amap, b->first + 3 * i, lab_anon[i],
		    CHARGED_AHEAD);
	}
	/* In two parts: pages outside of a range are not counted. */
	i = amap_ref(b->e->amap, b->first, b->first + 3 * (n / 2));
	CLAIM(i == n / 2, "amap_ref of a range with %lu anons says %lu", n / 2, i);
	refs_are(0, n / 2, 2);
	refs_are(n / 2, n, 1);
	i = amap_ref(b->e->amap, b->first + 3 * (n / 2), b->first + 3 * n);
	CLAIM(i == n - n / 2, "amap_ref of a range with %lu anons says %lu",
	    n - n / 2, i);
	refs_are(0, n, 2);
	mutex_unlock(&b->as->ws_lock);
	mutex_unlock(&a->as->ws_lock);
}

/* Slots [lo, hi) of one are let go; so many anons end with that. */
static void
slots_go(struct slots *s, uint64_t lo, uint64_t hi, uint64_t end)
{
	uint64_t gone = ev_read(EV_uvm_anon_free), had = s->e->amap->nanons, i;

	mutex_lock(&s->as->ws_lock);
	(void)amap_unref(s->e->amap, s->first + 3 * lo, s->first + 3 * hi);
	mutex_unlock(&s->as->ws_lock);
	gone = ev_read(EV_uvm_anon_free) - gone;
	CLAIM(gone == end, "%lu slots were let go, of %lu anons the last ones: %lu "
	    "anons have ended", hi - lo, end, gone);
	CLAIM(had - s->e->amap->nanons == hi - lo, "%lu slots were let go, and %lu "
	    "are empty now", hi - lo, had - s->e->amap->nanons);
	for (i = lo; i < hi; i++)
		CLAIM(in_slot(s, s->first + 3 * i) == NULL, "page %lu of the amap was "
		    "let go, and its slot has an anon", 3 * i);
}

static void
amap_refs(void)
{
	uint64_t n = lab_param("n", 60), i, half;
	struct slots a, b;

	vm_leak_begin();
	n = MIN(n, (uint64_t)LAB_ANONS);
	half = n / 2;
	a = slots_begin(3 * n);
	b = slots_begin(3 * n);
	ev_mark(1);
	for (i = 0; i < n; i++)
		slot_fill(&a, i, a.first + 3 * i, false);
	name_again(&a, &b, n);
	ev_mark(2);
	/* The first half: a, then b.  The second: b, then a. */
	slots_go(&a, 0, half, 0);
	refs_are(0, half, 1);
	refs_are(half, n, 2);
	slots_go(&b, half, n, 0);
	refs_are(0, n, 1);
	slots_go(&b, 0, half, half);
	slots_go(&a, half, n, n - half);
	CLAIM(ev_read(EV_uvm_anon_live) == 0, "no slot names an anon, and %lu live",
	    ev_read(EV_uvm_anon_live));
	ev_mark(3);
	lab_space_end(b.as);
	lab_space_end(a.as);
}

/* ---- t11: what two at once come to, one after the other ---- */

/* b has a's amap, as behind a late fork. */
void
slots_share(struct slots *a, struct slots *b)
{
	mutex_lock(&a->as->ws_lock);
	mutex_lock_nested(&b->as->ws_lock);
	amap_free(b->e->amap);
	b->e->amap = amap_share(a->e->amap);
	mutex_unlock(&b->as->ws_lock);
	mutex_unlock(&a->as->ws_lock);
}

static void
copy_late(struct slots *s, uint64_t n, const char *when)
{
	struct vm_amap *old = s->e->amap;
	uint64_t i;
	bool done;

	mutex_lock(&s->as->ws_lock);
	done = amap_unshare(s->e);
	mutex_unlock(&s->as->ws_lock);
	CLAIM(done && s->e->amap != old, "%s: memory is ample, and the entry has no "
	    "amap of its own", when);
	for (i = 0; i < n; i++)
		slot_is(s, lab_at[i], lab_anon[i]);
}

static void
amap_both(void)
{
	uint64_t n = MIN(lab_param("n", 40), (uint64_t)LAB_ANONS), i;
	struct slots a, b;

	vm_leak_begin();
	a = slots_begin(3 * n);
	b = slots_begin(3 * n);
	CHECK(a.first == b.first);
	ev_mark(1);
	for (i = 0; i < n; i++)
		slot_fill(&a, i, a.first + 3 * i, false);
	slots_share(&a, &b);
	/* Both have seen two references, so both copy: the second is the last. */
	copy_late(&a, n, "the first of two who copy");
	refs_are(0, n, 2);
	copy_late(&b, n, "the second of two who copy, after the first has left");
	refs_are(0, n, 2);
	ev_mark(2);
	slots_go(&b, 0, n, 0);
	refs_are(0, n, 1);
	/* b has seen two; a leaves before b copies. */
	slots_share(&a, &b);
	mutex_lock(&a.as->ws_lock);
	amap_leave(a.e->amap);
	a.e->amap = amap_new();
	CHECK(a.e->amap != NULL);
	mutex_unlock(&a.as->ws_lock);
	copy_late(&b, n, "the other one has left meanwhile");
	refs_are(0, n, 1);
	slots_go(&b, 0, n, n);
	ev_mark(3);
	lab_space_end(b.as);
	lab_space_end(a.as);
}

const struct selftest selftests_lab_amap[] = {
	{ "lab_amap_slots", amap_slots, "each page has its slot in its chunk" },
	{ "lab_amap_refs", amap_refs, "an anon counts the slots that name it" },
	{ "lab_amap_both", amap_both, "two copy an amap, or one and the other leaves" },
	{ NULL, NULL, NULL },
};
