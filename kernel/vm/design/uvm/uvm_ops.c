/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Common code knows mappings, objects, frames and swap; what a private
 *           page is, where it is found and when it is copied is the design's.
 *
 * Picture   mmap, mprotect, mremap ─→ mapentry.c, change.c    memory is wanted ─→ ../../pmap
 *           all else ─→ ../anons ─┬ entries, anons ─→ mapentry.c   fork ─→ dup.c
 *                                 ├ fault ─→ uvm_fault.c, amap.c   truncate ─→ change.c
 *                                 └ /proc, vm_check ─→ uvm_check.c
 *
 * Rules     1. Page tables are a cache (../../pmap): of shared_ops only what is asked
 *              of words that others show is filled in.
 */
#include "vm/design/uvm/uvm.h"

static const struct shared_ops uvm_shared = {
	.home = HOME_ANON,
	.refs = uvm_refs,
	.swapped = uvm_swapped_all,
	.check_word = anons_check_word,
	.check_space = anons_check_space,
	.check_end = uvm_check_end,
};

const struct anons_ops uvm_anon_ops = {
	.next = uvm_next,
	.each = uvm_each,
	.end = uvm_end,
	.free = uvm_free,
	.drop = uvm_drop,
	.is_own = uvm_is_own,
	.discard = uvm_discard,
	.fault = uvm_fault,
	.fork = uvm_fork,
	.show = uvm_show,
	.check_word = uvm_check_word,
	.check_entry = uvm_check_entry,
};

static const char *const uvm_caches[] = { "vm_anon", NULL };
static const enum ev_id uvm_gauges[] = { EV_uvm_anon_live, 0 };

const struct vmm_ops uvm_ops = {
	.name = "uvm",
	.is_cache = true,
	.as_init = uvm_as_init,
	.as_fini = anons_as_fini,
	.prepare = uvm_prepare,
	.release = anons_release,
	.attach = uvm_attach,
	.split = uvm_split,
	.merge = uvm_merge,
	.detach = anons_detach,
	.zap = anons_zap,
	.protect = anons_protect,
	.move = uvm_move,
	.advise = anons_advise,
	.dup = anons_dup,
	.lookup = anons_lookup,
	.fault = anons_fault,
	.left = pv_left,
	.evict = pmap_evict,
	.evict_any = pmap_evict_any,
	.walk = anons_walk,
	.named = anons_named,
	.init = uvm_anon_init,
	.show = anons_show,
	.caches = uvm_caches,
	.gauges = uvm_gauges,
	.pages = EV_uvm_anon_live,
	.record_pages = AMAP_CHUNK,
	.swapped = anons_swapped,
	.shared = &uvm_shared,
	.anons = &uvm_anon_ops,
};
