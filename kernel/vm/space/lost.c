/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lost.c: a bad sector has taken something from a space
 *
 * Problem   Mappings and page tables can be on swap, and a sector can fail.  What
 *           it held is gone, and no copy is anywhere.  That shall cost one
 *           process, not the machine; and what it gives back at its end must not
 *           trust what is left.
 *
 * Picture   lost         noticed by                    and then
 *           VADs         vadpool_lost(): a page of     the tree is given up
 *                        VADs came back as zeros       (vad_is_given_up), SIGKILL
 *           words moved  pte_move(): a table between   they would read as zeros:
 *                        source and target was out     SIGKILL
 *           tables       pt_forget_lost(): the word    who needs one is killed
 *                        above says ERROR              (F10); counts are wrong
 *
 *           a fork of such a space fails (as_dup); its end finds links and words
 *           without VADs (as.c) and writes the counts off (pte_as_fini)
 *
 * Rules     1. A bit is set once and never cleared: the space ends.
 *           2. Who trusts a count or the tree asks as_has_lost() first; nobody
 *              looks for what is lost by any other sign.
 *           3. Slots that only a lost word named stay taken.
 */
#include "vm/space/space.h"
#include "vm/vm.h"

/*
 * Locks:    none.
 */
void
as_lose(struct aspace *as, enum as_lost what)
{
	__atomic_fetch_or(&as->lost, (uint32_t)what, __ATOMIC_SEQ_CST);
	evidence_ask(EVIDENCE_LOST);
}

/*
 * Locks:    none.
 * Returns:  as as_is_lost(), for the system calls.
 */
bool
vm_is_lost(struct aspace *as)
{
	return as_is_lost(as);
}
