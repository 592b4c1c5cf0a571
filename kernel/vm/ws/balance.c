/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * balance.c: the thread that decides whose pages go
 *
 * Problem   When frames become few, some space has to give pages up.  It should
 *           be the one that needs them least: old pages before young ones, pages
 *           of sleeping programs before those of running ones, and not more
 *           of them than are wanted.
 *
 * Picture   free + standby   high ←──────────────── low ──── 0
 *                              trim until there,     │ a wake
 *                              counting what is      ▼
 *                              being written     round 3, 2, 1: pages of that
 *                                                age, down to ws.min of each
 *                                                round 0: any, of sleepers all
 *           before: tables that name no frame; before round 0: the kernel's pages
 *           in each round first the space with most pages × seconds not used
 *
 * Rules     1. bsm needs [W] of its victim and nothing else: a holder of [W]
 *              never waits for a page or frame (D3).  An age pass only tries a
 *              ws_lock at two visits, then waits for it.  A round waits for it
 *              at its end, the last round at once: a space that is in a fault
 *              must not be spared while another loses younger pages.
 *           2. Pages on the modified queues become free when they are written:
 *              they count as free, the writer is woken, and no more pages are
 *              trimmed in their stead.  If there is no slot they do not count,
 *              and no page that would need one is trimmed.
 *           3. Age is measured in seconds while there is memory, then in frames
 *              allocated: a quarter of the memory makes a page one older, so
 *              that age 3 means long unused under any load, and on a slow disk,
 *              too.  While there are enough old pages, no page becomes older.  A
 *              space that had too few pages of an age gets no more before its
 *              next age pass, and is not searched for them until then.
 *           4. When memory begins to be short, an age pass ends with a flush:
 *              else a page that is used by a TLB entry would look unused.  Then
 *              unused pages of the kernel, and tables that name no frame, are queued
 *              though nobody asks: a program that fills memory with a file only
 *              takes frames from the queues.
 */
#include "vm/design/design.h"
#include "vm/kpaged/kpaged.h"
#include "vm/ws/ws.h"

#define SECOND 1000000000ul
#define ROUND_NS SECOND              /* between two looks */
#define REST_NS 10000000ul           /* after a round that found nothing */
#define SLEEPER_NS (10 * SECOND)     /* unused that long: all its pages go */
#define AGE_TRIES 2                  /* then wait for the lock */

static struct {
	uint32_t visit;              /* [bsm] number of this round of visits */
	int round;                   /* [bsm] 3 … 0; the age for score_trim() */
	bool missed;                 /* [bsm] score_trim(): only whose lock was taken */
	size_t want;                 /* [bsm] pages that this round has still to trim */
	uint64_t now;                /* [bsm] when the look began */
	uint64_t aged_ns, aged_at;   /* [bsm] last age pass: time, frames given out */
	_Atomic uint64_t rounds, passes; /* [A] for /proc */
} bal;

/* ---- how many frames are there ---- */

/* How many pages must be trimmed. */
static uint64_t
shortage(void)
{
	uint64_t have = frames_available() + pageout_coming();
	uint64_t want = phys_marks.high;

	return have < want ? want - have : 0;
}

/* min_age of a trim: if there is no slot, only pages that need none. */
static int
of_age(int age)
{
	return swap_has_room() ? age : age | WS_HAS_PLACE;
}

/* Frames are not yet so few that pages must be trimmed, but soon may be. */
static bool
begins_to_be_short(void)
{
	return frames_available() < 4 * phys_marks.high;
}

/* ---- visits ---- */

/* Take its [W]; false: the lock is taken, and this was not the last try.  Age passes and
 * trims count their tries separately: else a space that trims kept from its age passes
 * would look like a sleeper. */
static bool
enter(struct aspace *as, uint8_t *missed, uint8_t tries)
{
	if (*missed >= tries)
		mutex_lock(&as->ws_lock);
	else if (inject_hit(FI_TRYLOCK) || !mutex_trylock(&as->ws_lock)) {
		++*missed;
		return false;
	}
	*missed = 0;
	if (as->md.root_pa != 0)
		return true;
	mutex_unlock(&as->ws_lock);
	return false;
}

/* Call visit for every space with a score in this round, the highest first. */
static size_t
visit_all(as_score_fn *score, size_t (*visit)(struct aspace *))
{
	struct aspace *as[AS_COLLECT];
	size_t done = 0;
	unsigned i, n;

	bal.visit++;
	while ((n = as_collect(score, as)) > 0) {
		for (i = 0; i < n; i++) {
			as[i]->ws.visit = bal.visit;
			done += visit(as[i]);
			as_put(as[i]);
		}
	}
	return done;
}

/* ---- age ---- */

/* Enough of its pages are old, and it was used lately: do not age it. */
static bool
has_old_pages(const struct aspace *as)
{
	return as->ws.emptied == 0 &&
	    as->ws.ages[WS_AGES - 1] >= as->ws.pages / 4 &&
	    bal.now - as->ws.used_ns < 2 * ROUND_NS;
}

static uint64_t
score_age(const struct aspace *as)
{
	return as->ws.visit != bal.visit && as->ws.pages != 0;
}

static size_t
visit_age(struct aspace *as)
{
	if (has_old_pages(as) || !enter(as, &as->ws.age_missed, AGE_TRIES))
		return 0;
	ws_grow_older(as);
	if (begins_to_be_short())
		tlb_flush_range(as, 0, MD_USER_END >> PAGE_SHIFT);
	mutex_unlock(&as->ws_lock);
	return 1;
}

/* A second has passed, or, if memory is short, a quarter of it was allocated. */
static bool
is_time_to_age(void)
{
	uint64_t rest = begins_to_be_short() ? SLEEPER_NS : ROUND_NS;
	struct phys_stat ps;

	if (bal.now - bal.aged_ns >= rest)
		return true;
	phys_stat(&ps);
	return ev_read(EV_page_alloc) - bal.aged_at >= ps.total / WS_AGES;
}

/* The kernel's pages that were not used since the last time.  Without a slot they would
 * only wait in the queue. */
static size_t
trim_kernel(void)
{
	return swap_has_room() ? kpaged_trim() : 0;
}

static void
age_all(void)
{
	bal.aged_ns = bal.now;
	bal.aged_at = ev_read(EV_page_alloc);
	visit_all(score_age, visit_age);
	if (begins_to_be_short())
		(void)trim_kernel();
	atomic_add(&bal.passes, 1);
}

/* ---- tables ---- */

static uint64_t
score_tables(const struct aspace *as)
{
	return as->ws.visit == bal.visit ? 0 :
	    atomic_load_relaxed(&as->table.idle.n);
}

/* Wait for the lock: if this space were skipped, the next round would take pages,
 * although tables that name none are still in memory. */
static size_t
visit_tables(struct aspace *as)
{
	size_t done = 0;

	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		done = pt_evict(as, SIZE_MAX);
	mutex_unlock(&as->ws_lock);
	return done;
}

/* Evict all tables that name no frame before any page: nobody uses them.  Without a slot
 * they would only wait in the queue. */
static size_t
send_tables(void)
{
	return swap_has_room() ? visit_all(score_tables, visit_tables) : 0;
}

/* A fault has ended: if tables lose their pages faster than bsm visits them, a thread
 * that makes new tables evicts idle ones.
 * Locks: none of rank >= 5; takes [W].  The space has a user. */
void
bal_help(struct aspace *as)
{
	if (!begins_to_be_short() || !swap_has_room())
		return;
	mutex_lock(&as->ws_lock);
	(void)pt_evict(as, IDLE_TOO_MANY);
	mutex_unlock(&as->ws_lock);
}

/* ---- trimming ---- */

/* How long, at the last age pass, the space had not been used. */
static uint64_t
unused_ns(const struct aspace *as)
{
	uint64_t used = atomic_load_relaxed(&as->ws.used_ns);

	return bal.aged_ns > used ? bal.aged_ns - used : 0;
}

static uint64_t
score_trim(const struct aspace *as)
{
	uint64_t keep = bal.round > 0 ? as->ws.min : 0;
	uint64_t pages = atomic_load_relaxed(&as->ws.pages);

	if (as->ws.visit == bal.visit || pages <= keep ||
	    as->ws.emptied >= WS_AGES - bal.round ||
	    (bal.missed && as->ws.missed == 0))
		return 0;
	return (pages - keep) * (1 + unused_ns(as) / SECOND);
}

/* Was it unused for long?  Look again, for the last age pass may be long ago.  [W]. */
static bool
is_sleeper(struct aspace *as)
{
	if (unused_ns(as) > SLEEPER_NS)
		ws_grow_older(as);
	return unused_ns(as) > SLEEPER_NS;
}

static size_t
visit_trim(struct aspace *as)
{
	size_t want = MIN(bal.want, shortage()), done;
	bool whole;

	if (want > 0 && design_evicts_any(as)) {
		done = as->design->shared->evict_any(want, of_age(bal.round));
		bal.want -= MIN(bal.want, done);
		return done;
	}
	if (want == 0 ||
	    !enter(as, &as->ws.missed, bal.round == 0 ? 0 : 1))
		return 0;
	whole = bal.round == 0 && is_sleeper(as);
	want = whole ? SIZE_MAX : MIN(want, ws_adjust(as, bal.round));
	done = as->school->evict(as, want, of_age(bal.round));
	bal.want -= MIN(bal.want, done);
	if (done < want && bal.round > 0)
		as->ws.emptied = (uint8_t)(WS_AGES - bal.round);
	mutex_unlock(&as->ws_lock);
	if (whole && done > 0)
		EVENT(ws_out, done);
	return done;
}

/* One round: first the spaces whose lock is free, then, if needed, the others.  What others
 * take meanwhile is for the next one: else a space with a low score would pay for it.
 * Returns: pages trimmed. */
static size_t
trim_round(size_t want)
{
	size_t done = bal.round == 0 ? trim_kernel() : 0;

	bal.want = want;
	bal.missed = false;
	done += visit_all(score_trim, visit_trim);
	bal.missed = true;
	if (bal.want > 0)
		done += visit_all(score_trim, visit_trim);
	atomic_add(&bal.rounds, 1);
	return done;
}

/* A round that has trimmed all that was wanted is repeated: others have taken frames
 * meanwhile, and the next round would take younger pages.
 * Returns: something was trimmed, or nothing had to be. */
static bool
balance(void)
{
	size_t done = send_tables(), n;
	uint64_t want;

	bal.round = WS_AGES - 1;
	while (bal.round >= 0 && (want = shortage()) > 0) {
		n = trim_round(want);
		done += n;
		if (n < want)
			bal.round--;
	}
	pageout_wake();
	return done > 0 || bal.round > 0;
}

/* ---- the thread ---- */

static void
bal_main(void *arg)
{
	vm_reserved_enter();
	for (;;) {
		frames_wait_low(md_time_ns() + ROUND_NS);
		bal.now = md_time_ns();
		atomic_store(&frames_unmovable,
		    as_sum(offsetof(struct aspace, words.locked)));
		if (is_time_to_age())
			age_all();
		if (!frames_are_low()) {
			if (begins_to_be_short())
				(void)send_tables();
			continue;
		}
		/* Nothing could be trimmed: a wake at each allocation will not help. */
		if (!balance())
			(void)sleep_until(md_time_ns() + REST_NS, WAIT_PLAIN);
	}
}

void
bal_start(void)
{
	if (thread_spawn("bsm", bal_main, NULL) == NULL)
		panic("bsm: no memory for the thread");
}

/* For /proc/vm/queues. */
void
bal_show(struct out *o)
{
	out_printf(o, "bsm age_passes=%lu rounds=%lu shortage=%lu "
	    "idle_tables=%lu\n", atomic_load(&bal.passes),
	    atomic_load(&bal.rounds), shortage(),
	    as_sum(offsetof(struct aspace, table.idle.n)));
}
