/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault/devfault.c: F12, a page of a special object
 *
 * Problem   The memory of a device has no descriptor: no count, no home, no queue.
 *           Every design has to map it, and none has anything to keep for it.
 *
 * Picture   VAD of a device ─┬ driver.c     tables are containers ─┐
 *                            └ pmapfault.c  tables are a cache ────┴─→ fault_device
 *                                     word 0: enter it     VALID: give it rights
 *
 * Rules     1. A thread may use the memory by its address, in the kernel, too; nobody
 *              pins it, for a pin is a count in a descriptor.
 */
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"

/* What the mapping allows: nobody asks a device for its bit D. */
static uint64_t
rights(const struct fctx *f)
{
	return MD_PTE_A | ((f->v.prot & PROT_W) != 0 ? MD_PTE_W : 0) |
	    ((f->v.prot & PROT_X) != 0 ? 0 : MD_PTE_NX);
}

/* F12 device: f->v maps a special object, and permits the access.  enter puts a word
 * where there is none, and keeps the books of the table.
 * Locks: [M], [W] kept.  Returns: FAULT_DONE; FAULT_SIGNAL: it was to be pinned. */
enum fault_outcome
fault_device(struct fctx *f, void (*enter)(struct fctx *, uint64_t word))
{
	uint64_t before = word_get(f->word), word;

	if (f->pin_out != NULL)
		return fault_signal(f, SIGBUS, BUS_ADRERR);
	word = vmo_device_word(f->v.vmo, fault_index(f), rights(f));
	if (before == 0)
		enter(f, word);
	else
		(void)word_change(f->word, before & ~word & MD_PTE_NX, word);
	md_tlb_local(f->va);
	EVENT(fault_device, f->va, before, word_get(f->word), pte_pfn(word));
	return FAULT_DONE;
}
