/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/ops.c: the design as the rest of vm/ sees it
 *
 * Problem   Mapping calls, faults, trimming, checks and /proc are common; what
 *           they mean for private pages is the design's.
 *
 * Picture   fault ─→ fault.c, fork.c    munmap, truncate ─→ zap.c
 *           fork  ─→ fork.c, forkwait.c mremap ─→ move.c
 *           evict, mprotect ─→ evict.c  check, /proc ─→ check.c
 *           madvise ─→ advise.c
 *
 * Rules     1. attach, split, merge are not needed: a VAD says all there is to
 *              say about a mapping, nothing hangs on it.
 *
 * Read next fault.c.  Book: ch06.
 */
#include "vm/design/fmo/fmo.h"

const struct vmm_ops fmo_ops = {
	.name = "fmo",
	.as_fini = fmo_as_fini,
	.detach = fmo_detach,
	.zap = fmo_zap,
	.protect = fmo_protect,
	.move = fmo_move,
	.advise = fmo_advise,
	.dup = fmo_dup,
	.fault = fmo_fault,
	.evict = fmo_evict,
	.stat = fmo_stat,
	.walk = fmo_walk_words,
	.check = fmo_check,
	.reap = fmo_reap,
	.refs = fmo_refs,
	.bring = fmo_bring,
	.swapped = fmo_swapped,
};
