/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict.h: between judge.c, values.c and hints.c
 */
#ifndef GRADING_VERDICT_H
#define GRADING_VERDICT_H

#include "judge/judge.h"

struct judge {
	struct verdict *v;
	const struct test *t;
	const struct draw *d;
	const struct boot *b;
	const struct symbols *symbols;
	const char *region; /* while an expression is evaluated */
};

/* judge.c */
struct failure *judge_fail(struct judge *, enum status, const char *what);

/* values.c; text is malloc'd */
bool judge_eval(struct judge *, const char *region, const char *expr,
    int64_t *out, char **why);
void judge_broken(struct judge *, char *why); /* a value is not to be had */
char *judge_said(const struct boot *, const char *name);
char *judge_digest(const struct draw *, const char *of);
char *judge_fill(const struct draw *, const char *text);
bool judge_has_line(const char *text, const char *line);
char *judge_got(struct judge *, const struct claim *, int64_t left);
char *judge_differs(struct judge *); /* NULL: guest and witness agree */
char *judge_swap_differs(struct judge *); /* the same of swap in memory */

/* hints.c */
void judge_relation_hint(
    struct judge *, struct failure *, const struct claim *, int64_t left);
void judge_named_hint(const struct judge *, struct failure *, enum hint_kind,
    const char *name);
/* A bad end: what was wrong before it is the better hint. */
void judge_said_before(const struct judge *, struct failure *);
void judge_claim_hint(const struct judge *, struct failure *, bool first);
void judge_status_hint(const struct judge *, struct failure *, enum status);
void judge_explain(const struct judge *, struct failure *, const char *meaning);
const char *judge_meaning(const struct boot *); /* findings.c */
const char *judge_panic_meaning(const char *line);
char *judge_findings(const struct boot *, const char *what, unsigned n,
    unsigned mark);
void judge_leaks(struct judge *);

#endif
