/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tablein.c: lab 09, steps 3 to 5: tables on the disk, and who needs them
 *
 * Problem   Who needs a table that is on the disk waits without a lock, and finds
 *           then that others have read it, have taken it away again, or that it
 *           cannot be read.
 *
 * Picture   SWAP ─ a fault ─→ BUSY ─→ TRANS ─→ VALID       one table in each pass
 *           SWAP ─ an operation ─→ those above held          ─ let go at the end
 *           BUSY ─ another fault waits; ERROR ─ it is killed
 *
 * Read next lab_tables.c; vm/table/ptpage.c, vm/want/want.c.
 */
#include "lib/string.h"
#include "test/boot/table/lab_tables.h"

#define PASSES 12u        /* more than any way needs */

/* Out, or a claim that says which step is missing. */
static bool
is_ready(bool ready)
{
	CLAIM(ready, "tables do not leave memory: step 2 comes first");
	return ready;
}

/* ---- step 3 ---- */

/* A fault at page i, one pass of it: as the driver, without a mapping. */
static enum fault_outcome
one_pass(const struct tables *t, struct fctx *f, uint64_t i)
{
	enum fault_outcome r;

	f->as = t->as;
	f->va = tables_at(t, i);
	rw_lock_read(&t->as->map_lock);
	mutex_lock(&t->as->ws_lock);
	r = pt_walk(f);
	if (r != FAULT_DONE)
		pt_pin(f);
	mutex_unlock(&t->as->ws_lock);
	rw_unlock_read(&t->as->map_lock);
	if (r != FAULT_DONE) /* counted as the driver does */
		EVENT(fault_total);
	if (r == FAULT_NEEDMEM && want_is_frame(&f->want))
		EVENT(fault_waited, f->va);
	else if (r == FAULT_NEEDMEM || r == FAULT_RESTART)
		EVENT(fault_again, f->va);
	return r;
}

static void
end_fault(struct fctx *f)
{
	pt_unpin(f);
	want_end(&f->want);
	kmem_free(f);
}

static struct fctx *
new_fault(void)
{
	struct fctx *f = kmem_zalloc(sizeof(*f));

	CHECK(f != NULL);
	return f;
}

/* The page is read; so many tables came from the disk for it. */
static void
load(const struct tables *t, uint64_t i, uint64_t tables, const char *what)
{
	uint64_t in = ev_read(EV_table_in), read = ev_read(EV_swap_in_table);
	bool right = tables_reads(t, t->as, i);

	CLAIM(right, "page %lu, %s, reads as something that was never stored, or not "
	    "at all", i, what);
	CLAIM(ev_read(EV_swap_in_table) - read == tables, "page %lu, %s, was loaded: "
	    "%lu tables were read for it, not %lu", i, what,
	    ev_read(EV_swap_in_table) - read, tables);
	CLAIM(ev_read(EV_table_in) - in == ev_read(EV_swap_in_table) - read,
	    "%lu tables were read, and table.in rose by %lu",
	    ev_read(EV_swap_in_table) - read, ev_read(EV_table_in) - in);
}

/* The first pass at a table on swap: what it says and leaves. */
static void
first_pass(const struct tables *t, uint64_t i)
{
	uint64_t *word = tables_word(t->as, tables_at(t, i), 1), was;
	uint64_t in = ev_read(EV_fault_table_in);
	struct fctx *f = new_fault();
	enum fault_outcome r;

	CHECK(word != NULL);
	was = word_get(word);
	swp_inject("FI_IO_DELAY", 1, 1);
	r = one_pass(t, f, i);
	CLAIM(r == FAULT_WAIT && f->want.what == WANT_PAGE, "the table of page %lu is "
	    "on swap: the pass begins its read and ends to wait for it, with "
	    "FAULT_WAIT, not %d", i, (int)r);
	CLAIM(pte_kind(word_get(word)) == PTE_BUSY, "the table of page %lu is being "
	    "read, and the word above it is %s", i, word_name(word_get(word)));
	CLAIM((word_get(word) & PTE_TABLE_MASK) == (was & PTE_TABLE_MASK), "the table "
	    "of page %lu is being read, and the word above it has forgotten how "
	    "many words it has", i);
	CLAIM(f->tables_in == 1 && ev_read(EV_fault_table_in) - in == 1, "a fault has "
	    "begun to read one table; f->tables_in is %u", f->tables_in);
	swp_inject_off();
	if (r == FAULT_WAIT)
		CLAIM(want_get(&f->want) == 0, "the read of a table ends with an "
		    "error");
	end_fault(f);
}

static void
in(void)
{
	struct tables t = tables_map(lab_param("n", 40));
	struct pages other = family_pages(t.as, SWP_OTHER);
	uint64_t i, deep, alloc;

	tables_write(&t);
	if (!is_ready(tables_out(&t))) {
		tables_end(&t);
		return;
	}
	ev_mark(1);
	/* Its table was the last that anybody asked for. */
	first_pass(&t, t.n - 1);
	swp_let_go(&other);
	for (i = 0; i + 1 < t.n; i++)
		load(&t, i, 1, "whose leaf table is on swap");
	load(&t, t.n - 1, 0, "whose leaf table has been read by another fault");
	CLAIM(t.as->table.n_out == 0, "all tables are back, and table.n_out is %lu",
	    (uint64_t)t.as->table.n_out);
	/* Out, but nobody has taken the frames: nothing is read. */
	(void)tables_pages_out(&t);
	(void)tables_evict(t.as, SIZE_MAX);
	for (i = 0; i < t.n; i += 2)
		load(&t, i, 0, "whose leaf table is out, and still in memory");
	for (i = 1; i < t.n; i += 2)
		(void)tables_reads(&t, t.as, i);
	CLAIM(vm_check(2) == 0, "vm_check finds something when tables are back");
	if (is_ready(tables_all_out(&t))) {
		deep = ev_read(EV_table_in_depth_max);
		alloc = ev_read(EV_table_alloc);
		load(&t, 7, LEVELS, "whose three tables are on swap");
		CLAIM(ev_read(EV_table_in_depth_max) >= MAX(deep, LEVELS), "a fault "
		    "had to bring three tables, and table.in_depth_max is %lu",
		    ev_read(EV_table_in_depth_max));
		for (i = 0; i < t.n; i++)
			if (i != 7)
				load(&t, i, 1, "whose leaf table is on swap");
		CLAIM(ev_read(EV_table_alloc) == alloc, "tables were out, and %lu new "
		    "ones were made in their place",
		    ev_read(EV_table_alloc) - alloc);
	}
	ev_mark(2);
	tables_end(&t);
}

/* ---- step 4 ---- */

/* Each table on the way that is in use has one pin; returns how many there are. */
static unsigned
held(const struct tables *t, uint64_t i, const struct pt_hold *h)
{
	struct vm_page *table;
	unsigned n = 0;
	int level;

	for (level = LEVELS; level >= 1; level--) {
		table = tables_table(t->as, tables_at(t, i), level);
		if (table == NULL)
			break;
		n++;
		CLAIM(table->pins == 1 &&
		    pt_is_among(h->pin, h->npin, table), "an operation waits "
		    "for a table below that of level %d: that one has %u pins, "
		    "and could go meanwhile", level, table->pins);
	}
	CLAIM(h->npin == n, "%u tables of the way are in use, and the operation holds "
	    "%u", n, h->npin);
	return n;
}

/* Everybody else takes what he can get. */
static void
others_take(const struct tables *t)
{
	(void)tables_evict(t->as, SIZE_MAX);
	tables_steal();
}

/* One pass of an operation at page i. */
static int
hold_pass(const struct tables *t, uint64_t i, struct pt_hold *h, struct want *w)
{
	int r;

	mutex_lock(&t->as->ws_lock);
	r = stat_hold_va(t->as, tables_at(t, i), h, w);
	mutex_unlock(&t->as->ws_lock);
	return r;
}

/* Pass by pass: what was brought stays, though all else is taken. */
static bool
comes_by_and_by(const struct tables *t, uint64_t i, struct pt_hold *h)
{
	static struct want w;
	uint64_t in = ev_read(EV_table_in);
	unsigned pass, n = 0;
	int r = -EAGAIN;

	w = (struct want){ .what = WANT_AGAIN };
	for (pass = 0; pass < PASSES && r == -EAGAIN; pass++) {
		w.hold = true; /* else what has been read is stolen before it is held */
		r = hold_pass(t, i, h, &w);
		if (r != -EAGAIN)
			break;
		CLAIM(w.what == WANT_PAGE && w.page->state != PG_FREE, "a table is "
		    "on swap: its read begins, and w names the page to wait for");
		if (w.what != WANT_PAGE)
			break;
		others_take(t);
		CLAIM(held(t, i, h) >= n, "what an operation holds was taken from it");
		n = h->npin;
		if (want_get(&w) != 0)
			break;
	}
	want_end(&w);
	CLAIM(r == 0, "an operation needs three tables, which are on swap; after %u "
	    "passes it does not have them: what it has brought goes again before "
	    "the next one is there", pass);
	CLAIM(pass == 0 || ev_read(EV_table_in) > in, "an operation has had tables read "
	    "from swap, and table.in does not count them");
	if (r == 0) {
		others_take(t);
		CLAIM(held(t, i, h) == LEVELS, "an operation holds %u tables of the "
		    "three on its way", h->npin);
	}
	return r == 0;
}

/* Who has no token yet for this space holds nothing. */
static void
not_opened(const struct tables *t, uint64_t i)
{
	static struct pt_hold h;
	static struct want w;
	int r;

	h = (struct pt_hold){ .as = NULL };
	w = (struct want){ .what = WANT_PAGE };
	r = hold_pass(t, i, &h, &w);
	CLAIM(r == -EAGAIN && w.what == WANT_AGAIN && h.npin == 0, "h->as is another "
	    "space: the operation has to take its token first, so it holds "
	    "nothing, begins no read, and comes again");
	want_end(&w);
	pt_release(&h);
}

/* The table of page i is being read; an operation comes, and waits for this read. */
static void
busy(const struct tables *t, uint64_t i, struct pt_hold *h)
{
	static struct want w;
	struct fctx *f = new_fault();
	uint64_t in;

	w = (struct want){ .what = WANT_AGAIN };
	swp_inject("FI_IO_DELAY", 1, 1);
	CLAIM(one_pass(t, f, i) == FAULT_WAIT, "a fault does not begin to read its "
	    "table: step 3 comes first");
	in = ev_read(EV_table_in);
	CLAIM(hold_pass(t, i, h, &w) == -EAGAIN && w.what == WANT_PAGE &&
	    w.page == f->want.page, "a table is being read by somebody else: the "
	    "operation waits for this read");
	CLAIM(ev_read(EV_table_in) == in, "a table is being read, and an operation "
	    "counts it in table.in once more");
	swp_inject_off();
	if (w.what == WANT_PAGE && w.page == f->want.page)
		CLAIM(want_get(&w) == 0, "the read ends with an error");
	want_end(&w);
	end_fault(f);
}

/* It goes to another address: what only the first one needed is let go. */
static void
goes_on(const struct tables *t, uint64_t from, uint64_t to, struct pt_hold *h)
{
	struct vm_page *leaf = tables_table(t->as, tables_at(t, from), 1);

	if (!comes_by_and_by(t, to, h))
		return;
	CLAIM(leaf == NULL || leaf->pins == 0, "an operation has gone to another "
	    "table, and still holds the one before: a fork of a terabyte would "
	    "have them all");
}

/* The last word of a table that is held goes; who lets it go frees it. */
static void
empty_one(const struct tables *t, uint64_t i, uint64_t to, struct pt_hold *h)
{
	static struct want w;
	uint64_t *word = tables_word(t->as, tables_at(t, i), 1);
	va_t va = tables_at(t, i) & ~(PAGE_SIZE - 1);
	bool empty;

	CHECK(word != NULL && map_munmap(t->as, va, PAGE_SIZE) == 0);
	CLAIM(pte_kind(word_get(word)) == PTE_VALID, "a table has become empty while "
	    "an operation holds it, and was freed");
	if (to != i) {
		w = (struct want){ .what = WANT_AGAIN };
		(void)hold_pass(t, to, h, &w);
		want_end(&w);
		CLAIM(word_get(word) == 0, "an operation has gone to another table; "
		    "the one before is empty, and who lets it go frees it");
		(void)comes_by_and_by(t, to, h);
		return;
	}
	empty = pt_let_go(h);
	CLAIM(empty && h->npin == 0, "an operation lets a table go that has no word: "
	    "pt_let_go() says so, for the caller frees it");
	mutex_lock(&t->as->ws_lock);
	pt_prune_now(t->as, h->pinned);
	mutex_unlock(&t->as->ws_lock);
	CLAIM(word_get(word) == 0, "an operation has let an empty table go, and "
	    "h->pinned is not its address");
}

static void
hold_tables(void)
{
	static struct pt_hold h;
	struct tables t = tables_map(lab_param("n", 24));
	struct pages other = family_pages(t.as, SWP_OTHER);
	uint64_t pins = ev_read(EV_table_pin) - ev_read(EV_table_unpin), i;

	h = (struct pt_hold){ .as = t.as };
	tables_write(&t);
	structural_begin();
	if (is_ready(tables_all_out(&t))) {
		ev_mark(1);
		not_opened(&t, 2);
		if (comes_by_and_by(&t, 2, &h)) {
			goes_on(&t, 2, 5, &h);
			busy(&t, 9, &h);
			swp_let_go(&other);
			if (comes_by_and_by(&t, 9, &h))
				empty_one(&t, 9, 11, &h);
			if (comes_by_and_by(&t, 12, &h))
				empty_one(&t, 12, 12, &h);
		}
		ev_mark(2);
	}
	pt_release(&h);
	structural_end();
	CLAIM(ev_read(EV_table_pin) - ev_read(EV_table_unpin) == pins, "the operation "
	    "has ended, and %ld pins are left", (int64_t)(ev_read(EV_table_pin) -
	    ev_read(EV_table_unpin) - pins));
	for (i = 0; i < t.n; i++)
		if (i != 9 && i != 12 && t.as->table.n_out != 0)
			(void)tables_reads(&t, t.as, i);
	CLAIM(vm_check(2) == 0, "vm_check finds something behind an operation");
	tables_end(&t);
}

/* ---- step 5 ---- */

/* Page i in two faults at the same time: one read. */
static void
two_faults(const struct tables *t, uint64_t i, const struct pages *other)
{
	struct fctx *first = new_fault(), *second = new_fault();
	uint64_t in, waits = ev_read(EV_fault_busy_wait);
	enum fault_outcome r;

	swp_inject("FI_IO_DELAY", 1, 1);
	CLAIM(one_pass(t, first, i) == FAULT_WAIT, "a fault does not begin to read "
	    "its table: step 3 comes first");
	in = ev_read(EV_table_in);
	r = one_pass(t, second, i);
	CLAIM(r == FAULT_WAIT && second->want.what == WANT_PAGE &&
	    second->want.page == first->want.page, "the table of page %lu is being "
	    "read by another fault: this one waits for the same page, with "
	    "FAULT_WAIT, not %d", i, (int)r);
	CLAIM(ev_read(EV_fault_busy_wait) - waits == 1, "a fault waits for the read "
	    "that another one has begun, F6, and fault.busy_wait rose by %lu",
	    ev_read(EV_fault_busy_wait) - waits);
	CLAIM(ev_read(EV_table_in) == in && second->tables_in == 0, "one fault reads "
	    "a table, another waits for it: table.in rose by %lu for both",
	    ev_read(EV_table_in) - in + 1);
	swp_inject_off();
	swp_let_go(other);
	if (second->want.what == WANT_PAGE && second->want.page == first->want.page)
		CLAIM(want_get(&second->want) == 0, "the read ends with an error");
	end_fault(second);
	end_fault(first);
	load(t, i, 0, "whose leaf table two faults have waited for");
}

/* The disk has lost the table of page i. */
static void
one_is_lost(const struct tables *t, uint64_t i)
{
	static struct pt_path p;
	uint64_t errors = ev_read(EV_table_in_errors), k, value;
	struct fctx *f = new_fault();
	enum fault_outcome r;

	CHECK(inject_set("FI_SWAPIN:1:1:50") == 0);
	CLAIM(family_load(t->as, tables_at(t, i), &value) == -EFAULT, "the table of "
	    "page %lu could not be read, and a load has read something", i);
	swp_inject_off();
	CLAIM(ev_read(EV_table_in_errors) - errors == 1, "one table could not be "
	    "read; table.in_errors rose by %lu",
	    ev_read(EV_table_in_errors) - errors);
	r = one_pass(t, f, i);
	CLAIM(r == FAULT_SIGNAL && f->sig.signo == SIGKILL, "a table is lost with up "
	    "to 512 words, and nobody can say which: the fault ends with SIGKILL, "
	    "not with outcome %d, signal %d", (int)r, f->sig.signo);
	end_fault(f);
	mutex_lock(&t->as->ws_lock);
	path_walk_in(t->as, tables_at(t, i), &p);
	CLAIM(path_is_lost(&p), "the table of page %lu could not be read: the way "
	    "there is lost", i);
	path_walk_in(t->as, tables_at(t, i + 1), &p);
	CLAIM(!path_is_lost(&p), "a table could be read if somebody asked, and its "
	    "way is called lost");
	path_walk_in(t->as, tables_at(t, 0), &p);
	CLAIM(!path_is_lost(&p), "a table is in use, and its way is called lost");
	mutex_unlock(&t->as->ws_lock);
	for (k = i + 1; k < t->n; k++)
		load(t, k, 1, "whose neighbour's table was lost");
}

/* There is no frame for the table: the fault waits for one, and comes again. */
static void
no_frame_for_table(const struct tables *t, uint64_t i)
{
	struct fctx *f = new_fault();
	enum fault_outcome r;

	swp_inject("FI_FRAME", 1, 1);
	r = one_pass(t, f, i);
	swp_inject_off();
	CLAIM(r == FAULT_NEEDMEM && want_is_frame(&f->want), "there is no frame for "
	    "the table of page %lu: the pass ends with FAULT_NEEDMEM, not %d, and "
	    "somebody gets one", i, (int)r);
	CLAIM(f->tables_in == 0, "there was no frame for a table, and f->tables_in "
	    "says that its read has begun");
	if (r == FAULT_NEEDMEM)
		CLAIM(want_get(&f->want) == 0, "a wait for a frame fails");
	r = one_pass(t, f, i);
	CLAIM(r == FAULT_WAIT, "the frame is there, and the pass does not begin to "
	    "read the table of page %lu, but says %d", i, (int)r);
	if (r == FAULT_WAIT)
		CLAIM(want_get(&f->want) == 0, "the read of a table ends with an "
		    "error");
	end_fault(f);
	load(t, i, 0, "whose leaf table has been read for a fault that ended");
}

static void
lost_table(void)
{
	struct tables t = tables_map(lab_param("n", 16));
	struct pages other = family_pages(t.as, SWP_OTHER);
	bool ready;
	slot_t slot;

	tables_write(&t);
	ready = tables_pages_out(&t);
	slot = swap_slot(word_of(t.as, tables_at(&t, 2)));
	if (is_ready(ready && tables_out(&t))) {
		ev_mark(1);
		two_faults(&t, 0, &other);
		one_is_lost(&t, 2);
		no_frame_for_table(&t, 1);
		ev_mark(2);
		/* Nobody knows it any more: it would stay taken. */
		swap_free(slot);
	}
	tables_end(&t);
}

const struct selftest selftests_lab_tablein[] = {
	{ "lab_table_in", in, "a fault brings the tables that it needs, one in each pass" },
	{ "lab_table_hold", hold_tables, "an operation holds what it has while it waits for the next" },
	{ "lab_table_lost", lost_table, "two faults read a table once; of a lost one its process dies" },
	{ NULL, NULL, NULL },
};
