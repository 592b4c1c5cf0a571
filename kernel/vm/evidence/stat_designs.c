/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat_designs.c: what is counted over all designs and all spaces
 *
 * Problem   Some sums are kept by nobody: of a field that each space has, or of
 *           what each design counts for itself.
 *
 * Picture   gauge ─→ as_sum, or one design after the other ─→ sum, when read
 *
 * Rules     1. What a design shares among spaces it says itself: shared->pages,
 *              charged, show.
 */
#include "vm/design/design.h"
#include "vm/design/designs.h"
#include "vm/evidence/evidence.h"
#include "vm/space/space.h"

/* Sum over all designs of the gauge at that offset of shared_ops; 0 there: none. */
static uint64_t
design_sum(size_t field)
{
	const struct shared_ops *s;
	const struct design *design;
	enum ev_id id;
	uint64_t n = 0;

	FOR_EACH_SHARED(s, design) {
		id = *(const enum ev_id *)((const char *)s + field);
		n += id == 0 ? 0 : ev_read(id);
	}
	return n;
}

/*
 * Gauges that are sums.
 *
 * Locks:    none; once, by vm_init().
 */
void
stat_init(void)
{
	ev_set_gauge(EV_table_n_priv, as_sum, offsetof(struct aspace, words.priv));
	ev_set_gauge(EV_table_n_fork, as_sum, offsetof(struct aspace, words.fork));
	ev_set_gauge(EV_table_n_swap, as_sum, offsetof(struct aspace, words.swap));
	ev_set_gauge(EV_table_live, as_sum, offsetof(struct aspace, table.n));
	ev_set_gauge(EV_table_live_out, as_sum,
	    offsetof(struct aspace, table.n_out));
	ev_set_gauge(EV_ws_pages, as_sum, offsetof(struct aspace, ws.pages));
	ev_set_gauge(EV_ws_peak, as_sum, offsetof(struct aspace, ws.peak));
	/* Private pages that no word of a space owns. */
	ev_set_gauge(EV_design_pages, design_sum,
	    offsetof(struct shared_ops, pages));
	ev_set_gauge(EV_design_charged, design_sum,
	    offsetof(struct shared_ops, charged));
}

#define SHARED_AT_BITS 48    /* of a place; above them: of which design */

/*
 * The records that all designs share among spaces: /proc/vm/fmo.
 *
 * Locks:    none of rank >= 9.
 */
int
stat_shared(uint64_t *at, struct out *o)
{
	uint64_t first = *at >> SHARED_AT_BITS, no = 0, within;
	const struct shared_ops *s;
	const struct design *design;

	FOR_EACH_SHARED(s, design) {
		within = no == first ? *at & (BIT(SHARED_AT_BITS) - 1) : 0;
		if (no >= first && s->show(NULL, &within, o) != 0) {
			*at = no << SHARED_AT_BITS | within;
			return 1;
		}
		no++;
	}
	return 0;
}

/* The chain of objects of each mapping, space by space: /proc/vm/shadow. */
int
stat_shadow(uint64_t at[2], struct out *o)
{
	return design_show_spaces("shadow", at, o);
}

/* Structures of designs outside of spaces: /proc/vm/owners. */
void
stat_owners(struct out *o)
{
	const struct design *design;

	FOR_EACH_DESIGN(design)
		if (design->own != NULL)
			design->own->owners(o);
}

/*
 * The shared records that words of a space name: /proc/PID/fmo.
 *
 * Locks:    none of rank >= 5; takes [W].
 */
int
stat_shared_of(struct aspace *as, uint64_t *at, struct out *o)
{
	return design_show(as, at, o);
}
