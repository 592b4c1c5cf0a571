/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scripts.h: how a script grows from pieces of text
 *
 * A piece is text of the shell in which @x, a lower-case letter, stands for a
 * piece of the kind x, drawn by chance, and @X for what @x was in this piece the
 * last time.  And:
 *
 *	@l  a list of statements, each on a line of its own, with its line break
 *	@u  a number that no other piece has; @U the same again
 *	@@  the character
 *
 * A piece must have the same text whatever runs first: who works beside the
 * script writes to files of its own, and is waited for.
 */
#ifndef SEEDED_SCRIPTS_H
#define SEEDED_SCRIPTS_H

#include "seeded.h"

#define SCRIPT_SIZE (64 * KIB)
#define LONG_SCRIPT (12 * KIB) /* it grows by simple commands only */
#define DEEPEST 3              /* list in a list */

struct kind {
	char letter;
	const char *const *pieces;
	size_t count;
};

#define PIECES(...) ((const char *const[]){ __VA_ARGS__ })
#define KIND(letter, ...)                                                      \
	{                                                                      \
		letter, PIECES(__VA_ARGS__), COUNT(PIECES(__VA_ARGS__))        \
	}

static const struct kind *kind_of_letter(char letter);

static struct {
	char text[SCRIPT_SIZE];
	size_t n;
	unsigned numbers; /* of @u */
	unsigned depth;   /* of @l */
} script;

static void expand(const char *piece);

static void
put(const char *text, size_t n)
{
	LE(script.n + n, SCRIPT_SIZE);
	memmove(script.text + script.n, text, n);
	script.n += n;
}

static void
put_number(unsigned n)
{
	char text[12];

	put(text, sprintf(text, "%u", n));
}

static void
expand_kind(char letter)
{
	const struct kind *k = kind_of_letter(letter);

	expand(k->pieces[chance(k->count)]);
}

static void
put_list(void)
{
	unsigned statements = 1 + chance(3);

	script.depth++;
	while (statements-- > 0) {
		bool simple = script.depth > DEEPEST ||
		    script.n > LONG_SCRIPT;

		expand_kind(simple ? 'c' : 's');
		put("\n", 1);
	}
	script.depth--;
}

static void
expand(const char *piece)
{
	struct {
		size_t at, n;
	} last[26] = { 0 };
	unsigned number = 0;

	for (; *piece != '\0'; piece++) {
		size_t at = script.n;
		char c = *piece;

		if (c != '@') {
			put(piece, 1);
			continue;
		}
		c = *++piece;
		if (c == '@')
			put("@", 1);
		else if (c == 'l')
			put_list();
		else if (c == 'u')
			put_number(number = ++script.numbers);
		else if (c == 'U')
			put_number(number);
		else if (c >= 'A' && c <= 'Z')
			put(script.text + last[c - 'A'].at, last[c - 'A'].n);
		else {
			expand_kind(c);
			last[c - 'a'].at = at;
			last[c - 'a'].n = script.n - at;
		}
	}
}

#endif
