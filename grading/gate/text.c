/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.c: what a submitted text asks of the preprocessor
 *
 * Problem   Which lines are directives is decided behind line splices, comments
 *           and digraphs: "#inc\" newline "lude", "%:include" and a comment
 *           before the # are directives all the same.
 *
 * Picture   bytes ─→ splices gone ─→ comments and strings blank ─→ lines that
 *           begin with # or %: ─→ a directive that is allowed?
 *
 * Rules     1. The compiler's order: splices first, then comments and strings,
 *              then lines.  What would make a lexer go another way than this
 *              one (a NUL or another control byte, a raw string) is refused.
 *           2. No #line and no line marker: tokens.c believes those that
 *              the preprocessor writes.
 *           3. Directives are a list of what is allowed; what a plain #if 0 leaves
 *              out is not judged.
 *
 * Read next tokens.c judges what the preprocessor makes of it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate.h"

/* A byte that no text needs; 0: there is none. */
static int
strange_byte(const char *s, size_t n, int *line)
{
	size_t i;

	*line = 1;
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		*line += c == '\n';
		if (c == '\r' && (i + 1 == n || s[i + 1] != '\n'))
			return '\r';
		if ((c < ' ' && strchr("\t\n\f\v\r", c) == NULL) || c == 0 ||
		    c == 0x7f)
			return c == 0 ? 256 : c;
	}
	return 0;
}

/* Backslash, blanks, end of line: gone, as for the compiler. */
static void
splice(char *s)
{
	char *to = s, *end;

	for (; *s != '\0'; s++) {
		if (*s == '\\') {
			end = s + 1 + strspn(s + 1, " \t\f\v\r");
			if (*end == '\n') {
				s = end;
				continue;
			}
		}
		*to++ = *s;
	}
	*to = '\0';
}

struct lexer {
	enum { CODE, LINE, BLOCK, QUOTE } in;
	char quote;
	bool raw;          /* a raw string was there */
	const char *begin;
};

/* Is the quote at s the begin of R"…", u8R"…", LR"…"? */
static bool
is_raw(const char *begin, const char *s)
{
	const char *w = s;

	while (w > begin && (isalnum((unsigned char)w[-1]) || w[-1] == '_'))
		w--;
	return *s == '"' && s > w && s[-1] == 'R' && s - w <= 3;
}

/* Strings stay for #include; comments become a blank each byte.
 * Returns: false: there is a raw string, of which this knows nothing. */
bool
text_blank_comments(char *s)
{
	struct lexer x = { .in = CODE, .begin = s };

	for (; *s != '\0'; s++) {
		if (x.in == CODE && s[0] == '/' &&
		    (s[1] == '/' || s[1] == '*')) {
			x.in = s[1] == '/' ? LINE : BLOCK;
			s[0] = s[1] = ' ';
			s++;
		} else if (x.in == CODE && (*s == '"' || *s == '\'')) {
			x.raw = x.raw || is_raw(x.begin, s);
			x.in = QUOTE;
			x.quote = *s;
		} else if (x.in == QUOTE && *s == '\\' && s[1] != '\0' &&
			   s[1] != '\n') {
			s++;
		} else if (x.in == QUOTE && (*s == x.quote || *s == '\n')) {
			x.in = CODE;
		} else if (x.in == LINE && *s == '\n') {
			x.in = CODE;
		} else if (x.in == BLOCK && s[0] == '*' && s[1] == '/') {
			x.in = CODE;
			s[0] = s[1] = ' ';
			s++;
		} else if (x.in == LINE || x.in == BLOCK) {
			*s = ' '; /* an end of line in a comment ends no line */
		}
	}
	return !x.raw;
}

static bool
is_word(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && strncmp(s, word, n) == 0;
}

static bool
is_among(const char *s, size_t n, const char *const *list)
{
	for (; *list != NULL; list++)
		if (is_word(s, n, *list))
			return true;
	return false;
}

/* "room/name.h" of ours?  Each has one name here: "./proc/x.h" is none. */
static bool
is_our_header(const char *s)
{
	size_t n;

	s += strspn(s, " \t\f\v");
	n = *s == '"' ? strcspn(s + 1, "\"\n") : 0;
	return n > 2 && s[1 + n] == '"' && strncmp(s + n - 1, ".h", 2) == 0 &&
	       s[1] != '/' && memmem(s + 1, n, "./", 2) == NULL &&
	       memmem(s + 1, n, "//", 2) == NULL;
}

/* Of C itself, without a library: our headers include some of them, too. */
static bool
is_of_c(const char *s)
{
	static const char *const fine[] = { "<stdalign.h>", "<stdarg.h>",
		"<stdatomic.h>", "<stdbool.h>", "<stddef.h>", "<stdint.h>",
		"<stdnoreturn.h>", NULL };

	s += strspn(s, " \t\f\v");
	return is_among(s, strcspn(s, " \t\f\v\r\n"), fine);
}

bool
gate_is_above(const char *header)
{
	static const char *const above[] = { "proc/", "sys/", "channel/" };
	size_t i;

	for (i = 0; i < sizeof above / sizeof above[0]; i++)
		if (strncmp(header, above[i], strlen(above[i])) == 0)
			return true;
	return false;
}

/* The same of what follows #include. */
static bool
is_above(const char *s)
{
	s += strspn(s, " \t\f\v");
	return *s == '"' && gate_is_above(s + 1);
}

/* The name of a directive behind its #, and how long it is. */
static const char *
directive_name(const char *s, size_t *n)
{
	s += strspn(s, " \t\f\v");
	for (*n = 0; isalnum((unsigned char)s[*n]) || s[*n] == '_';)
		++*n;
	return s;
}

/*
 * How deep in what an #if 0 leaves out are we behind this directive?
 *
 * depth: before it; 0: not at all.
 */
static unsigned
left_out(const char *s, unsigned depth)
{
	static const char *const begins[] = { "if", "ifdef", "ifndef", NULL };
	static const char *const turns[] = { "else", "elif", "elifdef", "elifndef",
		NULL };
	size_t n, k;

	s = directive_name(s, &n);
	k = n + strspn(s + n, " \t\f\v");
	if (depth == 0)
		return is_word(s, n, "if") && s[k] == '0' &&
		       strchr("\r\n", s[k + 1 + strspn(s + k + 1, " \t\f\v")]) != NULL;
	if (is_among(s, n, begins))
		return depth + 1;
	if (depth == 1 && is_among(s, n, turns))
		return 0;
	return depth - is_word(s, n, "endif");
}

/* What follows the # of a directive. */
static char *
bad_directive(const char *s)
{
	static const char *const fine[] = { "define", "undef", "if", "ifdef",
		"ifndef", "elif", "elifdef", "elifndef", "else", "endif",
		"error", "warning", NULL };
	size_t n;
	const char *name = directive_name(s, &n);

	if (name[0] == '\n' || name[0] == '\0' || name[0] == '\r')
		return NULL;
	if (is_among(name, n, fine))
		return NULL;
	if (is_word(name, n, "include"))
		return is_above(name + n)
			   ? xprintf("#%.*s: this room is above vm/, and vm/ may "
				     "not use it (kernel/layers.txt)",
				 (int)strcspn(name, "\r\n"), name)
		     : is_our_header(name + n) || is_of_c(name + n)
			   ? NULL
			   : xprintf("#%.*s: a lab's file can include "
				     "\"room/name.h\" of the kernel, and headers "
				     "that need no library (<stdint.h>)",
				 (int)strcspn(name, "\r\n"), name);
	if (is_word(name, n, "pragma")) {
		name += n + strspn(name + n, " \t\f\v");
		if (strncmp(name, "GCC diagnostic", 14) == 0)
			return NULL;
	}
	return xprintf("#%.*s: not allowed in a lab's file",
	    (int)strcspn(s, "\r\n"), s + strspn(s, " \t\f\v"));
}

static char *
bad_line(const char *s)
{
	unsigned depth = 0;
	char *why = NULL;
	size_t n;

	while (*s != '\0' && why == NULL) {
		s += strspn(s, " \t\f\v\r");
		n = s[0] == '#' ? 1 : s[0] == '%' && s[1] == ':' ? 2 : 0;
		if (n > 0 && depth == 0)
			why = bad_directive(s + n);
		if (n > 0)
			depth = left_out(s + n, depth);
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return why;
}

char *
gate_text(const char *bytes, size_t n)
{
	char *text, *why = NULL;
	int line, odd = strange_byte(bytes, n, &line);

	if (n >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 ||
			  memcmp(bytes, "\xfe\xff", 2) == 0))
		return xstrdup("the file is UTF-16: let your editor save it as "
			       "UTF-8");
	if (odd == '\r')
		return xprintf("line %d: a carriage return (0x0d) that does not end "
			       "a line: let your editor save the file with one "
			       "kind of line ends", line);
	if (odd != 0)
		return xprintf("line %d: byte 0x%02x is not text: hand in the C "
			       "file itself, saved as UTF-8",
		    line, odd & 255);
	if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3; /* a mark of byte order */
		n -= 3;
	}
	text = xalloc(n + 1);
	memcpy(text, bytes, n);
	splice(text);
	if (!text_blank_comments(text))
		why = xstrdup("R\"…\": a raw string is not allowed in a lab's file");
	if (why == NULL)
		why = bad_line(text);
	free(text);
	return why;
}
