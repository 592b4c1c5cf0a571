/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.c: what happened last, in order
 *
 * Problem   Counters say how often; a race or a wrong state needs the story.
 *           Recording must not change the story: no locks, no waiting, nothing
 *           that CPUs share.
 *
 * Picture   ring of CPU 0:  10.3 s  10.7 s  11.2 s …     (time stamps)
 *           ring of CPU 1:  10.5 s  10.6 s  …
 *           reader: always the earliest that is next → 10.3 10.5 10.6 10.7 …
 *
 * Rules     1. An entry is written with interrupts off by its own CPU, then head
 *              goes one further: entries below head are complete.
 *           2. The entry at head may be half written, over the oldest one.  A
 *              reader copies an entry and looks at head again: the copy is good
 *              if head is less than a ring further.
 *           3. Entries of several CPUs are ordered by their time stamps, which
 *              never go back (md.h); of equal ones the lower CPU is first.
 *           4. Readers get records of 40 bytes with a number.  Fields c and d
 *              follow in a second record, id | 0x8000.
 *           5. With a way to the host (trace=shm, debugcon) each entry is also
 *              handed over at once, and is numbered by one counter of all CPUs.
 *
 * An entry costs 27 instructions.  Changes of pages (page.state, .home, .pin, .unpin)
 * are ten more entries for each fault, and its begin and end say little that its case
 * does not; a fork, its faults and an exit have one for each word (fork.word,
 * fmo.steal, fmo.deref).  So they are recorded only on request (flags a and w of
 * events.tab): by trace=pages or a way to the host; those of words by trace=words.
 *
 * Read next channel/tracer.c brings it to the host, tools/trace/vtr.h reads it there.
 */
#include "kern/kernfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define MORE 0x8000        /* second half of the record before */
#define NEAR 10000         /* pauses in which a started entry is finished */

/* The origin of an entry, as in MD_WORD_WHO; also the third word of a record. */
union origin {
	uint64_t who;
	struct {
		uint32_t pid;
		uint16_t id;
		uint8_t cpu, design; /* the space's: its number + 1; 0: none */
	};
};

struct entry {
	uint64_t tsc;
	union origin from;
	uint64_t v[4];
};

/* A record as readers get it. */
struct trace_rec {
	uint64_t seq, tsc;
	union origin from;
	uint64_t a, b;
};

_Static_assert(sizeof(struct trace_rec) == EV_TRACE_BYTES, "book: evidence");

/* One per CPU that leaves entries, in memory of its own. */
struct ring {
	uint64_t head;           /* [cpu] entries ever written here */
	struct entry entry[];    /* trace.size of them */
};

static struct {
	uint64_t size;           /* [c] entries per ring, a power of two; 0: off */
	uint64_t mask;           /* [c] size - 1 */
	bool wide[256];          /* [c] by id: more than two fields */
	void (*sink)(const void *rec); /* [c] set at boot, or NULL */
	uint64_t sent;           /* [A] records that sink got */
	struct ring *ring[MAXCPU]; /* [c] NULL: none */
} trace;

uint8_t ev_trace_ids[EV_COUNT]; /* [c] 0: leaves no entries */

static unsigned
count_fields(const char *args)
{
	unsigned n = *args != '\0';

	for (; *args != '\0'; args++)
		n += *args == ',';
	return n;
}

/* Rows that are recorded only on request. */
static bool
is_left_out(unsigned i)
{
	bool host = option_has("trace", "shm") || option_has("trace", "debugcon");

	switch (ev_rows[i].asked) {
	case 'w':
		return !option_has("trace", "words");
	case 'a':
		return !host && !option_has("trace", "pages");
	default:
		return false;
	}
}

static void
init_ids(void)
{
	unsigned i;

	for (i = 0; i < EV_COUNT; i++) {
		if (is_left_out(i))
			continue;
		ev_trace_ids[i] = ev_rows[i].id;
		trace.wide[ev_rows[i].id] = count_fields(ev_rows[i].args) > 2;
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
		trace.size = s.total < (64ul << 20 >> PAGE_SHIFT) ? 2048 : 8192;
	while ((trace.size & (trace.size - 1)) != 0)
		trace.size &= trace.size - 1;
	trace.mask = trace.size - 1;
	init_ids();
	trace_add_cpu(0);
}

/* Too little memory: that CPU leaves no records. */
void
trace_add_cpu(unsigned cpu)
{
	size_t bytes = sizeof(struct ring) +
	    trace.size * sizeof(struct entry);
	void *p;

	if (trace.size == 0)
		return;
	p = kva_alloc(PAGE_UP(bytes) >> PAGE_SHIFT);
	if (p != NULL)
		memset(p, 0, bytes);
	trace.ring[cpu] = p;
	if (trace.sink == NULL)
		md_set_word(cpu, MD_WORD_RING, (uintptr_t)p);
}

/* ---- writing ---- */

/* The entry as one or two records without numbers; how many. */
static unsigned
to_records(const struct entry *e, struct trace_rec *rec)
{
	rec[0] = (struct trace_rec){ 0, e->tsc, e->from, e->v[0], e->v[1] };
	rec[1] = (struct trace_rec){ 0, e->tsc, e->from, e->v[2], e->v[3] };
	rec[1].from.id |= MORE;
	return trace.wide[e->from.id] ? 2 : 1;
}

/* Rule 5. */
static void
pass_on(const struct entry *e)
{
	struct trace_rec rec[2];
	unsigned i, n = to_records(e, rec);

	for (i = 0; i < n; i++) {
		rec[i].seq = atomic_add(&trace.sent, 1);
		trace.sink(&rec[i]);
	}
}

static inline void
entry_write(struct entry *e, uint16_t id, uint64_t a, uint64_t b, uint64_t c,
    uint64_t d)
{
	e->v[0] = a;
	e->v[1] = b;
	e->v[2] = c;
	e->v[3] = d;
	e->from.who = MD_WORD(MD_WORD_WHO);
	e->from.id = id;
	md_cycles_to(&e->tsc);
}

/* The end of ev_trace_put() if the host wants the entry, too, or this CPU has no
 * ring. */
static __attribute__((noinline)) void
put_and_pass_on(uint16_t id, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
    uint64_t flags)
{
	struct ring *r = trace.ring[md_cpu()];
	struct entry *e;

	if (r != NULL) {
		e = &r->entry[r->head & trace.mask];
		entry_write(e, id, a, b, c, d);
		atomic_store_release(&r->head, r->head + 1);
		pass_on(e);
	}
	md_irq_release(flags);
}

/*
 * Put an entry of the row with this id into the ring of this CPU.  Every event pays for
 * each instruction here: no lock, and no call but the last, so that no register is
 * saved.
 *
 * Context:  any.
 */
void
ev_trace_put(uint16_t id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t flags = md_irq_hold();
	struct ring *r = (struct ring *)MD_WORD(MD_WORD_RING);

	if (UNLIKELY(r == NULL)) {
		put_and_pass_on(id, a, b, c, d, flags);
		return;
	}
	entry_write(&r->entry[r->head & trace.mask], id, a, b, c, d);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* no instruction, here */
	r->head++;
	md_irq_release(flags);
}

#if IN_LINE
/* It keeps all registers (events.h).  Context: any. */
void
ev_trace_asked(uint16_t id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	ev_trace_put(id, a, b, c, d);
}
#endif

/* Context: any. */
void
ev_trace(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	if (ev_trace_ids[id] != 0)
		ev_trace_put(ev_trace_ids[id], a, b, c, d);
}

/* Context: any. */
void
ev_record(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	ev_trace(id, a, b, c, d);
	ev_add(id, 1);
}

/* ---- reading ---- */

/* Copy entry pos; false: the ring has overtaken it (rule 2). */
static bool
entry_read(const struct ring *r, uint64_t pos, struct entry *out)
{
	*out = r->entry[pos & trace.mask];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return atomic_load(&r->head) - pos < trace.size;
}

/*
 * The next entry of CPU cpu that is left; false: none.  If a ring has overtaken the
 * reader, the entries of other CPUs from that time are left out, too
 * (skip_holes()).
 */
static bool
peek(struct ev_cursor *c, unsigned cpu, struct entry *out)
{
	const struct ring *r = trace.ring[cpu];
	uint64_t head, first, *pos = &c->pos[cpu];
	bool overtaken = false;

	while (*pos != c->end[cpu]) {
		head = atomic_load(&r->head);
		if (head - *pos >= trace.size) {
			first = MIN(head - trace.size + 1, c->end[cpu]);
			c->lost += first - *pos;
			*pos = first;
			overtaken = true;
		}
		if (*pos == c->end[cpu]) {
			c->whole_from = UINT64_MAX;
			break;
		}
		if (!entry_read(r, *pos, out))
			continue;
		if (overtaken)
			c->whole_from = MAX(c->whole_from, out->tsc);
		if (out->tsc >= c->whole_from)
			return out->tsc <= c->until;
		(*pos)++;
		c->lost++;
	}
	return false;
}

/* The earliest entry that is next; again if a ring has overtaken us meanwhile. */
static bool
next_entry(struct ev_cursor *c, struct entry *out)
{
	unsigned cpu, from;
	struct entry e;

	do {
		from = MAXCPU;
		for (cpu = 0; cpu < MAXCPU; cpu++) {
			if (peek(c, cpu, &e) &&
			    (from == MAXCPU || e.tsc < out->tsc)) {
				from = cpu;
				*out = e;
			}
		}
		if (from == MAXCPU)
			return false;
	} while (out->tsc < c->whole_from);
	c->pos[from]++;
	return true;
}

/*
 * Let the cursor begin at the newest of the rings' oldest entries: from there on no ring
 * has lost an entry.
 */
static void
skip_holes(struct ev_cursor *c)
{
	uint64_t from = 0;
	struct entry e;
	unsigned i;

	for (i = 0; i < MAXCPU; i++) {
		if (c->pos[i] > 0 && peek(c, i, &e))
			from = MAX(from, e.tsc);
	}
	for (i = 0; i < MAXCPU; i++) {
		while (peek(c, i, &e) && e.tsc < from) {
			c->pos[i]++;
			c->number++;
			c->entries--;
		}
	}
}

/*
 * A cursor to the present entries of the rings, at most `most` of each; it does not
 * read later ones.
 *
 * Locks:    none.
 */
void
ev_trace_begin(struct ev_cursor *c, uint64_t most)
{
	unsigned i;

	*c = (struct ev_cursor){ .until = md_cycles() };
	for (i = 0; i < MAXCPU; i++) {
		uint64_t head = trace.ring[i] == NULL ? 0 :
		    atomic_load(&trace.ring[i]->head);

		c->pos[i] = head - MIN(head, MIN(most, trace.size - 1));
		c->number += c->pos[i];
		c->entries += head - c->pos[i];
	}
	/* A CPU that has read the clock before us has written its entry by then. */
	for (i = 0; i < NEAR && md_ncpus() > 1; i++)
		md_pause();
	for (i = 0; i < MAXCPU; i++)
		c->end[i] = trace.ring[i] == NULL ? 0 :
		    atomic_load(&trace.ring[i]->head);
	skip_holes(c);
}

static void
count_lost(struct ev_cursor *c)
{
	EVENT_ADD(check_trace_lost, c->lost);
	c->number += c->lost;
	c->lost = 0;
}

/*
 * Binary records from the cursor on, in order; counts those that were overwritten.
 *
 * Returns:  bytes copied, a multiple of 40.
 */
size_t
ev_trace_read(struct ev_cursor *c, void *buf, size_t cap)
{
	struct trace_rec *out = buf;
	struct entry e;
	size_t n = 0;
	unsigned i;

	while ((n + 2) * sizeof(*out) <= cap && next_entry(c, &e)) {
		struct trace_rec rec[2];

		count_lost(c);
		for (i = to_records(&e, rec); i > 0; i--, n++) {
			rec[0].seq = ++c->number;
			memcpy(&out[n], &rec[0], sizeof(*out));
			rec[0] = rec[1];
		}
	}
	count_lost(c); /* at the end nothing follows it */
	return n * sizeof(*out);
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
	struct ev_cursor c;
	struct entry e;
	uint64_t flags;
	unsigned cpu;

	if (trace.size == 0)
		return;
	flags = md_irq_save();
	trace.sink = put;
	for (cpu = 0; cpu < MAXCPU; cpu++)
		md_set_word(cpu, MD_WORD_RING, 0);
	ev_trace_begin(&c, trace.size);
	while (next_entry(&c, &e))
		pass_on(&e);
	md_irq_restore(flags);
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
show_entry(struct out *o, uint64_t number, const struct entry *e)
{
	const struct ev_row *row = row_of(e->from.id);
	unsigned i;

	if (row == NULL)
		return;
	out_printf(o, "\n  %lu cpu%u %u %s", number, e->from.cpu, e->from.pid,
	    row->name);
	for (i = 0; i < ARRAY_LEN(e->v); i++)
		show_field(o, row->args, i, e->v[i]);
}

/* The last n entries of all CPUs, without any lock. */
void
ev_trace_show_last(struct out *o, unsigned n)
{
	struct ev_cursor c;
	struct entry e;

	ev_trace_begin(&c, n);
	for (; next_entry(&c, &e); c.entries--) {
		c.number++;
		if (c.entries <= n)
			show_entry(o, c.number, &e);
	}
	out_printf(o, "\n");
}
