/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mounttext.c: the mounts as text for /proc
 *
 * Problem   /proc/mounts and /proc/PID/mountinfo, a line a mount, of any number of
 *           mounts; a blank in a path must not look like the end of a field.
 *
 * Rules     Paths begin at the reader's root: a mount that does not lie below it is
 *           not shown.
 *
 * Read next mount.c, proctext.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* "rw,nosuid,…", as both texts have it. */
static void
flags_show(struct out *out, const struct mount *m)
{
	static const struct {
		unsigned flag;
		const char *text;
	} words[] = {
		{ MS_SYNCHRONOUS, ",sync" }, { MS_DIRSYNC, ",dirsync" },
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" },
		{ MS_NOEXEC, ",noexec" }, { MS_NOATIME, ",noatime" },
		{ MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" },
		{ MS_NOSYMFOLLOW, ",nosymfollow" },
	};
	unsigned i, flags = atomic_load(&m->flags);

	out_printf(out, "%s", (flags & MS_RDONLY) != 0 ? "ro" : "rw");
	for (i = 0; i < ARRAY_LEN(words); i++)
		if ((flags & words[i].flag) != 0)
			out_printf(out, "%s", words[i].text);
}

/* One line of either text. */
typedef void line_fn(struct out *, struct mount *, const char *path);

#define ODD_IN_PATH " \t\n\\"
#define ODD_IN_SOURCE ODD_IN_PATH "#"  /* a comment, at the begin of a line */

/* One line of /proc/mounts. */
static void
line_mounts(struct out *out, struct mount *m, const char *path)
{
	out_field(out, m->source, ODD_IN_SOURCE);
	out_printf(out, " ");
	out_field(out, path, ODD_IN_PATH);
	out_printf(out, " %s ", m->type->name);
	flags_show(out, m);
	mount_opts_show(out, m);
	out_printf(out, " 0 0\n");
}

/* One line of /proc/PID/mountinfo. */
static void
line_mountinfo(struct out *out, struct mount *m, const char *path)
{
	const struct mount *up = m->covered != NULL ? m->covered->mnt : m;

	out_printf(out, "%u %u %u:%u / ", m->id, up->id, dev_major(m->dev),
	    dev_minor(m->dev));
	out_field(out, path, ODD_IN_PATH);
	out_printf(out, " ");
	flags_show(out, m);
	out_printf(out, " - %s ", m->type->name);
	out_field(out, m->source, ODD_IN_SOURCE);
	out_printf(out, (m->flags & MS_RDONLY) != 0 ? " ro" : " rw");
	mount_opts_show(out, m);
	out_printf(out, "\n");
}

/* The line of m as root sees it, to the buffer path.  False: it does not. */
static bool
line_seen(struct out *out, struct mount *m, const struct vnode *root, char *path,
    line_fn *line)
{
	bool inside = true;
	ssize_t n = vn_path_from(m->root, root, path, PATH_MAX, &inside);

	if (n >= 0 && !inside)
		return false;
	line(out, m, n < 0 ? "?" : path);
	return true;
}

/*
 * The line of the next mount behind number *at, which becomes its own.
 *
 * Locks:    none held.
 * Returns:  1, 0: there is none, -ENOMEM.
 */
static int
line_next(uint64_t *at, struct out *out, line_fn *line)
{
	char *path = kmem_alloc(PATH_MAX);
	struct vnode *root;
	struct mount *m;
	bool done;

	if (path == NULL)
		return -ENOMEM;
	root = fsctx_root();
	do {
		m = mounts_hold_next(*at);
		done = m == NULL || line_seen(out, m, root, path, line);
		if (m != NULL)
			*at = m->id;
		mounts_drop();
	} while (!done);
	vn_put(root);
	kmem_free(path);
	return m != NULL;
}

/* Text of /proc/mounts; see line_next(). */
int
mounts_next(uint64_t *at, struct out *out)
{
	return line_next(at, out, line_mounts);
}

/* Text of /proc/PID/mountinfo: there is one tree for all. */
int
mountinfo_next(uint64_t *at, struct out *out)
{
	return line_next(at, out, line_mountinfo);
}
