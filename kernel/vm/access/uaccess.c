/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uaccess.c: copies from and to user memory, by address or piece by piece
 *
 * Problem   A system call reads and writes its caller's memory at addresses that
 *           the caller chose: absent, forbidden, or the kernel's own.  A device,
 *           a pipe or a file moves bytes and should not care whether they are a
 *           program's, in one piece or in many, or the kernel's own.
 *
 * Picture   copyin ─ in the user half? ─→ md_copy_user ──ok──→ 0
 *                          │ no               │ page fault
 *                          ▼                  ▼
 *                       -EFAULT        vm_kernel_fault: made present ─→ goes on
 *                                             │ cannot be
 *                                             ▼
 *                                      fault-recovery table ─→ -EFAULT
 *           uio ─→ vec ─→ [base, len][base, len] …   user: as_copy(), by address
 *                  done, left                        kernel: memcpy()
 *
 * Rules     1. The range is checked before a byte moves: a user cannot make
 *              the kernel touch its own half.
 *           2. No lock of rank >= 2 is held: the fault takes them.  What the
 *              kernel's side lies in is its own, or pinned and filled: the fault
 *              may need that page, too (R8).
 *           3. Of a long copy that fails a part has moved, and nobody knows how
 *              much: as_copy() goes page by page.  What comes short ends at a
 *              page of the user that is not there.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/frame/frame.h"
#include "vm/vm.h"

#define STR_PIECE 64ul /* bytes that copyin_str asks for at once */

/* Copy from the user.
 * Locks: none of rank >= 2.  Returns: 0, -EFAULT (dst may be half written). */
int
copyin(void *dst, va_t src, size_t n)
{
	/* Without U the CPU keeps out the program, but not us. */
	if (n != 0 && atomic_load(&as_current()->hides))
		return as_read(as_current(), src, dst, n) == (ssize_t)n ? 0 :
		    -EFAULT;
	return as_copy_here(src, dst, n, UIO_GET);
}

/* Copy to the user.
 * Locks: none of rank >= 2.  Returns: 0, -EFAULT (a part may be written). */
int
copyout(va_t dst, const void *src, size_t n)
{
	return as_copy_here(dst, (void *)(uintptr_t)src, n, UIO_PUT);
}

/*
 * Copy a string that ends with NUL, never reading a page behind the end.
 *
 * Locks:    none of rank >= 2.
 * Returns:  length without NUL; -EFAULT; -ENAMETOOLONG: no NUL in cap bytes.
 */
ssize_t
copyin_str(char *dst, va_t src, size_t cap)
{
	size_t done = 0, n;
	const char *nul;
	int r;

	while (done < cap) {
		n = MIN(STR_PIECE, PAGE_SIZE - ((src + done) & PAGE_MASK));
		n = MIN(n, cap - done);
		r = copyin(dst + done, src + done, n);
		if (r != 0)
			return r;
		nul = memchr(dst + done, '\0', n);
		if (nul != NULL)
			return nul - dst;
		done += n;
	}
	return -ENAMETOOLONG;
}

/* [va, va + n) lies in the user half and does not wrap. */
static bool
is_user_range(va_t va, size_t n)
{
	return n <= MD_USER_END && va <= MD_USER_END - n;
}

/* Copy between buf and the current space, by address.
 * Locks, Context, Returns: as copyin(), copyout(). */
int
as_copy_here(va_t va, void *buf, size_t n, enum uio_dir dir)
{
	bool put = dir == UIO_PUT;
	int r;

	if (!is_user_range(va, n))
		return -EFAULT;
	if (n == 0)
		return 0;
	r = md_copy_user(put ? (void *)va : buf, put ? buf : (void *)va, n);
	if (r != 0)
		EVENT(fault_fixup);
	return r;
}

/* ---- in pieces ---- */

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

/* n bytes between the uio and buf; as uio_put(). */
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
 * Returns:  bytes moved, short where user memory ends; -EFAULT, -EINTR if none.
 */
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
