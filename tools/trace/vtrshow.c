/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrshow.c: an event as a line of text
 *
 * Problem   Numbers are for machines: a reader wants LIMBO>ACTIVE, not 604.
 *
 * Picture   33 cpu0 2 page.state pfn=1201 change=LIMBO>ACTIVE home=pte:41a000
 *
 * Rules     field=value, no blank in a value; the same names as in the kernel
 *           (mem/page.h, vm/frame/word.h), whose numbers stand here once more.
 *
 * Read next kernel/mem/page.h, vtr.c.
 */
#include <stdlib.h>
#include <string.h>

#include "vtr.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const states[] = { "FREE", "ZEROED", "ACTIVE", "STANDBY",
	"MODIFIED", "READING", "LIMBO", "WIRED", "BAD" };
static const char *const homes[] = { "none", "pte", "fmo", "aobj", "vnode",
	"table", "kpaged", "anon", "shadow", "frame", "kernel", "io",
	"sxanon" };
static const char *const kinds[] = { "trans", "busy", "swap", "fork", "error" };
static const char *const sources[] = { "obj", "priv", "fork", "spec" };
static const char *const flags[] = { "DIRTY", "WRITING", "ORPHAN", "SLOTSTALE",
	"LAZYFREE", "ERROR", "CONTAINER", "WANTED" };

const char *
vtr_state_name(unsigned state)
{
	return state < COUNT(states) ? states[state] : "?";
}

static void
show_home(FILE *f, uint64_t v)
{
	unsigned kind = (unsigned)(v >> 60);

	if (kind >= COUNT(homes))
		fprintf(f, "%llx", (unsigned long long)v);
	else if (v << 4 == 0)
		fputs(homes[kind], f);
	else
		fprintf(f, "%s:%llx", homes[kind],
		    (unsigned long long)(v & ~0ull >> 4));
}

static void
show_flags(FILE *f, uint64_t v)
{
	const char *bar = "";
	unsigned i;

	if (v == 0)
		fputc('0', f);
	for (i = 0; i < COUNT(flags); i++) {
		if ((v >> i & 1) == 0)
			continue;
		fprintf(f, "%s%s", bar, flags[i]);
		bar = "|";
	}
}

/* valid/fork:ro:pfn, swap, absent … */
static void
show_word(FILE *f, uint64_t w)
{
	unsigned kind = (unsigned)(w >> 1 & 7);

	if (w == 0)
		fputs("absent", f);
	else if ((w & 1) != 0)
		fprintf(f, "valid/%s:%s:%llu", sources[w >> 9 & 3],
		    w & 2 ? "rw" : "ro", (unsigned long long)(w << 12 >> 24));
	else if (kind >= 1 && kind <= COUNT(kinds))
		fprintf(f, "%s:%llu", kinds[kind - 1],
		    (unsigned long long)(w >> 12));
	else
		fprintf(f, "%llx", (unsigned long long)w);
}

static bool
is_word(const char *event, const char *field)
{
	return strcmp(field, "before") == 0 || strcmp(field, "after") == 0 ||
	       (strcmp(event, "page.word") == 0 && strcmp(field, "word") != 0);
}

static void
show_change(FILE *f, uint64_t v)
{
	fprintf(f, "%s>%s", vtr_state_name((unsigned)(v >> 8)),
	    vtr_state_name((unsigned)(v & 0xff)));
}

/* Values that have names, by event and field. */
static bool
show_named(FILE *f, const char *event, const char *field, uint64_t v)
{
	if (strcmp(event, "page.state") == 0 && strcmp(field, "change") == 0)
		show_change(f, v);
	else if (strcmp(event, "page.state") == 0 && strcmp(field, "home") == 0)
		show_home(f, v);
	else if (strcmp(event, "page.state") == 0 &&
		 strcmp(field, "flags") == 0)
		show_flags(f, v);
	else if (strcmp(event, "page.home") == 0 && strcmp(field, "pfn") != 0)
		show_home(f, v);
	else if (is_word(event, field))
		show_word(f, v);
	else
		return false;
	return true;
}

void
vtr_show_field(
    FILE *f, const struct vtr *t, const struct vtr_event *e, unsigned i)
{
	const struct vtr_kind *k = &t->kind[e->id];

	if (!show_named(f, k->name, k->field[i], e->v[i]))
		fprintf(f, k->hex[i] ? "%llx" : "%llu",
		    (unsigned long long)e->v[i]);
}

void
vtr_show(FILE *f, const struct vtr *t, const struct vtr_event *e)
{
	const struct vtr_kind *k = &t->kind[e->id];
	unsigned i, n = e->half ? 2 : k->nfields;

	fprintf(f, "%llu cpu%u %u %s", (unsigned long long)e->seq, e->cpu,
	    e->pid, k->name);
	for (i = 0; i < n; i++) {
		fprintf(f, " %s=", k->field[i]);
		vtr_show_field(f, t, e, i);
	}
}

char *
vtr_text(const struct vtr *t, const struct vtr_event *e)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (f == NULL)
		abort();
	vtr_show(f, t, e);
	fclose(f);
	return text;
}
