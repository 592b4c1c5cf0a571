/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uaccess.c: user memory: by address in the current space, by pinned pages in any
 *
 * Problem   A system call reads and writes its caller's memory at addresses that
 *           the caller chose: absent, forbidden, or the kernel's own.  Memory of
 *           another space has no address here, and a page in use over a sleep may
 *           lose its own: both are pinned, and reached by the direct map.
 *
 * Picture   copyin ─ in the user half? ─→ md_copy_user ──ok──→ 0
 *                          │ no               │ page fault
 *                          ▼                  ▼
 *                       -EFAULT        vm_kernel_fault: made present ─→ goes on
 *                                             │ cannot be
 *                                             ▼
 *                                      fault-recovery table ─→ -EFAULT
 *           vm_pin_user: word VALID with the right ──→ pin
 *                           else vm_fault(…, pin_out) ─→ pinned in the same
 *                                                        hold of [W]
 *           as_copy ─ the current space? ─→ by address, in one piece ──ok──→ n
 *                          │ no                  │ a part has moved
 *                          ▼                     ▼
 *                     pin, copy, unpin       page by page
 *
 * Rules     1. The range is checked before a byte moves: a user cannot make
 *              the kernel touch its own half.
 *           2. The caller holds no lock of rank >= 2: the fault takes them.  The
 *              kernel's buffer lies in kernel memory, or in a page that is pinned
 *              and filled: the fault may need that page, too (R8).
 *           3. A long copy that fails has copied a part, and nobody knows how
 *              much: as_copy() then goes page by page.
 *           4. A pinned page keeps its contents and its frame; its mapping may go.
 *              A page that was written is marked dirty at unpin: no D bit says so.
 *
 * Read next uio.c
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/fault/fault.h"
#include "vm/table/table.h"

#define STR_PIECE 64ul /* bytes that copyin_str copies at once */

/* ---- the current space, by address ---- */

/* Copy between buf and the current space, by address.
 * Locks, Context, Returns: as copyin(), copyout(). */
static int
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

/* Copy from the user.  Returns: 0, -EFAULT (dst may be half written). */
int
copyin(void *dst, va_t src, size_t n)
{
	/* A PTE without U stops the program, but not the kernel. */
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

/* A copyout() for each would cost ten times the store.  Locks, Context: as copyout().
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

/* ---- any space, by pages ---- */

/* The page, pinned, if its PTE allows the access now.  No fault; no device. */
static struct vm_page *
pin_present(struct aspace *as, va_t va, enum access access)
{
	uint64_t *word, need = MD_PTE_P | MD_PTE_U |
	    (access == ACCESS_WRITE ? MD_PTE_W : 0);
	struct vm_page *pg = NULL, *leaf;

	mutex_lock(&as->ws_lock);
	word = as->md.root_pa == 0 ? NULL : pt_find(as, va, &leaf);
	if (word != NULL && (word_get(word) & need) == need &&
	    !pte_is_special(word_get(word))) {
		pg = pte_page(word_get(word));
		page_pin(pg);
	}
	mutex_unlock(&as->ws_lock);
	return pg;
}

/* How the user's side of a copy is accessed. */
enum copy_how { COPY_PLAIN, COPY_PINNED, COPY_FORCED };

static int
pin_user(struct aspace *as, va_t va, enum access access, enum copy_how how,
    struct vm_page **out)
{
	struct fctx f;

	if (va >= MD_USER_END)
		return -EFAULT;
	*out = pin_present(as, va, access);
	if (*out != NULL)
		return 0;
	fault_clear(&f);
	f.kernel = true;
	/* take_rights_back() changes words that only [M] guards. */
	f.force = f.exclusive = how == COPY_FORCED;
	f.pin_out = out;
	EVENT(fault_kernel);
	return vm_fault(as, va, access, &f);
}

/* Make the page of va present with the right, and pin it.
 * Owns: the caller, the pin: page_unpin_written().
 * Returns: 0, -EFAULT, -EINTR. */
int
vm_pin_user(struct aspace *as, va_t va, enum access access, struct vm_page **out)
{
	return pin_user(as, va, access, COPY_PINNED, out);
}

/* Copy within one pinned page.  0, -EFAULT, -EINTR. */
static int
copy_pinned(struct aspace *as, va_t va, void *buf, size_t n, enum uio_dir dir,
    enum copy_how how)
{
	bool write = dir == UIO_PUT;
	struct vm_page *pg;
	char *there;
	int r = pin_user(as, va, write ? ACCESS_WRITE : ACCESS_READ, how, &pg);

	if (r != 0)
		return r;
	there = (char *)pa2va(page_pa(pg)) + (va & PAGE_MASK);
	if (write)
		memcpy(there, buf, n);
	else
		memcpy(buf, there, n);
	page_unpin_written(pg, write);
	return 0;
}

/* Copy page by page: the result says how far it came. */
static __attribute__((noinline)) ssize_t
copy_pages(struct aspace *as, va_t va, char *buf, size_t n, enum uio_dir dir,
    enum copy_how how)
{
	size_t done = 0, part;
	int r = 0;

	for (; done < n; done += part, va += part, buf += part) {
		part = MIN(n - done, PAGE_SIZE - (va & PAGE_MASK));
		r = how == COPY_PLAIN ? as_copy_here(va, buf, part, dir) :
		    copy_pinned(as, va, buf, part, dir, how);
		if (r != 0)
			break;
	}
	return done > 0 ? (ssize_t)done : r;
}

static ssize_t
copy_how(struct aspace *as, va_t va, char *buf, size_t n, enum uio_dir dir,
    enum copy_how how)
{
	bool here = thread_current()->space == &as->md;
	ssize_t r;

	/* Of another process: a fault holds its tables pinned between its passes, so
	 * they may not be torn down. */
	if (!here && !atomic_get(&as->users))
		return -EFAULT;
	r = copy_pages(as, va, buf, n, dir, how);
	if (!here)
		as_detach_user(as);
	return r;
}

/* Copy between buf and a space.  By address if the CPU checks the rights: a PTE without U
 * stops the program, but not the kernel.  In one piece first: nearly always all pages are
 * present.
 * Locks: none of rank >= 2; buf may be a page that is pinned and filled.
 * Returns: bytes, up to the first page that cannot be reached; -EFAULT, -EINTR if none. */
ssize_t
as_copy(struct aspace *as, va_t va, char *buf, size_t n, enum uio_dir dir)
{
	bool plain = thread_current()->space == &as->md &&
	    (dir == UIO_PUT || !atomic_load(&as->table.hides));

	if (plain && as_copy_here(va, buf, n, dir) == 0)
		return (ssize_t)n;
	return copy_how(as, va, buf, n, dir, plain ? COPY_PLAIN : COPY_PINNED);
}

/* As a debugger: read also where the process may not, and write also where it may not, to
 * a private copy of the page.  Shared memory keeps its rights.
 * Locks, Context, Returns: as as_read(). */
ssize_t
as_force(struct aspace *as, va_t va, void *buf, size_t n, enum access access)
{
	return copy_how(as, va, buf, n, access == ACCESS_WRITE ? UIO_PUT : UIO_GET,
	    COPY_FORCED);
}

/* Read any space's memory.
 * Locks: none of rank >= 2; the caller has a reference to as.
 * Context: thread, may sleep; tears the mappings down if their last user leaves
 * meanwhile.
 * Returns: bytes, short where memory ends; -EFAULT (also: nobody uses the space),
 * -EINTR if none. */
ssize_t
as_read(struct aspace *as, va_t va, void *dst, size_t n)
{
	return as_copy(as, va, dst, n, UIO_GET);
}

/* Write any space's memory.  Locks, Context, Returns: as as_read(). */
ssize_t
as_write(struct aspace *as, va_t va, const void *src, size_t n)
{
	return as_copy(as, va, (void *)(uintptr_t)src, n, UIO_PUT);
}
