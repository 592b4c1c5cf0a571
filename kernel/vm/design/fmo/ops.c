/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Mapping calls, faults, trimming, checks and /proc are common, and
 *           so is what they do to private pages that live in their PTEs
 *           (vm/pte/).  What a fork makes of such pages is the design's.
 *
 * Picture   fork  ─→ fork.c, forkwait.c     munmap, exit ─→ fmo.c, fmo_object.c
 *           fault ─→ fork.c (F4, F8)        trim         ─→ fmo_object.c
 *           check, /proc ─→ fmo_check.c, fmo_stat.c swapoff      ─→ fmo_swapped.c
 *
 * Rules     1. attach, split, merge are not needed: a VAD says all there is to
 *              say about a mapping, nothing hangs on it.
 */
#include "vm/design/fmo/fmo.h"

static const struct shared_ops fmo_shared = {
	.home = HOME_FMO,
	.write_fault = f4_break_fork,
	.read_fault = f8_fork_map,
	.trim = fmo_trim,
	.drop = fmo_drop_range,
	.unmapped = fmo_unmapped,
	.forget = fmo_forget,
	.refs = fmo_refs,
	.bring = fmo_bring,
	.swapped = fmo_swapped,
	.check_word = fmo_check_word,
	.check_space = fmo_check_space,
	.check_end = fmo_check_end,
};

static const char *const fmo_caches[] = { "fmo", "fmo_ref", NULL };
static const enum ev_id fmo_gauges[] = {
	EV_fmo_live, EV_fmo_entries_live, EV_fmo_refs_live, EV_fmo_pages_live, 0,
};

const struct vmm_ops fmo_ops = {
	.name = "fmo",
	.as_fini = fmo_as_fini,
	.detach = pte_detach,
	.zap = pte_zap,
	.protect = pte_protect,
	.move = pte_move,
	.advise = pte_advise,
	.advise_shared = true,
	.dup = fmo_dup,
	.fault = fault_by_pte,
	.evict = pte_evict,
	.swapped = pte_swapped,
	.init = fmo_init,
	.show = fmo_show,
	.caches = fmo_caches,
	.gauges = fmo_gauges,
	.pages = EV_fmo_entries_live,
	.charged = EV_fmo_pages_live,
	.reap = fmo_reap,
	.shared = &fmo_shared,
};
