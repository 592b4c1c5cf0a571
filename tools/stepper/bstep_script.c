/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_script.c: a session as a list of commands
 *
 * Problem   A misspelt line must be found before the machine has been started,
 *           and be named.
 *
 * Picture   walk $va   # why     ─→  { V_WALK, expr "$va", note "why" }
 *
 * Rules     1. One command per line; '#' outside of quotes begins a note.
 *           2. Each verb has one shape of arguments, in the table below.
 *           3. All wrong lines are said, not only the first.
 *
 * Read next bstep_play.c does what the commands say.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bstep.h"

enum shape {
	SHAPE_NONE,
	SHAPE_TEXT,   /* anything, perhaps nothing */
	SHAPE_WORDS,  /* something */
	SHAPE_NAME,   /* "name" */
	SHAPE_EXPR,   /* an expression */
	SHAPE_LET,    /* name = expression */
	SHAPE_NUMBER, /* a number, 1 when there is none */
	SHAPE_BOUND,  /* a number with K, M or G; 0 when there is none */
	SHAPE_WATCH,  /* r|w expression bytes */
	SHAPE_CPU,    /* a number or any */
	SHAPE_STOP,   /* [phys] "name" */
};

const char *const verb_name[VERBS] = { "boot", "break", "cpu", "expect",
	"forget", "let", "mark", "quit", "run", "say", "show", "step", "sym",
	"unbreak", "until", "unwatch", "walk", "watch", "where" };

static const struct {
	enum shape shape;
	const char *usage;
} form[VERBS] = {
	[V_BOOT] = { SHAPE_TEXT, "boot OPTIONS-OF-tools/guest" },
	[V_BREAK] = { SHAPE_STOP, "break \"function\", or break phys \"function\"" },
	[V_CPU] = { SHAPE_CPU, "cpu N, or cpu any" },
	[V_EXPECT] = { SHAPE_EXPR, "expect EXPRESSION" },
	[V_FORGET] = { SHAPE_NONE, "forget" },
	[V_LET] = { SHAPE_LET, "let NAME = EXPRESSION" },
	[V_MARK] = { SHAPE_NUMBER, "mark N" },
	[V_QUIT] = { SHAPE_NONE, "quit" },
	[V_RUN] = { SHAPE_BOUND,
	    "run [N[K|M|G]], at most so many instructions" },
	[V_SAY] = { SHAPE_WORDS, "say TEXT" },
	[V_SHOW] = { SHAPE_WORDS, "show COMMAND-OF-BOCHS" },
	[V_STEP] = { SHAPE_NUMBER, "step [N]" },
	[V_SYM] = { SHAPE_NAME, "sym \"file\"" },
	[V_UNBREAK] = { SHAPE_STOP, "unbreak [phys] \"function\"" },
	[V_UNTIL] = { SHAPE_EXPR, "until EXPRESSION" },
	[V_UNWATCH] = { SHAPE_EXPR, "unwatch PHYSICAL-ADDRESS" },
	[V_WALK] = { SHAPE_EXPR, "walk ADDRESS" },
	[V_WATCH] = { SHAPE_WATCH, "watch r|w PHYSICAL-ADDRESS BYTES" },
	[V_WHERE] = { SHAPE_NONE, "where" },
};

static bool arguments(struct command *, char **why);
static bool a_name(struct command *);
static bool a_stop(struct command *);
static bool a_let(struct command *);
static bool a_number(struct command *, bool suffixed);
static bool a_watch(struct command *);

/* ---- one line ---- */

/* Without blanks at both ends. */
static char *
trimmed(const char *s, size_t n)
{
	while (n > 0 && isspace((unsigned char)*s)) {
		s++;
		n--;
	}
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		n--;
	return strndup(s, n);
}

/* Where the note begins, or the end. */
static size_t
note_at(const char *line)
{
	bool quoted = false;
	size_t i;

	for (i = 0; line[i] != '\0'; i++) {
		if (line[i] == '"')
			quoted = !quoted;
		if (line[i] == '#' && !quoted)
			break;
	}
	return i;
}

bool
command_read(struct command *c, const char *line, char **why)
{
	size_t note = note_at(line), n;
	int i;

	*c = (struct command){ .verb = VERBS };
	if (line[note] == '#')
		c->note = trimmed(line + note + 1, strlen(line + note + 1));
	c->text = trimmed(line, note);
	n = strcspn(c->text, " \t");
	if (n == 0) {
		free(c->text);
		c->text = NULL;
		return true;
	}
	for (i = 0; i < VERBS; i++)
		if (strlen(verb_name[i]) == n &&
		    strncmp(verb_name[i], c->text, n) == 0)
			break;
	if (i == VERBS) {
		*why = text_of("unknown command \"%.*s\"; there are " VERB_LIST,
		    (int)n, c->text);
		return false;
	}
	c->verb = (enum verb)i;
	c->args = trimmed(c->text + n, strlen(c->text + n));
	return arguments(c, why);
}

/* How many letters must be changed, put in or left out, at most 3? */
static unsigned
slips(const char *a, size_t na, const char *b)
{
	unsigned best = 3, one;

	if (na == 0 || *b == '\0') {
		one = (unsigned)(na + strlen(b));
		return one < best ? one : best;
	}
	if (*a == *b)
		return slips(a + 1, na - 1, b + 1);
	if (na > strlen(b) + 2 || strlen(b) > na + 2)
		return best;
	one = slips(a + 1, na - 1, b + 1);
	best = one < best ? one : best;
	one = slips(a + 1, na - 1, b);
	best = one < best ? one : best;
	one = slips(a, na, b + 1);
	best = one < best ? one : best;
	return best < 3 ? best + 1 : best;
}

const char *
command_meant(const char *line)
{
	size_t skip = strspn(line, " \t"), n = strcspn(line + skip, " \t");
	unsigned few = 3, now;
	int i, best = VERBS;

	for (i = 0; i < VERBS; i++) {
		now = n < 16 ? slips(line + skip, n, verb_name[i]) : few;
		if (now < few && 2 * now < n) {
			few = now;
			best = i;
		}
	}
	return best < VERBS ? form[best].usage : NULL;
}

static bool
arguments(struct command *c, char **why)
{
	bool some = c->args[0] != '\0', ok = false;

	switch (form[c->verb].shape) {
	case SHAPE_NONE:
		ok = !some;
		break;
	case SHAPE_TEXT:
		ok = true;
		break;
	case SHAPE_WORDS:
		ok = some;
		break;
	case SHAPE_NAME:
		ok = a_name(c);
		break;
	case SHAPE_EXPR:
		c->expr = strdup(c->args);
		ok = some;
		break;
	case SHAPE_LET:
		ok = a_let(c);
		break;
	case SHAPE_NUMBER:
		c->number = 1;
		ok = !some || a_number(c, false);
		break;
	case SHAPE_BOUND:
		ok = !some || a_number(c, true);
		break;
	case SHAPE_WATCH:
		ok = a_watch(c);
		break;
	case SHAPE_STOP:
		ok = a_stop(c);
		break;
	case SHAPE_CPU:
		c->number = UINT64_MAX;
		ok = strcmp(c->args, "any") == 0 || a_number(c, false);
		break;
	}
	if (!ok)
		*why = text_of("usage: %s", form[c->verb].usage);
	return ok;
}

/* "name", alone. */
static bool
a_name(struct command *c)
{
	size_t n = strlen(c->args);

	if (n < 3 || c->args[0] != '"' ||
	    strchr(c->args + 1, '"') != c->args + n - 1)
		return false;
	c->name = strndup(c->args + 1, n - 2);
	return true;
}

/* phys: where the loader has put it, before there are page tables. */
static bool
a_stop(struct command *c)
{
	char *rest;

	if (strncmp(c->args, "phys ", 5) == 0) {
		c->kind = 'p';
		rest = trimmed(c->args + 5, strlen(c->args + 5));
		free(c->args);
		c->args = rest;
	}
	return a_name(c);
}

static bool
a_let(struct command *c)
{
	const char *s = c->args;
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	if (n == 0 || isdigit((unsigned char)s[0]))
		return false;
	c->name = strndup(s, n);
	s += n + strspn(s + n, " \t");
	if (s[0] != '=' || s[1] == '=')
		return false;
	c->expr = trimmed(s + 1, strlen(s + 1));
	return c->expr[0] != '\0';
}

static bool
a_number(struct command *c, bool suffixed)
{
	static const char letters[] = "KMG";
	const char *at;
	char *end;

	errno = 0;
	c->number = strtoull(c->args, &end, 0);
	if (end == c->args || errno != 0 || c->args[0] == '-')
		return false;
	if (suffixed && *end != '\0' && (at = strchr(letters, *end)) != NULL) {
		for (; at >= letters; at--)
			c->number *= 1000;
		end++;
	}
	return *end == '\0';
}

/* "w $pte_phys 8" */
static bool
a_watch(struct command *c)
{
	const char *s = c->args, *last = strrchr(s, ' ');
	char *end;

	if ((s[0] != 'r' && s[0] != 'w') || s[1] != ' ' || last == s + 1)
		return false;
	c->kind = s[0];
	c->number = strtoull(last + 1, &end, 0);
	c->expr = trimmed(s + 2, (size_t)(last - s) - 2);
	return *end == '\0' && c->number >= 1 && c->number <= 4096 &&
	       c->expr[0] != '\0';
}

void
command_free(struct command *c)
{
	free(c->text);
	free(c->args);
	free(c->note);
	free(c->name);
	free(c->expr);
	*c = (struct command){ .verb = VERBS };
}

/* ---- a file ---- */

bool
script_read(struct script *s, const char *file)
{
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	char *line = NULL, *why = NULL;
	size_t cap = 0;
	int nr = 0, wrong = 0;

	*s = (struct script){ .file = file };
	if (in == NULL) {
		fprintf(stderr, "bstep: %s: %s\n", file, strerror(errno));
		return false;
	}
	while (getline(&line, &cap, in) > 0) {
		struct command c;

		nr++;
		if (!command_read(&c, line, &why)) {
			fprintf(stderr, "%s:%d: %s\n", file, nr, why);
			free(why);
			wrong++;
		}
		c.line = nr;
		s->v = reallocarray(s->v, s->n + 1, sizeof *s->v);
		if (s->v == NULL)
			abort();
		s->v[s->n++] = c;
	}
	free(line);
	if (in != stdin)
		fclose(in);
	return wrong == 0;
}

void
script_free(struct script *s)
{
	while (s->n > 0)
		command_free(&s->v[--s->n]);
	free(s->v);
}

/* ---- words ---- */

/* One word, quotes taken off, behind which *s then stands. */
static char *
a_word(const char **s)
{
	char *word = calloc(1, strlen(*s) + 1), *to = word;
	char quote = '\0';

	if (word == NULL)
		abort();
	for (; **s != '\0' && (quote != '\0' || !isblank(**s)); (*s)++) {
		if (**s == quote)
			quote = '\0';
		else if (quote == '\0' && (**s == '"' || **s == '\''))
			quote = **s;
		else
			*to++ = **s;
	}
	return word;
}

char **
words_of(const char *args)
{
	char **v = NULL;
	size_t n = 0;

	do {
		args += strspn(args, " \t");
		v = reallocarray(v, n + 1, sizeof *v);
		if (v == NULL)
			abort();
		v[n++] = *args != '\0' ? a_word(&args) : NULL;
	} while (v[n - 1] != NULL);
	return v;
}

void
words_drop(char **v)
{
	size_t i;

	for (i = 0; v != NULL && v[i] != NULL; i++)
		free(v[i]);
	free(v);
}
