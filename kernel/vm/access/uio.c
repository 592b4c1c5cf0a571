/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uio.c: where the bytes of a read or a write come from or go to
 *
 * Problem   A device, a pipe or a file moves bytes and should not care whether
 *           they are a program's, in one piece or in many, or the kernel's own.
 *
 * Picture   uio ─→ vec ─→ [base, len][base, len] …   user: as_copy(), by address
 *                  done, left                        kernel: memcpy()
 *
 * Rules     1. What the other side of a copy holds is pinned and filled, never
 *              being read, and no lock of rank >= 2: the copy may fault, and its
 *              fault may need that very page.
 *           2. What comes short ends at a page of the user that is not there.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/frame/frame.h"
#include "vm/vm.h"

/*
 * One user buffer of the current space.
 *
 * Locks:    none; u must not move: it points into itself.
 */
void
uio_init_user(struct uio *u, va_t va, size_t n)
{
	uio_init_kernel(u, (void *)va, n);
	u->as = as_current();
}

/*
 * One kernel buffer.
 *
 * Locks:    none; u must not move.
 */
void
uio_init_kernel(struct uio *u, void *buf, size_t n)
{
	u->as = NULL;
	u->one.base = (uintptr_t)buf;
	u->one.len = n;
	u->vec = &u->one;
	u->nvec = 1;
	u->done = 0;
	u->left = n;
}

/* As much as lies in the first vector. */
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

/*
 * n bytes between the uio and buf.
 *
 * Locks, Context, Returns: as uio_put().
 */
ssize_t
uio_move(struct uio *u, char *buf, size_t n, enum uio_dir dir)
{
	size_t done = 0;
	ssize_t r;

	n = MIN(n, u->left);
	while (done < n && u->nvec > 0) {
		if (u->vec->len == 0) {
			u->vec++;
			u->nvec--;
			continue;
		}
		r = uio_piece(u, buf + done, n - done, dir);
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		u->vec->base += (size_t)r;
		u->vec->len -= (size_t)r;
		u->done += (size_t)r;
		u->left -= (size_t)r;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

/*
 * Kernel bytes to the uio.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, may sleep.
 * Returns:  bytes moved, short where user memory ends; -EFAULT, -EINTR if none.
 */
ssize_t
uio_put(struct uio *u, const void *src, size_t n)
{
	return uio_move(u, (void *)(uintptr_t)src, n, UIO_PUT);
}

/*
 * Bytes of the uio to the kernel.
 *
 * Locks, Context, Returns: as uio_put().
 */
ssize_t
uio_get(struct uio *u, void *dst, size_t n)
{
	return uio_move(u, dst, n, UIO_GET);
}

/*
 * n zeros to the uio.
 *
 * Locks, Context, Returns: as uio_put().
 */
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
