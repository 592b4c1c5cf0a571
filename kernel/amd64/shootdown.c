/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shootdown.c: no CPU may use a translation that is gone (book: tlb)
 *
 * Problem   CPUs cache page-table words.  Before a frame gets a new use, each
 *           CPU that might still reach it by an old word must forget it.
 *
 * Picture   initiator                        target
 *           word cleared by xchg
 *           gen = ++space->tlb_gen
 *           read space->cpus
 *           fill box[target][me], pending ──IPI──→ serve(): invlpg or CR3
 *           flush here                             seen_gen = gen
 *           wait until not pending  ←───────────── pending = 0
 *           (a LAZY target is only marked: it reloads before it uses the
 *           space again; if tables go, it gets an IPI too: its walker may
 *           still write A bits into them)
 *
 * Rules     1. Every step and its order is that of kernel/test/models/tlb.pml;
 *              change the model first.
 *           2. seen_gen belongs to cur_space alone: generations of two spaces
 *              are never compared.
 *           3. One slot for each initiator on each target; it is free again
 *              when pending is 0, which is also the acknowledgement.
 *           4. R6a: no flush with interrupts off or a lock of rank >= 7, for
 *              the target may spin for that lock with interrupts off.
 *           5. Kernel words are never global where they can be unmapped, so
 *              that a CR3 load drops them.
 *
 * Read next vm/table/tlb.c.  Book: ch07.
 */
#include "amd64/amd64.h"
#include "events.h"
#include "lib/floor.h"

#define INVLPG_MAX 32              /* pages; above, reloading CR3 is cheaper */
#define INJECT_DELAY_NS 10000000ul

static struct {
	uint64_t kernel_gen;       /* [A] for the trace: flushes of the kernel */
} tlb;

static void load_space(struct cpu *, struct md_space *);
static uint64_t post_all(uint64_t mask, const struct tlb_slot *req,
    bool lazy_ok);
static bool post_one(struct cpu *target, const struct tlb_slot *req,
    bool lazy_ok);
static bool mark_stale(struct cpu *target);
static void wait_all(uint64_t mask);
static void serve(struct cpu *, struct tlb_slot *);
static void flush_here(struct cpu *, const struct tlb_slot *req);
static void leave(struct cpu *, struct md_space *);
static void invalidate(const struct tlb_slot *req);

/* ---- which space a CPU has loaded ---- */

/*
 * Run in space from now on; steps (0) to (4) of the text.
 *
 * Context:  interrupts off.
 */
void
md_space_enter(struct md_space *space)
{
	struct cpu *c = cpu_this();
	uint32_t was;

	ASSERT(!md_irq_is_enabled());
	if (c->cur_space != space) {
		load_space(c, space);
		return;
	}
	was = atomic_xchg(&c->tlb_state, TLB_ACTIVE);
	if (was == TLB_LAZY_STALE) {
		/* In this order: what is cleared after the reload must
		 * find an ACTIVE CPU with an older seen_gen. */
		c->seen_gen = atomic_load(&space->tlb_gen);
		write_cr3(space->root_pa);
	}
}

static void
load_space(struct cpu *c, struct md_space *space)
{
	struct md_space *old = c->cur_space;

	/* (0) before the bit, else a mark LAZY_STALE would be wiped out. */
	atomic_store(&c->tlb_state, TLB_ACTIVE);
	/* (1) before CR3: a CPU not in the mask has nothing cached. */
	(void)atomic_or(&space->cpus, BIT(c->id));
	/* (2) */
	c->cur_space = space;
	c->seen_gen = atomic_load(&space->tlb_gen);
	/* (3) */
	write_cr3(space->root_pa);
	/* (4) */
	if (old != NULL)
		(void)atomic_and(&old->cpus, ~BIT(c->id));
}

/*
 * A kernel thread runs: keep the root, touch no user address.
 *
 * Context:  interrupts off.
 */
void
md_space_lazy(void)
{
	uint32_t active = TLB_ACTIVE;

	ASSERT(!md_irq_is_enabled());
	(void)atomic_cas(&cpu_this()->tlb_state, &active, TLB_LAZY);
}

/* ---- initiator ---- */

/*
 * Make every CPU forget [lo, hi) of space (NULL: of the kernel).
 *
 * Locks:    the space's ws_lock; none of rank >= 7; interrupts on.
 * Context:  thread; does not sleep, preemption is off meanwhile.
 */
void
md_tlb_flush(struct md_space *space, va_t lo, va_t hi, enum md_flush what)
{
	struct tlb_slot req = { .pending = 0, .space = space,
		.what = space != NULL ? TLB_FLUSH_USER : TLB_FLUSH_KERNEL,
		.lo = PAGE_DOWN(lo), .hi = PAGE_UP(hi) };
	uint64_t n = (req.hi - req.lo) >> PAGE_SHIFT, mask;

	ASSERT(md_irq_is_enabled());
	req.full = n > INVLPG_MAX;
	md_preempt_disable();
	if (space != NULL) {
		req.gen = atomic_add(&space->tlb_gen, 1);
		mask = atomic_load(&space->cpus);
	} else {
		req.gen = atomic_add(&tlb.kernel_gen, 1);
		mask = md_online_mask();
	}
	mask &= ~BIT(md_cpu());
	EVENT(tlb_flush, req.gen, n, mask);
	if (req.full)
		EVENT(tlb_full);
	else
		EVENT_ADD(tlb_pages, n);

	/* Kernel threads use kernel addresses: no lazy CPU is left out. */
	if (mask != 0)
		mask = post_all(mask, &req, space != NULL && what == FLUSH_PAGES);
	md_irq_disable();
	flush_here(cpu_this(), &req);
	md_irq_enable();
	wait_all(mask);
	md_preempt_enable();
}

/*
 * Make every CPU leave space for the kernel's root; cpus is 0 afterwards.
 *
 * Locks:    none of rank >= 7; interrupts on; no thread of space runs or will.
 * Context:  thread; does not sleep.
 */
void
md_space_kick(struct md_space *space)
{
	struct tlb_slot req = { .what = TLB_LEAVE, .space = space };
	uint64_t flags, mask;

	ASSERT(md_irq_is_enabled());
	md_preempt_disable();
	mask = atomic_load(&space->cpus) & ~BIT(md_cpu());
	mask = post_all(mask, &req, false);
	flags = md_irq_save();
	leave(cpu_this(), space);
	md_irq_restore(flags);
	wait_all(mask);
	md_preempt_enable();
	ASSERT(atomic_load(&space->cpus) == 0);
}

/* The lowest CPU of a mask first; mostly there is none. */
static unsigned
first_of(uint64_t mask)
{
	return (unsigned)__builtin_ctzl(mask);
}

/* Post req to the CPUs of mask; returns those that must acknowledge. */
static uint64_t
post_all(uint64_t mask, const struct tlb_slot *req, bool lazy_ok)
{
	uint64_t left, posted = 0;

	for (left = mask; left != 0; left &= left - 1)
		if (post_one(cpu_of(first_of(left)), req, lazy_ok))
			posted |= left & -left;
	return posted;
}

/* False: the CPU is lazy and was only marked. */
static bool
post_one(struct cpu *target, const struct tlb_slot *req, bool lazy_ok)
{
	struct tlb_slot *slot = &target->box[md_cpu()];

	if (lazy_ok && mark_stale(target)) {
		EVENT(tlb_lazy_skipped);
		return false;
	}
	ASSERT(atomic_load(&slot->pending) == 0);
	*slot = *req;
	atomic_store(&slot->pending, 1);
	EVENT(tlb_ipi);
	apic_send(target->id, VEC_TLB);
	return true;
}

/* A CPU that has become ACTIVE meanwhile makes the exchange fail. */
static bool
mark_stale(struct cpu *target)
{
	uint32_t state = TLB_LAZY;

	if (atomic_cas(&target->tlb_state, &state, TLB_LAZY_STALE))
		return true;
	return state == TLB_LAZY_STALE;
}

/* Interrupts are on, so our own mailbox is served while we wait. */
static void
wait_all(uint64_t mask)
{
	unsigned me = md_cpu();

	for (; mask != 0; mask &= mask - 1)
		while (atomic_load(&cpu_of(first_of(mask))->box[me].pending) != 0)
			md_pause();
}

/* Step 4: this CPU.  Interrupts off: serve() changes seen_gen too. */
static void
flush_here(struct cpu *c, const struct tlb_slot *req)
{
	if (req->what == TLB_FLUSH_KERNEL) {
		invalidate(req);
	} else if (c->cur_space == req->space) {
		invalidate(req);
		if (c->seen_gen < req->gen)
			c->seen_gen = req->gen;
	}
}

/* ---- target ---- */

/* The IPI: look at every initiator's slot. */
void
tlb_interrupt(void)
{
	struct cpu *c = cpu_this();
	unsigned i;

	for (i = 0; i < MAXCPU; i++)
		if (atomic_load(&c->box[i].pending) != 0)
			serve(c, &c->box[i]);
}

static void
serve(struct cpu *c, struct tlb_slot *s)
{
	switch (s->what) {
	case TLB_FLUSH_KERNEL:
		invalidate(s);
		break;
	case TLB_FLUSH_USER:
		/* Coalesced, or that space is not loaded any more: nothing. */
		if (s->space == c->cur_space && c->seen_gen < s->gen) {
			invalidate(s);
			c->seen_gen = s->gen;
		}
		break;
	case TLB_LEAVE:
		leave(c, s->space);
		break;
	}
	if (inject_hit(FI_IPI_DELAY))
		clock_spin_ns(INJECT_DELAY_NS);
	EVENT(tlb_ack, c->id);
	atomic_store_release(&s->pending, 0);
}

/* Interrupts off. */
static void
leave(struct cpu *c, struct md_space *space)
{
	if (c->cur_space != space)
		return;
	write_cr3(kernel_root);
	c->cur_space = NULL;
	atomic_store(&c->tlb_state, TLB_NONE);
	(void)atomic_and(&space->cpus, ~BIT(c->id));
}

static void
invalidate(const struct tlb_slot *req)
{
	va_t va;

	if (req->full) {
		write_cr3(read_cr3());
		return;
	}
	for (va = req->lo; va < req->hi; va += PAGE_SIZE)
		md_tlb_local(va);
}

void
md_tlb_local(va_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
