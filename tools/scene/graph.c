/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * graph.c: each action in each state
 *
 * Picture   states, in the order in which they are met
 *             0 ─→ each action ─→ reads like one we have?  a step : a new state
 *             1 ─→ …
 *
 * Rules     1. By breadth: the way by which a state was met first is a shortest.
 *           2. Behind `bound` actions nothing is tried: a scene says how far.
 *           3. Where CPUs are scheduled two states are one only if each CPU has
 *              come as far, too: what it does next is not shown.
 *           4. A name that no state has, a puzzle that cannot be solved in its
 *              steps: the scene is wrong, or the kernel.
 *           5. Pointers are set before the world is kept, and lead out of it.
 *
 * Read next json.c.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/sim.h"
#include "tools/scene/play.h"

#define NONE UINT32_MAX
#define STATES_MAX 6000

static const struct scene *sc;
static struct graph *g;
static struct view *before, *after;
static struct happened *h;

/* Actions from the start to a state. */
static unsigned
path_to(unsigned state, unsigned *path)
{
	unsigned n = g->state[state].depth, s = state, i;

	for (i = n; i > 0; i--) {
		path[i - 1] = g->state[s].by;
		s = g->state[s].from;
	}
	return n;
}

static unsigned
find(const char *body)
{
	unsigned i;

	for (i = 0; i < g->nstates; i++)
		if (strcmp(g->state[i].body, body) == 0)
			return i;
	return NONE;
}

static unsigned
enter(const char *body, unsigned from, unsigned by)
{
	struct state *s = &g->state[g->nstates];

	if (g->nstates == STATES_MAX)
		sim_fail("%s has more than %u states", sc->id, STATES_MAX);
	s->body = strdup(body);
	s->step = calloc(ACTS, sizeof(*s->step));
	s->from = from;
	s->by = by;
	s->depth = from == NONE ? 0 : g->state[from].depth + 1;
	return g->nstates++;
}

/* ---- what is said of a step ---- */

/* Families that say nothing of what a reader sees, or what the state says itself. */
static bool
is_dull(const char *name)
{
	static const char *const dull[] = { "lock.", "sched.", "kpaged.", "io.",
		"check.", "commit.", "vad.visit", "vad.alloc", "vad.free",
		"page.alloc", "page.free", "page.zero", "page.pin", "page.unpin",
		"page.home", "page.state", "page.word", "page.lazy",
		"page.q_", "fault.ended", "leak.", "design." };
	unsigned i;

	for (i = 0; i < ARRAY_LEN(dull); i++)
		if (strncmp(name, dull[i], strlen(dull[i])) == 0)
			return true;
	return false;
}

static void PRINTF_LIKE(3, 4)
add(char *to, size_t size, const char *fmt, ...)
{
	size_t n = strlen(to);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(to + n, size - n, fmt, ap);
	va_end(ap);
}

static void
say_events(char *to, size_t size)
{
	unsigned i, k;

	for (i = 0; i < h->nevents; i += k) {
		const char *name = ev_rows[h->event[i]].name;

		for (k = 1; i + k < h->nevents && h->event[i + k] == h->event[i]; k++)
			;
		if (is_dull(name))
			continue;
		add(to, size, k == 1 ? "%s%s" : "%s%s*%u",
		    to[strlen(to) - 1] == '|' ? "" : " ", name, k);
	}
}

static void
say_counters(char *to, size_t size)
{
	unsigned id;

	for (id = 0; id < EV_COUNT; id++)
		if (h->moved[id] != 0 && !is_dull(ev_rows[id].name))
			add(to, size, "%s%s=%ld",
			    to[strlen(to) - 1] == '|' ? "" : " ",
			    ev_rows[id].name, h->moved[id]);
}

/* What has another name than before: "P2=P1", "P1=-" is new. */
static void
say_renamed(char *to, size_t size, char letter, const uint64_t *was,
    unsigned nwas, const uint64_t *is, unsigned nis)
{
	unsigned i, k;

	for (i = 0; i < nis; i++) {
		for (k = 0; k < nwas && was[k] != is[i]; k++)
			;
		if (k == i || (k == nwas && i >= nwas))
			continue;
		add(to, size, "%s%c%u=", to[strlen(to) - 1] == '|' ? "" : " ",
		    letter, i + 1);
		if (k == nwas)
			add(to, size, "-");
		else
			add(to, size, "%c%u", letter, k + 1);
	}
}

static unsigned
note(void)
{
	const struct labels *b = &before->labels, *a = &after->labels;
	static char text[4096];
	unsigned i;

	snprintf(text, sizeof(text), "%s|", h->says);
	say_events(text, sizeof(text));
	add(text, sizeof(text), "|");
	say_counters(text, sizeof(text));
	add(text, sizeof(text), "|");
	say_renamed(text, sizeof(text), 'P', b->frame, b->nframes, a->frame,
	    a->nframes);
	say_renamed(text, sizeof(text), 'E', b->entry, b->nentries, a->entry,
	    a->nentries);
	say_renamed(text, sizeof(text), 'S', b->slot, b->nslots, a->slot,
	    a->nslots);
	say_renamed(text, sizeof(text), 'M', b->amap, b->namaps, a->amap,
	    a->namaps);
	say_renamed(text, sizeof(text), 'V', b->vad, b->nvads, a->vad,
	    a->nvads);
	say_renamed(text, sizeof(text), 'X', b->object, b->nobjects, a->object,
	    a->nobjects);
	for (i = 0; i < g->nnotes; i++)
		if (strcmp(g->note[i], text) == 0)
			return i;
	g->note = realloc(g->note, (g->nnotes + 1) * sizeof(*g->note));
	g->note[g->nnotes] = strdup(text);
	return g->nnotes++;
}

static int
counter_of(const char *name)
{
	unsigned id;

	for (id = 0; id < EV_COUNT; id++)
		if (strcmp(ev_rows[id].name, name) == 0)
			return (int)id;
	sim_fail("%s: no counter %s", sc->id, name);
}

/* A counter of the kernel, or of libframes: "lf.copied". */
static bool
has_moved(const char *counter)
{
	return strncmp(counter, "lf.", 3) == 0 ?
	    owned_is(sc) && owned_moved(counter + 3) :
	    h->moved[counter_of(counter)] != 0;
}

static int
outcome(void)
{
	unsigned i;

	for (i = 0; i < sc->noutcomes; i++)
		if (strcmp(sc->outcome[i].counter, "-") == 0 ||
		    has_moved(sc->outcome[i].counter))
			return (int)i;
	return -1;
}

/* ---- the search ---- */

static unsigned
nacts(void)
{
	return sc->ncpus > 0 ? sc->ncpus : sc->nacts;
}

/* The kernel's own actions, and CPUs that only wait, are no steps. */
static bool
is_step(unsigned act)
{
	if (h->refused)
		return false;
	if (sc->ncpus == 0 && sc->act[act].who >= 0)
		return true;
	return strcmp(before->body, after->body) != 0;
}

static void
try(unsigned state, unsigned act)
{
	struct state *s = &g->state[state];
	unsigned path[PATH + 1], n = path_to(state, path), to;
	struct edge *st = &s->step[s->nsteps];

	path[n] = act;
	play(path, n + 1, before, after, h);
	if (strcmp(before->body, s->body) != 0)
		sim_fail("%s: a state is not met again", sc->id);
	if (!is_step(act))
		return;
	to = find(after->body);
	if (to == NONE)
		to = enter(after->body, state, act);
	*st = (struct edge){ .act = act, .to = to, .note = note(),
		.outcome = outcome() };
	s->nsteps++;
	g->nsteps++;
}

/* Are all patterns, one behind each ";", those of lines of the state. */
static bool
shows_all(const char *body, const char *when)
{
	char list[TEXT], text[BODY], *pattern, *line, *a, *b;

	snprintf(list, sizeof(list), "%s", when);
	for (pattern = strtok_r(list, ";", &a); pattern != NULL;
	    pattern = strtok_r(NULL, ";", &a)) {
		pattern += strspn(pattern, " ");
		snprintf(text, sizeof(text), "%s", body);
		for (line = strtok_r(text, "\n", &b); line != NULL;
		    line = strtok_r(NULL, "\n", &b))
			if (fnmatch(pattern, line, FNM_EXTMATCH) == 0)
				break;
		if (line == NULL)
			return false;
	}
	return true;
}

static unsigned
act_named(const char *text)
{
	char name[80];
	unsigned i;

	for (i = 0; i < nacts(); i++) {
		if (sc->ncpus > 0)
			snprintf(name, sizeof(name), "CPU %u", i);
		else
			snprintf(name, sizeof(name), "%s %s",
			    sc->act[i].who < 0 ? "-" : sc->proc[sc->act[i].who],
			    sc->act[i].label);
		if (strcmp(name, text) == 0)
			return i;
	}
	sim_fail("%s: no action \"%s\"", sc->id, text);
}

static unsigned
follow(const struct name *nm)
{
	char way[TEXT * 2], *word, *save;
	unsigned state = 0, act, i;

	snprintf(way, sizeof(way), "%s", nm->way);
	for (word = strtok_r(way, ";", &save); word != NULL;
	    word = strtok_r(NULL, ";", &save)) {
		word += strspn(word, " ");
		while (*word != '\0' && word[strlen(word) - 1] == ' ')
			word[strlen(word) - 1] = '\0';
		if (strcmp(word, "start") == 0)
			continue;
		act = act_named(word);
		for (i = 0; i < g->state[state].nsteps; i++)
			if (g->state[state].step[i].act == act)
				break;
		if (i == g->state[state].nsteps)
			sim_fail("%s: name %s: \"%s\" is not possible there",
			    sc->id, nm->id, word);
		state = g->state[state].step[i].to;
	}
	return state;
}

static void
find_names(bool planted)
{
	unsigned i, s;

	for (i = 0; i < sc->nnames; i++) {
		const struct name *nm = &sc->name[i];
		bool of_bug = strcmp(nm->id, sc->reaches) == 0;

		g->name[i] = NONE;
		for (s = 0; nm->when[0] != '\0' && s < g->nstates; s++)
			if (shows_all(g->state[s].body, nm->when)) {
				g->name[i] = s;
				break;
			}
		if (nm->way[0] != '\0')
			g->name[i] = follow(nm);
		if (of_bug && !planted && g->name[i] != NONE)
			sim_fail("%s: %s is reached without the bug", sc->id,
			    nm->id);
		/* With the bug something that is always so may never be. */
		if (g->name[i] == NONE && of_bug == planted)
			sim_fail("%s: no state is %s", sc->id, nm->id);
	}
}

static bool
note_counts(unsigned n, const char *counter)
{
	char text[48];

	snprintf(text, sizeof(text), "%s=", counter);
	return strstr(g->note[n], text) != NULL;
}

/* The fewest steps from the start that reach what the puzzle asks. */
static unsigned
least_steps(const struct puzzle *p)
{
	unsigned i, k, least = NONE;

	for (i = 0; p->at[0] != '\0' && i < sc->nnames; i++)
		if (strcmp(sc->name[i].id, p->at) == 0)
			return g->name[i] == NONE ? NONE :
			    g->state[g->name[i]].depth;
	if (p->at[0] != '\0')
		sim_fail("%s: puzzle: no name %s", sc->id, p->at);
	(void)counter_of(p->counter);
	for (i = 0; i < g->nstates; i++)
		for (k = 0; k < g->state[i].nsteps; k++)
			if (note_counts(g->state[i].step[k].note, p->counter))
				least = MIN(least, g->state[i].depth + 1);
	return least;
}

static void
solve(bool planted)
{
	unsigned i;

	for (i = 0; i < sc->npuzzles; i++) {
		const struct puzzle *p = &sc->puzzle[i];
		bool of_bug = strcmp(p->at, sc->reaches) == 0 && p->at[0] != '\0';

		g->least[i] = least_steps(p);
		if (of_bug && !planted)
			continue;
		if (g->least[i] > p->steps)
			sim_fail("%s: puzzle %u takes %d steps", sc->id, i + 1,
			    (int)g->least[i]);
	}
}

struct graph *
graph_make(const struct scene *scene, bool planted)
{
	unsigned s, a;

	sc = scene;
	g = sim_alloc(sizeof(*g));
	g->state = sim_alloc(STATES_MAX * sizeof(*g->state));
	before = sim_alloc(sizeof(*before));
	after = sim_alloc(sizeof(*after));
	h = sim_alloc(sizeof(*h));
	h->moved = sim_alloc(EV_COUNT * sizeof(*h->moved));
	play_keep();
	play(NULL, 0, NULL, after, h);
	(void)enter(after->body, NONE, 0);
	for (s = 0; s < g->nstates; s++)
		for (a = 0; a < nacts() && g->state[s].depth < sc->bound; a++)
			try(s, a);
	find_names(planted);
	solve(planted);
	return g;
}
