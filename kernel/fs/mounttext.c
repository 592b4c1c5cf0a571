/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mounttext.c: what /proc shows of mounts
 *
 * Problem   /proc/mounts and /proc/PID/mountinfo, a line a mount, of any number of
 *           mounts; a blank in a path must not look like the end of a field.
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

/* Text between blanks: what of it is in odd becomes \ooo. */
static void
field_show(struct out *out, const char *text, const char *odd)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		for (n = 0; text[n] != '\0' && strchr(odd, text[n]) == NULL; n++)
			;
		out->put(out, text, n);
		if (text[n] != '\0')
			out_printf(out, "\\%03o", (unsigned)text[n++]);
	}
}

#define ODD_IN_PATH " \t\n\\"
#define ODD_IN_SOURCE ODD_IN_PATH "#"  /* a comment, at the begin of a line */

/* One line of /proc/mounts. */
static void
line_mounts(struct out *out, struct mount *m, const char *path)
{
	field_show(out, m->source, ODD_IN_SOURCE);
	out_printf(out, " ");
	field_show(out, path, ODD_IN_PATH);
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
	field_show(out, path, ODD_IN_PATH);
	out_printf(out, " ");
	flags_show(out, m);
	out_printf(out, " - %s ", m->type->name);
	field_show(out, m->source, ODD_IN_SOURCE);
	out_printf(out, (m->flags & MS_RDONLY) != 0 ? " ro" : " rw");
	mount_opts_show(out, m);
	out_printf(out, "\n");
}

/*
 * The line of the mount behind number *at, which becomes its own.
 *
 * Locks:    one of LR_VNODE may be held.
 * Returns:  1, 0: there is none, -ENOMEM.
 */
static int
line_next(uint64_t *at, struct out *out,
    void (*line)(struct out *, struct mount *, const char *))
{
	char *path = kmem_alloc(PATH_MAX);
	struct mount *m;

	if (path == NULL)
		return -ENOMEM;
	m = mounts_hold_next(*at);
	if (m != NULL) {
		line(out, m, vn_full_path(m->root, path, PATH_MAX) < 0 ? "?" :
		    path);
		*at = m->id;
	}
	mounts_drop();
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
