/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parting.c: where a run parts from a good kernel's
 *
 * Problem   "Expected 37, got 241" says that something is wrong, not where it
 *           began.  The run itself knows.
 *
 * Picture   the test once more, same seed and machine ─→ both kernels, traced
 *             └ vtr_check: a rule broken?   vtr_diff: where do they part?
 *           the earlier of the two is told: a bad event, or a difference only
 *
 * Rules     1. Only what a lab's code decides is compared (vtr_teaches): given
 *              code may do things in another order around it.
 *           2. The traces are memory files, so that nothing is left behind, but
 *              for those that somebody asked for.
 *           3. It explains a verdict and never makes one; where it finds
 *              nothing, it says nothing.
 *           4. Beside traces that are kept lies "parting", a line for each thing:
 *              what was tested, which event of each is the first that differs (its
 *              number; 0: none).  The page of make trace is made of them.
 *
 * Read next tools/trace/vtr.h, tools/trace/vtrdiff.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/trace/vtr.h"
#include "judge/judge.h"

#define WALL_SECONDS 120.0
#define MS 1000000u
#define REFERENCE "build/vadose.elf"

struct pair {
	struct boot boot[2]; /* theirs, ours */
	struct vtr trace[2];
	int fd[2];
	const struct vtr_event *at[2]; /* where they part; NULL: it has ended */
	char rule[160]; /* that the first of them breaks, or "" */
	const char *keep; /* folder, or NULL */
	char *path[2];
	char *why; /* nothing was compared, or NULL */
	bool started[2];
};

static bool pair_run(
    struct pair *, const struct boot_job *, const char *kernel);
static void pair_free(struct pair *);

/* ---- two boots ---- */

static bool
pair_start(
    struct pair *p, int which, const struct boot_job *like, const char *kernel)
{
	static const char *const names[2] = { "yours", "reference" };
	struct boot_job job = *like;

	p->fd[which] = memfd_create("trace", MFD_CLOEXEC);
	p->path[which] = p->keep != NULL
			     ? xprintf("%s/%s.vtr", p->keep, names[which])
			     : xprintf("/proc/self/fd/%d", p->fd[which]);
	job.kernel = kernel;
	job.trace = p->path[which];
	p->started[which] = p->fd[which] >= 0;
	if (p->started[which])
		return boot_start(&p->boot[which], &job, &p->why);
	p->why = xprintf("no file for a trace: %s", strerror(errno));
	return false;
}

static void
pair_wait(struct pair *p)
{
	struct boot *b[2] = { &p->boot[0], &p->boot[1] };
	size_t n = 2;
	int which;

	while (n > 0) {
		which = boots_wait(b, n, 1.0);
		if (which < 0)
			continue;
		b[which] = b[--n];
	}
}

/* Both machines run to their ends; traces are read where there are any. */
static bool
pair_run(struct pair *p, const struct boot_job *like, const char *kernel)
{
	int i;

	if (!pair_start(p, 0, like, kernel) ||
	    !pair_start(p, 1, like, REFERENCE))
		return false;
	pair_wait(p);
	for (i = 0; i < 2 && p->why == NULL; i++)
		p->why = vtr_load(&p->trace[i], p->path[i]);
	return p->why == NULL;
}

static void
pair_free(struct pair *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (p->started[i]) {
			boot_free(&p->boot[i]);
			close(p->fd[i]);
		}
		free(p->path[i]);
		vtr_free(&p->trace[i]);
	}
}

/* ---- in words ---- */

/*
 * "at 31.816422 ms  pid 2  fault.fork_copy va=41a000 …": a tick is an
 * instruction and a nanosecond here, but that it leaps while all sleep.
 */
static char *
in_words(const struct vtr *t, const struct vtr_event *e)
{
	char *text = vtr_text(t, e), *name = text;
	int blanks;
	char *line;

	/* Number, CPU and process stand before the name. */
	for (blanks = 0; blanks < 3; blanks++)
		name = strchr(name, ' ') + 1;
	line = xprintf("at %llu.%06llu ms  pid %u  %s",
	    (unsigned long long)e->tsc / MS, (unsigned long long)e->tsc % MS,
	    e->pid, name);
	free(text);
	return line;
}

static char *
say_parting(const struct pair *p, const struct vtr_parting *d)
{
	char *mine = d->a != NULL ? in_words(&p->trace[0], d->a)
	                          : xprintf("pid %u  no further event", d->pid);
	char *ours = d->b != NULL ? in_words(&p->trace[1], d->b)
	                          : xprintf("pid %u  no further event", d->pid);
	/* Numbers of frames mean nothing: that it is not the same page does. */
	char *line = xprintf("%s\n    the reference  %s%s", mine, ours,
	    strcmp(d->why, "pfn") == 0 ? "\n    there it is another page than "
	                                 "in the events before" : "");

	free(mine);
	free(ours);
	return line;
}

static char *
say_finding(const struct pair *p, const struct vtr_finding *f)
{
	char *event = in_words(&p->trace[0], f->event);
	char *line = xprintf("%s\n                   %s", event, f->rule);

	free(event);
	return line;
}

static bool
teaches_words(const struct vtr *t, const struct vtr_event *e)
{
	return vtr_teaches(t, e) ||
	       strcmp(t->kind[e->id].name, "page.word") == 0;
}

static bool
teaches_pages(const struct vtr *t, const struct vtr_event *e)
{
	return teaches_words(t, e) ||
	       strcmp(t->kind[e->id].name, "page.state") == 0;
}

/* What was done; if that is the same what was written; then, which pages. */
static struct vtr_parting
part(const struct vtr *theirs, const struct vtr *ours)
{
	static vtr_want *const want[] = { vtr_teaches, teaches_words,
		teaches_pages };
	struct vtr_parting d = { .parted = false };
	size_t i;

	for (i = 0; i < sizeof want / sizeof want[0] && !d.parted; i++)
		d = vtr_diff(theirs, ours, want[i]);
	return d;
}

static char *
compare_traces(struct pair *p)
{
	struct vtr_finding f = vtr_check(&p->trace[0]);
	struct vtr_parting d = part(&p->trace[0], &p->trace[1]);

	if (f.event != NULL &&
	    (!d.parted || d.a == NULL || f.event->seq <= d.a->seq)) {
		p->at[0] = f.event;
		memcpy(p->rule, f.rule, sizeof p->rule);
		return say_finding(p, &f);
	}
	p->at[0] = d.a;
	p->at[1] = d.b;
	return d.parted ? say_parting(p, &d) : NULL;
}

/* What a failed test expected and got, for the page. */
static void
keep_failures(FILE *f, const struct verdict *v)
{
	size_t i;

	for (i = 0; i < v->nfailures && i < 3; i++)
		fprintf(f, "failed expected %s, got %s\n",
		    v->failure[i].expected != NULL ? v->failure[i].expected
						   : "otherwise",
		    v->failure[i].got != NULL ? v->failure[i].got
					      : v->failure[i].what);
}

/* NULL, or why it could not be written, malloc'd. */
static char *
keep_story(const struct pair *p, const struct result *res)
{
	char *path = xprintf("%s/parting", p->keep), *why = NULL;
	const struct test *t = res->test;
	FILE *f = fopen(path, "w");
	size_t i;

	if (f == NULL) {
		why = xprintf("%s: %s", path, strerror(errno));
		free(path);
		return why;
	}
	fprintf(f, "test %s %s\ntitle %s\n", t->id, t->name, t->title);
	for (i = 0; i < t->nregions; i++)
		fprintf(f, "region %u %u %s\n", t->region[i].first,
		    t->region[i].last, t->region[i].name);
	for (i = 0; i < 2; i++)
		fprintf(f, "%s %llu\n", i == 0 ? "yours" : "reference",
		    p->at[i] != NULL ? (unsigned long long)p->at[i]->seq : 0);
	if (p->rule[0] != '\0')
		fprintf(f, "rule %s\n", p->rule);
	keep_failures(f, &res->verdict);
	if (ferror(f) | fclose(f))
		why = xprintf("%s: %s", path, strerror(errno));
	free(path);
	return why;
}

/* Is it a test of which the learner may see everything? */
bool
parting_may_be_told(const struct result *res)
{
	switch (res->verdict.status) {
	case ST_FAIL:
	case ST_TIMEOUT:
	case ST_PANIC:
	case ST_DEADLOCK:
		return res->test->parent == NULL && res->boot != NULL;
	case ST_PASS:
	case ST_GATE:
	case ST_BUILD:
	case ST_INFRA:
	case ST_UNWITNESSED:
		break;
	}
	return false;
}

/* As parting_find(), for a verdict that a learner may read, and what kind it is. */
char *
parting_line(const struct result *res, const char *kernel)
{
	char *line, *said = NULL, *why = NULL;
	bool broken;

	if (!parting_may_be_told(res))
		return NULL;
	line = parting_find(res, kernel, NULL, &broken, &why);
	if (line != NULL)
		said = xprintf("%s  %s",
		    broken ? "first bad event" : "first difference", line);
	free(line);
	free(why);
	return said;
}

/*
 * Run the test again with the kernel that was graded and with the reference.
 *
 * Returns:  one or two lines, malloc'd; NULL: they do not part, or could not be
 *           compared: then *why, malloc'd, is set.  *broken: the run broke a rule
 *           before it parted from the other.
 */
char *
parting_find(const struct result *res, const char *kernel, const char *keep,
    bool *broken, char **why)
{
	struct pair *p = xalloc(sizeof *p);
	struct boot_job job = { .test = res->test,
		.draw = &res->draw,
		.sched = res->sched,
		.inject = res->inject,
		.wall = WALL_SECONDS };
	char *line = NULL;

	p->keep = keep;
	if (access(REFERENCE, R_OK) < 0)
		p->why = xprintf("%s: %s", REFERENCE, strerror(errno));
	else if (pair_run(p, &job, kernel))
		line = compare_traces(p);
	if (keep != NULL && p->why == NULL)
		p->why = keep_story(p, res);
	*broken = p->rule[0] != '\0';
	*why = p->why;
	pair_free(p);
	free(p);
	return line;
}
