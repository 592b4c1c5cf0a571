/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrcheck.h: the rules of a trace, between vtrcheck.c and vtrcheck2.c
 */
#ifndef TOOLS_VTRCHECK_H
#define TOOLS_VTRCHECK_H

#include "vtr.h"
#include "vtrmap.h"

/* Things that are there or not: key → 1 there, 2 gone; 0 never seen. */
enum checker_map {
	LIVE_FMO,
	LIVE_ENTRY,
	LIVE_KPAGED,
	LIVE_TABLE,
	WRITTEN_SLOT,
	CHECKER_MAPS
};

struct process;

struct checker {
	const struct vtr *t;
	struct vtr_finding found;
	struct vtr_map page_at;    /* pfn → place in pages, from 1 */
	struct vtr_map process_at; /* pid → place in process, from 1 */
	struct vtr_map map[CHECKER_MAPS];
	void *pages;
	size_t npages;
	struct process *process;
	size_t nprocesses;
	bool tables_move; /* one was paged out: addresses change */
	bool complete;    /* no gap up to here */
};

/* A rule.  False: the event breaks it, and checker_says() has been told. */
typedef bool vtr_rule(struct checker *, const struct vtr_event *);
/* Returns false, for the rule to return. */
bool checker_says(struct checker *, const struct vtr_event *, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

vtr_rule rule_page_state, rule_page_home, rule_page_pin, rule_page_unpin;
vtr_rule rule_fault_begin, rule_fault_end, rule_fault_restart,
    rule_fault_case;
vtr_rule rule_fork_begin, rule_fork_word, rule_fork_end;
vtr_rule rule_fmo_new, rule_fmo_free, rule_fmo_page_free, rule_fmo_deref,
    rule_fmo_steal;
vtr_rule rule_kpaged_alloc, rule_kpaged_free;
vtr_rule rule_table_alloc, rule_table_free, rule_table_out;
vtr_rule rule_swap_out, rule_swap_in, rule_swap_free;
vtr_rule rule_vad;

#endif
