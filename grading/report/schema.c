/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * schema.c: is a result what the schema says?
 *
 * Problem   Programs that read results rely on grading/schema/result-1.json; a
 *           field that is renamed must fail here, not at theirs.
 *
 * Picture   schema and value side by side, from the root down
 *             type const enum minimum maximum ─→ this value
 *             required properties additionalProperties items anyOf $ref ─→ below it
 *
 * Rules     1. A keyword of the schema that we do not know is an error: what is
 *              not checked must not look checked.
 *           2. The first offence is told with its path.
 *
 * Read next json.c.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

struct fitting {
	const json_t *root; /* of the schema */
	char *why;
};

static bool fits(struct fitting *, const json_t *schema, json_t *v,
    const char *path);

static bool
offend(struct fitting *c, const char *path, const char *what)
{
	if (c->why == NULL)
		c->why = xprintf("%s: %s", path[0] != '\0' ? path : "/", what);
	return false;
}

/* ---- this value ---- */

static bool
is_type(const json_t *v, const char *name)
{
	static const struct {
		const char *name;
		json_type type;
	} rows[] = { { "object", JSON_OBJECT }, { "array", JSON_ARRAY },
		{ "string", JSON_STRING }, { "integer", JSON_INTEGER },
		{ "number", JSON_REAL }, { "null", JSON_NULL } };
	size_t i;

	if (strcmp(name, "boolean") == 0)
		return json_is_boolean(v);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, name) == 0)
			return json_typeof(v) == rows[i].type;
	return false;
}

static bool
fits_type(struct fitting *c, const json_t *want, json_t *v, const char *path)
{
	size_t i;

	if (json_is_string(want) && is_type(v, json_string_value(want)))
		return true;
	for (i = 0; i < json_array_size(want); i++)
		if (is_type(v, json_string_value(json_array_get(want, i))))
			return true;
	return offend(c, path, "of another type");
}

static bool
fits_enum(struct fitting *c, const json_t *want, json_t *v, const char *path)
{
	size_t i;

	for (i = 0; i < json_array_size(want); i++)
		if (json_equal(json_array_get(want, i), v))
			return true;
	return offend(c, path, "none of the values");
}

/* ---- below it ---- */

static bool
fits_required(struct fitting *c, const json_t *names, json_t *v, const char *path)
{
	const char *name;
	size_t i;

	for (i = 0; i < json_array_size(names); i++) {
		name = json_string_value(json_array_get(names, i));
		if (json_object_get(v, name) == NULL) {
			char *what = xprintf("%s is missing", name);

			offend(c, path, what);
			free(what);
			return false;
		}
	}
	return true;
}

/* Each member by its own schema, or by that for all others. */
static bool
fits_members(struct fitting *c, const json_t *schema, json_t *v, const char *path)
{
	const json_t *own = json_object_get(schema, "properties");
	const json_t *others = json_object_get(schema, "additionalProperties");
	const json_t *s;
	const char *key;
	json_t *member;
	bool ok = true;

	json_object_foreach (v, key, member) {
		char *below = xprintf("%s/%s", path, key);

		s = json_object_get(own, key);
		if (s == NULL && json_is_false(others))
			ok = offend(c, below, "nobody knows of it");
		else if (s != NULL || json_is_object(others))
			ok = fits(c, s != NULL ? s : others, member, below);
		free(below);
		if (!ok)
			return false;
	}
	return true;
}

static bool
fits_items(struct fitting *c, const json_t *schema, json_t *v, const char *path)
{
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < json_array_size(v); i++) {
		char *below = xprintf("%s/%zu", path, i);

		ok = fits(c, schema, json_array_get(v, i), below);
		free(below);
	}
	return ok;
}

/* "#/definitions/test" */
static bool
fits_ref(struct fitting *c, const char *ref, json_t *v, const char *path)
{
	const json_t *s = NULL;

	if (strncmp(ref, "#/definitions/", 14) == 0)
		s = json_object_get(
		    json_object_get(c->root, "definitions"), ref + 14);
	return s != NULL ? fits(c, s, v, path) : offend(c, path, ref);
}

/* One of them is enough; of all that do not fit, the first is told. */
static bool
fits_any(struct fitting *c, const json_t *list, json_t *v, const char *path)
{
	struct fitting one = { .root = c->root };
	bool ok = false;
	size_t i;

	for (i = 0; !ok && i < json_array_size(list); i++)
		ok = fits(&one, json_array_get(list, i), v, path);
	if (!ok && c->why == NULL) {
		c->why = one.why;
		one.why = NULL;
	}
	free(one.why);
	return ok;
}

static bool
fits_keyword(struct fitting *c, const json_t *schema, const char *key,
    const json_t *want, json_t *v, const char *path)
{
	if (strcmp(key, "type") == 0)
		return fits_type(c, want, v, path);
	if (strcmp(key, "enum") == 0)
		return fits_enum(c, want, v, path);
	if (strcmp(key, "const") == 0)
		return json_equal(want, v) || offend(c, path, "another value");
	if (strcmp(key, "minimum") == 0)
		return json_number_value(v) >= json_number_value(want) ||
		       offend(c, path, "too small");
	if (strcmp(key, "maximum") == 0)
		return json_number_value(v) <= json_number_value(want) ||
		       offend(c, path, "too large");
	if (strcmp(key, "required") == 0)
		return fits_required(c, want, v, path);
	if (strcmp(key, "properties") == 0 ||
	    strcmp(key, "additionalProperties") == 0)
		return fits_members(c, schema, v, path);
	if (strcmp(key, "items") == 0)
		return fits_items(c, want, v, path);
	if (strcmp(key, "anyOf") == 0)
		return fits_any(c, want, v, path);
	if (strcmp(key, "$ref") == 0)
		return fits_ref(c, json_string_value(want), v, path);
	return strcmp(key, "$schema") == 0 || strcmp(key, "title") == 0 ||
	       strcmp(key, "definitions") == 0 || offend(c, path, key);
}

static bool
fits(struct fitting *c, const json_t *schema, json_t *v, const char *path)
{
	const char *key;
	json_t *want;

	json_object_foreach ((json_t *)schema, key, want)
		if (!fits_keyword(c, schema, key, want, v, path))
			return false;
	return true;
}

static json_t *
load(const char *path)
{
	json_error_t e;
	json_t *v = json_load_file(path, JSON_REJECT_DUPLICATES, &e);

	if (v == NULL)
		fprintf(stderr, "grade: %s:%d: %s\n", path, e.line, e.text);
	return v;
}

/* 0: result fits schema, or, of NULL, that of results; 1: it says where not. */
int
cmd_validate(const char *result, const char *schema)
{
	json_t *s = load(schema != NULL ? schema : "grading/schema/result-1.json");
	json_t *v = load(result);
	struct fitting c = { .root = s };
	bool ok = s != NULL && v != NULL && fits(&c, s, v, "");

	if (c.why != NULL)
		fprintf(stderr, "grade: %s: %s\n", result, c.why);
	free(c.why);
	json_decref(s);
	json_decref(v);
	return ok ? 0 : GRADE_LOST;
}
