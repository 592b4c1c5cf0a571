/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uaccess.c: user memory, by address, piece by piece, or by pages that are pinned
 *
 * Problem   A system call reads and writes its caller's memory at addresses that
 *           the caller chose: absent, forbidden, or the kernel's own.  A device,
 *           a pipe or a file moves bytes and should not care whether they are a
 *           program's, in one piece or in many, or the kernel's own.  For memory of
 *           another space, or a word that is kept over a sleep, there is no address:
 *           its pages are made present and pinned, and reached by the direct map.
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
 *           vm_pin_user: word VALID with the right ──→ pin
 *                           else vm_fault(…, pin_out) ─→ pinned in the same
 *                                                        hold of [W]
 *
 * Rules     1. The range is checked before a byte moves: a user cannot make
 *              the kernel touch its own half.
 *           2. No lock of rank >= 2 is held: the fault takes them.  What the
 *              kernel's side lies in is its own, or pinned and filled: the fault
 *              may need that page, too (R8).
 *           3. Of a long copy that fails a part has moved, and nobody knows how
 *              much: as_copy() goes page by page.  What comes short ends at a
 *              page of the user that is not there.
 *           4. A pinned page keeps its contents and place; its mapping may go.  What
 *              was written is marked dirty at unpin: no D bit tells.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/fault/fault.h"
#include "vm/map/map.h"
#include "vm/table/table.h"

#define STR_PIECE 64ul /* bytes that copyin_str asks for at once */

/* Copy from the user.  Returns: 0, -EFAULT (dst may be half written). */
int
copyin(void *dst, va_t src, size_t n)
{
	/* Without U the CPU keeps out the program, but not us. */
	if (n != 0 && atomic_load(&as_current()->hides))
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
	u->nowait = u->apart = false;
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

static inline void
uio_moved(struct uio *u, size_t n)
{
	u->vec->base += n;
	u->vec->len -= n;
	u->done += n;
	u->left -= n;
}

/* Do n bytes lie in one buffer of the current space, as nearly always, which the CPU
 * itself may read and write? */
static inline bool
uio_is_plain(const struct uio *u, size_t n, enum uio_dir dir)
{
	return u->as != NULL && n <= u->vec->len &&
	    u->vec->base <= MD_USER_END - n &&
	    thread_current()->space == &u->as->md &&
	    (dir == UIO_PUT || !atomic_load(&u->as->hides));
}

static char *
page_bytes(const struct vm_page *pg)
{
	return pa2va(page_pa(pg));
}

/* Bytes of such a buffer, done behind its begin.  False: some have moved perhaps, none
 * counts. */
static inline bool
uio_at_once(const struct uio *u, size_t done, char *buf, size_t n,
    enum uio_dir dir)
{
	char *user = (char *)u->vec->base + done;

	return (dir == UIO_PUT ? md_copy_user(user, buf, n) :
	    md_copy_user(buf, user, n)) == 0;
}

/* n bytes between the uio and buf; as uio_put(). */
ssize_t
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

/* n bytes between the uio, which has them, and frames: the first byte is at the offset
 * at of the first frame.  As uio_put(). */
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

/* ---- pages that are pinned ---- */

/* The page, pinned, if its word allows the access as it is.  No fault; no device. */
static struct vm_page *
pin_present(struct aspace *as, va_t va, bool write)
{
	uint64_t *word, need = MD_PTE_P | MD_PTE_U | (write ? MD_PTE_W : 0);
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

static int
pin_user(struct aspace *as, va_t va, bool write, bool force,
    struct vm_page **out)
{
	struct fctx f;

	if (va >= MD_USER_END)
		return -EFAULT;
	*out = pin_present(as, va, write);
	if (*out != NULL)
		return 0;
	fault_clear(&f);
	f.kernel = true;
	/* What it takes back changes words that only [M] guards. */
	f.force = f.exclusive = force;
	f.pin_out = out;
	EVENT(fault_kernel);
	return vm_fault(as, va, write ? ACCESS_WRITE : ACCESS_READ, &f);
}

/* Pin the page of va, which is made present with the right.
 * Owns: the caller, the pin: page_unpin_written().
 * Returns: 0, -EFAULT, -EINTR. */
int
vm_pin_user(struct aspace *as, va_t va, bool write, struct vm_page **out)
{
	const bool force = false;

	return pin_user(as, va, write, force, out);
}
/* ---- copies ---- */

/* How the user's end of a copy is reached. */
enum copy_how { COPY_PLAIN, COPY_PINNED, COPY_FORCED };

/* Within one page, which is pinned.  0, -EFAULT, -EINTR. */
static int
copy_pinned(struct aspace *as, va_t va, void *buf, size_t n, enum uio_dir dir,
    bool force)
{
	bool write = dir == UIO_PUT;
	struct vm_page *pg;
	char *there;
	int r = pin_user(as, va, write, force, &pg);

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

/* Page by page, which says how far it came. */
static __attribute__((noinline)) ssize_t
copy_pages(struct aspace *as, va_t va, char *buf, size_t n, enum uio_dir dir,
    enum copy_how how)
{
	size_t done = 0, part;
	int r = 0;

	for (; done < n; done += part, va += part, buf += part) {
		part = MIN(n - done, PAGE_SIZE - (va & PAGE_MASK));
		r = how == COPY_PLAIN ? as_copy_here(va, buf, part, dir) :
		    copy_pinned(as, va, buf, part, dir, how == COPY_FORCED);
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

/* Copy between buf and a space.  By address where the CPU keeps the rights: without U
 * it keeps out the program, but not us.  In one piece first: nearly always all is
 * there.
 * Locks: none of rank >= 2; buf may be a page that is pinned and filled.
 * Returns: bytes, up to the first page that cannot be reached; -EFAULT, -EINTR if none. */
ssize_t
as_copy(struct aspace *as, va_t va, char *buf, size_t n, enum uio_dir dir)
{
	bool plain = thread_current()->space == &as->md &&
	    (dir == UIO_PUT || !atomic_load(&as->hides));

	if (plain && as_copy_here(va, buf, n, dir) == 0)
		return (ssize_t)n;
	return copy_how(as, va, buf, n, dir, plain ? COPY_PLAIN : COPY_PINNED);
}

/* As a debugger: what the process may not read is read, and what it may not write is
 * written, to a private page of its own.  What it shares with others keeps to its
 * rights.
 * Locks, Context, Returns: as as_read(). */
ssize_t
as_force(struct aspace *as, va_t va, void *buf, size_t n, bool write)
{
	return copy_how(as, va, buf, n, write ? UIO_PUT : UIO_GET, COPY_FORCED);
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

/* ---- futex words ---- */

#define KEY_OF_SPACE 1ul /* in the address: of a call that may mean others too */

/* Is the page the object's own, not a copy of it? */
static bool
is_objects(const struct vm_page *pg)
{
	enum page_home home = page_home_kind(pg);

	return home == HOME_VNODE || home == HOME_AOBJ;
}

/* Key of a word that others may share: (number of the object, byte offset) if they do.
 * Who sleeps does not keep the object: by its address the next one would wake him.
 * 0; -EFAULT: memory of one's own that cannot be written never changes. */
static int
shared_key(struct aspace *as, va_t va, const struct vm_page *pg,
    uintptr_t key[2])
{
	uint64_t vpn = va >> PAGE_SHIFT;
	struct vad *v;
	int r = 0;

	key[1] |= KEY_OF_SPACE;
	rw_lock_read(&as->map_lock);
	v = vad_find(as, vpn);
	if (v != NULL && v->vmo != NULL && ((v->flags & VAD_SHARED) != 0 ||
	    ((v->prot & PROT_W) == 0 && is_objects(pg)))) {
		key[0] = v->vmo->serial;
		key[1] = (v->off + vpn - v->start) * PAGE_SIZE +
		    (va & PAGE_MASK);
	} else if (v != NULL && (v->prot & PROT_W) == 0) {
		r = -EFAULT;
	}
	rw_unlock_read(&as->map_lock);
	return r;
}

static void
private_key(const struct aspace *as, va_t va, uintptr_t key[2])
{
	key[0] = (uintptr_t)as;
	key[1] = va;
}

/* Hold the page of a 4-byte word, and say by what key others find it.
 * Owns: the caller, the pin in w: vm_word_unpin().
 * Returns: 0, -EFAULT, -EINTR. */
int
vm_word_pin(struct aspace *as, va_t va, bool write, bool is_private,
    struct vm_word_pin *w)
{
	int r = vm_pin_user(as, va, write, &w->page);

	ASSERT((va & 3) == 0);
	if (r != 0)
		return r;
	w->kva = (uint32_t *)((char *)pa2va(page_pa(w->page)) +
	    (va & PAGE_MASK));
	private_key(as, va, w->key);
	if (!is_private)
		r = shared_key(as, va, w->page, w->key);
	if (r != 0)
		vm_word_unpin(w, write);
	return r;
}

/* The key alone.  A private one is the address: the page may be gone, or out of reach,
 * while others still sleep.
 * Returns: as vm_word_pin(). */
int
vm_word_key(struct aspace *as, va_t va, bool is_private, uintptr_t key[2])
{
	const bool write = false;
	struct vm_word_pin w;
	int r;

	if (is_private) {
		private_key(as, va, key);
		return va < MD_USER_END ? 0 : -EFAULT;
	}
	r = vm_word_pin(as, va, write, is_private, &w);
	if (r != 0)
		return r;
	memcpy(key, w.key, sizeof(w.key));
	vm_word_unpin(&w, write);
	return 0;
}

/* Locks: not [P].  dirty: the word was written. */
void
vm_word_unpin(struct vm_word_pin *w, bool dirty)
{
	page_unpin_written(w->page, dirty);
}
