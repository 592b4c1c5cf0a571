/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap/pv.c: for each page, where it is mapped
 *
 * Problem   The page daemon looks at pages, not at processes: to evict a page it
 *           must find each word that maps it, in every space.
 *
 * Picture   bucket of the frame's number ⇄ {page, as, va} ⇄ {page, as, va} ⇄ …
 *                                             ↑
 *           bucket of space and address ──────┘ ─→ …
 *
 * Rules     1. Each VALID word of such a space has one pv, and each pv a word (I18);
 *              word and pv change in one hold of [W].
 *           2. A pv is allocated before the locks are taken under which it is used.
 *           3. The heads of the lists are not in struct vm_page, where pages of files
 *              use the room: some 16 frames share a bucket, so that a kernel that
 *              runs other designs pays a byte for each frame.
 *           4. A page may be mapped 60,000 times, and unmapped as often: so a pv is
 *              found by space and address, not along the page's list.
 */
#include "lib/hash.h"
#include "mem/mem.h"
#include "vm/design/pmap/pmap.h"
#include "vm/frame/word.h"

#define FRAMES_A_BUCKET 16ul

static struct {
	struct vm_pv **bucket;         /* [c] by frame; a head: [P] */
	struct vm_pv **word;           /* [c] by space and address; a head: [P] */
	uint64_t n, words;             /* [c] of them */
} pv;

struct kmem_cache pv_cache = KMEM_CACHE("vm_pv", struct vm_pv);

/* Heads of lists by a frame's number modulo *n, all NULL.
 * Locks: none; by design->init.  Owns: the caller, for ever. */
void *
pv_buckets(uint64_t *n)
{
	struct phys_stat ps;
	void *bucket;

	phys_stat(&ps);
	*n = ps.max_pfn / FRAMES_A_BUCKET + 1;
	/* On a very large machine as many as one piece of memory holds. */
	while ((bucket = kmem_zalloc(*n * sizeof(void *))) == NULL) {
		CHECK(*n > 1);
		*n /= 2;
	}
	return bucket;
}

/* For designs that keep pvs.  Locks: none; by design->init, once. */
void
pv_init(void)
{
	kmem_register(&pv_cache);
	pv.bucket = pv_buckets(&pv.n);
	pv.word = pv_buckets(&pv.words);
}

static struct vm_pv **
bucket_of(const struct vm_page *pg)
{
	return &pv.bucket[page_pfn(pg) % pv.n];
}

/* Pages at equal distances do not share a bucket. */
static inline struct vm_pv **
bucket_of_word(const struct aspace *as, va_t va)
{
	return &pv.word[(((uintptr_t)as ^ va) * HASH_SPREAD >> 32) % pv.words];
}

/* A pv for a mapping that is about to be made.
 * Locks: any of rank < LR_MEM.  Returns: NULL: no memory.
 * Owns: the caller, until pv_add() or pv_free(). */
struct vm_pv *
pv_new(void)
{
	return kmem_cache_alloc(&pv_cache);
}

/* A pv that was not needed, or whose mapping has gone. */
void
pv_free(struct vm_pv *p)
{
	kmem_cache_free(&pv_cache, p);
}

/* Record that the word of va in as maps pg.
 * Locks: [W] of as, [P].  Owns: takes p over. */
void
pv_add(struct vm_page *pg, struct vm_pv *p, struct aspace *as, va_t va)
{
	struct vm_pv **head = bucket_of(pg), **word = bucket_of_word(as, va);
	struct vm_pv *next = *head;

	*p = (struct vm_pv){ next, head, *word, pg, as, va };
	if (next != NULL)
		next->at = &p->next;
	*head = *word = p;
	EVENT_ADD(page_pv_live, 1);
}

/* Take out the pv of va in as, for pg.  [P]; the pv is the caller's. */
static struct vm_pv *
pv_take(const struct vm_page *pg, struct aspace *as, va_t va)
{
	struct vm_pv **word = bucket_of_word(as, va), *p;

	while ((*word)->as != as || (*word)->va != va)
		word = &(*word)->of_words;
	p = *word;
	ASSERT(p->page == pg);
	*word = p->of_words;
	*p->at = p->next;
	if (p->next != NULL)
		p->next->at = p->at;
	EVENT_ADD(page_pv_live, -1);
	return p;
}

/* The word of va, old, is 0 now: shared->left.  Locks: [W] of as; takes [P]. */
void
pv_left(struct aspace *as, va_t va, uint64_t old)
{
	struct vm_pv *p;

	HELD(&as->ws_lock);
	spin_lock(&pfn_lock);
	p = pv_take(pte_page(old), as, va);
	spin_unlock(&pfn_lock);
	pv_free(p);
}

static struct vm_pv *
pv_from(struct vm_pv *p, const struct vm_page *pg)
{
	while (p != NULL && p->page != pg)
		p = p->next;
	return p;
}

/* The first mapping of a page.  Locks: [P].  Returns: NULL: no such space maps it. */
struct vm_pv *
pv_first(const struct vm_page *pg)
{
	HELD(&pfn_lock);
	return pv_from(*bucket_of(pg), pg);
}

/* The next mapping of the same page.  Locks: [P].  Returns: NULL: that was the last. */
struct vm_pv *
pv_next(const struct vm_pv *p)
{
	HELD(&pfn_lock);
	return pv_from(p->next, p->page);
}
