/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrcheck2.c: the rules of faults, forks and objects in a trace
 *
 * Problem   Faults and forks are stories of one thread with a beginning, sums
 *           and an end; objects are made once, used, and given up once.
 *
 * Picture   begin ─ case ─ restart ─ case ─ end
 *           new ─ use … use ─ free
 *
 * Rules     1. Each pass ends in one case: there is one more than restarts.
 *           2. fork.end tells how many words became entries and how many
 *              entries got one more reference: so many fork.word came, if any.
 *           3. The key of a page table is where its word lies: that holds until
 *              a table is paged out and comes back elsewhere.
 *
 * Read next kernel/vm/fault/driver.c (the sum), kernel/vm/design/fmo/fork.c.
 */
#include <stdlib.h>
#include <string.h>

#include "vtrcheck.h"

#define KIND_FORK 5   /* enum pte_kind of kernel/vm/frame/word.h */
#define MAX_RUN 4096u /* slots of one request: more is nonsense */

struct process {
	bool faults, forks;
	uint64_t va, cases, restarts;
	uint64_t entries, rerefs;
};

static struct process *
process_of(struct checker *c, const struct vtr_event *e)
{
	uint64_t *at = vtr_map_at(&c->process_at, e->pid);
	struct process *all = c->process;

	if (*at == 0) {
		all = realloc(all, (c->nprocesses + 1) * sizeof *all);
		if (all == NULL)
			abort();
		c->process = all;
		memset(&all[c->nprocesses], 0, sizeof *all);
		*at = ++c->nprocesses;
	}
	return &all[*at - 1];
}

/* ---- faults ---- */

bool
rule_fault_begin(struct checker *c, const struct vtr_event *e)
{
	struct process *p = process_of(c, e);

	if (e->pid == 0)
		return true;
	if (p->faults)
		return checker_says(c, e,
		    "a fault begins within a fault of "
		    "the same thread");
	p->faults = true;
	p->va = e->v[0];
	p->cases = p->restarts = 0;
	return true;
}

bool
rule_fault_restart(struct checker *c, const struct vtr_event *e)
{
	process_of(c, e)->restarts++;
	return true;
}

bool
rule_fault_case(struct checker *c, const struct vtr_event *e)
{
	struct process *p = process_of(c, e);

	p->cases++;
	if (e->pid == 0 || !p->faults)
		return true;
	if (p->cases > p->restarts + 1)
		return checker_says(c, e,
		    "a pass of the fault at %llx ends "
		    "in two cases (the sum rule)",
		    (unsigned long long)p->va);
	if (e->v[0] >> 12 != p->va >> 12)
		return checker_says(
		    c, e, "the fault is at %llx", (unsigned long long)p->va);
	return true;
}

bool
rule_fault_end(struct checker *c, const struct vtr_event *e)
{
	struct process *p = process_of(c, e);

	if (e->pid == 0)
		return true;
	if (!p->faults)
		return c->complete ? checker_says(c, e,
					 "a fault ends that "
					 "has not begun")
		                   : true;
	p->faults = false;
	if (p->restarts != e->v[1])
		return checker_says(c, e, "%llu restarts came",
		    (unsigned long long)p->restarts);
	if (p->cases != p->restarts + 1)
		return checker_says(c, e,
		    "%llu passes end in %llu cases (the "
		    "sum rule)",
		    (unsigned long long)p->restarts + 1,
		    (unsigned long long)p->cases);
	return true;
}

/* ---- forks ---- */

bool
rule_fork_begin(struct checker *c, const struct vtr_event *e)
{
	struct process *p = process_of(c, e);

	p->forks = true;
	p->entries = p->rerefs = 0;
	return true;
}

bool
rule_fork_word(struct checker *c, const struct vtr_event *e)
{
	struct process *p = process_of(c, e);
	uint64_t *entry = vtr_map_at(&c->map[LIVE_ENTRY], e->v[2]);

	if (!p->forks && c->complete)
		return checker_says(c, e, "a word is forked outside of a fork");
	if (e->v[1] != KIND_FORK) {
		p->entries++;
		if (*entry == 1)
			return checker_says(c, e, "entry %llx is in use",
			    (unsigned long long)e->v[2]);
		*entry = 1;
		return true;
	}
	p->rerefs++;
	if (*entry == 2 || (*entry == 0 && c->complete))
		return checker_says(
		    c, e, "entry %llx is dead", (unsigned long long)e->v[2]);
	return true;
}

bool
rule_fork_end(struct checker *c, const struct vtr_event *e)
{
	struct process *p = process_of(c, e);

	if (!p->forks)
		return c->complete ? checker_says(c, e,
					 "a fork ends that has "
					 "not begun")
		                   : true;
	p->forks = false;
	if (p->entries == 0 && p->rerefs == 0)
		return true; /* of a design without entries, or vtr_diff() finds it */
	if (p->entries != e->v[0] || p->rerefs != e->v[1])
		return checker_says(c, e,
		    "%llu new entries and %llu rerefs "
		    "came",
		    (unsigned long long)p->entries,
		    (unsigned long long)p->rerefs);
	return true;
}

/* ---- things that are there or not ---- */

static bool
is_made(struct checker *c, const struct vtr_event *e, enum checker_map which,
    const char *what)
{
	uint64_t *v = vtr_map_at(&c->map[which], e->v[0]);

	if (*v == 1)
		return checker_says(c, e, "%s %llx is there already", what,
		    (unsigned long long)e->v[0]);
	*v = 1;
	return true;
}

/* It must be there; goes: it is not afterwards. */
static bool
is_used(struct checker *c, const struct vtr_event *e, enum checker_map which,
    bool goes)
{
	static const char *const what[] = { "forked object", "entry",
		"kernel range", "table of the word", "slot" };
	uint64_t *v = vtr_map_at(&c->map[which], e->v[0]);

	if (*v == 2 || (*v == 0 && c->complete))
		return checker_says(c, e, "%s %llx is %s", what[which],
		    (unsigned long long)e->v[0],
		    *v == 2 ? "gone" : "not there");
	if (goes)
		*v = 2;
	return true;
}

bool
rule_fmo_new(struct checker *c, const struct vtr_event *e)
{
	return is_made(c, e, LIVE_FMO, "forked object");
}

bool
rule_fmo_free(struct checker *c, const struct vtr_event *e)
{
	return is_used(c, e, LIVE_FMO, true);
}

bool
rule_fmo_page_free(struct checker *c, const struct vtr_event *e)
{
	return is_used(c, e, LIVE_FMO, false);
}

bool
rule_fmo_deref(struct checker *c, const struct vtr_event *e)
{
	return is_used(c, e, LIVE_ENTRY, e->v[1] == 0);
}

bool
rule_fmo_steal(struct checker *c, const struct vtr_event *e)
{
	if (e->v[1] < 1 || e->v[1] > 4)
		return checker_says(c, e, "there are four places to steal");
	return is_used(c, e, LIVE_ENTRY, true);
}

bool
rule_kpaged_alloc(struct checker *c, const struct vtr_event *e)
{
	return is_made(c, e, LIVE_KPAGED, "kernel range");
}

bool
rule_kpaged_free(struct checker *c, const struct vtr_event *e)
{
	return is_used(c, e, LIVE_KPAGED, true);
}

bool
rule_table_alloc(struct checker *c, const struct vtr_event *e)
{
	if (e->v[1] < 1 || e->v[1] > 3)
		return checker_says(c, e, "no table has level %llu",
		    (unsigned long long)e->v[1]);
	return c->tables_move || is_made(c, e, LIVE_TABLE, "table of the word");
}

bool
rule_table_free(struct checker *c, const struct vtr_event *e)
{
	return c->tables_move || is_used(c, e, LIVE_TABLE, true);
}

bool
rule_table_out(struct checker *c, const struct vtr_event *e)
{
	(void)e;
	c->tables_move = true;
	return true;
}

/* ---- swap ---- */

static bool
is_run(struct checker *c, const struct vtr_event *e)
{
	return (e->v[0] != 0 && e->v[1] >= 1 && e->v[1] <= MAX_RUN) ||
	       checker_says(c, e, "%llu slots from %llu",
		   (unsigned long long)e->v[1], (unsigned long long)e->v[0]);
}

bool
rule_swap_out(struct checker *c, const struct vtr_event *e)
{
	uint64_t i;

	if (!is_run(c, e))
		return false;
	for (i = 0; i < e->v[1]; i++)
		*vtr_map_at(&c->map[WRITTEN_SLOT], e->v[0] + i) = 1;
	return true;
}

bool
rule_swap_in(struct checker *c, const struct vtr_event *e)
{
	uint64_t i, v;

	if (!is_run(c, e))
		return false;
	for (i = 0; i < e->v[1]; i++) {
		v = *vtr_map_at(&c->map[WRITTEN_SLOT], e->v[0] + i);
		if (v == 2 || (v == 0 && c->complete))
			return checker_says(c, e, "slot %llu was %s",
			    (unsigned long long)(e->v[0] + i),
			    v == 2 ? "given back" : "never written");
	}
	return true;
}

bool
rule_swap_free(struct checker *c, const struct vtr_event *e)
{
	*vtr_map_at(&c->map[WRITTEN_SLOT], e->v[0]) = 2;
	return true;
}

/* ---- maps ---- */

bool
rule_vad(struct checker *c, const struct vtr_event *e)
{
	return e->v[0] < e->v[1] ||
	       checker_says(c, e, "a range of %llx to %llx",
		   (unsigned long long)e->v[0], (unsigned long long)e->v[1]);
}
