/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/uvm_ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Common code knows mappings, objects, frames and swap; what a private
 *           page is, where it is found and when it is copied is the design's.
 *
 * Picture   mmap, munmap ─→ mapentry.c    fault ─→ uvm_fault.c   fork ─→ dup.c
 *           truncate, mprotect, mremap ─→ change.c    madvise, swapoff ─→ uvm_advise.c
 *           memory is wanted ─→ ../../pmap  /proc ─→ uvm_stat.c    vm_check ─→ uvm_check.c
 *
 * Rules     1. Page tables are the design's own: of shared_ops only what is asked
 *              of words that others show is filled in.
 */
#include "vm/design/uvm/uvm.h"

static const struct shared_ops uvm_shared = {
	.home = HOME_ANON,
	.refs = uvm_refs,
	.swapped = uvm_swapped_all,
	.check_end = uvm_check_end,
};

static const char *const uvm_caches[] = { "vm_anon", NULL };
static const enum ev_id uvm_gauges[] = { EV_uvm_anon_live, 0 };

const struct vmm_ops uvm_ops = {
	.name = "uvm",
	.as_init = uvm_as_init,
	.as_fini = uvm_as_fini,
	.prepare = uvm_prepare,
	.release = uvm_release,
	.attach = uvm_attach,
	.split = uvm_split,
	.merge = uvm_merge,
	.detach = uvm_detach,
	.zap = uvm_zap,
	.protect = pmap_protect,
	.lock = pmap_set_lock,
	.move = uvm_move,
	.advise = uvm_advise,
	.dup = uvm_dup,
	.pass = uvm_pass,
	.left = pv_left,
	.evict = pmap_evict,
	.evict_any = pmap_evict_any,
	.stat = uvm_stat,
	.walk = uvm_walk,
	.named = uvm_named,
	.check = uvm_check,
	.init = uvm_anon_init,
	.show = uvm_show,
	.caches = uvm_caches,
	.gauges = uvm_gauges,
	.pages = EV_uvm_anon_live,
	.record_pages = AMAP_CHUNK,
	.swapped = uvm_swapped,
	.shared = &uvm_shared,
};
