/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * futexword.c: the word of a futex, and the key by which others find it
 *
 * Problem   Threads that wait for one futex word may see it at different addresses,
 *           and one address may be a different word in each process.
 *
 * Picture   private ─→ {space, address}
 *           shared  ─→ VAD with an object? ─yes→ {number of the object, byte in it}
 *                                          └no─→ {space, address}, marked
 *
 * Rules     1. A sleeper holds no reference to the object, so the key has the object's
 *              number, which is never used again, and not its address.
 *           2. The page of the word is pinned while the word is read.
 */
#include "lib/string.h"
#include "vm/access/access.h"
#include "vm/map/map.h"

#define KEY_OF_SPACE 1ul /* in the address: a call for shared memory, too */

/* Is it the object's page, not a private copy? */
static bool
is_objects(const struct vm_page *pg)
{
	enum page_home home = page_home_kind(pg);

	return home == HOME_VNODE || home == HOME_AOBJ;
}

/* Key of a word that may be shared: (number of the object, byte offset) if it is.  A
 * sleeper holds no reference, so the object's address could be used by another object.
 * 0; -EFAULT: private memory that cannot be written never changes. */
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

/* Pin the page of a 4-byte word, and return the key by which others find it.
 * Owns: the caller, the pin in w: vm_word_unpin().
 * Returns: 0, -EFAULT, -EINTR. */
int
vm_word_pin(struct aspace *as, va_t va, enum access access, enum word_scope scope,
    struct vm_word_pin *w)
{
	int r = vm_pin_user(as, va, access, &w->page);

	ASSERT((va & 3) == 0);
	if (r != 0)
		return r;
	w->kva = (uint32_t *)((char *)pa2va(page_pa(w->page)) +
	    (va & PAGE_MASK));
	private_key(as, va, w->key);
	if (scope == WORD_SHARED)
		r = shared_key(as, va, w->page, w->key);
	if (r != 0)
		vm_word_unpin(w, PAGE_CLEAN);
	return r;
}

/* Only the key.  A private one is the address: the page may be gone, or inaccessible,
 * while others still sleep.
 * Returns: as vm_word_pin(). */
int
vm_word_key(struct aspace *as, va_t va, enum word_scope scope, uintptr_t key[2])
{
	struct vm_word_pin w;
	int r;

	if (scope == WORD_PRIVATE) {
		private_key(as, va, key);
		return va < MD_USER_END ? 0 : -EFAULT;
	}
	r = vm_word_pin(as, va, ACCESS_READ, scope, &w);
	if (r != 0)
		return r;
	memcpy(key, w.key, sizeof(w.key));
	vm_word_unpin(&w, PAGE_CLEAN);
	return 0;
}

/* Locks: not [P].  PAGE_DIRTY: the word was written. */
void
vm_word_unpin(struct vm_word_pin *w, enum page_dirt dirt)
{
	page_unpin_written(w->page, dirt == PAGE_DIRTY);
}
