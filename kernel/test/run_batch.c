/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_batch.c: programs that share a guest
 *
 * Problem   Three hundred programs ask for no more than a guest as all have it, and
 *           its start costs more than most of them do.
 *
 * Picture   programs of equal needs → by their names into groups → one guest each
 *           (run_guest.c runs them) → what it left cut at the marks into what each
 *           of them would have left
 *
 * Rules     1. Which programs share a guest hangs on their names, not on how long
 *              they took: what is exact is exact among its neighbours, and a new
 *              program disturbs one group only.
 *           2. Each has its verdict.  Whoever ran when the machine ended has that
 *              for one; those behind it run alone.
 *           3. A failure is looked at again alone (run.c), but stays one: a program
 *              that only fails behind others found something, or says OWN=1.
 *
 * Read next run_guest.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "run_batch.h"

#define MEMBERS 16 /* of a group, about */
#define MOST_BATCHES 256
/* A group's limit: each is one of the short ones. */
#define BATCH_SECONDS 60
#define MEMBER_SECONDS 5
#define MOST_SECONDS 60 /* what has more time by itself keeps its machine */

static struct test batch[MOST_BATCHES];
static unsigned nbatches;

static bool
may_share(const struct test *t)
{
	return t->kind == KIND_PROG && !t->own && !t->alone && !t->counts &&
	    t->swap[0] == '\0' && t->expect == 0 && t->sort != SORT_TIMED &&
	    t->timeout <= MOST_SECONDS && strcmp(t->emulator, "qemu") == 0;
}

static bool
same_machine(const struct test *a, const struct test *b)
{
	return a->cpus == b->cpus && a->sort == b->sort &&
	    strcmp(a->mem, b->mem) == 0 && strcmp(a->append, b->append) == 0;
}

/* A power of two, so that one program more seldom changes them all. */
static unsigned
groups_for(const struct test *t)
{
	unsigned i, n = 0, groups = 1;

	for (i = 0; i < runner.ntests; i++)
		n += may_share(&runner.test[i]) && same_machine(&runner.test[i], t);
	while (groups * MEMBERS < n)
		groups *= 2;
	return groups;
}

static struct test *
batch_of(const struct test *t)
{
	unsigned i, number = number_of(strrchr(t->path, '/')) % groups_for(t);
	struct test *b;

	for (i = 0; i < nbatches; i++)
		if (batch[i].group == number && same_machine(&batch[i], t))
			return &batch[i];
	if (nbatches == MOST_BATCHES)
		return NULL;
	b = &batch[nbatches++];
	*b = *t;
	b->kind = KIND_BATCH;
	b->group = number;
	b->timeout = BATCH_SECONDS;
	snprintf(b->name, sizeof b->name, "machine-%u", nbatches);
	return b;
}

void
batch_all(void)
{
	unsigned i;

	for (i = 0; i < runner.ntests; i++) {
		struct test *t = &runner.test[i], *b, **end;

		b = may_share(t) ? batch_of(t) : NULL;
		if (b == NULL)
			continue;
		for (end = &b->next; *end != NULL; end = &(*end)->next)
			;
		*end = t;
		t->batch = b;
		b->timeout += MEMBER_SECONDS;
	}
	for (i = 0; i < nbatches; i++)
		if (batch[i].next->next == NULL)
			batch[i].next->batch = NULL;
}

/* ---- what it left ---- */

struct text {
	char *start, *at;
	size_t left;
};

static struct text
text_of(const struct test *t, const char *suffix)
{
	struct text text = { NULL, NULL, 0 };
	char *path = kept(t, suffix);
	FILE *f = fopen(path, "r");
	size_t room = 0;

	if (f != NULL) {
		while (!feof(f) && !ferror(f)) {
			room += 1 << 16;
			text.start = realloc(text.start, room);
			if (text.start == NULL)
				abort();
			text.left += fread(text.start + text.left, 1, room - text.left, f);
		}
		fclose(f);
	}
	text.at = text.start;
	free(path);
	return text;
}

static void
put_text(const struct test *t, const char *suffix, const char *text, size_t n)
{
	char *path = kept(t, suffix);
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(text, 1, n, f) != n || fclose(f) != 0) {
		perror(path);
		exit(2);
	}
	free(path);
}

/* What stands before the mark becomes the test's; NULL: there is none, all does. */
static const char *
cut(struct text *text, const char *mark, const struct test *t, const char *suffix)
{
	char *end = text->left == 0
	    ? NULL
	    : memmem(text->at, text->left, mark, strlen(mark));
	size_t n = end != NULL ? (size_t)(end - text->at) : text->left;
	size_t used = n;

	put_text(t, suffix, text->at, n);
	if (end != NULL) {
		used += strlen(mark);
		while (used < text->left && text->at[used++] != '\n')
			;
	}
	text->at += used;
	text->left -= used;
	return end != NULL ? end + strlen(mark) : NULL;
}

static void
cut_log(struct text *log, const struct test *t)
{
	/* Up to where the next one begins. */
	cut(log, BATCH_NAME, t, "log");
}

/* The guest's times at the marks share out what the machine cost. */
static void
share_out(const struct test *b)
{
	double all = 0, part;
	struct test *t;

	for (t = b->next; t != NULL; t = t->next)
		all += t->ran ? t->seconds : 0;
	for (t = b->next; t != NULL; t = t->next) {
		part = t->seconds / all;
		t->seconds = b->seconds * part;
		t->cpu = b->cpu * part;
	}
}

void
judge_batch(struct test *b, unsigned status)
{
	struct text out = text_of(b, "out"), err = text_of(b, "err");
	struct text log = text_of(b, "log");
	const char *mark = "";
	struct test *t;

	/* Before the first name: the boot. */
	if (b->next != NULL)
		cut_log(&log, b->next);
	for (t = b->next; t != NULL && mark != NULL; t = t->next) {
		unsigned long ms = 0;

		mark = cut(&out, BATCH_MARK, t, "out");
		cut(&err, BATCH_MARK, t, "err");
		cut_log(&log, t);
		t->status = status != 0 ? status : 126;
		if (mark != NULL && sscanf(mark, "%u %lu", &t->status, &ms) != 2)
			t->status = 126;
		if (mark != NULL && t->next == NULL && t->status == 0)
			t->status = status;
		t->seconds = (double)(ms + 1);
		t->ran = true;
	}
	share_out(b);
	for (t = b->next; t != NULL; t = t->next) {
		if (t->ran)
			verdict(t);
		else
			run_later(t);
		t->ran = false;
	}
	free(out.start);
	free(err.start);
	free(log.start);
}
