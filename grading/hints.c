/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hints.c: the sentence behind "so"
 *
 * Problem   "241 instead of 37" says that something is wrong; the author of
 *           the test knows what is wrong then.
 *
 * Rules     A hint is said when its relation holds for the counter that failed,
 *           for the answer, or for the way in which the boot ended.  Relations
 *           about other counters follow after those about the failed one.
 *
 * Read next judge.c.
 */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

static bool
hint_holds(struct judge *j, const struct hint *h, const struct claim *c)
{
	int64_t a, b;

	return h->kind == HINT_RELATION &&
	       judge_eval(j, c->region, h->left, &a, NULL) &&
	       judge_eval(j, c->region, h->right, &b, NULL) &&
	       op_holds(a, h->op, b);
}

/* h, or NULL: nothing is said. */
static void
give(struct failure *f, const struct hint *h)
{
	free(f->hint);
	f->hint = h != NULL ? xstrdup(h->text) : NULL;
	f->look = h != NULL ? &h->look : NULL;
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
				give(f, h);
				return;
			}
		}
	give(f, NULL);
	if (left == 0 && c->deed)
		f->hint = xstrdup("the mechanism was not used at all");
}

void
judge_named_hint(const struct judge *j, struct failure *f, enum hint_kind kind,
    const char *name)
{
	const struct hint *h = NULL;
	size_t i;

	for (i = 0; i < j->t->nhints && h == NULL; i++)
		if (j->t->hint[i].kind == kind &&
		    strcmp(j->t->hint[i].left, name) == 0)
			h = &j->t->hint[i];
	give(f, h);
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
