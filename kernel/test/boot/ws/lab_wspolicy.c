/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_wspolicy.c: lab 07, step 4: a policy of one's own, and what it costs
 *
 * Problem   Which page goes is the learner's choice: no page of it is right or
 *           wrong.  What can be said is how many faults it makes, beside those
 *           of rules that are known, and how long it takes to choose.
 *
 * Picture   references ─→ the set, with a limit ─→ faults
 *
 * Read next lab_refs.c, lab_wsage.c, lab_wsset.c; vm/ws/ws.c.
 */
#include "test/boot/ws/lab_refs.h"
#include "test/boot/swap/lab_swappages.h"
#include "test/boot/ws/lab_wsset.h"

#define LOOKS_MAX 64u       /* words for each page that goes */

/* Faults of the string in a space in which c pages fit; 0: the limit did not hold. */
static unsigned
real_faults(const char *name, unsigned n, unsigned c)
{
	struct pages p = wset_begin(n);
	unsigned k, faults = 0;

	as_set_rss(p.as, c * PAGE_SIZE);
	for (k = 0; k < refs.n && p.as->ws.pages <= c; k++)
		faults += wset_use(&p, refs.page[k]);
	CLAIM(p.as->ws.pages <= c, "string %s: %u pages fit, and %lu are in the "
	    "set: a trim of a page finds none, though each that was used has lost "
	    "A when the hand comes again", name, c, p.as->ws.pages);
	faults = p.as->ws.pages <= c ? faults : 0;
	as_set_rss(p.as, UINT64_MAX);
	wset_end(&p);
	return faults;
}

static void
strings(void)
{
	const struct refs_trial t = { .rule = REFS_CLOCK, .rule_name = "a clock",
		.what = "faults", .count = real_faults,
		.too_few = "pages stay mapped that were said to be gone" };

	refs_try(&t);
}

/* A large set at its limit, a seventh of which is in use: pages go one by one. */
static void
pace(void)
{
	uint64_t n = lab_param("n", 3000), more = lab_param("more", 400), i, went;
	struct pages p = wset_begin(n + more);
	uint64_t looks;

	wset_fill(&p, 0, n);
	as_set_rss(p.as, n * PAGE_SIZE);
	for (i = 0; i < n; i += 7)
		(void)wset_use(&p, i);
	ev_mark(1);
	looks = ev_read(EV_ws_looks);
	went = p.as->ws.trimmed;
	for (i = n; i < n + more && p.as->ws.pages <= n; i++)
		pages_write(&p, i);
	looks = ev_read(EV_ws_looks) - looks;
	went = p.as->ws.trimmed - went;
	ev_mark(2);
	CLAIM(p.as->ws.pages <= n, "%lu pages fit, and %lu are in the set: a trim "
	    "of a page finds none", n, p.as->ws.pages);
	CLAIM(went > 0, "no page went");
	if (went > 0)
		lab_show("words passed over for each page that went, of %lu: yours "
		    "%lu.%lu; at most %u", n, looks / went, looks * 10 / went % 10,
		    LOOKS_MAX);
	CLAIM(looks <= went * LOOKS_MAX, "slow: %lu words were passed over for each "
	    "page that went, of a set of %lu, and %u are allowed",
	    went > 0 ? looks / went : looks, n, LOOKS_MAX);
	as_set_rss(p.as, UINT64_MAX);
	wset_end(&p);
}

const struct selftest selftests_lab_wspolicy[] = {
	{ "lab_ws_strings", strings, "faults of five reference strings and a sort" },
	{ "lab_ws_pace", pace, "how long it takes to choose a page" },
	{ NULL, NULL, NULL },
};
