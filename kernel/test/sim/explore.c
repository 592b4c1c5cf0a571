/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore.c: every order of a pair's steps, up to a number of preemptions
 *
 * Problem   Two threads of sixty points each have more orders than can be
 *           tried.  Almost every race needs few preemptions: switches away
 *           from a thread that could have gone on.  So all orders with at most
 *           three are tried, and others by random numbers.
 *
 * Picture   world ─→ threads run; each decision: default, or as on the path
 *             ↑         path:  0 0 1 0 0 2 │ 0 0 0 …   new ones take 0
 *             │                last that can take its next choice ──┐
 *             └──────────────── next path: 0 0 1 0 0 3 ←────────────┘
 *
 * Rules     1. A decision is a point at which two or more fibers could go on;
 *              choice 0 goes on with the current one.
 *           2. Another choice costs one preemption if the current one could
 *              have gone on, else nothing.
 *           3. What is here outlives world_restore(): it lies in memory of its
 *              own.
 *           4. A schedule is named by its decisions that are not 0:
 *              NAME/12:1,40:2 is run again by -r.
 *
 * Read next fiber.c, world.c, script.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/sim/explore.h"
#include "test/sim/sim.h"

#define DECISIONS_MAX 20000u
#define RANDOM_ONE_IN 12

struct decision {
	uint8_t chosen, n;
	bool current;
};

enum mode { MODE_SEARCH, MODE_RANDOM, MODE_REPLAY };

struct explorer {
	struct decision path[DECISIONS_MAX];
	unsigned given, at;          /* of the path: fixed, reached */
	unsigned deepest;
	enum mode mode;
	uint64_t seed;
	const char *name;
	struct explore_args args;
};

static struct explorer *ex;

/* ---- one decision ---- */

static uint64_t
random_below(uint64_t below)
{
	ex->seed ^= ex->seed << 13;
	ex->seed ^= ex->seed >> 7;
	ex->seed ^= ex->seed << 17;
	return (ex->seed * 0x2545F4914F6CDD1Dul >> 33) % below;
}

/* The choice that NAME/12:1,40:2 has for decision d. */
static unsigned
replayed(unsigned d)
{
	const char *p = strchr(ex->args.replay, '/');
	unsigned at, choice;

	for (; p != NULL; p = strchr(p + 1, ','))
		if (sscanf(p + 1, "%u:%u", &at, &choice) == 2 && at == d)
			return choice;
	return 0;
}

static unsigned
pick(unsigned d, unsigned n)
{
	switch (ex->mode) {
	case MODE_SEARCH:
		return 0;
	case MODE_RANDOM:
		return random_below(RANDOM_ONE_IN) == 0 ?
		    (unsigned)random_below(n) : 0;
	case MODE_REPLAY:
		return replayed(d);
	}
	abort();
}

unsigned
explore_choose(const unsigned *fibers, unsigned n, bool current)
{
	unsigned d = ex->at++;
	struct decision *p = &ex->path[d];

	if (d >= DECISIONS_MAX)
		sim_fail("livelock: %u decisions", d);
	if (d < ex->given) {
		if (p->n != n || p->current != current)
			sim_fail("decision %u has changed: %u of %u", d, n, p->n);
		return p->chosen;
	}
	p->n = (uint8_t)n;
	p->current = current;
	p->chosen = (uint8_t)pick(d, n);
	if (p->chosen >= n)
		sim_fail("decision %u has %u choices", d, n);
	if (getenv("STEPS") != NULL)
		fprintf(stderr, "%u: %s%s\n", d,
		    sim.fiber[fibers[p->chosen]].t.name,
		    p->chosen == 0 ? "" : " (chosen)");
	return p->chosen;
}

void
explore_print_schedule(void)
{
	char sep = '/';
	unsigned d;

	if (ex == NULL || ex->name == NULL)
		return;
	fprintf(stderr, "  schedule: %s", ex->name);
	for (d = 0; d < ex->at && d < DECISIONS_MAX; d++) {
		if (ex->path[d].chosen == 0)
			continue;
		fprintf(stderr, "%c%u:%u", sep, d, ex->path[d].chosen);
		sep = ',';
	}
	fprintf(stderr, "%s\n", sep == '/' ? "/" : "");
}

/* ---- the search ---- */

/* The last decision that can take its next choice takes it.  False: none. */
static bool
next_path(void)
{
	unsigned d, cost = 0, n = MIN(ex->at, DECISIONS_MAX);
	unsigned best = n;

	for (d = 0; d < n; d++) {
		const struct decision *p = &ex->path[d];

		if (p->chosen + 1u < p->n &&
		    cost + (p->current && p->n > 1) <= ex->args.bound)
			best = d;
		cost += p->current && p->chosen > 0;
	}
	if (best == n)
		return false;
	ex->path[best].chosen++;
	ex->given = best + 1;
	return true;
}

/* A build that counts lines (make coverage): the counters are world, too. */
#ifdef SIM_COVERAGE
void __gcov_dump(void);
void __gcov_reset(void);
#else
#define __gcov_dump() ((void)0)
#define __gcov_reset() ((void)0)
#endif

static void
keep_counts(void)
{
	__gcov_dump();
	__gcov_reset();
}

static void
one_schedule(const struct pair *p)
{
	ex->at = 0;
	pair_begin(p);
	sim_run();
	pair_end(p);
	ex->deepest = MAX(ex->deepest, ex->at);
	keep_counts();
	world_restore();
}

/* Of a processor: the host may be busy. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t
search(const struct pair *p, double until, bool *whole)
{
	bool to_the_end = pair_is_whole(p) && ex->args.bound <= WHOLE_BOUND;
	uint64_t n = 0;

	ex->mode = MODE_SEARCH;
	ex->given = 0;
	do {
		one_schedule(p);
		n++;
		*whole = !next_path();
	} while (!*whole && (to_the_end || now() < until));
	return n;
}

static uint64_t
random_ones(const struct pair *p, double until)
{
	uint64_t n;

	ex->mode = MODE_RANDOM;
	ex->given = 0;
	for (n = 0; n < ex->args.nrandom && now() < until; n++) {
		ex->seed = (ex->args.seed + n) * 0x9E3779B97F4A7C15ul | 1;
		one_schedule(p);
	}
	return n;
}

void
explore_pair(const struct pair *p, const struct explore_args *args)
{
	double start = now(), until = start + args->seconds;
	uint64_t n, r;
	bool whole;

	ex = sim_alloc(sizeof(*ex));
	ex->args = *args;
	ex->name = pair_name(p);
	pair_boot(p);
	keep_counts();
	world_save();
	if (ex->args.replay != NULL) {
		ex->mode = MODE_REPLAY;
		one_schedule(p);
		printf("%s: passes\n", ex->args.replay);
		return;
	}
	n = search(p, until, &whole);
	r = random_ones(p, now() + ex->args.seconds / 4.0);
	*(whole ? &args->sum->whole : &args->sum->part) += 1;
	args->sum->schedules += n;
	args->sum->random += r;
	printf("%-34s %9lu %s %8lu %6u %7.1f\n", ex->name, n,
	    whole ? "all " : "part", r, ex->deepest, now() - start);
	fflush(stdout);
}
