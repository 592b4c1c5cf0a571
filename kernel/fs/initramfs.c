/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * initramfs.c: unpack the cpio archive that the loader brought
 *
 * Problem   The first root is empty; its files lie in memory as one or several
 *           archives of format newc, one behind the other.
 *
 * Picture   header (110 bytes of hex) │ name NUL │ pad 4 │ data │ pad 4 │ …
 *           … │ "TRAILER!!!" │ zeros │ next archive
 *
 * Rules     1. Every number comes from outside: nothing is read beyond the
 *              archive, whatever the header says.  An entry that cannot be
 *              made is left out; after bytes that are no header the next header
 *              is searched.  The log says so each time.  If there is no room for
 *              an entry, it is removed again, and unpacking ends.
 *           2. Entries of one archive with the same inode are one file; its
 *              data comes with any of them.
 *           3. A directory's time is set at the end, after its files.
 *           4. A later entry replaces the name, not the file behind it: neither a
 *              link's target is written, nor a file's other names.  A directory
 *              stays, with its contents, and so does a link to one.
 *
 * Read next names.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define HEADER_BYTES 110ul
#define MAGIC_BYTES 6ul
#define LINES_MAX 16u    /* of the log, about one module */

/* The fields of a header, in order. */
enum field {
	F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_DEV_MAJOR,
	F_DEV_MINOR, F_RDEV_MAJOR, F_RDEV_MINOR, F_NAMESIZE, F_CHECK, F_COUNT
};

/* Something to remember until the archive ends. */
struct note {
	struct list_node node;
	uint32_t ino, dev;       /* a file with links, or … */
	bool is_dir;             /* … a directory and its time */
	uint32_t mtime;
	char path[];
};

struct unpack {
	const char *base;        /* of this archive: padding counts from here */
	size_t pos, size;
	struct list notes;
	uint32_t field[F_COUNT]; /* of the entry at hand */
	const char *name, *data;
	const char *start;       /* of the module */
	unsigned lines;          /* of the log */
};

static int archive_unpack(struct unpack *u);
static void skip_junk(struct unpack *u);
static void say(struct unpack *u, const char *what, int r);
static bool is_header(const char *h, size_t left, uint32_t *field);
static int entry_parse(struct unpack *u);
static int entry_make(struct unpack *u);
static void notes_finish(struct unpack *u);

/*
 * Unpack all archives of n bytes at cpio below the root; rule 1.
 *
 * Context:  a thread that acts as root; may sleep.
 * Returns:  0; -EINVAL: some of it is no archive, and was passed over; -ENOSPC,
 *           -ENOMEM: there is no room for the rest.
 */
int
initramfs_unpack(const void *cpio, size_t n)
{
	struct unpack u = { .base = cpio, .size = n, .start = cpio };
	int r = 0, one;

	for (;;) {
		while (u.size > 0 && *u.base == '\0') {
			u.base++;
			u.size--;
		}
		if (u.size == 0)
			break;
		u.pos = 0;
		u.name = NULL;
		list_init(&u.notes);
		one = archive_unpack(&u);
		notes_finish(&u);
		if (one == -ENOSPC || one == -ENOMEM)
			return one;
		if (one != 0) {
			say(&u, "no header behind", one);
			skip_junk(&u);
			r = one;
		}
		u.base += u.pos;
		u.size -= u.pos;
	}
	if (u.lines > LINES_MAX)
		klog("initramfs: %u lines like these left out",
		    u.lines - LINES_MAX);
	return r;
}

/* A line of the log; not too many. */
static void
say(struct unpack *u, const char *what, int r)
{
	if (u->lines++ >= LINES_MAX)
		return;
	klog("initramfs: byte %lu: %s %.80s (%d)",
	    (unsigned long)(u->base - u->start) + u->pos, what,
	    u->name != NULL ? u->name : "the start", -r);
}

/* Go to where the next header may be: from there it is another archive. */
static void
skip_junk(struct unpack *u)
{
	uint32_t field[F_COUNT];

	do
		u->pos++;
	while (u->pos < u->size &&
	    !is_header(u->base + u->pos, u->size - u->pos, field));
	u->pos = MIN(u->pos, u->size);
}

/* Up to its trailer, or the end.  0; -EINVAL: here is no header; no room. */
static int
archive_unpack(struct unpack *u)
{
	int r;

	while (u->pos < u->size) {
		r = entry_parse(u);
		if (r != 0 || strcmp(u->name, "TRAILER!!!") == 0)
			return r;
		r = entry_make(u);
		if (r != 0)
			say(u, "left out", r);
		if (r == -ENOSPC || r == -ENOMEM)
			return r;
	}
	return 0;
}

/* Eight hex digits; false: something else. */
static bool
hex_parse(const char *s, uint32_t *out)
{
	unsigned i;
	uint32_t v = 0;

	for (i = 0; i < 8; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

static size_t
pad4(size_t n)
{
	return (n + 3) & ~3ul;
}

/* n more bytes at pos, then padding; NULL: there are not that many. */
static const char *
take_bytes(struct unpack *u, size_t n)
{
	const char *p = u->base + u->pos;

	if (n > u->size - u->pos)
		return NULL;
	u->pos = MIN(pad4(u->pos + n), u->size);
	return p;
}

/* Do these bytes look like a header? */
static bool
is_header(const char *h, size_t left, uint32_t *field)
{
	unsigned i;

	if (left < HEADER_BYTES || (memcmp(h, "070701", MAGIC_BYTES) != 0 &&
	    memcmp(h, "070702", MAGIC_BYTES) != 0))
		return false;
	for (i = 0; i < F_COUNT; i++)
		if (!hex_parse(h + MAGIC_BYTES + 8 * i, &field[i]))
			return false;
	return field[F_NAMESIZE] > 0 && field[F_NAMESIZE] <= PATH_MAX;
}

/*
 * Header, name and data of the next entry.
 *
 * Returns:  0; -EINVAL, and pos stays where it was.
 */
static int
entry_parse(struct unpack *u)
{
	size_t was = u->pos;
	const char *h = u->base + u->pos, *name = NULL;

	if (!is_header(h, u->size - u->pos, u->field))
		return -EINVAL;
	/* The name follows the header without padding between. */
	h = take_bytes(u, HEADER_BYTES + u->field[F_NAMESIZE]);
	if (h != NULL && h[HEADER_BYTES + u->field[F_NAMESIZE] - 1] == '\0')
		name = h + HEADER_BYTES;
	u->data = name != NULL ? take_bytes(u, u->field[F_SIZE]) : NULL;
	if (u->data == NULL) {
		u->pos = was;
		return -EINVAL;
	}
	u->name = name;
	return 0;
}

static struct path_at
entry_path(const struct unpack *u)
{
	return (struct path_at){ .path = u->name, .flags = AT_SYMLINK_NOFOLLOW };
}

/* Remember this entry.  0, -ENOMEM. */
static int
note_add(struct unpack *u, bool is_dir)
{
	size_t n = strlen(u->name) + 1;
	struct note *note = kmem_alloc(sizeof(*note) + n);

	if (note == NULL)
		return -ENOMEM;
	note->ino = u->field[F_INO];
	note->dev = u->field[F_DEV_MAJOR] << 20 | u->field[F_DEV_MINOR];
	note->is_dir = is_dir;
	note->mtime = u->field[F_MTIME];
	memcpy(note->path, u->name, n);
	list_push_front(&u->notes, &note->node);
	return 0;
}

/* The first name of the file of which this entry is another, or NULL. */
static const struct note *
note_find(const struct unpack *u)
{
	uint32_t dev = u->field[F_DEV_MAJOR] << 20 | u->field[F_DEV_MINOR];
	const struct note *note;

	LIST_FOREACH(note, &u->notes, node)
		if (!note->is_dir && note->ino == u->field[F_INO] &&
		    note->dev == dev)
			return note;
	return NULL;
}

/* Set the time of a path. */
static void
mtime_set(const char *path, uint32_t mtime)
{
	const struct path_at at = { .path = path, .flags = AT_SYMLINK_NOFOLLOW };
	struct kattr a = { .valid = ATTR_ATIME | ATTR_MTIME };
	int r;

	a.atime.sec = a.mtime.sec = mtime;
	r = fs_setattr(&at, &a);
	if (r != 0)
		klog("initramfs: times of %s: error %d", path, -r);
}

/* The archive is done, or broke: directories' times, and forget. */
static void
notes_finish(struct unpack *u)
{
	struct list_node *n;

	while ((n = list_pop_front(&u->notes)) != NULL) {
		struct note *note = LIST_ENTRY(n, struct note, node);

		if (note->is_dir)
			mtime_set(note->path, note->mtime);
		kmem_free(note);
	}
}

/* Owner, mode and time as the archive has them. */
static int
entry_attrs(struct unpack *u)
{
	const struct path_at at = entry_path(u);
	struct kattr a = { .valid = ATTR_UID | ATTR_GID, .uid = u->field[F_UID],
		.gid = u->field[F_GID] };
	int r = fs_setattr(&at, &a);

	/* Second, since a change of owner takes set-id bits away. */
	a.valid = ATTR_ATIME | ATTR_MTIME;
	if (!S_ISLNK(u->field[F_MODE]))
		a.valid |= ATTR_MODE;
	a.mode = u->field[F_MODE] & S_PERM;
	a.atime.sec = a.mtime.sec = u->field[F_MTIME];
	return r == 0 ? fs_setattr(&at, &a) : r;
}

/*
 * Rule 4: the entry's name becomes free.  A device stays: the kernel has made
 * it, and the first process needs some.
 *
 * Returns:  0, -EEXIST, -ENOTEMPTY, -EBUSY (a mount), …
 */
static int
name_clear(struct unpack *u)
{
	struct path_at at = entry_path(u);
	struct kstat st;
	int r = fs_stat(&at, &st);

	if (r != 0)
		return r == -ENOENT ? 0 : r;
	if (S_ISCHR(st.mode) || (st.mode & S_IFMT) == S_IFBLK)
		return -EEXIST;
	at.flags = S_ISDIR(st.mode) ? AT_REMOVEDIR : 0;
	return fs_unlink(&at);
}

/* The type of the name, or (follow) of its target; 0: none. */
static uint32_t
name_type(struct unpack *u, unsigned flags)
{
	const struct path_at at = { .path = u->name, .flags = flags };
	struct kstat st;

	return fs_stat(&at, &st) == 0 ? st.mode & S_IFMT : 0;
}

/*
 * The data of a regular file, whose name is free or a link just made: what was
 * another's first name may be no file any more, and is not opened.
 */
static int
file_fill(struct unpack *u)
{
	const struct path_at at = entry_path(u);
	uint32_t type = name_type(u, AT_SYMLINK_NOFOLLOW);
	size_t n = u->field[F_SIZE];
	struct file *f;
	struct uio uio;
	ssize_t r;

	if (type != 0 && type != S_IFREG)
		return -EINVAL;
	r = fs_open(&at, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, &f);
	if (r != 0)
		return (int)r;
	uio_init_kernel(&uio, (void *)(uintptr_t)u->data, n);
	r = n == 0 ? 0 : file_write(f, &uio);
	file_put(f);
	if (r >= 0 && (size_t)r < n)
		r = -ENOSPC;
	/* Half a file says nothing of the rest. */
	if (r < 0 && fs_unlink(&at) != 0)
		klog("initramfs: a part of %s stays", u->name);
	return r < 0 ? (int)r : 0;
}

/* A file of the archive.  The first of several names is noted, later ones become links
 * to it; one of them, mostly the last, has the bytes. */
static int
regular_make(struct unpack *u)
{
	const struct path_at at = entry_path(u);
	const struct note *first = NULL;
	int r;

	if (u->field[F_NLINK] > 1)
		first = note_find(u);
	/* The same name again is no link to itself. */
	if (first != NULL && strcmp(first->path, u->name) == 0)
		first = NULL;
	r = name_clear(u);
	if (r != 0)
		return r;
	if (first != NULL) {
		const struct path_at from = { .path = first->path };

		r = fs_link(&from, &at);
		if (r != 0 || u->field[F_SIZE] == 0)
			return r;
	} else if (u->field[F_NLINK] > 1) {
		r = note_add(u, false);
		if (r != 0)
			return r;
	}
	r = file_fill(u);
	return r == 0 ? entry_attrs(u) : r;
}

static int
dir_make(struct unpack *u)
{
	const struct path_at at = entry_path(u);
	int r = 0;

	if (name_type(u, 0) != S_IFDIR) {
		r = name_clear(u);
		if (r == 0)
			r = fs_mknod(&at, S_IFDIR | 0700, 0);
	} else if (name_type(u, AT_SYMLINK_NOFOLLOW) == S_IFLNK) {
		return 0;
	}
	if (r != 0)
		return r;
	r = entry_attrs(u);
	return r == 0 ? note_add(u, true) : r;
}

static int
link_make(struct unpack *u)
{
	const struct path_at at = entry_path(u);
	char *target;
	int r;

	if (u->field[F_SIZE] == 0 || u->field[F_SIZE] >= PATH_MAX)
		return -EINVAL;
	target = kmem_alloc(u->field[F_SIZE] + 1);
	if (target == NULL)
		return -ENOMEM;
	memcpy(target, u->data, u->field[F_SIZE]);
	target[u->field[F_SIZE]] = '\0';
	r = name_clear(u);
	if (r == 0)
		r = fs_symlink(target, &at);
	kmem_free(target);
	return r == 0 ? entry_attrs(u) : r;
}

/* A device that the kernel has made in /dev already is left alone. */
static int
node_make(struct unpack *u)
{
	const struct path_at at = entry_path(u);
	uint32_t mode = u->field[F_MODE];
	int r;

	if (name_type(u, AT_SYMLINK_NOFOLLOW) == (mode & S_IFMT))
		return 0;
	r = name_clear(u);
	if (r == 0)
		r = fs_mknod(&at, mode & (S_IFMT | S_PERM),
		    dev_make(u->field[F_RDEV_MAJOR],
		    u->field[F_RDEV_MINOR]));
	return r == 0 ? entry_attrs(u) : r;
}

static int
entry_make(struct unpack *u)
{
	switch (u->field[F_MODE] & S_IFMT) {
	case S_IFREG:
		return regular_make(u);
	case S_IFDIR:
		return dir_make(u);
	case S_IFLNK:
		return link_make(u);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return node_make(u);
	}
	return -EINVAL;
}
