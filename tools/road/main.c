/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c: which way does a page fault take through the kernel?
 *
 * Problem   How far a reader must go to follow one store, fork or munmap can be
 *           counted in the text, slowly, or measured: which functions ran, in
 *           which order, in which files, with how many instructions.
 *
 * Picture   walks.c in the guest ─ marks ─→ plugin.c ─ steps ─→ way.c, with
 *           code.c ─→ tally.c ─→ text (show.c), picture (draw.c), table
 *
 * Rules     1. One CPU, -icount, norandom=1, disks in memory: two runs say the
 *              same to the digit.
 *           2. The last round of walks.c counts; the ones before fill caches and
 *              pools.
 *           3. An error says what to do next; the status is 1 then, 2 for a wrong
 *              call.
 *
 * Read next ops.h, walks.c, plugin.c.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"
#include "road.h"

static const char help_text[] =
    "road [options] OP     the road of one operation; of all: road ALL; without OP\n"
    "                      the operations are listed\n"
    "\n"
    "The road: which functions of the kernel run, in which order, in which files, with\n"
    "how many instructions.  A function counts once, where it runs first.  A change is\n"
    "a step to a function in another file, a return a step to a file that was left\n"
    "before.  Functions that gcc has inlined count as in the source.  Helpers (lib/,\n"
    "kern/, inline functions of headers) count by their instructions only.  A function\n"
    "without any instruction is not seen; rep counts once for each repetition.\n"
    "\n"
    "  --helpers           the tree with the helpers\n"
    "  --svg FILE          the file of the picture (OUT/OP.svg)\n"
    "  --kernel ELF        another kernel (build/vadose.elf)\n"
    "  --build DIR         the folder of everything else that was built (build)\n"
    "  --out DIR           the folder of pictures and recordings (build/road)\n"
    "  --baseline FILE     what ALL compares with (tools/road/baseline.tab)\n"
    "  --write FILE        ALL: write its figures as a baseline\n"
    "  --help              this text\n"
    "\n"
    "make road OP=... builds what it needs and calls it.\n";

#define ROW(fn, name, who, flags, what) { name, what, who, flags },
static const struct op ops[] = { ROAD_OPS(ROW) };
#undef ROW

#define NOPS (sizeof ops / sizeof ops[0])
#define FIGURES 10

/* A row of a table: what is compared. */
struct row {
	uint64_t v[FIGURES];
	bool there;
};

static const char *const figure_name[FIGURES] = { "functions", "files",
	"changes", "returns", "insns", "vm-functions", "vm-files", "vm-changes",
	"vm-returns", "vm-insns" };

static struct {
	const char *kernel, *build, *baseline, *write, *svg, *op, *dir;
	bool helpers;
} opt = { .build = "build", .baseline = "tools/road/baseline.tab" };

static void
list(FILE *out)
{
	size_t i;

	fprintf(out, "make road OP=...\n\n");
	for (i = 0; i < NOPS; i++)
		fprintf(out, "  %-12s %s%s\n", ops[i].name, ops[i].what,
		    (ops[i].flags & ROAD_WALK) ? "  *" : "");
	fprintf(out, "  %-12s the figures of all, beside %s\n", "ALL",
	    opt.baseline);
	fprintf(out, "\n* one of the six walks of which ALL gives the mean\n");
}

/* ---- the guest ---- */

/* Runs tools/guest; its output is in FILE. */
static void
guest(const struct op *op, struct code *c, const char *steps, const char *out)
{
	char *plugin = text("%s/road/plugin.so,out=%s,mark=%#lx,switch=%#lx,"
			    "first=%#lx",
	    opt.build, steps, code_symbol(c, "ev_mark"),
	    code_symbol(c, "switch_stacks"), code_symbol(c, "switch_first"));
	char *argv[] = { text("%s/tools/guest", opt.build), "--kernel",
		(char *)opt.kernel, "--cpus", "1", "--memory", "112M",
		"--icount", "--timeout", "300", "--root", "initrd", "--append",
		(op->flags & ROAD_DISK) ? "norandom=1 ramdisk=48M"
					: "norandom=1 ramdisk=48M swap=rama",
		"--plugin", plugin, "--add",
		text("%s/road/walks:/t/", opt.build), "--add",
		(op->flags & ROAD_DISK)
		    ? text("%s/road/road.img:/t/", opt.build)
		    : text("%s/road/walks:/t/", opt.build),
		"--", "/t/walks", (char *)op->name, NULL };
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (freopen(out, "w", stdout) == NULL)
			err(126, "%s", out);
		execv(argv[0], argv);
		err(127, "%s: make road builds it", argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "fork");
	if (status != 0)
		errx(1,
		    "%s: tools/guest ended with %d; what the program said is "
		    "in %s",
		    op->name, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		    out);
}

/* "times N" of walks.c. */
static uint64_t
times_of(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long n = 1;

	if (f == NULL || fscanf(f, "times %lu", &n) != 1 || n == 0)
		n = 1;
	if (f != NULL)
		fclose(f);
	return n;
}

/* ---- one operation ---- */

static struct road
take(const struct op *op, struct code *c, FILE *out)
{
	char *steps = text("%s/%s.steps", opt.dir, op->name);
	char *said = text("%s/%s.out", opt.dir, op->name);
	char *svg = opt.svg != NULL ? strdup(opt.svg)
	                            : text("%s/%s.svg", opt.dir, op->name);
	struct way *first, *w;
	struct road road;
	char *why = NULL;

	unlink(steps);
	guest(op, c, steps, said);
	first = way_read(c, steps, (op->flags & ROAD_LONG) == 0, &why);
	if (first == NULL)
		errx(1, "%s: %s", op->name, why);
	for (w = first; w->next != NULL; w = w->next)
		;
	tally(&road, w, op->who, (op->flags & ROAD_MINUS) ? first : NULL);
	road.times = times_of(said);
	if (road.n == 0)
		errx(1,
		    "%s: not one function ran between the marks; is the "
		    "kernel that of %s?",
		    op->name, opt.kernel);
	if (out != NULL) {
		show_tree(out, op, w, &road, opt.helpers);
	}
	if (!draw(svg, op, &road))
		err(1, "%s", svg);
	if (out != NULL)
		fprintf(out, "picture: %s\n", svg);
	unlink(steps);
	unlink(said);
	free(steps);
	free(said);
	free(svg);
	return road;
}

/* ---- the table ---- */

static struct row
row_of(const struct road *r)
{
	return (struct row){ { r->n, r->files, r->changes, r->returns,
				 r->insns / r->times, r->vm_functions,
				 r->vm_files, r->vm_changes, r->vm_returns,
				 r->vm_insns / r->times },
		true };
}

/* Its rows by operation; what is not in it is not there. */
static void
read_baseline(struct row *row)
{
	char line[512], name[32];
	FILE *f = fopen(opt.baseline, "r");
	size_t i, j;
	int at, n;

	if (f == NULL)
		err(1, "%s: --write makes one", opt.baseline);
	while (fgets(line, sizeof line, f) != NULL) {
		if (line[0] == '#' || sscanf(line, "%31s%n", name, &at) != 1)
			continue;
		for (i = 0; i < NOPS && strcmp(ops[i].name, name) != 0; i++)
			;
		for (j = 0; i < NOPS && j < FIGURES; j++, at += n)
			if (sscanf(line + at, "%lu%n", &row[i].v[j], &n) != 1)
				errx(1, "%s: %s: %zu numbers expected",
				    opt.baseline, name, (size_t)FIGURES);
		if (i < NOPS)
			row[i].there = true;
	}
	fclose(f);
}

static void
write_baseline(const struct row *row)
{
	FILE *f = fopen(opt.write, "w");
	size_t i, j;

	if (f == NULL)
		err(1, "%s", opt.write);
	fprintf(f,
	    "# baseline.tab: the figures that make road OP=ALL compares "
	    "with\n#\n# make road OP=ALL WRITE=tools/road/baseline.tab "
	    "writes it anew.\n#\n#%-11s",
	    " operation");
	for (j = 0; j < FIGURES; j++)
		fprintf(f, " %12s", figure_name[j]);
	for (i = 0; i < NOPS; i++) {
		fprintf(f, "\n%-12s", ops[i].name);
		for (j = 0; j < FIGURES; j++)
			fprintf(f, " %12lu", row[i].v[j]);
	}
	fputc('\n', f);
	if (fclose(f) != 0)
		err(1, "%s", opt.write);
}

/* What came of each figure of the first, on the mean of the six. */
static void
show_means(const struct row *now, const struct row *was)
{
	double sum, worst;
	size_t i, j, n, at;

	printf(
	    "\nnow by then, mean of the six walks (and the worst of them):\n");
	for (j = 0; j < FIGURES; j++) {
		sum = worst = 0;
		for (i = n = at = 0; i < NOPS; i++) {
			double q;

			if (!(ops[i].flags & ROAD_WALK) || !was[i].there ||
			    was[i].v[j] == 0)
				continue;
			q = (double)now[i].v[j] / (double)was[i].v[j];
			sum += q;
			n++;
			if (q > worst) {
				worst = q;
				at = i;
			}
		}
		if (n > 0)
			printf("  %-12s %5.2f  (%.2f %s)\n", figure_name[j],
			    sum / (double)n, worst, ops[at].name);
	}
}

static void
show_table(const struct row *now, const struct row *was)
{
	static const struct {
		size_t figure;
		const char *name;
	} col[] = { { 0, "functions" }, { 1, "files" }, { 6, "of vm" },
		{ 2, "changes" }, { 3, "returns" }, { 4, "instructions" },
		{ 9, "of vm" } };
	const size_t ncols = sizeof col / sizeof col[0];
	size_t i, j;

	printf("%-12s", "now (then)");
	for (j = 0; j < ncols; j++)
		printf(" %17s", col[j].name);
	for (i = 0; i < NOPS; i++) {
		printf("\n%-10s %s", ops[i].name,
		    (ops[i].flags & ROAD_WALK) ? "*" : " ");
		for (j = 0; j < ncols; j++) {
			printf(" %8lu", now[i].v[col[j].figure]);
			if (was[i].there)
				printf(" %8lu", was[i].v[col[j].figure]);
			else
				printf(" %8s", "-");
		}
	}
	putchar('\n');
}

static void
all(struct code *c)
{
	struct row now[NOPS], was[NOPS] = { 0 };
	struct road road;
	size_t i;

	if (opt.write == NULL)
		read_baseline(was);
	for (i = 0; i < NOPS; i++) {
		if (isatty(2))
			fprintf(stderr, "\r\033[Kroad: %zu of %zu, %s", i + 1,
			    NOPS, ops[i].name);
		road = take(&ops[i], c, NULL);
		now[i] = row_of(&road);
	}
	if (isatty(2))
		fprintf(stderr, "\r\033[K");
	if (opt.write != NULL) {
		write_baseline(now);
		return;
	}
	show_table(now, was);
	show_means(now, was);
	printf("\npictures: %s/*.svg\n", opt.dir);
}

/* ---- calling ---- */

static void
parse(int argc, char **argv)
{
	enum {
		O_HELPERS = 256,
		O_SVG,
		O_KERNEL,
		O_BUILD,
		O_BASE,
		O_WRITE,
		O_OUT
	};
	static const struct option o[] = {
		{ "helpers", no_argument, NULL, O_HELPERS },
		{ "svg", required_argument, NULL, O_SVG },
		{ "kernel", required_argument, NULL, O_KERNEL },
		{ "build", required_argument, NULL, O_BUILD },
		{ "out", required_argument, NULL, O_OUT },
		{ "baseline", required_argument, NULL, O_BASE },
		{ "write", required_argument, NULL, O_WRITE },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int k;

	while ((k = getopt_long(argc, argv, "h", o, NULL)) != -1) {
		if (k == 'h') {
			fputs(help_text, stdout);
			exit(0);
		} else if (k == O_HELPERS)
			opt.helpers = true;
		else if (k == O_SVG)
			opt.svg = optarg;
		else if (k == O_KERNEL)
			opt.kernel = optarg;
		else if (k == O_BUILD)
			opt.build = optarg;
		else if (k == O_OUT)
			opt.dir = optarg;
		else if (k == O_BASE)
			opt.baseline = optarg;
		else if (k == O_WRITE)
			opt.write = optarg;
		else
			errx(2, "road --help says how it is called");
	}
	opt.op = argv[optind];
	if (opt.op != NULL && argv[optind + 1] != NULL)
		errx(2, "one operation at a time, or ALL");
}

/* Where recording begins and ends, and what tells threads apart. */
static void
need_symbols(const struct code *c)
{
	static const char *const name[] = { "ev_mark", "switch_stacks",
		"switch_first", "trap_stubs" };
	size_t i;

	for (i = 0; i < sizeof name / sizeof name[0]; i++)
		if (code_symbol(c, name[i]) == 0)
			errx(1,
			    "%s has no %s: tools/road must learn its new "
			    "name",
			    opt.kernel, name[i]);
}

int
main(int argc, char **argv)
{
	char *why = NULL;
	struct code *c;
	size_t i;

	parse(argc, argv);
	if (opt.op == NULL) {
		list(stdout);
		return 0;
	}
	for (i = 0; i < NOPS; i++)
		if (strcmp(ops[i].name, opt.op) == 0)
			break;
	if (i == NOPS && strcmp(opt.op, "ALL") != 0) {
		fprintf(stderr,
		    "road: there is no operation %s; these are:\n\n", opt.op);
		list(stderr);
		return 2;
	}
	if (opt.kernel == NULL)
		opt.kernel = text("%s/vadose.elf", opt.build);
	if (opt.dir == NULL)
		opt.dir = text("%s/road", opt.build);
	if (mkdir(opt.dir, 0777) != 0 && errno != EEXIST)
		err(1, "%s", opt.dir);
	c = code_open(opt.kernel, &why);
	if (c == NULL)
		errx(1, "%s", why);
	need_symbols(c);
	if (i == NOPS)
		all(c);
	else
		(void)take(&ops[i], c, stdout);
	return 0;
}
