/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_amappace.c: lab 20, step 3: what it costs to copy a map, and to let it go
 *
 * Problem   How a map is gone through is the learner's choice: by page, by anon, by
 *           chunk.  No way of it is right or wrong.  What can be said is how long it
 *           takes, where anons lie side by side and where they lie far apart.
 *
 * Picture   side by side   A A A A A A A A …           32 in a chunk
 *           far apart      A . . . 512 pages . . . A . . .     one in a chunk
 *
 * Rules     1. The numbers are those of the seed: time is instructions here.
 *           2. Who is quick and wrong gets nothing: each slot and count is looked at.
 *
 * Read next lab_amap.c; vm/design/uvm/amap.c.
 */
#include "test/boot/amap/lab_amap.h"

#define FAR_APART 512u
#define COPY_NEAR 900u    /* instructions an anon */
#define COPY_FAR 3000u
#define END_NEAR 400u
#define END_FAR 1200u
#define BADGE 160u        /* a copy, side by side */

static struct {
	uint64_t copy, end; /* instructions an anon */
} took;

/* All that a has is in b's map, too: slots, bits of late, references. */
static void
map_copied(struct slots *a, struct slots *b, uint64_t n)
{
	uint64_t had = ev_read(EV_uvm_anon_refs_fork), at, i;

	mutex_lock(&a->as->ws_lock);
	mutex_lock_nested(&b->as->ws_lock);
	took.copy = md_time_ns();
	at = amap_copy(a->as, b->e, a->e, a->e->start, a->e->end);
	took.copy = (md_time_ns() - took.copy) / n;
	had = ev_read(EV_uvm_anon_refs_fork) - had;
	CLAIM(at == a->e->end && had == n, "a map of %lu anons was copied: %lu are "
	    "counted, and amap_copy returns %lu, not %lu", n, had, at, a->e->end);
	for (i = 0; i < n; i++) {
		slot_is(b, lab_at[i], lab_anon[i]);
		CLAIM(amap_is_late(b->e->amap, lab_at[i]), "page %lu: its bit of late "
		    "is not the parent's", lab_at[i]);
	}
	mutex_unlock(&b->as->ws_lock);
	mutex_unlock(&a->as->ws_lock);
	refs_are(0, n, 2);
}

static void
map_let_go(struct slots *b, uint64_t n)
{
	uint64_t late;

	mutex_lock(&b->as->ws_lock);
	took.end = md_time_ns();
	late = amap_unref(b->e->amap, b->e->start, b->e->end);
	took.end = (md_time_ns() - took.end) / n;
	CLAIM(late == n && b->e->amap->nanons == 0, "%lu slots were let go, all late: "
	    "amap_unref says %lu, and %lu are in use", n, late, b->e->amap->nanons);
	commit_uncharge_late(b->as, late);
	mutex_unlock(&b->as->ws_lock);
	refs_are(0, n, 1);
}

static void
map_pace_of(uint64_t n, uint64_t apart, unsigned mark)
{
	struct slots a = slots_begin_late(n * apart);
	struct slots b = slots_begin_late(n * apart);
	uint64_t i;

	CHECK(a.first == b.first && n <= LAB_ANONS);
	for (i = 0; i < n; i++) {
		slot_fill(&a, i, a.first + apart * i, true);
		CHECK(commit_charge_late(b.as, 1) == 0);
	}
	ev_mark(mark);
	map_copied(&a, &b, n);
	map_let_go(&b, n);
	ev_mark(mark + 1);
	lab_space_end(b.as);
	lab_space_end(a.as);
}

/* Who asks for a size judges, and has a clock of instructions. */
static void
at_most(uint64_t is, uint64_t limit, const char *what, const char *where)
{
	CLAIM(lab_param("n", 0) == 0 || is <= limit, "slow: to %s takes %lu "
	    "instructions for each anon, where they lie %s, and %lu are allowed", what,
	    is, where, limit);
}

static void
judged(const char *where, uint64_t copy, uint64_t end)
{
	lab_show("instructions an anon, %s: a copy %lu (at most %lu), its end %lu "
	    "(%lu)", where, took.copy, copy, took.end, end);
	at_most(took.copy, copy, "copy a map", where);
	at_most(took.end, end, "let a map go", where);
}

static void
amap_pace(void)
{
	uint64_t n = MIN(lab_param("n", 200), (uint64_t)LAB_ANONS), near;

	vm_leak_begin();
	map_pace_of(n, 1, 1);
	near = took.copy;
	judged("side by side", COPY_NEAR, END_NEAR);
	map_pace_of(n, FAR_APART, 3);
	judged("far apart", COPY_FAR, END_FAR);
	lab_show(near <= BADGE ? "badge: a copy, side by side, %lu are less than %u" :
	    "no badge yet: a copy, side by side, %lu are more than %u", near, BADGE);
}

const struct selftest selftests_lab_amappace[] = {
	{ "lab_amap_pace", amap_pace, "what it costs to copy a map, and to let it go" },
	{ NULL, NULL, NULL },
};
