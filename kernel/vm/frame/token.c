/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.c: who may take the last frames, and who may hold memory while waiting
 *
 * Problem   Threads that wait for memory hold some: pinned page tables, and
 *           frames that they already have.  If enough threads wait, they hold
 *           all memory that could be reclaimed, and none ever goes on: a
 *           deadlock.  The threads that make room need frames now and then, too.
 *
 * Picture   free + standby < low:
 *
 *           faults      ──→ ( max(2, evictable/32) tokens ) ──→ phys_wait
 *           fork, munmap,
 *           mremap, exit ─→ ( max(2, evictable/64) tokens ) ──→ phys_wait
 *           block maps  ──→ (           2 places          ) ──→ RESERVED
 *
 *           pins and spare frames of all that wait <= 3/4 of the evictable
 *
 * Rules     (book: deadlock; test/models/wait.pml says what happens without them)
 *           a. A fault token is waited for with no lock, no pin, no frame.
 *           b. A fault that is serialised takes it before the map_lock.
 *           c. A fault in kernel memory waits for its frame without a token,
 *              and first drops the pins and frames of the fault around it.
 *           d. A thread may wait for a structural token under its own map_lock,
 *              but with no pin.  Token holders wait for frames and I/O only.
 *           Block map work of a file system (D3) enters a place, then takes
 *           its lock; inside, it takes frames from the reserve, and waits for
 *           I/O only.
 */
#include "vm/frame/frame.h"

#define AGAIN_NS 100000000ul    /* the number of tokens is computed anew */
#define PLACES 2

struct tokens {
	struct waitq wait;
	_Atomic uint32_t held;       /* [A] */
	unsigned share;              /* [c] of the evictable frames; 0: PLACES */
};

static struct {
	struct tokens fault, structural, place;
} token = {
	.fault = { .share = 32, .wait = WAITQ_INIT(token.fault.wait) },
	.structural = { .share = 64, .wait = WAITQ_INIT(token.structural.wait) },
	.place = { .wait = WAITQ_INIT(token.place.wait) },
};

_Atomic uint64_t frames_unmovable;

/* ---- classes of a thread ---- */

/* One more or, with -1, one fewer. */
static void
ctx_add(enum vmctx_byte byte, int more)
{
	struct thread *t = thread_current();

	ASSERT(more > 0 ? ctx_count(byte) < 0xff : ctx_count(byte) > 0);
	t->vmctx = (void *)((uintptr_t)t->vmctx + ((uintptr_t)more << 8 * byte));
}

/* From now on this thread makes room: its frames may come from the reserve, and no signal
 * ends its waits for them.  Nests. */
void
vm_reserved_enter(void)
{
	ctx_add(CTX_RESERVED, 1);
}

void
vm_reserved_leave(void)
{
	ctx_add(CTX_RESERVED, -1);
}

/* From now on this thread must finish its operation: a change of a file system's
 * metadata, or the locks of a dying thread.  A fatal signal ends no wait in the VM until
 * vm_finish_end().  Nests. */
void
vm_finish_begin(void)
{
	ctx_add(CTX_FINISH, 1);
}

void
vm_finish_end(void)
{
	ctx_add(CTX_FINISH, -1);
}

/* ---- taking and giving ---- */

/* Frames that could be reclaimed from their present users. */
static uint64_t
evictable(void)
{
	uint64_t n = page_count(PG_ACTIVE) + page_count(PG_STANDBY) +
	    page_count(PG_MODIFIED);
	uint64_t locked = atomic_load(&frames_unmovable);

	return n > locked ? n - locked : 0;
}

static uint32_t
limit_of(const struct tokens *t)
{
	uint64_t n;

	if (t->share == 0)
		return PLACES;
	n = evictable() / t->share;
	return (uint32_t)MAX(n, 2ul);
}

static bool
try_take(struct tokens *t)
{
	uint32_t held = atomic_load(&t->held);

	/* The first two are always there: no need to count frames. */
	while (held < 2 || held < limit_of(t))
		if (atomic_cas(&t->held, &held, held + 1))
			return true;
	return false;
}

static int
take(struct tokens *t, enum wait_how how)
{
	int r = 0;

	if (try_take(t))
		return 0;
	do {
		EVENT(page_token_waits);
		r = wait_until(&t->wait, how, md_time_ns() + AGAIN_NS, try_take(t));
	} while (r == -ETIMEDOUT);
	return r;
}

static void
give(struct tokens *t)
{
	ASSERT(atomic_load(&t->held) > 0);
	atomic_sub(&t->held, 1);
	wake_one(&t->wait);
}

/* A token for a fault that goes on though memory is low.
 * Locks: none of rank >= 2, no pin, no spare frame (rule a).
 * Owns: the caller, one token: token_give().
 * Returns: 0, -EINTR (fatal signal). */
int
token_take(void)
{
	int r = take(&token.fault, vm_wait_how());

	if (r == 0)
		ctx_add(CTX_FAULT, 1);
	return r;
}

void
token_give(void)
{
	ctx_add(CTX_FAULT, -1);
	give(&token.fault);
}

/* A structural operation is about to hold its first pin.  Nests: only the outermost
 * takes a token.
 * Locks: at most the own map_lock, no pin (rule d). */
void
structural_begin(void)
{
	if (ctx_count(CTX_STRUCTURAL) == 0)
		CHECK(take(&token.structural, WAIT_PLAIN) == 0);
	ctx_add(CTX_STRUCTURAL, 1);
}

void
structural_end(void)
{
	ctx_add(CTX_STRUCTURAL, -1);
	if (ctx_count(CTX_STRUCTURAL) == 0)
		give(&token.structural);
}

/* Work on the block map of a file, which write-back may have to wait for: two at a
 * time, with frames of the reserve.  Nests.
 * Locks: none of rank >= 2, before the lock of the map. */
void
vm_blockmap_enter(void)
{
	if (ctx_count(CTX_PLACE) == 0)
		CHECK(take(&token.place, WAIT_PLAIN) == 0);
	ctx_add(CTX_PLACE, 1);
	vm_reserved_enter();
}

void
vm_blockmap_leave(void)
{
	vm_reserved_leave();
	ctx_add(CTX_PLACE, -1);
	if (ctx_count(CTX_PLACE) == 0)
		give(&token.place);
}

/* ---- evidence ---- */

static void
put_tokens(struct out *o, const char *name, const struct tokens *t)
{
	out_printf(o, "tokens=%s held=%u limit=%u\n", name,
	    atomic_load(&t->held), limit_of(t));
}

/* For /proc/vm/queues. */
void
token_show(struct out *o)
{
	put_tokens(o, "fault", &token.fault);
	put_tokens(o, "structural", &token.structural);
	put_tokens(o, "blockmap", &token.place);
}
