/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tableout.c: lab 09, step 2: which tables leave, what stays behind, and back
 *
 * Problem   A table that leaves too early takes pages with it that others look
 *           for; one that leaves and is not remembered is lost with 512 words.
 *
 * Picture   idle, no pin ─ pt_evict ─→ the word above: TRANS, how many words, who
 *           paid; the table on a queue ─ pt_rescue ─→ as it was
 *
 * Read next lab_tables.c; vm/table/ptpage.c, vm/frame/page.c.
 */
#include "lib/string.h"
#include "test/boot/table/lab_tables.h"

#define FEW 10u           /* tables that are asked for first */
#define PAGES_EACH 5u     /* of the table of a mapping that has paid */

/* ---- what a table that is out looks like ---- */

/* What is to be remembered of a table. */
struct noted {
	struct vm_page *table;
	uint16_t used;
	bool late;
};

static struct {
	struct noted leaf[TABLES_MOST + 1];
} noted;

static struct noted
note_table(struct aspace *as, va_t va)
{
	struct vm_page *table = tables_table(as, va, 1);

	CHECK(table != NULL);
	return (struct noted){ table, table->nused, table->tbl.late != 0 };
}

static bool
is_on_a_queue(const struct vm_page *pg)
{
	return pg->state == PG_MODIFIED || pg->state == PG_STANDBY ||
	    (pg->flags & PF_WRITING) != 0;
}

static void
table_has_left(struct aspace *as, va_t va, const struct noted *was)
{
	uint64_t *word = tables_word(as, va, 1), w;

	CHECK(word != NULL);
	w = word_get(word);
	CLAIM(pte_kind(w) == PTE_TRANS && pte_page(w) == was->table, "a table was "
	    "sent out, and the word above it is %s: who looks for the table does "
	    "not find it", word_name(w));
	if (pte_kind(w) != PTE_TRANS)
		return;
	CLAIM(pte_table_used(w) == was->used, "a table with %u words was sent out, "
	    "and the word above it remembers %u", was->used, pte_table_used(w));
	CLAIM(((w & PTE_TABLE_LATE) != 0) == was->late, "a table that was %spaid "
	    "late was sent out, and the word above it says otherwise: at its end "
	    "somebody pays for it twice, or nobody", was->late ? "" : "not ");
	CLAIM(is_on_a_queue(was->table), "a table was sent out, and is on no queue "
	    "(%s): its frame never comes free",
	    page_state_name((enum page_state)was->table->state));
	CLAIM((was->table->flags & PF_CONTAINER) == 0, "a table is on its way to "
	    "swap, and still says that it is a container in use");
}

static void
table_is_back(struct aspace *as, va_t va, const struct noted *was)
{
	struct vm_page *table = tables_table(as, va, 1);

	CLAIM(table == was->table, "pt_rescue() has taken a table back, and the word "
	    "above it does not name it");
	if (table != was->table)
		return;
	CLAIM(table->nused == was->used && table->nres == 0, "a table of %u words "
	    "came back, and counts %u words and %u frames", was->used,
	    table->nused, table->nres);
	CLAIM(table->tbl.late == was->late, "a table came back, and its record does "
	    "not say who has paid for it: tbl.late");
	CLAIM(table->state == PG_ACTIVE && (table->flags & PF_CONTAINER) != 0 &&
	    table->tbl.level == 1 && as_has_table(as, table), "a table came back and is "
	    "not in use: its record says %s, level %u",
	    page_state_name((enum page_state)table->state), table->tbl.level);
}

/* A mapping that has paid: its table is not late, and has several words. */
static va_t
paid_pages(struct aspace *as)
{
	struct pages p = { .as = as, .va = lab_map(as, PAGES_EACH),
		.n = PAGES_EACH, .seed = 1 };

	swp_write_all(&p);
	CHECK((p.va & (PT_SPAN - 1)) + PAGES_EACH * PAGE_SIZE <= PT_SPAN);
	(void)swp_out(&p);
	return p.va;
}

/* ---- out ---- */

/* Which of them is the learner's choice (lab_tablepolicy.c). */
static void
a_few_go(const struct tables *t)
{
	size_t done = tables_evict(t->as, FEW);

	CLAIM(done == FEW && t->as->table.n_out == FEW, "%u tables were wanted; "
	    "pt_evict() says %lu, and %lu are out", FEW, (uint64_t)done,
	    (uint64_t)t->as->table.n_out);
}

static void
all_go(const struct tables *t, va_t paid)
{
	uint64_t idle = t->as->table.idle.n, in_use = t->as->table.n, i;
	uint64_t out = t->as->table.n_out, flushes = ev_read(EV_tlb_flush);
	size_t done = tables_evict(t->as, SIZE_MAX);

	CLAIM(done == idle, "%lu tables name no frame and are not pinned; pt_evict() "
	    "has sent %lu out", idle, (uint64_t)done);
	CLAIM(ev_read(EV_tlb_flush) > flushes, "%lu tables have left, and no "
	    "processor was told: a walker that remembers the way reads and writes "
	    "what its frame holds next", (uint64_t)done);
	CLAIM(t->as->table.n == in_use - done && t->as->table.n_out == out + done,
	    "%lu tables have left: table.n went from %lu to %lu, table.n_out from "
	    "%lu to %lu", (uint64_t)done, in_use, (uint64_t)t->as->table.n, out,
	    (uint64_t)t->as->table.n_out);
	for (i = 0; i < t->n; i++)
		table_has_left(t->as, tables_at(t, i), &noted.leaf[i]);
	table_has_left(t->as, paid, &noted.leaf[t->n]);
}

static void
all_come(const struct tables *t, va_t paid)
{
	uint64_t in_use = t->as->table.n, out = t->as->table.n_out, i, n = 0;

	for (i = 0; i < t->n; i++)
		n += tables_rescue(t->as, tables_at(t, i));
	n += tables_rescue(t->as, paid);
	CLAIM(n == t->n + 1, "%lu tables are out and in memory; pt_rescue() takes "
	    "%lu of them back", t->n + 1, n);
	CLAIM(!tables_rescue(t->as, paid), "a word that is VALID is not TRANS: pt_rescue() "
	    "has nothing to do, and says so");
	if (n != t->n + 1)
		return;
	for (i = 0; i < t->n; i++)
		table_is_back(t->as, tables_at(t, i), &noted.leaf[i]);
	table_is_back(t->as, paid, &noted.leaf[t->n]);
	CLAIM(t->as->table.n == in_use + n && t->as->table.n_out == out - n,
	    "%lu tables are back: table.n went from %lu to %lu, table.n_out from "
	    "%lu to %lu", n, in_use, (uint64_t)t->as->table.n, out,
	    (uint64_t)t->as->table.n_out);
	CLAIM(t->as->table.idle.n >= n, "%lu tables are back, name no frame, and %lu are "
	    "on the list of those that could leave", n, (uint64_t)t->as->table.idle.n);
}

static void
out(void)
{
	struct tables t = tables_map(lab_param("n", 505));
	va_t paid = paid_pages(t.as);
	bool ready;
	uint64_t i;

	tables_write(&t);
	ready = tables_pages_out(&t);
	CHECK(ready && t.as->table.idle.n >= t.n);
	for (i = 0; i < t.n; i++)
		noted.leaf[i] = note_table(t.as, tables_at(&t, i));
	noted.leaf[t.n] = note_table(t.as, paid);
	ev_mark(1);
	a_few_go(&t);
	all_go(&t, paid);
	ev_mark(2);
	CLAIM(vm_check(2) == 0, "vm_check finds something while the tables are out");
	all_come(&t, paid);
	CLAIM(vm_check(2) == 0, "vm_check finds something now that the tables are "
	    "back");
	tables_end(&t);
}

/* ---- which ---- */

enum lives {
	HAS_PAGE,         /* VALID: stays */
	HAS_TRANS,        /* a page on a queue: stays */
	HAS_SWAP,         /* leaves */
	HAS_PIN,          /* as HAS_SWAP, but pinned: stays */
	HAS_ZERO,         /* the zero page, not used lately, and a page on swap: leaves */
	HAS_USED_ZERO,    /* the zero page, used: stays, once */
	HAS_ONLY_ZERO,    /* the zero page, not used lately, and nothing else: freed */
	HAS_BOTH,         /* a page on swap, and one in memory: stays */
	LIVES
};

static const char *const lives_text[LIVES] = {
	"names a page in memory", "names a page that stands on a queue",
	"names no frame", "is pinned",
	"names the zero page, which was not used lately",
	"names the zero page, which was used just now",
	"has no word but one for the zero page, which was not used lately",
	"names one page on swap and one in memory",
};

static struct {
	uint64_t n;
	uint8_t how[TABLES_MOST];
} lives;

/* The page of the second word of table i. */
static va_t
second(const struct tables *t, uint64_t i)
{
	return (tables_at(t, i) & ~(PT_SPAN - 1)) + 500 * PAGE_SIZE;
}

/* The zero page at va, its word with A as said. */
static void
load_zero(struct aspace *as, va_t va, bool used)
{
	struct vm_page *leaf;
	uint64_t value = 1, *word;

	CHECK(family_load(as, va, &value) == 0 && value == 0);
	mutex_lock(&as->ws_lock);
	word = pt_find(as, va, &leaf);
	CHECK(word != NULL && pte_is_special(word_get(word)));
	word_change(word, used ? 0 : MD_PTE_A, used ? MD_PTE_A : 0);
	mutex_unlock(&as->ws_lock);
}

static void
store_second(const struct tables *t, uint64_t i)
{
	CHECK(family_store(t->as, second(t, i), i + 1) == 0);
}

static void
to_queue(const struct tables *t, uint64_t i)
{
	uint64_t vpn = second(t, i) >> PAGE_SHIFT;

	(void)pte_trim_range(t->as, vpn, vpn + 1);
}

static void
pin_table(const struct tables *t, uint64_t i, bool on)
{
	struct vm_page *table = tables_table(t->as, tables_at(t, i), 1);

	CHECK(table != NULL);
	spin_lock(&pfn_lock);
	if (on)
		page_pin_locked(table);
	else
		(void)page_unpin_locked(table);
	spin_unlock(&pfn_lock);
}

static void
begin_lives(const struct tables *t)
{
	uint64_t state = t->seed * 77 + 5, i;
	struct pages p;

	for (i = 0; i < t->n; i++) {
		lives.how[i] = (uint8_t)(i < LIVES ? i : lab_random(&state) % LIVES);
		p = tables_page(t, i);
		if (lives.how[i] != HAS_ONLY_ZERO)
			pages_write(&p, 0);
	}
	CHECK(tables_pages_out(t));
	for (i = 0; i < t->n; i++) {
		switch ((enum lives)lives.how[i]) {
		case HAS_PAGE:
		case HAS_BOTH:
			store_second(t, i);
			break;
		case HAS_TRANS:
			store_second(t, i);
			to_queue(t, i);
			break;
		case HAS_PIN:
			pin_table(t, i, true);
			break;
		case HAS_ZERO:
		case HAS_ONLY_ZERO:
			load_zero(t->as, second(t, i), false);
			break;
		case HAS_USED_ZERO:
			load_zero(t->as, second(t, i), true);
			break;
		case HAS_SWAP:
		case LIVES:
			break;
		}
	}
}

static enum pte_kind
kind_above(const struct tables *t, uint64_t i)
{
	uint64_t *word = tables_word(t->as, tables_at(t, i), 1);

	return word == NULL ? PTE_ABSENT : pte_kind(word_get(word));
}

static bool
leaves(enum lives how)
{
	return how == HAS_SWAP || how == HAS_ZERO;
}

static void
who_has_left(const struct tables *t)
{
	enum pte_kind is, should;
	enum lives how;
	uint64_t i;

	for (i = 0; i < t->n; i++) {
		how = (enum lives)lives.how[i];
		should = leaves(how) ? PTE_TRANS :
		    how == HAS_ONLY_ZERO ? PTE_ABSENT : PTE_VALID;
		is = kind_above(t, i);
		CLAIM(is == should, "table %lu %s: the word above it should be %s, "
		    "and is %s", i, lives_text[how], pte_kind_name(should),
		    pte_kind_name(is));
		if (is == PTE_TRANS)
			CLAIM(pte_table_used(word_get(tables_word(t->as,
			    tables_at(t, i), 1))) == 1, "table %lu %s: it leaves "
			    "with one word, and the word above it says %u", i,
			    lives_text[how], pte_table_used(word_get(tables_word(
			    t->as, tables_at(t, i), 1))));
	}
}

/* The second chance is one: not used again, such a table leaves now. */
static void
second_time(const struct tables *t)
{
	uint64_t i, n = 0, gone = 0;

	(void)tables_evict(t->as, SIZE_MAX);
	for (i = 0; i < t->n; i++) {
		if (lives.how[i] != HAS_USED_ZERO)
			continue;
		n++;
		gone += kind_above(t, i) == PTE_TRANS;
	}
	CLAIM(gone == n, "the zero page of %lu tables was used once, and not since "
	    "the last pt_evict(); %lu of them leave now", n, gone);
}

/* ---- who is told ---- */

/* One pt_evict(): did the processors hear of more than the first page of one table? */
static void
flush_reaches(const struct tables *t, const char *what)
{
	uint64_t full = ev_read(EV_tlb_full), pages = ev_read(EV_tlb_pages);
	size_t done = tables_evict(t->as, SIZE_MAX);

	CLAIM(done == 1, "of two tables one may leave, and %lu did", (uint64_t)done);
	CLAIM(ev_read(EV_tlb_full) != full || ev_read(EV_tlb_pages) >= pages + 2,
	    "%s, and the flush covers the first page of the table that left, and no "
	    "other", what);
}

/* Two tables; the first has a word for the zero page, far behind its first one. */
static void
told(void)
{
	struct tables t = tables_map(2);
	uint64_t i;

	tables_write(&t);
	CHECK(tables_pages_out(&t));
	load_zero(t.as, second(&t, 0), true);
	flush_reaches(&t, "A was taken from a word of the zero page: a processor that "
	    "remembers the word does not set A again");
	flush_reaches(&t, "a word that named the zero page was cleared: a processor that "
	    "remembers it reads zeros when the page has other bytes");
	for (i = 0; i < t.n; i++)
		if (kind_above(&t, i) == PTE_TRANS)
			(void)tables_rescue(t.as, tables_at(&t, i));
	tables_end(&t);
}

static void
which(void)
{
	struct tables t;
	uint64_t i;

	told();
	t = tables_map(lab_param("n", 100));
	begin_lives(&t);
	ev_mark(1);
	(void)tables_evict(t.as, SIZE_MAX);
	who_has_left(&t);
	second_time(&t);
	ev_mark(2);
	CLAIM(vm_check(2) == 0, "vm_check finds something when some tables are out");
	for (i = 0; i < t.n; i++) {
		if (kind_above(&t, i) == PTE_TRANS)
			(void)tables_rescue(t.as, tables_at(&t, i));
		if (lives.how[i] == HAS_PIN)
			pin_table(&t, i, false);
	}
	tables_end(&t);
}

const struct selftest selftests_lab_tableout[] = {
	{ "lab_table_out", out, "tables leave, and the words above them remember what they must" },
	{ "lab_table_which", which, "only who names no frame and has no pin leaves" },
	{ NULL, NULL, NULL },
};
