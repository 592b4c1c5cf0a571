/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shadow/sh_ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Common code knows mappings, objects, frames and swap; the design decides what
 *           a private page is, where it is found and when it is copied.
 *
 * Picture   mmap, mremap ─→ sh_entry.c, sh_change.c   memory is wanted, mprotect ─→ ../../pmap
 *           all else ─→ ../anons ─┬ entries, pages ─→ sh_entry.c   fork ─→ sh_fork.c
 *                                 ├ fault ─→ sh_fault.c            truncate ─→ sh_change.c
 *                                 └ /proc, vm_check ─→ sh_check.c
 *
 * Rules     1. Page tables are a cache (../../pmap).  There is no list of the words that
 *              map a page: a page that is in no working set has none.
 */
#include "vm/design/shadow/shadow.h"

static const char *const sh_caches[] = { "sh_page", "sh_object", NULL };
static const enum ev_id sh_gauges[] = {
	EV_shadow_live, EV_shadow_pages, EV_shadow_records, 0,
};

static const struct shared_ops sh_shared = {
	.home = HOME_SHADOW,
	.refs = sh_refs,
	.swapped = sh_each_swapped,
	.check_word = anons_check_word,
	.check_space = anons_check_space,
	.check_end = sh_check_end,
	.show = anons_show,
	.caches = sh_caches,
	.gauges = sh_gauges,
	.pages = EV_shadow_pages,
};

static const struct entry_ops sh_entries = {
	.as_init = sh_as_init,
	.prepare = sh_prepare,
	.release = anons_release,
	.attach = sh_attach,
	.split = sh_split,
	.merge = sh_merge,
	.move = sh_mremap,
};

const struct anons_ops sh_anon_ops = {
	.next = sh_next,
	.each = sh_each,
	.swapped = sh_swapped,
	.end = sh_end,
	.free = sh_free,
	.drop = sh_drop,
	.is_own = sh_is_own,
	.discard = sh_discard,
	.fault = &sh_fault_ops,
	.fork = sh_fork,
	.show = sh_show,
	.check_word = sh_check_word,
	.check_entry = sh_check_entry,
};

const struct design shadow_design = {
	.name = "shadow",
	.school = &anons_school,
	.init = sh_init,
	.dup = anons_dup,
	.shared = &sh_shared,
	.anons = &sh_anon_ops,
	.entries = &sh_entries,
};
