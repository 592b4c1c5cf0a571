/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * class.c: the commands of a class, and what two gradings differ in
 *
 * Problem   Behind a mended test or a new kernel a lecturer wants to see each score
 *           that moved, and why it may have.
 *
 * Read next all, collect.c, sheet.c.
 */
#include <stdlib.h>
#include <string.h>

#include "class/class.h"

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static json_t *
list_of(const char *out)
{
	char *path = xprintf("%s/list.json", out);
	json_t *list = json_load_file(path, 0, NULL);

	if (list == NULL)
		fprintf(stderr, "grade: %s is no class that was graded\n", out);
	free(path);
	return list;
}

/* Which inputs of two results are not the same. */
static void
inputs_say(const json_t *a, const json_t *b)
{
	static const char *const input[][2] = {
		{ "submission_sha256", "submission" }, { "tests_sha256", "tests" },
		{ "kernel_sha256", "kernel" }, { "gcc", "compiler" },
		{ "qemu", "emulator" } };
	json_t *ea = json_object_get(a, "environment");
	json_t *eb = json_object_get(b, "environment");
	bool any = false;
	size_t i;

	for (i = 0; i < sizeof input / sizeof input[0]; i++)
		if (strcmp(text_of(ea, input[i][0]), text_of(eb, input[i][0])) != 0) {
			printf("%s%s", any ? ", " : "  (other: ", input[i][1]);
			any = true;
		}
	fputs(any ? ")\n" : "  (all the same: grade it again)\n", stdout);
}

static bool
change_say(const char *name, const json_t *a, const json_t *b)
{
	json_t *ta = json_object_get(a, "tests"), *tb = json_object_get(b, "tests");
	json_int_t x = json_integer_value(json_object_get(a, "score"));
	json_int_t y = json_integer_value(json_object_get(b, "score"));
	json_t *t, *u;
	size_t i;

	if (a != NULL && b != NULL && x == y)
		return false;
	printf("%s  ", name);
	printf(a != NULL ? "%lld → " : "none → ", (long long)x);
	printf(b != NULL ? "%lld" : "none", (long long)y);
	json_array_foreach(ta, i, t) {
		u = json_array_get(tb, i);
		if (u != NULL && strcmp(text_of(t, "status"), text_of(u, "status")) != 0)
			printf("  %s %s → %s", text_of(u, "id"),
			    text_of(t, "status"), text_of(u, "status"));
	}
	inputs_say(a, b);
	return true;
}

static int
class_diff(const char *old, const char *new)
{
	json_t *la = list_of(old), *lb = list_of(new), *who, *a, *b;
	size_t i, changed = 0;
	const char *id;

	if (la == NULL || lb == NULL) {
		json_decref(la);
		json_decref(lb);
		return GRADE_USAGE;
	}
	json_array_foreach(lb, i, who) {
		id = text_of(who, "id");
		a = class_result(old, id);
		b = class_result(new, id);
		if (a != NULL || b != NULL)
			changed += change_say(text_of(who, "name"), a, b);
		json_decref(a);
		json_decref(b);
	}
	printf("%zu of %zu scores changed\n", changed, json_array_size(lb));
	json_decref(la);
	json_decref(lb);
	return changed == 0 ? GRADE_ALL : GRADE_LOST;
}

static int
usage(void)
{
	fputs("usage: grade class collect LAB DIR OUT SEED | sheet LAB OUT | "
	      "diff OLD NEW\n", stderr);
	return GRADE_USAGE;
}

int
cmd_class(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct lab *lab;
	int64_t seed = 0;
	char *why = NULL;
	int code;

	if (strcmp(what, "diff") == 0 && argc == 4)
		return class_diff(argv[2], argv[3]);
	if (!(strcmp(what, "collect") == 0 && argc == 6 &&
		number_read(argv[5], &seed)) &&
	    !(strcmp(what, "sheet") == 0 && argc == 4))
		return usage();
	lab = lab_open(argv[2], NULL, &why);
	if (lab == NULL) {
		fprintf(stderr, "grade: %s\n", why);
		free(why);
		return GRADE_USAGE;
	}
	code = argc == 6 ? class_collect(lab, argv[3], argv[4], (uint64_t)seed)
			 : class_sheet(lab, argv[3]);
	lab_free(lab);
	return code;
}
