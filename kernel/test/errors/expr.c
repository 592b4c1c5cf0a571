/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expr.c: the arguments of a row
 *
 * Problem   An argument is a number, a flag word, a name, a string, or the
 *           address of a structure, and shall read like the call in a book.
 *
 * Picture   value = term { (| + - * <<) term }, from left to right
 *           term  = 12  0x1f  -1  ~1  O_RDWR  dir  $1  "text"
 *                 | {8-byte words}  [4-byte words]  name(value)  (value)
 *
 * Rules     1. Structures and strings lie in memory of their own, zeros behind.
 *           2. A row is evaluated in its process, step by step, so that $n is
 *              known when it is read.
 *
 * Read next things.c has the names.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define MAX_WORDS 2048
#define ROOM_BEHIND 256

static uint64_t expr_term(const char **text);
static uint64_t expr_string(const char **text);
static uint64_t expr_words(const char **text, const char *end, size_t size);
static uint64_t expr_name(const char **text);

static int64_t answers[MAX_STEPS];

void
expr_keep(unsigned step, int64_t answer)
{
	if (step < MAX_STEPS)
		answers[step] = answer;
}

bool
expr_take(const char **text, const char *word)
{
	while (isspace((unsigned char)**text))
		++*text;
	if (strncmp(*text, word, strlen(word)) != 0)
		return false;
	*text += strlen(word);
	return true;
}

uint64_t
expr_value(const char **text)
{
	uint64_t v = expr_term(text);

	for (;;) {
		if (expr_take(text, "|"))
			v |= expr_term(text);
		else if (expr_take(text, "+"))
			v += expr_term(text);
		else if (expr_take(text, "-"))
			v -= expr_term(text);
		else if (expr_take(text, "*"))
			v *= expr_term(text);
		else if (expr_take(text, "<<"))
			v <<= expr_term(text) & 63;
		else
			return v;
	}
}

static uint64_t
expr_term(const char **text)
{
	uint64_t v;
	char *end;

	if (expr_take(text, "-"))
		return -expr_term(text);
	if (expr_take(text, "~"))
		return ~expr_term(text);
	if (expr_take(text, "\""))
		return expr_string(text);
	if (expr_take(text, "{"))
		return expr_words(text, "}", 8);
	if (expr_take(text, "["))
		return expr_words(text, "]", 4);
	if (expr_take(text, "$")) {
		v = strtoul(*text, &end, 10);
		*text = end;
		if (v < 1 || v > MAX_STEPS)
			row_wrong("no step %ju", (uintmax_t)v);
		return answers[v - 1];
	}
	if (expr_take(text, "(")) {
		v = expr_value(text);
		if (!expr_take(text, ")"))
			row_wrong("no ) at '%s'", *text);
		return v;
	}
	if (isdigit((unsigned char)**text)) {
		v = strtoull(*text, &end, 0);
		*text = end;
		return v;
	}
	return expr_name(text);
}

/* The opening quote is taken already. */
static uint64_t
expr_string(const char **text)
{
	const char *end = strchr(*text, '"');
	char *s;

	if (end == NULL)
		row_wrong("a string without end");
	s = thing_room(end - *text + 1 + ROOM_BEHIND);
	memcpy(s, *text, end - *text);
	*text = end + 1;
	return (uintptr_t)s;
}

static uint64_t
expr_words(const char **text, const char *end, size_t size)
{
	uint64_t words[MAX_WORDS];
	size_t n = 0, i;
	char *room;

	while (!expr_take(text, end)) {
		if (n == MAX_WORDS)
			row_wrong("more than %d words", MAX_WORDS);
		words[n++] = expr_value(text);
		if (!expr_take(text, ",") && **text != *end)
			row_wrong("no %s at '%s'", end, *text);
	}
	room = thing_room(n * size + ROOM_BEHIND);
	for (i = 0; i < n; i++)
		memcpy(room + i * size, &words[i], size);
	return (uintptr_t)room;
}

static uint64_t
expr_name(const char **text)
{
	char name[64];
	size_t n = 0;
	uint64_t v, size;

	while ((isalnum((unsigned char)**text) || **text == '_') &&
	    n < sizeof(name) - 1)
		name[n++] = *(*text)++;
	name[n] = '\0';
	if (n == 0)
		row_wrong("no value at '%s'", *text);
	if (**text == '(') {
		++*text;
		size = expr_value(text);
		if (!expr_take(text, ")"))
			row_wrong("no ) at '%s'", *text);
		if (!thing_made(name, size, &v))
			row_wrong("no memory of the kind %s()", name);
		return v;
	}
	if (!name_value(name, &v) && !thing_value(name, &v))
		row_wrong("unknown name %s", name);
	return v;
}
