/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2_model.c: files on an ext2 image, and beside them what they must hold
 *
 * Problem   What is written must be read, by us and by others, whatever order
 *           the operations come in.
 *
 * Picture   random create, write, truncate, link, rename, unlink, mkdir, rmdir
 *           ─→ fs_* on /m     and ─→ model: names and contents
 *           disk.c keeps all writes: an image for each moment of a cut
 *
 * Read next t_ext2.c, t_ext2_cuts.c, t_ext2_bad.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/host/ext2_model.h"

#define MAX_NAMES 64
#define MAX_BYTES 400000u
#define NDIRS 4

/* What a file should hold. */
struct body {
	unsigned refs;
	uint64_t size;
	uint8_t *bytes;
	bool synced;              /* fsync returned, not written since */
};

struct entry {
	char path[48];
	struct body *body;        /* NULL: a directory */
	bool synced;              /* the name too */
};

/* A file that a cut at or behind this FLUSH must have. */
struct promise {
	unsigned epoch;
	char path[48];
	uint64_t size;
	uint8_t *bytes;
	unsigned until;           /* FLUSH at which it was changed again */
};

static bool
is_lack(int64_t r)
{
	return r == -ENOMEM || r == -ENFILE; /* ENFILE: no struct file */
}

/*
 * A call that finds no memory at its first, its second … allocation, until it
 * finds enough: what failed has changed nothing that the next try could meet.
 */
#define TRY(call)                                                     \
	({                                                            \
		unsigned nth_ = t.is_scarce;                          \
		int64_t r_;                                           \
		do {                                                  \
			host_inject(t.lack, nth_, 0);                 \
			r_ = (call);                                  \
			host_inject(t.lack, 0, 0);                    \
		} while (is_lack(r_) && nth_++ != 0 && nth_ < 100);   \
		r_;                                                   \
	})

static struct {
	char dir[64], image[96], cut[96];
	struct entry name[MAX_NAMES];
	unsigned nnames;
	struct promise promise[2000];
	unsigned npromises;
	bool recording, is_scarce;
	enum inject_point lack;   /* what each call is refused first */
} t;

/* A command of the host; its output is shown when it fails.  Its status. */
static int
run(const char *before, const char *arg)
{
	char cmd[400], line[200];
	FILE *f;
	int r;

	snprintf(cmd, sizeof(cmd), "%s %s > %s/out 2>&1", before, arg, t.dir);
	r = system(cmd);
	r = r >> 8;
	if (r > 1) {
		printf("%s: %d\n", cmd, r);
		snprintf(cmd, sizeof(cmd), "%s/out", t.dir);
		f = fopen(cmd, "r");
		while (f != NULL && fgets(line, sizeof(line), f) != NULL)
			fputs(line, stdout);
		if (f != NULL)
			fclose(f);
	}
	return r;
}

void
image_make(const char *options, unsigned mib)
{
	char cmd[100];

	(void)unlink(t.image);
	snprintf(cmd, sizeof(cmd), "truncate -s %uM", mib);
	assert_int_equal(run(cmd, t.image), 0);
	snprintf(cmd, sizeof(cmd), "mke2fs -F -q -t ext2 %s", options);
	assert_int_equal(run(cmd, t.image), 0);
	host_disk_load(t.image);
}

int
disk_mount(unsigned flags)
{
	struct path_at p = at("/m");

	return fs_mount("hda", &p, "ext2", flags, NULL);
}

int
disk_umount(void)
{
	struct path_at p = at("/m");

	return fs_umount(&p);
}

/* Unmounted, the image is what e2fsck calls clean. */
void
disk_check(void)
{
	host_disk_save(t.image);
	assert_int_equal(run("e2fsck -fn", t.image), 0);
}

/* ---- the model ---- */

static struct entry *
name_find(const char *path)
{
	unsigned i;

	for (i = 0; i < t.nnames; i++)
		if (strcmp(t.name[i].path, path) == 0)
			return &t.name[i];
	return NULL;
}

/* What was promised of this path ends: it changes now. */
static void
promise_end(const char *path)
{
	unsigned i;

	if (!t.recording)
		return;
	for (i = 0; i < t.npromises; i++)
		if (t.promise[i].until == UINT32_MAX &&
		    strcmp(t.promise[i].path, path) == 0)
			t.promise[i].until = host_disk_epoch();
}

static void
body_changed(struct body *b)
{
	unsigned i;

	for (i = 0; i < t.nnames; i++)
		if (t.name[i].body == b)
			promise_end(t.name[i].path);
}

static void
promise_make(const struct entry *e)
{
	struct promise *p;

	if (!t.recording || t.npromises == ARRAY_LEN(t.promise))
		return;
	promise_end(e->path);
	p = &t.promise[t.npromises++];
	p->epoch = host_disk_epoch();
	p->until = UINT32_MAX;
	strcpy(p->path, e->path);
	p->size = e->body->size;
	p->bytes = malloc(p->size + 1);
	memcpy(p->bytes, e->body->bytes, p->size);
}

static void
body_put(struct body *b)
{
	if (b != NULL && --b->refs == 0) {
		free(b->bytes);
		free(b);
	}
}

static void
name_add(const char *path, struct body *b)
{
	struct entry *e = &t.name[t.nnames++];

	memset(e, 0, sizeof(*e));
	strcpy(e->path, path);
	e->body = b;
}

static void
name_del(struct entry *e)
{
	promise_end(e->path);
	body_put(e->body);
	*e = t.name[--t.nnames];
}

static bool
dir_used(const char *path)
{
	size_t n = strlen(path);
	unsigned i;

	for (i = 0; i < t.nnames; i++)
		if (strncmp(t.name[i].path, path, n) == 0 &&
		    t.name[i].path[n] == '/')
			return true;
	return false;
}

/* ---- operations ---- */

static void
random_path(char *path)
{
	static const char *const dirs[NDIRS] = { "/m", "/m/d1", "/m/d1/d2",
		"/m/d3" };

	sprintf(path, "%s/%s%u", dirs[host_random(NDIRS)],
	    host_random(4) == 0 ? "a_name_that_is_longer_" : "f",
	    (unsigned)host_random(8));
}

struct file *
t_open(const char *path, unsigned flags, int want)
{
	struct path_at p = at(path);
	struct file *f = NULL;

	assert_int_equal(TRY(fs_open(&p, flags, 0644, &f)), want);
	return f;
}

static bool
parent_exists(const char *path)
{
	char dir[48];

	strcpy(dir, path);
	*strrchr(dir, '/') = '\0';
	return strcmp(dir, "/m") == 0 || name_find(dir) != NULL;
}

static void
op_create(void)
{
	struct entry *e;
	struct body *b;
	char path[48];
	struct file *f;

	random_path(path);
	if (t.nnames == MAX_NAMES)
		return;
	e = name_find(path);
	f = t_open(path, O_CREAT | O_EXCL | O_RDWR, e != NULL ? -EEXIST :
	    parent_exists(path) ? 0 : -ENOENT);
	if (f == NULL)
		return;
	file_put(f);
	b = calloc(1, sizeof(*b));
	b->refs = 1;
	b->bytes = calloc(1, MAX_BYTES);
	name_add(path, b);
}

static struct entry *
any_file(void)
{
	unsigned i = (unsigned)host_random(MAX_NAMES), k;

	for (k = 0; t.nnames != 0 && k < t.nnames; k++)
		if (t.name[(i + k) % t.nnames].body != NULL)
			return &t.name[(i + k) % t.nnames];
	return NULL;
}

static void
op_write(void)
{
	static uint8_t buf[20000];
	struct entry *e = any_file();
	uint64_t off, n, i;
	struct file *f;
	struct uio u;
	int64_t r;

	if (e == NULL)
		return;
	off = host_random(3) == 0 ? e->body->size : host_random(MAX_BYTES);
	n = 1 + host_random(host_random(4) == 0 ? sizeof(buf) - 1 : 3000);
	n = MIN(n, MAX_BYTES - MIN(off, MAX_BYTES));
	if (n == 0)
		return;
	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)host_random(256);
	body_changed(e->body);
	f = t_open(e->path, O_RDWR, 0);
	for (i = 0; i < n; i += (uint64_t)r) {
		r = TRY((uio_init_kernel(&u, buf + i, n - i),
		    file_pwrite(f, off + i, &u)));
		assert_true(r > 0);
	}
	memcpy(e->body->bytes + off, buf, n);
	e->body->size = MAX(e->body->size, off + n);
	file_put(f);
}

static void
op_truncate(void)
{
	struct entry *e = any_file();
	struct kattr a = { .valid = ATTR_SIZE };
	struct path_at p;

	if (e == NULL)
		return;
	a.size = host_random(host_random(2) == 0 ? e->body->size + 1 : MAX_BYTES);
	body_changed(e->body);
	p = at(e->path);
	assert_int_equal(TRY(fs_setattr(&p, &a)), 0);
	if (a.size < e->body->size)
		memset(e->body->bytes + a.size, 0, e->body->size - a.size);
	e->body->size = a.size;
}

static void
op_unlink(void)
{
	struct entry *e = any_file();
	struct path_at p;

	if (e == NULL)
		return;
	p = at(e->path);
	assert_int_equal(TRY(fs_unlink(&p)), 0);
	name_del(e);
}

static void
op_link(void)
{
	struct entry *e = any_file();
	struct path_at p, q;
	char path[48];
	int want;

	random_path(path);
	if (e == NULL || t.nnames == MAX_NAMES)
		return;
	p = at(e->path);
	q = at(path);
	want = !parent_exists(path) ? -ENOENT :
	    name_find(path) != NULL ? -EEXIST : 0;
	assert_int_equal(TRY(fs_link(&p, &q)), want);
	if (want == 0) {
		e->body->refs++;
		name_add(path, e->body);
	}
}

static void
op_rename(void)
{
	struct entry *e = any_file(), *d;
	struct path_at p, q;
	struct body *b;
	char path[48];

	random_path(path);
	if (e == NULL || !parent_exists(path))
		return;
	d = name_find(path);
	if (d != NULL && d->body == NULL)
		return;
	promise_end(e->path);
	promise_end(path);
	p = at(e->path);
	q = at(path);
	assert_int_equal(TRY(fs_rename(&p, &q, 0)), 0);
	if (d != NULL && d->body == e->body)
		return;
	b = e->body;
	b->refs++;
	name_del(e);
	d = name_find(path);
	if (d != NULL)
		name_del(d);
	name_add(path, b);
}

static void
op_mkdir(void)
{
	static const char *const dirs[] = { "/m/d1", "/m/d1/d2", "/m/d3" };
	const char *path = dirs[host_random(3)];
	struct path_at p = at(path);
	int want = !parent_exists(path) ? -ENOENT :
	    name_find(path) != NULL ? -EEXIST : 0;

	if (t.nnames == MAX_NAMES)
		return;
	assert_int_equal(TRY(fs_mknod(&p, S_IFDIR | 0755, 0)), want);
	if (want == 0)
		name_add(path, NULL);
}

static void
op_rmdir(void)
{
	static const char *const dirs[] = { "/m/d1", "/m/d1/d2", "/m/d3" };
	const char *path = dirs[host_random(3)];
	struct path_at p = { .path = path, .flags = AT_REMOVEDIR };
	struct entry *e = name_find(path);
	int r = TRY(fs_unlink(&p));

	assert_int_equal(r, e == NULL ? -ENOENT : dir_used(path) ? -ENOTEMPTY :
	    0);
	if (r == 0)
		name_del(e);
}

/* All files of d1/d2 go, then it: levels of deaths. */
static void
op_rm_rf(void)
{
	unsigned i;
	struct path_at p;

	for (i = 0; i < t.nnames; i++)
		if (strncmp(t.name[i].path, "/m/d1/", 6) == 0 &&
		    t.name[i].body != NULL) {
			p = at(t.name[i].path);
			assert_int_equal(TRY(fs_unlink(&p)), 0);
			name_del(&t.name[i]);
			i = UINT32_MAX;
		}
	op_rmdir();
	op_rmdir();
}

/* A link that needs a block of its own, or none. */
static void
op_symlink(void)
{
	struct path_at p = at("/m/link");
	char text[900], back[900];
	size_t n = 1 + host_random(sizeof(text) - 2);

	memset(text, 'x', n);
	text[n] = '\0';
	assert_int_equal(TRY(fs_symlink(text, &p)), 0);
	assert_int_equal(TRY(fs_readlink(&p, back, sizeof(back))), n);
	assert_memory_equal(text, back, n);
	assert_int_equal(TRY(fs_unlink(&p)), 0);
}

static void
op_fsync(void)
{
	struct entry *e = any_file();
	struct file *f;

	if (e == NULL)
		return;
	f = t_open(e->path, O_RDONLY, 0);
	assert_int_equal(TRY(file_sync(f)), 0);
	promise_make(e);
	file_put(f);
}

bool
same_bytes(const char *path, const uint8_t *bytes, uint64_t size)
{
	static uint8_t buf[MAX_BYTES + 1];
	struct path_at p = at(path);
	struct file *f;
	bool same;

	if (fs_open(&p, O_RDONLY, 0, &f) != 0) {
		printf("%s is not there\n", path);
		return false;
	}
	same = file_size(f) == size &&
	    file_pread_kernel(f, 0, buf, sizeof(buf)) == (ssize_t)size &&
	    memcmp(buf, bytes, size) == 0;
	if (!same)
		printf("%s: %lu bytes, should be %lu\n", path, file_size(f), size);
	file_put(f);
	return same;
}

static void
op_compare(void)
{
	struct entry *e = any_file();

	if (e != NULL)
		assert_true(same_bytes(e->path, e->body->bytes, e->body->size));
}

void
compare_all(void)
{
	unsigned i;

	for (i = 0; i < t.nnames; i++)
		if (t.name[i].body != NULL)
			assert_true(same_bytes(t.name[i].path,
			    t.name[i].body->bytes, t.name[i].body->size));
}

static void
op_remount(void)
{
	if (t.recording || host_random(20) != 0)
		return;
	assert_int_equal(disk_umount(), 0);
	disk_check();
	assert_int_equal(disk_mount(0), 0);
}

static void
op_sync(void)
{
	if (host_random(8) == 0)
		assert_int_equal(TRY(fs_sync(NULL)), 0);
}

/* From now on each call is refused this first, or is not. */
void
model_scarce(enum inject_point lack, bool on)
{
	t.lack = lack;
	t.is_scarce = on;
}

void
ops_random(unsigned n)
{
	static void (*const ops[])(void) = { op_create, op_create, op_create,
		op_write, op_write, op_write, op_write, op_truncate, op_unlink,
		op_link, op_rename, op_mkdir, op_mkdir, op_rmdir, op_symlink, op_fsync,
		op_compare, op_remount, op_sync, op_rm_rf };
	unsigned i;

	while (n-- != 0) {
		i = (unsigned)host_random(ARRAY_LEN(ops));
		if (ops[i] != op_rm_rf || host_random(10) == 0)
			ops[i]();
	}
}

void
model_clear(void)
{
	while (t.nnames != 0)
		name_del(&t.name[0]);
	while (t.npromises != 0)
		free(t.promise[--t.npromises].bytes);
}

/* What was promised before the cut, and not changed since, is there. */
void
promises_check(unsigned epoch)
{
	const struct promise *p;
	unsigned i;

	for (i = 0; i < t.npromises; i++) {
		p = &t.promise[i];
		if (p->epoch <= epoch && epoch < p->until)
			assert_true(same_bytes(p->path, p->bytes, p->size));
	}
}

/* From now on what is synced is promised, and the disk keeps its writes. */
void
record_begin(void)
{
	t.recording = true;
	host_disk_record();
}

void
record_end(void)
{
	t.recording = false;
}

/* The disk is what a cut at this FLUSH left, and e2fsck -p made of it. */
void
image_cut(unsigned epoch)
{
	host_disk_cut(t.cut, epoch);
	if (run("e2fsck -p", t.cut) > 1)
		fail_msg("cut at FLUSH %u", epoch);
	host_disk_load(t.cut);
}

void
image_save(void)
{
	host_disk_save(t.image);
}

void
image_load(void)
{
	host_disk_load(t.image);
}

/* A host with /m, where the images are mounted.  Arguments: seed, test. */
static bool
model_begin(int argc, char **argv)
{
	struct path_at p = at("/m");

	strcpy(t.dir, "/tmp/t_ext2.XXXXXX");
	if (mkdtemp(t.dir) == NULL)
		return false;
	snprintf(t.image, sizeof(t.image), "%s/image", t.dir);
	snprintf(t.cut, sizeof(t.cut), "%s/cut", t.dir);
	host_boot(16384, "");
	host_seed(argc > 1 ? strtoul(argv[1], NULL, 0) : 11);
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	fs_init();
	ext2_init();
	return fs_mknod(&p, S_IFDIR | 0755, 0) == 0;
}

static bool
model_end(void)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", t.dir);
	return system(cmd) == 0;
}

/* The tests, on such a host.  The status of main(). */
int
model_run(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
	int r;

	if (!model_begin(argc, argv))
		return 1;
	r = _cmocka_run_group_tests("ext2", tests, n, NULL, NULL);
	return !model_end() || r != 0;
}
