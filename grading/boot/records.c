/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * records.c: what the kernel said on COM2, as far as it can be believed
 *
 * Problem   Output of programs, marks with their counters, results of checks and
 *           the end come on one line, and ring 0 may write to it what it likes.
 *
 * Picture   A5 type length payload, A5 09 14 00 number seal, A5 …
 *           seal = HMAC(key, seal before, number, head, payload)
 *
 * Rules     1. With a key, a frame counts when the next is its seal with the
 *              next number; one that has none is broken, and one broken frame
 *              is enough for the judge.
 *           2. Nothing here trusts a length or a count of the payload.
 *
 * Read next kernel/channel/graded.c writes; judge/judge.c believes.
 */
#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"

#define MAGIC 0xa5
#define SEAL_LEN 20u

enum {
	R_STDOUT = 1, R_STDERR = 2, R_EXIT = 3, R_MARK = 4, R_HELLO = 5,
	R_CHECK = 6, R_TEXT = 7, R_SEAL = 9
};

struct frame {
	const uint8_t *head, *payload;
	size_t n;
};

static uint64_t
little(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

/* The next frame at *at.  False: no whole frame is left. */
static bool
next_frame(struct records *r, const uint8_t *b, size_t n, size_t *at,
    struct frame *f)
{
	while (*at < n && b[*at] != MAGIC) {
		r->lost++;
		++*at;
	}
	if (n - *at < 4)
		return false;
	f->head = b + *at;
	f->payload = f->head + 4;
	f->n = (size_t)little(f->head + 2, 2);
	if (n - *at - 4 < f->n)
		return false;
	*at += 4 + f->n;
	return true;
}

/* Does s seal f?  Then the chain goes on from it. */
static bool
is_sealed(struct records *r, const struct frame *f, const struct frame *s)
{
	uint32_t number = r->number + 1;
	uint8_t md[32];
	size_t len = sizeof md;
	gcry_mac_hd_t h;

	if (s->head[1] != R_SEAL || s->n != SEAL_LEN ||
	    little(s->payload, 4) != number ||
	    gcry_mac_open(&h, GCRY_MAC_HMAC_SHA256, 0, NULL) != 0)
		return false;
	gcry_mac_setkey(h, r->key, sizeof r->key);
	gcry_mac_write(h, r->seal, sizeof r->seal);
	gcry_mac_write(h, s->payload, 4);
	gcry_mac_write(h, f->head, 4);
	gcry_mac_write(h, f->payload, f->n);
	gcry_mac_read(h, md, &len);
	gcry_mac_close(h);
	if (memcmp(md, s->payload + 4, SEAL_LEN - 4) != 0)
		return false;
	memcpy(r->seal, md, sizeof md);
	r->number = number;
	return true;
}

/* ---- what a frame says ---- */

static void
bytes_add(char **to, size_t *n, const struct frame *f)
{
	*to = xrealloc(*to, *n + f->n + 1);
	memcpy(*to + *n, f->payload, f->n);
	*n += f->n;
	(*to)[*n] = '\0';
}

static void
on_hello(struct records *r, const struct frame *f)
{
	char *text = xalloc(f->n + 1), *rest = text, *line;

	if (r->names.n != 0) {
		r->broken++;
		free(text);
		return;
	}
	memcpy(text, f->payload, f->n);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			words_add(&r->names, line);
	free(text);
}

static void
on_mark(struct records *r, const struct frame *f)
{
	struct mark *m;
	size_t i, n = r->names.n;

	if (f->n != 16 + 8 * n || n == 0 || little(f->payload + 2, 2) != n) {
		r->broken++;
		return;
	}
	r->mark = xrealloc(r->mark, (r->nmarks + 1) * sizeof *r->mark);
	m = &r->mark[r->nmarks++];
	m->id = (unsigned)little(f->payload, 2);
	m->time_ns = little(f->payload + 8, 8);
	m->value = xalloc(n * sizeof *m->value);
	for (i = 0; i < n; i++)
		m->value[i] = (int64_t)little(f->payload + 16 + 8 * i, 8);
}

static void
on_check(struct records *r, const struct frame *f)
{
	struct check *c;

	if (f->n != 8) {
		r->broken++;
		return;
	}
	r->check = xrealloc(r->check, (r->nchecks + 1) * sizeof *r->check);
	c = &r->check[r->nchecks++];
	c->mark = (unsigned)little(f->payload, 2);
	c->what = (unsigned)little(f->payload + 2, 2);
	c->findings = (unsigned)little(f->payload + 4, 4);
}

static void
on_text(struct records *r, const struct frame *f)
{
	char *s = strndup((const char *)f->payload, f->n);

	if (s != NULL)
		words_add(&r->text, s);
	free(s);
}

static void
on_exit_frame(struct records *r, const struct frame *f)
{
	if (f->n != 2 || r->ended) {
		r->broken++;
		return;
	}
	r->exit_kind = f->payload[0];
	r->exit_value = f->payload[1];
	r->ended = true;
}

static void
frame_read(struct records *r, const struct frame *f)
{
	switch (f->head[1]) {
	case R_STDOUT:
		bytes_add(&r->out, &r->nout, f);
		return;
	case R_STDERR:
		bytes_add(&r->err, &r->nerr, f);
		return;
	case R_EXIT:
		on_exit_frame(r, f);
		return;
	case R_MARK:
		on_mark(r, f);
		return;
	case R_HELLO:
		on_hello(r, f);
		return;
	case R_CHECK:
		on_check(r, f);
		return;
	case R_TEXT:
		on_text(r, f);
		return;
	}
	r->broken++;
}

/* All that came; the key is set, or keyed is false. */
void
records_read(struct records *r, const uint8_t *b, size_t n)
{
	struct frame f, seal;
	size_t at = 0, next;

	while (next_frame(r, b, n, &at, &f)) {
		next = at;
		if (!r->keyed) {
			if (f.head[1] != R_SEAL)
				frame_read(r, &f);
		} else if (next_frame(r, b, n, &next, &seal) &&
			   is_sealed(r, &f, &seal)) {
			at = next;
			frame_read(r, &f);
		} else {
			r->broken++;
		}
	}
}

/* Index of a counter in the values of a mark, or -1. */
int
records_counter(const struct records *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->names.n; i++)
		if (strcmp(r->names.v[i], name) == 0)
			return (int)i;
	return -1;
}

void
records_free(struct records *r)
{
	size_t i;

	words_free(&r->names);
	words_free(&r->text);
	for (i = 0; i < r->nmarks; i++)
		free(r->mark[i].value);
	free(r->mark);
	free(r->check);
	free(r->out);
	free(r->err);
	memset(r, 0, sizeof *r);
}
