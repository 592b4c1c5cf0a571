/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_trace.c: the trace rings, read while they are written
 *
 * The file itself is included, with a clock, CPUs and memory of this test's own.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ev_trace ring_trace
#define ev_trace_put ring_trace_put
#define ev_record ring_record
#define ev_add ring_add
#define md_cpu ring_cpu
#define md_cycles ring_clock
#define md_cycles_to ring_clock_to
#define md_irq_save ring_irq_save
#define md_irq_restore ring_irq_restore
#define md_irq_hold ring_irq_save
#define md_irq_release ring_irq_restore
#define md_set_word ring_set_word
#define MD_WORD(w) ring_words[ring_cpu()][w]
#define kva_alloc ring_memory
#define option_has ring_option
#define option_u64 ring_size
#define phys_stat ring_stat
#define sched_yield kernel_yield /* <pthread.h> has another */
#include "md.h"
static uint64_t ring_words[MAXCPU][MD_WORDS];
unsigned ring_cpu(void);
#undef atomic_load
#define atomic_load(p) ring_load(p)
static uint64_t ring_load(const uint64_t *p);
#include "kern/trace.c"

#define SIZE 64u       /* entries of a ring */
#define RACE 3000000u  /* entries written while others read */
#define RECORDS 400u

static _Thread_local unsigned cpu_now;
static _Atomic uint64_t clock_now;
static uint64_t lost;

unsigned ring_cpu(void) { return cpu_now; }
uint64_t ring_clock(void) { return ++clock_now; }
void ring_clock_to(uint64_t *at) { *at = ring_clock(); }
uint64_t ring_irq_save(void) { return 0; }
void ring_irq_restore(uint64_t flags) { }
void ring_set_word(unsigned cpu, enum md_word w, uint64_t v) { ring_words[cpu][w] = v; }
bool ring_option(const char *name, const char *word) { return false; }
uint64_t ring_size(const char *name) { return SIZE; }
void *ring_memory(size_t pages) { return calloc(pages, PAGE_SIZE); }

void
ring_stat(struct phys_stat *s)
{
	memset(s, 0, sizeof *s);
}

void
ring_add(enum ev_id id, int64_t n)
{
	lost += id == EV_check_trace_lost ? (uint64_t)n : 0;
}

static int
setup(void **state)
{
	unsigned i;

	for (i = 0; i < MAXCPU; i++) {
		free(trace.ring[i]);
		trace.ring[i] = NULL;
		ring_words[i][MD_WORD_WHO] = (uint64_t)i << 48; /* ev_runs() */
	}
	lost = 0;
	trace_init();
	trace_add_cpu(1);
	return 0;
}

/* n entries of CPU cpu, numbered in their four fields. */
static void
put(unsigned cpu, uint64_t from, unsigned n)
{
	cpu_now = cpu;
	for (; n-- > 0; from++)
		EVENT(fault_zerofill, from, from + 1, from + 2, from + 3);
}

/* Behind load number pause_at of the reader the writer goes on. */
static unsigned pause_at;

static uint64_t
ring_load(const uint64_t *p)
{
	uint64_t v = __atomic_load_n(p, __ATOMIC_SEQ_CST);

	if (pause_at > 0 && --pause_at == 0)
		put(0, 1000, 5);
	return v;
}

/* Two records are an entry, whole; its first field. */
static uint64_t
entry_of(const struct trace_rec *r)
{
	assert_int_equal(r[0].from.id, ev_rows[EV_fault_zerofill].id);
	assert_int_equal(r[1].from.id, r[0].from.id | MORE);
	assert_int_equal(r[1].seq, r[0].seq + 1);
	assert_int_equal(r[0].b, r[0].a + 1);
	assert_int_equal(r[1].a, r[0].a + 2);
	assert_int_equal(r[1].b, r[0].a + 3);
	return r[0].a;
}

/* Entries of two CPUs come in the order of their stamps, with no gap. */
static void
merged(void **state)
{
	struct trace_rec rec[RECORDS];
	struct ev_cursor c;
	size_t n, i;

	for (i = 0; i < 40; i++)
		put(i * 7 % 3 == 0, 100 + i, 1);
	ev_trace_begin(&c, SIZE);
	put(1, 500, 1);
	n = ev_trace_read(&c, rec, sizeof rec) / sizeof *rec;
	assert_int_equal(n, 80);
	for (i = 0; i < n; i += 2) {
		assert_int_equal(entry_of(&rec[i]), 100 + i / 2);
		assert_int_equal(rec[i].seq, i + 1);
		assert_int_equal(rec[i].from.cpu, i / 2 * 7 % 3 == 0);
	}
	assert_int_equal(ev_trace_read(&c, rec, sizeof rec), 0);
	assert_int_equal(lost, 0);
}

/* A ring that has forgotten more than the other: the file begins where both know. */
static void
holes(void **state)
{
	struct trace_rec rec[RECORDS];
	struct ev_cursor c;
	size_t n;

	put(1, 0, 10);
	put(0, 100, 100);
	put(1, 10, 5);
	put(0, 200, 3);
	ev_trace_begin(&c, SIZE);
	n = ev_trace_read(&c, rec, sizeof rec) / sizeof *rec;
	assert_int_equal(n, 2 * (SIZE - 1 + 5));
	assert_int_equal(entry_of(rec), 203 - (SIZE - 1));
	assert_int_equal(rec[0].seq, 10 + 103 - (SIZE - 1) + 1);
	assert_int_equal(rec[2 * (SIZE - 1 - 3)].from.cpu, 1);
}

/* What was overtaken before the cursor counts in the numbers, after it as lost. */
static void
overtaken(void **state)
{
	struct trace_rec rec[RECORDS];
	struct ev_cursor c;
	size_t n;

	put(0, 0, 200);
	ev_trace_begin(&c, SIZE);
	n = ev_trace_read(&c, rec, sizeof rec) / sizeof *rec;
	assert_int_equal(n, 2 * (SIZE - 1));
	assert_int_equal(entry_of(rec), 200 - (SIZE - 1));
	assert_int_equal(rec[0].seq, 200 - (SIZE - 1) + 1);
	ev_trace_begin(&c, 10);
	put(0, 200, SIZE - 6);
	n = ev_trace_read(&c, rec, sizeof rec) / sizeof *rec;
	assert_int_equal(lost, 5);
	assert_int_equal(n, 2 * 5);
	assert_int_equal(entry_of(rec), 195);
	assert_int_equal(rec[0].seq, 190 + 5 + 1);
}

/* The writer overtakes the reader between any two looks at head. */
static void
interleaved(void **state)
{
	struct trace_rec rec[RECORDS];
	struct ev_cursor c;
	unsigned at;
	size_t n, i;

	for (at = 1; at < 2 * SIZE; at++) {
		setup(NULL);
		put(0, 0, 200);
		ev_trace_begin(&c, SIZE);
		pause_at = at;
		n = ev_trace_read(&c, rec, sizeof rec) / sizeof *rec;
		pause_at = 0;
		assert_int_equal(n / 2 + lost + c.lost, SIZE - 1);
		for (i = 2; i < n; i += 2)
			assert_true(entry_of(&rec[i]) > entry_of(&rec[i - 2]) &&
			    rec[i].seq > rec[i - 1].seq);
	}
}

static void *
writer(void *arg)
{
	put(0, 0, RACE);
	return NULL;
}

/* A reader meets the end of the ring that is being written: nothing comes torn,
 * twice, or before what was earlier. */
static void
raced(void **state)
{
	struct trace_rec rec[RECORDS];
	uint64_t last = 0, number, entries = 0;
	struct ev_cursor c;
	pthread_t t;
	size_t n, i;

	assert_int_equal(pthread_create(&t, NULL, writer, NULL), 0);
	while (last < RACE - SIZE) {
		ev_trace_begin(&c, SIZE);
		number = c.number;
		last = 0;
		while ((n = ev_trace_read(&c, rec, sizeof rec)) > 0) {
			n /= sizeof *rec;
			for (i = 0; i < n; i += 2, entries++) {
				assert_true(rec[i].seq > number);
				number = rec[i + 1].seq;
				assert_true(entries == 0 || last == 0 ||
				    entry_of(&rec[i]) > last);
				last = entry_of(&rec[i]);
			}
		}
	}
	pthread_join(t, NULL);
	assert_true(entries > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(merged, setup),
		cmocka_unit_test_setup(holes, setup),
		cmocka_unit_test_setup(overtaken, setup),
		cmocka_unit_test_setup(interleaved, setup),
		cmocka_unit_test_setup(raced, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
