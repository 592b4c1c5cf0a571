/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * params.c: what one boot is told, drawn from a seed
 *
 * Problem   A solution must not know the numbers, names and bytes of a test
 *           beforehand, yet the same seed must give the same boot again.
 *
 * Picture   H(seed, test, what, counter) ─→ parameters, argv[0], challenge
 *
 * Rules     Everything depends on seed and test's ID alone: tests do not
 *           influence one another, and order does not matter.
 *
 * Read next boot/boot.c hands them over.
 */
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/lab.h"

/* 32 bytes that only seed, test and what decide. */
static void
derive(const struct draw *d, const char *id, const char *what, uint64_t i,
    uint8_t out[32])
{
	char *text = xprintf("vadose %llu %s %s %llu",
	    (unsigned long long)d->seed, id, what, (unsigned long long)i);

	gcry_md_hash_buffer(GCRY_MD_SHA256, out, text, strlen(text));
	free(text);
}

static uint64_t
derive_number(const struct draw *d, const char *id, const char *what)
{
	uint8_t md[32];
	uint64_t v = 0;
	int i;

	derive(d, id, what, 0, md);
	for (i = 0; i < 8; i++)
		v = v << 8 | md[i];
	return v;
}

static void
derive_name(const struct draw *d, const char *id, const char *what, char *out)
{
	uint64_t v = derive_number(d, id, what);
	int i;

	for (i = 0; i < 8; i++, v /= 26)
		out[i] = 'a' + v % 26;
	out[8] = '\0';
}

bool
draw_find(const struct draw *d, const char *name, int64_t *out)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (strcmp(d->name[i], name) != 0)
			continue;
		*out = d->value[i];
		return true;
	}
	return false;
}

static bool
name_value(void *arg, const char *name, const char *how, int64_t *out)
{
	return strncmp(name, "param.", 6) == 0 && draw_find(arg, name + 6, out);
}

static bool
draw_param(struct draw *d, const struct test *t, const struct param *p,
    char **why)
{
	const struct scope scope = { .name = name_value, .arg = d };
	uint64_t r = derive_number(d, t->id, p->name);
	int64_t v = 0;
	char *text = NULL;

	switch (p->kind) {
	case PARAM_RANGE:
		v = p->lo + (int64_t)(r % (uint64_t)(p->hi - p->lo + 1));
		break;
	case PARAM_CHOICE:
		text = xstrdup(p->choice.v[r % p->choice.n]);
		if (!number_read(text, &v))
			v = (int64_t)(r % p->choice.n);
		break;
	case PARAM_EXPR:
		if (!expr_eval(p->expr, &scope, &v, why))
			return false;
		break;
	}
	d->name[d->n] = xstrdup(p->name);
	d->value[d->n] = v;
	d->text[d->n++] = text != NULL ? text : xprintf("%lld", (long long)v);
	return true;
}

bool
draw_make(struct draw *d, const struct test *t, uint64_t seed, char **why)
{
	const char *id = t->parent != NULL ? t->name : t->id;
	uint8_t md[32];
	size_t i;

	memset(d, 0, sizeof *d);
	d->seed = seed;
	for (i = 0; i < t->nparams; i++)
		if (!draw_param(d, t, &t->param[i], why))
			return false;
	derive_name(d, id, "argv0", d->argv0);
	derive_name(d, id, "challenge", d->challenge_name);
	d->challenge_len = (size_t)t->challenge;
	d->challenge = xalloc(d->challenge_len + 32);
	for (i = 0; i < d->challenge_len; i += 32) {
		derive(d, id, "bytes", i, md);
		memcpy(d->challenge + i, md, 32);
	}
	return true;
}

void
draw_free(struct draw *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		free(d->name[i]);
		free(d->text[i]);
	}
	free(d->challenge);
	memset(d, 0, sizeof *d);
}

/* The longest parameter whose name begins s, or d->n. */
static size_t
longest(const struct draw *d, const char *s)
{
	size_t i, len, best = d->n, best_len = 0;

	for (i = 0; i < d->n; i++) {
		len = strlen(d->name[i]);
		if (len > best_len && strncmp(s, d->name[i], len) == 0) {
			best = i;
			best_len = len;
		}
	}
	return best;
}

char *
draw_fill(const struct draw *d, const char *word)
{
	char *out = xstrdup(""), *next;
	size_t i;

	if (strcmp(word, "@challenge") == 0) {
		free(out);
		return xprintf("/t/%s", d->challenge_name);
	}
	while (*word != '\0') {
		i = *word == '$' ? longest(d, word + 1) : d->n;
		if (i < d->n) {
			next = xprintf("%s%s", out, d->text[i]);
			word += 1 + strlen(d->name[i]);
		} else {
			next = xprintf("%s%c", out, *word++);
		}
		free(out);
		out = next;
	}
	return out;
}
