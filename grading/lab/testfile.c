/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testfile.c: one test from its text
 *
 * Problem   A typing error in a test must not become a test that checks less.
 *
 * Picture   line ─→ words ─→ row of keywords[] ─→ its reader ─→ struct test
 *
 * Rules     1. Unknown keywords, missing and surplus words, and a keyword given
 *              twice where once is meant are errors with file and line.
 *           2. Expressions are read here as text; lint.c and judge.c evaluate.
 *
 * Read next grading/TESTFILE.md is the grammar; self/lint.c, judge/judge.c.
 */
#include <stdlib.h>
#include <string.h>

#include "lab/lab.h"

struct line {
	struct test *t;
	const struct words *w; /* w->v[0] is the keyword */
	char *why;
};

static void complain(struct line *, const char *what);
static void line_read(struct line *);

/* ---- small readers ---- */

static void
complain(struct line *l, const char *what)
{
	if (l->why == NULL)
		l->why = xprintf("%s: %s", l->w->v[0], what);
}

static void
to_text(struct line *l, char **field)
{
	if (*field != NULL)
		complain(l, "given twice");
	else
		*field = words_join(l->w, 1, l->w->n);
}

static void
to_int(struct line *l, int *field)
{
	int64_t v;

	if (!number_read(l->w->v[1], &v) || v < 0 || v > 1000000)
		complain(l, "no such number");
	*field = (int)v;
}

static void
to_size(struct line *l, int64_t *field)
{
	if (!number_read(l->w->v[1], field) || *field < 0)
		complain(l, "no such size");
}

static void
to_list(struct line *l, struct words *field)
{
	size_t i;

	for (i = 1; i < l->w->n; i++)
		words_add(field, l->w->v[i]);
}

static void
to_bool(struct line *l, bool *field)
{
	*field = strcmp(l->w->v[1], "yes") == 0;
	if (!*field && strcmp(l->w->v[1], "no") != 0)
		complain(l, "yes or no");
}

/* Is there one more place in a table of n? */
static bool
room(struct line *l, size_t n)
{
	if (n < MAX_ITEMS)
		return true;
	complain(l, "too many");
	return false;
}

/* ---- keywords of their own kind ---- */

static void
read_gate(struct line *l)
{
	if (l->w->n == 1)
		l->t->gate = true;
	else if (strcmp(l->w->v[1], "step") == 0)
		l->t->step_gate = true;
	else
		complain(l, "GATE, or GATE step");
}

static void
read_disk(struct line *l)
{
	to_text(l, &l->t->disk);
	if (strcmp(l->t->disk, "mem") != 0 && strcmp(l->t->disk, "ide") != 0)
		complain(l, "mem or ide");
}

static void
read_kind(struct line *l)
{
	to_text(l, &l->t->kind);
	if (strlen(l->t->kind) != 1 || strchr("KULIR", l->t->kind[0]) == NULL)
		complain(l, "K, U, L, I or R");
}

static void
read_param(struct line *l)
{
	const struct words *w = l->w;
	struct param *p = &l->t->param[l->t->nparams];
	size_t i;

	if (!room(l, l->t->nparams))
		return;
	if (strcmp(w->v[2], "=") != 0) {
		complain(l, "NAME = …");
		return;
	}
	l->t->nparams++;
	p->name = xstrdup(w->v[1]);
	if (strcmp(w->v[3], "range") == 0) {
		p->kind = PARAM_RANGE;
		if (w->n != 6 || !number_read(w->v[4], &p->lo) ||
		    !number_read(w->v[5], &p->hi) || p->lo > p->hi)
			complain(l, "range LOW HIGH");
	} else if (strcmp(w->v[3], "choice") == 0) {
		p->kind = PARAM_CHOICE;
		for (i = 4; i < w->n; i++)
			words_add(&p->choice, w->v[i]);
		if (p->choice.n == 0)
			complain(l, "choice of nothing");
	} else {
		p->kind = PARAM_EXPR;
		p->expr = words_join(w, 3, w->n);
	}
}

static void
read_region(struct line *l)
{
	struct region *r = &l->t->region[l->t->nregions];
	int64_t a = 2 * (int64_t)l->t->nregions + 1, b = a + 1;

	if (!room(l, l->t->nregions))
		return;
	if (l->w->n == 3 ||
	    (l->w->n == 4 && (!number_read(l->w->v[2], &a) ||
				 !number_read(l->w->v[3], &b))))
		complain(l, "NAME [FIRST LAST]");
	if (test_region(l->t, l->w->v[1]) != NULL)
		complain(l, "name given twice");
	r->name = xstrdup(l->w->v[1]);
	r->first = (unsigned)a;
	r->last = (unsigned)b;
	l->t->nregions++;
}

static void
read_exit(struct line *l)
{
	if (l->t->exit != NULL)
		complain(l, "given twice");
	l->t->exit_signal = strcmp(l->w->v[1], "signal") == 0;
	l->t->exit = words_join(l->w, l->t->exit_signal ? 2 : 1, l->w->n);
}

/* Where a relation's operator or ".." stands; 0: nowhere. */
static size_t
find_op(const struct words *w, size_t from)
{
	size_t i;

	for (i = from; i < w->n; i++)
		if (op_known(w->v[i]) || strcmp(w->v[i], "..") == 0)
			return i;
	return 0;
}

static void
read_answer(struct line *l)
{
	const struct words *w = l->w;
	struct answer *a = &l->t->answer[l->t->nanswers];

	if (!room(l, l->t->nanswers))
		return;
	l->t->nanswers++;
	a->name = xstrdup(w->v[1]);
	if (w->n == 5 && strcmp(w->v[2], "sha256") == 0 &&
	    strcmp(w->v[3], "of") == 0) {
		a->kind = ANSWER_DIGEST;
		a->expr = xstrdup(w->v[4]);
	} else if (op_known(w->v[2])) {
		a->kind = ANSWER_NUMBER;
		a->op = xstrdup(w->v[2]);
		a->expr = words_join(w, 3, w->n);
	} else {
		complain(l, "NAME OP EXPR, or NAME sha256 of challenge");
	}
}

static void
read_output(struct line *l)
{
	struct answer *a = &l->t->answer[l->t->nanswers];

	if (!room(l, l->t->nanswers))
		return;
	l->t->nanswers++;
	a->kind = ANSWER_OUTPUT;
	a->name = xstrdup("output");
	a->expr = words_join(l->w, 1, l->w->n);
}

/* "left op right [deed]", or "left low .. high [deed]" with one-word left. */
static void
read_claim(struct line *l)
{
	const struct words *w = l->w;
	struct claim *c = &l->t->claim[l->t->nclaims];
	bool deed = strcmp(w->v[w->n - 1], "deed") == 0;
	size_t op = find_op(w, 2), end = deed ? w->n - 1 : w->n;

	if (!room(l, l->t->nclaims))
		return;
	if (op < 3 || op + 1 >= end) {
		complain(l, "REGION EXPR OP EXPR, or REGION NAME LOW .. HIGH");
		return;
	}
	l->t->nclaims++;
	c->kind = w->v[0][0] == 'C' ? CLAIM_COUNT : CLAIM_WITNESS;
	c->region = xstrdup(w->v[1]);
	c->op = xstrdup(w->v[op]);
	c->deed = deed;
	if (strcmp(c->op, "..") != 0) {
		c->left = words_join(w, 2, op);
		c->right = words_join(w, op + 1, end);
		return;
	}
	c->left = words_join(w, 2, 3);
	c->right = words_join(w, 3, op);
	c->high = words_join(w, op + 1, end);
	if (c->right[0] == '\0')
		complain(l, "no lower bound");
}

static void
read_check(struct line *l)
{
	size_t i;

	for (i = 1; i < l->w->n; i++) {
		if (strcmp(l->w->v[i], "vm") == 0)
			l->t->check_vm = true;
		else if (strcmp(l->w->v[i], "leak") == 0)
			l->t->check_leak = true;
		else
			complain(l, "vm, leak");
	}
}

static void
read_hint(struct line *l)
{
	const struct words *w = l->w;
	struct hint *h = &l->t->hint[l->t->nhints];
	size_t op = find_op(w, 2), last = w->n - 1, i;

	if (!room(l, l->t->nhints))
		return;
	for (i = last; i > 2; i--) {
		if (strcmp(w->v[i - 1], "look") != 0)
			continue;
		for (; i < w->n; i++)
			words_add(&h->look, w->v[i]);
		last = w->n - h->look.n - 2;
		break;
	}
	l->t->nhints++;
	h->text = xstrdup(w->v[last]);
	if (op != 0 && op + 1 < last) {
		h->kind = HINT_RELATION;
		h->left = words_join(w, 1, op);
		h->op = xstrdup(w->v[op]);
		h->right = words_join(w, op + 1, last);
	} else if (last == 3 && strcmp(w->v[1], "answer") == 0) {
		h->kind = HINT_ANSWER;
		h->left = xstrdup(w->v[2]);
	} else if (last == 3 && strcmp(w->v[1], "claim") == 0) {
		h->kind = HINT_CLAIM;
		h->left = xstrdup(w->v[2]);
	} else if (last == 2) {
		h->kind = HINT_STATUS;
		h->left = xstrdup(w->v[1]);
	} else {
		complain(l, "EXPR OP EXPR \"text\"");
	}
}

static void
read_inject(struct line *l)
{
	const struct words *w = l->w;
	char *dots = strstr(w->v[2], "..");

	l->t->inject = xstrdup(w->v[1]);
	if (dots != NULL)
		*dots = '\0';
	if (w->n != 3 || !number_read(w->v[2], &l->t->inject_from) ||
	    (dots != NULL && !number_read(dots + 2, &l->t->inject_to)))
		complain(l, "POINT N or POINT N..M");
	if (dots == NULL)
		l->t->inject_to = l->t->inject_from;
	else
		*dots = '.';
}

/* ---- the table ---- */

#define FIELD(reader, field)                                                   \
	static void reader##_##field(struct line *l)                           \
	{                                                                      \
		reader(l, &l->t->field);                                       \
	}

FIELD(to_text, name)
FIELD(to_text, id)
FIELD(to_text, title)
FIELD(to_text, parent)
FIELD(to_text, design)
FIELD(to_text, book)
FIELD(to_text, selftest)
FIELD(to_text, input)
FIELD(to_int, step)
FIELD(to_int, points)
FIELD(to_int, cpus)
FIELD(to_size, mem)
FIELD(to_size, swap)
FIELD(to_size, root)
FIELD(to_size, timeout)
FIELD(to_size, challenge)
FIELD(to_list, program)
FIELD(to_list, look)
FIELD(to_list, mutants)
FIELD(to_list, options)
FIELD(to_list, files)
FIELD(to_list, tags)
FIELD(to_list, hostcheck)
FIELD(to_bool, prefault)
FIELD(to_bool, shared_image)

/* "SCHED n", or "SCHED n few". */
static void
read_sched(struct line *l)
{
	int64_t few = 0;

	to_int(l, &l->t->sched);
	if (l->w->n > 2 && (!number_read(l->w->v[2], &few) || few < 1 ||
	    few >= l->t->sched))
		complain(l, "SCHED N FEW: fewer than N, one at least");
	l->t->few = (int)few;
}

static const struct {
	const char *name;
	size_t min, max; /* words behind the keyword; max 0: any number */
	void (*read)(struct line *);
} keywords[] = {
	{ "NAME", 1, 1, to_text_name },
	{ "ID", 1, 1, to_text_id },
	{ "TITLE", 1, 0, to_text_title },
	{ "STEP", 1, 1, to_int_step },
	{ "POINTS", 1, 1, to_int_points },
	{ "GATE", 0, 1, read_gate },
	{ "PARENT", 1, 1, to_text_parent },
	{ "KIND", 1, 1, read_kind },
	{ "DESIGN", 1, 1, to_text_design },
	{ "MEM", 1, 1, to_size_mem },
	{ "SWAP", 1, 1, to_size_swap },
	{ "ROOT", 1, 1, to_size_root },
	{ "CPUS", 1, 1, to_int_cpus },
	{ "DISK", 1, 1, read_disk },
	{ "TIMEOUT", 1, 1, to_size_timeout },
	{ "PARAM", 3, 0, read_param },
	{ "PROGRAM", 1, 0, to_list_program },
	{ "SELFTEST", 1, 1, to_text_selftest },
	{ "CHALLENGE", 1, 1, to_size_challenge },
	{ "REGION", 1, 3, read_region },
	{ "EXIT", 1, 0, read_exit },
	{ "ANSWER", 3, 0, read_answer },
	{ "OUTPUT", 1, 0, read_output },
	{ "COUNT", 4, 0, read_claim },
	{ "WITNESS", 4, 0, read_claim },
	{ "CHECK", 1, 2, read_check },
	{ "LOOK", 1, 0, to_list_look },
	{ "BOOK", 1, 1, to_text_book },
	{ "HINT", 2, 0, read_hint },
	{ "MUTANTS", 0, 0, to_list_mutants },
	{ "SCHED", 1, 2, read_sched },
	{ "INJECT", 2, 2, read_inject },
	{ "OPTION", 1, 1, to_list_options },
	{ "FILES", 1, 0, to_list_files },
	{ "STDIN", 1, 1, to_text_input },
	{ "PREFAULT", 1, 1, to_bool_prefault },
	{ "SHARED_IMAGE", 1, 1, to_bool_shared_image },
	{ "HOSTCHECK", 1, 0, to_list_hostcheck },
	{ "TAGS", 0, 0, to_list_tags },
};

static void
line_read(struct line *l)
{
	size_t i, n = l->w->n - 1;

	for (i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
		if (strcmp(l->w->v[0], keywords[i].name) != 0)
			continue;
		if (n < keywords[i].min ||
		    (keywords[i].max != 0 && n > keywords[i].max))
			complain(l, "too few or too many words");
		else
			keywords[i].read(l);
		return;
	}
	complain(l, "unknown keyword");
}

/* ---- the file ---- */

static void
text_default(char **field, const char *value)
{
	if (*field == NULL)
		*field = xstrdup(value);
}

static void
set_defaults(struct test *t)
{
	text_default(&t->design, "fmo");
	text_default(&t->disk, "mem");
	text_default(&t->kind, t->selftest != NULL ? "K" : "U");
	text_default(&t->exit, "0");
	text_default(&t->title, "");
	text_default(&t->book, "");
	if (t->mem == 0)
		t->mem = 64 << 20;
	if (t->cpus == 0)
		t->cpus = 1;
	if (t->timeout == 0)
		t->timeout = 300 << 20;
}

static char *
missing(const struct test *t)
{
	if (t->name == NULL || t->id == NULL)
		return xstrdup("NAME and ID are missing");
	if ((t->program.n == 0) == (t->selftest == NULL))
		return xstrdup("either PROGRAM or SELFTEST");
	if (t->parent == NULL && t->step == 0)
		return xstrdup("STEP is missing");
	if (t->parent != NULL && t->points != 0)
		return xstrdup("a test with a PARENT has no POINTS");
	return NULL;
}

struct test *
test_parse(const char *path, const char *text, char **why)
{
	struct test *t = xalloc(sizeof *t);
	struct line l = { .t = t };
	const char *end;
	struct words w;
	int nr = 0;
	char *s;

	t->path = xstrdup(path);
	for (; *text != '\0' && l.why == NULL; text = *end ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		nr++;
		s = strndup(text, end - text);
		w = words_split(s != NULL ? s : "", &l.why);
		free(s);
		l.w = &w;
		if (w.n > 0 && l.why == NULL)
			line_read(&l);
		words_free(&w);
	}
	if (l.why != NULL) {
		*why = xprintf("%s:%d: %s", path, nr, l.why);
	} else {
		set_defaults(t);
		l.why = missing(t);
		if (l.why == NULL)
			return t;
		*why = xprintf("%s: %s", path, l.why);
	}
	free(l.why);
	test_drop(t);
	return NULL;
}

struct test *
test_read(const char *path, char **why)
{
	char *text = file_read(path, NULL);
	struct test *t;

	if (text == NULL) {
		*why = xprintf("%s: cannot be read", path);
		return NULL;
	}
	t = test_parse(path, text, why);
	free(text);
	return t;
}

const struct region *
test_region(const struct test *t, const char *name)
{
	static const struct region all = { (char *)"all", 0, LAST_MARK };
	size_t i;

	for (i = 0; i < t->nregions; i++)
		if (strcmp(t->region[i].name, name) == 0)
			return &t->region[i];
	return strcmp(name, "all") == 0 ? &all : NULL;
}

static void
items_free(struct test *t)
{
	size_t i;

	for (i = 0; i < MAX_ITEMS; i++) {
		free(t->param[i].name);
		words_free(&t->param[i].choice);
		free(t->param[i].expr);
		free(t->region[i].name);
		free(t->claim[i].region);
		free(t->claim[i].left);
		free(t->claim[i].op);
		free(t->claim[i].right);
		free(t->claim[i].high);
		free(t->answer[i].name);
		free(t->answer[i].op);
		free(t->answer[i].expr);
		free(t->hint[i].left);
		free(t->hint[i].op);
		free(t->hint[i].right);
		free(t->hint[i].text);
		words_free(&t->hint[i].look);
	}
}

void
test_drop(struct test *t)
{
	char *text[] = { t->path, t->name, t->id, t->title, t->parent, t->kind,
		t->design, t->disk, t->book, t->selftest, t->inject, t->input,
		t->exit };
	struct words *list[] = { &t->program, &t->look, &t->mutants,
		&t->options, &t->files, &t->tags, &t->hostcheck };
	size_t i;

	for (i = 0; i < sizeof text / sizeof text[0]; i++)
		free(text[i]);
	for (i = 0; i < sizeof list / sizeof list[0]; i++)
		words_free(list[i]);
	items_free(t);
	free(t);
}
