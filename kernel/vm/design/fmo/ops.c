/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Mapping calls, faults, trimming, checks and /proc are common, and
 *           so is their work on private pages that live in their PTEs
 *           (vm/pte/).  The design decides what a fork makes of such pages.
 *
 * Picture   words_school (vm/pte/): mmap, munmap, fault, trim, mremap, exit, swapoff
 *               │ FORK words                fork ─→ fork.c, forkwait.c
 *               └─→ forked: F4, F8 ─→ fork.c  trim, drop ─→ fmo_object.c, fmo.c
 *           shared: vm_check, /proc ─→ fmo_check.c, fmo_stat.c
 *
 * Rules     1. VADs have no entries of the design: no entry_ops.
 */
#include "vm/design/fmo/fmo.h"

static const char *const fmo_caches[] = { "fmo", "fmo_ref", NULL };
static const enum ev_id fmo_gauges[] = {
	EV_fmo_live, EV_fmo_entries_live, EV_fmo_refs_live, EV_fmo_pages_live, 0,
};

static const struct shared_ops fmo_shared = {
	.home = HOME_FMO,
	.refs = fmo_refs,
	.swapped = fmo_each_swapped,
	.check_word = fmo_check_word,
	.check_space = fmo_check_space,
	.check_end = fmo_check_end,
	.show = fmo_show,
	.caches = fmo_caches,
	.gauges = fmo_gauges,
	.pages = EV_fmo_entries_live,
	.charged = EV_fmo_pages_live,
};

static const struct forked_ops fmo_forked = {
	.write_fault = f4_break_fork,
	.read_fault = f8_fork_map,
	.trim = fmo_trim,
	.drop = fmo_drop_range,
	.unmapped = fmo_unmapped,
	.forget = fmo_forget,
	.bring = fmo_bring,
	.swapped = fmo_swapped,
};

const struct design fmo_design = {
	.name = "fmo",
	.school = &words_school,
	.init = fmo_init,
	.dup = fmo_dup,
	.shared = &fmo_shared,
	.forked = &fmo_forked,
};
