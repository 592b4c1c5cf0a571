/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrperfetto.c: a trace for other people's viewers
 *
 * Problem   Perfetto and chrome://tracing show spans, points and curves on a
 *           scale of time; our trace has events.
 *
 * Picture   fault.begin … fault.end ─→ a span, named by the case of its last pass
 *           all other events        ─→ points, in a row for each process and CPU
 *           page.state              ─→ a curve: frames in each state
 *
 * Rules     1. The format is the "Trace Event Format" of the Chromium project, as
 *              JSON; ours are its kinds M, b, e, i and C.  perfetto.json is the
 *              schema of what stands here.
 *           2. A fault may wait, and its thread go on elsewhere: its end belongs to
 *              the last open fault of the process on that CPU, or else to the
 *              last open one of the process.  Spans are asynchronous, so that
 *              faults of two threads of a process may overlap.
 *           3. A fault that no event ends is closed at the end of the trace; a
 *              frame counts from its first event on.
 *           4. Times are microseconds: under --icount an instruction is a
 *              nanosecond.
 *
 * Read next vtr.h, perfetto.json.
 */
#include <stdlib.h>
#include <string.h>

#include "vtr.h"
#include "vtrmap.h"

#define KERNEL (1u << 22)  /* the process of the kernel's own threads */
#define POINTS 2000u       /* of a curve */
#define STATES 9u
#define OPEN 256u

struct span {
	const struct vtr_event *begin, *last; /* last: the case of its last pass */
};

struct writing {
	FILE *f;
	const struct vtr *t;
	const char *comma;
	struct span open[OPEN];
	size_t nopen;
	uint64_t spans;
	struct vtr_map state; /* frame → its state + 1 */
	uint64_t frames[STATES];
	struct vtr_map row; /* process and CPU → 1: it has a name */
};

static unsigned
process_of(const struct vtr_event *e)
{
	return e->pid != 0 ? e->pid : KERNEL;
}

/* The head of each: what it is, of whom, when; the row is unique to viewers. */
static void
put(struct writing *w, const char *kind, const char *name,
    const struct vtr_event *of, uint64_t tsc)
{
	fprintf(w->f,
	    "%s\n{\"ph\":\"%s\",\"name\":\"%s\",\"pid\":%u,\"tid\":%u,"
	    "\"ts\":%llu.%03llu",
	    w->comma, kind, name, process_of(of),
	    process_of(of) * VTR_MAXCPU + of->cpu + 1,
	    (unsigned long long)tsc / 1000, (unsigned long long)tsc % 1000);
	w->comma = ",";
}

static void
put_args(struct writing *w, const struct vtr_event *e)
{
	const struct vtr_kind *k = &w->t->kind[e->id];
	unsigned i, n = e->half ? 2 : k->nfields;

	fprintf(w->f, ",\"args\":{\"event\":%llu", (unsigned long long)e->seq);
	for (i = 0; i < n; i++) {
		fprintf(w->f, ",\"%s\":\"", k->field[i]);
		vtr_show_field(w->f, w->t, e, i);
		fputc('"', w->f);
	}
	fputs("}}", w->f);
}

/* Names of a process and of its row, when it is met first. */
static void
name_row(struct writing *w, const struct vtr_event *e)
{
	uint64_t *known = vtr_map_at(
	    &w->row, (uint64_t)process_of(e) * VTR_MAXCPU + e->cpu + 1);

	if (*known != 0)
		return;
	*known = 1;
	put(w, "M", "process_name", e, 0);
	if (e->pid != 0)
		fprintf(w->f, ",\"args\":{\"name\":\"process %u\"}}", e->pid);
	else
		fputs(",\"args\":{\"name\":\"kernel threads\"}}", w->f);
	put(w, "M", "thread_name", e, 0);
	fprintf(w->f, ",\"args\":{\"name\":\"CPU %u\"}}", e->cpu);
}

/* ---- faults ---- */

static struct span *
open_of(struct writing *w, const struct vtr_event *e)
{
	struct span *any = NULL;
	size_t i;

	for (i = w->nopen; i-- > 0;) {
		if (w->open[i].begin->pid != e->pid)
			continue;
		if (w->open[i].begin->cpu == e->cpu)
			return &w->open[i];
		if (any == NULL)
			any = &w->open[i];
	}
	return any;
}

static void
close_span(struct writing *w, struct span *s, const struct vtr_event *end)
{
	const struct vtr_event *of = s->last != NULL ? s->last : s->begin;
	const char *name = s->last != NULL ? w->t->kind[of->id].name : "fault";

	put(w, "b", name, s->begin, s->begin->tsc);
	fprintf(w->f, ",\"cat\":\"fault\",\"id\":\"%llu\"",
	    (unsigned long long)++w->spans);
	put_args(w, s->begin);
	put(w, "e", name, s->begin, end->tsc);
	fprintf(w->f, ",\"cat\":\"fault\",\"id\":\"%llu\"",
	    (unsigned long long)w->spans);
	put_args(w, end);
	w->nopen--;
	memmove(s, s + 1, (size_t)(w->open + w->nopen - s) * sizeof *s);
}

/* False: it is neither the begin nor the end of a span. */
static bool
put_fault(struct writing *w, const struct vtr_event *e, const char *name)
{
	struct span *s = NULL;

	if (strcmp(name, "fault.begin") == 0 && w->nopen < OPEN) {
		w->open[w->nopen++] = (struct span){ .begin = e };
		return true;
	}
	if (strncmp(name, "fault.", 6) == 0)
		s = open_of(w, e);
	if (s == NULL)
		return false;
	if (strcmp(name, "fault.end") == 0) {
		close_span(w, s, e);
		return true;
	}
	if (w->t->kind[e->id].nfields == VTR_FIELDS)
		s->last = e;
	return false;
}

/* ---- frames ---- */

static void
count_frame(struct writing *w, const struct vtr_event *e)
{
	uint64_t *was = vtr_map_at(&w->state, e->v[0]);
	uint64_t is = e->v[1] & 0xff;

	if (*was != 0)
		w->frames[*was - 1]--;
	*was = is < STATES ? is + 1 : 0;
	if (is < STATES)
		w->frames[is]++;
}

static void
put_frames(struct writing *w, const struct vtr_event *e)
{
	struct vtr_event of = { .pid = 0 };
	unsigned s;

	put(w, "C", "frames", &of, e->tsc);
	fputs(",\"args\":{", w->f);
	for (s = 0; s < STATES; s++)
		fprintf(w->f, "%s\"%s\":%llu", s > 0 ? "," : "",
		    vtr_state_name(s), (unsigned long long)w->frames[s]);
	fputs("}}", w->f);
}

/* ---- all ---- */

static void
put_event(struct writing *w, const struct vtr_event *e)
{
	const char *name = w->t->kind[e->id].name;

	name_row(w, e);
	if (strcmp(name, "page.state") == 0)
		count_frame(w, e);
	if (put_fault(w, e, name))
		return;
	put(w, "i", name, e, e->tsc);
	fprintf(w->f, ",\"s\":\"t\",\"cat\":\"%.*s\"", (int)strcspn(name, "."),
	    name);
	put_args(w, e);
}

void
vtr_perfetto(FILE *f, const struct vtr *t, vtr_want *want)
{
	struct writing w = { .f = f, .t = t, .comma = "" };
	size_t i, every = t->n / POINTS + 1;

	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", f);
	for (i = 0; i < t->n; i++) {
		if (want(t, &t->event[i]))
			put_event(&w, &t->event[i]);
		if (i % every == every - 1 || i + 1 == t->n)
			put_frames(&w, &t->event[i]);
	}
	while (w.nopen > 0)
		close_span(&w, &w.open[0], &t->event[t->n - 1]);
	fputs("\n]}\n", f);
	vtr_map_free(&w.state);
	vtr_map_free(&w.row);
}
