/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * escape.c: the text of a student is data
 *
 * Problem   A name or a panic's text may have quotes, tags, line ends, bytes that are
 *           no UTF-8, sequences that a terminal obeys, marks that turn the direction
 *           of what follows.
 *
 * Rules     A cell of CSV is always quoted; one that a spreadsheet would compute has
 *           an apostrophe before it.
 */
#include <stdlib.h>
#include <string.h>

#include "class/class.h"

/* How many bytes of s are one character that may be shown; 0: none. */
static size_t
shown(const unsigned char *s)
{
	static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned c = s[0];
	size_t n, i;

	if (c < 0x80)
		return c >= ' ' && c != 0x7f;
	n = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
	if (n == 0 || c >= 0xf5)
		return 0;
	c &= 0xffu >> (n + 1);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
	    c < 0xa0 || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	    c == 0xfeff)
		return 0;
	return n;
}

static void
one_write(FILE *f, enum form form, char c)
{
	if (form == FORM_CSV && c == '"')
		fputs("\"\"", f);
	else if (form == FORM_HTML && strchr("&<>\"'", c) != NULL)
		fprintf(f, "&#%d;", c);
	else
		fputc(c, f);
}

void
text_write(FILE *f, enum form form, const char *text)
{
	const unsigned char *s =
	    (const unsigned char *)(text != NULL ? text : "");
	size_t n;

	if (form == FORM_CSV)
		fputs(*s != '\0' && strchr("=+-@", *s) != NULL ? "\"'" : "\"", f);
	for (; *s != '\0'; s += n) {
		n = shown(s);
		if (n == 1)
			one_write(f, form, (char)*s);
		else if (n != 0)
			fwrite(s, 1, n, f);
		else if (*s == '\n' && form == FORM_HTML)
			fputc('\n', f);
		else
			fprintf(f, "\\x%02x", *s);
		n += n == 0;
	}
	if (form == FORM_CSV)
		fputc('"', f);
}

char *
text_plain(const char *text)
{
	char *out = NULL;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	if (f == NULL)
		abort();
	text_write(f, FORM_TEXT, text);
	fclose(f);
	return out;
}
