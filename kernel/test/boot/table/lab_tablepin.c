/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tablepin.c: lab 09, step 1: who holds which tables, and who frees them
 *
 * Problem   Many faults hold tables at once, those above in common.  A pin too few
 *           lets a table go that somebody waits for, one too many keeps it for
 *           ever.
 *
 * Picture   faults ─ pt_pin ─→ pins of each table = how many hold it
 *           the last word goes under a pin ─→ the table stays ─ pt_unpin ─→ freed
 *
 * Read next lab_tables.c; vm/table/ptpage.c, vm/fault/driver.c.
 */
#include "lib/string.h"
#include "test/boot/table/lab_tables.h"

#define FAULTS 8u
#define GROUPS 3u         /* tables of level 2 */
#define LEAVES 3u         /* in each */
#define PLACES (GROUPS * LEAVES)
#define ASKED 3u          /* addresses that one fault holds at most */
#define GIB (1ul << 30)

/* A fault, and the tables that it should hold. */
struct holder {
	struct fctx f;
	struct vm_page *table[ASKED * LEVELS];
	unsigned n, asked;
};

static struct {
	struct aspace *as;
	va_t va;
	struct holder *holder;    /* FAULTS of them */
	uint64_t pinned;          /* by all */
} pin;

/* The first groups have leaf tables, the last group none beneath its table 2. */
static va_t
place(unsigned i)
{
	return pin.va + i / LEAVES * GIB + i % LEAVES * PT_SPAN;
}

static void
hold_way(struct fctx *f, va_t va)
{
	f->va = va;
	mutex_lock(&f->as->ws_lock);
	pt_pin(f);
	mutex_unlock(&f->as->ws_lock);
}

static unsigned
holds(const struct holder *h, const struct vm_page *table)
{
	unsigned i, n = 0;

	for (i = 0; i < h->n; i++)
		n += h->table[i] == table;
	return n;
}

static unsigned
in_array(const struct fctx *f, const struct vm_page *table)
{
	unsigned i, n = 0;

	for (i = 0; i < f->npin; i++)
		n += f->pin[i] == table;
	return n;
}

/* What the fault should hold now. */
static void
expect_held(struct holder *h, va_t va)
{
	struct vm_page *table;
	int level;

	for (level = LEVELS; level >= 1; level--) {
		table = tables_table(pin.as, va, level);
		if (table == NULL)
			break;
		if (holds(h, table) != 0)
			continue;
		h->table[h->n++] = table;
		pin.pinned++;
	}
}

/* One table is held by as many as should. */
static void
table_is_held(const struct vm_page *table, int level)
{
	unsigned i, n = 0;

	for (i = 0; i < FAULTS; i++)
		n += holds(&pin.holder[i], table);
	CLAIM(table->pins == n, "%u faults wait with the table of level %d on their "
	    "way, and it has %u pins", n, level, table->pins);
	for (i = 0; i < FAULTS; i++)
		CLAIM(in_array(&pin.holder[i].f, table) ==
		    holds(&pin.holder[i], table), "a fault has the table of level "
		    "%d on its way %u times, and in f->pin %u times", level,
		    holds(&pin.holder[i], table),
		    in_array(&pin.holder[i].f, table));
}

static void
all_are_held(uint64_t pins, uint64_t unpins)
{
	unsigned i;
	int level;

	for (i = 0; i < PLACES; i++)
		for (level = LEVELS; level >= 1; level--)
			if (tables_table(pin.as, place(i), level) != NULL)
				table_is_held(tables_table(pin.as, place(i),
				    level), level);
	pins = ev_read(EV_table_pin) - pins;
	unpins = ev_read(EV_table_unpin) - unpins;
	CLAIM(pins - unpins == pin.pinned, "%lu pins are held on tables; table.pin "
	    "rose by %lu and table.unpin by %lu", pin.pinned, pins, unpins);
}

static void
let_go(struct holder *h)
{
	pt_unpin(&h->f);
	CLAIM(h->f.npin == 0, "pt_unpin() has dropped all pins, and f->npin is %u",
	    h->f.npin);
	h->f.npin = 0;
	pin.pinned -= h->n;
	h->n = 0;
	h->asked = 0;
}

static void
one_move(uint64_t *state)
{
	struct holder *h = &pin.holder[lab_random(state) % FAULTS];
	va_t va = place((unsigned)(lab_random(state) % PLACES));

	if (h->asked == ASKED || lab_random(state) % 5 == 0) {
		let_go(h);
		return;
	}
	if (lab_random(state) % 3 == 0 && h->asked > 0)
		va = h->f.va; /* the same once more: the next pass waits, too */
	else
		h->asked++;
	expect_held(h, va);
	hold_way(&h->f, va);
}

static void
begin_pins(void)
{
	struct map_args a = { .addr = 0x200000000000ul, .len = GROUPS * GIB,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
		MAP_NORESERVE };
	uint64_t value = 1;
	unsigned i;

	pin.holder = kmem_zalloc(FAULTS * sizeof(*pin.holder));
	CHECK(pin.holder != NULL);
	pin.pinned = 0;
	pin.as = lab_space();
	CHECK(map_mmap(pin.as, &a, &pin.va) == 0);
	/* The last place of all has no leaf table: the way ends above. */
	for (i = 0; i + 1 < PLACES; i++)
		CHECK(as_write(pin.as, place(i), &value, 8) == 8);
	for (i = 0; i < FAULTS; i++)
		pin.holder[i].f.as = pin.as;
}

static void
table_pins(void)
{
	uint64_t n = lab_param("n", 2000), state = lab_param("seed", 1), i;
	uint64_t pinned, unpinned;

	vm_leak_begin();
	begin_pins();
	pinned = ev_read(EV_table_pin);
	unpinned = ev_read(EV_table_unpin);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		one_move(&state);
		if (i % 16 == 0)
			all_are_held(pinned, unpinned);
	}
	for (i = 0; i < FAULTS; i++)
		let_go(&pin.holder[i]);
	all_are_held(pinned, unpinned);
	ev_mark(2);
	CLAIM(vm_check(2) == 0, "vm_check finds something");
	kmem_free(pin.holder);
	lab_space_end(pin.as);
	CLAIM(vm_leak_end() == 0, "frames are left when the space has gone: a pin "
	    "was not given back");
}

/* ---- who frees ---- */

static void
unmap_page(const struct tables *t, uint64_t i)
{
	CHECK(map_munmap(t->as, tables_at(t, i) & ~(PAGE_SIZE - 1), PAGE_SIZE) ==
	    0);
}

static bool
there_is_a_leaf(const struct tables *t, uint64_t i)
{
	return tables_table(t->as, tables_at(t, i), 1) != NULL;
}

static struct fctx *
a_fault(const struct tables *t, struct fctx *f, uint64_t i)
{
	memset(f, 0, sizeof(*f));
	f->as = t->as;
	hold_way(f, tables_at(t, i));
	return f;
}

/* Two faults wait at table i, whose last word goes. */
static void
last_word_goes(const struct tables *t, uint64_t i)
{
	struct fctx *f = kmem_zalloc(2 * sizeof(*f));

	CHECK(f != NULL);
	a_fault(t, &f[0], i);
	a_fault(t, &f[1], i);
	unmap_page(t, i);
	CLAIM(there_is_a_leaf(t, i), "the last word of table %lu has gone while two "
	    "faults wait at it, and the table was freed under them", i);
	pt_unpin(&f[0]);
	CLAIM(there_is_a_leaf(t, i), "one of two faults that wait at table %lu has "
	    "ended, and the empty table was freed under the other", i);
	pt_unpin(&f[1]);
	CLAIM(!there_is_a_leaf(t, i), "table %lu has no word, and the last pin is "
	    "gone: who drops it frees the table, for nobody else looks again", i);
	kmem_free(f);
}

/* The space has been torn down meanwhile: there is no root that would lead anywhere. */
static void
no_root(const struct tables *t, uint64_t i)
{
	struct fctx *f = kmem_zalloc(sizeof(*f));
	pa_t root = t->as->md.root_pa;

	CHECK(f != NULL);
	a_fault(t, f, i);
	unmap_page(t, i);
	t->as->md.root_pa = 0;
	pt_unpin(f);
	t->as->md.root_pa = root;
	CLAIM(there_is_a_leaf(t, i), "a fault has ended when its space had no tables "
	    "any more, and looked for one to free");
	mutex_lock(&t->as->ws_lock);
	pt_prune_now(t->as, tables_at(t, i));
	mutex_unlock(&t->as->ws_lock);
	kmem_free(f);
}

/* A fault that waits at a table with a word ends, with a signal: the table stays. */
static void
a_word_keeps_it(const struct tables *t, uint64_t i)
{
	struct vm_page *leaf = tables_table(t->as, tables_at(t, i), 1);
	struct fctx *f = kmem_zalloc(sizeof(*f));

	CHECK(f != NULL);
	(void)a_fault(t, f, i);
	f->sig.signo = SIGSEGV;
	pt_unpin(f);
	CLAIM(leaf->pins == 0, "a fault has ended with a signal, and table %lu keeps "
	    "%u pins of it: it never leaves, and is never freed", i, leaf->pins);
	CLAIM(there_is_a_leaf(t, i) && tables_reads(t, t->as, i), "table %lu has a "
	    "word, and is gone when a fault that waited at it ends", i);
	kmem_free(f);
}

/* Among the pins is a page of data, which the program gives up meanwhile. */
static void
data_goes(const struct tables *t, uint64_t i)
{
	struct fctx *f = kmem_zalloc(sizeof(*f));
	struct pages p = tables_page(t, i);
	uint64_t unpins = ev_read(EV_table_unpin);
	unsigned tables;
	struct vm_page *pg;

	CHECK(f != NULL);
	(void)a_fault(t, f, i);
	tables = f->npin;
	pg = swp_frame(&p, 0);
	CHECK(pg != NULL && f->npin < FAULT_MAXPINS);
	page_pin(pg);
	f->pin[f->npin++] = pg;
	unmap_page(t, i);
	CLAIM(pg->pins == 1 && pages_is(&p, 0, pg), "page %lu is pinned by a fault, "
	    "and has gone with its mapping", i);
	pt_unpin(f);
	CLAIM(pg->state == PG_FREE || pg->state == PG_ZEROED, "page %lu was given up "
	    "by its program; the last pin is gone, and its frame is %s", i,
	    page_state_name((enum page_state)pg->state));
	CLAIM(ev_read(EV_table_unpin) - unpins == tables, "a fault held %u tables "
	    "and a page; table.unpin rose by %lu", tables,
	    ev_read(EV_table_unpin) - unpins);
	CLAIM(!there_is_a_leaf(t, i), "table %lu has no word and no pin, and is "
	    "still there", i);
	kmem_free(f);
}

/* An operation has the tables of page i, by this test's own hand. */
static struct pt_hold
an_operation(const struct tables *t, uint64_t i)
{
	struct pt_hold h = { .as = t->as, .pinned = tables_at(t, i) };
	int level;

	spin_lock(&pfn_lock);
	for (level = LEVELS; level >= 1; level--) {
		h.pin[h.npin] = tables_table(t->as, h.pinned, level);
		page_pin_locked(h.pin[h.npin++]);
	}
	spin_unlock(&pfn_lock);
	EVENT_ADD(table_pin, h.npin);
	return h;
}

/* It ends, once with a word in each table, and once without. */
static void
operation_ends(const struct tables *t, uint64_t i)
{
	static struct pt_hold h;
	struct vm_page *leaf;
	bool empty;

	h = an_operation(t, i);
	leaf = h.pin[LEVELS - 1];
	empty = pt_let_go(&h);
	CLAIM(!empty && h.npin == 0 && leaf->pins == 0, "an operation lets tables go "
	    "that have words: pt_let_go() says %s, leaves %u of them in h, and the "
	    "leaf table has %u pins", empty ? "that one is empty" : "so", h.npin,
	    leaf->pins);
	h = an_operation(t, i);
	unmap_page(t, i);
	empty = pt_let_go(&h);
	CLAIM(empty && h.npin == 0, "an operation lets a table go that has become "
	    "empty: pt_let_go() says so, for its caller has ws_lock, and frees");
	CLAIM(there_is_a_leaf(t, i), "pt_let_go() has freed a table: its caller "
	    "does, with ws_lock");
	CLAIM(!pt_let_go(&h), "h holds nothing, and pt_let_go() says that one of its "
	    "tables is empty");
	mutex_lock(&t->as->ws_lock);
	pt_prune_now(t->as, tables_at(t, i));
	mutex_unlock(&t->as->ws_lock);
}

static void
empty(void)
{
	uint64_t n = lab_param("n", 40), freed, i;
	struct tables t = tables_map(n);
	struct vm_page *middle;

	tables_write(&t);
	middle = tables_table(t.as, t.va, 2);
	freed = ev_read(EV_table_free);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		if (i % 4 == 3)
			a_word_keeps_it(&t, i);
		else if (i % 4 == 2)
			operation_ends(&t, i);
		else if (i % 4 == 1)
			data_goes(&t, i);
		else if (i % 8 == 4)
			no_root(&t, i);
		else
			last_word_goes(&t, i);
	}
	for (i = 3; i < n; i += 4)
		last_word_goes(&t, i);
	CLAIM(ev_read(EV_table_free) - freed == n + 2, "%lu leaf tables and the two "
	    "above have become empty under pins; %lu tables were freed", n,
	    ev_read(EV_table_free) - freed);
	ev_mark(2);
	CLAIM(middle == NULL || tables_table(t.as, t.va, 2) == NULL, "the table of "
	    "level 2 has no word any more, and is still there");
	tables_end(&t);
}

const struct selftest selftests_lab_tablepin[] = {
	{ "lab_table_pins", table_pins, "a table has as many pins as faults wait at it" },
	{ "lab_table_empty", empty, "an empty table is freed by who held it last" },
	{ NULL, NULL, NULL },
};
