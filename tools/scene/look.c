/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.c: the machine as a reader is shown it
 *
 * Picture   words of each process ─→ frames, entries, slots, in the order in
 *           which they are met: P1, P2 … E1 … S1 …
 *           then these, the file, the queues, the TLBs, the CPUs
 *
 * Rules     1. No lock is taken and nothing is changed: another fiber may be in
 *              the middle of its work.
 *           2. What has no name here is not part of the picture; so frame
 *              numbers, which differ by history, do not tell states apart.
 *
 * Read next play.c.
 */
#include <string.h>

#include "lib/bitmap.h"
#include "test/sim/opsfn.h"
#include "tools/scene/play.h"
#include "vm/design/fmo/fmo.h"
#include "vm/design/frames/frames.h"
#include "vm/design/scalux/scalux.h"
#include "vm/design/shadow/shadow.h"
#include "vm/design/uvm/uvm.h"

static struct {
	const struct scene *sc;
	struct view *v;
	size_t used;
} at;

static void PRINTF_LIKE(2, 3)
item(const char *key, const char *fmt, ...)
{
	va_list ap;

	at.used += (size_t)snprintf(at.v->body + at.used, BODY - at.used, "%s|",
	    key);
	va_start(ap, fmt);
	at.used += (size_t)vsnprintf(at.v->body + at.used, BODY - at.used, fmt,
	    ap);
	va_end(ap);
	at.used += (size_t)snprintf(at.v->body + at.used, BODY - at.used, "\n");
	if (at.used >= BODY - 1)
		sim_fail("a state is too long");
}

/* ---- names ---- */

static unsigned
label(uint64_t *list, unsigned *n, uint64_t what)
{
	unsigned i;

	for (i = 0; i < *n; i++)
		if (list[i] == what)
			return i + 1;
	if (*n == FRAMES)
		sim_fail("too many names in a state");
	list[(*n)++] = what;
	return *n;
}

static unsigned
frame_no(const struct vm_page *pg)
{
	struct labels *l = &at.v->labels;

	return label(l->frame, &l->nframes, page_pfn(pg));
}

static unsigned
slot_no(uint64_t slot)
{
	return label(at.v->labels.slot, &at.v->labels.nslots, slot);
}

static unsigned
entry_no(uint64_t word)
{
	struct labels *l = &at.v->labels;

	return label(l->entry, &l->nentries, fork_entry(word));
}

/* An anon, of either design that has them, or a record of libframes. */
static unsigned
record_no(const void *record)
{
	struct labels *l = &at.v->labels;

	return label(l->entry, &l->nentries, (uintptr_t)record);
}

/* ---- words ---- */

/* See play.h. */
uint64_t *
scene_word(const struct aspace *as, va_t va)
{
	pa_t table = as->md.root_pa;
	uint64_t *word;
	int level;

	for (level = MD_PT_LEVELS; level > 1; level--) {
		word = (uint64_t *)pa2va(table) + md_pt_index(va, level);
		if (!(*word & MD_PTE_P))
			return NULL;
		table = *word & MD_PTE_PFN;
	}
	return (uint64_t *)pa2va(table) + md_pt_index(va, 1);
}

static const struct vad *
vad_at(const struct aspace *as, uint64_t vpn)
{
	struct vad *v;

	VAD_FOREACH(v, (struct aspace *)as) {
		if (vpn >= v->start && vpn < v->end)
			return v;
	}
	return NULL;
}

static void
valid_text(uint64_t w, char *out, size_t size)
{
	static const char *const src[] = { "OBJ", "PRIV", "FORK", "SPEC" };
	char frame[16] = "Z", entry[16] = "";

	if (pte_src(w) != SRC_SPEC)
		snprintf(frame, sizeof(frame), "P%u", frame_no(pte_page(w)));
	if (pte_src(w) == SRC_FORK &&
	    page_home_kind(pte_page(w)) == HOME_FMO)
		snprintf(entry, sizeof(entry), " E%u", entry_no(w));
	snprintf(out, size, "VALID %s %s%s %s%s%s%s", frame, src[pte_src(w)],
	    entry, (w & MD_PTE_W) ? "W" : "R", (w & MD_PTE_D) ? " D" : "",
	    (at.sc->shows & SHOW_AGE) && (w & MD_PTE_A) ? " A" : "",
	    pte_is_locked(w) ? " LOCK" : "");
	if ((at.sc->shows & SHOW_AGE) && pte_age(w) != 0)
		snprintf(out + strlen(out), size - strlen(out), " age%u",
		    pte_age(w));
}

static void
word_text(uint64_t w, char *out, size_t size)
{
	switch (pte_kind(w)) {
	case PTE_ABSENT:
		snprintf(out, size, "ABSENT");
		return;
	case PTE_VALID:
		valid_text(w, out, size);
		return;
	case PTE_TRANS:
	case PTE_BUSY:
		snprintf(out, size, "%s P%u", pte_kind(w) == PTE_TRANS ? "TRANS" : "BUSY",
		    frame_no(pte_page(w)));
		return;
	case PTE_SWAP:
		snprintf(out, size, "SWAP S%u", slot_no(swap_slot(w)));
		return;
	case PTE_FORK:
		snprintf(out, size, "FORK E%u", entry_no(w));
		return;
	case PTE_ERROR:
		snprintf(out, size, "ERROR");
		return;
	}
}

/* ---- amaps and anons ---- */

static bool
is_design(const char *name)
{
	const char *word = strstr(at.sc->boot, "vmm=");

	return word != NULL && strcmp(word + strlen("vmm="), name) == 0;
}

static bool
has_anons(void)
{
	return is_design("uvm") || is_design("scalux");
}

/* The amap of a page, and how many have it; NULL. */
static const void *
amap_at(const struct aspace *as, uint64_t vpn, unsigned *refs)
{
	const struct vad *v = has_anons() ? vad_at(as, vpn) : NULL;

	if (v == NULL || v->dpriv == NULL)
		return NULL;
	if (is_design("scalux")) {
		const struct sx_object *o = v->dpriv;

		*refs = bitmap_count(&o->amap->shares, SX_SHARES);
		return o->amap;
	}
	const struct uvm_entry *e = v->dpriv;

	*refs = e->amap == NULL ? 0 : e->amap->refs;
	return e->amap;
}

/* What the map has for the page, whatever the word says; NULL. */
static const void *
anon_at(const struct aspace *as, uint64_t vpn)
{
	unsigned refs;
	void *amap = (void *)amap_at(as, vpn, &refs);
	uint64_t at_vpn = vpn;
	struct sx_entry *e;
	const void *anon;

	if (amap == NULL)
		return NULL;
	if (is_design("scalux")) {
		spin_lock(&sx_lock);
		e = sx_find_locked(amap, vpn);
		spin_unlock(&sx_lock);
		return e == NULL ? NULL : e->anon;
	}
	anon = amap_next(amap, &at_vpn);
	return at_vpn == vpn ? anon : NULL;
}

/* Of an anon that has a label. */
static const uint64_t *
anon_word(uint64_t label, unsigned *refs)
{
	const struct sx_anon *sx = (const void *)label;
	const struct vm_anon *anon = (const void *)label;

	*refs = is_design("scalux") ? sx->refs : anon->refs;
	return is_design("scalux") ? &sx->word : &anon->word;
}

/* ---- objects in chains ---- */

static bool
has_chains(void)
{
	return is_design("shadow");
}

static const struct sh_object *
top_at(const struct aspace *as, uint64_t vpn)
{
	const struct vad *v = has_chains() ? vad_at(as, vpn) : NULL;
	const struct sh_entry *e = v == NULL ? NULL : v->dpriv;

	return e == NULL ? NULL : e->top;
}

static unsigned
object_no(const struct sh_object *o)
{
	struct labels *l = &at.v->labels;

	return label(l->object, &l->nobjects, (uintptr_t)o);
}

/* The object's record of a page; NULL. */
static const struct sh_page *
record_of(const struct sh_object *o, uint64_t index)
{
	const struct rb_node *n = o->pages.node;
	const struct sh_page *page;

	while (n != NULL) {
		page = CONTAINER_OF(n, struct sh_page, rb);
		if (page->index == index)
			return page;
		n = index < page->index ? n->left : n->right;
	}
	return NULL;
}

/* The object that has what is seen at the page; NULL. */
static const struct sh_object *
seen_in(const struct aspace *as, uint64_t vpn)
{
	const struct sh_object *o = top_at(as, vpn);

	while (o != NULL && record_of(o, vpn) == NULL)
		o = vpn >= o->lo && vpn < o->hi ? o->parent : NULL;
	return o;
}

static void
look_chains(void)
{
	const struct sh_object *obj;
	const struct sh_page *page;
	char key[32], text[64];
	unsigned i, k;

	for (k = 0; k < at.v->labels.nobjects; k++) {
		obj = (const void *)at.v->labels.object[k];
		snprintf(text, sizeof(text), "-");
		if (obj->parent != NULL)
			snprintf(text, sizeof(text), "X%u asks %lu",
			    object_no(obj->parent), obj->try_at);
		snprintf(key, sizeof(key), "X%u", k + 1);
		item(key, "children %u behind %s", obj->num_children, text);
		for (i = 0; i < at.sc->npages; i++) {
			page = record_of(obj, (BASE >> PAGE_SHIFT) + at.sc->at[i]);
			if (page == NULL)
				continue;
			word_text(page->word, text, sizeof(text));
			snprintf(key, sizeof(key), "X%u.%u", k + 1, at.sc->at[i]);
			item(key, "%s unseen %u", text, page->unseen);
		}
	}
}

/* The name of the record at pa: "X3.0". */
static void
record_name(pa_t pa, char *out, size_t size)
{
	const struct sh_object *o;
	const struct sh_page *page;
	unsigned i, k;

	for (k = 0; k < at.v->labels.nobjects; k++) {
		o = (const void *)at.v->labels.object[k];
		for (i = 0; i < at.sc->npages; i++) {
			page = record_of(o, (BASE >> PAGE_SHIFT) + at.sc->at[i]);
			if (page != NULL && word_pa(&page->word) == pa)
				snprintf(out, size, "X%u.%u", k + 1,
				    at.sc->at[i]);
		}
	}
}

static void
look_proc(unsigned p)
{
	const struct sh_object *o = top_at(world.as[p], BASE >> PAGE_SHIFT);
	struct labels *l = &at.v->labels;
	unsigned refs = 0;
	const void *amap = amap_at(world.as[p], BASE >> PAGE_SHIFT, &refs);

	if (amap != NULL)
		item(at.sc->proc[p], "lives M%u refs %u", label(l->amap,
		    &l->namaps, (uintptr_t)amap), refs);
	else if (o != NULL)
		item(at.sc->proc[p], "lives top X%u", object_no(o));
	else
		item(at.sc->proc[p], "lives");
	for (; o != NULL; o = o->parent)
		(void)object_no(o);
}

/* ---- tables ---- */

/* The words on the way to the first page: L4 names the table of level 3, and so on. */
static void
look_tables(const struct aspace *as)
{
	pa_t table = as->md.root_pa;
	char key[8], text[64];
	uint64_t word;
	int level;

	for (level = MD_PT_LEVELS; level > 1; level--) {
		word = ((uint64_t *)pa2va(table))[md_pt_index(BASE, level)] &
		    ~PTE_TABLE_MASK;
		snprintf(key, sizeof(key), "L%d", level);
		word_text(word, text, sizeof(text));
		item(key, "%s", text);
		if (!(word & MD_PTE_P))
			return;
		table = word & MD_PTE_PFN;
	}
}

/* The indices of va from the root down to `level`, and which word that is: "L2.0.0.128". */
static void
way_name(va_t va, int level, char *out, size_t size)
{
	int l;

	snprintf(out, size, "L%d", level);
	for (l = MD_PT_LEVELS; l >= level; l--)
		snprintf(out + strlen(out), size - strlen(out), ".%u",
		    md_pt_index(va, l));
}

static bool
is_said(const char *key)
{
	char line[40];

	snprintf(line, sizeof(line), "\n%s|", key);
	return strstr(at.v->body, line) != NULL;
}

/* The words that lead to each page, those of several pages once; and the indices. */
static void
look_walk(const struct aspace *as)
{
	char key[32], text[64];
	unsigned i;
	int level;

	for (i = 0; i < at.sc->npages; i++) {
		va_t va = BASE + at.sc->at[i] * PAGE_SIZE;
		pa_t table = as->md.root_pa;

		for (level = MD_PT_LEVELS; level > 1; level--) {
			uint64_t word = ((uint64_t *)pa2va(table))
			    [md_pt_index(va, level)] & ~PTE_TABLE_MASK;

			way_name(va, level, key, sizeof(key));
			word_text(word, text, sizeof(text));
			if (!is_said(key))
				item(key, "%s", text);
			if (!(word & MD_PTE_P))
				break;
			table = word & MD_PTE_PFN;
		}
		snprintf(key, sizeof(key), "I%u", at.sc->at[i]);
		item(key, "%u", md_pt_index(va, 1));
	}
}

/* ---- VADs ---- */

static void
look_vads(struct aspace *as)
{
	struct labels *l = &at.v->labels;
	char key[16], place[32];
	struct vad *v, *up;

	VAD_FOREACH(v, as)
		(void)label(l->vad, &l->nvads, (uintptr_t)v);
	VAD_FOREACH(v, as) {
		up = rb_parent(&v->rb) == NULL ? NULL :
		    CONTAINER_OF(rb_parent(&v->rb), struct vad, rb);
		snprintf(place, sizeof(place), "root");
		if (up != NULL)
			snprintf(place, sizeof(place), "%s V%u",
			    v->start < up->start ? "left" : "right",
			    label(l->vad, &l->nvads, (uintptr_t)up));
		snprintf(key, sizeof(key), "V%u",
		    label(l->vad, &l->nvads, (uintptr_t)v));
		item(key, "%lu %lu %s%s %s", v->start - (BASE >> PAGE_SHIFT),
		    v->end - (BASE >> PAGE_SHIFT), (v->prot & PROT_R) ? "r" : "-",
		    (v->prot & PROT_W) ? "w" : "-", place);
	}
}

/* ---- the words of a process ---- */

static void
look_words(unsigned p)
{
	const struct aspace *as = world.as[p];
	char key[32], text[64];
	const struct sh_object *o;
	const void *anon;
	uint64_t *word;
	unsigned i;

	look_proc(p);
	if ((at.sc->shows & SHOW_TABLES) && p == 0)
		look_tables(as);
	if ((at.sc->shows & SHOW_WALK) && p == 0)
		look_walk(as);
	if ((at.sc->shows & SHOW_VADS) && p == 0)
		look_vads(world.as[p]);
	for (i = 0; i < at.sc->npages; i++) {
		va_t va = BASE + at.sc->at[i] * PAGE_SIZE;
		const struct vad *v = vad_at(as, va >> PAGE_SHIFT);

		snprintf(key, sizeof(key), "%s%u", at.sc->proc[p], at.sc->at[i]);
		word = scene_word(as, va);
		if (v == NULL && (word == NULL || *word == 0)) {
			item(key, "none");
			continue;
		}
		if (word == NULL && as->table.n_out > 0) {
			item(key, "OUT");
			continue;
		}
		word_text(word == NULL ? 0 : *word, text, sizeof(text));
		anon = anon_at(as, va >> PAGE_SHIFT);
		o = seen_in(as, va >> PAGE_SHIFT);
		if (anon != NULL)
			item(key, "%s E%u", text, record_no(anon));
		else if (o != NULL)
			item(key, "%s X%u.%u", text, object_no(o), at.sc->at[i]);
		else
			item(key, "%s", text);
	}
}

/* ---- entries, the object, the file ---- */

/* The entry behind a kernel address; NULL: its page is out. */
static const struct fmo_entry *
entry_at(va_t kva)
{
	const uint64_t *word = md_kpte(kva);

	if (word == NULL || !pte_names_frame(*word))
		return NULL;
	return pa2va(page_pa(pte_page(*word)) + (kva & PAGE_MASK));
}

static void
look_entries(void)
{
	const struct fmo_entry *e;
	char key[32], text[64];
	unsigned i, refs;

	for (i = 0; i < at.v->labels.nentries; i++) {
		snprintf(key, sizeof(key), "E%u", i + 1);
		if (has_anons()) {
			word_text(*anon_word(at.v->labels.entry[i], &refs), text,
			    sizeof(text));
			item(key, "refs %u %s", refs, text);
			continue;
		}
		e = entry_at(at.v->labels.entry[i]);
		if (e == NULL) {
			item(key, "out");
			continue;
		}
		word_text(e->word, text, sizeof(text));
		item(key, "refs %u %s", e->refs, text);
	}
}

static void
look_file(void)
{
	const struct vm_page *pg;
	char key[32], value[16];
	uint64_t i, n = PAGE_UP(world.vmo->size) >> PAGE_SHIFT;

	item("F", "size %lu", n);
	for (i = 0; i < n; i++) {
		for (pg = page_tree_first(&world.vmo->v.pages);
		    pg != NULL && pg->index != i; pg = page_tree_next(pg))
			;
		snprintf(key, sizeof(key), "F%lu", i);
		if (pg == NULL)
			item(key, "-");
		else
			item(key, "P%u", frame_no(pg));
		snprintf(key, sizeof(key), "D%lu", i);
		item(key, "%s", play_value(sim_disk_word(false, i), value));
	}
}

static void
look_object(void)
{
	char key[32], text[64];
	uint64_t i, n = PAGE_UP(world.vmo->size) >> PAGE_SHIFT;

	item("O", "size %lu", n);
	for (i = 0; i < MIN(n, anon_top(0).end); i++) {
		snprintf(key, sizeof(key), "O%lu", i);
		word_text(world.vmo->a.words[i], text, sizeof(text));
		item(key, "%s", text);
	}
}

/* ---- frames ---- */

/* The name of a word of an upper table of the first process. */
static void
way_of_word(pa_t pa, char *out, size_t size)
{
	unsigned i;
	int level;

	for (i = 0; i < at.sc->npages; i++) {
		va_t va = BASE + at.sc->at[i] * PAGE_SIZE;
		pa_t table = world.as[0]->md.root_pa;

		for (level = MD_PT_LEVELS; level > 1; level--) {
			uint64_t *word = (uint64_t *)pa2va(table) +
			    md_pt_index(va, level);

			if (word_pa(word) == pa) {
				way_name(va, level, out, size);
				return;
			}
			if (!(*word & MD_PTE_P))
				break;
			table = *word & MD_PTE_PFN;
		}
	}
}

/* Whose is it: the name of the word, entry, page of a file that owns it. */
static void
home_text(const struct vm_page *pg, char *out, size_t size)
{
	uint64_t payload = page_home_payload(pg);
	unsigned p, i, refs;

	snprintf(out, size, "-");
	switch ((int)page_home_kind(pg)) {
	case HOME_PTE:
		for (p = 0; p < at.sc->nprocs; p++)
			for (i = 0; world.as[p] != NULL && i < at.sc->npages; i++) {
				uint64_t *w = scene_word(world.as[p],
				    BASE + at.sc->at[i] * PAGE_SIZE);

				if (w != NULL && word_pa(w) == payload)
					snprintf(out, size, "%s%u",
					    at.sc->proc[p], at.sc->at[i]);
			}
		return;
	case HOME_FMO:
		for (i = 0; i < at.v->labels.nentries; i++)
			if (entry_at(at.v->labels.entry[i]) == pa2va(payload))
				snprintf(out, size, "E%u", i + 1);
		return;
	case HOME_ANON: case HOME_SXANON:
		for (i = 0; i < at.v->labels.nentries; i++)
			if (word_pa(anon_word(at.v->labels.entry[i], &refs)) == payload)
				snprintf(out, size, "E%u", i + 1);
		return;
	case HOME_SHADOW:
		record_name(payload, out, size);
		return;
	case HOME_TABLE:
		snprintf(out, size, "L%u", pg->tbl.level + 1u);
		if (at.sc->shows & SHOW_WALK)
			way_of_word(payload, out, size);
		return;
	case HOME_VNODE:
		snprintf(out, size, "F%lu", pg->index);
		return;
	case HOME_AOBJ:
		snprintf(out, size, "O%lu", pg->index);
		return;
	}
}

static void
look_frame(unsigned i)
{
	const struct vm_page *pg = &pfdb[at.v->labels.frame[i]];
	bool is_free = pg->state == PG_FREE || pg->state == PG_ZEROED;
	char key[32], home[32], slot[24] = "", value[16];

	home_text(pg, home, sizeof(home));
	if (pg->slot != 0 && !is_free)
		snprintf(slot, sizeof(slot), " slot S%u", slot_no(pg->slot));
	snprintf(key, sizeof(key), "P%u", i + 1);
	item(key, "%s home %s maps %u%s%s%s%s value %s",
	    page_state_name((enum page_state)pg->state), home,
	    is_free ? 0 : pg->mapcount, !is_free && pg->pins != 0 ? " pinned" : "",
	    !is_free && (pg->flags & PF_DIRTY) ? " dirty" : "",
	    !is_free && (pg->flags & PF_WRITING) ? " writing" : "", slot,
	    play_value(*(uint64_t *)pa2va(page_pa(pg)), value));
}

/* A page that can go: tables where they are shown. */
static bool
is_shown(const struct vm_page *pg)
{
	if (page_home_kind(pg) == HOME_TABLE)
		return (at.sc->shows & SHOW_TABLES) != 0;
	switch ((int)page_home_kind(pg)) {
	case HOME_PTE: case HOME_FMO: case HOME_VNODE: case HOME_AOBJ:
	case HOME_ANON: case HOME_SXANON: case HOME_SHADOW:
		return true;
	}
	return false;
}

static void
look_queues(void)
{
	static const char *const names[Q_COUNT] = { "standby", "modified",
		"modfile" };
	char text[128];
	unsigned q;
	pfn_t n;

	for (q = 0; q < Q_COUNT; q++) {
		text[0] = '\0';
		for (n = pq_queue[q].head; n != 0; n = pfdb[n].qnext)
			if (is_shown(&pfdb[n]))
				snprintf(text + strlen(text),
				    sizeof(text) - strlen(text), "%sP%u",
				    text[0] == '\0' ? "" : " ",
				    frame_no(&pfdb[n]));
		item(names[q], "%s", text);
	}
}

static void
look_slots(void)
{
	char key[32], value[16];
	unsigned i;

	for (i = 0; i < at.v->labels.nslots; i++) {
		snprintf(key, sizeof(key), "S%u", i + 1);
		item(key, "%s", play_value(sim_disk_word(true,
		    at.v->labels.slot[i] & SWAP_INDEX_MAX), value));
	}
}

static void
look_cpus(void)
{
	char key[32], text[64];
	unsigned c, p, i;
	uint64_t w;

	for (c = 0; c < at.sc->ncpus; c++) {
		snprintf(key, sizeof(key), "cpu%u", c);
		item(key, "%s", play_cpu_text(c, text, sizeof(text)));
		snprintf(key, sizeof(key), "read%u", c);
		item(key, "%s", play_cpu_read(c));
		for (p = 0; p < at.sc->nprocs; p++)
			for (i = 0; world.as[p] != NULL && i < at.sc->npages; i++) {
				w = sim_cached(play_cpu_no(c), world.as[p],
				    BASE + at.sc->at[i] * PAGE_SIZE);
				if (w == 0)
					continue;
				snprintf(key, sizeof(key), "tlb%u.%s%u", c,
				    at.sc->proc[p], at.sc->at[i]);
				valid_text(w, text, sizeof(text));
				item(key, "%s", text);
			}
	}
}

/* ---- design frames: words, the library's records, the kernel's rows ---- */

static void
look_owned_words(unsigned p, uint32_t *maps)
{
	char key[32], text[64], entry[16];
	uint32_t refs, n, e;
	const void *record;
	uint64_t *word;
	pa_t frame;
	unsigned i;

	item(at.sc->proc[p], "lives");
	for (i = 0; i < at.sc->npages; i++) {
		word = scene_word(world.as[p], FRAME_USER_BASE + at.sc->at[i] * PAGE_SIZE);
		record = owned_record(p, at.sc->at[i], &frame, &refs, &n);
		entry[0] = '\0';
		if (record != NULL) {
			e = record_no(record);
			snprintf(entry, sizeof(entry), " E%u", e);
			maps[frame_no(&pfdb[frame >> PAGE_SHIFT]) - 1] = n;
		}
		snprintf(text, sizeof(text), "ABSENT%s", entry);
		if (word != NULL && (*word & MD_PTE_P))
			snprintf(text, sizeof(text), "VALID P%u%s %s%s",
			    frame_no(&pfdb[(*word & MD_PTE_PFN) >> PAGE_SHIFT]), entry,
			    (*word & MD_PTE_W) ? "W" : "R", (*word & MD_PTE_D) ? " D" : "");
		snprintf(key, sizeof(key), "%s%u", at.sc->proc[p], at.sc->at[i]);
		item(key, "%s", text);
	}
}

/* A record of each page that somebody has, once. */
static void
look_owned_records(void)
{
	bool said[FRAMES] = { false };
	uint32_t refs, maps;
	const void *record;
	unsigned p, i, e;
	char key[32];
	pa_t frame;

	for (p = 0; p < at.sc->nprocs; p++)
		for (i = 0; world.as[p] != NULL && i < at.sc->npages; i++) {
			record = owned_record(p, at.sc->at[i], &frame, &refs, &maps);
			e = record == NULL ? 0 : record_no(record);
			if (e == 0 || said[e - 1])
				continue;
			said[e - 1] = true;
			snprintf(key, sizeof(key), "E%u", e);
			item(key, "refs %u TRANS P%u", refs,
			    frame_no(&pfdb[frame >> PAGE_SHIFT]));
		}
}

static void
look_owned(void)
{
	uint32_t maps[FRAMES] = { 0 };
	char key[32], value[16];
	unsigned p, i;

	for (p = 0; p < at.sc->nprocs; p++)
		if (world.as[p] != NULL)
			look_owned_words(p, maps);
	look_owned_records();
	for (i = 0; i < at.v->labels.nframes; i++) {
		snprintf(key, sizeof(key), "P%u", i + 1);
		item(key, "ACTIVE home %s maps %u value %s", at.sc->proc[0], maps[i],
		    play_value(*(uint64_t *)pa2va(at.v->labels.frame[i] << PAGE_SHIFT), value));
	}
}

void
look(const struct scene *sc, struct view *v)
{
	unsigned p, i, done;

	at.sc = sc;
	at.v = v;
	at.used = 0;
	memset(v, 0, sizeof(*v));
	if (owned_is(sc)) {
		look_owned();
		return;
	}
	for (p = 0; p < sc->nprocs; p++)
		if (world.as[p] != NULL)
			look_words(p);
	look_entries();
	look_chains();
	if ((sc->shows & SHOW_FILE) && world.vmo != NULL)
		look_file();
	if ((sc->shows & SHOW_OBJECT) && world.vmo != NULL)
		look_object();
	if (sc->shows & SHOW_QUEUES)
		look_queues();
	if (sc->ncpus > 0)
		look_cpus();
	for (i = 0; i < v->labels.nframes; i++)
		look_frame(i);
	for (done = 0; done < v->labels.nslots; done = v->labels.nslots)
		look_slots();
}
