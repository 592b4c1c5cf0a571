/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver.c: from a faulting address to a mapped page
 *
 * Problem   A thread touched an address that no valid PTE translates.  Decide
 *           whether it may, and map the page, possibly after waiting.
 *
 * Picture   trap → vm_fault ─→ look up ─→ pt_walk ─→ school->fault (F0…F11) ─→ return
 *                     ↑                                    │
 *                     └── wait ←── RESTART, WAIT, NEEDMEM ─┘
 *
 * Rules     1. map_lock (shared) and ws_lock are held during a pass; between
 *              passes nothing is held but the pins and spare frames of f.
 *           2. A handler that needs a frame, a page of kernel memory or an
 *              I/O returns another outcome than FAULT_DONE; the driver waits
 *              with no lock held, and the next pass looks everything up again.
 *           3. fault.pass is the sum of the cases and the outcomes beside
 *              them: a handler counts the case it completes, the driver a pass
 *              that ends before a case (waited, again), fault_signal() the rest.
 *           4. After 16 restarts map_lock is taken exclusively: no sibling
 *              can change the mappings any more, so the fault ends.
 *           5. While memory is low, a fault that keeps pins or frames from pass to
 *              pass has a token (token.c).  A full working set does not grow:
 *              one of its pages is trimmed before the new one is mapped.
 *           6. VADs are read with map_lock only; if a page of VADs is on swap, a
 *              fault inside this one brings it (vm/fault/kpagedfault.c).
 */
#include "vm/design/design.h"
#include "vm/fault/fault.h"
#include "vm/map/map.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

#define RESTARTS_SHARED 16
#define FAULT_RUN (64 * PAGE_SIZE) /* bytes of a range done in one hold of [W] */

static struct {
	uint64_t around, hold;      /* [c] options; hold: number of restarts */
	fault_hook_fn *hook;        /* [c] NULL: nobody looks */
} faults;

uint64_t fault_unreaped;
void (*fault_reaper)(void); /* [c] */

/* Gauge fault.pass: one first pass for each fault, and the passes that followed. */
static uint64_t
passes(size_t unused)
{
	return ev_read(EV_fault_total) + ev_read(EV_fault_restart);
}

/* Locks: none; once, before the first fault. */
void
fault_init(void)
{
	ev_set_gauge(EV_fault_pass, passes, 0);
	faults.around = option_u64("around");
	faults.hold = option_u64("hold");
	fault_reaper = NULL;
}

/* Set the function that is called when a fault waits or ends, if evidence is asked for:
 * tests and checks.
 * Locks: none; once, before the first fault. */
void
fault_set_hook(fault_hook_fn *hook)
{
	faults.hook = hook;
}

/* How many pages a read fault may map in all: fault-around. */
uint64_t
fault_around(void)
{
	return faults.around;
}

/* ---- between two passes: no lock; what f holds is kept ---- */

/* Pins and spare frames of f, and then its token.  Locks: none of rank >= 5. */
void
fault_give_back(struct fctx *f)
{
	if (f->npin > 0)
		pt_unpin(f);
	if (f->file_page != NULL)
		cache_fault_end(f);
	want_end(&f->want);
	if (f->token)
		token_give();
	f->token = false;
}

/* Memory is low: a fault that waits may keep pins and frames only with a token, and gives
 * them up before it waits for one (rules a and b of token.c).
 * Locks: none of rank >= 2.  Returns: 0, -EINTR (fatal signal).
 * Owns: f, the token, until the end of the fault. */
static int
fault_get_token(struct fctx *f)
{
	int r;

	if (f->token || token_held() || !frames_are_low())
		return 0;
	fault_give_back(f);
	r = token_take();
	f->token = r == 0;
	return r;
}

/* One mapping never needs so many pins: siblings have changed the mapping of the address
 * between the passes.  The next pass finds the pages that it needs. */
static void
drop_old_pins(struct fctx *f)
{
	if (f->npin <= FAULT_PINS)
		return;
	pt_unpin(f);
	f->let_go = true;
}

/* Sleep as the outcome of a pass demands.
 * Locks: none of rank >= 2.
 * Returns: 0: another pass; -EINTR (fatal signal); -ENOSPC, -EIO … (SIGBUS). */
int
fault_wait(struct fctx *f, enum fault_outcome r)
{
	int error = 0;

	if (vm_may_stop())
		return -EINTR;
	if (evidence_is_asked() && faults.hook != NULL)
		faults.hook(f->as, FAULT_WAITS);
	drop_old_pins(f);
	if (r == FAULT_RESTART)
		return 0;
	f->major |= r == FAULT_WAIT || r == FAULT_IO;
	if (want_is_frame(&f->want) || f->want.what == WANT_OTHER)
		error = fault_get_token(f);
	if (error == 0) {
		atomic_add(&f->as->ws.waiting, 1);
		error = want_get(&f->want);
		atomic_sub(&f->as->ws.waiting, 1);
	}
	if (f->want.kpage != NULL) {
		ASSERT(f->npin < FAULT_MAXPINS);
		f->pin[f->npin++] = f->want.kpage;
		f->want.kpage = NULL;
	}
	return error;
}

/* A pass has ended without the page: wait for what is missing.  0: another pass; else the
 * error that ends the fault. */
static __attribute__((noinline)) int
fault_between(struct fctx *f, enum fault_outcome r)
{
	unsigned pins = f->npin;
	int error;

	/* F2, F5, F6 and F10 have counted themselves. */
	if (r == FAULT_NEEDMEM && want_is_frame(&f->want))
		EVENT(fault_waited, f->va);
	else if (r == FAULT_NEEDMEM || r == FAULT_RESTART)
		EVENT(fault_again, f->va);
	f->let_go = false;
	error = fault_wait(f, r);
	/* A file system, for example, got no frame: there may be one soon. */
	if (error == -ENOMEM && vm_frames_come())
		error = 0;
	if (error != 0)
		return error;
	/* Each pass keeps its pins, or all are given up (token.c). */
	ASSERT(f->npin >= pins || f->token || f->let_go);
	f->restarts++;
	if (evidence_is_asked())
		sched_point();
	if (f->restarts > RESTARTS_SHARED) {
		if (!f->exclusive)
			EVENT(fault_serialised);
		f->exclusive = true;
		error = fault_get_token(f);
	}
	if (error == 0)
		EVENT(fault_restart, f->va, r);
	return error;
}

/* ---- one pass ---- */

/* The fault is in v.  If the pass before met another object, its pins are of no use.
 * Locks: [M]. */
static void
set_vad(struct fctx *f, const struct vad *v)
{
	HELD_SHARED(&f->as->map_lock);
	if (f->npin > 0 && (f->v.vmo != v->vmo || (v->vmo != NULL &&
	    f->v.off - f->v.start != v->off - v->start)))
		pt_unpin(f);
	f->v.start = v->start;
	f->v.end = v->end;
	f->v.off = v->off;
	f->v.vmo = v->vmo;
	f->v.dpriv = v->dpriv;
	f->v.flags = v->flags;
	f->v.prot = v->prot;
}

/* Will the working set grow by a page if this pass maps something?  [W]. */
static bool
adds_page(const struct fctx *f)
{
	enum pte_kind kind = pte_kind(word_get(f->word));

	if (kind == PTE_VALID)
		return pte_is_special(word_get(f->word)) &&
		    f->access == ACCESS_WRITE;
	if (kind == PTE_ABSENT)
		return f->v.vmo != NULL || f->access == ACCESS_WRITE ||
		    f->as->school->is_cache;
	return kind == PTE_TRANS || kind == PTE_FORK;
}

/* The working set is full: trim pages of it first, if possible; if the clock hand is
 * among locked pages, at a later fault.  [W].  True: pages were trimmed, and perhaps an
 * empty table freed, so that pt_walk() must run again. */
static bool
keep_limit(struct fctx *f)
{
	struct aspace *as = f->as;
	size_t gone;

	if (as->ws.pages < atomic_load_relaxed(&as->ws.max))
		return false;
	gone = ws_excess(as, adds_page(f));
	if (gone > 0)
		gone = as->school->evict(as, gone, as->words.locked > 0 ? WS_BRIEF : 0);
	EVENT_ADD(ws_self_replace, gone);
	return gone > 0;
}

/* Will it make a page that was charged with its private mapping?  [W]. */
static __attribute__((noinline)) bool
makes_promised(const struct fctx *f)
{
	uint64_t w = word_get(f->word), named;
	bool valid = pte_kind(w) == PTE_VALID;

	if (f->access != ACCESS_WRITE || (f->v.prot & PROT_W) == 0 ||
	    (f->v.flags & (VAD_SHARED | VAD_CHARGED)) != VAD_CHARGED)
		return false;
	/* If page tables are a cache the word does not tell: the design asks. */
	if (f->as->school->is_cache)
		return false;
	/* The last owner has a page already; a sharer needs one. */
	if (pte_kind(w) == PTE_FORK || (valid && pte_src(w) == SRC_FORK))
		return f->as->design->shared->refs(f->as, f->va, w, &named) > 1;
	return w == 0 || (valid && pte_src(w) != SRC_PRIV);
}

/* The page of f->va, whose word is f->word.  [M], [W]. */
static inline enum fault_outcome
resolve_page(struct fctx *f)
{
	enum fault_outcome r = FAULT_DONE;

	if (inject_hit(FI_RESTART))
		r = FAULT_RESTART;
	if (r == FAULT_DONE && vmo_is_device(f->v.vmo))
		return fault_device(f);
	if (r == FAULT_DONE && !commit_may_touch() && makes_promised(f))
		r = fault_over_limit(f);
	if (r == FAULT_DONE && keep_limit(f))
		r = pt_walk(f);
	return r == FAULT_DONE ? f->as->school->fault(f) : r;
}

/* The page is mapped, and keeps its table: can the next page of the range be done in
 * this pass?  A run ends with its table. */
static bool
goes_on(struct fctx *f)
{
	va_t next = f->va + PAGE_SIZE;

	if (next >= f->end || next >= f->v.end << PAGE_SHIFT ||
	    next % FAULT_RUN == 0 || f->restarts > 0 || f->file_page != NULL)
		return false;
	f->va = next;
	f->word++;
	EVENT(fault_end, FAULT_DONE, 0);
	EVENT(fault_begin, f->va, f->access, f->as->id);
	return true;
}

/* Count the pages beyond the first: for the counters each is a fault of its own. */
static __attribute__((noinline)) void
count_run(struct fctx *f, uint64_t more)
{
	thread_current()->faults += more;
	EVENT_ADD(fault_total, more);
	EVENT_ADD(fault_kernel, more);
	EVENT_ADD(fault_ended, more);
}

/* Take [W].  If the lock is taken, clear a frame first, which a store will mostly need: a
 * third of a zero-fill is then not done under the lock.  Not for a file, whose page may
 * have to be read and needs other frames (R9).  ws_limit() leaves room for the frame. */
static void
lock_words(struct fctx *f)
{
	struct aspace *as = f->as;
	bool wait = mutex_is_taken(&as->ws_lock);

	if (wait && f->access == ACCESS_WRITE && f->v.vmo == NULL)
		(void)want_zeros(&f->want);
	if (wait)
		atomic_add(&as->ws.waiting, 1);
	mutex_lock(&as->ws_lock);
	if (wait)
		atomic_sub(&as->ws.waiting, 1);
}

/* S1 and S2: tables, then the design.  [M] held. */
static enum fault_outcome
fault_resolve(struct fctx *f)
{
	va_t first = f->va;
	enum fault_outcome r;

	lock_words(f);
	/* holds: M shared, W */
	r = pt_walk(f);
	while (r == FAULT_DONE && (r = resolve_page(f)) == FAULT_DONE &&
	    goes_on(f))
		;
	if (f->va != first)
		count_run(f, (f->va - first) >> PAGE_SHIFT);
	if (r == FAULT_DONE && f->pin_out != NULL) {
		*f->pin_out = pte_page(word_get(f->word));
		page_pin(*f->pin_out);
	}
	if (r != FAULT_DONE)
		pt_pin(f);
	mutex_unlock(&f->as->ws_lock);
	/* holds: M shared; not W */
	if (r == FAULT_DONE && f->access == ACCESS_WRITE &&
	    f->v.vmo != NULL && (f->v.flags & VAD_SHARED) != 0)
		vmo_stored(f->v.vmo);
	return r;
}

/* No VAD contains va: does a stack above grow down to it?  That changes the tree, so
 * map_lock is taken anew for writing and the VAD looked up again.
 * Locks: [M], dropped and taken again.  Returns: FAULT_RESTART, FAULT_SIGNAL. */
static enum fault_outcome
fault_grow(struct fctx *f)
{
	struct aspace *as = f->as;
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vad *v = vad_find_above(as, vpn);
	int r = 0;

	HELD_SHARED(&as->map_lock);
	if (v == NULL || (v->flags & VAD_GROWSDOWN) == 0)
		return fault_signal(f, SIGSEGV, SEGV_MAPERR);
	if (!f->exclusive) {
		rw_unlock_read(&as->map_lock);
		rw_lock_write(&as->map_lock);
		v = vad_find_above(as, vpn);
	}
	/* holds: M */
	if (v == NULL || v->start > vpn)
		r = v == NULL ? -ENOMEM : map_grow_stack(as, v, vpn);
	if (!f->exclusive)
		rw_downgrade(&as->map_lock);
	/* holds: M shared */
	if (r != 0)
		return fault_signal(f, SIGSEGV, SEGV_MAPERR);
	return FAULT_RESTART;
}

/* A debugger stores to a mapping that is not charged, and one page of it is charged at
 * this touch.  From now on all its pages are charged at touch, even if it becomes
 * writable: PTEs alone could not tell which pages were charged.
 * Locks: [M] exclusive; takes [X]. */
static void
pays_at_touch(struct fctx *f)
{
	struct vad *v;

	HELD(&f->as->map_lock);
	if (f->access != ACCESS_WRITE || f->as->school->is_cache ||
	    (f->v.flags & (VAD_SHARED | VAD_CHARGED | VAD_NORESERVE)) != 0)
		return;
	v = vad_find(f->as, f->va >> PAGE_SHIFT);
	v->flags |= VAD_NORESERVE;
	vad_update_link(v);
}

/* The page of a forced access is pinned; take the rights away that the process does not
 * have, from that page and from neighbours that were mapped with it.
 * Locks: [M] exclusive. */
static __attribute__((noinline)) void
take_rights_back(struct fctx *f)
{
	struct vad part = { .start = f->va >> PAGE_SHIFT, .flags = f->v.flags };
	int r;

	HELD(&f->as->map_lock);
	part.end = MIN(part.start + AROUND_MAX, f->v.end);
	r = f->as->school->protect(f->as, &part, f->v.prot);
	ASSERT(r == 0);
	pays_at_touch(f);
}

/* S0: copy the VAD of va to f->v: VADs are paged, and no paged memory is touched under
 * ws_lock.  The copy is valid while [M] is held. */
static enum fault_outcome
fault_lookup(struct fctx *f)
{
	uint64_t vpn = f->va >> PAGE_SHIFT;
	struct vad *v;

	if (f->va >= MD_USER_END)
		return fault_signal(f, SIGSEGV, SEGV_MAPERR);
	v = f->as->school->lookup(f->as, vpn);
	if (v != NULL)
		set_vad(f, v);
	/* Perhaps it was lost just now, when its page was brought. */
	if (as_is_lost(f->as))
		return fault_signal(f, SIGKILL, 0);
	return v == NULL ? fault_grow(f) : FAULT_DONE;
}

static enum fault_outcome
fault_once(struct fctx *f)
{
	struct thread *me = thread_current();
	enum fault_outcome r;

	sched_keep_turn(me);
	if (f->exclusive)
		rw_lock_write(&f->as->map_lock);
	else
		rw_lock_read(&f->as->map_lock);
	r = fault_lookup(f);
	if (r == FAULT_DONE)
		r = fault_resolve(f);
	if (r == FAULT_DONE && f->force)
		take_rights_back(f);
	if (f->exclusive)
		rw_unlock_write(&f->as->map_lock);
	else
		rw_unlock_read(&f->as->map_lock);
	sched_end_turn(me);
	return r;
}

/* ---- S3: the end ---- */

/* Give pins, frame and token back; the thread returns to the fault around this one. */
static void
end_holds(struct fctx *f, enum fault_outcome r)
{
	if (f->npin > 0 || f->want.frame != NULL || f->restarts > 0 ||
	    r != FAULT_DONE)
		fault_give_back(f);
	thread_current()->vmfault = f->outer;
}

/* The result for the caller.  A fault whose wait failed is a bus error: the page could
 * not be read. */
static int
answer(struct fctx *f, enum fault_outcome r, int error)
{
	if (r == FAULT_DONE)
		return 0;
	if (error == -EINTR)
		return -EINTR;
	if (error != 0) {
		f->sig.signo = SIGBUS;
		f->sig.code = BUS_ADRERR;
		f->sig.addr = f->va;
	}
	if (!f->kernel && f->sig.signo == SIGSEGV)
		EVENT(fault_sigsegv);
	else if (!f->kernel && f->sig.signo == SIGBUS)
		EVENT(fault_sigbus);
	return -EFAULT;
}

/* In this order: a thread that took a frame makes room for the next while it holds no
 * lock or pin, and nothing of the fault is left when the check runs. */
static int
fault_finish(struct fctx *f, enum fault_outcome r, int error)
{
	end_holds(f, r);
	if (f->major)
		EVENT(fault_major);
	EVENT(fault_end, r, f->restarts);
	EVENT(fault_ended);
	if (bal_needs_help(f->as))
		bal_help(f->as);
	fault_reap();
	if (evidence_is_asked() && faults.hook != NULL)
		faults.hook(f->as, FAULT_ENDS);
	return answer(f, r, error);
}

/* ---- all of it ---- */

/* Make va reachable for one access by the current thread.  f is zero except kernel and
 * pin_out: the page is then left pinned in *pin_out.  A caller that sets kernel also
 * counts fault.kernel.
 * Locks: none of rank >= 2 held; takes and releases map_lock and ws_lock.
 * Owns: nothing afterwards: pins and spare frames of f are given back.
 * Returns: 0, -EFAULT (the signal to send is in f->sig), -EINTR (dying). */
int
vm_fault(struct aspace *as, va_t va, enum access access, struct fctx *f)
{
	struct thread *t = thread_current();
	enum fault_outcome r;
	int error = 0;

	f->as = as;
	f->va = va;
	f->access = access;
	f->outer = t->vmfault;
	t->vmfault = f;
	t->faults++;
	EVENT(fault_total);
	EVENT(fault_begin, va, access, as->id);
	do {
		/* Others could reclaim the page each time before it is mapped (D6). */
		f->want.hold = f->restarts >= faults.hold;
		r = fault_once(f);
		if (r == FAULT_DONE || r == FAULT_SIGNAL)
			break;
		error = fault_between(f, r);
	} while (error == 0);
	return fault_finish(f, error != 0 ? FAULT_SIGNAL : r, error);
}

/* A fault of a user program, for the trap handler.
 * Locks: none held.
 * Returns: 0; -EFAULT with the signal in *si; -EINTR (dying), *si without one. */
int
vm_user_fault(struct aspace *as, va_t va, enum access access,
    struct vm_siginfo *si)
{
	struct fctx f;
	int r;

	fault_clear(&f);
	r = vm_fault(as, va, access, &f);
	if (r != 0)
		*si = f.sig;
	return r;
}

/* A fault that ended in a signal: does another process resolve it (design frames)?
 * Locks: none held.  Returns: true: go on with the registers in the frame. */
bool
vm_fault_upcall(struct aspace *as, va_t va, enum access access, struct trapframe *tf)
{
	const struct own_ops *own = as->design->own;

	return own != NULL && own->upcall(as, va, access, tf);
}

/* A page fault in kernel mode at a user address: inside md_copy_user().
 * Locks: none of rank >= 2.
 * Returns: 0: touch it again; -EFAULT: the recovery table ends the copy. */
int
vm_kernel_fault(va_t va, enum access access)
{
	struct fctx f = { .kernel = true };
	struct aspace *as = as_current();

	if (va - MD_KPAGED_BASE < MD_KPAGED_SIZE)
		return kpaged_fault(va);
	if (as == NULL || va >= MD_USER_END)
		return -EFAULT;
	EVENT(fault_kernel);
	return vm_fault(as, va, access, &f) == 0 ? 0 : -EFAULT;
}

/* Fault in each page of [va, end) for the kernel: in one pass as many as lie in one
 * mapping and table, so that locks and table walk are paid once.
 * Locks: as vm_fault().
 * Returns: 0; else the error at f->va, as vm_fault(); -EINTR also if all pages are there
 * already but the thread is killed. */
int
vm_fault_range(struct aspace *as, va_t va, va_t end, enum access access,
    struct fctx *f)
{
	int r = 0;

	for (; va < end && r == 0; va = f->va + PAGE_SIZE) {
		*f = (struct fctx){ .kernel = true, .va = va, .end = end };
		if (thread_is_killed())
			return -EINTR;
		EVENT(fault_kernel);
		r = vm_fault(as, va, access, f);
	}
	return r;
}
