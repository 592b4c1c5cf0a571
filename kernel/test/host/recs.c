/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recs.c: a design whose private pages live in records: its table of ops
 *
 * Problem   The seam must carry designs that have nothing of vm/pte/: here is
 *           the smallest one, right but slow.  It is never in a kernel.
 *
 * Picture   VAD ─ dpriv ─→ region ─→ slots ─→ record {word, refs} ─→ page, slot
 *                            │                  ↑ of other spaces, after forks
 *                            └─→ tables of the space: a cache of all this
 *
 * Rules     1. prepare() makes regions and their slots, and may fail; all that
 *              happens to a VAD later only moves them.
 *           2. A region's range is read under [M] or [W] and changed under
 *              both: a truncate has [W] alone, and finds its pages by address.
 *           3. [R] is taken inside [W]; who comes from a record to its spaces
 *              takes references, lets [R] go, and looks again under [W].
 */
#include "test/host/recs.h"

struct spinlock recs_lock = SPIN_INIT(LR_OBJ);
unsigned recs_refuse;
static struct list all_recs = LIST_INIT(all_recs);   /* [R] */
static struct kmem_cache recs = KMEM_CACHE("rec", struct rec);
static struct kmem_cache regions = KMEM_CACHE("rec-region", struct region);

#define MAPPERS 8      /* of one page, that are visited at a time */

/* ---- records ---- */

struct rec *
rec_new(void)
{
	struct rec *rec = kmem_cache_zalloc(&recs);

	if (rec != NULL)
		list_init(&rec->slots);
	return rec;
}

void
rec_free(struct rec *rec)
{
	kmem_cache_free(&recs, rec);
}

void
slot_set(struct rec_slot *s, struct rec *rec)
{
	ASSERT(s->rec == NULL);
	s->rec = rec;
	spin_lock(&recs_lock);
	if (rec->refs++ == 0)
		list_push_back(&all_recs, &rec->all);
	list_push_back(&rec->slots, &s->node);
	spin_unlock(&recs_lock);
}

/* No slot refers to it: its page or its place on swap goes. */
static void
rec_end(struct rec *rec)
{
	struct vm_page *pg = NULL;
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_set_locked(NULL, &rec->word, 0);
	if (pte_kind(word) == PTE_SWAP)
		swap_free(swap_slot(word));
	else if (pte_names_frame(word) && page_disown_locked(pte_page(word)))
		pg = pte_page(word);
	spin_unlock(&pfn_lock);
	if (pg != NULL)
		page_free(pg);
	rec_free(rec);
}

void
slot_clear(struct rec_slot *s)
{
	struct rec *rec = s->rec;
	bool last;

	if (rec == NULL)
		return;
	spin_lock(&recs_lock);
	list_remove(&s->node);
	last = --rec->refs == 0;
	if (last)
		list_remove(&rec->all);
	spin_unlock(&recs_lock);
	s->rec = NULL;
	if (last)
		rec_end(rec);
}

/* Nothing of the page is left here. */
static void
slot_drop(struct rec_slot *s)
{
	map_remove(s->region->as, slot_va(s));
	slot_clear(s);
	if (s->late)
		commit_uncharge_late(s->region->as, 1);
	s->late = false;
}

/* What `from` has, `to` has now.  [W] of the space, which is the same. */
static void
slot_move(struct rec_slot *to, struct rec_slot *from)
{
	struct rec *rec = from->rec;

	to->late = from->late;
	from->late = false;
	if (rec == NULL)
		return;
	slot_set(to, rec);
	slot_clear(from);
}

/* ---- regions ---- */

static struct list *
regions_of(const struct aspace *as)
{
	return &((struct recs_space *)as->dpriv)->regions;
}

/* Its own look-up: a list. */
struct region *
region_at(struct aspace *as, uint64_t vpn)
{
	struct region *r;

	ASSERT(rw_is_locked(&as->map_lock) || mutex_is_mine(&as->ws_lock));
	LIST_FOREACH(r, regions_of(as), node)
		if (r->start <= vpn && vpn < r->end)
			return r;
	return NULL;
}

static void
region_list(struct region *r)
{
	struct region *next;

	LIST_FOREACH(next, regions_of(r->as), node)
		if (next->start > r->start) {
			list_insert_between(&r->node, next->node.prev,
			    &next->node);
			return;
		}
	list_push_back(regions_of(r->as), &r->node);
}

static struct rec_slot *
slots_new(struct region *r, uint64_t n)
{
	struct rec_slot *slot = kmem_zalloc(n * sizeof(*slot));
	uint64_t i;

	for (i = 0; slot != NULL && i < n; i++)
		slot[i].region = r;
	return slot;
}

/* Slots for [start, end), with those that there are. */
static bool
region_widen(struct region *r, uint64_t start, uint64_t end)
{
	struct rec_slot *old = r->slot, *new = slots_new(r, end - start);
	uint64_t base = r->base, room = r->room, i;

	if (new == NULL)
		return false;
	mutex_lock(&r->as->ws_lock);
	for (i = 0; i < room; i++)
		if (base + i >= start && base + i < end)
			slot_move(&new[base + i - start], &old[i]);
	r->slot = new;
	r->base = start;
	r->room = end - start;
	mutex_unlock(&r->as->ws_lock);
	kmem_free(old);
	return true;
}

static int
recs_prepare(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	struct region *r = v->dpriv;

	if (recs_refuse > 0 && --recs_refuse == 0)
		return -ENOMEM;
	if (r == NULL) {
		r = kmem_cache_zalloc(&regions);
		if (r != NULL) {
			r->as = as;
			list_node_init(&r->node);
			v->dpriv = r;
		}
	}
	return r != NULL && region_widen(r, start, end) ? 0 : -ENOMEM;
}

static void
region_free(struct region *r)
{
	ASSERT(!list_is_linked(&r->node));
	kmem_free(r->slot);
	kmem_cache_free(&regions, r);
}

static void
recs_release(struct aspace *as, struct vad *v)
{
	region_free(v->dpriv);
	v->dpriv = NULL;
}

static void
recs_attach(struct aspace *as, struct vad *v)
{
	uint64_t start = v->start, end = v->end; /* VADs are paged */
	struct region *r = v->dpriv;

	mutex_lock(&as->ws_lock);
	r->vad = v;
	r->start = start;
	r->end = end;
	if (!list_is_linked(&r->node))
		region_list(r);
	mutex_unlock(&as->ws_lock);
}

static void
recs_split(struct aspace *as, struct vad *lo, struct vad *hi, uint64_t vpn)
{
	struct region *a = lo->dpriv, *b = hi->dpriv;
	uint64_t at;

	mutex_lock(&as->ws_lock);
	b->vad = hi;
	b->start = vpn;
	b->end = a->end;
	a->end = vpn;
	for (at = b->start; at < b->end; at++)
		slot_move(slot_of(b, at), slot_of(a, at));
	region_list(b);
	mutex_unlock(&as->ws_lock);
}

static int
recs_merge(struct aspace *as, struct vad *lo, struct vad *hi)
{
	struct region *a = lo->dpriv, *b = hi->dpriv;
	uint64_t at;

	if (!region_widen(a, a->start, b->end))
		return -ENOMEM;
	mutex_lock(&as->ws_lock);
	a->end = b->end;
	for (at = b->start; at < b->end; at++)
		slot_move(slot_of(a, at), slot_of(b, at));
	list_remove(&b->node);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* ---- a space ---- */

static int
recs_as_init(struct aspace *as)
{
	struct recs_space *sp = kmem_zalloc(sizeof(*sp));

	if (sp == NULL)
		return -ENOMEM;
	list_init(&sp->regions);
	as->dpriv = sp;
	return 0;
}

/* Private pages of [lo, hi), and what maps the object's. */
static void
region_clear(struct region *r, uint64_t lo, uint64_t hi)
{
	for (; lo < hi; lo++)
		slot_drop(slot_of(r, lo));
}

/* Regions whose VADs were lost are on the list still. */
static void
recs_as_fini(struct aspace *as)
{
	struct recs_space *sp = as->dpriv;
	struct list_node *n;
	struct region *r;

	mutex_lock(&as->ws_lock);
	while ((n = list_pop_front(&sp->regions)) != NULL) {
		r = LIST_ENTRY(n, struct region, node);
		region_clear(r, r->start, r->end);
		region_free(r);
	}
	as->dpriv = NULL;
	mutex_unlock(&as->ws_lock);
	kmem_free(sp);
	ASSERT(as->ws.pages == 0 && as->table.n == 0 && atomic_load(&as->commit.late) == 0);
}

static void
recs_detach(struct aspace *as, struct vad *v)
{
	struct region *r = v->dpriv;

	mutex_lock(&as->ws_lock);
	region_clear(r, r->start, r->end);
	list_remove(&r->node);
	mutex_unlock(&as->ws_lock);
}

/* ---- words go, or lose rights ---- */

static void
zap_page(struct region *r, uint64_t vpn, enum zap_how how)
{
	va_t va = vpn << PAGE_SHIFT;
	uint64_t *word = map_word(r->as, va);
	bool is_object = word != NULL && *word != 0 && pte_src(*word) == SRC_OBJ;

	switch (how) {
	case ZAP_EVEN_PRIVATE:
		slot_drop(slot_of(r, vpn));
		break;
	case ZAP_SHARED_ONLY:
		if (is_object)
			map_remove(r->as, va);
		break;
	case ZAP_CLEAN:
		if (is_object)
			map_clean(r->as, va);
		break;
	}
}

static int
recs_zap(struct aspace *as, struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	struct region *r;
	uint64_t vpn;

	lo = MAX(lo, link->start);
	hi = MIN(hi, link->end);
	mutex_lock(&as->ws_lock);
	for (vpn = lo; vpn < hi && as->dpriv != NULL; vpn++) {
		r = region_at(as, vpn);
		if (r != NULL)
			zap_page(r, vpn, job->how);
	}
	mutex_unlock(&as->ws_lock);
	return 0;
}

static int
recs_protect(struct aspace *as, struct vad *v, uint8_t prot)
{
	uint64_t lo = v->start, hi = v->end, at;

	mutex_lock(&as->ws_lock);
	for (at = lo; at < hi && prot == 0; at++)
		map_remove(as, at << PAGE_SHIFT);
	map_reduce(as, lo, hi, (prot & PROT_W) != 0 ? 0 : MD_PTE_W,
	    (prot & PROT_X) != 0 ? 0 : MD_PTE_NX);
	mutex_unlock(&as->ws_lock);
	return 0;
}

static int
recs_move(struct aspace *as, struct vad *from, struct vad *to, uint64_t n)
{
	uint64_t src = from->start, dst = to->start, i;
	struct region *a = from->dpriv, *b = to->dpriv;

	mutex_lock(&as->ws_lock);
	for (i = 0; i < n; i++) {
		map_remove(as, (src + i) << PAGE_SHIFT);
		slot_move(slot_of(b, dst + i), slot_of(a, src + i));
	}
	mutex_unlock(&as->ws_lock);
	return 0;
}

static int
recs_advise(struct aspace *as, struct vad *v, uint64_t lo, uint64_t hi,
    int advice)
{
	struct region *r = v->dpriv;

	if (advice != MADV_DONTNEED && advice != MADV_FREE)
		return 0;
	mutex_lock(&as->ws_lock);
	region_clear(r, lo, hi);
	mutex_unlock(&as->ws_lock);
	return 0;
}

/* ---- fork ---- */

/* A pinned page is copied at once: who pinned it goes on writing to it. */
static bool
is_pinned(const struct rec *rec)
{
	bool pinned;

	spin_lock(&pfn_lock);
	pinned = pte_names_frame(word_get(&rec->word)) &&
	    pte_page(word_get(&rec->word))->pins > 0;
	spin_unlock(&pfn_lock);
	return pinned;
}

/* False: f->want. */
static bool
dup_copy(struct pte_fork *f, struct rec_slot *s, struct rec_slot *cs)
{
	struct vm_page *from = pte_page(word_get(&s->rec->word));
	struct rec *rec = want_frame(&f->want) ? rec_new() : NULL;
	struct vm_page *to = f->want.frame;

	if (rec == NULL) {
		if (to != NULL)
			(void)want_again(&f->want);
		return false;
	}
	f->want.frame = NULL;
	page_copy(to, from);
	slot_set(cs, rec);
	spin_lock(&pfn_lock);
	page_adopt_locked(to, HOME_TEST, word_pa(&rec->word),
	    slot_va(cs) >> PAGE_SHIFT);
	page_pin_locked(to);
	word_set_locked(NULL, &rec->word, pte_make_trans(to));
	CHECK(!page_unpin_dirty_locked(to));
	spin_unlock(&pfn_lock);
	return true;
}

/* Both ws_locks.  False: f->want; then this page once more. */
static bool
dup_page(struct pte_fork *f, struct rec_slot *s, struct rec_slot *cs)
{
	if (s->rec == NULL)
		return true;
	if (!is_pinned(s->rec))
		slot_set(cs, s->rec);
	else if (!dup_copy(f, s, cs))
		return false;
	cs->late = s->late;
	if (!s->late)
		return true;
	f->charge--;
	atomic_add(&f->child->commit.late, 1);
	return true;
}

static int
dup_region(struct pte_fork *f, struct region *from, struct region *to)
{
	uint64_t at = from->start;
	bool more = true;
	int r = 0;

	while (more && r == 0) {
		mutex_lock(&f->parent->ws_lock);
		mutex_lock_nested(&f->child->ws_lock);
		for (; at < from->end; at++)
			if (!dup_page(f, slot_of(from, at), slot_of(to, at)))
				break;
		more = at < from->end;
		if (!more)
			map_reduce(f->parent, from->start, from->end, MD_PTE_W, 0);
		mutex_unlock(&f->child->ws_lock);
		mutex_unlock(&f->parent->ws_lock);
		if (more)
			r = fork_wait(f);
	}
	return r;
}

static int
recs_dup(struct aspace *parent, struct aspace *child)
{
	struct pte_fork f = { .parent = parent, .child = child };
	struct vad *v;
	int r = fork_vads_paid(&f, atomic_load(&parent->commit.late));

	if (r != 0)
		return r;
	VAD_FOREACH(v, child) {
		if ((v->flags & (VAD_SHARED | VAD_WIPEONFORK)) == 0 && r == 0)
			r = dup_region(&f, region_at(parent, v->start),
			    v->dpriv);
	}
	want_end(&f.want);
	commit_uncharge(f.charge);
	return r;
}

/* ---- eviction over all spaces ---- */

/* Where a page may be mapped; a reference to each space. */
struct mapper {
	struct aspace *as;
	va_t va;
};

/* The record that is looked at next, and who has it.  [R] inside. */
static unsigned
next_mappers(struct mapper *m)
{
	struct list_node *n;
	struct rec_slot *s;
	struct rec *rec;
	unsigned k = 0;

	spin_lock(&recs_lock);
	n = list_pop_front(&all_recs);
	if (n != NULL) {
		rec = LIST_ENTRY(n, struct rec, all);
		list_push_back(&all_recs, n);
		LIST_FOREACH(s, &rec->slots, node)
			if (k < MAPPERS && atomic_get(&s->region->as->refs))
				m[k++] = (struct mapper){ s->region->as,
				    slot_va(s) };
	}
	spin_unlock(&recs_lock);
	return k;
}

/* Second chance for what was used; else its page is mapped nowhere any more. */
static size_t
evict_from(const struct mapper *m, unsigned n, bool any)
{
	size_t done = 0;
	uint64_t before;
	unsigned i;

	for (i = 0; i < n; i++) {
		mutex_lock(&m[i].as->ws_lock);
		before = m[i].as->ws.pages;
		if (m[i].as->dpriv != NULL &&
		    (any || !map_used(m[i].as, m[i].va)))
			map_remove(m[i].as, m[i].va);
		done += before - m[i].as->ws.pages;
		mutex_unlock(&m[i].as->ws_lock);
		as_put(m[i].as);
	}
	return done;
}

static size_t
recs_evict_any(size_t want, int min_age)
{
	struct mapper m[MAPPERS];
	struct list_node *n;
	size_t done = 0, left = 0;

	spin_lock(&recs_lock);
	for (n = all_recs.head.next; n != &all_recs.head; n = n->next)
		left++;
	spin_unlock(&recs_lock);
	for (; left > 0 && done < want; left--)
		done += evict_from(m, next_mappers(m),
		    (min_age & WS_AGE) == 0);
	return done;
}

/* ---- what others ask ---- */

static int
recs_walk(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn, void *arg)
{
	bool held = mutex_is_mine(&as->ws_lock);
	struct region *r;
	uint64_t at, *word;
	int result = 0;

	if (!held)
		mutex_lock(&as->ws_lock);
	LIST_FOREACH(r, regions_of(as), node)
		for (at = MAX(lo, r->start); at < MIN(hi, r->end); at++) {
			word = map_word(as, at << PAGE_SHIFT);
			if (result == 0 && word != NULL && *word != 0)
				result = fn(arg, at << PAGE_SHIFT, *word, 1);
		}
	if (!held)
		mutex_unlock(&as->ws_lock);
	return result;
}

static void
check_slot(const struct rec_slot *s, uint64_t word, struct vm_report *rep)
{
	if (word != 0 && pte_src(word) == SRC_FORK && (s->rec == NULL ||
	    pte_kind(s->rec->word) != PTE_TRANS ||
	    pte_page(s->rec->word) != pte_page(word)))
		report_bad(rep, "I4", "va %lx word %lx: its record %lx",
		    slot_va(s), word, s->rec == NULL ? 0 : s->rec->word);
	if (s->rec != NULL && s->rec->refs > 1 && (word & MD_PTE_W) != 0)
		report_bad(rep, "I7", "va %lx word %lx: %u slots", slot_va(s),
		    word, s->rec->refs);
}

static void
recs_check_word(struct aspace *as, va_t va, uint64_t word, struct vm_report *rep)
{
	uint64_t vpn = va >> PAGE_SHIFT;
	struct region *r = region_at(as, vpn);

	if (r != NULL)
		check_slot(slot_of(r, vpn), word, rep);
	else
		report_bad(rep, "I8", "va %lx word %lx: no region", va, word);
}

static void
recs_check_space(struct aspace *as, struct vm_report *rep, struct vm_found *found)
{
	struct region *r;
	uint64_t at;

	LIST_FOREACH(r, regions_of(as), node)
		for (at = r->start; at < r->end; at++)
			found->late += slot_of(r, at)->late;
}

/* All spaces are done: does each record have as many slots as it says? */
static void
recs_check_end(struct vm_report *rep)
{
	struct list_node *n;
	struct rec *rec;
	uint32_t refs;

	LIST_FOREACH(rec, &all_recs, all) {
		refs = 0;
		for (n = rec->slots.head.next; n != &rec->slots.head; n = n->next)
			refs++;
		if (refs != rec->refs)
			report_bad(rep, "I6", "a record of %u slots has %u",
			    rec->refs, refs);
	}
}

static int
one_swapped(struct rec *rec, uint64_t index, struct swap_walk *walk)
{
	const struct swap_words w = { .word = &rec->word, .step = 1, .max = 1,
		.home = HOME_TEST, .index = index };
	enum pte_kind kind = pte_kind(word_get(&rec->word));

	return kind == PTE_SWAP || kind == PTE_TRANS ? walk->fn(walk, &w) : 0;
}

static int
recs_swapped(struct aspace *as, struct swap_walk *walk)
{
	struct region *r;
	uint64_t at;
	int result = 0;

	LIST_FOREACH(r, regions_of(as), node)
		for (at = r->start; at < r->end; at++) {
			struct rec *rec = slot_of(r, at)->rec;

			if (result != 0 || at < walk->at >> PAGE_SHIFT ||
			    rec == NULL)
				continue;
			spin_lock(&recs_lock);
			result = one_swapped(rec, at, walk);
			spin_unlock(&recs_lock);
			walk->at = at << PAGE_SHIFT;
		}
	return result;
}

/* For vm_check: the words of all records, each once. */
static void
recs_each_swapped(struct swap_walk *walk)
{
	struct rec *rec;

	LIST_FOREACH(rec, &all_recs, all)
		(void)one_swapped(rec, 0, walk);
}

/* All are asked at once: recs_evict_any(). */
static size_t
recs_evict(struct aspace *as, size_t want, int min_age)
{
	return 0;
}

static uint64_t
recs_named(struct aspace *as, va_t va)
{
	uint64_t *word = map_word(as, va);

	return word == NULL ? 0 : *word;
}

/* No word of it is FORK: what is not mapped is not shown. */
static int64_t
recs_refs(struct aspace *as, va_t va, uint64_t word, uint64_t *named)
{
	*named = 0;
	return 1;
}

static int
recs_show(struct aspace *as, uint64_t *at, struct out *o)
{
	return 0;
}

static void
recs_init(void)
{
	owner_add_home(HOME_TEST, (struct owner_home){ OWNER_DATA, 0,
		EV_swap_in_fork, EV_swap_out_fork, 0, NULL });
}

static const struct shared_ops recs_shared = {
	.home = HOME_TEST,
	.refs = recs_refs,
	.swapped = recs_each_swapped,
	.check_word = recs_check_word,
	.check_space = recs_check_space,
	.check_end = recs_check_end,
	.show = recs_show,
	.evict_any = recs_evict_any,
};

static const struct entry_ops recs_entries = {
	.as_init = recs_as_init,
	.prepare = recs_prepare,
	.release = recs_release,
	.attach = recs_attach,
	.split = recs_split,
	.merge = recs_merge,
};

/* The third there is: what a school must have, and no more. */
static const struct school recs_school = {
	.is_cache = true,
	.as_fini = recs_as_fini,
	.detach = recs_detach,
	.zap = recs_zap,
	.protect = recs_protect,
	.move = recs_move,
	.advise = recs_advise,
	.fault = recs_fault,
	.lookup = recs_lookup,
	.evict = recs_evict,
	.walk = recs_walk,
	.named = recs_named,
	.swapped = recs_swapped,
};

const struct design recs_design = {
	.name = "recs",
	.school = &recs_school,
	.init = recs_init,
	.dup = recs_dup,
	.shared = &recs_shared,
	.entries = &recs_entries,
};
