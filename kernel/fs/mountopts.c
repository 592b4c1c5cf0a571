/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mountopts.c: limits of a file system in memory, and the text that sets them
 *
 * Problem   mount -o size=64m,nr_inodes=1k: how much a tmpfs may have, said at
 *           its mount, changed by a remount, and never below what it has.
 *
 * Picture   data ─→ struct mount_opts ─→ mount->quota (pages), max_vnodes
 *
 * Rules     1. Without a word a file system in memory gets half of memory, for
 *              bytes and for names.  0 is no limit.
 *           2. A mount without a limit counts nothing, so it cannot get one later.
 *           3. Owner and mode of the root are set at the mount; a remount that
 *              names them changes nothing.
 *
 * Read next mount.c, vm/object/quota.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* "64m" → bytes, "50%" → of memory.  Returns: false: not a size. */
static bool
size_parse(const char *s, uint64_t *bytes)
{
	struct phys_stat ps;
	const char *end;

	*bytes = str_to_u64(s, &end);
	if (end == s)
		return false;
	if (*end == '%') {
		phys_stat(&ps);
		*bytes = ps.total * PAGE_SIZE * *bytes / 100;
		end++;
	} else if (*end != '\0' && strchr("kKmMgG", *end) != NULL) {
		*bytes <<= *end == 'k' || *end == 'K' ? 10 :
		    *end == 'm' || *end == 'M' ? 20 : 30;
		end++;
	}
	return *end == '\0' || *end == ',';
}

/* "0755," → 0755 */
uint32_t
octal_parse(const char *s)
{
	uint32_t v = 0;

	while (*s >= '0' && *s <= '7')
		v = v * 8 + (uint32_t)(*s++ - '0');
	return v & S_PERM;
}

/* "1000," → 1000.  0, -EINVAL: not the number of a user or group. */
static int
id_parse(const char *s, uint32_t *id)
{
	const char *end;
	uint64_t n = str_to_u64(s, &end);

	*id = (uint32_t)n;
	return end != s && n < UINT32_MAX && (*end == '\0' || *end == ',') ? 0 :
	    -EINVAL;
}

/* One "key=value" of mount(2)'s data.  0, -EINVAL. */
static int
option_parse(struct mount_opts *opts, const char *o)
{
	uint64_t n;

	if (strncmp(o, "mode=", 5) == 0) {
		opts->mode = octal_parse(o + 5);
	} else if (strncmp(o, "size=", 5) == 0 && size_parse(o + 5, &n)) {
		opts->pages = PAGE_UP(n) >> PAGE_SHIFT;
	} else if (strncmp(o, "nr_blocks=", 10) == 0 &&
	    size_parse(o + 10, &n)) {
		opts->pages = n;
	} else if (strncmp(o, "nr_inodes=", 10) == 0 &&
	    size_parse(o + 10, &n)) {
		opts->files = n;
	} else if (strncmp(o, "uid=", 4) == 0) {
		return id_parse(o + 4, &opts->uid);
	} else if (strncmp(o, "gid=", 4) == 0) {
		return id_parse(o + 4, &opts->gid);
	} else {
		return -EINVAL;
	}
	return 0;
}

/* All of data, which may be NULL, to opts.  0, -EINVAL. */
int
mount_opts_parse(struct mount_opts *opts, const char *data)
{
	int r = 0;

	while (r == 0 && data != NULL && *data != '\0') {
		r = option_parse(opts, data);
		data = strchr(data, ',');
		data = data == NULL ? NULL : data + 1;
	}
	return r;
}

/*
 * The limits of m become those of opts.  A limit below what is used, or one
 * where there was none while something may be used: -EINVAL.
 */
int
mount_limits_set(struct mount *m, const struct mount_opts *opts)
{
	uint64_t used = atomic_load(&m->vnodes) + m->links;

	if (opts->files != OPT_NONE && opts->files != 0 && used != 0 &&
	    (m->max_vnodes == 0 || used > opts->files))
		return -EINVAL;
	if (opts->pages != OPT_NONE && opts->pages != 0 && used != 0 &&
	    vmo_quota(m->quota, QUOTA_MAX) == QUOTA_NONE)
		return -EINVAL;
	if (opts->pages != OPT_NONE && vmo_quota_limit(m->quota,
	    opts->pages == 0 ? QUOTA_NONE : opts->pages) != 0)
		return -EINVAL;
	if (opts->files != OPT_NONE)
		atomic_store(&m->max_vnodes, opts->files);
	return 0;
}

/*
 * mount(2) with MS_REMOUNT: all limits or none; the flags last, when nothing
 * else can be refused.
 *
 * Locks:    none held.
 * Returns:  0, -EINVAL (the data), and what mount_remount() answers.
 */
int
mount_remount_data(struct vnode *v, unsigned flags, const char *data)
{
	struct mount_opts opts = { OPT_NONE, OPT_NONE, 0, 0, 0 };
	struct mount *m = v->mnt;
	uint64_t pages, files = m->max_vnodes;
	int r = v == m->root ? mount_opts_parse(&opts, data) : -EINVAL;

	if (r != 0)
		return r;
	pages = vmo_quota(m->quota, QUOTA_MAX);
	r = mount_limits_set(m, &opts);
	if (r != 0)
		return r;
	r = mount_remount(v, flags);
	if (r != 0) {
		(void)vmo_quota_limit(m->quota, pages);
		atomic_store(&m->max_vnodes, files);
	}
	return r;
}

/* Pages, and as many names: half of memory. */
static uint64_t
default_limit(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	return ps.total / 2;
}

/* The default limits of a file system in memory. */
void
mount_limits_default(struct mount *m)
{
	(void)vmo_quota_limit(m->quota, default_limit());
	m->max_vnodes = default_limit();
}

/* ",size=…" of a file system in memory: the options that are not the defaults. */
void
mount_opts_show(struct out *out, struct mount *m)
{
	uint64_t pages = vmo_quota(m->quota, QUOTA_MAX);
	uint64_t files = atomic_load(&m->max_vnodes);

	if (m->type != &tmpfs_type && m->type != &devfs_type)
		return;
	if (pages != default_limit())
		out_printf(out, ",size=%luk", pages == QUOTA_NONE ? 0 :
		    pages << (PAGE_SHIFT - 10));
	if (files != default_limit())
		out_printf(out, ",nr_inodes=%lu", files);
	if (m->root_mode != (S_ISVTX | 0777))
		out_printf(out, ",mode=%03o", m->root_mode);
	if (m->root_uid != 0)
		out_printf(out, ",uid=%u", m->root_uid);
	if (m->root_gid != 0)
		out_printf(out, ",gid=%u", m->root_gid);
}
