/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_amapstop.c: lab 20, steps 2 to 4: what cannot be had, or is pinned
 *
 * Problem   Who has to give up in the middle must leave all as it was, or say how
 *           far he came.  While a learner tries, memory is ample.
 *
 * Picture   a fault   frame │ charge       refused: word, page, counts as before
 *           a fork    [ done ) end   [ done ) pinned   [ done ) no chunk
 *           a copy    amap │ chunk 1 │ chunk 2 …       refused: nothing has changed
 *
 * Rules     1. Refused are calls of this thread, nobody else's.
 *           2. Who was refused is asked again, and then all is there.
 *
 * Read next lab_amap.c, lab_faultpass.c
 */
#include "test/boot/amap/lab_amap.h"
#include "test/boot/cache/lab_cachedisk.h"
#include "test/boot/fault/lab_faultpass.h"
#include "mem/mem.h"

/* This thread does not get the n-th object from now on that it asks for. */
static void
refuse_object(uint64_t n)
{
	struct out_buf text;
	char spec[48];

	out_buf_init(&text, spec, sizeof(spec));
	out_printf(&text.out, "FI_SLAB:%lu:0:1:%u", n, thread_current()->id);
	CHECK(inject_set(spec) == 0);
}

/* ---- t12: a fault ---- */

/* The second page of a chunk: of the first, tables and records are there. */
static va_t
second_page(struct aspace *as, struct vmo *vmo, unsigned flags)
{
	va_t va = pass_map(as, vmo, 3 * AMAP_CHUNK, P_RW, MAP_PRIVATE | flags);

	va = ((va >> PAGE_SHIFT) / AMAP_CHUNK + 1) * AMAP_CHUNK << PAGE_SHIFT;
	pass_says("a store, and nothing is missing", pass_all(as, va, W),
	    FAULT_DONE);
	return va + PAGE_SIZE;
}

static void
amap_missing(void)
{
	struct aspace *as = lab_space_of(&uvm_design);
	struct cdisk *disk = cd_begin(0, 3 * AMAP_CHUNK * PAGE_SIZE);
	va_t zeros, late, file;
	struct vm_page *pg;

	ev_mark(1);
	zeros = second_page(as, NULL, 0);
	late = second_page(as, NULL, MAP_NORESERVE);
	file = second_page(as, disk->vmo, MAP_NORESERVE);
	pass_without_frame("zeros without a frame", as, zeros);
	pass_without_money("zeros over the limit", as, late);
	pass_says("zeros, when somebody pays", pass_all(as, late, W), FAULT_DONE);
	EXPECT_IS(pass_all(as, file, R), ==, FAULT_DONE);
	pg = pte_page(pass_word(as, file));
	pass_without_money("a copy of a file's page over the limit", as, file);
	pass_page_is("the file's page behind it", pg, PASS_ANY, false);
	pass_without_frame("a copy of a file's page without a frame", as, file);
	pass_page_is("the file's page behind that", pg, PASS_ANY, false);
	CLAIM(vm_check(1) == 0, "a fault that was refused left the space unsound");
	ev_mark(2);
	lab_space_end(as);
	cd_end(disk);
}

/* ---- t13: a fork ---- */

/* The child gets anons [lo, hi), those of pages [from, to), and no others. */
static void
shared_up_to(struct slots *a, struct slots *b, uint64_t to, uint64_t stop,
    uint64_t lo, uint64_t hi, const char *why)
{
	uint64_t n = ev_read(EV_uvm_anon_refs_fork), i, at;
	uint64_t from = lo == 0 ? a->e->start : lab_at[lo];

	at = amap_copy(a->as, b->e, a->e, from, to);
	CLAIM(at == stop, "pages %lu to %lu, %s: amap_copy returns %lu, not %lu",
	    from, to, why, at, stop);
	n = ev_read(EV_uvm_anon_refs_fork) - n;
	CLAIM(n == hi - lo, "%s: %lu anons lie before it, and uvm.anon_refs_fork "
	    "moved by %lu", why, hi - lo, n);
	for (i = lo; i < hi; i++) {
		slot_is(b, lab_at[i], lab_anon[i]);
		CLAIM(amap_is_late(b->e->amap, lab_at[i]) == (i % 2 == 0),
		    "page %lu: its bit of late is not the parent's", lab_at[i]);
	}
	refs_are(0, hi, 2);
}

/* Anons [0, n) of a, of which b has none yet; each third page. */
static void
fill_thirds(struct slots *a, struct slots *b, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		slot_fill(a, i, a->first + 3 * i, i % 2 == 0);
		if (i % 2 == 0)
			CHECK(commit_charge_late(b->as, 1) == 0);
	}
}

/* The parent stores to page i, which two have, and there is no frame at first. */
static void
stored(struct slots *a, uint64_t i)
{
	va_t va = lab_at[i] << PAGE_SHIFT;

	pass_says("a load of a page that two have", pass_all(a->as, va, R),
	    FAULT_DONE);
	pass_without_frame("a store to a page that two have", a->as, va);
	refs_are(i, i + 1, 1);
}

static void
amap_stops(void)
{
	uint64_t n = MIN(lab_param("n", 60), (uint64_t)LAB_ANONS);
	uint64_t k = lab_param("k", 20), chunk, far;
	struct slots a, b;
	struct vm_page *pg;

	vm_leak_begin();
	a = slots_begin(3 * n);
	b = slots_begin(3 * n);
	CHECK(a.first == b.first && k < n);
	fill_thirds(&a, &b, n);
	/* The first anon of the second chunk that is still to be made. */
	chunk = lab_at[k] / AMAP_CHUNK + 1 +
	    (lab_at[k - 1] / AMAP_CHUNK == lab_at[k] / AMAP_CHUNK);
	for (far = k; lab_at[far] / AMAP_CHUNK < chunk;)
		far++;
	ev_mark(1);
	mutex_lock(&a.as->ws_lock);
	mutex_lock_nested(&b.as->ws_lock);
	/* The next anon lies behind its end. */
	shared_up_to(&a, &b, lab_at[k / 2] - 1, lab_at[k / 2] - 1, 0, k / 2,
	    "where the part ends");
	pg = pmap_rec_pin(&lab_anon[k]->word);
	CHECK(pg != NULL);
	shared_up_to(&a, &b, a.e->end, lab_at[k], k / 2, k,
	    "at a page that is pinned");
	refs_are(k, n, 1);
	page_unpin(pg);
	refuse_object(2);
	shared_up_to(&a, &b, a.e->end, lab_at[far], k, far,
	    "where there is no chunk");
	CHECK(inject_set("off") == 0);
	refs_are(far, n, 1);
	shared_up_to(&a, &b, a.e->end, a.e->end, far, n, "when all is there");
	mutex_unlock(&b.as->ws_lock);
	mutex_unlock(&a.as->ws_lock);
	stored(&a, k);
	ev_mark(2);
	lab_space_end(b.as);
	lab_space_end(a.as);
}

/* ---- t14: a late copy ---- */

/* The x-th object is refused: b has what it had. */
static void
copy_refused(struct slots *b, uint64_t n, uint64_t x)
{
	uint64_t chunks = ev_read(EV_uvm_chunks), i;
	uint64_t copies = ev_read(EV_uvm_amap_copies);
	struct vm_amap *amap = b->e->amap;
	bool done;

	mutex_lock(&b->as->ws_lock);
	refuse_object(x);
	done = amap_unshare(b->e);
	CHECK(inject_set("off") == 0);
	CLAIM(!done, "object %lu of the copy is refused, and amap_unshare says that "
	    "it is made", x);
	CLAIM(b->e->amap == amap && amap->refs == 2, "object %lu is refused: the entry "
	    "has another amap, or the old one %u references, not 2", x, amap->refs);
	CLAIM(ev_read(EV_uvm_chunks) == chunks, "object %lu is refused: %ld chunks "
	    "stay", x, (long)(ev_read(EV_uvm_chunks) - chunks));
	CLAIM(ev_read(EV_uvm_amap_copies) == copies, "object %lu is refused, and a "
	    "copy is counted", x);
	refs_are(0, n, 1);
	for (i = 0; i < n; i++)
		slot_is(b, lab_at[i], lab_anon[i]);
	mutex_unlock(&b->as->ws_lock);
}

static void
amap_refused(void)
{
	uint64_t n = MIN(lab_param("n", 40), (uint64_t)LAB_ANONS), x, last;
	struct slots a, b;
	uint64_t i;

	vm_leak_begin();
	a = slots_begin(3 * n);
	b = slots_begin(3 * n);
	CHECK(a.first == b.first);
	ev_mark(1);
	for (i = 0; i < n; i++)
		slot_fill(&a, i, a.first + 3 * i, false);
	slots_share(&a, &b);
	last = 1 + ev_read(EV_uvm_chunks);
	for (x = 1; x <= last; x++)
		copy_refused(&b, n, x);
	mutex_lock(&b.as->ws_lock);
	CLAIM(amap_unshare(b.e), "memory is ample again, and amap_unshare says that "
	    "it is not");
	for (i = 0; i < n; i++)
		slot_is(&b, lab_at[i], lab_anon[i]);
	mutex_unlock(&b.as->ws_lock);
	refs_are(0, n, 2);
	ev_mark(2);
	lab_space_end(b.as);
	lab_space_end(a.as);
}

const struct selftest selftests_lab_amapstop[] = {
	{ "lab_amap_missing", amap_missing, "a fault lacks a frame, or who pays" },
	{ "lab_amap_stops", amap_stops, "a fork's copy stops, and goes on" },
	{ "lab_amap_refused", amap_refused, "a late copy that memory lacks for" },
	{ NULL, NULL, NULL },
};
