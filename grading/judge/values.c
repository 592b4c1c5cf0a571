/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * values.c: what a name of a test file is worth after a boot
 *
 * Problem   $writes, page.copy of a region, first(table.n_priv), w.pf_entry,
 *           answer.sum, challenge_sum(0, 64): numbers from five places.
 *
 * Picture   param.x ─→ draw    page.copy ─→ marks    w.x ─→ witness
 *           answer.x ─→ standard output
 *
 * Rules     1. A region needs both marks, in order, the guest's n-th mark being
 *              the witness's n-th execution of ev_take_all.
 *           2. A counter is the difference; a gauge, or first() and last(), the
 *              value at a mark.  Gauges are listed in events.tab.
 *
 * Read next judge.c.
 */
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/verdict.h"

#define BOOT_READS 2

static bool eval_name(void *arg, const char *name, const char *how,
    int64_t *out);
static bool eval_call(void *arg, const char *fn, const int64_t *v, size_t n,
    int64_t *out);

bool
judge_eval(struct judge *j, const char *region, const char *expr, int64_t *out,
    char **why)
{
	const struct scope scope = { eval_name, eval_call, j };

	j->region = region;
	return expr_eval(expr, &scope, out, why);
}

/* Something the judge needs is not there: that is no pass. */
void
judge_broken(struct judge *j, char *why)
{
	struct failure *f = judge_fail(j, ST_FAIL, "a value is missing");

	f->expected = xstrdup("marks, counters and answers of the test");
	f->got = why;
}

/* ---- marks ---- */

/* The place of mark id among all marks; -1: it was not made. */
static int
mark_place(const struct records *r, unsigned id)
{
	size_t i;

	if (id == 0)
		return 0;
	for (i = 0; i < r->nmarks; i++)
		if (r->mark[i].id == id)
			return (int)i;
	return -1;
}

/* Gauges of events.tab; the list is read once. */
static bool
is_gauge(const char *name)
{
	static char *tab;
	char *pattern = xprintf("\n%s ", name), *at;
	bool gauge;

	if (tab == NULL)
		tab = file_read("kernel/kern/events.tab", NULL);
	at = tab != NULL ? strstr(tab, pattern) : NULL;
	if (at != NULL)
		at += strlen(pattern);
	gauge = at != NULL &&
		strncmp(at + strspn(at, " "), "gauge ", 6) == 0;
	free(pattern);
	return gauge;
}

static bool
counter_value(const struct judge *j, const char *name, const char *how,
    int64_t *out)
{
	const struct records *r = &j->b->records;
	const struct region *g = test_region(j->t, j->region);
	int i = records_counter(r, name), a, b;

	if (i < 0 || g == NULL)
		return false;
	a = mark_place(r, g->first);
	b = mark_place(r, g->last);
	if (a < 0 || b < 0 || a > b || r->nmarks == 0)
		return false;
	if (strcmp(how, "first") == 0)
		*out = r->mark[a].value[i];
	else if (strcmp(how, "last") == 0 ||
		 (how[0] == '\0' && is_gauge(name)))
		*out = r->mark[b].value[i];
	else
		*out = r->mark[b].value[i] -
		       (g->first != 0 ? r->mark[a].value[i] : 0);
	return true;
}

static bool
witness_value(const struct judge *j, const char *name, int64_t *out)
{
	const struct witness *w = &j->b->witness;
	const struct region *g = test_region(j->t, j->region);
	int a, b, i;

	for (i = 0; i < WITNESS_NAMES; i++)
		if (strcmp(witness_names[i], name) == 0)
			break;
	if (i == WITNESS_NAMES || g == NULL || !w->valid)
		return false;
	a = mark_place(&j->b->records, g->first);
	b = mark_place(&j->b->records, g->last);
	if (a < 0 || b < 0 || a > b || (size_t)b >= w->nmarks)
		return false;
	*out = w->mark[b][i] - (g->first != 0 ? w->mark[a][i] : 0);
	return true;
}

static bool
eval_name(void *arg, const char *name, const char *how, int64_t *out)
{
	struct judge *j = arg;
	char *said;
	bool ok;

	if (strncmp(name, "param.", 6) == 0)
		return draw_find(j->d, name + 6, out);
	if (strncmp(name, "w.", 2) == 0)
		return witness_value(j, name, out);
	if (strncmp(name, "answer.", 7) != 0)
		return counter_value(j, name, how, out);
	said = judge_said(j->b, name + 7);
	ok = said != NULL && number_read(said, out);
	free(said);
	return ok;
}

bool
judge_value(const struct test *t, const struct draw *d, const struct boot *b,
    const char *region, const char *name, int64_t *out)
{
	struct judge j = { .t = t, .d = d, .b = b, .region = region };

	return eval_name(&j, name, "", out);
}

/* ---- the challenge ---- */

static bool
eval_call(void *arg, const char *fn, const int64_t *v, size_t n, int64_t *out)
{
	const struct draw *d = ((struct judge *)arg)->d;
	size_t len = n > 1 ? (size_t)v[1] : 1, i;
	uint8_t md[4];

	if (n == 0 || v[0] < 0 || (size_t)v[0] > d->challenge_len ||
	    len > d->challenge_len - (size_t)v[0])
		return false;
	*out = 0;
	if (strcmp(fn, "challenge_crc") == 0) {
		gcry_md_hash_buffer(
		    GCRY_MD_CRC32, md, d->challenge + v[0], len);
		*out = (int64_t)((uint32_t)md[0] << 24 | md[1] << 16 |
				 md[2] << 8 | md[3]);
		return true;
	}
	for (i = 0; i < len; i++)
		*out += d->challenge[(size_t)v[0] + i];
	return strcmp(fn, "challenge_sum") == 0 ||
	       (strcmp(fn, "challenge_byte") == 0 && n == 1);
}

/* Of "challenge", "challenge.inverted", "challenge.reversed"; NULL: what? */
char *
judge_digest(const struct draw *d, const char *of)
{
	uint8_t *copy = xalloc(d->challenge_len);
	const char *rule = strchr(of, '.');
	size_t i, n = d->challenge_len;
	char *hex = NULL;

	for (i = 0; i < n; i++) {
		if (rule == NULL)
			copy[i] = d->challenge[i];
		else if (strcmp(rule, ".inverted") == 0)
			copy[i] = (uint8_t)~d->challenge[i];
		else
			copy[i] = d->challenge[n - 1 - i];
	}
	if (rule == NULL || strcmp(rule, ".inverted") == 0 ||
	    strcmp(rule, ".reversed") == 0)
		hex = sha256_hex(copy, n);
	free(copy);
	return hex;
}

/* ---- output ---- */

/* What stands behind "name " on a line of the output; NULL: no such line. */
char *
judge_said(const struct boot *b, const char *name)
{
	const char *s = b->records.out;
	size_t n = strlen(name);

	while (s != NULL && *s != '\0') {
		if (strncmp(s, name, n) == 0 && s[n] == ' ')
			return strndup(s + n + 1, strcspn(s + n + 1, "\n"));
		s = strchr(s, '\n');
		s = s != NULL ? s + 1 : NULL;
	}
	return NULL;
}

bool
judge_has_line(const char *text, const char *line)
{
	size_t n = strlen(line);
	const char *s = text;

	while ((s = strstr(s, line)) != NULL) {
		if ((s == text || s[-1] == '\n') &&
		    (s[n] == '\n' || s[n] == '\0'))
			return true;
		s++;
	}
	return false;
}

char *
judge_fill(const struct draw *d, const char *text)
{
	return draw_fill(d, text);
}

/* ---- guest and witness ---- */

static const struct {
	const char *guest, *witness;
	const char *op; /* what must hold: guest op witness */
} pairs[] = {
	{ "fault.trap", "w.pf_entry", "==" },
	{ "page.zero", "w.page_zero", "==" },
	{ "page.copy", "w.page_copy", "==" },
	{ "page.alloc", "w.phys_alloc", "==" },
	{ "page.free", "w.phys_free", "==" },
	{ "tlb.ipi", "w.tlb_ipi", "<=" },
};

char *
judge_got(struct judge *j, const struct claim *c, int64_t left)
{
	int64_t w;
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		if (strcmp(pairs[i].guest, c->left) != 0 ||
		    !witness_value(j, pairs[i].witness, &w))
			continue;
		if (op_holds(left, pairs[i].op, w))
			return xprintf("%s == %lld   (the witness agrees)",
			    c->left, (long long)left);
		return xprintf("%s == %lld   (the witness counted %lld)",
		    c->left, (long long)left, (long long)w);
	}
	return xprintf("%s == %lld", c->left, (long long)left);
}

/*
 * Swap in memory: each page in or out is one run of ram_copy, but for one that the
 * disk has refused, of which there are no more than requests that have failed; and
 * the boot reads the partition table and the header of the area.
 */
char *
judge_swap_differs(struct judge *j)
{
	static const char sum[] = "swap.out_pages + swap.in_pages - "
	    "min(swap.write_errors + swap.read_errors, io.errors)";
	int64_t g, w;

	if (j->t->swap == 0 || strcmp(j->t->disk, "mem") != 0 ||
	    !judge_eval(j, "all", sum, &g, NULL) ||
	    !witness_value(j, "w.ram_copy", &w) || w == g + BOOT_READS)
		return NULL;
	return xprintf("%s == %lld, but w.ram_copy == %lld", sum, (long long)g,
	    (long long)w);
}

/* In every region, and over the whole boot. */
char *
judge_differs(struct judge *j)
{
	const struct records *r = &j->b->records;
	size_t i, k;
	int64_t g, w;

	if (r->nmarks != j->b->witness.nmarks)
		return xprintf("%zu marks in the records, %zu made", r->nmarks,
		    j->b->witness.nmarks);
	for (k = 0; k <= j->t->nregions; k++) {
		j->region = k < j->t->nregions ? j->t->region[k].name : "all";
		for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
			if (!counter_value(j, pairs[i].guest, "delta", &g) ||
			    !witness_value(j, pairs[i].witness, &w) ||
			    op_holds(g, pairs[i].op, w))
				continue;
			return xprintf("%s == %lld, but %s == %lld in \"%s\"",
			    pairs[i].guest, (long long)g, pairs[i].witness,
			    (long long)w, j->region);
		}
	}
	return NULL;
}
