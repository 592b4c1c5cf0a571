/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c: vm_check: is everything that must be true, true?
 *
 * Problem   A wrong count or a stale owner harms nobody until much later.  Walk
 *           all structures while nothing moves and say what disagrees, by the
 *           number of the invariant (book: invariants).
 *
 * Picture   freeze_spaces ─→ VADs (I8, I9) ─→ words (I1 I4 I6 I7 I11 I17)
 *                       ─→ objects (I10, I15) ─→ kpaged (I16)
 *                       ─→ frames under [P] (I1 I2 I3) ─→ slots (I5)
 *                       ─→ sums (I12, 6.1) ─→ stacks (I22)
 *
 * Rules     1. The other threads stop at safe points: each waits when it needs
 *              a map_lock or ws_lock.  Nothing here faults, allocates pages for
 *              user memory or changes what it looks at.
 *           2. A finding is one line with the invariant's number; the lines of
 *              the last run are kept for /proc/vm/check.
 *           3. VADs are paged.  A VAD that is on swap when all threads have stopped
 *              is not checked, and its space's words are not compared with it.
 *           4. A number that other CPUs may change meanwhile (free frames, commit
 *              of calls under way) is compared only as a bound, not for equality.
 */
#include "lib/string.h"
#include "vm/design/design.h"
#include "vm/design/designs.h"
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"

#define REPORT_BYTES 16384
#define LINES_LOGGED 20
#define BRING_TRIES 8
#define STACK_SPARE 1024 /* bytes of a kernel stack that nobody may need */

static struct {
	struct mutex lock;          /* check lock: one run at a time */
	char text[REPORT_BYTES];    /* [check lock] lines of the last run */
	struct out_buf buf;         /* [check lock] */
	uint64_t every;             /* [c] check=N */
	bool calls;                 /* [c] check=sys */
	_Atomic uint64_t faults;    /* [A] for check=N */
} check = { .lock = MUTEX_INIT(check.lock, LR_NONE) };

static void stop_all(int level);
static void check_designs(struct vm_report *rep);
static void check_spaces(struct vm_report *rep);
static void check_objects(struct vm_report *rep);
static void check_frames(struct vm_report *rep);
static void check_queue(struct vm_report *rep, enum page_state s,
    const struct page_queue *q);
static void check_commit(struct vm_report *rep);
static void check_sums(struct vm_report *rep);
static void check_vads(struct vm_report *rep);
static void check_stacks(struct vm_report *rep);
static void check_zeroed(struct vm_report *rep);

/* ---- reports ---- */

/*
 * Begin a report: the text of the last one is gone.
 *
 * Locks:    afterwards the check lock, until report_close().
 */
void
report_open(struct vm_report *rep, int level)
{
	mutex_lock(&check.lock);
	out_buf_init(&check.buf, check.text, sizeof(check.text));
	memset(rep, 0, sizeof(*rep));
	rep->out = &check.buf.out;
	rep->level = (unsigned)level;
}

/*
 * End it; findings go to the log, too.
 *
 * Returns:  their number.
 */
unsigned
report_close(struct vm_report *rep, const char *what)
{
	const char *line = check.text, *end;
	unsigned n, findings = rep->findings;

	if (findings == 0)
		out_printf(rep->out, "%s: clean\n", what);
	else
		klog("%s: %u findings", what, findings);
	for (n = 0; findings != 0 && n < LINES_LOGGED && *line != '\0'; n++) {
		end = strchr(line, '\n');
		if (end == NULL)
			break;
		klog("%s: %.*s", what, (int)(end - line), line);
		line = end + 1;
	}
	mutex_unlock(&check.lock);
	return findings;
}

/*
 * The lines of the last report.  Locks: takes the check lock.
 */
void
stat_check(struct out *o)
{
	mutex_lock(&check.lock);
	out_printf(o, "%s", check.text);
	mutex_unlock(&check.lock);
}

/*
 * Boot option check=N or check=sys.  Locks: none; once, by vm_init().
 */
void
check_init(void)
{
	check.calls = option_is("check", "sys");
	if (!check.calls)
		check.every = option_u64("check");
	if (check.calls || check.every != 0)
		atomic_or(&evidence_asked, (uint32_t)EVIDENCE_CHECK);
}

/* ---- when ---- */

/*
 * At the end of each fault: check=N.  Locks: none of rank >= 2.
 */
void
vm_check_fault(void)
{
	if (check.every != 0 &&
	    atomic_add(&check.faults, 1) % check.every == 0 && vm_check(1) != 0)
		panic("check: a fault has left findings");
}

/*
 * At the end of each system call: check=sys.  Locks: none.
 */
void
vm_check_syscall(void)
{
	if (check.calls && vm_check(1) != 0)
		panic("check: a system call has left findings");
}

/* ---- the run ---- */

static uint32_t *
mapcounts_alloc(size_t *pages)
{
	struct phys_stat ps;
	uint32_t *counts;
	size_t i;

	phys_stat(&ps);
	*pages = PAGE_UP((ps.max_pfn + 1ul) * sizeof(*counts)) >> PAGE_SHIFT;
	counts = kva_alloc(*pages);
	for (i = 0; counts != NULL && i <= ps.max_pfn; i++)
		counts[i] = 0;
	return counts;
}

/*
 * Walk the invariants.  Level 1 all but the contents of frames, and mappings only
 * of spaces whose VADs are all in memory; 2 also what the kernel has on swap,
 * which is brought as far as there is room; 3 also I21.
 *
 * Locks:    none of rank >= 2; takes those of all spaces.
 * Returns:  findings; the text is in stat_check() and in the log.
 */
unsigned
vm_check(int level)
{
	struct vm_report rep;
	size_t pages;
	unsigned n;

	report_open(&rep, level);
	rep.mapcount = mapcounts_alloc(&pages);
	if (rep.mapcount == NULL)
		out_printf(rep.out, "I2 not checked: no memory\n");
	stop_all(level);
	freeze_swap();
	check_spaces(&rep);
	check_objects(&rep);
	check_kpaged(&rep);
	check_frames(&rep);
	check_swap(&rep);
	check_commit(&rep);
	check_sums(&rep);
	check_vads(&rep);
	check_stacks(&rep);
	thaw_swap();
	thaw_spaces();
	check_designs(&rep);
	if (level >= 3)
		check_zeroed(&rep);
	if (rep.mapcount != NULL)
		kva_free(rep.mapcount, pages);
	EVENT(check_runs);
	EVENT_ADD(check_failures, rep.findings);
	n = report_close(&rep, "check");
	return n;
}

/* ---- spaces and objects ---- */

static void
check_space(struct aspace *as, struct vm_report *rep)
{
	if (as->md.root_pa == 0)
		return;
	rep->as = as;
	rep->no_vads = as_has_lost(as, LOST_VADS) || !vadpool_is_here(as);
	if (rep->no_vads)
		rep->vads += as->map.nvads;
	else
		check_vad_tree(as, rep);
	check_words(as, rep);
}

/*
 * All locks, and for level 2 all VADs in memory: they can be read only where
 * waiting is allowed, so if some have left again meanwhile, once more.
 */
static void
stop_all(int level)
{
	struct aspace *as;
	unsigned try;
	bool out;

	for (try = 0;; try++) {
		if (level >= 2)
			check_bring_kpaged();
		freeze_spaces();
		out = false;
		if (level >= 2 && try < BRING_TRIES)
			LIST_FOREACH(as, &as_list, all)
				out |= as->md.root_pa != 0 && !vadpool_is_here(as);
		if (!out)
			return;
		thaw_spaces();
	}
}

static void
check_spaces(struct vm_report *rep)
{
	const struct design *design;
	const struct shared_ops *s;
	struct aspace *as;
	uint64_t last = 0;

	rep->partial = ev_read(EV_table_in_errors) != 0;
	LIST_FOREACH(as, &as_list, all) {
		ASSERT(as->id > last); /* as_from() goes by it */
		last = as->id;
		check_space(as, rep);
	}
	FOR_EACH_SHARED(s, design)
		s->check_end(rep);
}

/* Structures of a design outside of spaces, under its own locks. */
static void
check_designs(struct vm_report *rep)
{
	const struct design *design;

	FOR_EACH_DESIGN(design)
		if (design->own != NULL)
			design->own->check(rep);
}

static void
check_objects(struct vm_report *rep)
{
	struct vmo *vmo;

	LIST_FOREACH(vmo, &vmo_list, all) {
		spin_lock(&vmo->lock);
		if (vmo->type == VMO_AOBJ)
			check_anon(vmo, rep);
		if (vmo->type == VMO_VNODE)
			check_cache(vmo, rep);
		spin_unlock(&vmo->lock);
	}
}

/* ---- frames: I1, I2, I3 ---- */

/* A page that holds something: its owner must name it. */
static void
check_home(const struct vm_page *pg, struct vm_report *rep)
{
	enum page_home kind = page_home_kind(pg);
	const uint64_t *word;

	if (kind == HOME_NONE)
		report_bad(rep, "I1", "pfn %u is %s and has no home",
		    page_pfn(pg), page_state_name((enum page_state)pg->state));
	if (!owner_has_word(pg))
		return;
	word = pa2va(page_home_payload(pg));
	if (!pte_names_frame(word_get(word)) ||
	    pte_pfn(word_get(word)) != page_pfn(pg))
		report_bad(rep, "I1", "pfn %u: its home %lx holds %lx",
		    page_pfn(pg), pg->home, word_get(word));
}

/* What a frame's state says of its mappings, pins and home: I2, I3.  Locks: [P]. */
static void
check_frame(const struct vm_page *pg, struct vm_report *rep)
{
	bool idle = pg->mapcount == 0 && pg->pins == 0;
	const char *name = page_state_name((enum page_state)pg->state);

	HELD(&pfn_lock);
	if (rep->mapcount != NULL && pg->mapcount != rep->mapcount[page_pfn(pg)])
		report_bad(rep, "I2", "pfn %u %s: mapcount %u, %u words map it",
		    page_pfn(pg), name, pg->mapcount,
		    rep->mapcount[page_pfn(pg)]);
	switch ((enum page_state)pg->state) {
	case PG_ACTIVE:
		check_home(pg, rep);
		if (idle && (pg->flags & PF_CONTAINER) == 0)
			report_bad(rep, "I3", "pfn %u ACTIVE and idle",
			    page_pfn(pg));
		break;
	case PG_STANDBY:
	case PG_MODIFIED:
		check_home(pg, rep);
		if (!idle)
			report_bad(rep, "I3", "pfn %u %s: mapcount %u pins %u",
			    page_pfn(pg), name, pg->mapcount, pg->pins);
		break;
	case PG_FREE:
	case PG_ZEROED:
		if (!idle || page_home_kind(pg) != HOME_NONE)
			report_bad(rep, "I3", "pfn %u %s: mapcount %u pins %u "
			    "home %lx", page_pfn(pg), name, pg->mapcount,
			    pg->pins, pg->home);
		break;
	case PG_READING:
	case PG_LIMBO:
	case PG_WIRED:
	case PG_BAD:
	case PG_NSTATES:
		break;
	}
}

/* Each frame of RAM, and what is counted of them: I3.  Locks: takes [P]. */
static void
check_frames(struct vm_report *rep)
{
	uint64_t n[PG_NSTATES] = { 0 }, of[2] = { 0 }, anon, objects;
	struct phys_stat ps;
	unsigned s;
	pfn_t pfn;

	phys_stat(&ps);
	spin_lock(&pfn_lock);
	for (pfn = 1; pfn <= ps.max_pfn; pfn++) {
		if (!phys_is_ram(pfn))
			continue;
		s = pfdb[pfn].state;
		if (s < PG_NSTATES)
			n[s]++;
		if (owner_is_word(&pfdb[pfn]) && page_home_kind(&pfdb[pfn]) != HOME_KPAGED)
			of[page_home_kind(&pfdb[pfn]) == HOME_AOBJ]++;
		check_frame(&pfdb[pfn], rep);
	}
	/* These change under [P] only; the others under the allocator's locks. */
	for (s = PG_ACTIVE; s <= PG_READING; s++)
		if (n[s] != page_count((enum page_state)s))
			report_bad(rep, "I3", "%lu frames are %s, counted %lu",
			    n[s], page_state_name((enum page_state)s),
			    page_count((enum page_state)s));
	owner_count_pages(&anon, &objects);
	if (of[0] != anon || of[1] != objects)
		report_bad(rep, "I3", "%lu pages of programs, %lu of objects, counted "
		    "%lu and %lu", of[0], of[1], anon, objects);
	check_queue(rep, PG_STANDBY, &pq_queue[Q_STANDBY]);
	check_queue(rep, PG_MODIFIED, &pq_queue[Q_MODANON]);
	check_queue(rep, PG_MODIFIED, &pq_queue[Q_MODFILE]);
	spin_unlock(&pfn_lock);
}

static void
check_queue(struct vm_report *rep, enum page_state s,
    const struct page_queue *q)
{
	pfn_t pfn = q->head, prev = 0;
	uint64_t n = 0;

	for (; pfn != 0 && n <= q->n; pfn = pfdb[pfn].qnext, n++) {
		if (pfdb[pfn].state != s || pfdb[pfn].qprev != prev)
			report_bad(rep, "I3", "pfn %u on the queue of %s", pfn,
			    page_state_name(s));
		prev = pfn;
	}
	if (n != q->n || q->tail != prev)
		report_bad(rep, "I3", "queue of %s: %lu pages, walked %lu",
		    page_state_name(s), q->n, n);
}

/* ---- sums ---- */

/*
 * All owned pages are charged; calls under way have charged pages without an owner,
 * so the total may be larger, never smaller.
 */
static void
check_commit(struct vm_report *rep)
{
	uint64_t owned = as_sum(offsetof(struct aspace, commit.paid)) +
	    as_sum(offsetof(struct aspace, commit.prepaid)) +
	    as_sum(offsetof(struct aspace, commit.late)) + ev_read(EV_design_charged);
	struct vmo *vmo;

	LIST_FOREACH(vmo, &vmo_list, all)
		if (vmo->type == VMO_AOBJ)
			owned += atomic_load(&vmo->a.charged);
	if (commit_total() < owned)
		report_bad(rep, "I12", "%lu pages owned, %lu charged", owned,
		    commit_total());
}

/* Outcomes of passes (book: invariants 6.1). */
static uint64_t
sum_outcomes(void)
{
	static const enum ev_id ids[] = {
		EV_fault_spurious, EV_fault_zerofill, EV_fault_zeropage,
		EV_fault_file, EV_fault_file_read, EV_fault_private_copy,
		EV_fault_fork_copy, EV_fault_fork_steal, EV_fault_swapin,
		EV_fault_busy_wait, EV_fault_rescue, EV_fault_fork_map,
		EV_fault_aobj, EV_fault_device, EV_fault_table_in, EV_fault_error,
		EV_fault_upgrade, EV_fault_design, EV_fault_waited,
		EV_fault_again, EV_fault_denied, EV_fault_failed,
	};
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < ARRAY_LEN(ids); i++)
		sum += ev_read(ids[i]);
	return sum;
}

/* Faults that have begun and not ended: so many passes may be uncounted. */
static unsigned
faults_open(void)
{
	uint64_t ended = ev_read(EV_fault_ended);

	return (unsigned)(ev_read(EV_fault_total) - ended);
}

/* Is a + open == b possible, with `open` faults that have not ended? */
static bool
agrees(uint64_t less, uint64_t more, unsigned open)
{
	return less <= more && more - less <= open;
}

/*
 * fault.pass, which is faults and restarts, is the sum of all outcomes.  Faults
 * that wait for a lock now have begun a pass without an outcome; and counters
 * of other CPUs move while they are added up, so ask thrice.
 */
static void
check_sums(struct vm_report *rep)
{
	uint64_t pass = 0, sum = 0;
	unsigned try, open;

	for (try = 0; try < 3; try++) {
		open = faults_open();
		pass = ev_read(EV_fault_pass);
		sum = sum_outcomes();
		open = MAX(open, faults_open());
		if (agrees(sum, pass, open))
			return;
	}
	report_bad(rep, "6.1", "fault.pass %lu, outcomes %lu", pass, sum);
}

/* Every map_lock is held: the gauge and the trees do not move. */
static void
check_vads(struct vm_report *rep)
{
	if (ev_read(EV_vad_live) != rep->vads)
		report_bad(rep, "6.1", "vad.live %lu, the trees hold %lu",
		    ev_read(EV_vad_live), rep->vads);
}

/* Before one overflows: then the machine has ended. */
static void
check_stacks(struct vm_report *rep)
{
	size_t used = thread_stacks_deepest();

	if (used + STACK_SPARE > MD_KSTACK_SIZE)
		report_bad(rep, "I22", "a kernel stack of %lu bytes has used %zu",
		    MD_KSTACK_SIZE, used);
}

/* ---- I21 ---- */

static bool
is_zero(const struct vm_page *pg)
{
	const uint64_t *word = pa2va(page_pa(pg));
	unsigned i;

	for (i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		if (word[i] != 0)
			return false;
	return true;
}

/* A frame may be allocated while it is read: only what stays ZEROED counts. */
static void
check_zeroed(struct vm_report *rep)
{
	struct phys_stat ps;
	pfn_t pfn;

	phys_stat(&ps);
	if (!is_zero(page_zero_frame()))
		report_bad(rep, "I21", "the zero page is not zero");
	for (pfn = 1; pfn <= ps.max_pfn; pfn++) {
		const struct vm_page *pg = &pfdb[pfn];

		if (!phys_is_ram(pfn) || pg->state != PG_ZEROED || is_zero(pg))
			continue;
		if (pg->state == PG_ZEROED && !is_zero(pg))
			report_bad(rep, "I21", "pfn %u ZEROED, but not zero", pfn);
	}
}
