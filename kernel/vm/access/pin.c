/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pin.c: user pages held for the kernel: copies of any size, futex words
 *
 * Problem   The kernel reads and writes user memory, also of other spaces and
 *           while it holds other pages.  A copy by user address can fault in
 *           the middle, and its fault may need the very page that the copy
 *           holds.  So pages are made present and pinned first, and the bytes
 *           move by the direct map.
 *
 * Picture   vm_pin_user: word VALID with the right ──→ pin
 *                           else vm_fault(…, pin_out) ─→ pinned in the same
 *                                                        hold of [W]
 *           uio: a list of user pieces, or one kernel buffer; pieces of up to
 *           256 bytes of the current space go by copyin and copyout
 *
 * Rules     1. No lock of rank >= 2 is held; pages of both sides are pinned
 *              before the first byte moves.
 *           2. A pinned page keeps its contents and place; its mapping may go.
 *           3. What was written is marked dirty at unpin: no D bit tells.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/vm.h"
#include "vm/want/want.h"

#define SMALL 256 /* bytes that copyin and copyout take */

enum uio_dir { UIO_PUT, UIO_GET }; /* to the uio, from it */

static int pin_one(struct aspace *as, va_t va, bool write,
    struct vm_page **out);
static struct vm_page *pin_present(struct aspace *as, va_t va, bool write);
static ssize_t copy_pages(struct aspace *as, va_t va, void *buf, size_t n,
    enum uio_dir dir);
static ssize_t uio_move(struct uio *u, void *buf, size_t n, enum uio_dir dir);
static ssize_t uio_piece(struct uio *u, void *buf, size_t n, enum uio_dir dir);

/*
 * Pin the pages of [va, va + len), at most max, from the front; fewer where
 * memory is low.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, may sleep.
 * Owns:     the caller, a pin per page: vm_unpin_user().
 * Returns:  how many; -EFAULT, -EINTR if none.
 */
int
vm_pin_user(struct aspace *as, va_t va, size_t len, bool write,
    struct vm_page **frames, unsigned max)
{
	va_t end = va + len;
	unsigned n = 0;
	int r = 0;

	if (end < va || end > MD_USER_END)
		return -EFAULT;
	for (va = PAGE_DOWN(va); va < end && n < max; va += PAGE_SIZE) {
		/* Rule a of token.c: the pins would be held in a wait. */
		if (n > 0 && frames_are_low() && !token_held())
			break;
		r = pin_one(as, va, write, &frames[n]);
		if (r != 0)
			break;
		n++;
	}
	return n > 0 ? (int)n : r;
}

/*
 * Locks:    not [P].  dirty: the pages were written to.
 */
void
vm_unpin_user(struct vm_page **frames, unsigned n, bool dirty)
{
	unsigned i;

	for (i = 0; i < n; i++)
		page_unpin_written(frames[i], dirty);
}

static int
pin_one(struct aspace *as, va_t va, bool write, struct vm_page **out)
{
	struct fctx f = { .kernel = true, .pin_out = out };

	*out = pin_present(as, va, write);
	if (*out != NULL)
		return 0;
	return vm_fault(as, va, write ? ACCESS_WRITE : ACCESS_READ, &f);
}

/* The page, pinned, if its word allows the access as it is.  No fault. */
static struct vm_page *
pin_present(struct aspace *as, va_t va, bool write)
{
	uint64_t *word, need = MD_PTE_P | MD_PTE_U | (write ? MD_PTE_W : 0);
	struct vm_page *pg = NULL, *leaf;

	mutex_lock(&as->ws_lock);
	word = as->md.root_pa == 0 ? NULL : pt_find(as, va, &leaf);
	if (word != NULL && (word_get(word) & need) == need) {
		pg = pte_page(word_get(word));
		page_pin(pg);
	}
	mutex_unlock(&as->ws_lock);
	return pg;
}

/* ---- another space's memory ---- */

/*
 * Keep the mappings of another process from being torn down: a fault holds its
 * tables pinned between its passes.  False: they are gone or going.
 */
static bool
hold_mappings(struct aspace *as)
{
	uint32_t users = atomic_load(&as->users);

	do {
		if (users == 0)
			return false;
	} while (!atomic_cas(&as->users, &users, users + 1));
	return true;
}

/* As copy_pages(), for any space that somebody uses. */
static ssize_t
as_copy(struct aspace *as, va_t va, void *buf, size_t n, enum uio_dir dir)
{
	ssize_t r;

	if (as == as_current())
		return copy_pages(as, va, buf, n, dir);
	if (!hold_mappings(as))
		return -EFAULT;
	r = copy_pages(as, va, buf, n, dir);
	as_detach_user(as);
	return r;
}

/* Copy between buf and the space.  Bytes; -EFAULT, -EINTR if none. */
static ssize_t
copy_pages(struct aspace *as, va_t va, void *buf, size_t n, enum uio_dir dir)
{
	bool write = dir == UIO_PUT;
	size_t done = 0, part;
	struct vm_page *pg;
	char *there;
	int r;

	while (done < n) {
		part = MIN(n - done, PAGE_SIZE - ((va + done) & PAGE_MASK));
		r = vm_pin_user(as, va + done, part, write, &pg, 1);
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		there = (char *)pa2va(page_pa(pg)) + ((va + done) & PAGE_MASK);
		if (write)
			memcpy(there, (char *)buf + done, part);
		else
			memcpy((char *)buf + done, there, part);
		page_unpin_written(pg, write);
		done += part;
	}
	return (ssize_t)done;
}

/*
 * Read any space's memory.
 *
 * Locks:    none of rank >= 2; the caller has a reference to as.
 * Context:  thread, may sleep; tears the mappings down if their last user
 *           leaves meanwhile.
 * Returns:  bytes, short where memory ends; -EFAULT (also: nobody uses the
 *           space), -EINTR if none.
 */
ssize_t
as_read(struct aspace *as, va_t va, void *dst, size_t n)
{
	return as_copy(as, va, dst, n, UIO_GET);
}

/*
 * Write any space's memory.
 *
 * Locks, Context, Returns: as as_read().
 */
ssize_t
as_write(struct aspace *as, va_t va, const void *src, size_t n)
{
	return as_copy(as, va, (void *)(uintptr_t)src, n, UIO_PUT);
}

/* ---- uio ---- */

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

static ssize_t
uio_move(struct uio *u, void *buf, size_t n, enum uio_dir dir)
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
		r = uio_piece(u, (char *)buf + done, n - done, dir);
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

/* As much as lies in the first vector and one user page. */
static ssize_t
uio_piece(struct uio *u, void *buf, size_t n, enum uio_dir dir)
{
	va_t at = u->vec->base;
	int r;

	n = MIN(n, u->vec->len);
	if (u->as == NULL) {
		if (dir == UIO_PUT)
			memcpy((void *)at, buf, n);
		else
			memcpy(buf, (void *)at, n);
		return (ssize_t)n;
	}
	n = MIN(n, PAGE_SIZE - (at & PAGE_MASK));
	if (n > SMALL || u->as != as_current())
		return as_copy(u->as, at, buf, n, dir);
	r = dir == UIO_PUT ? copyout(at, buf, n) : copyin(buf, at, n);
	return r != 0 ? r : (ssize_t)n;
}

/* ---- futex words ---- */

/*
 * Key of a word in a shared mapping: (number of the object, byte offset).  Who
 * sleeps does not keep the object: by its address the next one would wake him.
 */
static void
shared_key(struct aspace *as, va_t va, uintptr_t key[2])
{
	uint64_t vpn = va >> PAGE_SHIFT;
	struct vad *v;

	rw_lock_read(&as->map_lock);
	v = vad_find(as, vpn);
	if (v != NULL && v->vmo != NULL && (v->flags & VAD_SHARED) != 0) {
		key[0] = v->vmo->serial;
		key[1] = (v->off + vpn - v->start) * PAGE_SIZE +
		    (va & PAGE_MASK);
	}
	rw_unlock_read(&as->map_lock);
}

/*
 * Hold the page of a 4-byte word, and say by what key others find it.
 *
 * Locks:    none of rank >= 2.
 * Context:  thread, may sleep.
 * Owns:     the caller, the pin in w: vm_word_unpin().
 * Returns:  0, -EFAULT, -EINTR.
 */
int
vm_word_pin(struct aspace *as, va_t va, bool write, bool private_key,
    struct vm_word_pin *w)
{
	int r;

	ASSERT((va & 3) == 0);
	r = vm_pin_user(as, va, sizeof(*w->kva), write, &w->page, 1);
	if (r < 0)
		return r;
	w->kva = (uint32_t *)((char *)pa2va(page_pa(w->page)) +
	    (va & PAGE_MASK));
	w->key[0] = (uintptr_t)as;
	w->key[1] = va;
	if (!private_key)
		shared_key(as, va, w->key);
	return 0;
}

/*
 * Locks:    not [P].  dirty: the word was written.
 */
void
vm_word_unpin(struct vm_word_pin *w, bool dirty)
{
	page_unpin_written(w->page, dirty);
}
