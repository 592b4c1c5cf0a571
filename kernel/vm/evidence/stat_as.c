/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat_as.c: /proc/PID/maps, smaps and their sums, vadtree, and the sizes for ps
 *
 * Problem   Programs parse maps byte for byte as Linux prints it; learners
 *           read vadtree to see the tree behind it.
 *
 * Picture   map_lock shared ─→ the VAD at *at ─→ words of its leaf tables ─→ text
 *
 * Rules     1. The sink allocates and does not sleep, so a line may be written
 *              under map_lock and ws_lock.
 *           2. The client of an object supplies its name (vmo_client_ops);
 *              the object's lock keeps the client from going.
 *           3. No user page is faulted in: absent pages are counted as absent.
 *              Entries of forked objects are brought: they say who shares what.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/design/design.h"
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/vm.h"

#define NAME_COLUMN 72
#define SHORT_PATH 256ul
#define LONG_PATH PAGE_SIZE

/* The identity of an object; a long path has memory of its own. */
struct named {
	struct vmo_ident id;
	char path[SHORT_PATH];
};

static void put_header(struct aspace *as, struct vad *v, struct out *o);
static const char *vad_name(struct aspace *as, struct vad *v, const struct named *n);

/* put() for the VAD that ends behind page *at.  1, *at is its end; 0: none. */
static int
put_next(struct aspace *as, uint64_t *at, struct out *o,
    void (*put)(struct aspace *, struct vad *, struct out *))
{
	struct vad *v;

	rw_lock_read(&as->map_lock);
	v = vad_find_above(as, *at);
	if (v != NULL) {
		put(as, v, o);
		*at = v->end;
	}
	rw_unlock_read(&as->map_lock);
	return v != NULL;
}

/* ---- maps ---- */

/*
 * Locks:    none of rank >= 2.
 */
int
stat_maps(struct aspace *as, uint64_t *at, struct out *o)
{
	return put_next(as, at, o, put_header);
}

static void
ask_client(struct vmo *vmo, struct vmo_ident *id, char *path, size_t room)
{
	*id = (struct vmo_ident){ .path = path, .room = room };
	path[0] = '\0';
	spin_lock(&vmo->lock);
	if (vmo->client_ops != NULL)
		vmo->client_ops->ident(vmo->client, id);
	spin_unlock(&vmo->lock);
}

/* Of no object: nobody.  named_end() follows. */
static void
name_object(struct vmo *vmo, struct named *n)
{
	char *more;

	/* Not all of it: a path is long, and most VADs have none. */
	n->id = (struct vmo_ident){ .path = n->path };
	if (vmo == NULL)
		return;
	ask_client(vmo, &n->id, n->path, SHORT_PATH);
	more = n->id.is_short ? kmem_alloc(LONG_PATH) : NULL;
	if (more != NULL)
		ask_client(vmo, &n->id, more, LONG_PATH);
	if (n->id.path[0] != '\0')
		return;
	n->id.dev_minor = 1;
	n->id.ino = vmo->serial;
	str_copy(n->id.path, "/dev/zero (deleted)", n->id.room);
}

static void
named_end(struct named *n)
{
	if (n->id.path != n->path)
		kmem_free(n->id.path);
}

static const char *
vad_name(struct aspace *as, struct vad *v, const struct named *of)
{
	struct vad *n;

	if (v->vmo != NULL)
		return of->id.path;
	/* A stack may be in pieces: it is named where the program began with it. */
	if ((v->flags & VAD_STACK) != 0) {
		n = vad_next(v);
		return n == NULL || (n->flags & VAD_STACK) == 0 ? "[stack]" : NULL;
	}
	if (v->start << PAGE_SHIFT <= as->map.brk &&
	    v->end << PAGE_SHIFT >= as->map.brk0 && (v->flags & VAD_HEAP) != 0)
		return "[heap]";
	return NULL;
}

/* One line of maps, as Linux prints it: the name begins at column 73. */
static void
put_header(struct aspace *as, struct vad *v, struct out *o)
{
	const char *name;
	struct named of;
	char line[128];
	int n;

	name_object(v->vmo, &of);
	n = snprintf(line, sizeof(line), "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ",
	    v->start << PAGE_SHIFT, v->end << PAGE_SHIFT,
	    (v->prot & PROT_R) != 0 ? 'r' : '-',
	    (v->prot & PROT_W) != 0 ? 'w' : '-',
	    (v->prot & PROT_X) != 0 ? 'x' : '-',
	    (v->flags & VAD_SHARED) != 0 ? 's' : 'p',
	    v->vmo != NULL ? v->off << PAGE_SHIFT : 0, of.id.dev_major,
	    of.id.dev_minor, of.id.ino);
	out_printf(o, "%s", line);
	name = vad_name(as, v, &of);
	if (name != NULL) {
		out_printf(o, "%*s ", n < NAME_COLUMN ? NAME_COLUMN - n : 0, "");
		out_field(o, name, "\n");
	}
	out_printf(o, "\n");
	named_end(&of);
}

/* ---- smaps ---- */

struct smap {
	struct aspace *as;
	uint64_t rss, pss, shared_clean, shared_dirty;   /* bytes */
	uint64_t pss_dirty, pss_anon, pss_file, pss_shmem;
	uint64_t private_clean, private_dirty;
	uint64_t referenced, anonymous, lazyfree, locked;
	uint64_t swap, swap_pss;
	va_t at;               /* where the walk stopped: */
	uint64_t word;         /* what this names is out */
};

/* A word that is not VALID: is its page in swap?  1: who knows, it is out. */
static int
smap_soft(struct smap *m, va_t va, uint64_t word)
{
	uint64_t named = word;
	int64_t refs = 1;

	if (pte_kind(word) == PTE_FORK)
		refs = m->as->design->shared->refs(m->as, va, word, &named);
	if (refs < 0) {
		m->at = va;
		m->word = word;
		return 1;
	}
	if (pte_kind(named) == PTE_SWAP) {
		m->swap += PAGE_SIZE;
		m->swap_pss += PAGE_SIZE / (uint64_t)MAX(refs, 1);
	}
	return 0;
}

/* Whose page it is. */
static void
smap_kind(struct smap *m, uint64_t word, uint64_t share)
{
	if (pte_src(word) != SRC_OBJ) {
		m->anonymous += PAGE_SIZE;
		m->pss_anon += share;
	} else if (page_home_kind(pte_page(word)) == HOME_VNODE) {
		m->pss_file += share;
	} else {
		m->pss_shmem += share;
	}
}

/* vm_walk_fn: what a word adds to the rows of smaps; a shared page counts by its share. */
static int
smap_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct smap *m = arg;
	const struct vm_page *pg;
	uint64_t share;
	bool dirty;

	/* A table that is out: so are the pages that it has words for. */
	if (pte_is_table_out(word)) {
		share = MIN(pages, (uint64_t)pte_table_used(word)) * PAGE_SIZE;
		m->swap += share;
		m->swap_pss += share;
		return 0;
	}
	if (pte_kind(word) != PTE_VALID)
		return smap_soft(m, va, word);
	if (pte_src(word) == SRC_SPEC)
		return 0;
	pg = pte_page(word);
	dirty = (word & MD_PTE_D) != 0 || (pg->flags & PF_DIRTY) != 0;
	m->rss += PAGE_SIZE;
	/* Not mapped by us alone, but perhaps on its way: never by 0. */
	share = PAGE_SIZE / MAX(pg->mapcount, 1u);
	m->pss += share;
	if (pg->mapcount > 1)
		*(dirty ? &m->shared_dirty : &m->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &m->private_dirty : &m->private_clean) += PAGE_SIZE;
	if ((word & MD_PTE_A) != 0)
		m->referenced += PAGE_SIZE;
	smap_kind(m, word, share);
	if (dirty)
		m->pss_dirty += share;
	if ((pg->flags & PF_LAZYFREE) != 0 && !dirty)
		m->lazyfree += PAGE_SIZE;
	if ((word & PTE_LOCK) != 0)
		m->locked += share;
	return 0;
}

/* All words of a VAD; what one names is brought back first.  [M]. */
static void
smap_walk(struct smap *m, const struct vad *v)
{
	struct aspace *as = m->as;
	struct vm_page *held = NULL;
	uint64_t vpn = v->start;

	while (as->school->walk(as, vpn, v->end, smap_word, m) != 0) {
		if (held != NULL)
			kpaged_unpin(held);
		if (as->design->forked->bring(as, m->word, &held) != 0)
			return; /* killed */
		vpn = m->at >> PAGE_SHIFT;
	}
	if (held != NULL)
		kpaged_unpin(held);
}

static void
put_kb(struct out *o, const char *name, uint64_t bytes)
{
	out_printf(o, "%-16s%8lu kB\n", name, bytes >> 10);
}

/* VmFlags, in two letters each, as proc(5) has them. */
static void
put_flags(struct out *o, const struct vad *v)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = {
		{ VAD_SHARED, "ms " }, { VAD_GROWSDOWN, "gd " },
		{ VAD_LOCKED, "lo " }, { VAD_SEQUENTIAL, "sr " },
		{ VAD_RANDOM, "rr " }, { VAD_DONTFORK, "dc " },
		{ VAD_LOCKONFAULT, "lf " }, { VAD_CHARGED, "ac " },
		{ VAD_NORESERVE, "nr " }, { VAD_WIPEONFORK, "wf " },
	};
	bool shares = (v->flags & VAD_SHARED) != 0 && (v->maxprot & PROT_W) != 0;
	unsigned i;

	out_printf(o, "VmFlags: %s%s%s%s", (v->prot & PROT_R) != 0 ? "rd " : "",
	    (v->prot & PROT_W) != 0 ? "wr " : "",
	    (v->prot & PROT_X) != 0 ? "ex " : "", shares ? "sh " : "");
	out_printf(o, "%s%s%s", (v->maxprot & PROT_R) != 0 ? "mr " : "",
	    (v->maxprot & PROT_W) != 0 ? "mw " : "",
	    (v->maxprot & PROT_X) != 0 ? "me " : "");
	for (i = 0; i < ARRAY_LEN(flags); i++)
		if ((v->flags & flags[i].flag) != 0)
			out_printf(o, "%s", flags[i].name);
	out_printf(o, "\n");
}

/* Words of an anonymous object, and how many of them are in swap. */
struct in_swap {
	struct swap_walk walk;
	uint64_t n;
};

static int
count_swapped(struct swap_walk *walk, const struct swap_words *w)
{
	CONTAINER_OF(walk, struct in_swap, walk)->n +=
	    pte_kind(word_get(w->word)) == PTE_SWAP;
	return 0;
}

/* Of what v maps of its object.  Takes [O], [P]; may sleep, but not for the pages. */
static uint64_t
anon_swapped(const struct vad *v)
{
	struct in_swap c = { .walk = { .at = v->off, .fn = count_swapped } };

	while (anon_words(v->vmo, v->off + (v->end - v->start), &c.walk) ==
	    -EAGAIN)
		want_finish(&c.walk.want);
	want_end(&c.walk.want);
	return c.n;
}

/* The mapping v is added to m.  [M]; may sleep. */
static void
smap_add(struct smap *m, const struct vad *v)
{
	smap_walk(m, v);
	if (v->vmo != NULL && v->vmo->type == VMO_AOBJ)
		m->swap += anon_swapped(v) << PAGE_SHIFT;
}

enum rows_of { ROWS_OF_ONE, ROWS_OF_ALL };

/* The rows that one mapping and all of them have; there are no large pages. */
static void
put_rows(struct out *o, const struct smap *m, enum rows_of of)
{
	put_kb(o, "Rss:", m->rss);
	put_kb(o, "Pss:", m->pss);
	put_kb(o, "Pss_Dirty:", m->pss_dirty);
	if (of == ROWS_OF_ALL) {
		put_kb(o, "Pss_Anon:", m->pss_anon);
		put_kb(o, "Pss_File:", m->pss_file);
		put_kb(o, "Pss_Shmem:", m->pss_shmem);
	}
	put_kb(o, "Shared_Clean:", m->shared_clean);
	put_kb(o, "Shared_Dirty:", m->shared_dirty);
	put_kb(o, "Private_Clean:", m->private_clean);
	put_kb(o, "Private_Dirty:", m->private_dirty);
	put_kb(o, "Referenced:", m->referenced);
	put_kb(o, "Anonymous:", m->anonymous);
	put_kb(o, "LazyFree:", m->lazyfree);
	put_kb(o, "AnonHugePages:", 0);
	put_kb(o, "ShmemPmdMapped:", 0);
	put_kb(o, "FilePmdMapped:", 0);
	put_kb(o, "Shared_Hugetlb:", 0);
	put_kb(o, "Private_Hugetlb:", 0);
	put_kb(o, "Swap:", m->swap);
	put_kb(o, "SwapPss:", m->swap_pss);
	put_kb(o, "Locked:", m->locked);
}

static void
put_smap(struct aspace *as, struct vad *v, struct out *o)
{
	struct smap m = { .as = as };

	put_header(as, v, o);
	smap_add(&m, v);
	put_kb(o, "Size:", (v->end - v->start) << PAGE_SHIFT);
	put_kb(o, "KernelPageSize:", PAGE_SIZE);
	put_kb(o, "MMUPageSize:", PAGE_SIZE);
	put_rows(o, &m, ROWS_OF_ONE);
	out_printf(o, "THPeligible:    0\n");
	put_flags(o, v);
}

/*
 * Locks:    none of rank >= 2.
 */
int
stat_smaps(struct aspace *as, uint64_t *at, struct out *o)
{
	return put_next(as, at, o, put_smap);
}

/*
 * The sums of smaps, as one record.
 *
 * Locks:    none of rank >= 2.
 */
int
stat_smaps_rollup(struct aspace *as, uint64_t *at, struct out *o)
{
	struct smap m = { .as = as };
	uint64_t lo = 0, hi = 0;
	struct vad *v;
	char line[80];

	if (*at != 0)
		return 0;
	do {
		rw_lock_read(&as->map_lock);
		v = vad_find_above(as, hi);
		if (v != NULL) {
			lo = hi == 0 ? v->start : lo;
			hi = v->end;
			smap_add(&m, v);
		}
		rw_unlock_read(&as->map_lock);
	} while (v != NULL && !thread_is_killed());
	(void)snprintf(line, sizeof(line), "%08lx-%08lx ---p 00000000 00:00 0",
	    lo << PAGE_SHIFT, hi << PAGE_SHIFT);
	out_printf(o, "%-*s [rollup]\n", NAME_COLUMN, line);
	put_rows(o, &m, ROWS_OF_ALL);
	*at = 1;
	return 1;
}

/* ---- vadtree ---- */

static unsigned
depth_of(const struct vad *v)
{
	const struct rb_node *n = &v->rb;
	unsigned depth = 0;

	while ((n = rb_parent(n)) != NULL)
		depth++;
	return depth;
}

static void
put_place(struct aspace *as, struct vad *v, struct out *o)
{
	struct named of;

	name_object(v->vmo, &of);
	out_printf(o, "%lx-%lx depth=%u color=%s gap=%lu maxgap=%lu ",
	    v->start << PAGE_SHIFT, v->end << PAGE_SHIFT, depth_of(v),
	    rb_is_black(&v->rb) ? "black" : "red", v->gap, v->maxgap);
	out_printf(o, "prot=%u flags=%x commit=%lu object=",
	    v->prot, v->flags,
	    (v->flags & VAD_CHARGED) != 0 ? v->end - v->start : 0);
	out_field(o, v->vmo == NULL ? "none" : of.id.path, "\n");
	out_printf(o, "\n");
	named_end(&of);
}

/*
 * One line per VAD in order of address, with its place in the tree.
 *
 * Locks:    none of rank >= 2.
 */
int
stat_vadtree(struct aspace *as, uint64_t *at, struct out *o)
{
	return put_next(as, at, o, put_place);
}

/* ---- numbers ---- */

static void
count_vad(const struct vad *v, struct vm_as_stat *st)
{
	uint64_t n = v->end - v->start;

	if ((v->prot & PROT_X) != 0 && (v->prot & PROT_W) == 0)
		st->text += n;
	if ((v->flags & (VAD_STACK | VAD_GROWSDOWN)) != 0)
		st->stack += n;
	if (vad_is_data(v->flags, v->prot))
		st->data += n;
}

/* The sizes that are kept.  Locks: [M], [W]. */
static void
stat_kept(struct aspace *as, struct vm_as_stat *st)
{
	HELD_SHARED(&as->map_lock);
	HELD(&as->ws_lock);
	*st = (struct vm_as_stat){
		.size = as->map.total_pages, .size_peak = as->map.peak_pages,
		.resident = as->ws.pages, .peak = as->ws.peak,
		.locked = as->map.locked_pages, .tables = as->table.n,
		.commit = as->commit.paid, .nvads = as->map.nvads,
		.late = atomic_load(&as->commit.late), .brk0 = as->map.brk0,
		.design = as->design->name,
	};
}

/*
 * Sizes in pages that are kept: for ps, which asks each process.
 *
 * Locks:    none of rank >= 2.
 */
void
vm_as_stat(struct aspace *as, struct vm_as_stat *st)
{
	rw_lock_read(&as->map_lock);
	mutex_lock(&as->ws_lock);
	stat_kept(as, st);
	mutex_unlock(&as->ws_lock);
	rw_unlock_read(&as->map_lock);
}

/*
 * The other sizes, too, of which kind each page is, all of one moment: a walk over VADs
 * and words.
 *
 * Locks:    none of rank >= 2.
 */
void
vm_as_stat_kinds(struct aspace *as, struct vm_as_stat *st)
{
	struct vad *v;

	rw_lock_read(&as->map_lock);
	mutex_lock(&as->ws_lock);
	stat_kept(as, st);
	VAD_FOREACH(v, as)
		count_vad(v, st);
	stat_resident(as, st);
	mutex_unlock(&as->ws_lock);
	rw_unlock_read(&as->map_lock);
}

/*
 * A gauge of one space: the rows of events.tab with p.
 *
 * Locks:    none of rank >= 5.
 */
uint64_t
vm_as_gauge(struct aspace *as, enum ev_id id)
{
	const struct {
		enum ev_id id;
		const uint64_t *field;
	} rows[] = {
		{ EV_ws_pages, &as->ws.pages }, { EV_ws_peak, &as->ws.peak },
		{ EV_table_live, &as->table.n },
		{ EV_table_live_out, &as->table.n_out },
		{ EV_table_n_priv, &as->words.priv },
		{ EV_table_n_fork, &as->words.fork }, { EV_vad_live, &as->map.nvads },
	};
	unsigned i;

	if (id == EV_table_n_swap)
		return atomic_load(&as->words.swap);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].id == id)
			return atomic_load_relaxed(rows[i].field);
	return 0;
}
