/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * symbols.c: names of a kernel's addresses
 *
 * Problem   The witness is given addresses, messages give names and lines.
 *
 * Picture   nm -n ─→ sorted table;  addr2line for file and line
 *
 * Read next boot/boot.c, report/text.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

struct symbol {
	uint64_t pc;
	char *name;
	bool exported; /* not of one object alone */
};

struct symbols {
	struct symbol *v;
	size_t n;
};

static void
add_line(struct symbols *s, char *line)
{
	char type, name[256];
	unsigned long long pc;

	if (sscanf(line, "%llx %c %255s", &pc, &type, name) != 3)
		return;
	if ((s->n & (s->n + 1)) == 0 || s->v == NULL)
		s->v = xrealloc(s->v, (2 * s->n + 2) * sizeof *s->v);
	s->v[s->n].pc = pc;
	s->v[s->n].exported = type >= 'A' && type <= 'Z';
	s->v[s->n++].name = xstrdup(name);
}

/* NULL: no such kernel, or no nm. */
struct symbols *
symbols_read(const char *elf)
{
	const char *argv[] = { "nm", "-n", elf, NULL };
	struct symbols *s;
	char *out = NULL, *rest, *line;

	if (command(argv, &out) != 0) {
		free(out);
		return NULL;
	}
	s = xalloc(sizeof *s);
	rest = out;
	while ((line = strsep(&rest, "\n")) != NULL)
		add_line(s, line);
	free(out);
	return s;
}

void
symbols_free(struct symbols *s)
{
	size_t i;

	for (i = 0; s != NULL && i < s->n; i++)
		free(s->v[i].name);
	if (s != NULL)
		free(s->v);
	free(s);
}

/*
 * What is exported comes first: a function in line may also be in an object for
 * itself, as a static one of the same name, before or behind it.
 */
uint64_t
symbols_find(const struct symbols *s, const char *name)
{
	uint64_t pc = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->v[i].name, name) != 0)
			continue;
		if (s->v[i].exported)
			return s->v[i].pc;
		if (pc == 0)
			pc = s->v[i].pc;
	}
	return pc;
}

/* The n-th function, and where the next symbol is; false: there is none. */
bool
symbols_nth(const struct symbols *s, size_t n, uint64_t *pc, uint64_t *next)
{
	if (n >= s->n)
		return false;
	*pc = s->v[n].pc;
	*next = n + 1 < s->n ? s->v[n + 1].pc : *pc;
	return true;
}

/* Does a symbol begin there? */
bool
symbols_begins(const struct symbols *s, uint64_t pc)
{
	size_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (s->v[mid].pc < pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->v[lo].pc == pc;
}

/* The function that pc lies in; user addresses have none. */
const char *
symbols_at(const struct symbols *s, uint64_t pc)
{
	size_t lo = 0, hi = s->n, mid;

	if (pc < 1ul << 63)
		return NULL;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (s->v[mid].pc <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? s->v[lo - 1].name : NULL;
}

/* Paths below the folder we are in, as one would type them. */
static void
make_relative(char *path)
{
	char *here = getcwd(NULL, 0);
	size_t n = here != NULL ? strlen(here) : 0;

	if (n > 0 && strncmp(path, here, n) == 0 && path[n] == '/')
		memmove(path, path + n + 1, strlen(path + n + 1) + 1);
	free(here);
}

char *
symbols_line(const char *elf, uint64_t pc)
{
	char *at = xprintf("0x%llx", (unsigned long long)pc), *out = NULL;
	const char *argv[] = { "addr2line", "-e", elf, at, NULL };
	char *more;
	bool ok = pc != 0 && command(argv, &out) == 0 && out[0] != '?';

	free(at);
	if (!ok) {
		free(out);
		return NULL;
	}
	out[strcspn(out, "\n")] = '\0';
	more = strstr(out, " (discriminator");
	if (more != NULL)
		*more = '\0';
	make_relative(out);
	return out;
}
