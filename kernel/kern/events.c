/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.c: counters and marks
 *
 * Problem   What did the kernel do, how often, between two points of a test?
 *           Counting must be cheap enough to stay on for ever.
 *
 * Picture   EVENT(fault_zerofill, …) ─→ ev_cells[cpu][EV_…] ─┐
 *                                    └→ evset of the process   │ sum when read
 *           ev_mark(7): all sums, copied ←─────────────────────┘
 *
 * Rules     1. A cell belongs to a CPU, and is added to by one instruction that
 *              finds it from GS: the thread cannot move to another CPU and no
 *              interrupt can come in between, so it needs no lock.
 *              A row marked p is also counted in the evset of the running thread,
 *              by a call of three instructions: only this file writes counters.
 *           2. A computed gauge (ev_set_gauge) has no cell.
 *           3. Marks: the newest NMARKS are kept; the memory is there from
 *              boot on.  A mark of the same id replaces the old one.
 *
 * Read next kern/trace.c, kern/events.tab, tools/gen/events.awk.
 */
#include "kern/kernfn.h"
#include "mem/mem.h"

#define NMARKS 16
#define SHOWN_ROWS 20 /* they always fit the first kilobyte of a text */

struct mark {
	bool used;
	unsigned id;
	uint64_t time_ns;
	uint64_t value[EV_COUNT];
};

uint64_t ev_cells[MAXCPU][MD_ROW / 8]; /* [cpu] by enum ev_id */
_Static_assert(EV_COUNT <= MD_ROW / 8, "a row has room for all counters");

static struct evset nobody; /* [A] counts for threads of no process */

static struct {
	struct {
		uint64_t (*fn)(size_t arg);
		size_t arg;
	} gauge[EV_COUNT];                    /* [c] fn NULL: it is counted */
	void (*mark_hook)(unsigned, uint64_t, const uint64_t *); /* [c] or NULL */
	struct mutex marks_lock;
	struct mark *mark;                    /* [marks_lock] NMARKS */
} events = { .marks_lock = MUTEX_INIT(events.marks_lock, LR_NONE) };

/* Locks:    none; after kva_init(), before there are threads. */
void
events_init(void)
{
	size_t i, bytes = NMARKS * sizeof(struct mark);

	events.mark = kva_alloc(PAGE_UP(bytes) >> PAGE_SHIFT);
	if (events.mark == NULL)
		panic("events_init: no memory for %d marks", NMARKS);
	for (i = 0; i < NMARKS; i++)
		events.mark[i].used = false;
	for (i = 0; i < MAXCPU; i++)
		md_set_word((unsigned)i, MD_WORD_EVSET, (uintptr_t)&nobody);
}

/*
 * This CPU runs t from now on, or the name or space of its thread t has changed:
 * whose counters and records are these?
 *
 * Context:  interrupts off, or preemption.
 */
void
ev_runs(const struct thread *t)
{
	MD_SET_WORD(MD_WORD_EVSET,
	    (uintptr_t)(t->evset != NULL ? t->evset : &nobody));
	MD_SET_WORD(MD_WORD_WHO, t->id | (uint64_t)md_cpu() << 48 |
	    (uint64_t)(t->space != NULL ? t->space->design : 0) << 56);
}

/* ---- counting ---- */

/* The second cell of a row marked p: one more, or n.  Context: any. */
void
ev_add_one_own(size_t proc)
{
	struct evset *own = (struct evset *)MD_WORD(MD_WORD_EVSET);

	atomic_add(&own->v[proc], 1);
}

void
ev_add_own(size_t proc, int64_t n)
{
	struct evset *own = (struct evset *)MD_WORD(MD_WORD_EVSET);

	atomic_add(&own->v[proc], (uint64_t)n);
}

/* EVENT_ADD() for code without inlining.  Context: any. */
void
ev_add(enum ev_id id, int64_t n)
{
	MD_COUNT_AT(id, n);
	if (ev_rows[id].proc >= 0)
		ev_add_own((size_t)ev_rows[id].proc, n);
}

void
ev_set_gauge(enum ev_id id, uint64_t (*fn)(size_t arg), size_t arg)
{
	events.gauge[id].fn = fn;
	events.gauge[id].arg = arg;
}

/* ---- reading ---- */

uint64_t
ev_read(enum ev_id id)
{
	uint64_t n = 0;
	unsigned i;

	if (events.gauge[id].fn != NULL)
		return events.gauge[id].fn(events.gauge[id].arg);
	for (i = 0; i < MAXCPU; i++)
		n += atomic_load_relaxed(&ev_cells[i][id]);
	return n;
}

/* Returns:  0 for rows that are not kept per process. */
uint64_t
ev_read_proc(const struct evset *set, enum ev_id id)
{
	int proc = ev_rows[id].proc;

	return proc < 0 ? 0 : atomic_load_relaxed(&set->v[proc]);
}

static void
read_all(uint64_t *value)
{
	unsigned i;

	for (i = 0; i < EV_COUNT; i++)
		value[i] = ev_read((enum ev_id)i);
}

/*
 * /proc/vm/events, some rows at a time: the text is longer than a page, and a buffer of
 * several pages would cost a flush for each read.  All values are of one moment, as in
 * a mark: at[0] counts rows, at[1] and the following are their values.
 */
int
ev_show_next(uint64_t *at, struct out *o)
{
	uint64_t i = at[0], end = MIN(i + SHOWN_ROWS, EV_COUNT);

	if (i == EV_COUNT)
		return 0;
	if (i == 0) {
		md_preempt_disable();
		read_all(&at[1]);
		md_preempt_enable();
	}
	at[0] = end;
	for (; i < end; i++) {
		if (ev_rows[i].kind != EVK_TRACE)
			out_printf(o, "%s %lu\n", ev_rows[i].name, at[1 + i]);
	}
	return 1;
}

void
ev_show_proc(struct out *o, const struct evset *set)
{
	unsigned i;

	for (i = 0; i < EV_COUNT; i++) {
		if (ev_rows[i].proc >= 0 && ev_rows[i].kind != EVK_GAUGE)
			out_printf(o, "%s %lu\n", ev_rows[i].name,
			    ev_read_proc(set, (enum ev_id)i));
	}
}

/* ---- marks ---- */

/* Locks:    marks_lock.  The same id, else a free one, else the oldest. */
static struct mark *
mark_slot(unsigned id)
{
	struct mark *m, *best = events.mark;

	HELD(&events.marks_lock);
	for (m = events.mark; m < events.mark + NMARKS; m++) {
		if (m->used && m->id == id)
			return m;
	}
	for (m = events.mark; m < events.mark + NMARKS; m++) {
		if (!m->used)
			return m;
		if (m->time_ns < best->time_ns)
			best = m;
	}
	return best;
}

/*
 * All counters, at one instant of this CPU: otherwise work of another thread could be in
 * one counter and not in the next.  The grader, which counts from outside, takes its
 * counts when this is called.
 *
 * Context:  preemption off.
 */
__attribute__((noinline)) void
ev_take_all(uint64_t *value)
{
	ASSERT(md_preempt_count() > 0);
	read_all(value);
}

/*
 * Copy all counters under id.
 *
 * Locks:    none of a spin lock; takes marks_lock.
 * Context:  thread; allocates nothing.
 */
void
ev_mark(unsigned id)
{
	struct mark *m;

	mutex_lock(&events.marks_lock);
	m = mark_slot(id);
	m->used = true;
	m->id = id;
	m->time_ns = md_time_ns();
	md_preempt_disable();
	ev_take_all(m->value);
	md_preempt_enable();
	EVENT(check_mark, id);
	if (events.mark_hook != NULL)
		events.mark_hook(id, m->time_ns, m->value);
	mutex_unlock(&events.marks_lock);
}

void
ev_set_mark_hook(void (*fn)(unsigned id, uint64_t time_ns,
    const uint64_t *value))
{
	events.mark_hook = fn;
}

static void
show_mark(struct out *o, const struct mark *m)
{
	unsigned i;

	out_printf(o, "mark=%u time=%lu\n", m->id, m->time_ns);
	for (i = 0; i < EV_COUNT; i++) {
		if (ev_rows[i].kind != EVK_TRACE)
			out_printf(o, "%s %lu\n", ev_rows[i].name,
			    m->value[i]);
	}
}

/* The oldest mark that is younger than time_ns, or NULL. */
static const struct mark *
next_mark(uint64_t time_ns)
{
	const struct mark *m, *best = NULL;

	for (m = events.mark; m < events.mark + NMARKS; m++) {
		if (m->used && m->time_ns > time_ns &&
		    (best == NULL || m->time_ns < best->time_ns))
			best = m;
	}
	return best;
}

/* Oldest first.  Context: thread; o may not sleep for long. */
void
ev_show_marks(struct out *o)
{
	const struct mark *m;

	mutex_lock(&events.marks_lock);
	for (m = next_mark(0); m != NULL; m = next_mark(m->time_ns))
		show_mark(o, m);
	mutex_unlock(&events.marks_lock);
}
