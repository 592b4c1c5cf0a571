/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hints.c: the sentence behind "so"
 *
 * Problem   "241 instead of 37" says that something is wrong; the author of
 *           the test knows which bug gives such a number.
 *
 * Rules     A hint is given when its relation holds for the counter that failed,
 *           for the answer, for words of a kernel test's claim, or for the way in
 *           which the boot ended.  Relations about the failed counter come before
 *           those about other counters.  If the kernel called a function that is
 *           not written yet, of the test's step or an earlier one, the report
 *           names that function instead: hints are about bugs.
 *           A known assertion, and a claim that repeats what vm_check found, are
 *           explained by findings.c: a test's general hint may be about another bug.
 *
 * Read next judge.c.
 */
#include <stdlib.h>
#include <string.h>

#include "judge/verdict.h"

static bool
hint_holds(struct judge *j, const struct hint *h, const struct claim *c)
{
	int64_t a, b;

	return h->kind == HINT_RELATION &&
	       judge_eval(j, c->region, h->left, &a, NULL) &&
	       judge_eval(j, c->region, h->right, &b, NULL) &&
	       op_holds(a, h->op, b);
}

/* "05-fork step 2: fork_range", the first function that the kernel called, that is not
 * written, and that the test's step needs. */
char *
judge_unwritten(const struct boot *b, int step)
{
	static const char key[] = "not written yet: ";
	const char *s = b->log != NULL ? strstr(b->log, key) : NULL, *k;

	for (; s != NULL; s = strstr(s, key)) {
		s += strlen(key);
		k = strstr(s, " step ");
		if (k != NULL && atoi(k + strlen(" step ")) <= step)
			return strndup(s, strcspn(s, "\r\n"));
	}
	return NULL;
}

/* The hint of the failure becomes h; NULL: none. */
static void
give(const struct judge *j, struct failure *f, const struct hint *h)
{
	char *todo = judge_unwritten(j->b, j->t->step);

	free(f->hint);
	f->hint = h != NULL ? xstrdup(h->text) : NULL;
	f->look = h != NULL ? &h->look : NULL;
	f->general = h == NULL || h->kind == HINT_STATUS;
	if (todo == NULL)
		return;
	free(f->hint);
	f->hint = j->v->nfailures > 1 ? NULL : xprintf(
	    "%s is not written yet, and this test needs it.", todo);
	f->look = NULL;
	free(todo);
}

/* The hint for these words of a kernel test; NULL: none. */
static const struct hint *
hint_of_claim(const struct judge *j, const char *said)
{
	const struct hint *h;

	for (h = j->t->hint; h < j->t->hint + j->t->nhints; h++)
		if (h->kind == HINT_CLAIM && strstr(said, h->left) != NULL)
			return h;
	return NULL;
}

/* The meaning becomes the hint, unless a function is missing; NULL: nothing changes. */
void
judge_explain(const struct judge *j, struct failure *f, const char *meaning)
{
	char *todo = judge_unwritten(j->b, j->t->step);

	if (todo == NULL && meaning != NULL) {
		free(f->hint);
		f->hint = xstrdup(meaning);
	}
	free(todo);
}

/* Does the claim only say that vm_check has a finding? */
static bool
says_check(const char *said)
{
	return strstr(said, "vm_check") != NULL ||
	    strstr(said, "is_sound") != NULL || strstr(said, "unsound") != NULL;
}

/* The claim that a kernel test had reported before the machine stopped. */
void
judge_said_before(const struct judge *j, struct failure *f)
{
	const struct hint *h;
	static const char key[] = "claim ";
	const struct words *text = &j->b->records.text;
	const char *said, *meaning;
	size_t i;

	for (i = 0; i < text->n; i++) {
		if (strncmp(text->v[i], key, strlen(key)) != 0)
			continue;
		said = strstr(text->v[i], ": ");
		said = said != NULL ? said + 2 : text->v[i] + strlen(key);
		meaning = says_check(said) ? judge_meaning(j->b) : NULL;
		if (meaning != NULL)
			said = meaning;
		free(f->hint);
		f->hint = xprintf("before that: %.*s", (int)strcspn(said, "\t"), said);
		h = hint_of_claim(j, f->hint);
		if (h != NULL) {
			f->look = &h->look;
			f->general = false;
		}
		return;
	}
}

void
judge_relation_hint(struct judge *j, struct failure *f, const struct claim *c,
    int64_t left)
{
	const struct hint *h;
	size_t i;
	int same;

	for (same = 1; same >= 0; same--)
		for (i = 0; i < j->t->nhints; i++) {
			h = &j->t->hint[i];
			if ((h->left != NULL && strcmp(h->left, c->left) == 0) !=
			    (same == 1))
				continue;
			if (hint_holds(j, h, c)) {
				give(j, f, h);
				return;
			}
		}
	give(j, f, NULL);
	if (left == 0 && c->deed && f->hint == NULL)
		f->hint = xstrdup("the mechanism was not used at all");
}

static const struct hint *
hint_named(const struct judge *j, enum hint_kind kind, const char *name)
{
	const struct hint *h;

	for (h = j->t->hint; h < j->t->hint + j->t->nhints; h++)
		if (h->kind == kind && strcmp(h->left, name) == 0)
			return h;
	return NULL;
}

void
judge_named_hint(const struct judge *j, struct failure *f, enum hint_kind kind,
    const char *name)
{
	give(j, f, hint_named(j, kind, name));
}

/* Of a kernel test's claim: by its words, else by the way in which the boot ended. */
void
judge_claim_hint(const struct judge *j, struct failure *f, bool first)
{
	const struct hint *h = hint_of_claim(j, f->got);

	if (h != NULL)
		give(j, f, h);
	else if (first && hint_named(j, HINT_STATUS, "exit") != NULL)
		judge_named_hint(j, f, HINT_STATUS, "exit");
	if (h == NULL && says_check(f->got))
		judge_explain(j, f, judge_meaning(j->b));
}

void
judge_status_hint(const struct judge *j, struct failure *f, enum status s)
{
	judge_named_hint(j, f, HINT_STATUS, status_name(s));
}

/* The first lines that the kernel logged about a check. */
char *
judge_findings(const struct boot *b, const char *what, unsigned n,
    unsigned mark)
{
	char *key = xprintf("%s: ", what), *text, *more;
	const char *s = b->log;
	int lines = 0;

	text = mark == LAST_MARK ? xprintf("%u", n)
				 : xprintf("%u at mark %u", n, mark);
	while (s != NULL && (s = strstr(s, key)) != NULL && lines < 3) {
		s += strlen(key);
		if (strstr(s, "findings") == s + strcspn(s, " ") + 1)
			continue;
		more = xprintf("%s%s%.*s", text, lines++ == 0 ? ": " : "; ",
		    (int)strcspn(s, "\r\n"), s);
		free(text);
		text = more;
	}
	free(key);
	return text;
}

/* leak.pages and leak.objects of the last mark. */
void
judge_leaks(struct judge *j)
{
	static const char *const gauges[] = { "leak.pages", "leak.objects" };
	struct failure *f;
	int64_t v;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (j->t->selftest != NULL ||
		    !judge_eval(j, "all", gauges[i], &v, NULL) || v == 0)
			continue;
		f = judge_fail(j, ST_FAIL, gauges[i]);
		f->expected = xprintf("%s == 0 at the end", gauges[i]);
		free(f->got);
		f->got = judge_findings(
		    j->b, "leak", (unsigned)v, LAST_MARK);
		return;
	}
}
