/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fs.c: names, tmpfs, pipes and the archive, in one tree
 *
 * Problem   What a path means, which error comes (book: abi 6), that bytes
 *           read are bytes written, and that nothing is left at the end.
 *
 * Read next t_fs_names.c: names in any order, against a model.
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

static void
names_and_errors(void **state)
{
	struct file *f;
	struct kstat st;
	char text[64], longname[300];

	assert_int_equal(path_mkdir("/a"), 0);
	assert_int_equal(path_mkdir("/a"), -EEXIST);
	assert_int_equal(path_mkdir("/a/"), -EEXIST);
	assert_int_equal(path_mkdir("/"), -EEXIST);
	assert_int_equal(path_mkdir("/a/b/"), 0);
	assert_int_equal(path_mkdir("/x/y"), -ENOENT);
	assert_int_equal(path_mkdir(""), -ENOENT);
	assert_int_equal(path_touch("/a/f"), 0);
	assert_int_equal(path_touch("/a/f/"), -EISDIR);
	assert_int_equal(path_touch("/a/new/"), -EISDIR);
	assert_int_equal(path_mkdir("/a/f/g"), -ENOTDIR);
	assert_int_equal(path_open("/a", O_WRONLY, &f), -EISDIR);
	assert_int_equal(path_open("/a", O_RDONLY | O_CREAT, &f), -EISDIR);
	assert_int_equal(path_open("/a/f", O_CREAT | O_EXCL, &f), -EEXIST);
	assert_int_equal(path_open("/a/f", O_DIRECTORY, &f), -ENOTDIR);
	assert_int_equal(path_open("/b", O_DIRECTORY | O_CREAT, &f), -EINVAL);
	memset(longname, 'n', sizeof(longname));
	longname[0] = '/';
	longname[sizeof(longname) - 1] = '\0';
	assert_int_equal(path_touch(longname), -ENAMETOOLONG);
	longname[256] = '\0';
	assert_int_equal(path_touch(longname), 0);
	assert_int_equal(path_unlink(longname), 0);

	assert_int_equal(path_symlink("a/b", "/l"), 0);
	assert_int_equal(path_touch("/l/../g"), 0);
	assert_int_equal(path_stat("/a/g", &st), 0);
	assert_int_equal(path_unlink("/a/g"), 0);
	assert_int_equal(path_open("/l", O_NOFOLLOW, &f), -ELOOP);
	assert_int_equal(path_open("/l", O_NOFOLLOW | O_DIRECTORY, &f), -ENOTDIR);
	assert_int_equal(path_symlink("loop", "/loop"), 0);
	assert_int_equal(path_open("/loop", 0, &f), -ELOOP);
	assert_int_equal(path_symlink("/a/dangling", "/d"), 0);
	assert_int_equal(path_open("/d", O_RDONLY, &f), -ENOENT);
	assert_int_equal(path_open("/d", O_CREAT | O_EXCL | O_WRONLY, &f), -EEXIST);
	assert_int_equal(path_touch("/d"), 0);
	assert_int_equal(path_stat("/a/dangling", &st), 0);
	assert_int_equal(path_stat("/d", &st), 0);
	assert_true(S_ISLNK(st.mode));
	assert_int_equal(st.size, 11);

	assert_int_equal(path_rmdir("/a"), -ENOTEMPTY);
	assert_int_equal(path_rmdir("/a/."), -EINVAL);
	assert_int_equal(path_rmdir("/a/b/.."), -ENOTEMPTY);
	assert_int_equal(path_rmdir("/a/f"), -ENOTDIR);
	assert_int_equal(path_unlink("/a"), -EISDIR);
	assert_int_equal(path_rmdir("/dev"), -EBUSY);
	assert_int_equal(path_rmdir("/"), -EBUSY);

	assert_int_equal(path_rename("/a", "/a/b/c"), -EINVAL);
	assert_int_equal(path_rename("/a", "/a"), 0);
	assert_int_equal(path_rename("/a/f", "/a/b"), -EISDIR);
	assert_int_equal(path_rename("/a/b", "/a/f"), -ENOTDIR);
	assert_int_equal(path_rename("/a/b", "/a/c"), 0);
	assert_int_equal(path_rename("/a/.", "/z"), -EBUSY);
	assert_int_equal(path_rename("/a/f", "/dev/f"), -EXDEV);
	assert_int_equal(path_rename("/nothing", "/z"), -ENOENT);
	assert_int_equal(path_link("/a", "/b"), -EPERM);
	assert_int_equal(path_link("/a/f", "/dev/f"), -EXDEV);
	assert_int_equal(path_link("/a/f", "/a/f2"), 0);
	assert_int_equal(path_link("/a/f", "/a/f2"), -EEXIST);
	assert_int_equal(path_stat("/a/f2", &st), 0);
	assert_int_equal(st.nlink, 2);
	assert_int_equal(path_rename("/a/f", "/a/f2"), 0);
	assert_int_equal(path_stat("/a/f", &st), 0);

	assert_int_equal(path_open("/a/f2", O_RDWR, &f), 0);
	assert_int_equal(file_path(f, text, sizeof(text)), 5);
	assert_string_equal(text, "/a/f2");
	assert_int_equal(path_unlink("/a/f"), 0);
	assert_int_equal(path_unlink("/a/f2"), 0);
	assert_int_equal(file_path(f, text, sizeof(text)), 15);
	assert_string_equal(text, "/a/f2 (deleted)");
	assert_int_equal(plain_write(f, "still", 5), 5);
	file_put(f);
	assert_int_equal(path_unlink("/d"), 0);
	assert_int_equal(path_unlink("/l"), 0);
	assert_int_equal(path_unlink("/loop"), 0);
	assert_int_equal(path_unlink("/a/dangling"), 0);
	assert_int_equal(path_rmdir("/a/c"), 0);
	assert_int_equal(path_stat("/a", &st), 0);
	assert_int_equal(st.nlink, 2);
	assert_int_equal(path_rmdir("/a"), 0);
}

static void
bytes(void **state)
{
	static char big[3 * PAGE_SIZE + 77], back[sizeof(big)];
	struct file *f, *g;
	struct kstat st;
	size_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
	assert_int_equal(path_open("/f", O_CREAT | O_RDWR | O_TRUNC, &f), 0);
	assert_int_equal(plain_write(f, big, sizeof(big)), sizeof(big));
	assert_int_equal(plain_read(f, back, 10), 0);
	assert_int_equal(file_lseek(f, 0, SEEK_SET), 0);
	assert_int_equal(plain_read(f, back, sizeof(back)), sizeof(big));
	assert_memory_equal(big, back, sizeof(big));
	assert_int_equal(file_lseek(f, -5, SEEK_SET), -EINVAL);
	assert_int_equal(file_lseek(f, 100000, SEEK_SET), 100000);
	assert_int_equal(plain_write(f, "x", 1), 1);
	assert_int_equal(file_size(f), 100001);
	assert_int_equal(file_pread_kernel(f, 99999, back, 10), 2);
	assert_int_equal(back[0], 0);
	assert_int_equal(back[1], 'x');
	assert_int_equal(file_lseek(f, 50000, SEEK_DATA), 98304);
	assert_int_equal(file_lseek(f, 0, SEEK_HOLE), 4 * PAGE_SIZE);
	assert_int_equal(file_lseek(f, 100001, SEEK_DATA), -ENXIO);
	assert_int_equal(path_stat("/f", &st), 0);
	assert_int_equal(st.blocks, 5 * 8);
	assert_int_equal(vn_resize(f->vn, 10), 0);
	assert_int_equal(vn_resize(f->vn, 20), 0);
	assert_int_equal(file_pread_kernel(f, 0, back, 100), 20);
	assert_memory_equal(big, back, 10);
	assert_int_equal(back[10] | back[19], 0);
	assert_int_equal(path_open("/f", O_WRONLY | O_APPEND, &g), 0);
	assert_int_equal(plain_write(g, "end", 3), 3);
	assert_int_equal(plain_read(g, back, 3), -EBADF);
	assert_int_equal(file_size(f), 23);
	assert_int_equal(file_fallocate(f, 0, 0, 3 * PAGE_SIZE), 0);
	assert_int_equal(path_stat("/f", &st), 0);
	assert_int_equal(st.blocks, 3 * 8);
	assert_int_equal(file_fallocate(f, 3, PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(path_stat("/f", &st), 0);
	assert_int_equal(st.blocks, 2 * 8);
	assert_int_equal(file_deny_write(f), -ETXTBSY);
	file_put(g);
	file_put(f);
	assert_int_equal(path_open("/f", O_RDONLY, &f), 0);
	assert_int_equal(file_deny_write(f), 0);
	assert_int_equal(path_open("/f", O_WRONLY, &g), -ETXTBSY);
	file_allow_write(f);
	file_put(f);
	assert_int_equal(path_unlink("/f"), 0);
	assert_int_equal(path_open("/dev/full", O_WRONLY, &f), 0);
	assert_int_equal(plain_write(f, "x", 1), -ENOSPC);
	file_put(f);
	assert_int_equal(path_open("/dev/zero", O_RDONLY, &f), 0);
	assert_int_equal(plain_read(f, big, 100), 100);
	assert_int_equal(big[99], 0);
	file_put(f);
}

static void
limits(void **state)
{
	static char page[PAGE_SIZE];
	struct path_at p = at("/m");
	struct kstatfs st;
	struct file *f;

	assert_int_equal(path_mkdir("/m"), 0);
	assert_int_equal(fs_mount("t", &p, "tmpfs", 0, "size=16k,mode=700"), 0);
	assert_int_equal(path_open("/m/f", O_CREAT | O_RDWR, &f), 0);
	assert_int_equal(plain_write(f, page, PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(plain_write(f, page, PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(plain_write(f, page, PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(plain_write(f, page, 100), 100);
	assert_int_equal(plain_write(f, page, PAGE_SIZE), PAGE_SIZE - 100);
	assert_int_equal(plain_write(f, page, PAGE_SIZE), -ENOSPC);
	assert_int_equal(file_lseek(f, 0, SEEK_SET), 0);
	assert_int_equal(plain_write(f, page, PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(file_statfs(f, &st), 0);
	assert_int_equal(st.bfree, 0);
	assert_int_equal(st.blocks, 4);
	assert_int_equal(vn_resize(f->vn, 0), 0);
	assert_int_equal(file_statfs(f, &st), 0);
	assert_int_equal(st.bfree, 4);
	assert_int_equal(fs_umount(&p), -EBUSY);
	file_put(f);
	assert_int_equal(path_mkdir("/m/d"), 0);
	assert_int_equal(path_mkdir("/m/d/e"), 0);
	assert_int_equal(path_link("/m/f", "/m/d/e/g"), 0);
	assert_int_equal(path_touch("/m/d/h"), 0);
	assert_int_equal(fs_umount(&p), 0);
	assert_int_equal(fs_umount(&p), -EINVAL);
	assert_int_equal(path_rmdir("/m"), 0);
}

static void
pipes(void **state)
{
	static char big[70000];
	struct file *rd, *wr;
	struct ready *at;

	assert_int_equal(pipe_create(O_NONBLOCK, &rd, &wr), 0);
	assert_int_equal(plain_read(rd, big, 1), -EAGAIN);
	assert_int_equal(file_poll(rd, &at), 0);
	assert_int_equal(file_poll(wr, &at), POLL_WR);
	assert_int_equal(plain_write(wr, "hello", 5), 5);
	assert_int_equal(file_poll(rd, &at), POLL_RD);
	assert_int_equal(plain_write(wr, big, sizeof(big)), 368 + 15 * 4096);
	assert_int_equal(plain_write(wr, big, 1), -EAGAIN);
	assert_int_equal(plain_read(rd, big, 5), 5);
	assert_memory_equal(big, "hello", 5);
	assert_int_equal(plain_write(wr, big, 1), -EAGAIN); /* 368 are there */
	assert_int_equal(pipe_set_size(wr, 4096), -EBUSY);
	assert_int_equal(plain_read(rd, big, 61800), 61800);
	assert_int_equal(plain_write(wr, "tail", 4), 4);
	assert_int_equal(pipe_set_size(wr, 8192), 8192);
	assert_int_equal(plain_read(rd, big, 100), 12);
	assert_memory_equal(big + 8, "tail", 4);
	assert_int_equal(file_lseek(rd, 0, SEEK_CUR), -ESPIPE);
	file_put(wr);
	assert_int_equal(plain_read(rd, big, 1), 0);
	assert_int_equal(file_poll(rd, &at), POLLHUP);
	file_put(rd);
	assert_int_equal(pipe_create(0, &rd, &wr), 0);
	file_put(rd);
	assert_int_equal(plain_write(wr, big, 1), -EPIPE);
	assert_int_equal(file_poll(wr, &at), POLL_WR | POLLERR);
	file_put(wr);
}

/* ---- /proc ---- */

static int shown;

static void
show_number(struct out *out)
{
	out_printf(out, "number %d\n", ++shown);
}

static void
show_long(struct out *out)
{
	int i;

	for (i = 0; i < 400; i++) /* one page: the host has no kva */
		out_printf(out, "line %d\n", i);
}

static int got_text;

static int
take_text(const char *text, size_t n)
{
	got_text = atoi(text);
	return got_text == 13 ? -EINVAL : 0;
}

struct names {
	struct dirsink sink;
	char text[512];
};

static int
collect(struct dirsink *sink, const struct dirsink_entry *e)
{
	struct names *n = CONTAINER_OF(sink, struct names, sink);

	strncat(n->text, e->name, e->len);
	strcat(n->text, " ");
	return 0;
}

static void
text_files(void **state)
{
	static const struct procfs_row rows[] = {
		{ "t/number", 0444, .show = show_number },
		{ "t/long", 0444, .show = show_long },
		{ "t/sub/knob", 0644, .show = show_number, .write = take_text },
	};
	struct names n = { .sink.emit = collect };
	static char buf[300000];
	struct file *f;

	procfs_register(rows, ARRAY_LEN(rows));
	assert_int_equal(path_open("/proc/t/number", O_RDONLY, &f), 0);
	assert_int_equal(plain_read(f, buf, 6), 6);
	assert_int_equal(plain_read(f, buf, 100), 3);
	assert_memory_equal(buf, " 1\n", 3);
	assert_int_equal(plain_read(f, buf, 100), 0);
	assert_int_equal(file_pread_kernel(f, 0, buf, 100), 9);
	assert_memory_equal(buf, "number 2\n", 9);
	file_put(f);
	assert_int_equal(path_open("/proc/t/long", O_RDONLY, &f), 0);
	assert_int_equal(plain_read(f, buf, sizeof(buf)), 3490);
	assert_memory_equal(buf + 3481, "line 399\n", 9);
	file_put(f);
	assert_int_equal(path_open("/proc/t/number", O_WRONLY, &f), -EACCES);
	assert_int_equal(path_open("/proc/t/sub/knob", O_WRONLY | O_TRUNC, &f), 0);
	assert_int_equal(plain_write(f, "12\n", 3), 3);
	assert_int_equal(plain_write(f, "13\n", 3), -EINVAL);
	assert_int_equal(got_text, 13);
	file_put(f);
	assert_int_equal(path_open("/proc/t", O_RDONLY, &f), 0);
	assert_int_equal(file_readdir(f, &n.sink), 0);
	assert_string_equal(n.text, ". .. number long sub ");
	file_put(f);
	assert_int_equal(path_mkdir("/proc/x"), -ENOENT);
	assert_int_equal(path_unlink("/proc/t/number"), -EPERM);
	assert_int_equal(path_open("/proc/mounts", O_RDONLY, &f), 0);
	assert_true(plain_read(f, buf, sizeof(buf)) > 40);
	file_put(f);
}

/* ---- the archive ---- */

static char *
cpio_put(char *p, unsigned ino, unsigned mode, unsigned nlink, const char *name,
    const char *data, unsigned n)
{
	p += sprintf(p, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X"
	    "%08X%08X", ino, mode, 7, 8, nlink, 1234567, n, 0, 1, 5, 9,
	    (unsigned)strlen(name) + 1, 0);
	p += sprintf(p, "%s", name) + 1;
	while ((uintptr_t)p % 4 != 0)
		*p++ = 0;
	memcpy(p, data, n);
	p += n;
	while ((uintptr_t)p % 4 != 0)
		*p++ = 0;
	return p;
}

static void
archives(void **state)
{
	static char ar[8192] __attribute__((aligned(4)));
	struct kstat st;
	char text[32];
	struct path_at p = at("/ar/link");
	struct file *f;
	char *e = ar;
	size_t n, cut;

	e = cpio_put(e, 1, S_IFDIR | 0711, 2, "ar", "", 0);
	e = cpio_put(e, 2, S_IFREG | 04755, 2, "ar/one", "", 0);
	e = cpio_put(e, 2, S_IFREG | 04755, 2, "./ar/two", "data!", 5);
	e = cpio_put(e, 3, S_IFLNK | 0777, 1, "/ar/link", "one", 3);
	e = cpio_put(e, 5, S_IFDIR | 0700, 2, "ar/sub", "", 0);
	e = cpio_put(e, 6, S_IFREG | 0600, 1, "ar/sub/x", "", 0);
	e = cpio_put(e, 4, S_IFIFO | 0600, 1, "ar/fifo", "", 0);
	e = cpio_put(e, 0, 0, 1, "TRAILER!!!", "", 0);
	e += 512;
	e = cpio_put(e, 2, S_IFCHR | 0600, 1, "ar/dev", "", 0);
	e = cpio_put(e, 0, 0, 1, "TRAILER!!!", "", 0);
	n = (size_t)(e - ar);
	assert_int_equal(initramfs_unpack(ar, n + 100), 0);
	assert_int_equal(path_stat("/ar", &st), 0);
	assert_int_equal(st.mode, S_IFDIR | 0711);
	assert_int_equal(path_stat("/ar/sub", &st), 0);
	assert_int_equal(st.mtime.sec, 1234567);
	assert_int_equal(path_stat("/ar/one", &st), 0);
	assert_int_equal(st.mode, S_IFREG | 04755);
	assert_int_equal(st.nlink, 2);
	assert_int_equal(st.uid, 7);
	assert_int_equal(st.size, 5);
	assert_int_equal(path_stat("/ar/dev", &st), 0);
	assert_int_equal(st.rdev, dev_make(5, 9));
	assert_int_equal(fs_readlink(&p, text, sizeof(text)), 3);
	assert_int_equal(path_open("/ar/link", O_RDONLY, &f), 0);
	assert_int_equal(plain_read(f, text, sizeof(text)), 5);
	assert_memory_equal(text, "data!", 5);
	file_put(f);
	assert_int_equal(path_unlink("/ar/one"), 0);
	assert_int_equal(path_unlink("/ar/two"), 0);
	assert_int_equal(path_unlink("/ar/link"), 0);
	assert_int_equal(path_unlink("/ar/fifo"), 0);
	assert_int_equal(path_unlink("/ar/sub/x"), 0);
	assert_int_equal(path_rmdir("/ar/sub"), 0);
	assert_int_equal(path_unlink("/ar/dev"), 0);
	assert_int_equal(path_rmdir("/ar"), 0);

	/* Cut anywhere: no byte beyond is read. */
	for (cut = 1; cut < n; cut += 5) {
		char *copy = malloc(cut);

		memcpy(copy, ar, cut);
		(void)(initramfs_unpack(copy, cut) == 0);
		free(copy);
	}
	for (cut = 0; cut < 3000; cut++) {
		size_t i = host_random(n);
		char old = ar[i];

		ar[i] = (char)host_random(256);
		(void)(initramfs_unpack(ar, n) == 0);
		ar[i] = old;
	}
}

static void
file_is(const char *path, const char *text)
{
	size_t n = strlen(text);
	struct file *f;
	char buf[32];

	assert_int_equal(path_open(path, O_RDONLY, &f), 0);
	assert_int_equal(plain_read(f, buf, sizeof(buf)), n);
	assert_memory_equal(buf, text, n);
	file_put(f);
}

static uint32_t
type_of(const char *path)
{
	struct kstat st;
	int r = path_stat(path, &st);

	return r == 0 ? st.mode & S_IFMT : 0;
}

/* What comes later takes the name, and nothing else changes. */
static void
archive_replaces(void **state)
{
	static char ar[8192] __attribute__((aligned(4)));
	struct kstat st;
	char *e = ar;

	assert_int_equal(path_mkdir("/r"), 0);
	assert_int_equal(path_touch("/r/tool"), 0);
	assert_int_equal(path_touch("/r/second"), 0);
	assert_int_equal(path_link("/r/second", "/r/other"), 0);
	assert_int_equal(path_symlink("tool", "/r/link"), 0);
	assert_int_equal(path_symlink("tool", "/r/link2"), 0);
	assert_int_equal(path_mkdir("/r/empty"), 0);
	assert_int_equal(path_mkdir("/r/full"), 0);
	assert_int_equal(path_touch("/r/full/x"), 0);
	assert_int_equal(path_symlink("full", "/r/todir"), 0);
	e = cpio_put(e, 1, S_IFREG | 0755, 1, "r/link", "new", 3);
	e = cpio_put(e, 1, S_IFREG | 0755, 1, "r/link", "newer", 5);
	e = cpio_put(e, 2, S_IFLNK | 0777, 1, "r/link2", "second", 6);
	e = cpio_put(e, 2, S_IFLNK | 0777, 1, "r/link2", "second", 6);
	e = cpio_put(e, 3, S_IFREG | 0755, 1, "r/second", "mine", 4);
	e = cpio_put(e, 4, S_IFREG | 0755, 1, "r/empty", "file", 4);
	e = cpio_put(e, 5, S_IFREG | 0755, 1, "r/full", "no", 2);
	e = cpio_put(e, 6, S_IFDIR | 0700, 1, "r/todir", "", 0);
	e = cpio_put(e, 7, S_IFREG | 0600, 1, "r/todir/y", "in", 2);
	e = cpio_put(e, 8, S_IFREG | 0600, 1, "dev", "no", 2);
	e = cpio_put(e, 8, S_IFLNK | 0600, 1, "proc", "no", 2);
	e = cpio_put(e, 0, 0, 1, "TRAILER!!!", "", 0);
	assert_int_equal(initramfs_unpack(ar, (size_t)(e - ar)), 0);
	file_is("/r/link", "newer");
	assert_int_equal(path_stat("/r/tool", &st), 0);
	assert_int_equal(st.size, 0);
	assert_int_equal(type_of("/r/link2"), S_IFLNK);
	file_is("/r/second", "mine");
	file_is("/r/link2", "mine");
	assert_int_equal(path_stat("/r/other", &st), 0);
	assert_int_equal(st.size, 0);
	file_is("/r/empty", "file");
	assert_int_equal(type_of("/r/full/x"), S_IFREG);
	assert_int_equal(type_of("/r/todir"), S_IFLNK);
	file_is("/r/full/y", "in");
	assert_int_equal(type_of("/dev"), S_IFDIR);
	assert_int_equal(type_of("/proc"), S_IFDIR);
}

/* What cannot be taken is left out, and the rest is there. */
static void
archive_is_strange(void **state)
{
	static char ar[16384] __attribute__((aligned(4)));
	static char longname[300];
	char *e = ar, *bad;

	memset(longname, 'n', sizeof(longname) - 1);
	e = cpio_put(e, 1, S_IFREG | 0600, 1, "s/no/parent", "x", 1);
	e = cpio_put(e, 2, 0, 1, "notype", "x", 1);
	e = cpio_put(e, 2, S_IFLNK | 0777, 1, "nowhere", "", 0);
	e = cpio_put(e, 3, S_IFREG | 0600, 1, longname, "x", 1);
	e = cpio_put(e, 4, S_IFREG | 0600, 1, "", "x", 1);
	e = cpio_put(e, 5, S_IFREG | 0600, 1, ".", "x", 1);
	e = cpio_put(e, 5, S_IFREG | 0600, 1, "../../s-up", "up", 2);
	e = cpio_put(e, 6, S_IFREG | 0600, 1, "//s-abs", "abs", 3);
	/* A link to itself, to what is a FIFO by now, and to a device. */
	e = cpio_put(e, 7, S_IFREG | 0600, 2, "s-self", "1", 1);
	e = cpio_put(e, 7, S_IFREG | 0600, 2, "s-self", "22", 2);
	e = cpio_put(e, 8, S_IFREG | 0600, 2, "s-first", "", 0);
	e = cpio_put(e, 9, S_IFIFO | 0600, 1, "s-first", "", 0);
	e = cpio_put(e, 8, S_IFREG | 0600, 2, "s-waits", "data", 4);
	e = cpio_put(e, 10, S_IFREG | 0600, 1, "dev/null", "no", 2);
	e = cpio_put(e, 11, S_IFREG | 0600, 1, "proc/mounts", "no", 2);
	e = cpio_put(e, 12, S_IFREG | 0600, 1, "s-a", "a", 1);
	assert_int_equal(initramfs_unpack(ar, (size_t)(e - ar)), 0);
	assert_int_equal(type_of("/s"), 0);
	assert_int_equal(type_of("/notype"), 0);
	file_is("/s-up", "up");
	file_is("/s-abs", "abs");
	file_is("/s-self", "22");
	assert_int_equal(type_of("/s-first"), S_IFIFO);
	assert_int_equal(type_of("/dev/null"), S_IFCHR);
	file_is("/s-a", "a");
	assert_int_equal(path_unlink("/s-up"), 0);
	assert_int_equal(path_unlink("/s-abs"), 0);
	assert_int_equal(path_unlink("/s-a"), 0);

	/* Junk, a wrong magic and a size beyond the end; then good ones. */
	e = ar;
	e = cpio_put(e, 1, S_IFREG | 0600, 1, "s-1", "1", 1);
	e += sprintf(e, "junk and 070701 and more");
	e = cpio_put(e, 2, S_IFREG | 0600, 1, "s-2", "2", 1);
	bad = e;
	e = cpio_put(e, 3, S_IFREG | 0600, 1, "s-3", "3", 1);
	memcpy(bad, "070707", 6);
	bad = e;
	e = cpio_put(e, 4, S_IFREG | 0600, 1, "s-4", "4", 1);
	memcpy(bad + 6 + 6 * 8, "FFFFFFF0", 8);
	e = cpio_put(e, 5, S_IFREG | 0600, 1, "s-5", "5", 1);
	assert_int_equal(initramfs_unpack(ar, (size_t)(e - ar)), -EINVAL);
	file_is("/s-1", "1");
	file_is("/s-2", "2");
	assert_int_equal(type_of("/s-3"), 0);
	assert_int_equal(type_of("/s-4"), 0);
	file_is("/s-5", "5");
	assert_int_equal(initramfs_unpack("not an archive", 14), -EINVAL);
	assert_int_equal(initramfs_unpack(ar, 0), 0);
}

/* Fields of headers, drawn from their edges, in an archive with everything. */
static void
archive_mutants(void **state)
{
	static const char *const values[] = { "00000000", "00000001", "00000002",
		"FFFFFFFF", "7FFFFFFF", "80000000", "00001000", "00001001",
		"0000A1FF", "000081ED", "000041ED", "000011A4", "000021A4",
		"0000C1A4", "0000006E", "0000000x", "        " };
	static const char *const names[] = { "m", "m/a", "m/a/b", "m/l", "m/../m/a",
		"/m/a", "m/l/x", "./m", "m/", "dev/m", "proc/m", "TRAILER!!!" };
	static const unsigned modes[] = { S_IFREG | 0644, S_IFDIR | 0755,
		S_IFLNK | 0777, S_IFIFO | 0600, S_IFCHR | 0600 };
	static char ar[16384] __attribute__((aligned(4)));
	unsigned round, i, at;
	char *head[24], *e;

	for (round = 0; round < 1500; round++) {
		memset(ar, 0, sizeof(ar));
		for (e = ar, i = 0; i < ARRAY_LEN(head); i++) {
			head[i] = e;
			e = cpio_put(e, host_random(6), modes[host_random(5)],
			    1 + (unsigned)host_random(3),
			    names[host_random(ARRAY_LEN(names))], "m/a",
			    (unsigned)host_random(4));
		}
		for (i = 0; i < 3; i++) {
			at = (unsigned)host_random(13);
			memcpy(head[host_random(ARRAY_LEN(head))] + 6 + 8 * at,
			    values[host_random(ARRAY_LEN(values))], 8);
		}
		(void)(initramfs_unpack(ar, (size_t)(e - ar)) == 0);
	}
}

/* ---- what fails ---- */

/* Each allocation of a few calls fails once: an error, and nothing is lost. */
static void
failures(void **state)
{
	unsigned n, ok = 0;
	struct file *f;

	for (n = 1; n < 60; n++) {
		host_inject(FI_SLAB, n, 0);
		if (path_mkdir("/i") == 0 && path_touch("/i/f") == 0 &&
		    path_link("/i/f", "/i/g") == 0 &&
		    path_rename("/i/f", "/i/h") == 0 &&
		    path_symlink("g", "/i/s") == 0 &&
		    path_open("/i/s", O_RDWR, &f) == 0) {
			ok++;
			file_put(f);
		}
		host_inject(FI_SLAB, 0, 0);
		(void)(path_unlink("/i/f") + path_unlink("/i/g") + path_unlink("/i/h") +
		    path_unlink("/i/s") + path_rmdir("/i"));
		assert_int_equal(path_rmdir("/i"), -ENOENT);
	}
	assert_true(ok > 0);
}

/* The calls that make something besides names; all or nothing. */
static bool
make_things(void)
{
	const struct krange k = { .start = 5, .end = 10, .exclusive = true };
	struct path_at m = at("/n");
	struct file *rd, *wr, *f;
	char buf[16];
	bool ok;

	if (pipe_create(0, &rd, &wr) != 0)
		return false;
	ok = plain_write(wr, "x", 1) == 1 && pipe_set_size(wr, 8192) == 8192 &&
	    plain_read(rd, buf, 1) == 1;
	file_put(rd);
	file_put(wr);
	if (!ok || path_open("/proc/mounts", O_RDONLY, &f) != 0)
		return false;
	ok = plain_read(f, buf, sizeof(buf)) == sizeof(buf);
	file_put(f);
	if (!ok || fs_mount("n", &m, "tmpfs", 0, NULL) != 0)
		return false;
	ok = path_open("/n", O_TMPFILE | O_RDWR, &f) == 0;
	if (ok) {
		ok = file_lock_range(f, f, &k, LOCK_NOWAIT) == 0 &&
		    file_unlock_range(f, f, 6, 7) == 0 &&
		    file_flock(f, 1) == 0;
		file_put(f);
	}
	while (fs_umount(&m) != 0) /* the one failure may hit it too */
		ok = false;
	return ok;
}

static void
failures_of_things(void **state)
{
	unsigned n, ok = 0;

	assert_int_equal(path_mkdir("/n"), 0);
	for (n = 1; n < 80; n++) {
		host_inject(FI_SLAB, n, 0);
		ok += make_things();
		host_inject(FI_SLAB, 0, 0);
	}
	assert_true(ok > 10);
	assert_int_equal(path_rmdir("/n"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_errors),
		cmocka_unit_test(bytes),
		cmocka_unit_test(limits),
		cmocka_unit_test(pipes),
		cmocka_unit_test(text_files),
		cmocka_unit_test(archives),
		cmocka_unit_test(archive_replaces),
		cmocka_unit_test(archive_is_strange),
		cmocka_unit_test(archive_mutants),
		cmocka_unit_test(failures),
		cmocka_unit_test(failures_of_things),
	};

	host_boot(4096, "");
	host_seed(7);
	fs_init();
	ext2_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
