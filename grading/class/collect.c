/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collect.c: who handed what in
 *
 * Problem   A folder of submissions has files, folders with the file in them, copies of
 *           all that was handed out, and what students and their systems put there by
 *           mistake or on purpose.
 *
 * Picture   ada, a folder bob, "x y" ─→ in/: ada, bob, x=20y · todo ·
 *           list.json { lab, starter, tests, students } ─→ sheet
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

#include <jansson.h>

#include "class/class.h"

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

static bool
is_named_as_archive(const char *name)
{
	static const char *const ends[] = { ".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2",
		".zst", ".7z", ".rar" };
	size_t i;

	for (i = 0; i < sizeof ends / sizeof ends[0]; i++)
		if (strlen(name) > strlen(ends[i]) &&
		    strcmp(name + strlen(name) - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* The bytes of name in the folder at, malloc'd; NULL: *why. */
static char *
take(int at, const char *name, size_t *len, const char **why)
{
	char *text = submission_read(at, name, len, why);

	if (text != NULL && *len == 0)
		*why = "empty";
	else if (text != NULL && is_archive(text, *len))
		*why = "an archive: hand in the file itself";
	if (*why == NULL)
		return text;
	free(text);
	return NULL;
}

/*
 * The only file *.c of a folder, or the lab's source if that is there; NULL: *why.
 * What begins with a dot is a system's: "._fork.c" is put beside fork.c by a Mac.
 */
static char *
source_within(int fd, const struct lab *lab, const char **why)
{
	DIR *d = fdopendir(dup(fd));
	struct dirent *e;
	char *found = NULL;
	bool archive = false;
	size_t n, files = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		archive = archive || is_named_as_archive(e->d_name);
		if (e->d_name[0] == '.' || n < 3 ||
		    strcmp(e->d_name + n - 2, ".c") != 0)
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
	if (files == 1)
		return found;
	*why = files > 0 ? "a folder of several files *.c, none of which has the name "
			   "of the lab's"
	    : archive    ? "a folder with an archive in it, and without the lab's file: "
			   "hand in the file itself"
			 : "a folder without the lab's file in it";
	free(found);
	return NULL;
}

/* A folder of the folder at, by no link; -1: there is none. */
static int
folder_within(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
}

/* Of a copy of what was handed out, labs/LAB; else the folder itself.  Owns: takes fd. */
static int
folder_of_lab(int fd, const struct lab *lab)
{
	int labs = folder_within(fd, "labs"), own = -1;

	if (labs >= 0 && faccessat(fd, lab->source, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		own = folder_within(labs, lab->name);
	if (labs >= 0)
		close(labs);
	if (own < 0)
		return fd;
	close(fd);
	return own;
}

static char *
take_any(int at, const char *name, const struct lab *lab, size_t *len,
    const char **why)
{
	int fd = folder_within(at, name);
	char *inner, *text = NULL;

	if (fd < 0)
		return take(at, name, len, why);
	fd = folder_of_lab(fd, lab);
	inner = source_within(fd, lab, why);
	if (inner != NULL)
		text = take(fd, inner, len, why);
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

/* Of this file and this seed, and with these tests: hidden ones may have come. */
static bool
is_done(const struct lab *lab, const char *out, const char *id, const char *sha,
    uint64_t seed)
{
	char *path = xprintf("%s/done/%s.json", out, id);
	json_t *r = json_load_file(path, 0, NULL), *test;
	const char *was = json_string_value(json_object_get(
	    json_object_get(r, "environment"), "submission_sha256"));
	bool done = was != NULL && strcmp(was, sha) == 0;

	free(path);
	if (json_array_size(json_object_get(r, "tests")) != lab->ntests)
		done = false;
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
	json_t *students;
	FILE *todo;
};

static bool
gather_one(struct gather *g, const char *name)
{
	json_t *o = json_object();
	char *id = id_new(name, &g->taken), *shown = plain(name), *sha, *to;
	uint64_t seed = seed_of(g->seed, id);
	const char *why;
	size_t n;
	char *text = take_any(g->at, name, g->lab, &n, &why);
	bool ok = true;

	json_object_set_new(o, "id", json_string(id));
	json_object_set_new(o, "name", json_string(shown));
	json_object_set_new(o, "seed", json_integer((json_int_t)seed));
	if (text == NULL) {
		json_object_set_new(o, "why", json_string(why));
	} else {
		sha = sha256_hex(text, n);
		to = xprintf("%s/in/%s.c", g->out, id);
		ok = file_write(to, text, n);
		json_object_set_new(o, "sha", json_string(sha));
		if (!is_done(g->lab, g->out, id, sha, seed))
			fprintf(g->todo, "%s %llu\n", id,
			    (unsigned long long)seed);
		free(to);
		free(sha);
	}
	json_array_append_new(g->students, o);
	free(text);
	free(shown);
	free(id);
	return ok;
}

/* On any host, in any language, the same order. */
static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What sheet needs of the lab. */
static json_t *
class_of(const struct lab *lab)
{
	char *path = xprintf("%s/%s", lab->dir, lab->source);
	char *starter = sha256_file(path);
	json_t *tests = json_array(), *class;
	size_t i;

	for (i = 0; i < lab->ntests; i++)
		json_array_append_new(tests, json_pack("{ss, ss}",
		    "id", lab->test[i]->id, "name", lab->test[i]->name));
	class = json_pack("{ss, ss?, so}", "lab", lab->name, "starter", starter,
	    "tests", tests);
	free(starter);
	free(path);
	return class;
}

/* DIR's submissions become OUT/in/ID.c, OUT/list.json and OUT/todo. */
static int
collect(const struct lab *lab, const char *dir, const char *out, uint64_t seed)
{
	char *list = xprintf("%s/list.json", out), *todo = xprintf("%s/todo", out);
	struct gather g = { .lab = lab, .out = out, .seed = seed,
		.students = json_array() };
	json_t *class = class_of(lab);
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
	json_object_set_new(class, "students", g.students);
	ok = ok && json_dump_file(class, list, JSON_INDENT(1)) == 0;
	if (g.todo != NULL)
		ok = fclose(g.todo) == 0 && ok;
	if (g.at >= 0)
		close(g.at);
	json_decref(class);
	words_free(&g.taken);
	free(list);
	free(todo);
	return ok ? GRADE_ALL : GRADE_INFRA;
}

/* collect LAB DIR OUT SEED [HIDDEN] */
int
cmd_collect(int argc, char **argv)
{
	char *why = NULL;
	struct lab *lab;
	int64_t seed;
	int code;

	if (argc < 5 || argc > 6 || !number_read(argv[4], &seed)) {
		fputs("usage: grade collect LAB DIR OUT SEED [HIDDEN]\n", stderr);
		return GRADE_USAGE;
	}
	lab = lab_open(argv[1], argv[5], &why);
	if (lab == NULL) {
		fprintf(stderr, "grade: %s\n", why);
		free(why);
		return GRADE_USAGE;
	}
	code = collect(lab, argv[2], argv[3], (uint64_t)seed);
	lab_free(lab);
	return code;
}
