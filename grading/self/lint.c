/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lint.c: are the tests themselves right?
 *
 * Problem   A test that asks for nothing, for a counter that is not there, or
 *           for an exact count on a disk at host speed, is worse than none.
 *
 * Picture   each lab: points sum to 100 · each test: deed, names, bounds,
 *           parents, hints
 *
 * Rules     One line per offence, with the file; silent when all is well.
 *
 * Read next grading/TESTFILE.md.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate.h"
#include "learn/learn.h"
#include "self/self.h"

struct lint {
	const struct lab *lab;
	const struct test *t;
	const char *why; /* of a name that is not known */
	int offences;
};

static void
offence(struct lint *l, const char *what, const char *detail)
{
	printf("%s: %s%s%s\n", l->t != NULL ? l->t->path : l->lab->dir, what,
	    detail != NULL ? ": " : "", detail != NULL ? detail : "");
	l->offences++;
}

/* ---- names in expressions ---- */

static bool
counter_exists(const char *name)
{
	static char *tab;
	char *key = xprintf("\n%s ", name);
	bool ok;

	if (tab == NULL)
		tab = file_read("kernel/kern/events.tab", NULL);
	ok = tab != NULL && strstr(tab, key) != NULL;
	free(key);
	return ok;
}

static bool
param_exists(const struct test *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->nparams; i++)
		if (strcmp(t->param[i].name, name) == 0)
			return true;
	return false;
}

static bool
witness_exists(const char *name)
{
	size_t i;

	for (i = 0; i < WITNESS_NAMES; i++)
		if (strcmp(witness_names[i], name) == 0)
			return true;
	return false;
}

static bool
name_known(void *arg, const char *name, const char *how, int64_t *out)
{
	struct lint *l = arg;

	*out = 7; /* neither 0 nor 1: nothing divides by it in vain */
	if (strncmp(name, "param.", 6) == 0)
		return param_exists(l->t, name + 6);
	if (strncmp(name, "w.", 2) == 0)
		return witness_exists(name);
	return strncmp(name, "answer.", 7) == 0 || counter_exists(name);
}

static bool
call_known(void *arg, const char *fn, const int64_t *v, size_t n, int64_t *out)
{
	*out = 7;
	return strcmp(fn, "challenge_sum") == 0 ||
	       strcmp(fn, "challenge_crc") == 0 ||
	       strcmp(fn, "challenge_byte") == 0;
}

static void
lint_expr(struct lint *l, const char *text)
{
	const struct scope scope = { name_known, call_known, l };
	char *why = NULL;
	int64_t v;

	if (text != NULL && !expr_eval(text, &scope, &v, &why))
		offence(l, text, why);
	free(why);
}

/* ---- one test ---- */

static bool
is_lower(const struct claim *c)
{
	return c->op[0] == '=' || c->op[0] == '>' || c->op[0] == '.';
}

static void
lint_claims(struct lint *l)
{
	const struct claim *c;
	bool deed = l->t->points == 0;
	size_t i;

	for (i = 0; i < l->t->nclaims; i++) {
		c = &l->t->claim[i];
		lint_expr(l, c->left);
		lint_expr(l, c->right);
		lint_expr(l, c->high);
		if (test_region(l->t, c->region) == NULL)
			offence(l, "no such region", c->region);
		if (c->deed && !is_lower(c))
			offence(l, "a deed needs a lower bound", c->left);
		deed = deed || (c->deed && is_lower(c));
		if (strncmp(c->left, "w.root_", 7) == 0 && l->t->root == 0)
			offence(l, "no disk of this root is there", c->left);
		if (c->op[0] == '=' && strcmp(l->t->disk, "mem") != 0)
			offence(l, "== on an emulated disk", c->left);
	}
	/* A kernel test's claims are its deeds: the stub fails them. */
	if (!deed && l->t->selftest == NULL)
		offence(l, "points without a deed", NULL);
}

static void
lint_texts(struct lint *l)
{
	const struct test *t = l->t;
	size_t i;

	for (i = 0; i < t->nparams; i++)
		lint_expr(l, t->param[i].expr);
	for (i = 0; i < t->nanswers; i++)
		if (t->answer[i].kind == ANSWER_NUMBER)
			lint_expr(l, t->answer[i].expr);
	for (i = 0; i < t->nhints; i++) {
		if (t->hint[i].kind != HINT_RELATION)
			continue;
		lint_expr(l, t->hint[i].left);
		lint_expr(l, t->hint[i].right);
	}
	if (!t->exit_signal)
		lint_expr(l, t->exit);
}

/* All that kernel tests of labs can say, with the parts of a string joined. */
static char *
claims_text(void)
{
	char *all = xstrdup(""), *one, *more, *to;
	const char *s, *next;
	glob_t g;
	size_t i;

	if (glob("kernel/test/boot/*/lab_*.c", 0, NULL, &g) != 0)
		return all;
	for (i = 0; i < g.gl_pathc; i++) {
		one = file_read(g.gl_pathv[i], NULL);
		for (s = to = one; s != NULL && *s != '\0'; s++) {
			next = s + 1 + strspn(s + 1, " \t\n");
			if (*s == '"' && *next == '"')
				s = next;
			else
				*to++ = *s;
		}
		if (to != NULL)
			*to = '\0';
		more = xprintf("%s%s", all, one != NULL ? one : "");
		free(one);
		free(all);
		all = more;
	}
	globfree(&g);
	return all;
}

/* Words of a claim that no kernel test says: the hint would never come. */
static void
lint_claim_hints(struct lint *l)
{
	const struct hint *h = l->t->hint;
	char *all = NULL;
	size_t i;

	for (i = 0; i < l->t->nhints; i++) {
		if (h[i].kind != HINT_CLAIM)
			continue;
		if (all == NULL)
			all = claims_text();
		if (all[0] != '\0' && strstr(all, h[i].left) == NULL)
			offence(l, "no kernel test says", h[i].left);
	}
	free(all);
}

/* Hints by steps: three of each step, or none at all. */
static void
lint_hints(struct lint *l)
{
	const struct lab *lab = l->lab;
	char *text, *one;
	size_t k;
	int level, missing = 0;

	text = hint_level(lab, 1, 1);
	for (k = 1; text != NULL && k <= lab->steps.n; k++)
		for (level = 1; level <= 3; level++) {
			one = hint_level(lab, (int)k, level);
			missing += one == NULL || one[0] == '\0';
			free(one);
		}
	free(text);
	if (missing > 0)
		offence(l, "hints.md does not have three hints of each step", NULL);
}

/* Of the names to look at the first is one that every learner writes. */
static void
lint_look(struct lint *l)
{
	const struct words *look = &l->t->look;
	char *path = xprintf("%s/cut.list", l->lab->dir);
	char *list = file_read(path, NULL), *cut;

	if (look->n == 0)
		offence(l, "no LOOK", NULL);
	if (look->n > 0 && list != NULL) {
		cut = xprintf("\ncut  %s ", look->v[0]);
		if (strstr(list, cut) == NULL)
			offence(l, "LOOK: no function of the starter",
			    look->v[0]);
		free(cut);
	}
	free(list);
	free(path);
}

static void
lint_test(struct lint *l)
{
	const struct test *t = l->t, *parent;

	lint_claims(l);
	lint_texts(l);
	if (t->points == 0 && !t->gate && !t->step_gate && t->parent == NULL)
		offence(l, "neither POINTS, GATE nor PARENT", NULL);
	if (t->parent != NULL) {
		parent = lab_test(l->lab, t->parent);
		if (parent == NULL || parent->parent != NULL)
			offence(l, "no such parent", t->parent);
	}
	lint_look(l);
	lint_claim_hints(l);
	if (t->points > 0 && t->selftest == NULL && l->lab->leakstep > 0 &&
	    t->step >= l->lab->leakstep && !(t->check_vm && t->check_leak))
		offence(l, "no CHECK vm leak behind the leak step", NULL);
}

/* ---- a lab ---- */

/*
 * Beside the page stands the list of `grade imports`: nothing in it may be
 * refused.  What a header has got since is not missed.  The page names headers.
 */
static void
lint_imports(struct lint *l)
{
	char *path = xprintf("%s/imports.md", l->lab->dir);
	char *page = xprintf("%s/README.md", l->lab->dir);
	char *list = file_read(path, NULL), *text = file_read(page, NULL);
	char *rest = list != NULL ? strstr(list, "\n- `") : NULL, *name;
	struct words allowed = lab_imports(l->lab);
	size_t i;

	if (text != NULL && rest == NULL)
		offence(l, "no imports.md (make imports)", NULL);
	while (text != NULL && (name = strsep(&rest, " ,\n")) != NULL)
		if (*name != '\0' && *name != '-' && *name != '`' &&
		    name[strlen(name) - 1] != ':' && strcmp(name, "of") != 0 &&
		    !words_has(&allowed, name))
			offence(l, "imports.md has a name that is refused "
				   "(make imports)", name);
	for (i = 0; text != NULL && i < l->lab->headers.n; i++)
		if (strstr(text, l->lab->headers.v[i]) == NULL)
			offence(l, "README.md does not name the header",
			    l->lab->headers.v[i]);
	words_free(&allowed);
	free(path);
	free(page);
	free(list);
	free(text);
}

static int
lint_lab(const struct lab *lab)
{
	struct lint l = { .lab = lab };
	int sum = 0;
	char text[32];
	size_t i, k;

	for (i = 0; i < lab->ntests; i++) {
		l.t = lab->test[i];
		sum += l.t->points;
		lint_test(&l);
		for (k = 0; k < i; k++)
			if (strcmp(lab->test[k]->id, l.t->id) == 0)
				offence(&l, "ID given twice", l.t->id);
	}
	l.t = NULL;
	lint_imports(&l);
	lint_hints(&l);
	snprintf(text, sizeof text, "%d", sum);
	if (lab->ntests > 0 && sum != 100)
		offence(&l, "points do not sum to 100", text);
	return l.offences;
}

/* NULL: all labs.  0, or 1: offences. */
int
lint_labs(const char *which)
{
	struct words all = labs_all();
	int offences = 0;
	struct lab *lab;
	char *why = NULL;
	size_t i;

	for (i = 0; i < all.n; i++) {
		lab = lab_open(which != NULL ? which : strrchr(all.v[i], '/') + 1,
		    "grading/hidden", &why);
		if (lab == NULL) {
			printf("%s\n", why);
			offences++;
		} else {
			offences += lint_lab(lab);
			lab_free(lab);
		}
		free(why);
		why = NULL;
		if (which != NULL)
			break;
	}
	words_free(&all);
	return offences != 0;
}
