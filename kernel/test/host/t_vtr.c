/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_vtr.c: traces that are damaged, that part, that break a rule
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../../tools/trace/tracesink.h"
#include "../../../tools/trace/vtr.h"
#include "../../channel/tracer.h"

enum { STATE = 0x10, HOME = 0x11, PIN = 0x12, UNPIN = 0x13, BEGIN = 0x0d,
	END = 0x0e, WAIT = 0x1e, RESTART = 0x0f, ZEROFILL = 0x01, COPY = 0x04,
	FBEGIN = 0x20, FWORD = 0x21, FEND = 0x22, NEW = 0x23, DEREF = 0x24,
	OUT = 0x48, IN = 0x49, SFREE = 0x4a, SPLIT = 0x31 };
enum { FREE, ZEROED, ACTIVE, STANDBY, MODIFIED, READING, LIMBO };

#define PTE_HOME (1ul << 60 | 0x1000)

static const char dictionary[] =
    "10 page.state pfn:u,change:x,home:x,flags:x\n"
    "11 page.home pfn:u,old:x,new:x\n12 page.pin pfn:u,pins:u\n"
    "13 page.unpin pfn:u,pins:u\n0d fault.begin va:x,access:u\n"
    "0e fault.end outcome:u,restarts:u\n1e lock.wait lock:x,owner:u\n"
    "0f fault.restart va:x,reason:u\n"
    "01 fault.zerofill va:x,before:x,after:x,pfn:u\n"
    "04 fault.fork_copy va:x,before:x,after:x,pfn:u\n"
    "20 fork.begin parent:u,child:u\n"
    "21 fork.word vpn:x,kind:u,entry:x,refs:u\n"
    "22 fork.end entries:u,rerefs:u,copies:u\n23 fmo.new base:x,n:u\n"
    "24 fmo.deref entry:x,refs:u\n48 swap.out slot:u,n:u,pfn:u\n"
    "49 swap.in slot:u,n:u,pfn:u\n4a swap.free slot:u,n:u,pfn:u\n"
    "31 vad.split start:x,end:x,flags:x,off:x\n";

struct line {
	unsigned id, pid;
	uint64_t v[4];
};

static char path[2][64];

static int
make_paths(void **state)
{
	snprintf(path[0], sizeof path[0], "/tmp/t_vtr.%d.a", (int)getpid());
	snprintf(path[1], sizeof path[1], "/tmp/t_vtr.%d.b", (int)getpid());
	return 0;
}

static int
remove_paths(void **state)
{
	unlink(path[0]);
	unlink(path[1]);
	return 0;
}

static unsigned
is_wide(unsigned id)
{
	return strchr("\x10\x11\x01\x04\x21\x22\x48\x49\x4a\x31", (int)id) !=
	    NULL;
}

/* A file of these events; skip: that many numbers are missing before number at. */
static void
write_trace(const char *file, const struct line *l, size_t n, size_t at,
    uint64_t skip)
{
	FILE *f = fopen(file, "wb");
	struct vtr_head h = { .cpus = 1, .flags = VTR_ENDED };
	struct vtr_rec r;
	uint64_t seq = 1;
	size_t i;

	assert_non_null(f);
	for (i = 0; i < n; i++)
		h.records += 1 + is_wide(l[i].id);
	assert_true(vtr_write_head(f, &h, dictionary));
	for (i = 0; i < n; i++) {
		seq += i == at ? skip : 0;
		r = (struct vtr_rec){ .seq = seq++, .pid = l[i].pid,
			.id = (uint16_t)l[i].id, .a = l[i].v[0], .b = l[i].v[1] };
		assert_int_equal(fwrite(&r, sizeof r, 1, f), 1);
		if (!is_wide(l[i].id))
			continue;
		r = (struct vtr_rec){ .seq = seq++, .pid = l[i].pid,
			.id = (uint16_t)(l[i].id | VTR_MORE), .a = l[i].v[2],
			.b = l[i].v[3] };
		assert_int_equal(fwrite(&r, sizeof r, 1, f), 1);
	}
	fclose(f);
}

static void
load(struct vtr *t, const char *file)
{
	char *why = vtr_load(t, file);

	if (why != NULL)
		fail_msg("%s", why);
}

/* ---- rules ---- */

#define CHANGE(from, to) ((uint64_t)(from) << 8 | (to))

static const struct line good[] = {
	{ BEGIN, 5, { 0x7000, 2 } },
	{ WAIT, 5, { 0x7000, 2 } },
	{ STATE, 5, { 9, CHANGE(FREE, LIMBO), 0, 0 } },
	{ HOME, 5, { 9, 0, PTE_HOME } },
	{ STATE, 5, { 9, CHANGE(LIMBO, ACTIVE), PTE_HOME, 1 } },
	{ ZEROFILL, 5, { 0x7010, 0, 0x9003, 9 } },
	{ END, 5, { 0, 0 } },
	{ PIN, 5, { 9, 1 } },
	{ UNPIN, 5, { 9, 0 } },
	{ FBEGIN, 5, { 5, 6 } },
	{ NEW, 5, { 0x400, 1 } },
	{ FWORD, 5, { 7, 1, 0x400, 2 } },
	{ FEND, 5, { 1, 0, 0 } },
	{ DEREF, 6, { 0x400, 1 } },
	{ STATE, 0, { 9, CHANGE(ACTIVE, MODIFIED), PTE_HOME, 1 } },
	{ OUT, 0, { 3, 2, 9 } },
	{ STATE, 0, { 9, CHANGE(MODIFIED, STANDBY), PTE_HOME, 0 } },
	{ IN, 0, { 4, 1, 9 } },
	{ SFREE, 0, { 3, 1, 0 } },
};
#define NGOOD (sizeof good / sizeof good[0])

/* The good trace with one event changed breaks a rule that says so. */
static const struct {
	size_t place;
	struct line line;
	const char *rule;
} broken[] = {
	{ 2, { STATE, 5, { 9, CHANGE(FREE, ACTIVE), PTE_HOME, 0 } },
	  "FREE may not become ACTIVE" },
	{ 2, { STATE, 5, { 9, CHANGE(FREE, 77), 0, 0 } }, "no such states" },
	{ 4, { STATE, 5, { 9, CHANGE(READING, STANDBY), PTE_HOME, 0 } },
	  "was LIMBO, not READING" },
	{ 4, { STATE, 5, { 9, CHANGE(LIMBO, ACTIVE), 0, 0 } }, "no owner" },
	{ 16, { STATE, 0, { 9, CHANGE(MODIFIED, STANDBY), PTE_HOME, 2 } },
	  "being written" },
	{ 16, { STATE, 0, { 9, CHANGE(MODIFIED, FREE), PTE_HOME, 0 } },
	  "has an owner" },
	{ 8, { PIN, 5, { 9, 2 } }, "with 2 pins" },
	{ 8, { UNPIN, 5, { 9, 1 } }, "had 1 pins" },
	{ 5, { COPY, 5, { 0x9010, 0, 0, 9 } }, "the fault is at 7000" },
	{ 5, { PIN, 5, { 11, 1 } }, "1 passes end in 0 cases" },
	{ 6, { END, 5, { 0, 1 } }, "0 restarts came" },
	{ 6, { COPY, 5, { 0x7010, 0, 0, 9 } }, "two cases" },
	{ 0, { PIN, 5, { 12, 1 } }, "has not begun" },
	{ 12, { FEND, 5, { 2, 0, 0 } }, "1 new entries" },
	{ 11, { FWORD, 5, { 7, 5, 0x401, 2 } }, "entry 401 is dead" },
	{ 13, { DEREF, 6, { 0x402, 1 } }, "entry 402 is not there" },
	{ 18, { NEW, 5, { 0x400, 1 } }, "there already" },
	{ 17, { IN, 0, { 5, 1, 9 } }, "slot 5 was never written" },
	{ 17, { IN, 0, { 3, 1ul << 40, 9 } }, "slots from 3" },
	{ 18, { SPLIT, 5, { 8, 8, 0, 0 } }, "a range of 8 to 8" },
};

static void
rules(void **state)
{
	struct line l[NGOOD];
	struct vtr_finding f;
	struct vtr t;
	size_t i;

	write_trace(path[0], good, NGOOD, 0, 0);
	load(&t, path[0]);
	f = vtr_check(&t);
	if (f.event != NULL)
		fail_msg("event %lu: %s", f.event->seq, f.rule);
	vtr_free(&t);
	for (i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		memcpy(l, good, sizeof l);
		l[broken[i].place] = broken[i].line;
		write_trace(path[0], l, NGOOD, 0, 0);
		load(&t, path[0]);
		f = vtr_check(&t);
		if (f.event == NULL || strstr(f.rule, broken[i].rule) == NULL)
			fail_msg("%s: %s", broken[i].rule,
			    f.event == NULL ? "not found" : f.rule);
		vtr_free(&t);
	}
}

/* A design that shares pages without entries counts them, and tells of no word. */
static void
other_forks(void **state)
{
	static const struct line l[] = { { FBEGIN, 5, { 5, 6 } },
		{ FEND, 5, { 205, 0, 0 } } };
	struct vtr_finding f;
	struct vtr t;

	write_trace(path[0], l, 2, 0, 0);
	load(&t, path[0]);
	f = vtr_check(&t);
	if (f.event != NULL)
		fail_msg("event %lu: %s", f.event->seq, f.rule);
	vtr_free(&t);
}

/* Behind a gap nothing is held against a page, a fault, an entry. */
static void
gaps(void **state)
{
	struct vtr_finding f;
	struct vtr t;
	size_t i;

	for (i = 0; i < NGOOD; i++) {
		write_trace(path[0], good + i, NGOOD - i, 0, 2 * i);
		load(&t, path[0]);
		assert_int_equal(t.lost, 2 * i);
		f = vtr_check(&t);
		if (f.event != NULL)
			fail_msg("from %zu: %s", i, f.rule);
		vtr_free(&t);
	}
}

/* ---- comparing ---- */

static void
expect_parting(const struct line *a, size_t na, const struct line *b, size_t nb,
    int64_t at, const char *why)
{
	struct vtr_parting d;
	struct vtr x, y;

	write_trace(path[0], a, na, 0, 0);
	write_trace(path[1], b, nb, 0, 0);
	load(&x, path[0]);
	load(&y, path[1]);
	d = vtr_diff(&x, &y, NULL);
	assert_int_equal(d.parted, why != NULL);
	if (why != NULL) {
		assert_string_equal(d.why, why);
		assert_int_equal(d.a == NULL ? -1 : d.a - x.event, at);
	}
	vtr_free(&x);
	vtr_free(&y);
}

static void
diffs(void **state)
{
	struct line l[NGOOD], two[4], one[2];
	size_t i;

	expect_parting(good, NGOOD, good, NGOOD, 0, NULL);
	/* Another frame all along is the same story. */
	memcpy(l, good, sizeof l);
	for (i = 0; i < NGOOD; i++)
		if ((l[i].id >= STATE && l[i].id <= UNPIN))
			l[i].v[0] = 1234;
	l[5].v[3] = l[15].v[2] = l[17].v[2] = 1234;
	expect_parting(good, NGOOD, l, NGOOD, 0, NULL);
	/* Once another frame is another page. */
	l[5].v[3] = 9;
	expect_parting(good, NGOOD, l, NGOOD, 5, "pfn");
	memcpy(l, good, sizeof l);
	l[5].id = COPY;
	expect_parting(good, NGOOD, l, NGOOD, 5, "another event");
	l[5] = good[5];
	l[5].v[2] = 0x9001;
	expect_parting(good, NGOOD, l, NGOOD, 5, "after");
	expect_parting(good, NGOOD, good, NGOOD - 1, NGOOD - 1,
	    "the second ends here");
	expect_parting(good, 13, good, 14, -1, "the first ends here");
	/* Processes take turns otherwise: the same. */
	memcpy(two, good, sizeof two);
	two[1].pid = 6;
	memcpy(l, two, sizeof two);
	l[0] = two[1];
	l[1] = two[0];
	expect_parting(two, 4, l, 4, 0, NULL);
	/* The earliest of several. */
	memcpy(l, two, sizeof two);
	l[0].v[1] = l[1].v[1] = 1;
	expect_parting(two, 4, l, 4, 0, "access");
	/* A process that only one has. */
	one[0] = good[0];
	one[1] = good[1];
	one[1].pid = 8;
	expect_parting(one, 2, one, 1, 1, "the second ends here");
}

/* ---- damage ---- */

static char *
read_all(const char *file, size_t *n)
{
	FILE *f = fopen(file, "rb");
	char *b = malloc(1 << 20);

	assert_non_null(f);
	assert_non_null(b);
	*n = fread(b, 1, 1 << 20, f);
	fclose(f);
	return b;
}

static void
write_all(const char *file, const char *b, size_t n)
{
	FILE *f = fopen(file, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(b, 1, n, f), n);
	fclose(f);
}

/* Whatever a file holds: an error or a trace, and every reader ends. */
static bool
survives(const char *b, size_t n)
{
	struct vtr t, u;
	char *why;
	FILE *null = fopen("/dev/null", "w");
	size_t i;

	write_all(path[1], b, n);
	why = vtr_load(&t, path[1]);
	if (why == NULL) {
		load(&u, path[0]);
		vtr_check(&t);
		vtr_diff(&t, &u, NULL);
		vtr_diff(&u, &t, vtr_teaches);
		for (i = 0; i < t.n; i++)
			vtr_show(null, &t, &t.event[i]);
		vtr_free(&u);
	}
	fclose(null);
	vtr_free(&t);
	free(why);
	return why == NULL;
}

static void
refuses(const char *b, size_t n, const char *word)
{
	struct vtr t;
	char *why;

	write_all(path[1], b, n);
	why = vtr_load(&t, path[1]);
	vtr_free(&t);
	if (why == NULL || strstr(why, word) == NULL)
		fail_msg("'%s' is not in: %s", word, why ? why : "(no error)");
	free(why);
}

static void
damage(void **state)
{
	size_t n, i, text = sizeof(struct vtr_head);
	struct vtr_rec *rec;
	char *b;

	write_trace(path[0], good, NGOOD, 0, 0);
	b = read_all(path[0], &n);
	rec = (struct vtr_rec *)(b + VTR_START);
	refuses(b, 0, "no trace");
	refuses(b, text - 1, "no trace");
	refuses(b, text + 3, "cut off");
	refuses(b, VTR_START - 1, "cut off");
	refuses(b, n - 1, "the head says");
	for (i = 0; i < text + strlen(dictionary); i++) {
		b[i] ^= 1;
		if (i < text - 4) /* the last word means nothing */
			assert_false(survives(b, n));
		else
			survives(b, n);
		b[i] ^= 1;
	}
	for (i = VTR_START; i < n; i++) {
		b[i] = (char)(b[i] ^ 1 << i * 5 % 8);
		survives(b, n);
		b[i] = (char)(b[i] ^ 1 << i * 5 % 8);
	}
	rec[1].seq = 1;
	refuses(b, n, "as another");
	rec[1].seq = 2;
	rec[1].id = 0x77;
	refuses(b, n, "id of no event");
	rec[1].id = 0x10 | VTR_MORE;
	refuses(b, n, "second half of nothing");
	rec[1].id = WAIT;
	rec[1].cpu = 200;
	refuses(b, n, "of CPU 200");
	free(b);
}

/* A dictionary with a right sum and wrong rows. */
static void
dictionaries(void **state)
{
	static const struct {
		const char *text, *word;
	} rows[] = {
		{ "zz page.state pfn:u\n", "no event" },
		{ "100 page.state pfn:u\n", "no event" },
		{ "10page.state\n", "no event" },
		{ "10 a x:u\n10 b x:u\n", "twice" },
		{ "10  x:u\n", "no name" },
		{ "10 lonely\n", "no name" },
		{ "10 a b:u,c:u,d:u,e:u,f:u\n", "fields of a" },
		{ "10 a b\n", "fields of a" },
	};
	struct vtr_head h;
	size_t i, n;
	FILE *f;
	char *b;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		h = (struct vtr_head){ .cpus = 1, .flags = VTR_ENDED };
		f = fopen(path[0], "wb");
		assert_non_null(f);
		assert_true(vtr_write_head(f, &h, rows[i].text));
		fclose(f);
		b = read_all(path[0], &n);
		refuses(b, n, rows[i].word);
		free(b);
	}
	/* Fields that the rules look for are not there: nobody reads beyond. */
	h = (struct vtr_head){ .cpus = 1, .records = 3, .flags = VTR_ENDED };
	f = fopen(path[0], "wb");
	assert_non_null(f);
	assert_true(vtr_write_head(f, &h, "10 page.state\x20\n11 fault.x a:u\n"));
	for (i = 1; i <= 3; i++) {
		struct vtr_rec r = { .seq = i, .id = (uint16_t)(0x10 + i % 2) };

		assert_int_equal(fwrite(&r, sizeof r, 1, f), 1);
	}
	fclose(f);
	b = read_all(path[0], &n);
	survives(b, n);
	free(b);
}

/* ---- frames of the debug port ---- */

static size_t others;

static void
count_other(void *arg, const uint8_t *b, size_t n)
{
	others += n;
}

static size_t
put_frame(uint8_t *to, char letter, const void *bytes, size_t n)
{
	uint8_t raw[128], *at = to;
	uint16_t crc = 0xffff;
	unsigned bit;
	size_t i;

	raw[0] = (uint8_t)letter;
	memcpy(raw + 1, bytes, n);
	for (i = 0; i <= n; i++) {
		crc ^= (uint16_t)(raw[i] << 8);
		for (bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0));
	}
	raw[n + 1] = (uint8_t)(crc >> 8);
	raw[n + 2] = (uint8_t)crc;
	*at++ = SLIP_END;
	for (i = 0; i < n + 3; i++) {
		if (raw[i] == SLIP_END || raw[i] == SLIP_ESC) {
			*at++ = SLIP_ESC;
			*at++ = raw[i] == SLIP_END ? SLIP_ESC_END : SLIP_ESC_ESC;
		} else {
			*at++ = raw[i];
		}
	}
	*at++ = SLIP_END;
	return (size_t)(at - to);
}

/* Words of the emulator between frames, a byte lost, one more: a gap, no more. */
static void
frames(void **state)
{
	struct sink *s = sink_open(path[0], 1, 64 << 20);
	uint8_t line[4096];
	struct vtr_rec r = { .id = WAIT, .pid = 0xc0db };
	size_t n = 0, cut;
	struct vtr t;
	char *why;

	assert_non_null(s);
	n += (size_t)sprintf((char *)line, "Bochs says D and R\n");
	n += put_frame(line + n, 'D', "1e lock.wait lock:x,", 20);
	n += put_frame(line + n, 'D', "owner:u\n", 8);
	for (r.seq = 1; r.seq <= 3; r.seq++)
		n += put_frame(line + n, 'R', &r, sizeof r);
	n += (size_t)sprintf((char *)line + n, "more words\n");
	cut = n + 20;
	n += put_frame(line + n, 'R', &r, sizeof r);
	memmove(line + cut, line + cut + 1, n - cut - 1);
	n--;
	r.seq = 5;
	n += put_frame(line + n, 'R', &r, sizeof r);
	sink_bytes(s, line, n / 2, count_other, NULL);
	sink_bytes(s, line + n / 2, n - n / 2, count_other, NULL);
	why = sink_close(s, true);
	assert_non_null(strstr(why, "1 of 5 records were lost"));
	free(why);
	assert_true(others >= 30);
	load(&t, path[0]);
	assert_int_equal(t.n, 4);
	assert_int_equal(t.lost, 1);
	assert_true(t.event[3].gap);
	assert_int_equal(t.event[0].pid, 0xc0db);
	vtr_free(&t);
}

/* A guest that is faster than we: what finds no room is counted and said. */
static void
ring(void **state)
{
	struct sink *s = sink_open(path[0], 1, 64 << 20);
	struct traceshm *shm;
	struct vtr_rec *slot;
	struct vtr t;
	uint64_t seq;
	size_t bytes;
	char *why;
	int fd;

	assert_non_null(s);
	fd = sink_memory(s, &bytes);
	shm = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(shm != MAP_FAILED);
	assert_int_equal(shm->magic, TRACESHM_MAGIC);
	slot = (struct vtr_rec *)((char *)shm + TRACESHM_HEAD);
	strcpy((char *)shm + TRACESHM_TEXT, "1e lock.wait lock:x,owner:u\n");
	shm->text = 28;
	for (seq = 1; seq <= shm->slots + 7; seq++) {
		if (shm->head - shm->tail >= shm->slots) {
			shm->lost++;
			continue;
		}
		slot[shm->head++ % shm->slots] = (struct vtr_rec){
			.seq = seq, .id = WAIT, .a = seq };
	}
	assert_int_equal(sink_drain(s), shm->slots);
	assert_int_equal(sink_drain(s), 0);
	/* One CPU is stopped before it has written, another has. */
	shm->head++;
	slot[shm->head++ % shm->slots] = (struct vtr_rec){ .seq = seq + 1,
		.id = WAIT };
	munmap(shm, bytes);
	why = sink_close(s, true);
	assert_non_null(strstr(why, ": 8 of "));
	free(why);
	load(&t, path[0]);
	assert_int_equal(t.lost, 8);
	assert_int_equal(t.head.lost, 8);
	assert_true(t.event[t.n - 1].gap);
	vtr_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(other_forks),
		cmocka_unit_test(gaps),
		cmocka_unit_test(diffs),
		cmocka_unit_test(damage),
		cmocka_unit_test(dictionaries),
		cmocka_unit_test(frames),
		cmocka_unit_test(ring),
	};

	return cmocka_run_group_tests(tests, make_paths, remove_paths);
}
