/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c: one submitted file becomes a kernel
 *
 * Problem   Nothing but one C file is taken from a student; it is compiled with
 *           our flags, where it can see our headers and nothing else.
 *
 * Picture   file ─→ fresh folder ─→ gate_text ─→ lab.i ─→ gate_tokens ─→ lab.s
 *           ─→ gate_listing ─→ lab.o ─→ gate_object ─→ link with the reference
 *           objects, in an order that nobody knows before ─→ vadose.elf
 *
 * Rules     1. A regular file of at most 1 MiB; links, devices and folders are
 *              refused.
 *           2. Each tool that reads what was submitted runs in the sandbox,
 *              without a network and within limits (limits.c).  What is judged
 *              is what the next tool gets, not another run's.
 *           3. Trouble of our own (no compiler, no objects, no room on the disk)
 *              is ST_INFRA, never a student's.
 *
 * Read next gate/gate.c; grading/rules.mk writes flags and lists.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot/boot.h"
#include "gate/gate.h"

static bool take_source(struct build *, const struct lab *, const char *from);
static bool compile(struct build *, const struct lab *);
static bool link_kernel(struct build *, const struct lab *, uint64_t seed);

/* Is there no room left where we build?  Then nothing is the student's fault. */
static bool
disk_is_full(const struct build *b)
{
	static const char room[1u << 20];
	char *path = xprintf("%s/room", b->dir != NULL ? b->dir : "/");
	bool full;

	errno = 0;
	full = b->dir != NULL && !file_write(path, room, sizeof room) &&
	       (errno == ENOSPC || errno == EDQUOT);
	unlink(path);
	free(path);
	return full;
}

static bool
refuse(struct build *b, enum status s, char *why)
{
	if (disk_is_full(b)) {
		free(why);
		why = xprintf("the disk of %s is full", b->dir);
		s = ST_INFRA;
	}
	b->status = s;
	free(b->why);
	b->why = why;
	return false;
}

static const char *
base_of(const char *path)
{
	const char *s = strrchr(path, '/');

	return s != NULL ? s + 1 : path;
}

#define BUNDLE "labs/reference/all.o" /* of a handout (tools/cutter/labbundle) */

/* "build/kernel/vm/map/vad.o" of "vm/map/vad.c"; NULL: linked in addition. */
static char *
reference_object(const struct lab *lab)
{
	if (strcmp(lab->file, "none") == 0)
		return NULL;
	if (access(BUNDLE, R_OK) == 0)
		return xstrdup(BUNDLE);
	return xprintf("build/kernel/%.*s.o",
	    (int)(strlen(lab->file) - 2), lab->file);
}

/* What stands beside the submission in the bundle's place; "": nothing. */
static char *
reference_others(const struct lab *lab)
{
	if (strcmp(lab->file, "none") == 0 || access(BUNDLE, R_OK) != 0)
		return xstrdup("");
	return xprintf("labs/reference/%.*s.others.o",
	    (int)(strlen(lab->file) - 2), lab->file);
}

/* What our own file counts lies beside the kernel, for border.c. */
static bool
keep_names(struct build *b, const struct lab *lab)
{
	char *from = xprintf("build/grading/names/%.*s.names",
	    (int)(strlen(lab->file) - 2), lab->file);
	char *to = xprintf("%s/names", b->dir), *text;
	size_t n;
	bool ok;

	text = file_read(from, &n);
	ok = text == NULL || file_write(to, text, n) ||
	     refuse(b, ST_INFRA, xprintf("%s: %s", to, strerror(errno)));
	free(text);
	free(from);
	free(to);
	return ok;
}

void
build_make(struct build *b, const struct lab *lab, const char *submission,
    uint64_t seed)
{
	char *own = xprintf("%s/%s", lab->dir, lab->source), *object, *ref, *why;

	memset(b, 0, sizeof *b);
	b->dir = tidy_folder();
	if (b->dir == NULL) {
		refuse(b, ST_INFRA, xprintf("no folder for the build: %s",
		    strerror(errno)));
		free(own);
		return;
	}
	object = xprintf("%s/lab.o", b->dir);
	ref = reference_object(lab);
	if (take_source(b, lab, submission != NULL ? submission : own) &&
	    compile(b, lab)) {
		why = gate_object(lab, object, b->dir, ref);
		if (why != NULL)
			refuse(b, ST_GATE, why);
		else if (keep_names(b, lab))
			link_kernel(b, lab, seed);
	}
	free(object);
	free(ref);
	free(own);
}

/* ---- the file ---- */

#define WIDE_BYTES 2000u

static bool
has_wide_line(const char *text)
{
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n > WIDE_BYTES)
			return true;
	}
	return false;
}

static bool
take_source(struct build *b, const struct lab *lab, const char *from)
{
	const char *reason;
	char *to, *text, *why;
	size_t n;
	bool ok;

	text = submission_read(AT_FDCWD, from, &n, &reason);
	if (text == NULL)
		return refuse(b, ST_BUILD, xprintf("%s: %s", from, reason));
	b->sha = sha256_hex(text, n);
	b->wide = has_wide_line(text);
	to = xprintf("%s/%s", b->dir, base_of(lab->source));
	ok = file_write(to, text, n);
	if (!ok)
		refuse(b, ST_INFRA, xprintf("%s: %s", to, strerror(errno)));
	why = ok ? gate_text(text, n) : NULL;
	if (why != NULL)
		ok = refuse(b, ST_GATE, why);
	free(text);
	free(to);
	return ok;
}

/* ---- the compiler ---- */

static bool
sandbox_works(void)
{
	const char *argv[] = { "bwrap", "--ro-bind", "/", "/", "--unshare-all",
		"true", NULL };
	char *out = NULL;
	bool ok = command(argv, &out) == 0;

	free(out);
	return ok;
}

/*
 * Where a step of the compiler runs: in b->dir.  It sees its own files, our
 * headers as /k/include and the folder as /k/src; without bubblewrap it sees the
 * host, and our headers by a link in the folder.
 */
static struct words
step_place(const struct build *b)
{
	static const char *const box[] = { "bwrap", "--ro-bind", "/usr", "/usr",
		"--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
		"--symlink", "usr/lib64", "/lib64", "--tmpfs", "/tmp", "--dev",
		"/dev", "--ro-bind", "build/grading/include", "/k/include",
		"--unshare-all", "--die-with-parent", "--chdir", "/k/src",
		"--bind", NULL, "/k/src" };
	static const char *const shell[] = { "sh", "-c",
		"cd \"$1\" && shift && TMPDIR=. exec \"$@\"", "sh", NULL };
	const char *const *word = b->sandboxed ? box : shell;
	size_t n = b->sandboxed ? sizeof box / sizeof box[0]
				: sizeof shell / sizeof shell[0], i;
	struct words w = { 0 };

	for (i = 0; i < n; i++)
		words_add(&w, word[i] != NULL ? word[i] : b->dir);
	return w;
}

/* What it said, which is freed, is no word about the file. */
static bool
refuse_host(struct build *b, const char *tool, char *said)
{
	char *why = xprintf("the %s was ended by the host, or could not start%s%s",
	    tool, said != NULL && said[0] != '\0' ? ":\n" : "",
	    said != NULL ? said : "");

	free(said);
	return refuse(b, ST_INFRA, why);
}

/* Does it answer at all?  A ccache without a compiler behind it does not. */
static bool
tool_works(const struct build *b, const char *tool)
{
	struct words w = step_place(b);
	char *out = NULL;
	int status;

	words_add(&w, tool);
	words_add(&w, "--version");
	status = command_within(&compiler_limits, w.v, &out);
	words_free(&w);
	free(out);
	return status == 0;
}

/* Owns: takes said. */
static bool
taken(struct build *b, char *said)
{
	char *all = said != NULL && said[0] != '\0'
			? xprintf("%s%s", b->warns != NULL ? b->warns : "", said)
			: NULL;

	free(said);
	if (all != NULL) {
		free(b->warns);
		b->warns = all;
	}
	return true;
}

/* A tool with its flags (NULL: none) and more words, cut at blanks. */
static bool
step(struct build *b, const char *tool, const struct words *flags,
    const char *more)
{
	struct words w = step_place(b), rest = words_split(more, NULL);
	char *out = NULL;
	const char *met;
	int status;
	size_t i;

	words_add(&w, tool);
	for (i = 0; flags != NULL && i < flags->n; i++)
		words_add(&w, flags->v[i]);
	for (i = 0; i < rest.n; i++)
		words_add(&w, rest.v[i]);
	status = command_within(&compiler_limits, w.v, &out);
	words_free(&w);
	words_free(&rest);
	if (status == 0)
		return taken(b, out);
	if (limits_of_host(status, out != NULL ? out : "") ||
	    !tool_works(b, tool))
		return refuse_host(b, "compiler", out);
	met = limits_met(&compiler_limits, status, out);
	if (met != NULL) {
		free(out);
		out = xstrdup(met);
	}
	return refuse(b, ST_BUILD,
	    out[0] != '\0' ? out : xstrdup("the compiler was stopped"));
}

/* May the form of the submission that stands in name go on? */
static bool
passes(struct build *b, const struct lab *lab, const struct gate_places *p,
    const char *name,
    char *(*gate)(const struct lab *, const struct gate_places *, const char *))
{
	char *path = xprintf("%s/%s", b->dir, name), *why = NULL, *text;
	size_t n;
	bool ok;

	text = file_read(path, &n);
	ok = text != NULL;
	if (!ok)
		refuse(b, ST_INFRA, xprintf("%s: %s", path, strerror(errno)));
	else if (strlen(text) != n) /* what is behind it would not be judged */
		ok = refuse(b, ST_GATE, xstrdup("a zero byte in what the compiler "
		    "writes"));
	else if ((why = gate(lab, p, text)) != NULL)
		ok = refuse(b, ST_GATE, why);
	free(text);
	free(path);
	return ok;
}

static char *
files_gate(const struct lab *lab, const struct gate_places *p, const char *rule)
{
	(void)lab;
	return gate_files(p, rule);
}

/* The preprocessor; who has put a part of it into a header of his own is told. */
static bool
preprocess(struct build *b, const struct lab *lab, const struct words *flags,
    const char *more)
{
	char *why;

	if (step(b, "gcc", flags, more))
		return true;
	if (b->status == ST_BUILD &&
	    strstr(b->why, "No such file or directory") != NULL) {
		why = xprintf("%s\nOnly %s itself is taken, and headers of the kernel "
		    "(\"room/name.h\")", b->why, lab->source);
		free(b->why);
		b->why = why;
	}
	return false;
}

static bool
compile_steps(struct build *b, const struct lab *lab,
    const struct gate_places *p, const struct words *flags)
{
	char *read = xprintf("-E -MD -MF lab.d -o lab.i %s", p->source);
	bool ok = preprocess(b, lab, flags, read) &&
		  passes(b, lab, p, "lab.d", files_gate) &&
		  passes(b, lab, p, "lab.i", gate_tokens) &&
		  step(b, "gcc", flags, "-fpreprocessed -S lab.i -o lab.s") &&
		  passes(b, lab, p, "lab.s", gate_listing) &&
		  step(b, "as", NULL, "--64 lab.s -o lab.o");

	free(read);
	return ok;
}

/* Ours for every file, where its headers are, and where it stands itself. */
static struct words
compile_flags(const struct build *b, const struct lab *lab, const char *ours,
    const char *headers, const char *here)
{
	struct words w = words_split(ours, NULL);
	char *more[] = { xprintf("-I%.*s", (int)strlen(headers) - 1, headers),
		xprintf("-I%sgen", headers),
		xprintf("-ffile-prefix-map=%s=%s/%s",
		    b->sandboxed ? "/k/src" : b->dir, here, lab->dir) };
	size_t i;

	for (i = 0; i < sizeof more / sizeof more[0]; i++) {
		words_add(&w, more[i]);
		free(more[i]);
	}
	/* Else a few messages are more text than a compiler may write. */
	if (b->wide)
		words_add(&w, "-fno-diagnostics-show-caret");
	return w;
}

/* The name of our headers for the compiler; NULL: refused. */
static char *
headers_of(struct build *b, const char *here)
{
	char *to, *link;
	bool ok;

	if (b->sandboxed)
		return xstrdup("/k/include/");
	to = xprintf("%s/build/grading/include", here);
	link = xprintf("%s/include", b->dir);
	ok = symlink(to, link) == 0 ||
	     refuse(b, ST_INFRA, xprintf("%s: %s", link, strerror(errno)));
	free(to);
	free(link);
	return ok ? xstrdup("include/") : NULL;
}

static bool
compile(struct build *b, const struct lab *lab)
{
	char *flags = file_read("build/grading/cflags", NULL);
	char *here = getcwd(NULL, 0), *headers;
	struct gate_places p;
	struct words all;
	bool ok = false;

	if (flags == NULL)
		return refuse(b, ST_INFRA,
		    xstrdup("build/grading/cflags is missing (make grader)"));
	flags[strcspn(flags, "\n")] = '\0';
	b->sandboxed = sandbox_works();
	headers = headers_of(b, here);
	if (headers == NULL)
		goto out;
	p = (struct gate_places){ headers, base_of(lab->source) };
	all = compile_flags(b, lab, flags, headers, here);
	ok = compile_steps(b, lab, &p, &all);
	words_free(&all);
out:
	free(headers);
	free(flags);
	free(here);
	return ok;
}

/* ---- the link ---- */

/*
 * The order of the kernel's objects: of a secret of this host, the file and the
 * seed.  The same again for the same, so that a boot can be repeated; nobody who
 * has not the secret knows it.
 */
static char *
order_of(const struct build *b, uint64_t seed)
{
	char *secret = sha256_file("build/grading/secret"), *hex, *text;
	uint64_t n;

	if (secret == NULL)
		random_bytes(&n, sizeof n);
	text = xprintf("%s %s %llu", secret != NULL ? secret : "", b->sha,
	    (unsigned long long)seed);
	hex = sha256_hex(text, strlen(text));
	if (secret != NULL) {
		hex[8] = '\0';
		n = strtoull(hex, NULL, 16);
	}
	free(hex);
	free(text);
	free(secret);
	return xprintf("%u", (unsigned)n | 1);
}

static bool
link_kernel(struct build *b, const struct lab *lab, uint64_t seed)
{
	char *ref = reference_object(lab), *out = NULL;
	char *order = order_of(b, seed), *others = reference_others(lab);
	char *argv[] = { (char *)"sh", (char *)"grading/link", b->dir,
		ref != NULL ? ref : (char *)"none", order, others, NULL };
	int status = command_within(&linker_limits, argv, &out);
	const char *met;

	free(ref);
	free(order);
	free(others);
	if (status != 0 && limits_of_host(status, out != NULL ? out : ""))
		return refuse_host(b, "linker", out);
	met = status != 0 ? limits_met(&linker_limits, status, out) : NULL;
	if (status != 0)
		return refuse(b, WEXITSTATUS(status) == 1 || met != NULL
				     ? ST_BUILD : ST_INFRA,
		    met != NULL ? xstrdup(met) : out);
	free(out);
	b->kernel = xprintf("%s/vadose.elf", b->dir);
	return true;
}

void
build_free(struct build *b)
{
	tidy_remove(b->dir);
	free(b->dir);
	free(b->kernel);
	free(b->why);
	free(b->warns);
	free(b->sha);
	memset(b, 0, sizeof *b);
}
