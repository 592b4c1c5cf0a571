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
 *
 * Rules     1. attach, split, merge are not needed: a VAD says all there is to
 *              say about a mapping, nothing hangs on it.
 *
 * Read next vm/design/fmo/fault.c.  Book: ch06.
 */
#include "vm/advice.h"
#include "vm/design/fmo/fmo.h"

/*
 * madvise for what lies in [lo, hi) vpn of one VAD: ops->advise.
 *
 * FREE promises only that pages may vanish; without pageout they stay.
 *
 * Locks:    [M] exclusive.
 * Returns:  0.
 */
static int
fmo_advise(struct aspace *as, struct vad *vad, uint64_t lo, uint64_t hi,
    int advice)
{
	if (advice == MADV_DONTNEED)
		fmo_detach(as, vad, lo, hi);
	else if (advice == MADV_PAGEOUT)
		fmo_trim_range(as, lo, hi);
	return 0;
}

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
	.swapped = fmo_swapped,
};
