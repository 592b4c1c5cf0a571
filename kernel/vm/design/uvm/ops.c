/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Common code knows mappings, objects, frames and swap; what a private
 *           page is, where it is found and when it is copied is the design's.
 *
 * Picture   mmap, munmap ─→ entry.c       fault ─→ fault.c      fork ─→ dup.c
 *           truncate, mprotect, mremap ─→ change.c   madvise, swapoff ─→ advise.c
 *           memory is wanted ─→ daemon.c  /proc ─→ stat.c       vm_check ─→ check.c
 *
 * Rules     1. Page tables are the design's own: of shared_ops only what is asked
 *              of words that others show is filled in.
 */
#include "vm/design/uvm/uvm.h"

static void
uvm_init(void)
{
	uvm_anon_init();
	pv_init();
}

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
	.protect = uvm_protect,
	.lock = uvm_lock,
	.move = uvm_move,
	.advise = uvm_advise,
	.dup = uvm_dup,
	.pass = uvm_pass,
	.evict = uvm_evict,
	.evict_any = uvm_evict_any,
	.stat = uvm_stat,
	.walk = uvm_walk,
	.named = uvm_named,
	.check = uvm_check,
	.init = uvm_init,
	.show = uvm_show,
	.caches = uvm_caches,
	.gauges = uvm_gauges,
	.pages = EV_uvm_anon_live,
	.swapped = uvm_swapped,
	.shared = &uvm_shared,
};
