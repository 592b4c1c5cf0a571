/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ext2.c: ext2 over images of mke2fs: against a model, against e2fsck, through
 * power cuts, over damaged images
 *
 * Problem   What is written must be read, by us and by others; after a cut of
 *           power e2fsck -p must repair the disk and what was fsync'ed be there;
 *           and no image, whatever is in it, may do harm.
 *
 * Picture   random create, write, truncate, link, rename, unlink, mkdir, rmdir
 *           ─→ fs_* on /m     and ─→ model: names and contents
 *           disk.c keeps all writes: an image for each moment of a cut
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

#include "fs/fsfn.h"
#include "test/host/disk.h"

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

static struct {
	char dir[64], image[96], cut[96];
	struct entry name[MAX_NAMES];
	unsigned nnames;
	struct promise promise[2000];
	unsigned npromises;
	bool recording;
} t;

static struct path_at
at(const char *path)
{
	return (struct path_at){ NULL, path, 0 };
}

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

static void
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

static int
disk_mount(unsigned flags)
{
	struct path_at p = at("/m");

	return fs_mount("hda", &p, "ext2", flags, NULL);
}

static int
disk_umount(void)
{
	struct path_at p = at("/m");

	return fs_umount(&p);
}

/* Unmounted, the image is what e2fsck calls clean. */
static void
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

static struct file *
t_open(const char *path, unsigned flags, int want)
{
	struct path_at p = at(path);
	struct file *f = NULL;

	assert_int_equal(fs_open(&p, flags, 0644, &f), want);
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
	uio_init_kernel(&u, buf, n);
	assert_int_equal(file_pwrite(f, off, &u), n);
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
	assert_int_equal(fs_setattr(&p, &a), 0);
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
	assert_int_equal(fs_unlink(&p), 0);
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
	assert_int_equal(fs_link(&p, &q), want);
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
	assert_int_equal(fs_rename(&p, &q, 0), 0);
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
	assert_int_equal(fs_mknod(&p, S_IFDIR | 0755, 0), want);
	if (want == 0)
		name_add(path, NULL);
}

static void
op_rmdir(void)
{
	static const char *const dirs[] = { "/m/d1", "/m/d1/d2", "/m/d3" };
	const char *path = dirs[host_random(3)];
	struct path_at p = { NULL, path, AT_REMOVEDIR };
	struct entry *e = name_find(path);
	int r = fs_unlink(&p);

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
			assert_int_equal(fs_unlink(&p), 0);
			name_del(&t.name[i]);
			i = UINT32_MAX;
		}
	op_rmdir();
	op_rmdir();
}

static void
op_fsync(void)
{
	struct entry *e = any_file();
	struct file *f;

	if (e == NULL)
		return;
	f = t_open(e->path, O_RDONLY, 0);
	assert_int_equal(file_sync(f), 0);
	promise_make(e);
	file_put(f);
}

static bool
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

static void
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
		assert_int_equal(fs_sync(NULL), 0);
}

static void
ops_random(unsigned n)
{
	static void (*const ops[])(void) = { op_create, op_create, op_create,
		op_write, op_write, op_write, op_write, op_truncate, op_unlink,
		op_link, op_rename, op_mkdir, op_mkdir, op_rmdir, op_fsync,
		op_compare, op_remount, op_sync, op_rm_rf };
	unsigned i;

	while (n-- != 0) {
		i = (unsigned)host_random(ARRAY_LEN(ops));
		if (ops[i] != op_rm_rf || host_random(10) == 0)
			ops[i]();
	}
}

static void
model_clear(void)
{
	while (t.nnames != 0)
		name_del(&t.name[0]);
	while (t.npromises != 0)
		free(t.promise[--t.npromises].bytes);
}

/* ---- tests ---- */

static void
model_on(const char *options, unsigned mib)
{
	image_make(options, mib);
	assert_int_equal(disk_mount(0), 0);
	ops_random(3000);
	compare_all();
	assert_int_equal(disk_umount(), 0);
	disk_check();
	assert_int_equal(disk_mount(MS_RDONLY), 0);
	compare_all();
	assert_int_equal(disk_umount(), 0);
	model_clear();
}

static void
model_1k(void **state)
{
	model_on("-b 1024 -I 128", 12);
}

static void
model_2k(void **state)
{
	model_on("-b 2048 -O ^resize_inode", 16);
}

static void
model_4k(void **state)
{
	model_on("-b 4096", 24);
}

static void
model_rev0(void **state)
{
	model_on("-r 0 -b 1024 -g 1024", 12);
}

/* ---- links, devices, attributes, many names ---- */

static void
kinds_of_files(void **state)
{
	static const char text[] = "0123456789012345678901234567890123456789"
	    "01234567890123456789012345678901234567890123456789";
	struct path_at p;
	struct kstat st;
	char path[64], buf[200];
	unsigned i;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	for (i = 1; i < 90; i++) {
		snprintf(buf, sizeof(buf), "%.*s", (int)i, text);
		snprintf(path, sizeof(path), "/m/l%u", i);
		p = at(path);
		assert_int_equal(fs_symlink(buf, &p), 0);
	}
	p = at("/m/null");
	assert_int_equal(fs_mknod(&p, S_IFCHR | 0666, dev_make(1, 3)), 0);
	p = at("/m/big");
	assert_int_equal(fs_mknod(&p, S_IFBLK | 0600, dev_make(259, 70000)), 0);
	p = at("/m/fifo");
	assert_int_equal(fs_mknod(&p, S_IFIFO | 0640, 0), 0);
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/m/name-number-%u", i);
		p = at(path);
		assert_int_equal(fs_mknod(&p, S_IFREG | 0600, 0), 0);
	}
	assert_int_equal(disk_umount(), 0);
	disk_check();
	assert_int_equal(disk_mount(0), 0);
	for (i = 1; i < 90; i++) {
		snprintf(path, sizeof(path), "/m/l%u", i);
		p = at(path);
		assert_int_equal(fs_readlink(&p, buf, sizeof(buf)), i);
		assert_memory_equal(buf, text, i);
	}
	p = at("/m/big");
	assert_int_equal(fs_stat(&p, &st), 0);
	assert_int_equal(st.rdev, dev_make(259, 70000));
	p = at("/m/fifo");
	assert_int_equal(fs_stat(&p, &st), 0);
	assert_int_equal(st.mode, S_IFIFO | 0640);
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/m/name-number-%u", i);
		p = at(path);
		assert_int_equal(fs_unlink(&p), 0);
	}
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

static unsigned
nlink_of(const char *path)
{
	struct path_at p = at(path);
	struct kstat st;

	assert_int_equal(fs_stat(&p, &st), 0);
	return st.nlink;
}

static int
t_rename(const char *from, const char *to)
{
	struct path_at p = at(from), q = at(to);

	return fs_rename(&p, &q, 0);
}

static void
directories_move(void **state)
{
	static const char *const dirs[] = { "/m/a", "/m/b", "/m/a/d",
		"/m/a/d/e", "/m/b/empty", "/m/c" };
	struct path_at p;
	unsigned i;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	for (i = 0; i < ARRAY_LEN(dirs); i++) {
		p = at(dirs[i]);
		assert_int_equal(fs_mknod(&p, S_IFDIR | 0755, 0), 0);
	}
	p = at("/m/a/d/e/f");
	assert_int_equal(fs_mknod(&p, S_IFREG | 0644, 0), 0);
	assert_int_equal(t_rename("/m/a/d", "/m/a/d/e/x"), -EINVAL);
	assert_int_equal(t_rename("/m/a/d", "/m/b/d"), 0);
	assert_int_equal(nlink_of("/m/a"), 2);
	assert_int_equal(nlink_of("/m/b"), 4);
	assert_int_equal(t_rename("/m/b/d", "/m/b/empty"), 0);
	assert_int_equal(nlink_of("/m/b"), 3);
	assert_int_equal(fs_sync(NULL), 0);
	assert_int_equal(t_rename("/m/c", "/m/b/empty"), -ENOTEMPTY);
	assert_int_equal(t_rename("/m/b/empty", "/m/c"), 0);
	assert_int_equal(t_rename("/m/c", "/m/name_that_is_longer"), 0);
	assert_int_equal(nlink_of("/m/name_that_is_longer"), 3);
	p = at("/m/name_that_is_longer/e/../../name_that_is_longer/e/f");
	assert_int_equal(nlink_of(p.path), 1);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* One byte at each depth of the block map, and away with them. */
static void
far_offsets(void **state)
{
	static const uint64_t offs[] = { 0, 12287, 12288, 274431, 274432,
		67383295, 67383296, 1ul << 30, 17247250430ul, 0 };
	struct kattr a = { .valid = ATTR_SIZE };
	struct path_at p = at("/m/f");
	struct kstat st;
	struct file *f;
	struct uio u;
	char c = 'x';
	unsigned i;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	for (i = 0; i < ARRAY_LEN(offs) - 1; i++) {
		uio_init_kernel(&u, &c, 1);
		assert_int_equal(file_pwrite(f, offs[i], &u), 1);
	}
	uio_init_kernel(&u, &c, 1);
	assert_int_equal(file_pwrite(f, 1ul << 42, &u), -ENOSPC);
	assert_int_equal(disk_umount(), -EBUSY);
	file_put(f);
	assert_int_equal(disk_umount(), 0);
	disk_check();
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_RDONLY, 0);
	for (i = 0; i < ARRAY_LEN(offs) - 1; i++) {
		c = 0;
		assert_int_equal(file_pread_kernel(f, offs[i], &c, 1), 1);
		assert_int_equal(c, 'x');
	}
	file_put(f);
	for (i = ARRAY_LEN(offs) - 1; i-- != 0;) {
		a.size = offs[i];
		assert_int_equal(fs_setattr(&p, &a), 0);
	}
	assert_int_equal(fs_stat(&p, &st), 0);
	assert_int_equal(st.blocks, 0);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/*
 * A fault holds a page while the file is cut and grows again: what it asks for
 * then may give no block, since nobody would write that block's old bytes.
 */
static void
cut_before_extend(void **state)
{
	struct kattr a = { .valid = ATTR_SIZE };
	struct path_at p = at("/m/f");
	struct vm_page *pg;
	struct vmo *vmo;
	struct kstat st;
	struct file *f;

	image_make("-b 1024", 2);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	vmo = f->vn->vmo;
	for (a.size = 0; a.size <= 4 * PAGE_SIZE; a.size += 4 * PAGE_SIZE) {
		struct kattr whole = { .valid = ATTR_SIZE,
			.size = 4 * PAGE_SIZE };

		assert_int_equal(fs_setattr(&p, &whole), 0);
		assert_int_equal(cache_page(vmo, 3, &pg), 0);
		whole.size = 0;
		assert_int_equal(fs_setattr(&p, &whole), 0);
		assert_int_equal(fs_setattr(&p, &a), 0);
		assert_int_equal(vmo->pager->extend(vmo->v.obj, 3, pg), 0);
		cache_unpin(pg, true);
		assert_int_equal(fs_stat(&p, &st), 0);
		assert_int_equal(st.blocks, 0);
	}
	file_put(f);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* An open file without a name keeps its bytes; at its end they are free. */
static void
unlinked_open(void **state)
{
	struct path_at p = at("/m/f"), m = at("/m");
	struct kstatfs before, during, after;
	char buf[5000] = "text";
	struct file *f;
	struct uio u;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	assert_int_equal(fs_statfs(&m, &before), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	uio_init_kernel(&u, buf, sizeof(buf));
	assert_int_equal(file_write(f, &u), sizeof(buf));
	assert_int_equal(fs_unlink(&p), 0);
	assert_int_equal(fs_sync(NULL), 0);
	assert_int_equal(disk_umount(), -EBUSY);
	assert_int_equal(fs_statfs(&m, &during), 0);
	assert_true(during.bfree < before.bfree);
	uio_init_kernel(&u, buf, sizeof(buf));
	assert_int_equal(file_pwrite(f, 10000, &u), sizeof(buf));
	memset(buf, 0, 10);
	assert_int_equal(file_pread_kernel(f, 10000, buf, 4), 4);
	assert_memory_equal(buf, "text", 4);
	file_put(f);
	assert_int_equal(fs_statfs(&m, &after), 0);
	assert_int_equal(after.bfree, before.bfree);
	assert_int_equal(after.ffree, before.ffree);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

static void
full_disk(void **state)
{
	static uint8_t buf[100000];
	struct path_at p = at("/m/f");
	struct file *f;
	struct uio u;
	ssize_t n;
	unsigned k;

	image_make("-b 1024 -m 0", 2);
	assert_int_equal(disk_mount(0), 0);
	for (k = 0; k < 5; k++) {
		f = t_open("/m/f", O_CREAT | O_RDWR, 0);
		do {
			uio_init_kernel(&u, buf, sizeof(buf));
			n = file_write(f, &u);
		} while (n > 0);
		assert_int_equal(n, -ENOSPC);
		assert_true(file_size(f) > 1500000);
		assert_int_equal(file_sync(f), 0);
		file_put(f);
		assert_int_equal(fs_unlink(&p), 0);
	}
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

static void
refused(void **state)
{
	image_make("-b 1024 -O extents", 4);
	assert_int_equal(disk_mount(0), -EINVAL);
	image_make("-b 1024 -O has_journal", 8);
	assert_int_equal(disk_mount(0), 0);
	assert_int_equal(disk_umount(), 0);
	disk_check();
	image_make("-b 1024 -O huge_file", 4);
	assert_int_equal(disk_mount(0), 0);
	(void)t_open("/m/f", O_CREAT | O_RDWR, -EROFS);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* ---- power cuts ---- */

static void
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

static void
cuts_on(const char *options)
{
	unsigned epochs, k, epoch;

	image_make(options, 8);
	assert_int_equal(disk_mount(0), 0);
	t.recording = true;
	host_disk_record();
	ops_random(600);
	epochs = host_disk_epoch();
	t.recording = false;
	assert_int_equal(disk_umount(), 0);
	disk_check();
	for (k = 0; k < 60; k++) {
		epoch = (unsigned)host_random(epochs);
		host_disk_cut(t.cut, epoch);
		if (run("e2fsck -p", t.cut) > 1)
			fail_msg("cut at FLUSH %u of %u", epoch, epochs);
		host_disk_load(t.cut);
		assert_int_equal(disk_mount(MS_RDONLY), 0);
		promises_check(epoch);
		assert_int_equal(disk_umount(), 0);
	}
	model_clear();
}

static void
power_cuts_1k(void **state)
{
	cuts_on("-b 1024");
}

static void
power_cuts_4k(void **state)
{
	cuts_on("-b 4096");
}

/* Which of the two places has the directory, whole?  It is one of them. */
static unsigned
place_of(const char *const *place)
{
	static const uint8_t text[] = "in the directory that moves";
	char file[40], sub[40];
	struct kstat st;
	struct path_at p;
	unsigned i, found = 0, n = 0;

	for (i = 0; i < 2; i++) {
		p = at(place[i]);
		if (fs_stat(&p, &st) != 0)
			continue;
		snprintf(file, sizeof(file), "%s/f", place[i]);
		snprintf(sub, sizeof(sub), "%s/s/..", place[i]);
		assert_true(same_bytes(file, text, sizeof(text)));
		p = at(sub);
		assert_int_equal(fs_stat(&p, &st), 0);
		found = i;
		n++;
	}
	assert_int_equal(n, 1);
	return found;
}

static void
move_to_other(const char *const *place)
{
	unsigned i = place_of(place);
	struct path_at from = at(place[i]), to = at(place[1 - i]);

	assert_int_equal(fs_rename(&from, &to, 0), 0);
}

/*
 * A directory moves to and fro: after a cut at any time it is in one place,
 * and the disk, whose journal e2fsck may have left, is good for more.
 */
static void
moves_on(const char *options)
{
	static const char *const place[] = { "/m/a/d", "/m/b/c/with a name" };
	static const char *const dirs[] = { "/m/a", "/m/b", "/m/b/c", "/m/a/d",
		"/m/a/d/s" };
	uint8_t text[] = "in the directory that moves";
	unsigned i, epochs;
	struct path_at p;
	struct file *f;
	struct uio u;

	image_make(options, 8);
	assert_int_equal(disk_mount(0), 0);
	for (i = 0; i < ARRAY_LEN(dirs); i++) {
		p = at(dirs[i]);
		assert_int_equal(fs_mknod(&p, S_IFDIR | 0755, 0), 0);
	}
	f = t_open("/m/a/d/f", O_CREAT | O_RDWR, 0);
	uio_init_kernel(&u, text, sizeof(text));
	assert_int_equal(file_write(f, &u), sizeof(text));
	file_put(f);
	assert_int_equal(fs_sync(NULL), 0);
	host_disk_record();
	for (i = 0; i < 2; i++)
		move_to_other(place);
	epochs = host_disk_epoch();
	assert_int_equal(disk_umount(), 0);
	disk_check();
	for (i = 0; i < epochs; i++) {
		host_disk_cut(t.cut, i);
		if (run("e2fsck -p", t.cut) > 1)
			fail_msg("cut at FLUSH %u of %u", i, epochs);
		host_disk_load(t.cut);
		assert_int_equal(disk_mount(0), 0);
		move_to_other(place);
		assert_int_equal(disk_umount(), 0);
		if (i % 4 == 0)
			disk_check();
	}
}

static void
moves_1k(void **state)
{
	moves_on("-b 1024");
}

static void
moves_4k(void **state)
{
	moves_on("-b 4096 -I 128");
}

/* ---- damaged images ---- */

struct names {
	struct dirsink sink;
	char name[40][48];
	unsigned n;
};

static int
names_emit(struct dirsink *s, const struct dirsink_entry *e)
{
	struct names *n = (struct names *)s;

	if (n->n == 40)
		return 1;
	snprintf(n->name[n->n++], 48, "%.*s", (int)MIN(e->len, 47ul), e->name);
	return 0;
}

/* Look at, read, change and perhaps remove all that is below a path. */
static void
maul(const char *path, unsigned depth)
{
	static uint8_t buf[70000];
	struct names *n = calloc(1, sizeof(*n));
	struct path_at p = at(path);
	struct kattr a = { .valid = ATTR_SIZE };
	struct kstat st;
	struct file *f;
	struct uio u;
	char child[400];
	unsigned i;
	int r;

	n->sink.emit = names_emit;
	p.flags = AT_SYMLINK_NOFOLLOW;
	r = fs_stat(&p, &st);
	p.flags = 0;
	if (r == 0 && st.mode / 0x1000 == S_IFLNK / 0x1000)
		(void)!fs_readlink(&p, (char *)buf, 100);
	else if (r == 0 && S_ISDIR(st.mode) && depth < 5 &&
	    fs_open(&p, O_RDONLY, 0, &f) == 0) {
		(void)!file_readdir(f, &n->sink);
		file_put(f);
		for (i = 0; i < n->n; i++) {
			if (strcmp(n->name[i], ".") == 0 ||
			    strcmp(n->name[i], "..") == 0)
				continue;
			snprintf(child, sizeof(child), "%s/%s", path, n->name[i]);
			maul(child, depth + 1);
		}
		snprintf(child, sizeof(child), "%s/new", path);
		p = at(child);
		(void)!fs_mknod(&p, S_IFREG | 0644, 0);
		p = (struct path_at){ NULL, path, AT_REMOVEDIR };
		if (host_random(3) == 0)
			(void)!fs_unlink(&p);
	} else if (r == 0 && (st.mode & S_IFMT) == S_IFREG &&
	    fs_open(&p, O_RDWR, 0, &f) == 0) {
		(void)!file_pread_kernel(f, 0, buf, sizeof(buf));
		uio_init_kernel(&u, buf, 3000);
		(void)!file_pwrite(f, host_random(100000), &u);
		if (host_random(4) == 0)
			(void)!file_sync(f);
		file_put(f);
		a.size = host_random(50000);
		if (host_random(2) == 0)
			(void)!fs_setattr(&p, &a);
		if (host_random(3) == 0)
			(void)!fs_unlink(&p);
	}
	free(n);
}

/* Bytes of metadata: the first blocks, which hold all small structures. */
static void
mutate(unsigned meta_bytes)
{
	uint64_t n, at_byte;
	uint8_t *b = host_disk_bytes(&n);
	unsigned k = 1 + (unsigned)host_random(12);

	while (k-- != 0) {
		at_byte = host_random(6) == 0 ? 1024 + host_random(400) :
		    1024 + host_random(meta_bytes);
		switch (host_random(4)) {
		case 0:
			b[at_byte] ^= (uint8_t)(1u << host_random(8));
			break;
		case 1:
			b[at_byte] = (uint8_t)host_random(256);
			break;
		case 2:
			*(uint32_t *)(b + (at_byte & ~3ul)) =
			    (uint32_t)host_random(n / 1024 + 2);
			break;
		case 3:
			*(uint32_t *)(b + (at_byte & ~3ul)) = (uint32_t)
			    host_random(1ul << 32);
			break;
		}
	}
}

static void
damaged(void **state)
{
	unsigned k, mounted = 0;
	int r;

	image_make("-b 1024 -N 64", 2);
	assert_int_equal(disk_mount(0), 0);
	ops_random(400);
	assert_int_equal(disk_umount(), 0);
	model_clear();
	host_disk_save(t.image);
	for (k = 0; k < 1500; k++) {
		host_disk_load(t.image);
		mutate(60000);
		r = disk_mount(0);
		if (r != 0)
			continue;
		mounted++;
		maul("/m", 0);
		maul("/m", 0);
		assert_int_equal(disk_umount(), 0);
	}
	printf("damaged: %u of %u mounted\n", mounted, k);
	assert_true(mounted > 300);
}

/* Sectors that cannot be read or written: errors, no harm. */
static void
bad_sectors(void **state)
{
	unsigned k;

	image_make("-b 1024 -N 64", 2);
	assert_int_equal(disk_mount(0), 0);
	ops_random(400);
	assert_int_equal(disk_umount(), 0);
	model_clear();
	host_disk_save(t.image);
	for (k = 0; k < 300; k++) {
		host_disk_load(t.image);
		host_disk_fail(host_random(4096), 1 + host_random(20));
		if (disk_mount(0) != 0)
			continue;
		maul("/m", 0);
		assert_int_equal(disk_umount(), 0);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_files),
		cmocka_unit_test(directories_move),
		cmocka_unit_test(far_offsets),
		cmocka_unit_test(unlinked_open),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(refused),
		cmocka_unit_test(model_1k),
		cmocka_unit_test(model_2k),
		cmocka_unit_test(model_4k),
		cmocka_unit_test(model_rev0),
		cmocka_unit_test(power_cuts_1k),
		cmocka_unit_test(power_cuts_4k),
		cmocka_unit_test(moves_1k),
		cmocka_unit_test(moves_4k),
		cmocka_unit_test(cut_before_extend),
		cmocka_unit_test(damaged),
		cmocka_unit_test(bad_sectors),
	};
	struct path_at p = at("/m");
	char cmd[100];
	int r;

	strcpy(t.dir, "/tmp/t_ext2.XXXXXX");
	if (mkdtemp(t.dir) == NULL)
		return 1;
	snprintf(t.image, sizeof(t.image), "%s/image", t.dir);
	snprintf(t.cut, sizeof(t.cut), "%s/cut", t.dir);
	host_boot(16384, "");
	host_seed(argc > 1 ? strtoul(argv[1], NULL, 0) : 11);
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	fs_init();
	if (fs_mknod(&p, S_IFDIR | 0755, 0) != 0)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", t.dir);
	return system(cmd) != 0 || r != 0;
}
