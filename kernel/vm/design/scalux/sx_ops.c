/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalux/sx_ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Common code knows mappings, objects, frames and swap; what a private
 *           page is, where it is found and when it is copied is the design's.
 *
 * Picture   mmap, munmap ─→ sx_object.c    fault ─→ sx_fault.c, unshare.c   fork ─→ sx_dup.c
 *           truncate, mremap ─→ sx_change.c    madvise, swapoff ─→ sx_advise.c
 *           memory is wanted, mprotect, mlock ─→ ../../pmap
 *           /proc ─→ sx_stat.c    vm_check ─→ sx_check.c
 *
 * Rules     1. Trimming is of one map (evict); a page that others map stays: there
 *              is no evict_any.
 */
#include "vm/design/scalux/scalux.h"

static const struct shared_ops sx_shared = {
	.home = HOME_SXANON,
	.refs = sx_refs,
	.swapped = sx_swapped_all,
	.check_end = sx_check_end,
};

static const char *const sx_caches[] = { "sx_anon", "sx_entry", "sx_amap", NULL };
static const enum ev_id sx_gauges[] = {
	EV_scalux_anon_live, EV_scalux_file_anons, EV_scalux_entries,
	EV_scalux_amap_live, 0,
};

const struct vmm_ops scalux_ops = {
	.name = "scalux",
	.record_pages = 16,
	.as_init = sx_as_init,
	.as_fini = sx_as_fini,
	.prepare = sx_prepare,
	.release = sx_release,
	.attach = sx_attach,
	.split = sx_split,
	.merge = sx_merge,
	.detach = sx_detach,
	.zap = sx_zap,
	.protect = pmap_protect,
	.lock = pmap_set_lock,
	.move = sx_mremap,
	.advise = sx_advise,
	.dup = sx_dup,
	.pass = sx_pass,
	.left = sx_left,
	.evict = pmap_evict,
	.stat = sx_stat,
	.walk = sx_walk,
	.named = sx_named,
	.check = sx_check,
	.init = sx_init,
	.show = sx_show,
	.caches = sx_caches,
	.gauges = sx_gauges,
	.pages = EV_scalux_anon_live,
	.swapped = sx_swapped,
	.shared = &sx_shared,
};
