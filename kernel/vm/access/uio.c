/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uio.c: a list of buffers, a program's or the kernel's own
 *
 * Problem   A device, a pipe or a file moves bytes.  It should not care whether the
 *           buffers are a program's or the kernel's, nor how many there are.
 *
 * Picture   uio ─→ vec ─→ [base, len][base, len] …   user: as_copy(), by address
 *                  done, left                        kernel: memcpy()
 *
 * Rules     1. A short transfer ends at a user page that cannot be made present.
 *           2. The caller holds no lock of rank >= 2 if the uio is a user's.
 */
#include "lib/string.h"
#include "vm/access/access.h"

/* One user buffer of the current space.
 * Locks: none; u must not move: it points into itself. */
void
uio_init_user(struct uio *u, va_t va, size_t n)
{
	uio_init_kernel(u, (void *)va, n);
	u->as = as_current();
}

/* One kernel buffer.  Locks: none; u must not move. */
void
uio_init_kernel(struct uio *u, void *buf, size_t n)
{
	u->as = NULL;
	u->one.base = (uintptr_t)buf;
	u->one.len = n;
	u->vec = &u->one;
	u->nvec = 1;
	u->nowait = false;
	u->done = 0;
	u->left = n;
}

/* Copy the part that lies in the first vector. */
static ssize_t
uio_piece(struct uio *u, char *buf, size_t n, enum uio_dir dir)
{
	va_t at = u->vec->base;

	n = MIN(n, u->vec->len);
	if (u->as != NULL)
		return as_copy(u->as, at, buf, n, dir);
	if (dir == UIO_PUT)
		memcpy((void *)at, buf, n);
	else
		memcpy(buf, (void *)at, n);
	return (ssize_t)n;
}

static inline void
uio_moved(struct uio *u, size_t n)
{
	u->vec->base += n;
	u->vec->len -= n;
	u->done += n;
	u->left -= n;
}

/* Do n bytes lie in one buffer of the current space, as nearly always, where the CPU
 * checks the rights? */
static inline bool
uio_is_plain(const struct uio *u, size_t n, enum uio_dir dir)
{
	return u->as != NULL && n <= u->vec->len &&
	    u->vec->base <= MD_USER_END - n &&
	    thread_current()->space == &u->as->md &&
	    (dir == UIO_PUT || !atomic_load(&u->as->table.hides));
}

static char *
page_bytes(const struct vm_page *pg)
{
	return pa2va(page_pa(pg));
}

/* Copy in one piece, behind the `done` bytes of the buffer.  False: some bytes may have
 * moved, but none counts. */
static inline bool
uio_at_once(const struct uio *u, size_t done, char *buf, size_t n,
    enum uio_dir dir)
{
	char *user = (char *)u->vec->base + done;

	return (dir == UIO_PUT ? md_copy_user(user, buf, n) :
	    md_copy_user(buf, user, n)) == 0;
}

/* n bytes between the uio and buf; as uio_put(). */
static ssize_t
uio_move(struct uio *u, char *buf, size_t n, enum uio_dir dir)
{
	size_t done = 0;
	ssize_t r;

	n = MIN(n, u->left);
	if (n > 0 && u->nvec > 0 && uio_is_plain(u, n, dir) &&
	    uio_at_once(u, 0, buf, n, dir)) {
		uio_moved(u, n);
		return (ssize_t)n;
	}
	while (done < n && u->nvec > 0) {
		if (u->vec->len == 0) {
			u->vec++;
			u->nvec--;
			continue;
		}
		r = uio_piece(u, buf + done, n - done, dir);
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		uio_moved(u, (size_t)r);
		done += (size_t)r;
	}
	return (ssize_t)done;
}

/* n bytes between the uio, which has that many, and frames; the first byte is at offset
 * `at` of the first frame.  As uio_put(). */
ssize_t
uio_move_frames(struct uio *u, struct vm_page *const *page, size_t at, size_t n,
    enum uio_dir dir)
{
	bool plain = uio_is_plain(u, n, dir);
	size_t done = 0, part = MIN(n, PAGE_SIZE - at);
	ssize_t r = 0;

	while (plain && done < n &&
	    uio_at_once(u, done, page_bytes(*page) + at, part, dir)) {
		page++;
		at = 0;
		done += part;
		part = MIN(n - done, PAGE_SIZE);
	}
	uio_moved(u, done);
	while (done < n) {
		r = uio_move(u, page_bytes(*page++) + at, part, dir);
		done += (size_t)MAX(r, 0);
		if (r < (ssize_t)part)
			break;
		at = 0;
		part = MIN(n - done, PAGE_SIZE);
	}
	return done > 0 ? (ssize_t)done : r;
}

/* Kernel bytes to the uio.
 * Returns: bytes moved, short where user memory ends; -EFAULT, -EINTR if none. */
ssize_t
uio_put(struct uio *u, const void *src, size_t n)
{
	return uio_move(u, (void *)(uintptr_t)src, n, UIO_PUT);
}

/* Bytes of the uio to the kernel; as uio_put(). */
ssize_t
uio_get(struct uio *u, void *dst, size_t n)
{
	return uio_move(u, dst, n, UIO_GET);
}

/* n zeros to the uio; as uio_put(). */
ssize_t
uio_zero(struct uio *u, size_t n)
{
	void *zeros = pa2va(page_pa(page_zero_frame()));
	size_t done = 0, part;
	ssize_t r;

	n = MIN(n, u->left);
	while (done < n) {
		part = MIN(n - done, PAGE_SIZE);
		r = uio_put(u, zeros, part);
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		done += (size_t)r;
		if ((size_t)r < part || thread_is_killed())
			break;
	}
	return (ssize_t)done;
}
