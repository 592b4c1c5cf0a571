/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c: a finding of vm_check, in words
 *
 * Problem   Each room and each design checks its own structures; all of them
 *           report what is wrong in one form.
 *
 * Picture   (report, invariant, text) ─→ a line, and a count
 *
 * Rules     1. It may be called from every room of vm/ (layers.txt).
 */
#include "vm/evidence/report.h"
#include "vm/space/space.h"

/*
 * One finding.
 *
 * Locks:    the check lock; any others.
 */
void
report_bad(struct vm_report *rep, const char *invariant, const char *fmt, ...)
{
	va_list ap;

	rep->findings++;
	out_printf(rep->out, "%s ", invariant);
	va_start(ap, fmt);
	out_vprintf(rep->out, fmt, ap);
	va_end(ap);
	out_printf(rep->out, "\n");
}

/*
 * An offence of one word of rep->as.
 *
 * Locks:    the check lock; any others.
 */
void
report_word(struct vm_report *rep, const char *invariant, va_t va, uint64_t word,
    const char *what)
{
	const struct aspace *as = rep->as;

	report_bad(rep, invariant, "as %lu va %lx word %lx: %s", as->id, va, word, what);
}

/*
 * n of them were met: does the gauge say so?
 *
 * Locks:    the check lock; any others.
 */
void
report_counted(struct vm_report *rep, const char *invariant, const char *what,
    uint64_t n, enum ev_id gauge)
{
	if (n != ev_read(gauge))
		report_bad(rep, invariant, "%lu %s, counted %lu", n, what,
		    ev_read(gauge));
}
