/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name.c: names of sockets
 *
 * Problem   A socket is found by a path, or by a string of bytes that is in no file
 *           system and goes with the socket.
 *
 * Picture   path ─→ vnode of type S_IFSOCK ─→ table ─→ struct sock
 *           \0 and bytes, type ─────────────→ table ─→ struct sock
 *
 * Rules     1. A name is given once and never changed; a bound path stays when the
 *              socket ends, and leads to no socket.
 *           2. Each type of socket has its own table of names that are no paths.
 *
 * Read next connect.c.
 */
#include "fs/unix/unix.h"
#include "lib/string.h"
#include "mem/mem.h"

#define BUCKETS 64u
#define NUMBERS 0x100000u      /* names that are given to who wants any: five digits */

static struct {
	struct list bucket[BUCKETS]; /* [S] by bytes or vnode; empty before the first */
	uint32_t number;             /* [A] given last */
} names;

/* Can it be an address of AF_UNIX?  0, -EINVAL. */
int
sock_addr_check(const struct sock_addr *a)
{
	return a->len <= SOCK_ADDR_PATH || a->len > SOCK_ADDR_MAX ||
	    a->family != AF_UNIX ? -EINVAL : 0;
}

static struct list *
bucket_of(const struct sock_addr *a, const struct vnode *vn)
{
	uint64_t h = (uintptr_t)vn >> 6;
	struct list *l;
	unsigned i;

	for (i = 0; vn == NULL && i < a->len; i++)
		h = h * 31 + (uint8_t)a->bytes[i];
	l = &names.bucket[(h ^ h >> 8) % BUCKETS];
	if (l->head.next == NULL)
		list_init(l);
	return l;
}

/* The socket with the path of vn, or the bytes of a.  Locks: sock_lock held. */
static struct sock *
named_locked(const struct sock_addr *a, int type, const struct vnode *vn)
{
	struct sock *s;

	HELD(&sock_lock);
	LIST_FOREACH(s, bucket_of(a, vn), named)
		if (vn != NULL ? s->label->vn == vn : s->label->vn == NULL &&
		    s->type == type && s->label->addr.len == a->len &&
		    memcmp(s->label->addr.bytes, a->bytes, a->len) == 0)
			return s;
	return NULL;
}

/* s gets that name.  0, -EINVAL: it has one; -EADDRINUSE.  Owns: l, on success. */
static int
name_give(struct sock *s, struct sock_label *l)
{
	int r = 0;

	spin_lock(&sock_lock);
	if (s->label != NULL)
		r = -EINVAL;
	else if (named_locked(&l->addr, s->type, l->vn) != NULL)
		r = -EADDRINUSE;
	if (r == 0) {
		s->label = l;
		list_push_back(bucket_of(&l->addr, l->vn), &s->named);
	}
	spin_unlock(&sock_lock);
	return r;
}

/* s gets the name a.  Of a path the file is made.  0, -ENOMEM, -EADDRINUSE, -EINVAL, what
 * mknod gives. */
static int
bind_to(struct sock *s, const struct sock_addr *a)
{
	struct sock_label *l = kmem_zalloc(sizeof(*l));
	struct path_at at = { .path = a->bytes + SOCK_ADDR_PATH };
	struct vnode *vn = NULL;
	int r = 0;

	if (l == NULL)
		return -ENOMEM;
	l->refs = 1;
	l->addr = *a;
	if (*at.path != '\0') {
		l->addr.len = SOCK_ADDR_PATH + (unsigned)strlen(at.path) + 1;
		r = names_make_socket(&at, file_mode(s->file), &vn);
	}
	if (r == 0) {
		l->vn = vn;
		r = name_give(s, l);
		if (r != 0 && l->vn != NULL && fs_unlink(&at) != 0)
			r = -EINVAL; /* another process has removed the file */
	}
	if (r != 0)
		sock_label_put(l);
	return r == -EEXIST ? -EADDRINUSE : r;
}

/*
 * Any name, unless s has one.
 *
 * Locks:    none held.
 * Returns:  0, -ENOMEM, -ENOSPC.
 */
int
sock_name_itself(struct sock *s)
{
	struct sock_addr a = { .len = SOCK_ADDR_PATH + 6, .family = AF_UNIX };
	unsigned tries = NUMBERS;
	int r;

	do {
		if (UNDER(&sock_lock, s->label != NULL))
			return 0;
		snprintf(a.bytes + SOCK_ADDR_PATH + 1, 6, "%05x",
		    atomic_add(&names.number, 1) % NUMBERS);
		r = bind_to(s, &a);
	} while (r == -EADDRINUSE && --tries > 0);
	return r == -EADDRINUSE ? -ENOSPC : r == -EINVAL ? 0 : r;
}

/* bind(2). */
int
sock_bind(struct file *f, const struct sock_addr *a)
{
	struct sock *s = sock_of(f);
	int r;

	if (a->len == SOCK_ADDR_PATH && a->family == AF_UNIX)
		return sock_name_itself(s);
	r = sock_addr_check(a);
	return r != 0 ? r : bind_to(s, a);
}

/* The file that a path leads to, with a reference.  Who may write it may send. */
static int
path_walk(const struct sock_addr *a, struct vnode **out)
{
	struct path_at at = { .path = a->bytes + SOCK_ADDR_PATH };
	struct walk w = { 0 };
	int r = walk_path(&w, &at, 0);

	if (r != 0)
		return r;
	r = vn_permit(w.vn, w.cred, VN_W);
	if (r == 0 && w.vn->type != S_IFSOCK)
		r = -ECONNREFUSED;
	if (r == 0) {
		vn_get(w.vn);
		*out = w.vn;
	}
	walk_end(&w);
	return r;
}

/*
 * The socket with that name.
 *
 * Locks:    none held.
 * Returns:  0, -ECONNREFUSED (nobody), -EPROTOTYPE (of another type), what lookup
 *           gives.
 * Owns:     a reference to *out.
 */
int
sock_find(const struct sock_addr *a, int type, struct sock **out)
{
	struct vnode *vn = NULL;
	int r = a->bytes[SOCK_ADDR_PATH] != '\0' ? path_walk(a, &vn) : 0;
	struct sock *s;

	if (r != 0)
		return r;
	spin_lock(&sock_lock);
	s = named_locked(a, type, vn);
	if (s == NULL)
		r = -ECONNREFUSED;
	else if (s->type != type)
		r = -EPROTOTYPE;
	else
		sock_get_ref(s);
	spin_unlock(&sock_lock);
	vn_put(vn);
	*out = r == 0 ? s : NULL;
	return r;
}

/* The name of s; only a family: it has none.  Locks: sock_lock held. */
void
sock_label_copy_locked(const struct sock *s, struct sock_addr *out)
{
	HELD(&sock_lock);
	if (s->label != NULL)
		*out = s->label->addr;
	else
		*out = (struct sock_addr){ .len = SOCK_ADDR_PATH, .family = AF_UNIX };
}

/* getsockname(2), getpeername(2).  0, -ENOTCONN. */
int
sock_name(struct file *f, enum sock_end end, struct sock_addr *out)
{
	struct sock *s = sock_of(f);

	spin_lock(&sock_lock);
	if (end == SOCK_PEER)
		s = s->peer;
	if (s != NULL)
		sock_label_copy_locked(s, out);
	spin_unlock(&sock_lock);
	return s == NULL ? -ENOTCONN : 0;
}
