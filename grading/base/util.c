/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * util.c: memory, words, files, commands, digests
 *
 * Problem   What every part of a host program needs, once.
 *
 * Rules     Out of memory ends the program with the status of infrastructure:
 *           it must never look like lost points.
 */
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

static void *
must(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "grade: out of memory\n");
		exit(GRADE_INFRA);
	}
	return p;
}

void *
xalloc(size_t n)
{
	return must(calloc(1, n != 0 ? n : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return must(realloc(p, n));
}

char *
xstrdup(const char *s)
{
	return must(strdup(s));
}

char *
xprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return must(s);
}

/* ---- words ---- */

void
words_add(struct words *w, const char *s)
{
	w->v = xrealloc(w->v, (w->n + 2) * sizeof *w->v);
	w->v[w->n++] = xstrdup(s);
	w->v[w->n] = NULL;
}

bool
words_has(const struct words *w, const char *s)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->v[i], s) == 0)
			return true;
	return false;
}

void
words_free(struct words *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	w->v = NULL;
	w->n = 0;
}

struct words
words_split(const char *line, char **why)
{
	struct words w = { 0 };
	const char *end;
	char *word;

	for (;;) {
		line += strspn(line, " \t\r\n");
		if (*line == '\0' || *line == '#')
			return w;
		end = *line == '"' ? strchr(line + 1, '"')
				   : line + strcspn(line, " \t\r\n");
		if (end == NULL) {
			if (why != NULL)
				*why = xstrdup("a quote is not closed");
			return w;
		}
		line += *line == '"';
		word = must(strndup(line, end - line));
		words_add(&w, word);
		free(word);
		line = *end == '"' ? end + 1 : end;
	}
}

char *
words_join(const struct words *w, size_t from, size_t to)
{
	char *s = xstrdup(""), *t;
	size_t i;

	for (i = from; i < to && i < w->n; i++) {
		t = xprintf("%s%s%s", s, i > from ? " " : "", w->v[i]);
		free(s);
		s = t;
	}
	return s;
}

/* Of a name: a word for somebody to type. */
char *
shell_word(const char *s)
{
	char *word = xalloc(4 * strlen(s) + 3), *to = word;

	if (strpbrk(s, " \t\n\r\"'$&;()*?<>|\\#`[]!~{}") == NULL) {
		strcpy(word, s);
		return word;
	}
	*to++ = '\'';
	for (; *s != '\0'; s++)
		if (*s == '\'')
			to = stpcpy(to, "'\\''");
		else
			*to++ = *s;
	strcpy(to, "'");
	return word;
}

bool
glob_match(const char *pattern, const char *name)
{
	if (*pattern == '*')
		return glob_match(pattern + 1, name) ||
		       (*name != '\0' && glob_match(pattern, name + 1));
	if (*pattern != *name)
		return false;
	return *pattern == '\0' || glob_match(pattern + 1, name + 1);
}

/* ---- numbers, time ---- */

bool
number_read(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 0);
	if (end == text || errno != 0)
		return false;
	if (*end == 'K' || *end == 'M' || *end == 'G')
		*out <<= *end == 'K' ? 10 : *end == 'M' ? 20 : 30;
	else
		return *end == '\0';
	return end[1] == '\0';
}

double
now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* ---- files ---- */

char *
file_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rbe");
	char *buf = NULL;
	size_t n = 0, cap = 0, got = 1;

	if (f == NULL)
		return NULL;
	while (got > 0) {
		if (n + 65536 > cap)
			buf = xrealloc(buf, (cap = 2 * cap + 65537) + 1);
		got = fread(buf + n, 1, 65536, f);
		n += got;
	}
	fclose(f);
	buf[n] = '\0';
	if (len != NULL)
		*len = n;
	return buf;
}

bool
file_write(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "wbe");
	bool ok;

	if (f == NULL)
		return false;
	ok = fwrite(data, 1, n, f) == n;
	return fclose(f) == 0 && ok;
}

/* ---- commands ---- */

static void
become(char *const argv[], int out, const struct limits *l)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	if (out >= 0) {
		dup2(out, 1);
		dup2(out, 2);
	}
	if (l != NULL && !limits_apply(l)) {
		dprintf(2, "limits: %s\n", strerror(errno));
		_exit(127);
	}
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* What comes from fd until its end, the clock's, or too much; false: cut. */
static bool
read_output(int fd, const struct limits *l, char **out)
{
	double until = l != NULL ? now_seconds() + l->wall : 0;
	char *buf = xalloc(65537);
	struct pollfd p = { fd, POLLIN, 0 };
	bool whole = true;
	ssize_t got = 1;
	size_t n = 0;

	while (whole && got > 0) {
		while (l != NULL && whole && poll(&p, 1, 200) <= 0)
			whole = now_seconds() < until;
		if (!whole)
			break;
		got = read(fd, buf + n, 65536);
		if (got <= 0)
			break;
		n += (size_t)got;
		buf = xrealloc(buf, n + 65537);
		whole = l == NULL || n <= l->text;
	}
	buf[n] = '\0';
	*out = buf;
	return whole;
}

/*
 * Run argv within limits (NULL: none); its output (both) in *out if not NULL,
 * which limits need.
 *
 * Returns:  its wait status.
 */
int
command_within(const struct limits *l, char *const argv[], char **out)
{
	int p[2] = { -1, -1 }, status = -1;
	pid_t pid;

	if (out != NULL && pipe2(p, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become(argv, p[1], l);
	if (out != NULL) {
		close(p[1]);
		if (!read_output(p[0], l, out) && pid > 0)
			kill(-pid, SIGKILL);
		close(p[0]);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

int
command(const char *const argv[], char **out)
{
	/* execvp() takes them as if it would change them, and does not. */
	return command_within(NULL, (char *const *)argv, out);
}

/*
 * Run a shell's script within limits (NULL: none); its output as above.  What it
 * is about are words up to a NULL, its $1, $2 …: a name in the script's own text
 * would be judged by the shell, with the blanks and quotes that are in it.
 *
 * Returns:  its wait status.
 */
int
shell_within(const struct limits *l, char **out, const char *script, ...)
{
	char *argv[SHELL_WORDS + 5] = { (char *)"sh", (char *)"-c",
		(char *)script, (char *)"sh" };
	size_t n = 4;
	va_list ap;

	va_start(ap, script);
	while (n < SHELL_WORDS + 4 && (argv[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	return command_within(l, argv, out);
}

/* ---- digests ---- */

char *
sha256_hex(const void *data, size_t n)
{
	unsigned char md[32];
	char *hex = xalloc(65);
	unsigned i;

	gcry_md_hash_buffer(GCRY_MD_SHA256, md, data, n);
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	return hex;
}

char *
sha256_file(const char *path)
{
	size_t n;
	char *buf = file_read(path, &n), *hex;

	if (buf == NULL)
		return NULL;
	hex = sha256_hex(buf, n);
	free(buf);
	return hex;
}

void
random_bytes(void *p, size_t n)
{
	if (getrandom(p, n, 0) != (ssize_t)n) {
		fprintf(stderr, "grade: no random bytes\n");
		exit(GRADE_INFRA);
	}
}
