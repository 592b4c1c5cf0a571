/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anons/anonscheck.c: do words, entries and anons of a space agree?
 *
 * Problem   A PTE follows from its mapping and its anon.  A bug makes them disagree
 *           long before a program notices.
 *
 * Picture   each word that maps a page ─→ design->anons->check_word: against its anon
 *           each entry ─→ range against its VAD; design->anons->check_entry: its anons
 *
 * Rules     1. vm_check has locked all spaces; nothing here waits.
 */
#include "vm/design/anons/anons.h"

/* A word that maps a page: shared->check_word.  Locks: freeze_spaces(). */
void
anons_check_word(struct aspace *as, va_t va, uint64_t word, struct vm_report *rep)
{
	struct anons_range r;

	if (anons_at(as, va >> PAGE_SHIFT, &r))
		as->design->anons->check_word(rep, r.entry, va, word);
	else
		report_word(rep, "I8", va, word, "in no entry");
}

static void
check_range(struct vm_report *rep, const struct anons_range *r)
{
	const struct vad *v = r->vad;

	if (!rep->no_vads && (v->start != r->start || v->end != r->end))
		report_bad(rep, "I18", "as %lu: entry %lx-%lx, VAD %lx-%lx",
		    rep->as->id, r->start, r->end, v->start, v->end);
}

/* The entries of one space: shared->check_space.  Locks: freeze_spaces(). */
void
anons_check_space(struct aspace *as, struct vm_report *rep, struct vm_found *found)
{
	struct anons_range r;

	ANONS_ENTRIES(r, as) {
		check_range(rep, &r);
		found->late += as->design->anons->check_entry(rep, &r);
	}
	found->late += as->commit.fed;
}
