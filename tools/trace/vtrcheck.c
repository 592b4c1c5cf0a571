/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrcheck.c: a trace against the rules of the kernel
 *
 * Problem   The kernel's own assertions judge one moment; a wrong turn shows in
 *           the story: a page that changes from a state it was not in, a fault
 *           that ends twice, a slot that is read and was never written.
 *
 * Picture   events in order ─→ rule of each kind ─→ what is known of a page, a
 *           process, a slot, an entry ─→ the first event that cannot be
 *
 * Rules     1. Nothing is held against what is not known: of a page before its
 *              first event, of anything behind a gap in the trace.
 *           2. Only what the kernel orders is judged: events of one page come
 *              under its lock, those of a process from one thread.  Threads of
 *              the kernel all have the number 0.
 *           3. The numbers of the rules are those of kernel/mem/page.c.
 *
 * Read next kernel/mem/page.c, kernel/vm/fault/driver.c; vtrcheck2.c has
 *           objects.
 */
#include "vtrcheck.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { FREE, ZEROED, ACTIVE, STANDBY, MODIFIED, READING, LIMBO, WIRED, BAD };
enum { DIRTY = 1, WRITING = 2 };

#define TO(s) (1u << (s))

/* Who may follow whom: the table of kernel/mem/page.c. */
static const uint16_t legal[] = {
	[FREE] = TO(ZEROED) | TO(LIMBO) | TO(WIRED) | TO(BAD),
	[ZEROED] = TO(FREE) | TO(LIMBO) | TO(WIRED) | TO(BAD),
	[ACTIVE] = TO(STANDBY) | TO(MODIFIED) | TO(FREE) | TO(LIMBO) | TO(BAD),
	[STANDBY] = TO(ACTIVE) | TO(FREE) | TO(LIMBO) | TO(BAD),
	[MODIFIED] = TO(ACTIVE) | TO(STANDBY) | TO(MODIFIED) | TO(FREE) |
	             TO(LIMBO) | TO(BAD),
	[READING] = TO(STANDBY) | TO(FREE) | TO(LIMBO) | TO(BAD),
	[LIMBO] = TO(ACTIVE) | TO(READING) | TO(LIMBO) | TO(FREE) | TO(ZEROED) | TO(WIRED) |
	          TO(BAD),
	[WIRED] = TO(FREE) | TO(ZEROED) | TO(LIMBO) | TO(BAD),
	[BAD] = 0,
};

/* What is known of a page; 0: nothing. */
enum { KNOW_STATE = 1, KNOW_PINS = 2, KNOW_HOME = 4 };

struct page {
	unsigned knows;
	uint32_t state, pins;
	uint64_t home;
};

bool
checker_says(struct checker *c, const struct vtr_event *e, const char *fmt, ...)
{
	va_list ap;

	c->found.event = e;
	va_start(ap, fmt);
	vsnprintf(c->found.rule, sizeof c->found.rule, fmt, ap);
	va_end(ap);
	return false;
}

/* ---- pages ---- */

static struct page *
page_of(struct checker *c, uint64_t pfn)
{
	uint64_t *at = vtr_map_at(&c->page_at, pfn);
	struct page *all = c->pages;

	if (*at == 0) {
		all = realloc(all, (c->npages + 1) * sizeof *all);
		if (all == NULL)
			abort();
		c->pages = all;
		memset(&all[c->npages], 0, sizeof *all);
		*at = ++c->npages;
	}
	return &all[*at - 1];
}

static bool
leaves_to_queue(unsigned from, unsigned to)
{
	return from == ACTIVE && (to == STANDBY || to == MODIFIED);
}

/* What a page must be like in its new state. */
static bool
judge_new_state(struct checker *c, const struct vtr_event *e,
    const struct page *p, unsigned from, unsigned to)
{
	unsigned kind = (unsigned)(e->v[2] >> 60), flags = (unsigned)e->v[3];

	if (to == STANDBY && (flags & (DIRTY | WRITING)) != 0)
		return checker_says(c, e,
		    "page %llu becomes STANDBY and is "
		    "%s (5, 9, 11)",
		    (unsigned long long)e->v[0],
		    flags & DIRTY ? "dirty" : "being written");
	if (to == FREE && kind != 0)
		return checker_says(c, e,
		    "page %llu becomes FREE and has an "
		    "owner (6, 13, 14)",
		    (unsigned long long)e->v[0]);
	if ((to == ACTIVE || to == READING) && kind == 0)
		return checker_says(c, e,
		    "page %llu becomes %s and has no "
		    "owner (3, 4, 7, 8)",
		    (unsigned long long)e->v[0], vtr_state_name(to));
	if ((to == FREE || leaves_to_queue(from, to)) &&
	    (p->knows & KNOW_PINS) != 0 && p->pins != 0)
		return checker_says(c, e,
		    "page %llu becomes %s with %u pins "
		    "(9, 10, 14)",
		    (unsigned long long)e->v[0], vtr_state_name(to), p->pins);
	return true;
}

bool
rule_page_state(struct checker *c, const struct vtr_event *e)
{
	unsigned from = (unsigned)(e->v[1] >> 8), to = e->v[1] & 0xff;
	struct page *p = page_of(c, e->v[0]);

	if (from > BAD || to > BAD)
		return checker_says(c, e, "page %llu: no such states: %llx",
		    (unsigned long long)e->v[0], (unsigned long long)e->v[1]);
	if ((p->knows & KNOW_STATE) != 0 && p->state != from)
		return checker_says(c, e, "page %llu was %s, not %s",
		    (unsigned long long)e->v[0], vtr_state_name(p->state),
		    vtr_state_name(from));
	if ((legal[from] & TO(to)) == 0)
		return checker_says(c, e, "page %llu: %s may not become %s",
		    (unsigned long long)e->v[0], vtr_state_name(from),
		    vtr_state_name(to));
	if (!e->half && !judge_new_state(c, e, p, from, to))
		return false;
	p->state = to;
	p->knows |= KNOW_STATE;
	return true;
}

bool
rule_page_home(struct checker *c, const struct vtr_event *e)
{
	struct page *p = page_of(c, e->v[0]);

	if ((p->knows & KNOW_HOME) != 0 && p->home != e->v[1])
		return checker_says(c, e, "page %llu had another owner: %llx",
		    (unsigned long long)e->v[0], (unsigned long long)p->home);
	p->knows &= ~(unsigned)KNOW_HOME;
	if (e->half)
		return true;
	p->home = e->v[2];
	p->knows |= KNOW_HOME;
	return true;
}

static bool
count_pins(struct checker *c, const struct vtr_event *e, int change)
{
	struct page *p = page_of(c, e->v[0]);

	if ((p->knows & KNOW_PINS) != 0 &&
	    p->pins + (unsigned)change != e->v[1])
		return checker_says(c, e, "page %llu had %u pins",
		    (unsigned long long)e->v[0], p->pins);
	if (change > 0 && (p->knows & KNOW_STATE) != 0 &&
	    (p->state == FREE || p->state == ZEROED))
		return checker_says(c, e, "page %llu is pinned and %s",
		    (unsigned long long)e->v[0], vtr_state_name(p->state));
	p->pins = (uint32_t)e->v[1];
	p->knows |= KNOW_PINS;
	return true;
}

bool
rule_page_pin(struct checker *c, const struct vtr_event *e)
{
	return count_pins(c, e, 1);
}

bool
rule_page_unpin(struct checker *c, const struct vtr_event *e)
{
	return count_pins(c, e, -1);
}

/* ---- the walk ---- */

static const struct {
	const char *name;
	vtr_rule *rule;
} rules[] = {
	{ "page.state", rule_page_state },
	{ "page.home", rule_page_home },
	{ "page.pin", rule_page_pin },
	{ "page.unpin", rule_page_unpin },
	{ "fault.begin", rule_fault_begin },
	{ "fault.end", rule_fault_end },
	{ "fault.restart", rule_fault_restart },
	{ "fault.", rule_fault_case }, /* all others */
	{ "fork.begin", rule_fork_begin },
	{ "fork.word", rule_fork_word },
	{ "fork.end", rule_fork_end },
	{ "fmo.new", rule_fmo_new },
	{ "fmo.free", rule_fmo_free },
	{ "fmo.page_free", rule_fmo_page_free },
	{ "fmo.deref", rule_fmo_deref },
	{ "fmo.steal", rule_fmo_steal },
	{ "kpaged.alloc", rule_kpaged_alloc },
	{ "kpaged.free", rule_kpaged_free },
	{ "table.alloc", rule_table_alloc },
	{ "table.free", rule_table_free },
	{ "table.out", rule_table_out },
	{ "swap.out", rule_swap_out },
	{ "swap.in", rule_swap_in },
	{ "swap.free", rule_swap_free },
	{ "vad.space", NULL }, /* these two say no range */
	{ "vad.end", NULL },
	{ "vad.", rule_vad },
};

static vtr_rule *
rule_of(const char *name)
{
	size_t i, n;

	for (i = 0; name != NULL && i < sizeof rules / sizeof rules[0]; i++) {
		n = strlen(rules[i].name);
		if (rules[i].name[n - 1] == '.'
			? strncmp(rules[i].name, name, n) == 0
			: strcmp(rules[i].name, name) == 0)
			return rules[i].rule;
	}
	return NULL;
}

/* Behind a gap nothing is known. */
static void
forget(struct checker *c)
{
	size_t i;

	for (i = 0; i < CHECKER_MAPS; i++)
		vtr_map_free(&c->map[i]);
	vtr_map_free(&c->page_at);
	vtr_map_free(&c->process_at);
	c->npages = c->nprocesses = 0;
	c->tables_move = c->complete = false;
}

struct vtr_finding
vtr_check(const struct vtr *t)
{
	struct checker c = { .t = t, .complete = true };
	vtr_rule *rule[VTR_IDS];
	unsigned id;
	size_t i;

	for (id = 0; id < VTR_IDS; id++)
		rule[id] = rule_of(t->kind[id].name);
	for (i = 0; i < t->n; i++) {
		const struct vtr_event *e = &t->event[i];

		if (e->gap)
			forget(&c);
		if (rule[e->id] != NULL && !rule[e->id](&c, e))
			break;
	}
	forget(&c);
	free(c.pages);
	free(c.process);
	return c.found;
}
