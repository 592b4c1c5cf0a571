/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swap.c: lab 08, step 1: slots against a set of numbers
 *
 * Problem   A slot that is given out twice is a page with another's bytes, and
 *           nobody sees it before the page comes back.  A slot that is not
 *           found is a disk that is full too early.
 *
 * Picture   random take or give ─→ swap_alloc, swap_free
 *                             └──→ model.used[]: never twice, never the header
 *
 * Rules     1. Memory is ample: nobody else takes or gives slots meanwhile.  What
 *              others have is no part of the model.
 *           2. After a claim that does not hold the rest of a test is left out,
 *              for it would say the same again.
 *
 * Read next vm/swap/swap.c, vm/swap/swaparea.c.
 */
#include "lib/bitmap.h"
#include "lib/string.h"
#include "test/boot/lab/lab.h"

#define SLOTS_MAX 32768u
#define HOLE_MAX 40u      /* slots of one free run, at most */
#define WANT 16u
#define LAST_ROUNDS 200u
#define NEAR_PERCENT 60u  /* of what next fit finds */

/* Of a slot. */
enum { FREE, OURS, TO_GO, OTHERS };

static struct {
	struct swap_area *a;
	uint8_t used[SLOTS_MAX];
	slot_t slot[SLOTS_MAX];   /* that are used, in any order */
	uint16_t where[SLOTS_MAX]; /* each of them, in slot[] */
	unsigned n;
	unsigned others;          /* that somebody else had before */
	bool ok;
} model;

/* Slots of the area that can be had here. */
static unsigned
all_slots(void)
{
	return model.a->nslots - 1 - model.a->nbad - model.others;
}

static void
model_begin(void)
{
	memset(&model, 0, sizeof(model));
	model.a = swap_area(0);
	model.ok = true;
	CHECK(model.a != NULL && model.a->nslots <= SLOTS_MAX);
	model.others = all_slots() - model.a->nfree;
	for (uint32_t i = 0; i < model.a->nslots; i++)
		model.used[i] = bitmap_test(model.a->map, i) ? OTHERS : FREE;
}

/* The sums agree with what was taken and given. */
static void
books(void)
{
	struct swap_stat st;
	unsigned n = model.n, all = all_slots();
	uint64_t room = model.a->closing ? 0 : all - n;

	swap_stat(&st);
	CLAIM(st.used == n + model.others, "%u slots are used, and swaps.used "
	    "says %lu", n + model.others, st.used);
	CLAIM(model.a->nfree == all - n, "%u slots of the area are free, and "
	    "its nfree says %u", all - n, model.a->nfree);
	CLAIM(atomic_load(&swaps.room) == room, "%lu slots may be had, and "
	    "swaps.room says %lu", room, atomic_load(&swaps.room));
	model.ok &= st.used == n + model.others && model.a->nfree == all - n;
}

/* One slot that swap_alloc gave. */
static void
take_one(slot_t slot)
{
	uint32_t i = slot & SWAP_INDEX_MAX;
	bool there = slot >> SWAP_INDEX_BITS == model.a->no && i != 0 &&
	    i < model.a->nslots;

	CLAIM(slot != 0 && i != 0, "slot 0 was given out: the header of the "
	    "area lies there, and is overwritten");
	CLAIM(i < model.a->nslots, "slot %u was given out, and the area ends at "
	    "%u", i, model.a->nslots);
	model.ok &= there;
	if (!there)
		return;
	CLAIM(model.used[i] == FREE, "slot %u was given out twice: two pages in one "
	    "place", i);
	CLAIM(bitmap_test(model.a->map, i), "slot %u was given out, and its bit "
	    "in the map is clear", i);
	model.ok &= model.used[i] == FREE;
	model.used[i] = OURS;
	model.where[i] = (uint16_t)model.n;
	model.slot[model.n++] = slot;
}

/* Up to n slots; how many. */
static unsigned
take(unsigned n)
{
	static unsigned got;
	unsigned i;
	slot_t first;

	got = 0;
	first = swap_alloc(n, &got);
	if (first == 0) {
		CLAIM(model.n == all_slots(), "swap_alloc found no slot, and %u of "
		    "%u are free", all_slots() - model.n, all_slots());
		model.ok &= model.n == all_slots();
		return 0;
	}
	CLAIM(got >= 1 && got <= n, "%u slots were asked for, and *got is %u", n,
	    got);
	CLAIM(model.n + got <= all_slots(), "swap_alloc gives slots that nobody "
	    "has given back");
	model.ok &= got >= 1 && got <= n && model.n + got <= all_slots();
	for (i = 0; model.ok && i < got; i++)
		take_one(first + i);
	return model.ok ? got : 0;
}

/* The k-th that is used goes back. */
static void
give(unsigned k)
{
	slot_t slot = model.slot[k];

	model.used[slot & SWAP_INDEX_MAX] = FREE;
	model.slot[k] = model.slot[--model.n];
	model.where[model.slot[k] & SWAP_INDEX_MAX] = (uint16_t)k;
	swap_free(slot);
	CLAIM(!bitmap_test(model.a->map, slot & SWAP_INDEX_MAX), "slot %u was "
	    "given back, and its bit in the map is set: it is lost",
	    slot & SWAP_INDEX_MAX);
}

static void
give_all(void)
{
	while (model.n > 0)
		give(model.n - 1);
	books();
}

/* n slots one by one, others given back between. */
static void
at_random(uint64_t n, uint64_t *seed)
{
	uint64_t taken = 0;
	unsigned level = all_slots() / 2;

	while (model.ok && taken < n) {
		if (model.n >= level || (model.n > 0 && lab_random(seed) % 3 == 0)) {
			give((unsigned)(lab_random(seed) % model.n));
			continue;
		}
		taken += take(1);
		if (taken % 256 == 0)
			books();
	}
	books();
}

/* To the last one, by runs; then one that comes back is found. */
static void
to_the_brim(uint64_t *seed)
{
	unsigned k;

	while (model.ok && take(1 + (unsigned)(lab_random(seed) % WANT)) > 0)
		;
	CLAIM(!swap_has_room(), "the area is full, and swap_has_room() says that "
	    "it is not");
	for (k = 0; model.ok && k < 64; k++) {
		give((unsigned)(lab_random(seed) % model.n));
		books();
		(void)take(WANT);
	}
	books();
}

/* swapoff empties an area: nothing is taken from it, all may go back. */
static void
while_it_closes(uint64_t *seed)
{
	static unsigned got;
	unsigned k;

	while (model.ok && model.n < 100)
		(void)take(1);
	swap_area_close(model.a);
	CLAIM(swap_alloc(1, &got) == 0, "a slot was given out of an area that "
	    "swapoff empties");
	for (k = 0; model.ok && k < 50; k++)
		give((unsigned)(lab_random(seed) % model.n));
	books();
	swap_area_reopen(model.a);
	books();
}

static void
slots(void)
{
	uint64_t n = lab_param("n", 50000), seed = lab_param("seed", 1) | 1;

	model_begin();
	ev_mark(1);
	at_random(n, &seed);
	ev_mark(2);
	if (model.ok)
		to_the_brim(&seed);
	give_all();
	if (model.ok)
		while_it_closes(&seed);
	give_all();
}

/* ---- runs ---- */

/*
 * All is taken; then runs of up to HOLE_MAX slots are free, with used ones as
 * long between them.
 */
static void
half_fill(uint64_t *seed)
{
	uint32_t i = 1, end;
	unsigned k;

	while (model.ok && take(WANT) > 0)
		;
	while (i < model.a->nslots) {
		end = i + 1 + (uint32_t)(lab_random(seed) % HOLE_MAX);
		for (; i < MIN(end, model.a->nslots); i++)
			if (model.used[i] == OURS)
				model.used[i] = TO_GO;
		i += 1 + (uint32_t)(lab_random(seed) % HOLE_MAX);
	}
	for (k = model.n; model.ok && k > 0; k--)
		if (model.used[model.slot[k - 1] & SWAP_INDEX_MAX] == TO_GO)
			give(k - 1);
}

/* ---- the rules that are known ---- */

enum fits_by { FIRST, NEXT, BEST, RULES };

static struct {
	uint8_t used[SLOTS_MAX];
	uint32_t hand;
} fits;

/* The run of a rule that begins within [lo, hi), n at most; how long it is. */
static unsigned
fit_between(enum fits_by rule, uint32_t lo, uint32_t hi, unsigned n, uint32_t *start)
{
	unsigned best = 0, len;
	uint32_t i, end;

	for (i = lo; i < hi; i = end + 1) {
		for (end = i; end < model.a->nslots && fits.used[end] == FREE;)
			end++;
		len = end - i;
		if (best < n ? len > best : rule == BEST && len >= n && len < best) {
			best = len;
			*start = i;
		}
		if (rule != BEST && best >= n)
			break;
	}
	return best;
}

static unsigned
fit(enum fits_by rule, unsigned n)
{
	uint32_t start = 0, low = 0, i;
	unsigned got, more;

	if (rule != NEXT)
		fits.hand = 1;
	got = fit_between(rule, fits.hand, model.a->nslots, n, &start);
	if (rule == NEXT && got < n) {
		more = fit_between(rule, 1, fits.hand, n, &low);
		start = more > got ? low : start;
		got = MAX(got, more);
	}
	got = MIN(got, n);
	for (i = start; i < start + got; i++)
		fits.used[i] = OURS;
	fits.hand = start + got;
	return got;
}

/* ---- requests while others end ---- */

/* One of ours goes back, there or in the model. */
static void
end_one(uint32_t i, bool real)
{
	if (real)
		give(model.where[i]);
	else
		fits.used[i] = FREE;
}

/* n requests of WANT slots in an area of which seven eighths are taken: what ends are
 * those that lie somewhere.  Returns: slots of all. */
static uint64_t
churn(uint64_t n, uint64_t seed, enum fits_by rule)
{
	bool real = rule == RULES;
	const uint8_t *used = real ? model.used : fits.used;
	unsigned level = all_slots() / 8 * 7, have = model.n, got, k;
	uint64_t all = 0;
	uint32_t at;

	for (; model.ok && n > 0; n--) {
		got = real ? take(WANT) : fit(rule, WANT);
		all += got;
		for (have += got; model.ok && have > level;) {
			at = 1 + (uint32_t)(lab_random(&seed) % (model.a->nslots - 1));
			k = (unsigned)(lab_random(&seed) % WANT);
			for (; k < WANT && at < model.a->nslots; k++, at++) {
				if (used[at] != OURS)
					continue;
				end_one(at, real);
				have--;
			}
		}
	}
	return all;
}

/* n clusters: counted by who judges, and shown beside what others find. */
static void
runs(void)
{
	uint64_t n = lab_param("n", 300), seed = lab_param("seed", 1) | 1;
	uint64_t all[RULES + 1];
	unsigned r;

	model_begin();
	half_fill(&seed);
	books();
	for (r = 0; r < RULES; r++) {
		memcpy(fits.used, model.used, sizeof(fits.used));
		fits.hand = 1;
		all[r] = churn(n, seed, (enum fits_by)r) * 10 / n;
	}
	ev_mark(1);
	all[RULES] = churn(n, seed, RULES) * 10 / n;
	ev_mark(2);
	books();
	lab_show("of %u slots a request gets   first fit  next fit  best fit     yours",
	    WANT);
	lab_show("                            %8lu.%lu%8lu.%lu%8lu.%lu%8lu.%lu", all[FIRST] / 10,
	    all[FIRST] % 10, all[NEXT] / 10, all[NEXT] % 10, all[BEST] / 10,
	    all[BEST] % 10, all[RULES] / 10, all[RULES] % 10);
	lab_show(all[RULES] >= all[NEXT] ? "badge: as much as next fit finds" :
	    "no badge yet: next fit finds more");
	CLAIM(!model.ok || all[RULES] * 100 >= all[NEXT] * NEAR_PERCENT, "a request of %u "
	    "got %lu.%lu slots, and next fit finds %lu.%lu; %u of 100 should be: more "
	    "requests to the disk, for the same pages", WANT, all[RULES] / 10,
	    all[RULES] % 10, all[NEXT] / 10, all[NEXT] % 10, NEAR_PERCENT);
	give_all();
}

/* One slot is free, the last: it is found again and again. */
static void
last_one(void)
{
	unsigned i;

	model_begin();
	while (model.ok && take(WANT) > 0)
		;
	ev_mark(1);
	if (model.ok) {
		give(model.where[model.a->nslots - 1]);
		for (i = 1; model.ok && i <= LAST_ROUNDS && take(1) == 1; i++)
			give(model.n - 1);
		(void)take(1);
	}
	ev_mark(2);
	give_all();
}

const struct selftest selftests_lab_swap[] = {
	{ "lab_swap_slots", slots, "no slot twice, none lost, never the header" },
	{ "lab_swap_runs", runs, "clusters find runs, also in a crowded area" },
	{ "lab_swap_pace", last_one, "how long it takes to find a slot" },
	{ NULL, NULL, NULL },
};
