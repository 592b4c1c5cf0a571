/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.c: the states of a frame and the legal changes between them
 *
 * Problem   A frame is used by allocator, fault, trimming, disk and queues in
 *           turn.  A wrong change (freed while being read, reclaimed while
 *           mapped) shows up much later and elsewhere.  So one function makes
 *           every change and refuses illegal ones at once.
 *
 * Picture          ┌──────────────── rescue ────────────────┐
 *                  ▼                                        │
 *       FREE ─→ LIMBO ─→ ACTIVE ─→ MODIFIED ─ cleaned ─→ STANDBY ─→ FREE
 *        ↓ ↑      │ ↑       └───────── clean ──────────────→┘ ↑
 *      ZEROED ←─→ │ └ orphan                                  │
 *                 └────→ READING ──── disk has delivered ─────┘
 *
 * Rules     1. page->state is written here and nowhere else, page->home too.
 *           2. Numbers beside legal[] are rows (book: page-states).
 *           3. Each CPU counts its changes in words of its own, for a shared
 *              word would go from cache to cache eight times a fault;
 *              page_count() is the sum.
 *
 * Read next mem/phys.c, then vm/frame/page.c for pins, words and orphans.
 */
#include "events.h"
#include "mem/page.h"
#include "md.h"

struct vm_page *pfdb;                            /* [c] */
struct spinlock pfn_lock = SPIN_INIT(LR_PFN);

_Static_assert(MD_WORD_PAGES + PG_NSTATES == MD_WORD_HOMES, "a word for each state");
_Static_assert(MD_WORD_HOMES + HOME_COUNT == MD_WORDS, "a word for each home");

#define TO(s) (1u << PG_##s)

/*
 * legal[from] has a bit for each state that may follow.  ZEROED → FREE is row 1
 * backwards: a run of frames is put together again and the zeros are forgotten.
 */
static const uint16_t legal[PG_NSTATES] = {
	[PG_FREE] = TO(ZEROED) | TO(LIMBO) | TO(WIRED) | TO(BAD), /* 1 2 17 */
	[PG_ZEROED] = TO(FREE) | TO(LIMBO) | TO(WIRED) | TO(BAD), /* 1 2 17 */
	[PG_ACTIVE] = TO(STANDBY) | TO(MODIFIED) | TO(FREE) | TO(LIMBO) |
	    TO(BAD),                                      /* 9 10 14 15 */
	[PG_STANDBY] = TO(ACTIVE) | TO(FREE) | TO(LIMBO) | TO(BAD),
	                                                  /* 7 13 14 15 */
	[PG_MODIFIED] = TO(ACTIVE) | TO(STANDBY) | TO(MODIFIED) | TO(FREE) |
	    TO(LIMBO) | TO(BAD),                       /* 8 11 12 14 15 */
	[PG_READING] = TO(STANDBY) | TO(FREE) | TO(LIMBO) | TO(BAD), /* 5 6 15 */
	[PG_LIMBO] = TO(ACTIVE) | TO(READING) | TO(LIMBO) | TO(FREE) |
	    TO(ZEROED) | TO(WIRED) | TO(BAD),        /* 3 4 14 15 16 17 */
	[PG_WIRED] = TO(FREE) | TO(ZEROED) | TO(LIMBO) | TO(BAD), /* 17 15 */
	[PG_BAD] = 0,                                              /* 19 */
};

static const char *const state_names[PG_NSTATES] = {
	[PG_FREE] = "FREE", [PG_ZEROED] = "ZEROED", [PG_ACTIVE] = "ACTIVE",
	[PG_STANDBY] = "STANDBY", [PG_MODIFIED] = "MODIFIED",
	[PG_READING] = "READING", [PG_LIMBO] = "LIMBO", [PG_WIRED] = "WIRED",
	[PG_BAD] = "BAD",
};

/* States between which mem/ itself moves frames that nobody else knows. */
#define PRIVATE_STATES (TO(FREE) | TO(ZEROED) | TO(LIMBO) | TO(WIRED))

static void NORETURN
refuse(const struct vm_page *pg, enum page_state to, const char *why)
{
	panic("page_set_state: %s: pfn %u %s -> %s, home %u:%lx mapcount %u "
	    "pins %u flags %x", why, page_pfn(pg),
	    page_state_name((enum page_state)pg->state), page_state_name(to),
	    (unsigned)page_home_kind(pg), page_home_payload(pg),
	    pg->mapcount, pg->pins, pg->flags);
}

/*
 * Locks:    see page.h.
 * Returns:  or panics with frame, states, home, mapcount and pins.
 */
void
page_set_state(struct vm_page *pg, enum page_state to)
{
	unsigned from = pg->state;
	bool is_free = to == PG_FREE || to == PG_ZEROED;

	if (UNLIKELY(from >= PG_NSTATES || (legal[from] & 1u << to) == 0))
		refuse(pg, to, "illegal");
	if (!spin_is_mine(&pfn_lock) &&
	    UNLIKELY(((1u << from | 1u << to) & ~PRIVATE_STATES) != 0))
		refuse(pg, to, "without the PFN lock");
	if (is_free && UNLIKELY(pg->mapcount != 0 || pg->pins != 0))
		refuse(pg, to, "in use");
	if (is_free && UNLIKELY(page_home_kind(pg) != HOME_NONE))
		refuse(pg, to, "has a home");
	pg->state = (uint8_t)to;
	md_add_word(MD_WORD_PAGES + from, -1);
	md_add_word(MD_WORD_PAGES + to, 1);
	EVENT(page_state, page_pfn(pg), from << 8 | to, pg->home, pg->flags);
}

/*
 * Locks:    [P], or the frame is one that mem/ keeps for itself, which goes
 *           between NONE and KERNEL while nobody else knows it.
 */
void
page_set_home(struct vm_page *pg, enum page_home kind, uint64_t payload)
{
	enum page_home was = page_home_kind(pg);
	uint64_t old = pg->home, home = (uint64_t)kind << 60 | payload;

	ASSERT(spin_is_mine(&pfn_lock) ||
	    (was == HOME_NONE && kind == HOME_KERNEL) ||
	    (was == HOME_KERNEL && kind == HOME_NONE));
	pg->home = home;
	EVENT(page_home, page_pfn(pg), old, home);
}

const char *
page_state_name(enum page_state s)
{
	return s < PG_NSTATES ? state_names[s] : "?";
}

void
page_adopt(uint64_t n)
{
	md_add_word(MD_WORD_PAGES + PG_FREE, (int64_t)n);
}
