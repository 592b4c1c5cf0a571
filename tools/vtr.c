/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtr.c: what happened in a run, asked of its trace
 *
 * Problem   A trace has a million events; a reader wants those of one page, of
 *           one process, the one where two runs part, the one that is wrong.
 *
 * Picture   vtr dump|count FILE… ─→ text, exit status
 *
 * Rules     Exit status as of diff(1): 0 nothing found, 1 found (a difference,
 *           a bad event), 2 trouble with the file or the arguments.
 *
 * Read next vtr.h, then vtrfile.c.
 */
#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "vtr.h"

enum { NOTHING, FOUND, TROUBLE };

static struct {
	bool id[VTR_IDS], any_id;
	long pid, cpu; /* -1: all */
	long long pfn, va;
	unsigned long long from, to, max;
	const char *events;
} want = {
	.pid = -1, .cpu = -1, .pfn = -1, .va = -1, .to = -1ull, .max = -1ull
};

static const char help_text[] =
    "tools/vtr dump [filter] FILE     the events, one line each\n"
    "tools/vtr count [filter] FILE    how many of each\n"
    "\n"
    "  -e NAME,...      these events; fault. is the whole family\n"
    "  -p PID           of this process (0: the kernel's own threads)\n"
    "  -c CPU           on this processor\n"
    "  -g PFN           that name this page frame\n"
    "  -a ADDRESS       whose va lies in the page of this address\n"
    "  -f SEQ, -t SEQ   from, up to this number\n"
    "  -n N             at most so many\n"
    "\n"
    "FILE is made by tools/guest --trace FILE.  Exit status: 0 nothing found,\n"
    "1 a difference, a bad event, 2 trouble with a file or an argument.\n";

static void __attribute__((noreturn)) trouble(const char *what)
{
	fprintf(stderr, "tools/vtr: %s\n", what);
	exit(TROUBLE);
}

static unsigned long long
number(const char *opt, const char *text)
{
	char *end;
	unsigned long long v = strtoull(text, &end, 0);

	if (end == text || *end != '\0' || *text == '-')
		errx(TROUBLE, "%s %s: a number", opt, text);
	return v;
}

static void
option(int opt, const char *arg)
{
	switch (opt) {
	case 'e':
		want.events = arg;
		return;
	case 'p':
		want.pid = (long)number("-p", arg);
		return;
	case 'c':
		want.cpu = (long)number("-c", arg);
		return;
	case 'g':
		want.pfn = (long long)number("-g", arg);
		return;
	case 'a':
		want.va = (long long)number("-a", arg);
		return;
	case 'f':
		want.from = number("-f", arg);
		return;
	case 't':
		want.to = number("-t", arg);
		return;
	case 'n':
		want.max = number("-n", arg);
		return;
	case 'h':
		fputs(help_text, stdout);
		exit(NOTHING);
	}
	trouble("see tools/vtr --help");
}

/* ---- which events ---- */

/* "fault.,vad.split": ids of this file's dictionary. */
static void
choose_events(const struct vtr *t)
{
	char *list = strdup(want.events), *rest = list, *name;
	size_t n;
	bool any;
	unsigned i;

	while ((name = strsep(&rest, ",")) != NULL) {
		n = strlen(name);
		any = false;
		for (i = 0; i < VTR_IDS; i++) {
			const char *s = t->kind[i].name;

			if (n == 0 || s == NULL ||
			    (name[n - 1] == '.' ? strncmp(s, name, n)
						: strcmp(s, name)) != 0)
				continue;
			want.id[i] = any = true;
		}
		if (!any)
			errx(TROUBLE, "-e %s: no such event in this trace",
			    name);
	}
	want.any_id = true;
	free(list);
}

static bool
names_page(const struct vtr *t, const struct vtr_event *e)
{
	return vtr_has(t, e, "pfn") &&
	       vtr_field(t, e, "pfn") == (uint64_t)want.pfn;
}

static bool
names_address(const struct vtr *t, const struct vtr_event *e)
{
	uint64_t va = (uint64_t)want.va;

	if (vtr_has(t, e, "va"))
		return vtr_field(t, e, "va") >> 12 == va >> 12;
	return vtr_has(t, e, "start") && vtr_field(t, e, "start") <= va &&
	       va < vtr_field(t, e, "end");
}

static bool
is_wanted(const struct vtr *t, const struct vtr_event *e)
{
	return (!want.any_id || want.id[e->id]) &&
	       (want.pid < 0 || e->pid == want.pid) &&
	       (want.cpu < 0 || e->cpu == want.cpu) &&
	       (want.pfn < 0 || names_page(t, e)) &&
	       (want.va < 0 || names_address(t, e)) && e->seq >= want.from &&
	       e->seq <= want.to;
}

/* ---- commands ---- */

static void
load(struct vtr *t, const char *path)
{
	char *why = vtr_load(t, path);

	if (why != NULL)
		trouble(why);
	if (want.events != NULL)
		choose_events(t);
	if (t->lost > 0)
		fprintf(stderr, "tools/vtr: %s: %llu records are missing\n",
		    path, (unsigned long long)t->lost);
	if ((t->head.flags & VTR_ENDED) == 0)
		fprintf(stderr,
		    "tools/vtr: %s: cut off: the end of the run is "
		    "not in it\n",
		    path);
}

static int
cmd_dump(const struct vtr *t)
{
	size_t i;

	for (i = 0; i < t->n && want.max > 0; i++) {
		if (!is_wanted(t, &t->event[i]))
			continue;
		if (t->event[i].gap)
			printf("... records are missing here\n");
		vtr_show(stdout, t, &t->event[i]);
		putchar('\n');
		want.max--;
	}
	return NOTHING;
}

static int
cmd_count(const struct vtr *t)
{
	uint64_t n[VTR_IDS] = { 0 };
	size_t i;

	for (i = 0; i < t->n; i++)
		n[t->event[i].id] += is_wanted(t, &t->event[i]);
	for (i = 0; i < VTR_IDS; i++)
		if (n[i] > 0)
			printf("%s %llu\n", t->kind[i].name,
			    (unsigned long long)n[i]);
	return NOTHING;
}

int
main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	struct vtr a, b;
	const char *cmd;
	int opt, nfiles;

	while ((opt = getopt_long(
		    argc, argv, "e:p:c:g:a:f:t:n:h", opts, NULL)) != -1)
		option(opt, optarg);
	cmd = optind < argc ? argv[optind++] : "";
	nfiles = strcmp(cmd, "diff") == 0 ? 2 : 1;
	if (argc - optind != nfiles)
		trouble("what, of which file?  See tools/vtr --help");
	load(&a, argv[optind]);
	if (nfiles == 2)
		load(&b, argv[optind + 1]);
	opt = strcmp(cmd, "dump") == 0    ? cmd_dump(&a)
	      : strcmp(cmd, "count") == 0 ? cmd_count(&a)
	                                  : TROUBLE;
	if (opt == TROUBLE)
		trouble("dump or count?  See tools/vtr --help");
	vtr_free(&a);
	if (nfiles == 2)
		vtr_free(&b);
	return opt;
}
