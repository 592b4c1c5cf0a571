/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * csource.h: the tokens of a C file, for all who read C here
 *
 * Offers    where a comment, a string, a directive or a word ends.
 * Needs     the C library.
 * Sleeps?   -
 * In interrupts?  -
 */
#ifndef TOOLS_CSOURCE_H
#define TOOLS_CSOURCE_H

#include <stdbool.h>
#include <stddef.h>

/* The text; a 0 stands behind it. */
struct csource {
	const char *s, *end;
};

/*
 * The whole file, with a 0 behind its n bytes.  The caller frees it.
 *
 * Returns:  NULL: no such file (said on stderr), no memory.
 */
char *csource_read(const char *file, size_t *n);

bool csource_is_comment(const char *p);
/* Has its line nothing but space before p? */
bool csource_at_line_start(const struct csource *, const char *p);
/* Behind the comment at p, behind a line comment's last character. */
const char *csource_skip_comment(const struct csource *, const char *p);
/* Behind the string or character at p; p + 1: its line does not end it. */
const char *csource_skip_quoted(const struct csource *, const char *p);
/* Behind the token at p: comment, string, directive, word, or one character. */
const char *csource_skip(const struct csource *, const char *p);

#endif
