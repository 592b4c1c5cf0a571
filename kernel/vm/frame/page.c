/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.c: words, mappings, pins and owners of a page
 *
 * Problem   A page has many users at once: PTEs that map it, threads that
 *           copy from it, I/O, and one owner.  The page may go to a queue
 *           when it is neither mapped nor pinned, and its frame to the free
 *           list only when the owner has given it up, too.
 *
 * Picture   owner (home) ──┐        word_set() and its kin, the only writers
 *           words: mapcount├─→ page   of words: keep nres, nused, PF_DIRTY
 *           threads: pins ─┘          of the container that holds the word
 *
 *             adopt          unmap/unpin, last      map/pin
 *      LIMBO ───────→ ACTIVE ───────────────→ queue ───────→ ACTIVE
 *                        └─ disown ─→ LIMBO (ORPHAN while still held) ─→ free
 *
 * Rules     1. *_locked functions are called with [P].  Freeing takes other
 *              locks, so their result says that the caller must call
 *              page_free() once [P] is dropped.
 *           2. A page without an owner is freed by the last mapping or pin.
 *           3. Old or new words of kind TRANS or BUSY change under [P] (R5);
 *              only VALID → TRANS does not: the page is still mapped then.
 */
#define WORD_TO_CALL /* functions, for callers that cannot inline them */
#include "vm/frame/frame.h"

#define IDLE_MANY 64 /* tables without a page: wake bsm */

static struct vm_page *zero_frame;   /* [c] the global one */

/* The zero frame, and the queues of sleepers for pages.
 * Locks: none; once, by vm_init().
 * Returns: or panics: without a frame there is no machine. */
void
page_init(void)
{
	pageio_init();
	zero_frame = phys_alloc(PHYS_RESERVED, PHYS_ZEROED);
	if (zero_frame == NULL)
		panic("page_init: no frame for the zero page");
	spin_lock(&pfn_lock);
	page_set_home(zero_frame, HOME_KERNEL, 0);
	page_set_state(zero_frame, PG_WIRED);
	spin_unlock(&pfn_lock);
}

/* The page that all reads of untouched memory share.
 * Returns: WIRED page, all bytes 0; never written, never freed. */
struct vm_page *
page_zero_frame(void)
{
	return zero_frame;
}

/* ---- words ---- */

/* A word has a pattern that no kind has.  Returns: never. */
void
pte_corrupt(uint64_t word)
{
	panic("pte_kind: corrupt word %lx", word);
}

/* The kind, as /proc and findings print it. */
const char *
pte_kind_name(enum pte_kind kind)
{
	static const char *const names[] = {
		[PTE_ABSENT] = "absent", [PTE_VALID] = "valid",
		[PTE_TRANS] = "trans", [PTE_BUSY] = "busy",
		[PTE_SWAP] = "swap", [PTE_FORK] = "fork",
		[PTE_ERROR] = "error",
	};

	return (unsigned)kind < ARRAY_LEN(names) ? names[kind] : "?";
}

/* None of its words names a frame any more, except the zero page: the table could go to
 * swap, too.  Or one does again.  [P]. */
static void
idle_changed(struct vm_page *table, bool idle)
{
	struct aspace *as = page_table_space(table);

	if (!idle) {
		page_queue_remove(&as->table.idle, table);
		return;
	}
	page_queue_append(&as->table.idle, table);
	if (as->table.idle.n % IDLE_MANY == 0)
		frames_wake_bsm();
}

/* n words more, or fewer, name a frame, or a special one.  [P]. */
static inline __attribute__((always_inline)) void
resident_changed(struct vm_page *container, int more, int special)
{
	uint16_t was = container->nres;
	bool was_idle, is_idle;

	container->nres = (uint16_t)(was + more);
	ASSERT(container->nres <= MD_PT_WORDS);
	if (page_home_kind(container) != HOME_TABLE)
		return;
	was_idle = was == container->tbl.nspec;
	if (special != 0)
		container->tbl.nspec = (unsigned)(container->tbl.nspec +
		    special) & NSPEC_MASK;
	is_idle = container->nres == container->tbl.nspec;
	if (is_idle != was_idle)
		idle_changed(container, is_idle);
}

/* This number of words more are not ABSENT, name a frame, or a special one.  [P]. */
static inline __attribute__((always_inline)) void
count_words(struct vm_page *container, int used, int resident, int special)
{
	/* Each count has a lock of its own: only one that changes is stored. */
	if (used != 0) {
		container->nused = (uint16_t)(container->nused + used);
		ASSERT(container->nused <= MD_PT_WORDS);
	}
	if (resident != 0)
		resident_changed(container, resident, special);
	/* Written by the direct map, which sets no D bit in a PTE of the page. */
	if ((container->flags & PF_DIRTY) == 0)
		page_dirty_locked(container);
}

static inline __attribute__((always_inline)) uint64_t
put_word(struct vm_page *container, uint64_t *word, uint64_t new)
{
	uint64_t old;

	ASSERT((new & MD_PTE_P) == 0 || (new & PTE_ZERO_MASK) == 0);
	old = __atomic_exchange_n(word, new, __ATOMIC_SEQ_CST);
	EVENT(page_word, va2pa(word), old, new);
	if (container == NULL)
		return old;
	count_words(container, (new != 0) - (old != 0),
	    pte_names_frame(new) - pte_names_frame(old),
	    pte_is_special(new) - pte_is_special(old));
	/* Only leaf tables have such words, and [W] is held. */
	if (((new | old) & PTE_LOCK) != 0)
		page_table_space(container)->words.locked +=
		    (uint64_t)pte_is_locked(new) - pte_is_locked(old);
	return old;
}

/* Update the counts of a container several of whose words have been stored.
 * Locks: the container's, [P]. */
void
word_sums_locked(struct vm_page *container, int used, int resident)
{
	HELD(&pfn_lock);
	count_words(container, used, resident, 0);
}

/* Locks: the container's; takes [P]. */
void
word_sums(struct vm_page *container, int used, int resident)
{
	spin_lock(&pfn_lock);
	word_sums_locked(container, used, resident);
	spin_unlock(&pfn_lock);
}

/* Locks: the container's; [P] where a kind of rule 3, nres or PF_DIRTY changes.
 * Returns: as word_set(). */
uint64_t
word_set_locked(struct vm_page *container, uint64_t *word, uint64_t new)
{
	uint64_t old = put_word(container, word, new);

	ASSERT(spin_is_mine(&pfn_lock) || !pte_is_unmapped_frame(old));
	return old;
}

/* Store a word and update the counts of its container.
 * Locks: the container's ([W], [F] or [O]), which makes old stable but for A and D;
 * takes [P] if nres or PF_DIRTY change.
 * Returns: the old word, with its final A and D bits. */
uint64_t
word_set(struct vm_page *container, uint64_t *word, uint64_t new)
{
	uint64_t old = word_get(word);
	bool lock = container != NULL &&
	    (pte_names_frame(old) != pte_names_frame(new) ||
	    (container->flags & PF_DIRTY) == 0);

	ASSERT(!pte_is_unmapped_frame(old));
	if (lock)
		spin_lock(&pfn_lock);
	old = put_word(container, word, new);
	if (lock)
		spin_unlock(&pfn_lock);
	return old;
}

/* Update the counts of the table for all cleared words, as word_set() does for each.
 * Locks: [W] of its space; takes [P]. */
void
word_settle(struct vm_page *table, const struct words_cleared *gone)
{
	unsigned special = words_cleared_of(gone, SRC_SPEC);
	unsigned n = words_cleared_of(gone, SRC_OBJ) + words_cleared_of(gone, SRC_PRIV) +
	    words_cleared_of(gone, SRC_FORK) + special;
	unsigned locked = words_cleared_locked(gone);

	if (n == 0)
		return;
	if (locked > 0)
		page_table_space(table)->words.locked -= locked;
	spin_lock(&pfn_lock);
	count_words(table, -(int)n, -(int)n, -(int)special);
	spin_unlock(&pfn_lock);
}

/* Update the counts of the table for n entered words, with the number of special and of
 * locked ones, as word_set() does for each.
 * Locks: [W] of its space, [P]. */
void
word_entered(struct vm_page *table, unsigned n, unsigned special, unsigned locked)
{
	HELD(&pfn_lock);
	if (n == 0)
		return;
	if (locked != 0)
		page_table_space(table)->words.locked += locked;
	count_words(table, (int)n, (int)n, (int)special);
}

/* The trace records of the words that word_move_run() has moved. */
static __attribute__((noinline, cold)) void
record_moved(const uint64_t *from, const uint64_t *to, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t word = word_get(&to[i]);

		EVENT(page_word, va2pa(&from[i]), word, 0);
		if (pte_src(word) == SRC_PRIV)
			EVENT(page_home, page_pfn(pte_page(word)),
			    (uint64_t)HOME_PTE << 60 | word_pa(&from[i]),
			    pte_page(word)->home);
		EVENT(page_word, va2pa(&to[i]), 0, word);
	}
}

/* Move words of one leaf table to another of the same space: a run of VALID words of
 * private pages or pages shared by a fork, n at most.  The home of an owned page moves
 * with its word.
 * Locks: [W] of their space, [P].
 * Returns: how many: their old addresses must be flushed before [W] is dropped. */
unsigned
word_move_run(struct vm_page *table, uint64_t *from, struct vm_page *to_table, uint64_t *to,
    unsigned n)
{
	int64_t moved = (int64_t)(word_pa(to) - word_pa(from));
	unsigned i;

	HELD(&pfn_lock);
	for (i = 0; i < n; i++) {
		uint64_t bits = word_get(&from[i]) & PTE_WHOSE, word;

		if (bits != PTE_PRIVATE && bits != PTE_FORKED)
			break;
		word = __atomic_exchange_n(&from[i], 0, __ATOMIC_SEQ_CST);
		ASSERT(word_get(&to[i]) == 0);
		if (bits == PTE_PRIVATE)
			page_move_home(pte_page(word), moved);
		atomic_store_release(&to[i], word);
	}
	if (i == 0)
		return 0;
	if (EV_IS_ASKED(page_word) || EV_IS_ASKED(page_home))
		record_moved(from, to, i);
	count_words(table, -(int)i, -(int)i, 0);
	count_words(to_table, (int)i, (int)i, 0);
	return i;
}

/* Other rights or bits for a word that stays VALID with the same frame.
 * Locks: the container's; hardware may set A and D meanwhile.
 * Returns: the old word. */
uint64_t
word_change(uint64_t *word, uint64_t clear, uint64_t set)
{
	uint64_t old = word_get(word);

	while (!atomic_cas(word, &old, (old & ~clear) | set))
		;
	ASSERT((old & MD_PTE_P) != 0);
	EVENT(page_word, va2pa(word), old, (old & ~clear) | set);
	return old;
}

/* A VALID word that was used since the last pass becomes young, any other older.
 * Locks: [W] of its space.  Returns: the new age. */
unsigned
pte_age_word(uint64_t *word)
{
	uint64_t w = word_get(word);
	unsigned age;

	age = (w & MD_PTE_A) != 0 ? 0 : MIN(pte_age(w) + 1, WS_AGES - 1);
	if (age != pte_age(w) || (w & MD_PTE_A) != 0)
		word_change(word, (w & MD_PTE_A) | PTE_AGE_MASK,
		    (uint64_t)age << PTE_AGE_SHIFT);
	return age;
}

/* ---- frames ---- */

/* Free a frame in LIMBO that is neither mapped nor pinned.  Locks: not [P]. */
void
page_free(struct vm_page *pg)
{
	NOT_HELD(&pfn_lock);
	ASSERT(page_home_kind(pg) == HOME_NONE);
	phys_free(pg);
}

/* Free such frames, linked through qnext: page_free_chain().  Locks: not [P]. */
void
page_free_linked(pfn_t first)
{
	NOT_HELD(&pfn_lock);
	phys_free_chain(first);
}

static inline void
adopt(struct vm_page *pg, enum page_home home, uint64_t payload)
{
	ASSERT(pg->state == PG_LIMBO && page_home_kind(pg) == HOME_NONE);
	ASSERT((pg->slot | pg->nres | pg->nused) == 0);
	page_set_home(pg, home, payload);
	page_count_home(home, 1);
	pg->flags |= PF_DIRTY; /* PF_ERROR: it replaces a lost page */
	if (owner_is_word(pg))
		pg->swp.ahead = false;
	page_set_state(pg, PG_ACTIVE);
}

/* A new frame gets its first owner.  Its contents exist nowhere else, so it is dirty.
 * Locks: [P], held until the caller has mapped, pinned or filled it. */
void
page_adopt_locked(struct vm_page *pg, enum page_home home, uint64_t payload,
    uint64_t index)
{
	HELD(&pfn_lock);
	pg->index = index;
	adopt(pg, home, payload);
}

/* A filled frame becomes the private page of a word that names none, or its table
 * (HOME_TABLE, idle at first).  The same as page_adopt_locked(), page_map_locked() and
 * word_set() in turn, but with both words known it takes 250 instructions less.
 * Locks: [W] of its space; takes [P].
 * Owns: takes the frame over. */
void
page_install(struct vm_page *parent, uint64_t *word, struct vm_page *pg,
    enum page_home home, uint64_t new)
{
	uint64_t old;

	spin_lock(&pfn_lock);
	adopt(pg, home, word_pa(word));
	old = __atomic_exchange_n(word, new, __ATOMIC_SEQ_CST);
	ASSERT(!pte_names_frame(old));
	EVENT(page_word, va2pa(word), old, new);
	if (parent != NULL) {
		count_words(parent, old == 0, 1, 0);
		if ((new & PTE_LOCK) != 0)
			page_table_space(parent)->words.locked++;
	}
	if (home == HOME_TABLE) {
		pg->flags |= PF_CONTAINER;
		page_queue_append(&page_table_space(pg)->table.idle, pg);
	} else {
		pg->mapcount++;
	}
	spin_unlock(&pfn_lock);
}

/* A copy of from becomes the page of a word that names none, in memory and not mapped,
 * for the child of a fork.
 * Locks: [W] of the word's space; takes [P].
 * Owns: takes to over; the caller keeps from, and its pin. */
void
page_install_copy(struct vm_page *parent, uint64_t *word, enum page_home home,
    struct vm_page *to, const struct vm_page *from)
{
	page_copy(to, from);
	spin_lock(&pfn_lock);
	page_adopt_locked(to, home, word_pa(word), 0);
	page_pin_locked(to);
	word_set_locked(parent, word, pte_make_trans(to));
	/* The last unpin puts it on the modified queue. */
	CHECK(!page_unpin_dirty_locked(to));
	spin_unlock(&pfn_lock);
}

/* ---- mappings ---- */

/* One more VALID word maps the page.  If the page is on a queue it leaves it; a fault
 * calls ws_rescue() before, which counts that.
 * Locks: [P]. */
void
page_map_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	if (pg->state != PG_ACTIVE)
		pq_activate(pg);
	ASSERT(pg->state == PG_ACTIVE);
	pg->mapcount++;
}

/* One VALID word less, its flush acknowledged.
 * Locks: [P].  Returns: true: the last user has gone, the caller frees the page. */
bool
page_unmap_locked(struct vm_page *pg, enum page_dirt dirt)
{
	HELD(&pfn_lock);
	ASSERT(pg->mapcount > 0);
	pg->mapcount--;
	if (dirt == PAGE_DIRTY)
		page_dirty_locked(pg);
	return page_let_go_locked(pg);
}

/* Locks: not [P]. */
void
page_unmap(struct vm_page *pg, enum page_dirt dirt)
{
	spin_lock(&pfn_lock);
	page_unlock_free(pg, page_unmap_locked(pg, dirt));
}

/* ---- pins ---- */

/* Locks: [P]; the caller knows the page by a word or object it holds. */
void
page_pin_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	ASSERT(pg->pins < UINT16_MAX);
	if (pg->state != PG_ACTIVE)
		pq_activate(pg);
	pg->pins++;
	EVENT(page_pin, page_pfn(pg), pg->pins);
}

/* Locks: not [P]; a lock under which the page cannot lose its owner. */
void
page_pin(struct vm_page *pg)
{
	spin_lock(&pfn_lock);
	page_pin_locked(pg);
	spin_unlock(&pfn_lock);
}

/* Locks: [P].  Returns: true: the caller frees it.  Inlined where runs are unpinned. */
inline __attribute__((always_inline)) bool
page_unpin_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	ASSERT(pg->pins > 0);
	pg->pins--;
	EVENT(page_unpin, page_pfn(pg), pg->pins);
	return pg->state != PG_WIRED && page_let_go_locked(pg);
}

/* The same; the holder wrote to the page by the direct map.
 * Locks: [P].  Returns: true: the caller frees it. */
bool
page_unpin_dirty_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	if (pg->state != PG_WIRED)
		page_dirty_locked(pg);
	return page_unpin_locked(pg);
}

/* Pages of one run, in one hold of [P].  PAGE_DIRTY: the holder wrote to them. */
void
page_unpin_run(struct vm_page *const *page, unsigned n, enum page_dirt dirt)
{
	pfn_t dead = 0;
	unsigned i;

	spin_lock(&pfn_lock);
	for (i = 0; i < n; i++) {
		if (dirt == PAGE_DIRTY && page[i]->state != PG_WIRED)
			page_dirty_locked(page[i]);
		if (page_unpin_locked(page[i]))
			page_chain(&dead, page[i]);
	}
	spin_unlock(&pfn_lock);
	page_free_chain(dead);
}

/* Locks: not [P]. */
void
page_unpin(struct vm_page *pg)
{
	spin_lock(&pfn_lock);
	page_unlock_free(pg, page_unpin_locked(pg));
}

/* The same; the holder wrote to the page by the direct map. */
void
page_unpin_dirty(struct vm_page *pg)
{
	spin_lock(&pfn_lock);
	page_unlock_free(pg, page_unpin_dirty_locked(pg));
}

/* ---- the end of a page ---- */

static inline bool
disown(struct vm_page *pg)
{
	if (pg->state == PG_STANDBY || pg->state == PG_MODIFIED)
		pq_remove(pg);
	if (page_home_kind(pg) == HOME_VNODE)
		page_clean_locked(pg);
	page_count_home(page_home_kind(pg), -1);
	page_set_home(pg, HOME_NONE, 0);
	if (pg->state == PG_READING) {
		pg->flags |= PF_ORPHAN;
		return false;
	}
	page_set_state(pg, PG_LIMBO);
	/* A slot that is being written is freed by the end of the write. */
	if (pg->slot != 0 && (pg->flags & PF_WRITING) == 0)
		swap_ops->drop(pg);
	if (pg->mapcount == 0 && pg->pins == 0 &&
	    (pg->flags & PF_WRITING) == 0)
		return true;
	pg->flags |= PF_ORPHAN;
	return false;
}

/* The owner gives the page up: it is freed now, or with its last mapping or pin
 * (transitions 14 and 15).  The owning word or tree no longer names it.
 * Locks: [P].  Returns: true: it has no other user, the caller frees it. */
bool
page_disown_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	return disown(pg);
}

/* The word that owned and mapped the page is gone, its flush acknowledged.
 * Locks: [P].  Returns: true: the caller frees it. */
bool
page_zap_locked(struct vm_page *pg)
{
	ASSERT(pg->mapcount > 0);
	pg->mapcount--;
	return disown(pg);
}

/* ACTIVE without a mapping or pin → standby or modified (transitions 9, 10).  [P], which
 * the caller asserts: inlined where runs are unpinned. */
inline __attribute__((always_inline)) void
page_rest(struct vm_page *pg)
{
	bool backed = pg->slot != 0 || page_home_kind(pg) == HOME_VNODE;

	if (backed && (pg->flags & (PF_DIRTY | PF_WRITING)) == 0) {
		page_set_state(pg, PG_STANDBY);
		EVENT(page_to_standby);
		if (pg->slot != 0)
			EVENT(swap_write_skipped);
	} else {
		page_set_state(pg, PG_MODIFIED);
		EVENT(page_to_modified);
	}
	pq_insert(pg);
}

/* A mapping, a pin or a write has ended: an unused page goes to its queue.
 * Locks: [P].
 * Returns: true: that was the last user of an orphan, the caller frees it. */
bool
page_let_go_locked(struct vm_page *pg)
{
	HELD(&pfn_lock);
	if (pg->mapcount > 0 || pg->pins > 0)
		return false;
	/* A container stays ACTIVE: its words are found through its address.  One in
	 * kernel memory waits for kpaged_trim(). */
	if ((pg->flags & (PF_CONTAINER | PF_ORPHAN)) == PF_CONTAINER)
		return false;
	if ((pg->flags & PF_ORPHAN) == 0) {
		if (pg->state == PG_ACTIVE)
			page_rest(pg);
		return false;
	}
	if (pg->state == PG_READING || (pg->flags & PF_WRITING) != 0)
		return false;
	EVENT(page_lazy_invalidated, page_pfn(pg));
	return true;
}
