/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_faultpass.c: one pass of a fault, and what it must have left
 *
 * Problem   A fault that ends well may have left a pin, a charge or a wrong bit
 *           behind; and what it does when a frame, a page or the money is
 *           missing no program sees.
 *
 * Picture   pass(): look up, pin the table ─→ school->fault ─→ outcome, word, pins,
 *           counts, each compared with what the case says
 *
 * Rules     1. A pass is one call of the design's fault; what the driver does
 *              between two of them is fault_wait(), called by the test.
 *           2. What is said when something does not hold names the case.
 *
 * Read next lab_faultcase.c, lab_faultfile.c, vm/fault/driver.c.
 */
#include "test/boot/fault/lab_faultpass.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/design/pmap/pmap.h"

#define SHOWN (MD_PTE_P | MD_PTE_U | MD_PTE_W | MD_PTE_A | MD_PTE_D | \
	MD_PTE_NX | PTE_LOCK | PTE_SRC_MASK)

/* ---- a pass ---- */

static const char *const outcome_names[] = { [FAULT_DONE] = "FAULT_DONE",
	[FAULT_RESTART] = "FAULT_RESTART", [FAULT_WAIT] = "FAULT_WAIT",
	[FAULT_IO] = "FAULT_IO", [FAULT_NEEDMEM] = "FAULT_NEEDMEM",
	[FAULT_SIGNAL] = "FAULT_SIGNAL" };

/* What the driver counts of a pass beside the cases. */
static void
count_pass(struct fctx *f, enum fault_outcome r)
{
	EVENT(fault_total);
	if (r == FAULT_NEEDMEM && want_is_frame(&f->want))
		EVENT(fault_waited, f->va);
	else if (r == FAULT_NEEDMEM || r == FAULT_RESTART)
		EVENT(fault_again, f->va);
}

static void
look_up(struct fctx *f)
{
	struct vad *v = vad_find(f->as, f->va >> PAGE_SHIFT);

	CHECK(v != NULL);
	f->v.start = v->start;
	f->v.end = v->end;
	f->v.off = v->off;
	f->v.vmo = v->vmo;
	f->v.dpriv = v->dpriv;
	f->v.flags = v->flags;
	f->v.prot = v->prot;
}

/* Call handler with all that a pass has; other: the object's next page. */
enum fault_outcome
pass_of(struct fctx *f, enum fault_outcome (*handler)(struct fctx *),
    bool other)
{
	enum fault_outcome r;
	bool ready;

	do {
		rw_lock_read(&f->as->map_lock);
		look_up(f);
		f->v.off += other;
		mutex_lock(&f->as->ws_lock);
		r = pt_walk(f);
		ready = r == FAULT_DONE;
		if (ready)
			r = handler(f);
		if (r != FAULT_DONE)
			pt_pin(f);
		mutex_unlock(&f->as->ws_lock);
		rw_unlock_read(&f->as->map_lock);
		if (!ready)
			CHECK(fault_wait(f, r) == 0);
	} while (!ready);
	count_pass(f, r);
	return r;
}

enum fault_outcome
pass_once(struct fctx *f, struct aspace *as, va_t va, enum access access)
{
	f->as = as;
	f->va = va;
	f->access = access;
	return pass_of(f, as->school->fault, false);
}

void
pass_says(const char *what, enum fault_outcome got, enum fault_outcome want)
{
	CLAIM(got == want, "%s: the handler says %s, not %s", what,
	    outcome_names[got], outcome_names[want]);
}

/* A fault to its end; its outcome, and nothing of it is left. */
enum fault_outcome
pass_all(struct aspace *as, va_t va, enum access access)
{
	static struct fctx f;
	enum fault_outcome r;
	unsigned tries = 0;

	f = (struct fctx){ .want.what = WANT_AGAIN };
	while ((r = pass_once(&f, as, va, access)) != FAULT_DONE &&
	    r != FAULT_SIGNAL && tries++ < 8)
		CHECK(fault_wait(&f, r) == 0);
	fault_give_back(&f);
	return r;
}

/* ---- words, pages ---- */

uint64_t
pass_word(struct aspace *as, va_t va)
{
	struct vm_page *leaf;
	uint64_t *word, w;

	mutex_lock(&as->ws_lock);
	word = pt_find(as, va, &leaf);
	w = word == NULL ? 0 : word_get(word);
	mutex_unlock(&as->ws_lock);
	return w;
}

unsigned
pass_mapped(struct aspace *as, va_t va, uint64_t pages)
{
	unsigned n = 0;
	uint64_t i;

	for (i = 0; i < pages; i++)
		n += (pass_word(as, va + i * PAGE_SIZE) & MD_PTE_P) != 0;
	return n;
}

/* "PRIV U W A D NX" */
static const char *
show(char *s, size_t n, uint64_t w)
{
	static const char *const sources[] = { "OBJ", "PRIV", "FORK", "SPEC" };

	if ((w & MD_PTE_P) == 0)
		snprintf(s, n, "%s", pte_kind_name(pte_kind(w)));
	else
		snprintf(s, n, "%s%s%s%s%s%s%s", sources[pte_src(w)],
		    (w & MD_PTE_U) != 0 ? " U" : "",
		    (w & MD_PTE_W) != 0 ? " W" : "",
		    (w & MD_PTE_A) != 0 ? " A" : "",
		    (w & MD_PTE_D) != 0 ? " D" : "",
		    (w & MD_PTE_NX) != 0 ? " NX" : "",
		    (w & PTE_LOCK) != 0 ? " LOCK" : "");
	return s;
}

/* The word is VALID with just these bits, U among them. */
void
pass_word_is(const char *what, struct aspace *as, va_t va, enum pte_src src,
    uint64_t bits)
{
	uint64_t got = pass_word(as, va);
	uint64_t want = MD_PTE_P | ((uint64_t)src << PTE_SRC_SHIFT) | bits;
	char a[40], b[40];

	CLAIM((got & SHOWN) == want, "%s: the word is %s, not %s", what,
	    show(a, sizeof(a), got), show(b, sizeof(b), want));
}

void
pass_word_stays(const char *what, struct aspace *as, va_t va, uint64_t was)
{
	uint64_t got = pass_word(as, va);
	char a[40], b[40];

	CLAIM(got == was, "%s: the word is %s, and was %s: nothing may have "
	    "changed", what, show(a, sizeof(a), got), show(b, sizeof(b), was));
}

void
pass_page_is(const char *what, const struct vm_page *pg, unsigned mapped, bool dirty)
{
	CLAIM(pg->pins == 0, "%s: %u pins stay: the page can never leave memory",
	    what, pg->pins);
	CLAIM(mapped == PASS_ANY || pg->mapcount == mapped, "%s: %u words map the page, it counts %u",
	    what, mapped, pg->mapcount);
	CLAIM(((pg->flags & PF_DIRTY) != 0) == dirty, "%s: the page counts as %s",
	    what, dirty ? "clean: what was stored will be lost" : "dirty, and "
	    "nobody has stored to it");
}

va_t
pass_map(struct aspace *as, struct vmo *vmo, uint64_t pages, unsigned prot,
    unsigned flags)
{
	struct map_args a = { .len = pages * PAGE_SIZE, .prot = prot,
		.maxprot = P_RWX, .vmo = vmo, .flags = flags };
	va_t va = 0;

	if (vmo == NULL)
		a.flags |= MAP_ANONYMOUS;
	CHECK(map_mmap(as, &a, &va) == 0);
	return va;
}

struct pass_counts
pass_counts(struct aspace *as)
{
	return (struct pass_counts){ as->ws.pages, as->words.priv,
		atomic_load(&as->commit.late), commit_total() };
}

void
pass_counts_moved(const char *what, struct aspace *as, struct pass_counts was,
    unsigned ws, unsigned priv, unsigned late)
{
	struct pass_counts now = pass_counts(as);

	CLAIM(now.ws - was.ws == ws, "%s: the working set has %ld pages more, not "
	    "%u (ws.pages)", what, (long)(now.ws - was.ws), ws);
	CLAIM(now.priv - was.priv == priv, "%s: %ld private pages more, not %u "
	    "(words.priv)", what, (long)(now.priv - was.priv), priv);
	CLAIM(now.late - was.late == late && now.total - was.total == late,
	    "%s: %ld pages were paid for at the touch, not %u", what,
	    (long)(now.late - was.late), late);
}

/* ---- what is missing ---- */

/* No frame: the handler says so, has changed nothing, and comes again. */
void
pass_without_frame(const char *what, struct aspace *as, va_t va)
{
	static struct fctx f;
	struct pass_counts was = pass_counts(as);
	uint64_t word = pass_word(as, va);
	enum fault_outcome r;

	f = (struct fctx){ .want.what = WANT_AGAIN };
	EXPECT_IS(inject_set("FI_FRAME:1:0:1"), ==, 0);
	r = pass_once(&f, as, va, W);
	inject_set("off");
	pass_says(what, r, FAULT_NEEDMEM);
	pass_word_stays(what, as, va, word);
	pass_counts_moved(what, as, was, 0, 0, 0);
	if (r == FAULT_NEEDMEM) {
		CLAIM(want_is_frame(&f.want), "%s: it does not say that a frame is "
		    "missing", what);
		CHECK(fault_wait(&f, r) == 0);
		pass_says("the pass after it", pass_once(&f, as, va, W), FAULT_DONE);
	}
	fault_give_back(&f);
	pass_page_is(what, pte_page(pass_word(as, va)), 1, true);
}

/* Nobody pays: a signal, and the frame is kept for the next or given back.  Returns:
 * frames that there are less. */
static long
without_money_once(const char *what, struct aspace *as, va_t va)
{
	static struct fctx f;
	struct pass_counts was = pass_counts(as);
	uint64_t word = pass_word(as, va), frames;
	enum fault_outcome r;

	f = (struct fctx){ .want.what = WANT_AGAIN };
	frames = frames_available();
	EXPECT_IS(inject_set("FI_COMMIT:1:0:1"), ==, 0);
	r = pass_once(&f, as, va, W);
	inject_set("off");
	pass_says(what, r, FAULT_SIGNAL);
	if (r == FAULT_SIGNAL)
		CLAIM(f.sig.signo == SIGBUS, "%s: the signal is %d, not SIGBUS",
		    what, f.sig.signo);
	pass_word_stays(what, as, va, word);
	pass_counts_moved(what, as, was, 0, 0, 0);
	fault_give_back(&f);
	return (long)(frames - frames_available());
}

/* Threads of the kernel on other CPUs take frames, too: what is lost is lost each time. */
void
pass_without_money(const char *what, struct aspace *as, va_t va)
{
	long lost = without_money_once(what, as, va);
	int k;

	for (k = 0; k < 3 && lost != 0; k++)
		lost = without_money_once(what, as, va);
	CLAIM(lost == 0, "%s: %ld frames are lost", what, lost);
}
