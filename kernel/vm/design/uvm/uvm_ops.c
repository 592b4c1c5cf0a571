/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Common code knows mappings, objects, frames and swap; the design decides
 *           what a private page is, where it is found and when it is copied.
 *
 * Picture   mmap, mprotect, mremap ─→ mapentry.c, change.c    memory is wanted ─→ ../../pmap
 *           all else ─→ ../anons ─┬ entries, anons ─→ mapentry.c   fork ─→ dup.c
 *                                 ├ fault ─→ amap.c   truncate ─→ change.c
 *                                 └ /proc, vm_check ─→ uvm_check.c
 *
 * Rules     1. Page tables are a cache (../../pmap), which keeps a list of the words
 *              that map each page (pv_left).
 */
#include "vm/design/uvm/uvm.h"

static const char *const uvm_caches[] = { "vm_anon", NULL };
static const enum ev_id uvm_gauges[] = { EV_uvm_anon_live, 0 };

static const struct shared_ops uvm_shared = {
	.home = HOME_ANON,
	.refs = uvm_refs,
	.swapped = uvm_each_swapped,
	.check_word = anons_check_word,
	.check_space = anons_check_space,
	.check_end = uvm_check_end,
	.show = anons_show,
	.caches = uvm_caches,
	.gauges = uvm_gauges,
	.pages = EV_uvm_anon_live,
	.left = pv_left,
	.evict_any = pmap_evict_any,
};

static const struct entry_ops uvm_entries = {
	.as_init = uvm_as_init,
	.prepare = uvm_prepare,
	.release = anons_release,
	.attach = uvm_attach,
	.split = uvm_split,
	.merge = uvm_merge,
	.move = uvm_move,
};

static const struct anons_fault_ops uvm_fault_ops = {
	.own = amap_fault_own,
	.find = amap_find,
	.found = amap_found,
	.read = amap_read,
	.make = uvm_make,
	.unmake = uvm_unmake,
	.put = amap_put,
};

const struct anons_ops uvm_anon_ops = {
	.next = uvm_next,
	.each = uvm_each,
	.end = uvm_end,
	.free = uvm_free,
	.drop = uvm_drop,
	.is_own = amap_is_own,
	.discard = uvm_discard,
	.fault = &uvm_fault_ops,
	.fork = uvm_fork,
	.show = uvm_show,
	.check_word = uvm_check_word,
	.check_entry = uvm_check_entry,
};

const struct design uvm_design = {
	.name = "uvm",
	.school = &anons_school,
	.init = uvm_anon_init,
	.dup = anons_dup,
	.shared = &uvm_shared,
	.anons = &uvm_anon_ops,
	.entries = &uvm_entries,
};
