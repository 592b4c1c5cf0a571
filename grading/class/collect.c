/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collect.c: who handed what in
 *
 * Problem   A folder of submissions has files, folders with the file in them, and what
 *           students and their systems put there by mistake or on purpose.
 *
 * Picture   ada, a folder bob, "x y" ─→ in/: ada, bob, x=20y · list.json · todo
 *
 * Rules     A file is opened once, by no link, and judged by what is open.  An id is
 *           of letters, digits and . _ - =: no shell and no page can misread it.
 *           An archive is not unpacked: its student is told to hand in the file.
 *           A submission that was graded as it is now, is not graded again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "class/class.h"

#define FILE_MOST (1u << 20)
#define ID_MOST 150 /* a name of a file has 255 with what is added */

/* ---- one file ---- */

static bool
is_archive(const char *text, size_t n)
{
	static const struct {
		size_t at, n;
		const char *magic;
	} known[] = { { 0, 4, "PK\3\4" }, { 0, 2, "\x1f\x8b" }, { 0, 3, "BZh" },
		{ 0, 6, "7z\xbc\xaf\x27\x1c" }, { 0, 4, "Rar!" },
		{ 0, 5, "\xfd" "7zXZ" }, { 257, 5, "ustar" },
		{ 0, 4, "\x28\xb5\x2f\xfd" } };
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (n >= known[i].at + known[i].n &&
		    memcmp(text + known[i].at, known[i].magic, known[i].n) == 0)
			return true;
	return false;
}

/* The bytes of name in the folder at, malloc'd; NULL: *why, or a folder if *why is, too. */
static char *
take(int at, const char *name, size_t *len, const char **why)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *text = NULL;
	ssize_t n;

	*why = NULL;
	if (fd < 0 || fstat(fd, &st) < 0) {
		*why = errno == ELOOP ? "a link: hand in the file itself"
				      : strerror(errno);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (S_ISDIR(st.st_mode))
		goto out;
	if (!S_ISREG(st.st_mode))
		*why = "no regular file";
	else if (st.st_size == 0)
		*why = "empty";
	else if (st.st_size > FILE_MOST)
		*why = "larger than 1 MiB";
	if (*why != NULL)
		goto out;
	text = xalloc(FILE_MOST + 1);
	for (*len = 0; *len <= FILE_MOST; *len += (size_t)n) {
		n = read(fd, text + *len, FILE_MOST + 1 - *len);
		if (n <= 0)
			break;
	}
	if (n < 0)
		*why = strerror(errno);
	else if (*len > FILE_MOST)
		*why = "larger than 1 MiB";
	else if (is_archive(text, *len))
		*why = "an archive: hand in the file itself";
	if (*why != NULL) {
		free(text);
		text = NULL;
	}
out:
	close(fd);
	return text;
}

/* The only file *.c of a folder, or the lab's source if that is there. */
static char *
source_within(int fd, const struct lab *lab)
{
	DIR *d = fdopendir(dup(fd));
	struct dirent *e;
	char *found = NULL;
	size_t n, files = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (n < 3 || strcmp(e->d_name + n - 2, ".c") != 0)
			continue;
		files++;
		if (strcmp(e->d_name, lab->source) == 0)
			files = 1;
		free(found);
		found = xstrdup(e->d_name);
		if (strcmp(e->d_name, lab->source) == 0)
			break;
	}
	if (d != NULL)
		closedir(d);
	if (files != 1) {
		free(found);
		found = NULL;
	}
	return found;
}

static char *
take_any(int at, const char *name, const struct lab *lab, size_t *len,
    const char **why)
{
	char *text = take(at, name, len, why), *inner;
	int fd;

	if (text != NULL || *why != NULL)
		return text;
	fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		*why = strerror(errno);
		return NULL;
	}
	inner = source_within(fd, lab);
	if (inner != NULL)
		text = take(fd, inner, len, why);
	if (text == NULL && *why == NULL)
		*why = "a folder without the lab's file in it";
	free(inner);
	close(fd);
	return text;
}

/* ---- names ---- */

static char *
id_of(const char *name, size_t len)
{
	char *id = xalloc(len * 3 + 80), *to = id, *sha;
	size_t i;

	for (i = 0; i < len; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "0123456789_", name[i]) != NULL ||
		    (i > 0 && strchr(".-", name[i]) != NULL))
			*to++ = name[i];
		else
			to += sprintf(to, "=%02X", (unsigned char)name[i]);
	if (to - id > ID_MOST) {
		sha = sha256_hex(name, len);
		sprintf(id + ID_MOST - 20, "=%.16s", sha);
		free(sha);
	}
	return id;
}

static char *
id_new(const char *name, struct words *taken)
{
	size_t n = strlen(name);
	char *id;

	if (n > 2 && strcmp(name + n - 2, ".c") == 0) {
		id = id_of(name, n - 2);
		if (!words_has(taken, id))
			goto out;
		free(id);
	}
	id = id_of(name, n);
out:
	words_add(taken, id);
	return id;
}

/* ---- all ---- */

/* Each student has a machine of his own; the same again for the same. */
static uint64_t
seed_of(uint64_t seed, const char *id)
{
	char *text = xprintf("%llu %s", (unsigned long long)seed, id);
	char *sha = sha256_hex(text, strlen(text));
	uint64_t v;

	sha[12] = '\0';
	v = strtoull(sha, NULL, 16) % 1000000;
	free(sha);
	free(text);
	return v;
}

static bool
is_done(const char *out, const char *id, const char *sha, uint64_t seed)
{
	json_t *r = class_result(out, id), *test;
	const char *was = json_string_value(json_object_get(
	    json_object_get(r, "environment"), "submission_sha256"));
	bool done = was != NULL && strcmp(was, sha) == 0;

	test = json_array_get(json_object_get(r, "tests"), 0);
	if (test != NULL &&
	    (uint64_t)json_integer_value(json_object_get(test, "seed")) != seed)
		done = false;
	json_decref(r);
	return done;
}

struct gather {
	const struct lab *lab;
	const char *out;
	int at;
	uint64_t seed;
	struct words taken;
	json_t *list;
	FILE *todo;
};

static bool
gather_one(struct gather *g, const char *name)
{
	json_t *o = json_object();
	char *id = id_new(name, &g->taken), *plain = text_plain(name), *sha, *to;
	uint64_t seed = seed_of(g->seed, id);
	const char *why;
	size_t n;
	char *text = take_any(g->at, name, g->lab, &n, &why);
	bool ok = true;

	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "name", json_string(plain));
	json_object_set_new(o, "seed", json_integer((json_int_t)seed));
	if (text == NULL) {
		json_object_set_new(o, "why", json_string(why));
	} else {
		sha = sha256_hex(text, n);
		to = xprintf("%s/in/%s.c", g->out, id);
		ok = file_write(to, text, n);
		json_object_set_new(o, "sha", json_string(sha));
		if (!is_done(g->out, id, sha, seed))
			fprintf(g->todo, "%s %llu\n", id,
			    (unsigned long long)seed);
		free(to);
		free(sha);
	}
	json_array_append_new(g->list, o);
	free(text);
	free(plain);
	free(id);
	return ok;
}

/* On any host, in any language, the same order. */
static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int
class_collect(const struct lab *lab, const char *dir, const char *out,
    uint64_t seed)
{
	char *list = xprintf("%s/list.json", out), *todo = xprintf("%s/todo", out);
	struct gather g = { .lab = lab, .out = out, .seed = seed,
		.list = json_array() };
	struct dirent **e = NULL;
	int i, n = scandir(dir, &e, NULL, by_bytes);
	bool ok;

	g.at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g.todo = fopen(todo, "w");
	ok = n >= 0 && g.at >= 0 && g.todo != NULL;
	if (!ok)
		fprintf(stderr, "grade: %s: %s\n",
		    n < 0 || g.at < 0 ? dir : todo, strerror(errno));
	for (i = 0; i < n; i++) {
		if (ok && e[i]->d_name[0] != '.')
			ok = gather_one(&g, e[i]->d_name);
		free(e[i]);
	}
	free(e);
	ok = ok && json_dump_file(g.list, list, JSON_INDENT(1)) == 0;
	if (g.todo != NULL)
		ok = fclose(g.todo) == 0 && ok;
	if (g.at >= 0)
		close(g.at);
	json_decref(g.list);
	words_free(&g.taken);
	free(list);
	free(todo);
	return ok ? GRADE_ALL : GRADE_INFRA;
}
