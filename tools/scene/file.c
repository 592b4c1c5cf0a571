/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c: a scene as text
 *
 * Picture   title Copy-on-write, and the last owner
 *           process A B C
 *           pages 1                    or which: page 0 1 512
 *           shows entries
 *           designs fmo uvm            a graph under each: option -d says which
 *           start map 0 1; store 0
 *           act A,B,C store : store 0
 *           act A fork B : fork B
 *           outcome fault.fork_copy : the page is copied
 *           name shared : A fork B : two words, one entry
 *           puzzle 5 count fmo.steal : let the last owner take its page back
 *
 * Rules     1. A line is a word and what belongs to it; parts are divided by
 *              " : ", operations by ";".  What they are: play.c, and the words of
 *              test/sim/ops*.c.
 *
 * Read next play.c.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

static const char *path_now;
static unsigned line_now;

static void __attribute__((noreturn))
bad(const char *what, const char *which)
{
	fprintf(stderr, "%s:%u: %s: %s\n", path_now, line_now, what, which);
	exit(2);
}

static char *
trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

/* The next part of *rest up to the divider; NULL: there is none. */
static char *
part(char **rest, const char *divider)
{
	char *s = *rest, *end;

	if (s == NULL)
		return NULL;
	end = strstr(s, divider);
	*rest = end == NULL ? NULL : end + strlen(divider);
	if (end != NULL)
		*end = '\0';
	return trim(s);
}

static char *
must(char **rest, const char *divider, const char *what)
{
	char *s = part(rest, divider);

	if (s == NULL || *s == '\0')
		bad("missing", what);
	return s;
}

static void
set(char *to, size_t size, const char *from)
{
	if (strlen(from) >= size)
		bad("too long", from);
	strcpy(to, from);
}

static unsigned
number(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (end == s || *end != '\0')
		bad("not a number", s);
	return (unsigned)n;
}

static unsigned
ops(char *rest, char **op, unsigned max)
{
	unsigned n = 0;
	char *s;

	while ((s = part(&rest, ";")) != NULL) {
		if (*s == '\0')
			continue;
		if (n == max)
			bad("too many operations", s);
		op[n++] = strdup(s);
	}
	return n;
}

static int
proc_of(const struct scene *sc, const char *name)
{
	unsigned i;

	for (i = 0; i < sc->nprocs; i++)
		if (strcmp(sc->proc[i], name) == 0)
			return (int)i;
	if (strcmp(name, "-") != 0)
		bad("no such process", name);
	return -1;
}

/* act A,B LABEL : OPS, for each of them. */
static void
line_act(struct scene *sc, char *rest)
{
	char *head = must(&rest, " : ", "operations"), *label = head, *who, *next;

	who = part(&label, " ");
	if (label == NULL)
		bad("no label", who);
	for (; (next = part(&who, ",")) != NULL;) {
		struct act *a = &sc->act[sc->nacts++];
		char *copy = strdup(rest);

		if (sc->nacts == ACTS)
			bad("too many actions", label);
		a->who = proc_of(sc, next);
		set(a->label, sizeof(a->label), trim(label));
		a->nops = ops(copy, a->op, OPS);
	}
}

static void
line_cpu(struct scene *sc, char *rest)
{
	char *who = must(&rest, " : ", "operations");

	if (sc->ncpus == CPUS)
		bad("too many CPUs", who);
	sc->cpu[sc->ncpus].proc = (unsigned)proc_of(sc, who);
	sc->cpu[sc->ncpus].nops = ops(rest, sc->cpu[sc->ncpus].op, OPS);
	sc->ncpus++;
}

static void
line_shows(struct scene *sc, char *rest)
{
	static const char *const names[] = { "entries", "file", "swap", "queues",
		"age", "object", "vads", "tables", "walk" };
	unsigned i;
	char *s;

	while ((s = part(&rest, " ")) != NULL) {
		for (i = 0; i < 9 && strcmp(names[i], s) != 0; i++)
			;
		if (i == 9)
			bad("cannot show", s);
		sc->shows |= 1u << i;
	}
}

/* page 0 1 512: these, and not the first few. */
static void
line_page(struct scene *sc, char *rest)
{
	char *s;

	while ((s = part(&rest, " ")) != NULL) {
		if (sc->npages == PAGES)
			bad("too many pages", s);
		sc->at[sc->npages++] = number(s);
	}
}

static void
line_outcome(struct scene *sc, char *rest)
{
	struct outcome *o = &sc->outcome[sc->noutcomes++];

	if (sc->noutcomes == LISTS)
		bad("too many", "outcomes");
	set(o->counter, sizeof(o->counter), must(&rest, " : ", "text"));
	set(o->text, sizeof(o->text), must(&rest, " : ", "text"));
}

/* name ID : WAY : TEXT, or name ID : when PATTERNS : TEXT. */
static void
line_name(struct scene *sc, char *rest)
{
	struct name *n = &sc->name[sc->nnames++];
	char *how;

	if (sc->nnames == LISTS)
		bad("too many", "names");
	set(n->id, sizeof(n->id), must(&rest, " : ", "way"));
	how = must(&rest, " : ", "way");
	if (strncmp(how, "when ", 5) == 0)
		set(n->when, sizeof(n->when), trim(how + 5));
	else
		set(n->way, sizeof(n->way), how);
	set(n->text, sizeof(n->text), must(&rest, " : ", "text"));
}

/* puzzle N at NAME : TEXT, puzzle N count COUNTER : TEXT. */
static void
line_puzzle(struct scene *sc, char *rest)
{
	struct puzzle *p = &sc->puzzle[sc->npuzzles++];
	char *goal = must(&rest, " : ", "text");
	char kind[16], what[32];

	if (sc->npuzzles == LISTS)
		bad("too many", "puzzles");
	if (sscanf(goal, "%u %15s %31s", &p->steps, kind, what) != 3)
		bad("cannot read", goal);
	if (strcmp(kind, "at") == 0)
		set(p->at, sizeof(p->at), what);
	else if (strcmp(kind, "count") == 0)
		set(p->counter, sizeof(p->counter), what);
	else
		bad("at or count", kind);
	set(p->text, sizeof(p->text), must(&rest, " : ", "text"));
}

static void
line_process(struct scene *sc, char *rest)
{
	char *s;

	while ((s = part(&rest, " ")) != NULL) {
		if (sc->nprocs == PROCS)
			bad("too many processes", s);
		set(sc->proc[sc->nprocs++], sizeof(sc->proc[0]), s);
	}
}

static void
line_bug(struct scene *sc, char *rest)
{
	set(sc->bug, sizeof(sc->bug), must(&rest, " : ", "name"));
	set(sc->reaches, sizeof(sc->reaches), must(&rest, " : ", "name"));
}

static void
line(struct scene *sc, const char *key, char *rest)
{
	static const struct {
		const char *key;
		void (*read)(struct scene *, char *);
	} lines[] = { { "act", line_act }, { "cpu", line_cpu },
		{ "shows", line_shows }, { "page", line_page }, { "outcome", line_outcome },
		{ "name", line_name }, { "puzzle", line_puzzle },
		{ "process", line_process }, { "bug", line_bug } };
	const struct {
		const char *key;
		unsigned *to;
	} numbers[] = { { "pages", &sc->npages }, { "frames", &sc->frames },
		{ "swap", &sc->slots }, { "file", &sc->file },
		{ "object", &sc->object }, { "bound", &sc->bound } };
	unsigned i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strcmp(key, lines[i].key) == 0) {
			lines[i].read(sc, rest);
			return;
		}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(key, numbers[i].key) == 0) {
			*numbers[i].to = number(rest);
			return;
		}
	if (strcmp(key, "title") == 0)
		set(sc->title, sizeof(sc->title), rest);
	else if (strcmp(key, "boot") == 0)
		set(sc->boot, sizeof(sc->boot), rest);
	else if (strcmp(key, "designs") == 0)
		set(sc->designs, sizeof(sc->designs), rest);
	else if (strcmp(key, "start") == 0)
		sc->nstart = ops(rest, sc->start, OPS * 2);
	else
		bad("unknown word", key);
}

struct scene *
scene_read(const char *path)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	const char *base = strrchr(path, '/');
	FILE *f = fopen(path, "r");
	char text[512], *rest, *key;
	unsigned i;

	path_now = path;
	if (f == NULL)
		bad("cannot be read", path);
	set(sc->id, sizeof(sc->id), base == NULL ? path : base + 1);
	sc->id[strcspn(sc->id, ".")] = '\0';
	sc->frames = 400;
	sc->bound = PATH;
	for (i = 0; i < PAGES; i++)
		sc->at[i] = i;
	while (fgets(text, sizeof(text), f) != NULL) {
		line_now++;
		rest = trim(text);
		if (*rest == '\0' || *rest == '#')
			continue;
		key = part(&rest, " ");
		if (rest == NULL)
			bad("nothing behind", key);
		line(sc, key, trim(rest));
	}
	fclose(f);
	if (sc->title[0] == '\0' || sc->nprocs == 0 || sc->npages == 0 ||
	    sc->npages > PAGES)
		bad("a scene has", "title, process, pages");
	return sc;
}
