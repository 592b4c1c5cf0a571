/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtr.c: what happened in a run, asked of its trace
 *
 * Problem   A trace has a million events; a reader wants those of one page, of
 *           one process, the one where two runs part, the one that is wrong.
 *
 * Picture   vtr dump|count|diff|check|perfetto FILE… ─→ text, exit status
 *
 * Rules     Exit status as of diff(1): 0 nothing found, 1 found (a difference,
 *           a bad event), 2 trouble with the file or the arguments.
 *
 * Read next vtr.h, then vtrdiff.c, vtrcheck.c.
 */
#include <err.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "vtr.h"

enum { NOTHING, FOUND, TROUBLE };

static struct {
	bool id[VTR_IDS], any_id;
	long pid, cpu, design; /* -1: all */
	long long pfn, va;
	unsigned long long from, to, max;
	unsigned context;
	bool teaches;
	const char *events;
} want = { .pid = -1,
	.cpu = -1,
	.design = -1,
	.pfn = -1,
	.va = -1,
	.to = -1ull,
	.max = -1ull,
	.context = 3 };

static const char help_text[] =
    "tools/vtr dump [filter] FILE     the events, one line each\n"
    "tools/vtr count [filter] FILE    how many of each\n"
    "tools/vtr diff [-e ...] A B      where two runs differ, process by process;\n"
    "                                 pages are numbered by first appearance\n"
    "tools/vtr check FILE             the first event that breaks a rule\n"
    "tools/vtr perfetto [filter] FILE JSON that ui.perfetto.dev and\n"
    "                                 chrome://tracing open\n"
    "\n"
    "  -e NAME,...      these events; fault. means all whose name begins so\n"
    "  -p PID           of this process (0: the kernel's own threads)\n"
    "  -c CPU           on this processor\n"
    "  -d DESIGN        of threads in an address space of this design: a number of\n"
    "                   PR_VMM_DESIGN (fmo 0, uvm 1, scalux 2, shadow 3, frames 4, eager 5)\n"
    "  -g PFN           of this page frame\n"
    "  -a ADDRESS       with a va in the page of this address\n"
    "  -f SEQ, -t SEQ   from this number on, up to this number\n"
    "  -n N             at most N events\n"
    "  -k N             diff: lines of context (3)\n"
    "  -l               diff: only events that a lab's code decides\n"
    "\n"
    "FILE is made by tools/guest --trace FILE.  Exit status: 0 nothing found,\n"
    "1 a difference or a bad event, 2 an error in a file or an argument.\n";

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
	case 'd':
		want.design = (long)number("-d", arg);
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
	case 'k':
		want.context = (unsigned)number("-k", arg);
		return;
	case 'l':
		want.teaches = true;
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
			errx(TROUBLE,
			    "-e %s: not in this trace; vtr count has its events",
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
	       (want.design < 0 || e->design == want.design + 1) &&
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

/* A choice of -e, or what a lab decides; as vtr_diff() asks. */
static bool
is_compared(const struct vtr *t, const struct vtr_event *e)
{
	return (!want.teaches || vtr_teaches(t, e)) && is_wanted(t, e);
}

/* The last events that both runs have, before the first of one's own. */
static void
print_context(const struct vtr *t, const struct vtr_parting *d)
{
	const struct vtr_event *e = d->a != NULL ? d->a : t->event + t->n;
	unsigned left = want.context;
	const struct vtr_event *last[32];

	if (left > 32)
		left = 32;
	for (; left > 0 && e-- > t->event;)
		if (e->pid == d->pid && is_compared(t, e))
			last[--left] = e;
	for (; left < want.context && left < 32; left++) {
		fputs("    ", stdout);
		vtr_show(stdout, t, last[left]);
		putchar('\n');
	}
}

static void
print_side(char letter, const struct vtr *t, const struct vtr_event *e)
{
	printf("  %c ", letter);
	if (e == NULL)
		fputs("no more events", stdout);
	else
		vtr_show(stdout, t, e);
	putchar('\n');
}

static int
cmd_diff(const struct vtr *a, const struct vtr *b)
{
	struct vtr_parting d = vtr_diff(a, b, is_compared);

	if (!d.parted)
		return NOTHING;
	printf("process %u: %s\n", d.pid, d.why);
	print_context(a, &d);
	print_side('A', a, d.a);
	print_side('B', b, d.b);
	return FOUND;
}

static int
cmd_check(const struct vtr *t)
{
	struct vtr_finding f = vtr_check(t);

	if (f.event == NULL)
		return NOTHING;
	printf("event %llu, record %llu of the file: %s\n  ",
	    (unsigned long long)f.event->seq,
	    (unsigned long long)f.event->place, f.rule);
	vtr_show(stdout, t, f.event);
	putchar('\n');
	return FOUND;
}

static int
cmd_perfetto(const struct vtr *t)
{
	vtr_perfetto(stdout, t, is_wanted);
	return fflush(stdout) == 0 && !ferror(stdout) ? NOTHING : TROUBLE;
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
		    argc, argv, "e:p:c:d:g:a:f:t:n:k:lh", opts, NULL)) != -1)
		option(opt, optarg);
	cmd = optind < argc ? argv[optind++] : "";
	nfiles = strcmp(cmd, "diff") == 0 ? 2 : 1;
	if (argc - optind != nfiles)
		trouble("what, of which file?  See tools/vtr --help");
	load(&a, argv[optind]);
	if (nfiles == 2)
		load(&b, argv[optind + 1]);
	if (strcmp(cmd, "dump") == 0)
		opt = cmd_dump(&a);
	else if (strcmp(cmd, "count") == 0)
		opt = cmd_count(&a);
	else if (strcmp(cmd, "diff") == 0)
		opt = cmd_diff(&a, &b);
	else if (strcmp(cmd, "check") == 0)
		opt = cmd_check(&a);
	else if (strcmp(cmd, "perfetto") == 0)
		opt = cmd_perfetto(&a);
	else
		opt = TROUBLE;
	if (opt == TROUBLE)
		trouble("dump, count, diff, check or perfetto?  See tools/vtr --help");
	vtr_free(&a);
	if (nfiles == 2)
		vtr_free(&b);
	return opt;
}
