/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * border.c: what of a graded kernel is the submission's, and what it did beyond
 *
 * Problem   The witness sees addresses.  Which of them are the submission's, what
 *           judges, what counts, only the linker knows.
 *
 * Picture   map of the link, names of the kernel ─→ lines for the witness:
 *             text LO HI    lab LO HI    sealed LO HI    count NUMBER 0 …
 *           "border 1 FROM TO" of the witness ─→ a sentence
 *
 * Rules     1. What is watched can be said in a sentence, and no honest run does
 *              it; all else that a file does in ring 0 is not watched.
 *           2. Only a kernel that grading/link made has a map; without one (our
 *              own kernel, a debugger's) there is no border to watch.
 *
 * Read next witness_border.c watches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "witness/border.h"

struct map {
	struct symbols *symbols;
	const char *dir;
	FILE *out;
};

/* What is called by its name, and never by way of a pointer. */
static const char *const sealed[] = { "ev_mark", "ev_take_all", "ev_set_mark_hook",
	"ev_set_gauge", "ev_set_gauge_word", "graded_check", "graded_say", "graded_seal",
	"record_frame", "record_exit", "power_end", "inject_set",
	"option_hide", "panic_set_end", "uart_write", "vm_leak_begin" };
/* By which a file counts. */
static const char *const counters[] = { "ev_add", "ev_record" };
/* Single names that are looked for. */
static const char *const places[] = { "image_start", "rodata_end", "ev_cells",
	"mark_check" };

/* ---- what lies where ---- */

static void
say(const struct map *m, const char *word, uint64_t lo, uint64_t hi)
{
	fprintf(m->out, "%s %llx %llx\n", word, (unsigned long long)lo,
	    (unsigned long long)hi);
}

/*
 * Where the submission's code lies: " .text  0xffffffff80201000  0x3f0 ./lab.o"
 * of the linker's map; long names of sections wrap.
 */
static void
say_lab(const struct map *m, char *text)
{
	char *line, section[128] = "", object[512];
	unsigned long long lo, n;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (line[0] == ' ' && line[1] == '.')
			sscanf(line, " %127s", section);
		if (strncmp(section, ".text", 5) == 0 &&
		    (sscanf(line, " .%*s 0x%llx 0x%llx %511s", &lo, &n, object) == 3 ||
			sscanf(line, " 0x%llx 0x%llx %511s", &lo, &n, object) == 3) &&
		    n > 0 && (strcmp(object, "./lab.o") == 0 || /* as grading/link has them */
				 strcmp(object, "./labstring.o") == 0))
			say(m, "lab", lo, lo + n);
	}
}

/* Functions by their names. */
static void
say_functions(const struct map *m, const char *word, const char *const *name,
    size_t n)
{
	uint64_t pc, next, want;
	size_t i, k;

	for (i = 0; i < n; i++) {
		want = symbols_find(m->symbols, name[i]);
		for (k = 0; want != 0 && symbols_nth(m->symbols, k, &pc, &next); k++)
			if (pc == want) {
				say(m, word, pc, next);
				break;
			}
	}
}

/* ---- counters ---- */

#define CPUS 16ul        /* kernel/md.h: MAXCPU */
#define ROW_BYTES 4096ul /* and MD_ROW */

/* "vad_split" and so on, in the order of the cells; read once. */
static const struct words *
counter_names(void)
{
	static struct words all;
	char *text, *rest, *line;

	if (all.n > 0)
		return &all;
	text = rest = file_read("build/grading/include/gen/events.h", NULL);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "\tEV_", 4) != 0)
			continue;
		line[strcspn(line, ",")] = '\0';
		if (strcmp(line, "\tEV_COUNT") != 0)
			words_add(&all, line + 4);
	}
	free(text);
	return &all;
}

static int
counter_place(const char *name)
{
	const struct words *all = counter_names();
	size_t i;

	for (i = 0; i < all->n; i++)
		if (strcmp(all->v[i], name) == 0)
			return (int)i;
	return -1;
}

/* "vad.split", of the cell at va. */
static char *
counter_at(const struct symbols *s, uint64_t va)
{
	const struct words *all = counter_names();
	size_t i = (va - symbols_find(s, "ev_cells")) % ROW_BYTES / 8;
	char *name = xstrdup(i < all->n ? all->v[i] : "no counter");

	name[strcspn(name, "_")] = name[strcspn(name, "_")] != '\0' ? '.' : '\0';
	return name;
}

/* names/FILE.names, which build.c has put beside the kernel; malloc'd or NULL. */
static char *
names_text(const char *dir)
{
	char *path = xprintf("%s/names", dir), *text = file_read(path, NULL);

	free(path);
	return text;
}

static char *
folder_of(const char *kernel)
{
	const char *slash = strrchr(kernel, '/');

	return strndup(kernel, slash != NULL ? slash - kernel : 0);
}

/* Is "swap.in_pages" for the submission to count, as our own file does? */
bool
border_counts(const char *kernel, const char *counter)
{
	char *dir = folder_of(kernel), *text = names_text(dir), *rest = text, *line;
	char *name = xprintf("E %s", counter);
	bool found = false;

	name[strcspn(name, ".")] = '_';
	while (!found && (line = strsep(&rest, "\n")) != NULL)
		found = strcmp(line, name) == 0;
	free(name);
	free(text);
	free(dir);
	return found;
}

/* Those that our own file counts, and the headers for it: names/FILE.names. */
static void
say_counters(const struct map *m)
{
	char *text = names_text(m->dir), *rest = text, *line;
	uint64_t at = symbols_find(m->symbols, "ev_cells");
	int place;

	fprintf(m->out, "cells %llx %llx\nrow %lx 0\n", (unsigned long long)at,
	    (unsigned long long)(at + CPUS * ROW_BYTES), ROW_BYTES);
	while ((line = strsep(&rest, "\n")) != NULL) {
		place = strncmp(line, "E ", 2) == 0 ? counter_place(line + 2) : -1;
		if (place >= 0)
			fprintf(m->out, "count %x 0\n", place);
	}
	free(text);
}

/*
 * A file for the witness, of the kernel and the map that lies beside it.
 *
 * Returns:  its descriptor; -1: there is no map.
 */
int
border_map(const char *kernel, struct symbols *symbols)
{
	char *dir = folder_of(kernel);
	struct map m = { .symbols = symbols, .dir = dir };
	char *path = xprintf("%s/map", dir), *text = file_read(path, NULL);
	int fd = -1;

	if (text != NULL && symbols != NULL)
		fd = memfd_create("border", 0);
	if (fd >= 0 && (m.out = fdopen(dup(fd), "w")) != NULL) {
		say(&m, "text", symbols_find(symbols, "image_start"),
		    symbols_find(symbols, "rodata_end"));
		say_lab(&m, text);
		say_functions(&m, "sealed", sealed, sizeof sealed / sizeof sealed[0]);
		say_functions(&m, "counter", counters,
		    sizeof counters / sizeof counters[0]);
		say_counters(&m);
		fclose(m.out);
	}
	free(text);
	free(path);
	free(dir);
	return fd;
}

static bool
is_in(const char *name, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

#define IN(name, list) is_in(name, list, sizeof(list) / sizeof(list)[0])

/* Does the judge find its way by this name?  Then there must be no second one. */
bool
border_looks_for(const char *name)
{
	return IN(name, sealed) || IN(name, counters) || IN(name, places);
}

/* ---- what was seen ---- */

/* name+offset, or the address. */
static char *
place(const struct symbols *s, uint64_t va)
{
	const char *name = symbols_at(s, va);
	uint64_t at = name != NULL ? symbols_find(s, name) : 0;

	if (name == NULL || va - at > 1 << 20)
		return xprintf("0x%llx", (unsigned long long)va);
	return va == at ? xstrdup(name)
			: xprintf("%s+%llu", name, (unsigned long long)(va - at));
}

enum { TEXT, CALL, POINTER, COUNT, STORE, KINDS }; /* enum border in witness.h */

/* One thing that the witness saw at the border, in words; malloc'd. */
char *
border_sentence(const struct symbols *s, const int64_t v[3])
{
	static const char *const forms[KINDS] = {
		[TEXT] = "the kernel's code or its constants are not what they "
			 "were%.0s%.0s",
		[CALL] = "%s goes to %s, which the file does not import",
		[POINTER] = "%s calls %s through a pointer: that is called by "
			    "name only",
		[COUNT] = "%s adds to %s at the file's wish: that is counted by "
			  "another file",
		[STORE] = "%s writes to %s itself: ev_add() and its like count",
	};
	char *from = place(s, (uint64_t)v[1]), *text;
	char *to = v[0] == COUNT || v[0] == STORE ? counter_at(s, (uint64_t)v[2])
				  : place(s, (uint64_t)v[2]);

	if (v[0] < 0 || v[0] >= KINDS) {
		text = xprintf("border %lld: %s, %s", (long long)v[0], from, to);
	} else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		text = xprintf(forms[v[0]], from, to);
#pragma GCC diagnostic pop
	}
	free(from);
	free(to);
	return text;
}

/* What to do about it, where it may be a mistake; NULL: no advice. */
const char *
border_advice(int64_t kind)
{
	if (kind == COUNT)
		return "Leave that count out: the file that does the work counts it, "
		       "and that is another file.";
	if (kind == STORE)
		return "A counter of this file goes up by EVENT() or EVENT_ADD().";
	return NULL;
}
