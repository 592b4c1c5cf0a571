/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_family.c: pages in every state, looked at without a fault
 *
 * Problem   A fork meets words of each kind, most of which a program cannot
 *           make on purpose.  And what it made of them must be seen before the
 *           faults are written that would read them.
 *
 * Picture   pages_write ─→ VALID ─family_trim→ TRANS ─family_swap_out→ SWAP
 *           word_of ─→ word_entry ─→ word_frame ─→ bytes, by the direct map
 *
 * Rules     1. Of the learner's functions none is called here.
 *           2. What must be so before a fork is checked, not claimed: it is not
 *              the learner's doing.
 *
 * Read next lab_forkpages.c, lab_forkfaults.c.
 */
#include "test/boot/fork/lab_family.h"

#define TRIES 500
#define TRY_NS 1000000ul

/* ---- numbers in pages ---- */

uint64_t
pages_tag(const struct pages *p, uint64_t i)
{
	uint64_t state = p->seed * 2654435761u + i + 1;

	return lab_random(&state) | 1;
}

va_t
pages_at(const struct pages *p, uint64_t i)
{
	return p->va + i * PAGE_SIZE;
}

void
pages_write(const struct pages *p, uint64_t i)
{
	uint64_t tag = pages_tag(p, i);
	va_t va = pages_at(p, i);

	CHECK(as_write(p->as, va, &tag, 8) == 8);
	CHECK(as_write(p->as, va + PAGE_SIZE - 8, &tag, 8) == 8);
}

bool
pages_is(const struct pages *p, uint64_t i, const struct vm_page *pg)
{
	const uint64_t *v = pa2va(page_pa(pg));

	return v[0] == pages_tag(p, i) &&
	    v[PAGE_SIZE / 8 - 1] == pages_tag(p, i);
}

int
family_load(struct aspace *as, va_t va, uint64_t *value)
{
	ssize_t r = as_read(as, va, value, 8);

	return r < 0 ? (int)r : 0;
}

int
family_store(struct aspace *as, va_t va, uint64_t value)
{
	ssize_t r = as_write(as, va, &value, 8);

	return r < 0 ? (int)r : 0;
}

bool
pages_reads(const struct pages *p, struct aspace *as, uint64_t i)
{
	uint64_t first = 0, last = 0;

	return family_load(as, pages_at(p, i), &first) == 0 &&
	    family_load(as, pages_at(p, i) + PAGE_SIZE - 8, &last) == 0 &&
	    first == pages_tag(p, i) && last == first;
}

/* ---- words ---- */

uint64_t
word_of(struct aspace *as, va_t va)
{
	uint64_t *word, value = 0;
	struct vm_page *leaf;

	mutex_lock(&as->ws_lock);
	word = pt_find(as, va, &leaf);
	if (word != NULL)
		value = word_get(word);
	mutex_unlock(&as->ws_lock);
	return value;
}

const char *
word_name(uint64_t word)
{
	return pte_kind_name(pte_kind(word));
}

bool
word_is_forked(uint64_t word)
{
	if (pte_kind(word) != PTE_VALID)
		return pte_kind(word) == PTE_FORK;
	return pte_src(word) == SRC_FORK &&
	    page_home_kind(pte_page(word)) == HOME_FMO;
}

uint64_t
word_index(uint64_t word)
{
	if (pte_kind(word) == PTE_FORK)
		return (word & PTE_PFN_MASK) >> PAGE_SHIFT;
	return fmo_index_of(fmo_entry_of_page(pte_page(word)));
}

struct fmo_entry
word_entry(uint64_t word)
{
	va_t kva = MD_KPAGED_BASE + word_index(word) * sizeof(struct fmo_entry);
	struct fmo_entry e;
	struct vm_page *pg;

	CHECK(kpaged_pin(kva, &pg) == 0);
	e = *(const struct fmo_entry *)kpaged_ptr(pg, kva);
	kpaged_unpin(pg);
	return e;
}

struct vm_page *
word_frame(uint64_t word)
{
	if (word_is_forked(word))
		word = word_entry(word).word;
	return word != 0 && pte_names_frame(word) ? pte_page(word) : NULL;
}

/* ---- states ---- */

void
family_trim(const struct pages *p)
{
	uint64_t vpn = p->va >> PAGE_SHIFT;

	(void)pte_trim_range(p->as, vpn, vpn + p->n);
}

static bool
is_in_memory(const struct pages *p)
{
	uint64_t i, word;

	for (i = 0; i < p->n; i++) {
		word = word_of(p->as, pages_at(p, i));
		if (word != 0 && word_frame(word) != NULL)
			return true;
	}
	return false;
}

void
family_swap_out(const struct pages *p)
{
	unsigned try;

	family_trim(p);
	for (try = 0; is_in_memory(p) && try < TRIES; try++) {
		pageout_push();
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
		while (phys_reclaim())
			;
	}
	CHECK(!is_in_memory(p));
}

/* ---- before and after ---- */

static struct {
	uint64_t word[FAMILY_PAGES]; /* of the parent, before the fork */
} before;

void
family_note(const struct pages *p)
{
	uint64_t i;

	CHECK(p->n <= FAMILY_PAGES);
	for (i = 0; i < p->n; i++)
		before.word[i] = word_of(p->as, pages_at(p, i));
}

uint64_t
family_word_before(uint64_t i)
{
	return before.word[i];
}

bool
family_shares(const struct pages *p, struct aspace *child, uint64_t i)
{
	uint64_t pw = word_of(p->as, pages_at(p, i));
	uint64_t cw = word_of(child, pages_at(p, i));
	const char *was = word_name(before.word[i]);

	CLAIM(pte_kind(cw) == PTE_FORK, "page %lu, %s in the parent, is %s in "
	    "the child: it reads something else there than its parent has "
	    "written", i, was, word_name(cw));
	if (pte_kind(cw) != PTE_FORK)
		return false;
	CLAIM(word_is_forked(pw) && word_index(pw) == word_index(cw),
	    "page %lu, %s before, names an entry in the child, but the parent's "
	    "word (%s) does not name it: a store of the parent is seen by the "
	    "child, or is lost", i, was, word_name(pw));
	return word_is_forked(pw) && word_index(pw) == word_index(cw);
}

/* ---- books ---- */

struct family_books
family_books(struct aspace *as)
{
	struct family_books b;

	mutex_lock(&as->ws_lock);
	b = (struct family_books){ .objects = ev_read(EV_fmo_live),
		.entries = ev_read(EV_fmo_entries_live),
		.commit = commit_total(), .n_priv = as->words.priv,
		.n_fork = as->words.fork, .nfmo = as->shared.n,
		.n_swap = atomic_load(&as->words.swap),
		.late = atomic_load(&as->commit.late) };
	mutex_unlock(&as->ws_lock);
	return b;
}

struct aspace *
family_fork(struct aspace *as)
{
	struct aspace *child = NULL;
	int r = as_dup(as, &child);

	CLAIM(r == 0, "fork failed with %d, though memory is ample", r);
	if (r != 0)
		return NULL;
	as_attach_user(child);
	return child;
}

/* ---- a test's beginning and end ---- */

struct pages
family_pages(struct aspace *as, uint64_t n)
{
	CHECK(n <= FAMILY_PAGES);
	return (struct pages){ .as = as, .va = lab_map(as, n), .n = n,
		.seed = lab_param("seed", 1) };
}

struct pages
family_pair(uint64_t n, struct pages *child)
{
	struct pages p = family_pages(lab_space(), n);
	uint64_t i;

	for (i = 0; i < n; i++)
		pages_write(&p, i);
	*child = p;
	child->as = family_fork(p.as);
	CHECK(child->as != NULL);
	return p;
}

void
family_inject(const char *point, uint64_t first, uint64_t every)
{
	struct out_buf text;
	char spec[48];

	out_buf_init(&text, spec, sizeof(spec));
	out_printf(&text.out, every != 0 ? "%s:%lu:%lu" : "%s:%lu", point,
	    first, every);
	CHECK(inject_set(spec) == 0);
}

void
family_nothing_left(void)
{
	CLAIM(vm_leak_end() == 0, "something of the fork is left when both "
	    "processes have ended: an object, an entry, a reference or a promise");
}
