/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c: what happened last, in order
 *
 * Problem   Counters say how often; a race or a wrong state needs the story.
 *           Recording must not change the story: no locks, no waiting.
 *
 * Picture   ring of CPU 0:  3 4 7 8 …      ring of CPU 1:  1 2 5 6 9 …
 *           reader: always the smallest number that is next → 1 2 3 4 5 …
 *
 * Rules     1. A record is written with interrupts off by its own CPU; its seq
 *              is 0 while it is being written, and set last.
 *           2. seq comes from one counter of all CPUs, so the rings merge into
 *              one order; within a ring it only grows.
 *           3. A reader copies a record and looks at seq and head again: if the
 *              ring has overtaken him, the record is lost for him.
 *           4. Fields c and d follow in a second record, id | 0x8000.
 *
 * Read next dev/tracer.c brings it to the host, tools/vtr.h reads it there.
 */
#include "kern/kernfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define MORE 0x8000        /* second half of the record before */
#define PATIENCE 10000     /* pauses for a record that is being written */

struct trace_rec {
	uint64_t seq, tsc;
	union {
		uint64_t who;    /* all four at once */
		struct {
			uint32_t pid;
			uint16_t id;
			uint8_t cpu, design;
		};
	};
	uint64_t a, b;
};

_Static_assert(sizeof(struct trace_rec) == EV_TRACE_BYTES, "book: evidence");

/* One per CPU that leaves records, in memory of its own. */
struct ring {
	uint64_t head;           /* [cpu] records ever written here */
	struct trace_rec rec[];  /* trace.size of them */
};

#define WIDE 0x10000u      /* of a kind: more than two fields */

static struct {
	uint64_t seq;            /* [A] last number given out */
	uint64_t size;           /* [c] records per ring, a power of two; 0: off */
	uint64_t mask;           /* [c] size - 1 */
	uint32_t kind[EV_COUNT]; /* [c] id, WIDE; 0: leaves no records */
	void (*sink)(const void *rec); /* [c] set at boot, or NULL */
	struct ring *ring[MAXCPU]; /* [c] NULL: none */
} trace;

/* A reader's place in each ring. */
struct merge {
	uint64_t pos[MAXCPU];
};

static void merge_start(struct merge *m, uint64_t cursor);
static bool merge_next(struct merge *m, struct trace_rec *out);

static unsigned
count_fields(const char *args)
{
	unsigned n = *args != '\0';

	for (; *args != '\0'; args++)
		n += *args == ',';
	return n;
}

static void
init_kinds(void)
{
	bool words = option_has("trace", "words");
	unsigned i;

	for (i = 0; i < EV_COUNT; i++) {
		if (i == EV_page_word && !words)
			continue;
		trace.kind[i] = ev_rows[i].id;
		if (count_fields(ev_rows[i].args) > 2)
			trace.kind[i] |= WIDE;
	}
}

/* Locks:    none; after kva_init(). */
void
trace_init(void)
{
	struct phys_stat s;

	phys_stat(&s);
	if (option_has("trace", "off") || option_has("trace", "0"))
		return;
	trace.size = option_u64("trace_records");
	if (trace.size == 0)
		trace.size = s.total < (64ul << 20 >> PAGE_SHIFT) ? 2048 : 16384;
	while ((trace.size & (trace.size - 1)) != 0)
		trace.size &= trace.size - 1;
	trace.mask = trace.size - 1;
	init_kinds();
	trace_add_cpu(0);
}

/* Too little memory: that CPU leaves no records. */
void
trace_add_cpu(unsigned cpu)
{
	size_t bytes = sizeof(struct ring) +
	    trace.size * sizeof(struct trace_rec);
	void *p;

	if (trace.size == 0)
		return;
	p = kva_alloc(PAGE_UP(bytes) >> PAGE_SHIFT);
	if (p != NULL)
		memset(p, 0, bytes);
	trace.ring[cpu] = p;
}

/* ---- writing ---- */

/* The record that the ring has room for next, marked as being written. */
static inline struct trace_rec *
begin_record(struct ring *r)
{
	struct trace_rec *rec = &r->rec[r->head & trace.mask];

	/* Keeps its address in a register instead of making it up again. */
	__asm__("" : "+r"(rec));
	atomic_store_release(&rec->seq, 0);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return rec;
}

static inline void
end_record(struct ring *r, struct trace_rec *rec)
{
	atomic_store_release(&rec->seq, atomic_add(&trace.seq, 1));
	atomic_store_release(&r->head, r->head + 1);
}

static inline const struct trace_rec *
add_record(struct ring *r, uint16_t id, uint64_t a, uint64_t b)
{
	struct trace_rec *rec = begin_record(r);
	const struct thread *t;

	rec->tsc = md_cycles();
	t = md_current();
	rec->pid = t == NULL ? 0 : t->id;
	rec->design = t == NULL ? 0 : t->design;
	rec->id = id;
	rec->cpu = (uint8_t)md_cpu();
	rec->a = a;
	rec->b = b;
	end_record(r, rec);
	return rec;
}

/* Fields c and d of the record that was just written. */
static inline void
add_half(struct ring *r, const struct trace_rec *first, uint64_t c, uint64_t d)
{
	struct trace_rec *rec = begin_record(r);

	rec->tsc = first->tsc;
	rec->who = first->who | (uint64_t)MORE << 32;
	rec->a = c;
	rec->b = d;
	end_record(r, rec);
}

/* The end of ev_trace() where the host wants the last n records, too. */
static __attribute__((noinline)) void
pass_on(const struct ring *r, unsigned n, uint64_t flags)
{
	for (; n > 0; n--)
		trace.sink(&r->rec[(r->head - n) & trace.mask]);
	md_irq_restore(flags);
}

/*
 * A record into the ring of this CPU; two if the event has c and d.  Each
 * instruction here is paid by every event: no lock, no call but the last.
 *
 * Context:  any.
 */
void
ev_trace(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint32_t kind = trace.kind[id];
	uint64_t flags;
	struct ring *r;

	if (kind == 0)
		return;
	flags = md_irq_save();
	r = trace.ring[md_cpu()];
	if (r != NULL) {
		const struct trace_rec *rec = add_record(r, (uint16_t)kind, a, b);

		if ((kind & WIDE) != 0)
			add_half(r, rec, c, d);
		if (trace.sink != NULL) {
			pass_on(r, (kind & WIDE) != 0 ? 2 : 1, flags);
			return;
		}
	}
	md_irq_restore(flags);
}

/* Context: any. */
void
ev_record(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	ev_trace(id, a, b, c, d);
	ev_add(id, 1);
}

/* ---- reading ---- */

/* Oldest record that stays; one before it may be overwritten just now. */
static uint64_t
oldest(const struct ring *r)
{
	uint64_t head = atomic_load(&r->head);

	return head >= trace.size ? head - trace.size + 1 : 0;
}

static uint64_t
seq_at(const struct ring *r, uint64_t pos)
{
	return atomic_load(&r->rec[pos % trace.size].seq);
}

/* First place with seq > cursor: the numbers in a ring grow. */
static uint64_t
search(const struct ring *r, uint64_t cursor)
{
	uint64_t lo = oldest(r), hi = atomic_load(&r->head), mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (seq_at(r, mid) > cursor)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void
merge_start(struct merge *m, uint64_t cursor)
{
	unsigned i;

	for (i = 0; i < MAXCPU; i++) {
		if (trace.ring[i] != NULL)
			m->pos[i] = search(trace.ring[i], cursor);
	}
}

/* Copy the record at *pos, or the next one that is whole; false: none. */
static bool
peek(const struct ring *r, uint64_t *pos, struct trace_rec *out)
{
	for (; *pos < atomic_load(&r->head); (*pos)++) {
		*pos = MAX(*pos, oldest(r));
		*out = r->rec[*pos % trace.size];
		/* Else the place has a younger one, whose turn comes. */
		if (out->seq != 0 && seq_at(r, *pos) == out->seq &&
		    *pos >= oldest(r))
			return true;
	}
	return false;
}

/* Take the record with the smallest number. */
static bool
merge_next(struct merge *m, struct trace_rec *out)
{
	struct trace_rec rec;
	unsigned i, from = MAXCPU;

	for (i = 0; i < MAXCPU; i++) {
		if (trace.ring[i] == NULL ||
		    !peek(trace.ring[i], &m->pos[i], &rec))
			continue;
		if (from == MAXCPU || rec.seq < out->seq) {
			from = i;
			*out = rec;
		}
	}
	if (from == MAXCPU)
		return false;
	m->pos[from]++;
	return true;
}

/*
 * The next record.  Where a few numbers are missing, a CPU may have drawn them
 * and not written yet (at most two each): give it time.  What comes later still
 * is not told.
 */
static bool
next_in_order(struct merge *m, uint64_t cursor, struct trace_rec *out)
{
	struct merge at = *m;
	unsigned tries;

	for (tries = 0; merge_next(m, out);) {
		uint64_t missing = out->seq - cursor - 1;

		if (out->seq <= cursor)
			continue;
		if (missing == 0 || missing > 2 * MAXCPU || tries == PATIENCE)
			return true;
		tries++;
		md_pause();
		*m = at;
	}
	return false;
}

/*
 * From now on put() gets each record too, and first those that the rings have.
 * It is called with interrupts off and any lock held.
 *
 * Locks:    none; boot, before other CPUs start.
 */
void
ev_trace_to(void (*put)(const void *rec))
{
	struct merge m = { { 0 } };
	struct trace_rec rec;
	uint64_t flags;

	if (trace.size == 0)
		return;
	flags = md_irq_save();
	merge_start(&m, 0);
	while (merge_next(&m, &rec))
		put(&rec);
	trace.sink = put;
	md_irq_restore(flags);
}

uint64_t
ev_trace_newest(void)
{
	return atomic_load(&trace.seq);
}

/*
 * Binary records after *cursor, in order; counts those that were overwritten.
 *
 * Returns:  bytes copied, a multiple of 40; *cursor is moved on.
 */
size_t
ev_trace_read(uint64_t *cursor, void *buf, size_t cap)
{
	struct trace_rec *out = buf, rec;
	struct merge m = { { 0 } };
	size_t n = 0;

	merge_start(&m, *cursor);
	while ((n + 1) * sizeof(rec) <= cap &&
	    next_in_order(&m, *cursor, &rec)) {
		if (rec.seq != *cursor + 1)
			EVENT_ADD(check_trace_lost, rec.seq - *cursor - 1);
		*cursor = rec.seq;
		memcpy(&out[n++], &rec, sizeof(rec));
	}
	return n * sizeof(rec);
}

/* ---- as text ---- */

static const struct ev_row *
row_of(uint16_t id)
{
	unsigned i;

	for (i = 0; i < EV_COUNT; i++) {
		const struct ev_row *row = &ev_rows[i];

		if (row->id == id && (row->kind == EVK_TRACE ||
		    row->kind == EVK_BOTH))
			return row;
	}
	return NULL;
}

/* Field number nth of "va:x,access:u": name, value in its base. */
static void
show_field(struct out *o, const char *args, unsigned nth, uint64_t v)
{
	const char *colon;

	for (; nth > 0 && args != NULL; nth--) {
		args = strchr(args, ',');
		args = args == NULL ? NULL : args + 1;
	}
	if (args == NULL || (colon = strchr(args, ':')) == NULL)
		return;
	out_printf(o, " %.*s=", (int)(colon - args), args);
	out_printf(o, colon[1] == 'x' ? "%lx" : "%lu", v);
}

static void
show_record(struct out *o, const struct trace_rec *rec)
{
	const struct ev_row *row = row_of(rec->id & ~MORE);
	unsigned first = (rec->id & MORE) != 0 ? 2 : 0;

	if (row == NULL)
		return;
	if (first == 0)
		out_printf(o, "\n  %lu cpu%u %u %s", rec->seq, rec->cpu,
		    rec->pid, row->name);
	show_field(o, row->args, first, rec->a);
	show_field(o, row->args, first + 1, rec->b);
}

/* The last n records (halves count), without any lock. */
void
ev_trace_show_last(struct out *o, unsigned n)
{
	uint64_t last = atomic_load(&trace.seq);
	struct merge m = { { 0 } };
	struct trace_rec rec;
	bool begun = false;

	merge_start(&m, last - MIN(last, (uint64_t)n));
	while (merge_next(&m, &rec) && rec.seq <= last) {
		begun |= (rec.id & MORE) == 0;
		if (begun)
			show_record(o, &rec);
	}
	out_printf(o, "\n");
}
