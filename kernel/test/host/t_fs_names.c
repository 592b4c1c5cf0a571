/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fs_names.c: random names in tmpfs against a model
 *
 * Problem   Which error mkdir, create, link, rename, unlink and rmdir give, and
 *           what is there afterwards, in any order.
 *
 * Picture   random calls ─→ fs_*     and  ─→ model: a table of names
 *                            └── compared now and then ──┘
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/host.h"
#include "test/host/paths.h"

#define NODES 40
#define NAMES 4

/* A name in the model: node[i] lies in directory node[parent]. */
static struct node {
	bool used, is_dir;
	int parent;
	unsigned name;
	int file;        /* which content, for links */
} node[NODES];
static unsigned nfiles;

static void
path_of(int i, char *out)
{
	char up[200];

	if (i == 0) {
		strcpy(out, "/r");
		return;
	}
	path_of(node[i].parent, up);
	snprintf(out, 256, "%s/%c", up, 'a' + (char)node[i].name);
}

static int
model_find(int dir, unsigned name)
{
	int i;

	for (i = 1; i < NODES; i++)
		if (node[i].used && node[i].parent == dir &&
		    node[i].name == name)
			return i;
	return -1;
}

static int
model_free(void)
{
	int i;

	for (i = 1; i < NODES; i++)
		if (!node[i].used)
			return i;
	return -1;
}

static int
random_dir(void)
{
	int i;

	do
		i = (int)host_random(NODES);
	while (!node[i].used || !node[i].is_dir);
	return i;
}

static bool
model_is_empty(int dir)
{
	unsigned n;

	for (n = 0; n < NAMES; n++)
		if (model_find(dir, n) >= 0)
			return false;
	return true;
}

static bool
model_is_below(int i, int top)
{
	while (i != 0 && i != top)
		i = node[i].parent;
	return i == top;
}

static void
step_make(int dir, unsigned name, const char *path)
{
	int old = model_find(dir, name), i = model_free();
	bool is_dir = host_random(2) != 0;

	if (i < 0)
		return;
	if (is_dir) {
		assert_int_equal(path_mkdir(path), old >= 0 ? -EEXIST : 0);
	} else {
		struct file *f;

		assert_int_equal(path_open(path, O_CREAT | O_EXCL | O_WRONLY, &f),
		    old >= 0 ? -EEXIST : 0);
		if (old < 0) {
			nfiles++;
			assert_int_equal(plain_write(f, &nfiles, 4), 4);
			file_put(f);
		}
	}
	if (old < 0)
		node[i] = (struct node){ true, is_dir, dir, name, (int)nfiles };
}

static void
step_remove(int dir, unsigned name, const char *path)
{
	int i = model_find(dir, name), want = 0;

	if (i < 0)
		want = -ENOENT;
	else if (node[i].is_dir && !model_is_empty(i))
		want = -ENOTEMPTY;
	if (i >= 0 && node[i].is_dir)
		assert_int_equal(path_unlink(path), -EISDIR);
	assert_int_equal(i >= 0 && node[i].is_dir ? path_rmdir(path) :
	    path_unlink(path), want);
	if (want == 0)
		node[i].used = false;
}

static int
rename_answer(int from, int to_dir, int to)
{
	if (from < 0)
		return -ENOENT;
	if (from == to)
		return 0;
	if (to >= 0 && !node[from].is_dir && !node[to].is_dir &&
	    node[from].file == node[to].file)
		return 0;
	if (node[from].is_dir && model_is_below(to_dir, from))
		return -EINVAL;
	if (to < 0)
		return 0;
	if (model_is_below(node[from].parent, to))
		return -ENOTEMPTY;
	if (node[from].is_dir && !node[to].is_dir)
		return -ENOTDIR;
	if (!node[from].is_dir && node[to].is_dir)
		return -EISDIR;
	return node[to].is_dir && !model_is_empty(to) ? -ENOTEMPTY : 0;
}

static void
step_rename(int from, const char *path)
{
	int to_dir = random_dir(), to, want;
	unsigned name = (unsigned)host_random(NAMES);
	char up[200], target[256];

	path_of(to_dir, up);
	snprintf(target, sizeof(target), "%s/%c", up, 'a' + (char)name);
	to = model_find(to_dir, name);
	want = rename_answer(from, to_dir, to);
	assert_int_equal(path_rename(path, target), want);
	if (want != 0 || from == to || (to >= 0 && !node[to].is_dir &&
	    node[to].file == node[from].file))
		return;
	if (to >= 0)
		node[to].used = false;
	node[from].parent = to_dir;
	node[from].name = name;
}

static void
step_link(int from, const char *path)
{
	int dir = random_dir(), old, i = model_free();
	unsigned name = (unsigned)host_random(NAMES);
	char up[200], target[256];
	int want;

	if (i < 0)
		return;
	path_of(dir, up);
	snprintf(target, sizeof(target), "%s/%c", up, 'a' + (char)name);
	old = model_find(dir, name);
	want = from < 0 ? -ENOENT : old >= 0 ? -EEXIST :
	    node[from].is_dir ? -EPERM : 0;
	assert_int_equal(path_link(path, target), want);
	if (want == 0)
		node[i] = (struct node){ true, false, dir, name,
			node[from].file };
}

/* Every name of the model is there, with its content, and no other. */
static void
compare_all(void)
{
	int i, found;
	char path[256];
	unsigned content, n;
	struct kstat st;
	struct file *f;

	for (i = 0; i < NODES; i++) {
		if (!node[i].used)
			continue;
		path_of(i, path);
		assert_int_equal(path_stat(path, &st), 0);
		assert_int_equal(S_ISDIR(st.mode), node[i].is_dir);
		if (!node[i].is_dir) {
			assert_int_equal(path_open(path, O_RDONLY, &f), 0);
			assert_int_equal(plain_read(f, &content, 4), 4);
			assert_int_equal(content, node[i].file);
			file_put(f);
			continue;
		}
		found = 2;
		for (n = 0; n < NAMES; n++) {
			int c = model_find(i, n);

			found += c >= 0 && node[c].is_dir;
		}
		assert_int_equal(st.nlink, found);
	}
}

static void
random_names(void **state)
{
	struct path_at p = at("/r");
	char up[200], path[256];
	unsigned step;

	assert_int_equal(path_mkdir("/r"), 0);
	assert_int_equal(fs_mount("r", &p, "tmpfs", 0, NULL), 0);
	node[0] = (struct node){ true, true, 0, 0, 0 };
	for (step = 0; step < 60000; step++) {
		int dir = random_dir();
		unsigned name = (unsigned)host_random(NAMES);

		path_of(dir, up);
		snprintf(path, sizeof(path), "%s/%c", up, 'a' + (char)name);
		switch (host_random(5)) {
		case 0:
		case 1:
			step_make(dir, name, path);
			break;
		case 2:
			step_remove(dir, name, path);
			break;
		case 3:
			step_rename(model_find(dir, name), path);
			break;
		case 4:
			step_link(model_find(dir, name), path);
			break;
		}
		if (step % 500 == 0)
			compare_all();
	}
	compare_all();
	assert_int_equal(fs_umount(&p), 0);
	assert_int_equal(path_rmdir("/r"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_names),
	};

	host_boot(4096, "");
	host_seed(7);
	fs_init();
	ext2_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
