/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.h: what a submitted file may not have
 *
 * Offers    Each looks at one form of the submission and returns NULL, or what
 *           it may not have (malloc'd).
 * Needs     lab/, and witness/ for names that must be there once only.
 */
#ifndef GRADING_GATE_H
#define GRADING_GATE_H

#include "lab/lab.h"

/* Where the compiler sees our headers and the one source. */
struct gate_places {
	const char *headers; /* "/k/include/" */
	const char *source;  /* as the compiler is told its name */
};

bool gate_allows(const struct lab *, const char *what);

/* text.c: the bytes as they came. */
char *gate_text(const char *bytes, size_t n);
bool text_blank_comments(char *);
/* Of a room above vm/, where what judges keeps what it is told? */
bool gate_is_above(const char *header);
/* tokens.c: what the preprocessor made of it, and which files it read. */
char *gate_tokens(const struct lab *, const struct gate_places *,
    const char *text);
char *gate_files(const struct gate_places *, const char *rule);
/* listing.c: what the compiler made of that, for the assembler. */
char *gate_listing(const struct lab *, const struct gate_places *,
    const char *text);
/* gate.c: the object; NULL: nothing.  dir: to work in. */
char *gate_object(const struct lab *, const char *object, const char *dir,
    const char *reference);
/* imports.c: names that the file may use; the lab's page lists them. */
struct words lab_imports(const struct lab *);
int cmd_imports(const char *lab);

#endif
