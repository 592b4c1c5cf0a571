/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uaccess.c: user memory of the current space, by its address
 *
 * Problem   A system call reads and writes its caller's memory at addresses that
 *           the caller chose: absent, forbidden, or the kernel's own.
 *
 * Picture   copyin ─ in the user half? ─→ md_copy_user ──ok──→ 0
 *                          │ no               │ page fault
 *                          ▼                  ▼
 *                       -EFAULT        vm_kernel_fault: made present ─→ goes on
 *                                             │ cannot be
 *                                             ▼
 *                                      fault-recovery table ─→ -EFAULT
 *
 * Rules     1. The range is checked before a byte moves: a user cannot make
 *              the kernel touch its own half.
 *           2. No lock of rank >= 2 is held: the fault takes them.  What the
 *              kernel's side lies in is its own, or pinned and filled: the fault
 *              may need that page, too (R8).
 *
 * Read next uio.c, ascopy.c
 */
#include "lib/string.h"
#include "vm/access/access.h"

#define STR_PIECE 64ul /* bytes that copyin_str asks for at once */

/* Copy from the user.  Returns: 0, -EFAULT (dst may be half written). */
int
copyin(void *dst, va_t src, size_t n)
{
	/* Without U the CPU keeps out the program, but not us. */
	if (n != 0 && atomic_load(&as_current()->table.hides))
		return as_read(as_current(), src, dst, n) == (ssize_t)n ? 0 :
		    -EFAULT;
	return as_copy_here(src, dst, n, UIO_GET);
}

/* Copy to the user.  Returns: 0, -EFAULT (a part may be written). */
int
copyout(va_t dst, const void *src, size_t n)
{
	return as_copy_here(dst, (void *)(uintptr_t)src, n, UIO_PUT);
}

/* A copyout for each would cost ten times the store.  Locks, Context: as copyout().
 * Returns: 0, -EFAULT (a part may be written). */
int
copyout_member(va_t dst, const void *src, size_t n, size_t step)
{
	int r;

	if (n == 0)
		return 0;
	if (n > MD_USER_END / step || dst > MD_USER_END - (n - 1) * step - 2)
		return -EFAULT;
	r = md_store_user_each((void *)dst, src, n * step, step);
	if (r != 0)
		EVENT(fault_fixup);
	return r;
}

/* Copy a string that ends with NUL, never reading a page behind the end.
 * Returns: length without NUL; -EFAULT; -ENAMETOOLONG: no NUL in cap bytes. */
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

/* Copy between buf and the current space, by address.
 * Locks, Context, Returns: as copyin(), copyout(). */
int
as_copy_here(va_t va, void *buf, size_t n, enum uio_dir dir)
{
	bool put = dir == UIO_PUT;
	int r;

	/* Not in the user half, or it wraps. */
	if (n > MD_USER_END || va > MD_USER_END - n)
		return -EFAULT;
	if (n == 0)
		return 0;
	r = md_copy_user(put ? (void *)va : buf, put ? buf : (void *)va, n);
	if (r != 0)
		EVENT(fault_fixup);
	return r;
}
