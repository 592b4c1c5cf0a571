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
#include "test/boot/lab.h"

#define SLOTS_MAX 32768u
#define HOLE_MAX 40u      /* slots of one free run, at most */
#define WANT 16u
#define LAST_ROUNDS 1000u

static struct {
	struct swap_area *a;
	uint8_t used[SLOTS_MAX];
	slot_t slot[SLOTS_MAX];   /* that are used, in any order */
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
		model.used[i] = bitmap_test(model.a->map, i);
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
	CLAIM(model.used[i] == 0, "slot %u was given out twice: two pages in one "
	    "place", i);
	CLAIM(bitmap_test(model.a->map, i), "slot %u was given out, and its bit "
	    "in the map is clear", i);
	model.ok &= model.used[i] == 0;
	model.used[i] = 1;
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

	model.used[slot & SWAP_INDEX_MAX] = 0;
	model.slot[k] = model.slot[--model.n];
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
			model.used[i] = 2;
		i += 1 + (uint32_t)(lab_random(seed) % HOLE_MAX);
	}
	for (k = model.n; model.ok && k > 0; k--)
		if (model.used[model.slot[k - 1] & SWAP_INDEX_MAX] == 2)
			give(k - 1);
}

/* n clusters: counted by who judges. */
static void
runs(void)
{
	uint64_t n = lab_param("n", 100), seed = lab_param("seed", 1) | 1, i;
	unsigned got, full = 0;

	model_begin();
	half_fill(&seed);
	books();
	ev_mark(1);
	for (i = 0; model.ok && i < n; i++) {
		got = take(WANT);
		full += got == WANT;
	}
	ev_mark(2);
	CLAIM(!model.ok || full >= n / 2, "%lu times %u slots were asked for, runs "
	    "of so many were free, and only %u calls found one", n, WANT, full);
	/* One slot is free, the last: it is found again and again. */
	while (model.ok && take(WANT) > 0)
		;
	for (i = 0; model.ok && i < model.n; i++)
		if ((model.slot[i] & SWAP_INDEX_MAX) == model.a->nslots - 1)
			break;
	ev_mark(3);
	if (model.ok && i < model.n) {
		give((unsigned)i);
		for (i = 1; model.ok && i < LAST_ROUNDS && take(1) == 1; i++)
			give(model.n - 1);
	}
	ev_mark(4);
	give_all();
}

const struct selftest selftests_lab_swap[] = {
	{ "lab_swap_slots", slots, "no slot twice, none lost, never the header" },
	{ "lab_swap_runs", runs, "clusters find runs, also in a half full area" },
	{ NULL, NULL, NULL },
};
