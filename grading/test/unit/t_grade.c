/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_grade.c: the parts of the grader that need no machine
 *
 * Problem   A grader that is wrong in a corner is worse than one that crashes:
 *           expressions, test files, records and verdicts against made ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <gcrypt.h>

#include "report/report.h"
#include "judge/verdict.h"

/* ---- expressions ---- */

static bool
seven(void *arg, const char *name, const char *how, int64_t *out)
{
	*out = strcmp(how, "first") == 0 ? 1 : strlen(name);
	return strcmp(name, "param.none") != 0;
}

static int64_t
value(const char *text)
{
	const struct scope scope = { .name = seven };
	int64_t v = -99;
	char *why = NULL;

	if (!expr_eval(text, &scope, &v, &why))
		v = -99;
	free(why);
	return v;
}

static void
expressions(void **state)
{
	assert_int_equal(value("1 + 2 * 3"), 7);
	assert_int_equal(value("(1 + 2) * 3"), 9);
	assert_int_equal(value("10 - 2 - 3"), 5);
	assert_int_equal(value("-4 + 64K"), 65532);
	assert_int_equal(value("7 % 4 / 3"), 1);
	assert_int_equal(value("max(3, min(9, 5))"), 5);
	assert_int_equal(value("page.copy - 2"), 7);
	assert_int_equal(value("first(page.copy)"), 1);
	assert_int_equal(value("$ab"), 8); /* "param.ab" */
	assert_int_equal(value("1 / 0"), -99);
	assert_int_equal(value("1 +"), -99);
	assert_int_equal(value("$none"), -99);
	assert_int_equal(value("(1"), -99);
	assert_int_equal(value("1 2"), -99);
	assert_true(op_holds(3, "<=", 3) && !op_holds(3, "<", 3));
	assert_true(op_holds(3, "!=", 4) && op_holds(4, ">", 3));
}

/* ---- test files ---- */

static const char sample[] =
    "NAME x # a comment\nID 05/t08\nTITLE A claim, no more\nSTEP 4\n"
    "POINTS 10\nPARAM writes = range 10 60\nPROGRAM p --n $writes\n"
    "REGION child\nCOUNT child fault.fork_copy == $writes deed\n"
    "WITNESS child w.pf_entry $writes .. $writes + 16\nCHECK vm leak\n"
    "LOOK f4_break_fork\nHINT page.copy > $writes \"two # words\"\n"
    "HINT claim \"the D bit\" \"look at D\" look f8_fork_map\n"
    "SCHED 16 4\n";

/* Few while a step or a test is named, and never more than somebody wants. */
static void
schedules(const struct test *t)
{
	struct options o = { .seed = 1 };

	assert_int_equal(run_schedules(&o, t), 16);
	o.working = true;
	assert_int_equal(run_schedules(&o, t), 4);
	o.seeds = 8;
	assert_int_equal(run_schedules(&o, t), 4);
	o.working = false;
	assert_int_equal(run_schedules(&o, t), 8);
}

static void
test_files(void **state)
{
	char *why = NULL;
	struct test *t = test_parse("x.test", sample, &why);

	assert_non_null(t);
	assert_string_equal(t->title, "A claim, no more");
	assert_int_equal(t->points, 10);
	assert_int_equal(t->nclaims, 2);
	assert_true(t->claim[0].deed);
	assert_string_equal(t->claim[1].high, "$writes + 16");
	assert_int_equal(t->region[0].first, 1);
	assert_int_equal(t->region[0].last, 2);
	assert_string_equal(t->hint[0].text, "two # words");
	assert_int_equal(t->hint[1].kind, HINT_CLAIM);
	assert_string_equal(t->hint[1].left, "the D bit");
	assert_string_equal(t->hint[1].text, "look at D");
	assert_int_equal(t->hint[1].look.n, 1);
	schedules(t);
	assert_true(t->check_vm && t->check_leak);
	test_drop(t);
}

static void
wrong_test_files(void **state)
{
	static const char *const wrong[] = {
		"NAME x\nID 1/t1\nSTEP 1\n",               /* no program */
		"NAME x\nID 1/t1\nSTEP 1\nPROGRAM p\nCUONT a b == 1\n",
		"NAME x\nNAME y\n",
		"NAME x\nID 1/t1\nSTEP 1\nPROGRAM p\nCOUNT a ==\n",
		"NAME x\nID 1/t1\nSTEP one\nPROGRAM p\n",
		"NAME x\nID 1/t1\nPROGRAM p\n",            /* no step */
		"NAME x\nID 1/t1\nPARENT 1/t2\nPOINTS 4\nPROGRAM p\n",
		"NAME x\nID 1/t1\nSTEP 1\nPROGRAM \"p\n",
		"NAME x\nID 1/t1\nSTEP 1\nPROGRAM p\nSCHED 4 4\n",
		"NAME x\nID 1/t1\nSTEP 1\nPROGRAM p\nSCHED 4 0\n",
		"NAME x\nID 1/t1\nSTEP 1\nPROGRAM p\nPARAM a = range 9 1\n",
	};
	size_t i;
	char *why;

	for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		why = NULL;
		assert_null(test_parse("x.test", wrong[i], &why));
		assert_non_null(why);
		assert_non_null(strstr(why, "x.test"));
		free(why);
	}
}

/* The same seed gives the same; another seed, test or name another. */
static void
draws(void **state)
{
	char *why = NULL;
	struct test *t = test_parse("x.test", sample, &why);
	struct draw a, b, c;
	int64_t v;
	char *s;

	t->challenge = 100;
	assert_true(draw_make(&a, t, 7, &why) && draw_make(&b, t, 7, &why) &&
		    draw_make(&c, t, 8, &why));
	assert_memory_equal(a.challenge, b.challenge, 100);
	assert_memory_not_equal(a.challenge, c.challenge, 100);
	assert_string_equal(a.argv0, b.argv0);
	assert_string_not_equal(a.argv0, c.argv0);
	assert_true(draw_find(&a, "writes", &v) && v >= 10 && v <= 60);
	s = draw_fill(&a, "x$writes,");
	assert_int_equal(atoi(s + 1), v);
	free(s);
	draw_free(&a);
	draw_free(&b);
	draw_free(&c);
	test_drop(t);
}

/* ---- records ---- */

static struct {
	uint8_t buf[8192];
	size_t n;
	uint8_t last[32];
	uint32_t number;
} made;

static const uint8_t key[32] = "a key of thirty-two bytes, this";

static void
put(uint8_t type, const void *p, size_t n)
{
	uint8_t head[4] = { 0xa5, type, (uint8_t)n, (uint8_t)(n >> 8) };

	memcpy(made.buf + made.n, head, 4);
	memcpy(made.buf + made.n + 4, p, n);
	made.n += 4 + n;
}

static void
put_sealed(uint8_t type, const void *p, size_t n)
{
	uint8_t seal[20], head[4] = { 0xa5, type, (uint8_t)n,
		(uint8_t)(n >> 8) };
	size_t len = 32;
	gcry_mac_hd_t h;

	made.number++;
	gcry_mac_open(&h, GCRY_MAC_HMAC_SHA256, 0, NULL);
	gcry_mac_setkey(h, key, 32);
	gcry_mac_write(h, made.last, 32);
	gcry_mac_write(h, &made.number, 4);
	gcry_mac_write(h, head, 4);
	gcry_mac_write(h, p, n);
	gcry_mac_read(h, made.last, &len);
	gcry_mac_close(h);
	memcpy(seal, &made.number, 4);
	memcpy(seal + 4, made.last, 16);
	put(type, p, n);
	put(9, seal, 20);
}

static void
made_reset(void)
{
	memset(&made, 0, sizeof made);
}

static void
read_made(struct records *r)
{
	memset(r, 0, sizeof *r);
	r->keyed = true;
	memcpy(r->key, key, 32);
	records_read(r, made.buf, made.n);
}

static void
put_mark(unsigned id, int64_t trap, int64_t copy)
{
	struct {
		uint16_t id, n;
		uint32_t rsv;
		uint64_t time;
		int64_t v[2];
	} m = { (uint16_t)id, 2, 0, 0, { trap, copy } };

	put_sealed(4, &m, sizeof m);
}

static void
records(void **state)
{
	struct records r;

	made_reset();
	put_sealed(5, "fault.trap\npage.copy\n", 21);
	put_mark(1, 10, 3);
	put_sealed(1, "sum 7\n", 6);
	put_mark(2, 15, 40);
	put_sealed(3, "\0\0", 2);
	read_made(&r);
	assert_int_equal(r.broken, 0);
	assert_int_equal(r.nmarks, 2);
	assert_int_equal(r.mark[1].value[1], 40);
	assert_string_equal(r.out, "sum 7\n");
	assert_true(r.ended);
	records_free(&r);
}

/* A frame without a seal, with an old one, a changed byte, one left out. */
static void
forged_records(void **state)
{
	struct records r;
	size_t at;

	made_reset();
	put_sealed(5, "fault.trap\npage.copy\n", 21);
	put(1, "PASS\n", 5);
	put_sealed(3, "\0\0", 2);
	read_made(&r);
	assert_int_not_equal(r.broken, 0);
	assert_null(r.out);
	records_free(&r);

	made_reset();
	put_sealed(5, "fault.trap\npage.copy\n", 21);
	at = made.n;
	put_mark(1, 10, 3);
	put_sealed(3, "\0\0", 2);
	made.buf[at + 4 + 16] ^= 1;
	read_made(&r);
	assert_int_equal(r.nmarks, 0);
	assert_int_not_equal(r.broken, 0);
	records_free(&r);

	made_reset();
	put_sealed(5, "fault.trap\npage.copy\n", 21);
	at = made.n;
	put_mark(1, 10, 3);
	memset(made.buf + at, 0, made.n - at);
	made.n = at;
	put_mark(2, 10, 3);
	read_made(&r);
	assert_int_equal(r.nmarks, 0);
	records_free(&r);
}

/* ---- verdicts ---- */

static struct boot boot;
static int64_t witness[3][WITNESS_NAMES];

static void
make_boot(int64_t copies, int64_t seen)
{
	static const struct {
		uint16_t mark, what;
		uint32_t n;
	} clean = { 256, 1, 0 };

	made_reset();
	memset(&boot, 0, sizeof boot);
	memset(witness, 0, sizeof witness);
	put_sealed(5, "page.zero\npage.copy\n", 20);
	put_mark(1, 0, 3);
	put_mark(2, 0, 3 + copies);
	put_sealed(6, &clean, sizeof clean);
	put_mark(256, 0, 3 + copies);
	put_sealed(3, "\0\0", 2);
	read_made(&boot.records);
	boot.diag = (char *)"";
	boot.witness.valid = true;
	boot.witness.nmarks = 3;
	boot.witness.mark = witness;
	witness[0][3] = 3;
	witness[1][3] = witness[2][3] = 3 + seen;
}

static enum status
judged(const char *claim, bool *forged, char **hint)
{
	char *why = NULL, *text = xprintf("NAME x\nID 1/t1\nSTEP 1\n"
	    "PROGRAM p\nREGION r\n%s\nCHECK vm\n"
	    "HINT page.copy > 37 \"too many\"\n", claim);
	struct test *t = test_parse("x.test", text, &why);
	struct draw d = { 0 };
	struct verdict v;
	enum status s;

	assert_non_null(t);
	judge(&v, t, &d, &boot, NULL);
	s = v.status;
	*forged = v.forged;
	*hint = v.nfailures > 0 && v.failure[0].hint != NULL
		    ? xstrdup(v.failure[0].hint) : NULL;
	verdict_free(&v);
	test_drop(t);
	free(text);
	return s;
}

static void
verdicts(void **state)
{
	bool forged;
	char *hint;

	make_boot(37, 37);
	assert_int_equal(
	    judged("COUNT r page.copy == 37", &forged, &hint), ST_PASS);
	assert_int_equal(
	    judged("WITNESS r w.page_copy 30 .. 37", &forged, &hint), ST_PASS);
	assert_int_equal(judged("COUNT r page.copy == 36", &forged, &hint),
	    ST_FAIL);
	assert_null(hint);
	assert_int_equal(
	    judged("COUNT r page.nothing == 0", &forged, &hint), ST_FAIL);
	records_free(&boot.records);
	make_boot(241, 241);
	assert_int_equal(judged("COUNT r page.copy == 37", &forged, &hint),
	    ST_FAIL);
	assert_string_equal(hint, "too many");
	assert_false(forged);
	free(hint);
	records_free(&boot.records);
	/* The guest says 37, the witness saw 241. */
	make_boot(37, 241);
	assert_int_equal(
	    judged("COUNT r page.copy == 37", &forged, &hint), ST_FAIL);
	assert_true(forged);
	records_free(&boot.records);
}

/* Pages to and from swap that the guest counts, and copies that were seen. */
static void
make_swap_boot(int64_t pages, int64_t copies)
{
	static const struct {
		uint16_t mark, what;
		uint32_t n;
	} clean = { 256, 1, 0 };
	static const char names[] = "swap.out_pages\nswap.in_pages\nswap.write_errors\n"
	    "swap.read_errors\nio.errors\n";
	struct {
		uint16_t id, n;
		uint32_t rsv;
		uint64_t time;
		int64_t v[5];
	} m = { 256, 5, 0, 0, { pages, 0, 0, 0, 0 } };

	made_reset();
	memset(&boot, 0, sizeof boot);
	memset(witness, 0, sizeof witness);
	put_sealed(5, names, sizeof names - 1);
	put_sealed(6, &clean, sizeof clean);
	put_sealed(4, &m, sizeof m);
	put_sealed(3, "\0\0", 2);
	read_made(&boot.records);
	boot.diag = (char *)"";
	boot.witness.valid = true;
	boot.witness.nmarks = 1;
	boot.witness.mark = witness;
	witness[0][10] = copies + 2;
}

/* Who writes swap.c counts its pages, or has not yet: a bug, and no forgery. */
static void
own_counts(void **state)
{
	char *folder = tidy_folder(), *names = xprintf("%s/names", folder);
	char *kernel = xprintf("%s/vadose.elf", folder), *hint;
	static const char claim[] = "SWAP 64M\nDISK mem";
	static const char own[] = "E swap_in_pages\nE swap_out_pages\n";
	bool forged;

	make_swap_boot(7, 7);
	assert_int_equal(judged(claim, &forged, &hint), ST_PASS);
	records_free(&boot.records);
	make_swap_boot(0, 7);
	assert_int_equal(judged(claim, &forged, &hint), ST_FAIL);
	assert_true(forged);
	boot.job.kernel = kernel;
	assert_true(file_write(names, own, sizeof own - 1));
	assert_int_equal(judged(claim, &forged, &hint), ST_FAIL);
	assert_false(forged);
	assert_true(file_write(names, "E vad_split\n", 12));
	assert_int_equal(judged(claim, &forged, &hint), ST_FAIL);
	assert_true(forged);
	records_free(&boot.records);
	tidy_remove(folder);
	free(folder);
	free(names);
	free(kernel);
}

static void
ends(void **state)
{
	bool forged;
	char *hint;

	make_boot(37, 37);
	boot.witness.limit = true;
	assert_int_equal(
	    judged("COUNT r page.copy == 37", &forged, &hint), ST_TIMEOUT);
	boot.witness.limit = false;
	boot.end = BOOT_WALL;
	assert_int_equal(
	    judged("COUNT r page.copy == 37", &forged, &hint), ST_INFRA);
	boot.end = BOOT_ENDED;
	boot.log = (char *)"[1.0] PANIC: vad.c:7: not true\n";
	assert_int_equal(
	    judged("COUNT r page.copy == 37", &forged, &hint), ST_PANIC);
	boot.log = NULL;
	boot.witness.valid = false;
	assert_int_equal(
	    judged("COUNT r page.copy == 37", &forged, &hint), ST_UNWITNESSED);
	records_free(&boot.records);
}

/* A finding of the kernel's is said as what it means. */
static void
meanings(void **state)
{
	static const char *const known[][2] = {
		{ "check: I12 as 1: commit 39, vads have 64 + 4\n", "is not what its mappings hold" },
		{ "check: I8 as 2 va 1000 word 67: more rights than the VAD\n", "forbids" },
		{ "check: I9 vad 20-30 has no listed link\n", "does not know" },
		{ "check: 2 findings\ncheck: I2 pfn 7 ACTIVE: mapcount 2, 1 words map it\n", "map it" },
	};
	struct boot b = { 0 };
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++) {
		b.log = (char *)known[i][0];
		assert_non_null(judge_meaning(&b));
		assert_non_null(strstr(judge_meaning(&b), known[i][1]));
	}
	b.log = (char *)"check: I99 what is this\nall is well\n";
	assert_null(judge_meaning(&b));
	b.log = NULL;
	assert_null(judge_meaning(&b));
}

/* ---- what is known of the kernel by number ---- */

/* "#define NAME 8192ul" of a file. */
static uint64_t
number_of(const char *path, const char *name)
{
	char *text = file_read(path, NULL), *at;
	char *line = xprintf("#define %s ", name);
	uint64_t v;

	assert_non_null(text);
	at = strstr(text, line);
	if (at == NULL)
		fail_msg("%s has no %s", path, name);
	v = strtoull(at + strlen(line), NULL, 0);
	free(line);
	free(text);
	return v;
}

/* The witness is built without the kernel's headers. */
static void
numbers_of_the_kernel(void **state)
{
	(void)state;
	assert_int_equal(number_of("grading/witness/border.c", "CPUS"),
	    number_of("kernel/md.h", "MAXCPU"));
	assert_int_equal(number_of("grading/witness/border.c", "ROW_BYTES"),
	    number_of("kernel/md.h", "MD_ROW"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions),
		cmocka_unit_test(test_files),
		cmocka_unit_test(wrong_test_files),
		cmocka_unit_test(draws),
		cmocka_unit_test(records),
		cmocka_unit_test(forged_records),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(own_counts),
		cmocka_unit_test(ends),
		cmocka_unit_test(meanings),
		cmocka_unit_test(numbers_of_the_kernel),
	};

	gcry_check_version(NULL);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
