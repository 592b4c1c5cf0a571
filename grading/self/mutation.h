/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutation.h: small changes of a C file, each a bug that a learner could write
 *
 * Offers    all places of a file where one token, argument or statement can be
 *           changed, and the file with one of them changed.
 * Needs     util.c.
 */
#ifndef GRADING_MUTATION_H
#define GRADING_MUTATION_H

#include <stddef.h>

/* Bytes [at, at + len) of the file become `with`, with as many line ends. */
struct mutation {
	size_t at, len;
	char *with;
	const char *kind; /* "condition negated" */
	char *function;
	int line;
};

struct mutations {
	struct mutation *v;
	size_t n;
};

/* All of them, in order of place, of the functions' bodies. */
void mutations_find(struct mutations *, const char *text);
void mutations_free(struct mutations *);
/* The whole file with that one; the caller frees it. */
char *mutation_apply(const char *text, const struct mutation *);
/*
 * The lines that it changes as one line without runs of blanks, before and
 * after: what a person reads, and what stays when lines above move.  Both are
 * the caller's to free.
 */
void mutation_diff(const char *text, const struct mutation *, char **before,
    char **after);
/* Put them into an order that the seed says, the same on any host. */
void mutations_shuffle(struct mutations *, unsigned long long seed);

#endif
