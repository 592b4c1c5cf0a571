/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Common code knows mappings, objects, frames and swap; the design decides
 *           what a private page is, where it is found and when it is copied.
 *
 * Picture   mmap, mremap ─→ sx_object.c, sx_change.c    memory is wanted, mprotect ─→ ../../pmap
 *           all else ─→ ../anons ─┬ objects, anons ─→ sx_object.c   fork ─→ sx_dup.c
 *                                 ├ fault ─→ sx_fault.c, unshare.c   truncate ─→ sx_change.c
 *                                 └ /proc ─→ sx_stat.c   vm_check ─→ sx_check.c
 *
 * Rules     1. Pages are trimmed from one map (evict); a page that others map stays:
 *              there is no evict_any.
 */
#include "vm/design/scalux/scalux.h"

static const char *const sx_caches[] = { "sx_anon", "sx_entry", "sx_amap", NULL };
static const enum ev_id sx_gauges[] = {
	EV_scalux_anon_live, EV_scalux_file_anons, EV_scalux_entries,
	EV_scalux_amap_live, 0,
};

static const struct shared_ops sx_shared = {
	.home = HOME_SXANON,
	.refs = sx_refs,
	.swapped = sx_each_swapped,
	.check_word = anons_check_word,
	.check_space = anons_check_space,
	.check_end = sx_check_end,
	.show = anons_show,
	.caches = sx_caches,
	.gauges = sx_gauges,
	.pages = EV_scalux_anon_live,
	.left = sx_left,
};

static const struct entry_ops sx_objects = {
	.as_init = sx_as_init,
	.prepare = sx_prepare,
	.release = anons_release,
	.attach = sx_attach,
	.split = sx_split,
	.merge = sx_merge,
	.move = sx_mremap,
};

const struct anons_ops sx_anon_ops = {
	.next = sx_next,
	.each = sx_each,
	.end = sx_end,
	.free = sx_free,
	.drop = sx_drop_all,
	.is_own = sx_is_own,
	.discard = sx_discard,
	.fault = &sx_fault_ops,
	.fork = sx_fork,
	.show = sx_show,
	.check_word = sx_check_word,
	.check_entry = sx_check_entry,
};

const struct design scalux_design = {
	.name = "scalux",
	.school = &anons_school,
	.init = sx_init,
	.dup = anons_dup,
	.shared = &sx_shared,
	.anons = &sx_anon_ops,
	.entries = &sx_objects,
};
