/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.c: from what a boot left to a verdict
 *
 * Problem   A test passes when the program ended as it should, its answers are
 *           right, the counters show the mechanism, nothing was lost, and the
 *           observer outside saw the same.
 *
 * Picture   nothing at the border? ─→ how it ended ─→ records whole? ─→ EXIT
 *           ─→ ANSWER ─→ COUNT, WITNESS ─→ CHECK ─→ guest == witness?
 *           each that fails: a struct failure
 *
 * Rules     1. Whatever is the host's trouble is ST_INFRA, never lost points.
 *           2. A passed test in which guest and witness differ, or in which the
 *              submission's code left its bounds, is no pass: forged.
 *           3. Everything that failed is reported, in this order; the first is
 *              what the status says.
 *
 * Read next values.c, report/text.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "witness/border.h"
#include "judge/judge.h"
#include "judge/verdict.h"

#define SPIN_INSNS 20000 /* more often than once in so many: it spins */
#define PANIC_BYTES 300  /* of its line, in a report */
#define NOISY_BYTES (256u << 10) /* of a log: it is what takes the time */

/* Places in witness_names[]. */
enum { W_INSNS = 0, W_PF = 1, W_ALLOC = 4, W_SWITCH = 11 };

static bool ended_well(struct judge *);
static void check_records(struct judge *);
static void check_exit(struct judge *);
static void check_answers(struct judge *);
static void check_claims(struct judge *);
static void check_checks(struct judge *);
static void check_agreement(struct judge *);
static void check_border(struct judge *);

const char *
status_name(enum status s)
{
	static const char *const names[] = { [ST_PASS] = "pass",
		[ST_FAIL] = "fail", [ST_GATE] = "gate",
		[ST_TIMEOUT] = "timeout", [ST_PANIC] = "panic",
		[ST_DEADLOCK] = "deadlock", [ST_BUILD] = "build",
		[ST_INFRA] = "infra", [ST_UNWITNESSED] = "unwitnessed" };

	return names[s];
}

void
judge(struct verdict *v, const struct test *t, const struct draw *d,
    const struct boot *b, const struct symbols *s)
{
	struct judge j = { .v = v, .t = t, .d = d, .b = b, .symbols = s };

	memset(v, 0, sizeof *v);
	check_border(&j);
	if (!ended_well(&j))
		return;
	check_records(&j);
	check_exit(&j);
	check_answers(&j);
	check_claims(&j);
	check_checks(&j);
	check_agreement(&j);
}

/* One more thing that is wrong; the first decides the status. */
struct failure *
judge_fail(struct judge *j, enum status s, const char *what)
{
	struct verdict *v = j->v;
	struct failure *f;

	if (v->status == ST_PASS)
		v->status = s;
	if (v->nfailures == MAX_ITEMS)
		v->nfailures--;
	f = &v->failure[v->nfailures++];
	memset(f, 0, sizeof *f);
	f->what = xstrdup(what);
	judge_status_hint(j, f, s);
	return f;
}

/* What vm_check found, said for the learner; a hint of the test goes first. */
static void
judge_meant(const struct judge *j, struct failure *f)
{
	const char *meaning = judge_meaning(j->b);

	if (f->hint == NULL && meaning != NULL)
		f->hint = xstrdup(meaning);
}

/* ---- how it ended ---- */

/* The line of a panic, from the console: a status, not evidence.  It may be as long as
 * the log. */
static char *
panic_line(const struct boot *b)
{
	const char *s = b->log != NULL ? strstr(b->log, "PANIC:") : NULL;
	size_t n = s != NULL ? strcspn(s, "\r\n") : 0;

	if (s == NULL || n <= PANIC_BYTES)
		return s == NULL ? NULL : strndup(s, n);
	return xprintf("%.*s… (%zu bytes)", PANIC_BYTES, s, n);
}

/* The functions that ran last, each once. */
static char *
ran_last(const struct judge *j)
{
	const struct witness *w = &j->b->witness;
	char *text = xstrdup(""), *more;
	const char *name;
	size_t i;

	for (i = w->npcs; i-- > 0;) {
		name = symbols_at(j->symbols, w->pc[i]);
		if (name == NULL)
			name = "the program";
		if (strstr(text, name) != NULL)
			continue;
		more = xprintf(
		    "%s%s%s", text, text[0] != '\0' ? ", " : "", name);
		free(text);
		text = more;
	}
	return text;
}

/*
 * What the last 8 to 16 M instructions were spent on: the same fault again and
 * again, threads that give way to each other, or neither.
 */
static char *
spinning(const struct judge *j, const char **what)
{
	const struct witness *w = &j->b->witness;
	int64_t n[WITNESS_NAMES], often, i;

	for (i = 0; i < WITNESS_NAMES; i++)
		n[i] = w->end[i] - w->at[0][i];
	often = n[W_INSNS] / SPIN_INSNS;
	*what = "livelock";
	if (n[W_PF] > often && n[W_ALLOC] < n[W_PF] / 16)
		return xprintf("the same fault again and again, %lld times in "
			       "%lld M instructions without a new frame; ",
		    (long long)n[W_PF], (long long)(n[W_INSNS] / 1000000));
	if (n[W_SWITCH] > often)
		return xprintf("threads wake each other, %lld switches in %lld "
			       "M instructions, and none gets on; ",
		    (long long)n[W_SWITCH], (long long)(n[W_INSNS] / 1000000));
	*what = "too slow, or endless";
	return xstrdup("");
}

/* Who looks for a bug by klog() where it runs often waits for the log. */
static void
judge_noisy(const struct judge *j, struct failure *f)
{
	size_t n = j->b->log != NULL ? strlen(j->b->log) : 0;

	if (n < NOISY_BYTES)
		return;
	free(f->hint);
	f->hint = xprintf("the log has %zu KiB, and each line of it takes time: take "
	    "klog() out of what runs often", n >> 10);
}

static void
ended_by_limit(struct judge *j)
{
	const char *what;
	char *spin = spinning(j, &what), *last = ran_last(j);
	struct failure *f = judge_fail(j, ST_TIMEOUT, what);

	f->expected = xprintf("an end within %lld M guest instructions",
	    (long long)(j->t->timeout >> 20));
	f->got = xprintf("%s: %sstill running after %lld M: %s", what, spin,
	    (long long)(j->b->witness.end[W_INSNS] >> 20), last);
	judge_said_before(j, f);
	judge_noisy(j, f);
	free(spin);
	free(last);
}

static void
ended_by_flood(struct judge *j)
{
	struct failure *f = judge_fail(j, ST_FAIL, "more than 4 MiB of output");

	f->expected = xstrdup("a log and an output of at most 4 MiB");
	f->got = xstrdup("more than that");
	judge_noisy(j, f);
}

static void
ended_by_panic(struct judge *j, char *line)
{
	struct failure *f = judge_fail(j, ST_PANIC, "panic");

	f->expected = xstrdup("no panic");
	f->got = line;
	judge_explain(j, f, judge_panic_meaning(line));
	judge_said_before(j, f);
}

static void
infra(struct judge *j, const char *what)
{
	struct failure *f = judge_fail(j, ST_INFRA, "the host's trouble");

	f->expected = xstrdup("the emulator runs to the machine's end");
	f->got = xprintf("%s%s%s", what, j->b->diag[0] != '\0' ? ": " : "",
	    j->b->diag);
}

/* The wait graph, if the kernel saw that nobody can go on. */
static char *
wait_graph(const struct boot *b)
{
	char *text = NULL, *more;
	size_t i;

	for (i = 0; i < b->records.text.n; i++) {
		if (strncmp(b->records.text.v[i], "waits ", 6) != 0)
			continue;
		more = xprintf("%s%s%s", text != NULL ? text : "",
		    text != NULL ? "; " : "", b->records.text.v[i] + 6);
		free(text);
		text = more;
	}
	return text;
}

static void
ended_in_deadlock(struct judge *j, char *graph)
{
	struct failure *f = judge_fail(j, ST_DEADLOCK, "deadlock");

	f->expected = xstrdup("somebody can go on");
	f->got = graph;
	judge_said_before(j, f);
}

static void
ended_without_word(struct judge *j)
{
	struct failure *f = judge_fail(j, ST_PANIC, "the machine stopped");

	f->expected = xstrdup("an exit record");
	f->got = xstrdup("none: a triple fault, or a reset");
}

/* Did the machine end by itself, with a record of how? */
static bool
ended_well(struct judge *j)
{
	const struct boot *b = j->b;
	char *line = panic_line(b), *graph = wait_graph(b);

	if (line != NULL)
		ended_by_panic(j, line);
	else if (graph != NULL)
		ended_in_deadlock(j, graph);
	else if (b->witness.limit)
		ended_by_limit(j);
	else if (b->end == BOOT_FLOOD)
		ended_by_flood(j);
	else if (b->end == BOOT_WALL)
		infra(j, "too slow for the wall clock");
	else if (b->end == BOOT_KILLED)
		infra(j, "the emulator was killed");
	else if (b->end == BOOT_NOSTART)
		infra(j, "the emulator did not start");
	else if (!b->records.ended && !b->witness.valid)
		infra(j, "the emulator ended without a word of the witness");
	else if (!b->records.ended)
		ended_without_word(j);
	else
		return true;
	return false;
}

/* ---- records, exit ---- */

/* What a claim says: what is, and, behind a tab, what should be. */
static void
split_claim(struct failure *f, const char *said)
{
	const char *tab = strchr(said, '\t');

	f->got = tab == NULL ? xstrdup(said)
			     : xprintf("%.*s", (int)(tab - said), said);
	if (tab != NULL)
		f->expected = xstrdup(tab + 1);
}

static void
check_records(struct judge *j)
{
	const struct records *r = &j->b->records;
	struct failure *f;
	size_t i, claims = 0;

	if (r->broken != 0 || r->lost != 0) {
		f = judge_fail(j, ST_FAIL, "the records");
		f->expected = xstrdup("an unbroken chain of sealed records");
		f->got = xprintf("%zu without a true seal, %zu stray bytes",
		    r->broken, r->lost);
		j->v->forged = true;
	}
	for (i = 0; i < r->text.n; i++) {
		if (strncmp(r->text.v[i], "claim ", 6) != 0)
			continue;
		f = judge_fail(j, ST_FAIL, "a claim of the kernel test");
		split_claim(f, r->text.v[i] + 6);
		judge_claim_hint(j, f, claims++ == 0);
	}
}

static void
check_exit(struct judge *j)
{
	const struct records *r = &j->b->records;
	struct failure *f;
	int64_t want = 0;
	char *why = NULL;

	if (!judge_eval(j, "all", j->t->exit, &want, &why)) {
		judge_broken(j, why);
		return;
	}
	if (r->exit_kind == (j->t->exit_signal ? 1 : 0) &&
	    r->exit_value == (unsigned)want)
		return;
	if (j->t->selftest != NULL && j->v->nfailures > 0)
		return; /* its status only says that a claim failed */
	f = judge_fail(j, ST_FAIL, "exit");
	f->expected = xprintf("%s %lld", j->t->exit_signal ? "signal" : "status",
	    (long long)want);
	f->got = xprintf("%s %u%s%.*s",
	    r->exit_kind == 1 ? "signal" : "status", r->exit_value,
	    r->nerr > 0 ? ": " : "", r->nerr > 0 ? (int)strcspn(r->err, "\n") : 0,
	    r->nerr > 0 ? r->err : "");
	judge_named_hint(j, f, HINT_STATUS, "exit");
}

/* ---- answers ---- */

static void
check_digest(struct judge *j, const struct answer *a, const char *said)
{
	char *want = judge_digest(j->d, a->expr);
	struct failure *f;

	if (want != NULL && said != NULL && strcmp(want, said) == 0) {
		free(want);
		return;
	}
	f = judge_fail(j, ST_FAIL, "answer");
	f->expected = xprintf("%s: sha256 of %s", a->name, a->expr);
	f->got = xprintf("%s: %s", a->name,
	    said == NULL ? "no answer" : "of other bytes");
	judge_named_hint(j, f, HINT_ANSWER, a->name);
	free(want);
}

static void
check_number(struct judge *j, const struct answer *a, const char *said)
{
	struct failure *f;
	int64_t want, got = 0;
	char *why = NULL;

	if (!judge_eval(j, "all", a->expr, &want, &why)) {
		judge_broken(j, why);
		return;
	}
	if (said != NULL && number_read(said, &got) &&
	    op_holds(got, a->op, want))
		return;
	f = judge_fail(j, ST_FAIL, "answer");
	f->expected = xprintf("%s %s %lld", a->name, a->op, (long long)want);
	f->got = xprintf("%s: %s", a->name, said != NULL ? said : "no answer");
	judge_named_hint(j, f, HINT_ANSWER, a->name);
}

static void
check_output(struct judge *j, const struct answer *a)
{
	struct failure *f;
	char *want = judge_fill(j->d, a->expr);
	const char *out = j->b->records.out;

	if (out == NULL || !judge_has_line(out, want)) {
		f = judge_fail(j, ST_FAIL, "output");
		f->expected = xprintf("the line \"%s\"", want);
		f->got = xprintf("\"%.*s\"…",
		    out != NULL ? (int)strcspn(out, "\n") : 0,
		    out != NULL ? out : "");
	}
	free(want);
}

static void
check_answers(struct judge *j)
{
	const struct answer *a;
	size_t i;
	char *said;

	for (i = 0; i < j->t->nanswers; i++) {
		a = &j->t->answer[i];
		said = judge_said(j->b, a->name);
		switch (a->kind) {
		case ANSWER_NUMBER:
			check_number(j, a, said);
			break;
		case ANSWER_DIGEST:
			check_digest(j, a, said);
			break;
		case ANSWER_OUTPUT:
			check_output(j, a);
			break;
		}
		free(said);
	}
}

/* ---- counters ---- */

static bool
claim_holds(const struct claim *c, int64_t left, int64_t right, int64_t high)
{
	if (strcmp(c->op, "..") == 0)
		return left >= right && left <= high;
	return op_holds(left, c->op, right);
}

static char *
claim_expected(const struct claim *c, int64_t right, int64_t high)
{
	if (c->high != NULL)
		return xprintf("%s in %lld .. %lld in region \"%s\"", c->left,
		    (long long)right, (long long)high, c->region);
	return xprintf("%s %s %lld in region \"%s\"", c->left, c->op,
	    (long long)right, c->region);
}

static void
check_claim(struct judge *j, const struct claim *c)
{
	int64_t left = 0, right = 0, high = 0;
	struct failure *f;
	char *why = NULL;

	if (!judge_eval(j, c->region, c->left, &left, &why) ||
	    !judge_eval(j, c->region, c->right, &right, &why) ||
	    (c->high != NULL &&
		!judge_eval(j, c->region, c->high, &high, &why))) {
		judge_broken(j, why);
		return;
	}
	if (claim_holds(c, left, right, high))
		return;
	f = judge_fail(j, ST_FAIL, c->left);
	f->region = xstrdup(c->region);
	f->expected = claim_expected(c, right, high);
	f->got = judge_got(j, c, left);
	judge_relation_hint(j, f, c, left);
}

static void
check_claims(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->t->nclaims; i++)
		check_claim(j, &j->t->claim[i]);
}

/* ---- checks ---- */

static void
check_checks(struct judge *j)
{
	const struct records *r = &j->b->records;
	bool last = j->t->selftest != NULL; /* checks itself after each test */
	const struct check *c;
	struct failure *f;
	size_t i;

	for (i = 0; i < r->nchecks; i++) {
		c = &r->check[i];
		last = last || (c->mark == LAST_MARK && c->what == 1);
		if (c->findings == 0 || (c->what == 1 && !j->t->check_vm) ||
		    c->what == 2)
			continue;
		f = judge_fail(j, ST_FAIL, "vm_check");
		f->expected = xprintf("no findings at %s",
		    c->mark == LAST_MARK ? "the end" : "each mark");
		f->got = judge_findings(j->b, "check", c->findings, c->mark);
		judge_meant(j, f);
	}
	if (!last)
		judge_broken(j, xstrdup("no vm_check at the end"));
	if (j->t->check_leak)
		judge_leaks(j);
}

/* ---- does the witness agree? ---- */

/*
 * What a lab's file counts of itself differs because of a bug, or because it is not
 * written yet: that fails the test and is no forgery.
 */
static void
check_own_count(struct judge *j)
{
	bool own = j->b->job.kernel != NULL &&
		   border_counts(j->b->job.kernel, "swap.out_pages");
	char *differs = judge_swap_differs(j);
	struct failure *f;

	if (differs == NULL)
		return;
	f = judge_fail(j, ST_FAIL, own ? "a count of the file's own" : "forged?");
	f->expected = xstrdup(own ? "a page that goes to swap, or comes back, is "
	    "counted once" : "guest and witness agree");
	f->got = differs;
	j->v->forged = j->v->forged || !own;
}

static void
check_agreement(struct judge *j)
{
	struct failure *f;
	char *differs;

	if (!j->b->witness.valid) {
		f = judge_fail(j, ST_UNWITNESSED, "no witness");
		f->expected = xstrdup("the witness's word");
		f->got = xstrdup("none");
		return;
	}
	differs = judge_differs(j);
	if (differs == NULL) {
		check_own_count(j);
		return;
	}
	f = judge_fail(j, ST_FAIL, "forged?");
	f->expected = xstrdup("guest and witness agree");
	f->got = differs;
	j->v->forged = true;
}

/* ---- did it do what no lab's file does? ---- */

/* That decides: what came of it afterwards says little. */
static void
check_border(struct judge *j)
{
	const struct witness *w = &j->b->witness;
	bool said[64] = { false };
	struct failure *f;
	int64_t kind;
	size_t i;

	for (i = 0; i < w->nborder; i++) {
		kind = w->border[i][0];
		if (kind < 0 || kind >= 64 || said[kind])
			continue;
		said[kind] = true; /* one of each kind says it */
		f = judge_fail(j, ST_FAIL, "the border of the file");
		f->expected = xstrdup("it calls what it imports, counts what it "
				      "does, and leaves code and constants alone");
		f->got = border_sentence(j->symbols, w->border[i]);
		free(f->hint); /* the test's are of bugs */
		f->hint = border_advice(kind) != NULL
			      ? xstrdup(border_advice(kind)) : NULL;
		f->look = NULL;
		j->v->forged = true;
	}
}

void
verdict_free(struct verdict *v)
{
	size_t i;

	for (i = 0; i < v->nfailures; i++) {
		free(v->failure[i].what);
		free(v->failure[i].expected);
		free(v->failure[i].got);
		free(v->failure[i].region);
		free(v->failure[i].hint);
	}
	memset(v, 0, sizeof *v);
}
