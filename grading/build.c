/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c: one submitted file becomes a kernel
 *
 * Problem   Nothing but one C file is taken from a student; it is compiled with
 *           our flags, where it can see our headers and nothing else.
 *
 * Picture   file ─→ fresh folder ─→ gate_source ─→ compiler in the sandbox
 *           ─→ gate_object ─→ link with the reference objects ─→ vadose.elf
 *
 * Rules     1. A regular file of at most 1 MiB; links, devices and folders are
 *              refused.
 *           2. The compiler has 60 s, 1 GiB, 8 MiB of output, no network.
 *           3. Trouble of our own (no compiler, no objects, no room on the disk)
 *              is ST_INFRA, never a student's.
 *
 * Read next gate.c; grading/rules.mk writes flags and lists.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grade.h"

#define SOURCE_MAX (1u << 20)

static bool take_source(struct build *, const struct lab *, const char *from);
static bool compile(struct build *, const struct lab *);
static bool link_kernel(struct build *, const struct lab *);

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

/* "build/kernel/vm/vad.o" of "vm/vad.c"; NULL: linked in addition. */
static char *
reference_object(const struct lab *lab)
{
	if (strcmp(lab->file, "none") == 0)
		return NULL;
	return xprintf("build/kernel/%.*s.o",
	    (int)(strlen(lab->file) - 2), lab->file);
}

void
build_make(struct build *b, const struct lab *lab, const char *submission)
{
	char *own = xprintf("%s/%s", lab->dir, lab->source), *object, *ref;

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
		char *why = gate_object(lab, object, ref);

		if (why != NULL)
			refuse(b, ST_GATE, why);
		else
			link_kernel(b, lab);
	}
	free(object);
	free(ref);
	free(own);
}

/* ---- the file ---- */

static bool
take_source(struct build *b, const struct lab *lab, const char *from)
{
	struct stat st;
	char *to, *text, *why;
	size_t n;
	bool ok;

	if (lstat(from, &st) < 0)
		return refuse(b, ST_BUILD, xprintf("%s: %s", from,
		    strerror(errno)));
	if (!S_ISREG(st.st_mode) || st.st_size > SOURCE_MAX)
		return refuse(b, ST_GATE,
		    xprintf("%s: not a regular file of at most 1 MiB", from));
	text = file_read(from, &n);
	if (text == NULL)
		return refuse(b, ST_BUILD, xprintf("%s: %s", from,
		    strerror(errno)));
	b->sha = sha256_hex(text, n);
	to = xprintf("%s/%s", b->dir, base_of(lab->source));
	ok = file_write(to, text, n);
	if (!ok)
		refuse(b, ST_INFRA, xprintf("%s: %s", to, strerror(errno)));
	why = ok ? gate_source(lab, to) : NULL;
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
	char *argv[] = { (char *)"bwrap", (char *)"--ro-bind", (char *)"/",
		(char *)"/", (char *)"--unshare-all", (char *)"true", NULL };
	char *out = NULL;
	bool ok = command(argv, &out) == 0;

	free(out);
	return ok;
}

/*
 * The compiler sees its own files, our headers as /k/include and the one
 * source as /k/src.  Without bubblewrap the same paths are those of the host.
 */
static char *
compile_line(struct build *b, const struct lab *lab, const char *flags)
{
	const char *limits = "ulimit -t 60 -v 1048576 -f 16384; ";
	char *cc, *line, *here = getcwd(NULL, 0);

	b->sandboxed = sandbox_works();
	if (b->sandboxed) {
		cc = xprintf("gcc %s -I/k/include -I/k/include/gen "
			     "-ffile-prefix-map=/k/src='%s/%s' -c %s -o lab.o", flags, here, lab->dir,
		    base_of(lab->source));
		line = xprintf("%sexec bwrap --ro-bind /usr /usr "
			       "--symlink usr/bin /bin --symlink usr/lib /lib "
			       "--symlink usr/lib64 /lib64 --tmpfs /tmp "
			       "--dev /dev --ro-bind build/grading/include "
			       "/k/include --bind '%s' /k/src --unshare-all "
			       "--die-with-parent --chdir /k/src %s",
		    limits, b->dir, cc);
	} else {
		cc = xprintf("gcc %s -I$top/build/grading/include "
			     "-I$top/build/grading/include/gen "
			     "-ffile-prefix-map='%s'='%s/%s' -c %s -o lab.o",
		    flags, b->dir, here, lab->dir, base_of(lab->source));
		line = xprintf("%stop=$PWD; cd '%s' && exec %s", limits, b->dir,
		    cc);
	}
	free(cc);
	free(here);
	return line;
}

static bool
compile(struct build *b, const struct lab *lab)
{
	char *flags = file_read("build/grading/cflags", NULL), *out = NULL;
	char *argv[] = { (char *)"sh", (char *)"-c", NULL, NULL };
	int status;

	if (flags == NULL)
		return refuse(b, ST_INFRA,
		    xstrdup("build/grading/cflags is missing (make grader)"));
	flags[strcspn(flags, "\n")] = '\0';
	argv[2] = compile_line(b, lab, flags);
	status = command(argv, &out);
	free(argv[2]);
	free(flags);
	if (status == 0) {
		free(out);
		return true;
	}
	return refuse(b, ST_BUILD,
	    out[0] != '\0' ? out : xstrdup("the compiler was stopped: it took "
					   "more than 60 s, 1 GiB or 8 MiB"));
}

/* ---- the link ---- */

static bool
link_kernel(struct build *b, const struct lab *lab)
{
	char *ref = reference_object(lab), *out = NULL;
	char *argv[] = { (char *)"sh", (char *)"grading/link", b->dir,
		ref != NULL ? ref : (char *)"none", NULL };
	int status = command(argv, &out);

	free(ref);
	if (status != 0)
		return refuse(b, WEXITSTATUS(status) == 1 ? ST_BUILD : ST_INFRA,
		    out);
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
	free(b->sha);
	memset(b, 0, sizeof *b);
}
