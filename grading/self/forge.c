/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forge.c: attacks on the grader, and whether they fail
 *
 * Problem   A defence that was never attacked is a hope.  Each forgery is a
 *           working attack; it must not earn the points of what it attacks.
 *
 * Picture   grading/forgeries/fNN-*.c: a piece of C with a heading
 *             forge: test=t02 hook=vad_split expect=fail,gate [flag=forged]
 *             forge: break "honest text" "broken text"
 *             forge: use FILE       what several pieces share, put before it
 *             forge: say "words that the report has"
 *           reference's file, broken as said, attack(); called at the start of
 *           hook ─→ a submission ─→ graded
 *           grading/forgeries/fNN-*.sh: run; exit 0: the attack failed
 *           grading/forgeries/labs: test, hook and honest text of other labs, for
 *           grade forgeries --lab 03-anon
 *           grading/test/ends/eNN-*.c: no attacks but bugs, by the same means:
 *           each end of a boot is called by its name
 *           grading/test/honest/hNN-*.c: lab=05 call=note(f): what a learner
 *           may do in a lab's file, and no solution of ours does
 *
 * Rules     1. @name@ in the piece is the address of a kernel's function: the
 *              author of an attack would know it.
 *           2. What is expected is one of several statuses; a pass never is,
 *              unless "honest" is: then nothing was broken, and nothing gained.
 *           3. In another lab the honest part has lost the test's deed, but for
 *              rule 2's.  Its list of names may refuse what this one allows; what
 *              is not refused and has a flag= here is flagged there, in whatever
 *              words.
 *
 * Read next gate/gate.c, judge/judge.c.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self/self.h"
#include "self/selftest.h"

#define FORGE_LAB "90-smoke"
#define PLACES "grading/forgeries/labs"
#define ENDS_LAB "91-ends"

struct forgery {
	const char *path;
	char *piece, *test, *hook, *call, *expect, *flag;
	char *old, *new;
	struct words say; /* each is in the report */
};

/* Where pieces go in a lab: of our own their headings say it, of others PLACES. */
struct place {
	const struct lab *lab;
	bool elsewhere;
	char *test, *hook, *file;
	char *old, *new; /* the deed, and what is there instead */
	char *none;      /* why the piece is no attack there */
};

/* The value behind "key=" in a heading, or NULL. */
static char *
heading(const char *text, const char *key)
{
	const char *s = strstr(text, "forge: ");
	char *pattern = xprintf("%s=", key);

	s = s != NULL ? strstr(s, pattern) : NULL;
	if (s != NULL)
		s += strlen(pattern);
	free(pattern);
	return s == NULL ? NULL : strndup(s, strcspn(s, " \n"));
}

struct words
line_words(const char *text, const char *begins)
{
	char *why = NULL;
	const char *s = strstr(text, begins);
	char *line = s == NULL ? NULL : strndup(s, strcspn(s, "\n"));
	struct words w = { 0 };

	if (line != NULL)
		w = words_split(line, &why);
	free(line);
	free(why);
	return w;
}

static void
read_texts(struct forgery *f)
{
	struct words w = line_words(f->piece, "forge: break ");
	const char *s;

	if (w.n >= 4) {
		f->old = xstrdup(w.v[2]);
		f->new = xstrdup(w.v[3]);
	}
	words_free(&w);
	for (s = f->piece; (s = strstr(s, "forge: say ")) != NULL; s++) {
		w = line_words(s, "forge: say ");
		if (w.n >= 3)
			words_add(&f->say, w.v[2]);
		words_free(&w);
	}
}

/* ---- other labs ---- */

static void
place_free(struct place *p)
{
	free(p->test);
	free(p->hook);
	free(p->file);
	free(p->old);
	free(p->new);
	free(p->none);
}

static void
set(char **word, const char *value)
{
	free(*word);
	*word = value != NULL ? xstrdup(value) : NULL;
}

/* LAB, all or fNN, then test T, hook F, break "old" "new", or none "why". */
static bool
place_line(struct place *p, const struct words *w)
{
	const char *key = w->n >= 4 ? w->v[2] : "";

	if (strcmp(key, "test") == 0) {
		set(&p->test, w->v[3]);
	} else if (strcmp(key, "hook") == 0) {
		set(&p->hook, w->v[3]);
	} else if (strcmp(key, "none") == 0) {
		set(&p->none, w->v[3]);
	} else if (strcmp(key, "break") == 0 && w->n == 5) {
		set(&p->old, w->v[3]);
		set(&p->new, w->v[4]);
	} else {
		return false;
	}
	return true;
}

/* Is the line one of this lab, of all pieces or of this one? */
static bool
is_meant(const struct words *w, const char *lab, const char *piece)
{
	return w->n > 1 && strcmp(w->v[0], lab) == 0 &&
	       (strcmp(w->v[1], "all") == 0 ||
		   strncmp(w->v[1], piece, strlen(w->v[1])) == 0);
}

/* What PLACES says of a piece in p->lab; a later line goes over an earlier one. */
static bool
place_read(struct place *p, const char *piece)
{
	char *text = file_read(PLACES, NULL), *rest = text, *line, *why = NULL;
	bool ok = text != NULL;

	p->file = xprintf("kernel/%s", p->lab->file);
	while (ok && rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		struct words w = words_split(line, &why);

		if (is_meant(&w, p->lab->name, piece))
			ok = place_line(p, &w);
		if (!ok)
			fprintf(stderr, "grade: %s: %s: not understood\n",
			    PLACES, line);
		words_free(&w);
		free(why);
		why = NULL;
	}
	free(text);
	if (ok && (p->test == NULL || p->hook == NULL || p->old == NULL)) {
		fprintf(stderr, "grade: %s: test, hook or break of %s is missing\n",
		    PLACES, p->lab->name);
		ok = false;
	}
	return ok;
}

/* A piece with the heading of our own lab becomes one for another. */
static void
place_put(struct forgery *f, const struct place *p)
{
	bool honest = strstr(f->expect, "honest") != NULL;

	set(&f->test, p->test);
	set(&f->hook, p->hook);
	set(&f->old, honest ? NULL : p->old);
	set(&f->new, honest ? NULL : p->new);
	words_free(&f->say);
	f->say = (struct words){ 0 };
}

/* For the pieces that are scripts. */
static void
place_tell(const struct place *p)
{
	setenv("FORGE_LAB", p->lab->name, 1);
	setenv("FORGE_FILE", p->file, 1);
	setenv("FORGE_TEST", p->test, 1);
	setenv("FORGE_HOOK", p->hook, 1);
}

/* Does a line of the report have these words? */
static bool
says(const struct verdict *v, const char *text)
{
	size_t i;

	for (i = 0; i < v->nfailures; i++)
		if (strstr(v->failure[i].what, text) != NULL ||
		    (v->failure[i].got != NULL &&
			strstr(v->failure[i].got, text) != NULL) ||
		    (v->failure[i].hint != NULL &&
			strstr(v->failure[i].hint, text) != NULL))
			return true;
	return false;
}

static char *
replace(char *text, const char *old, const char *new)
{
	char *at = strstr(text, old), *out;

	if (at == NULL)
		return NULL;
	out = xprintf("%.*s%s%s", (int)(at - text), text, new,
	    at + strlen(old));
	free(text);
	return out;
}

/* @name@ becomes 0x…ul. */
static char *
addresses(char *text)
{
	struct symbols *s = symbols_read("build/vadose.elf");
	char *at, *end, *name, *hex;

	while (s != NULL && (at = strchr(text, '@')) != NULL &&
	       (end = strchr(at + 1, '@')) != NULL) {
		name = strndup(at + 1, (size_t)(end - at - 1));
		hex = xprintf("0x%llxul",
		    (unsigned long long)symbols_find(s, name));
		end = xprintf("@%s@", name);
		text = replace(text, end, hex);
		free(name);
		free(hex);
		free(end);
	}
	symbols_free(s);
	return text;
}

/* A call, of attack() if nothing is said, as the hooked function's first act. */
static char *
put_hook(char *text, const char *hook, const char *call)
{
	char *name = xprintf("\n%s(", hook), *at = strstr(text, name), *brace;
	char *out = NULL;

	brace = at != NULL ? strstr(at, "\n{\n") : NULL;
	if (brace != NULL)
		out = xprintf("%.*s\n{\n\t%s;\n%s", (int)(brace - text), text,
		    call != NULL ? call : "attack()", brace + 3);
	free(name);
	free(text);
	return out;
}

/* The piece goes behind the last #include. */
static char *
put_piece(char *text, const char *piece)
{
	char *last = NULL, *s = text, *out;

	while ((s = strstr(s, "\n#include ")) != NULL)
		last = ++s;
	if (last == NULL)
		return text;
	last += strcspn(last, "\n");
	out = xprintf("%.*s\n%s%s", (int)(last - text), text, piece, last);
	free(text);
	return out;
}

/* The piece behind the files that it uses, if any; malloc'd or NULL. */
static char *
whole_piece(const struct forgery *f)
{
	struct words w = line_words(f->piece, "forge: use ");
	char *path, *shared, *more, *text = xstrdup("");
	size_t i;

	for (i = 2; i < w.n && text != NULL; i++) {
		path = xprintf("grading/forgeries/%s", w.v[i]);
		shared = file_read(path, NULL);
		more = shared == NULL ? NULL : xprintf("%s%s", text, shared);
		free(shared);
		free(path);
		free(text);
		text = more;
	}
	words_free(&w);
	more = text == NULL ? NULL : xprintf("%s%s", text, f->piece);
	free(text);
	return more == NULL ? NULL : addresses(more);
}

static char *
forge_text(const struct forgery *f, const struct lab *lab)
{
	char *path = xprintf("kernel/%s", lab->file);
	char *text = file_read(path, NULL);
	char *piece = whole_piece(f);

	free(path);
	if (piece == NULL) {
		free(text);
		return NULL;
	}
	if (text != NULL && f->old != NULL)
		text = replace(text, f->old, f->new);
	if (text != NULL && f->hook != NULL)
		text = put_hook(text, f->hook, f->call);
	if (text != NULL)
		text = put_piece(text, piece);
	free(piece);
	return text;
}

/* Is this what was expected?  Rule 3. */
static bool
is_expected(const struct forgery *f, enum status s, const struct verdict *v,
    bool elsewhere)
{
	bool listed = strstr(f->expect,
	    s == ST_PASS ? "honest" : status_name(s)) != NULL;
	size_t i;

	if (elsewhere)
		return s == ST_PASS || s == ST_BUILD ? listed :
		    s == ST_GATE || f->flag == NULL || v->forged;
	for (i = 0; i < f->say.n; i++)
		listed = listed && says(v, f->say.v[i]);
	return listed && (f->flag == NULL || v->forged);
}

static int
judge_forgery(const struct forgery *f, const struct place *p, const char *file)
{
	struct options o = { .submission = file, .only = f->test };
	struct report *r = xalloc(sizeof *r);
	const struct verdict *v = &r->result[0].verdict;
	enum status s;
	bool ok, told;

	run_quietly(r, p->lab, &o);
	s = r->build.status != ST_PASS ? r->build.status : v->status;
	ok = is_expected(f, s, v, p->elsewhere);
	/* Why it was refused, where the heading does not have it refused. */
	told = r->build.why != NULL &&
	       (!ok || strstr(f->expect, status_name(s)) == NULL);
	printf("%-36s %s%s  %s%s%s\n", strrchr(f->path, '/') + 1,
	    status_name(s), v->forged ? " forged?" : "", ok ? "ok" : "WRONG",
	    told ? "  " : "", told ? r->build.why : "");
	if (!ok && r->build.status == ST_PASS)
		report_text(r, false);
	report_free(r);
	free(r);
	return !ok;
}

static int
forgery_in_c(const struct place *place, const char *path)
{
	struct forgery f = { .path = path };
	char *file = tidy_file("forgery.c"), *text;
	int wrong = 1;

	f.piece = file_read(path, NULL);
	f.test = heading(f.piece, "test");
	f.hook = heading(f.piece, "hook");
	f.call = heading(f.piece, "call");
	f.expect = heading(f.piece, "expect");
	f.flag = heading(f.piece, "flag");
	read_texts(&f);
	if (place->elsewhere && f.expect != NULL)
		place_put(&f, place);
	text = forge_text(&f, place->lab);
	if (text == NULL || f.expect == NULL || f.test == NULL)
		printf("%s: does not fit %s\n", path, place->lab->file);
	else if (file_write(file, text, strlen(text)))
		wrong = judge_forgery(&f, place, file);
	tidy_remove(file);
	free(file);
	free(text);
	free(f.piece);
	free(f.test);
	free(f.hook);
	free(f.call);
	free(f.expect);
	free(f.flag);
	free(f.old);
	free(f.new);
	words_free(&f.say);
	return wrong;
}

static int
forgery_in_sh(const char *path)
{
	const char *argv[] = { "sh", path, NULL };
	char *out = NULL;
	int status = command(argv, &out);

	printf("%-36s %s\n%s", strrchr(path, '/') + 1,
	    status == 0 ? "ok" : "WRONG", status == 0 ? "" : out);
	free(out);
	return status != 0;
}

/* The lab that a piece names, or that of all of them. */
static struct lab *
lab_of(const char *path, const char *name, char **why)
{
	char *text = name == NULL ? file_read(path, NULL) : NULL;
	char *own = heading(text != NULL ? text : "", "lab");
	struct lab *lab = lab_open(name != NULL ? name : own, NULL, why);

	free(text);
	free(own);
	return lab;
}

/* One piece.  1: not as it should be; GRADE_USAGE: there is no such place. */
static int
run_piece(const char *path, const char *name, bool elsewhere)
{
	const char *piece = strrchr(path, '/') + 1;
	struct place p = { .elsewhere = elsewhere };
	char *why = NULL;
	struct lab *lab = lab_of(path, name, &why);
	int wrong = GRADE_USAGE;

	p.lab = lab;
	if (lab == NULL) {
		fprintf(stderr, "grade: %s\n", why);
	} else if (!elsewhere || place_read(&p, piece)) {
		if (elsewhere)
			place_tell(&p);
		if (p.none != NULL)
			wrong = !printf("%-36s none: %s\n", piece, p.none);
		else
			wrong = path[strlen(path) - 1] == 'h'
				    ? forgery_in_sh(path)
				    : forgery_in_c(&p, path);
	}
	place_free(&p);
	lab_free(lab);
	free(why);
	return wrong;
}

/*
 * name: their lab; NULL: each says which.  elsewhere: that is none of the grader's
 * own, and PLACES has what the headings say.
 */
static int
run_pieces(const char *pattern, const char *name, bool elsewhere)
{
	int wrong = 0, r;
	glob_t g;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (name != NULL && !elsewhere)
		setenv("GRADE_LABS", "grading/test/labs", 1);
	if (glob(pattern, 0, NULL, &g) != 0) {
		fprintf(stderr, "grade: no pieces\n");
		return GRADE_USAGE;
	}
	for (i = 0; i < g.gl_pathc; i++) {
		r = run_piece(g.gl_pathv[i], name, elsewhere);
		if (r == GRADE_USAGE) {
			globfree(&g);
			return r;
		}
		wrong += r;
	}
	printf("%zu pieces, %d not as they should be\n", g.gl_pathc, wrong);
	globfree(&g);
	return wrong != 0;
}

/* All of them, or those whose name begins with which; lab NULL: the grader's own. */
int
cmd_forgeries(const char *lab, const char *which)
{
	char *pattern = xprintf("grading/forgeries/%s*-*", which ? which : "f");
	int code = run_pieces(
	    pattern, lab != NULL ? lab : FORGE_LAB, lab != NULL);

	free(pattern);
	return code;
}

/* Each end that a bug can give a boot. */
int
ends_named(const char *which)
{
	char *pattern = xprintf(
	    "grading/test/ends/%s*.c", which ? which : "e");
	int code = run_pieces(pattern, ENDS_LAB, false);

	free(pattern);
	return code;
}

/* What a learner may do. */
int
allowed_named(const char *which)
{
	char *pattern = xprintf("grading/test/honest/%s*.c", which ? which : "h");
	int code = run_pieces(pattern, NULL, false);

	free(pattern);
	return code;
}
