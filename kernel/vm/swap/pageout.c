/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageout.c: the threads that write dirty pages and keep frames free
 *
 * Problem   The frame of a dirty page cannot be reused, and changes that stay in
 *           memory are lost with the power.  A program that writes faster
 *           than the disk must be slowed down before all memory is dirty.
 *
 * Picture   dirty pages of files    0 ───── 10 % ────────── 40 % of RAM
 *                                    older    │ all of them   │ writers wait
 *                                    than 5 s │ at once       │ for a round
 *           free frames             high ─── low: standby pages are freed
 *                                            until there are `high` again
 *           pages without a file    MODIFIED ─ cluster ─→ swap ─→ STANDBY
 *
 * Rules     1. Two threads: "pageout" for files, which may have to read where
 *              their blocks are, and "mpw" for swap, which needs nothing but a
 *              slot and a bio.  Neither takes a lock of rank 1 or 2: a thread
 *              that waits for them may hold one.
 *           2. A writer waits for one round at most, so a disk that fails all
 *              writes stops nobody for ever.
 *           3. The owners of pages register a function that writes them.
 *           4. Slots kept with resident pages are freed when no other slot is
 *              left: a page needs only one place.
 */
#include "vm/swap/swap.h"

#define ROUND_NS 1000000000ul        /* between two looks */
#define OLD_NS 5000000000ul          /* pages dirty that long are written */
#define START_PERCENT 10
#define LIMIT_PERCENT 40
#define RECLAIM_STEP 256             /* frames looked at in one hold of [P] */

/* A thread that writes when it is woken, and looks by itself each second. */
struct writer {
	const char *name;
	void (*round)(void);
	struct waitq work;           /* the thread sleeps here */
	_Atomic bool wanted;         /* [A] there is work */
};

static void files_round(void);
static void swap_round(void);

static struct writer files = { .name = "pageout", .round = files_round };
static struct writer mpw = { .name = "mpw", .round = swap_round };

static struct {
	struct waitq done;           /* writers of files that wait for a round */
	_Atomic uint64_t push;       /* [A] pages to write though there is room */
	pfn_t hand;                  /* [mpw] where swap_reclaim() goes on */
	void (*write)(uint64_t);     /* [c] but for kernel tests */
	_Atomic uint64_t rounds;     /* [A] of files, ended so far */
	uint64_t frames;             /* [c] usable */
} pageout;

void
pageout_init(void)
{
	struct phys_stat ps;

	waitq_init(&files.work);
	waitq_init(&mpw.work);
	waitq_init(&pageout.done);
	phys_stat(&ps);
	pageout.frames = ps.total;
}

/* Set the function that writes dirty pages of files in a round: those of objects that
 * have been dirty for that long.
 * Locks: none; by vm_init(), and by tests that judge what is dirty. */
void
pageout_set_files(void (*write)(uint64_t older_than_ns))
{
	pageout.write = write;
}

static void
wake(struct writer *w)
{
	if (!atomic_xchg(&w->wanted, true))
		wake_all(&w->work);
}

/* There is work: wake both threads.  Locks: any of rank < LR_WAIT. */
void
pageout_wake(void)
{
	wake(&files);
	wake(&mpw);
}

/* ---- the threads ---- */

static void
wait_for_work(struct writer *writer)
{
	(void)wait_until(&writer->work, WAIT_PLAIN, md_time_ns() + ROUND_NS,
	    atomic_load(&writer->wanted));
	atomic_store(&writer->wanted, false);
}

static void
writer_main(void *arg)
{
	struct writer *w = arg;

	vm_reserved_enter();
	for (;;) {
		wait_for_work(w);
		w->round();
	}
}

void
pageout_start(void)
{
	if (thread_spawn(files.name, writer_main, &files) == NULL ||
	    thread_spawn(mpw.name, writer_main, &mpw) == NULL)
		panic("pageout: no memory for the threads");
}

/* ---- files ---- */

static bool
is_above(unsigned percent)
{
	return pages_dirty > pageout.frames * percent / 100;
}

/* Free unused pages, oldest first, until there is room again. */
static void
make_room(void)
{
	uint64_t until = phys_marks.low;

	while (page_count(PG_FREE) + page_count(PG_ZEROED) < until) {
		if (!phys_reclaim())
			return;
		until = phys_marks.high;
	}
}

static void
files_round(void)
{
	make_room();
	pageout.write(is_above(START_PERCENT) || page_count(PG_STANDBY) == 0 ?
	    0 : OLD_NS);
	atomic_add(&pageout.rounds, 1);
	wake_all(&pageout.done);
}

/* ---- swap ---- */

/* Write the pages that wait now to swap, although memory is free: MADV_PAGEOUT.
 * Locks: any of rank < LR_WAIT. */
void
pageout_push(void)
{
	atomic_store(&pageout.push, pq_length(Q_MODANON));
	wake(&mpw);
}

/* Take a page that is not mapped out of memory, although memory is free: write it, with
 * its neighbours, or free its frame.
 * Locks: [P].  Returns: ENDED; LATER: ask again; NOBIO: swap_wait() first. */
enum pageout_result
pageout_page(struct vm_page *pg, enum swap_then then)
{
	struct vm_page *out[SWAP_RUN];
	unsigned n;

	HELD(&pfn_lock);
	if (pg->state == PG_STANDBY)
		(void)pq_release(pg);
	if (pg->state != PG_MODIFIED)
		return PAGEOUT_ENDED;
	if ((pg->flags & PF_WRITING) != 0)
		return PAGEOUT_LATER;
	n = swap_cluster(pg, out);
	if (n == 0)
		return PAGEOUT_ENDED;
	return swap_out(out, n, then) == 0 && swap_has_room() ?
	    PAGEOUT_NOBIO : PAGEOUT_LATER;
}

/* The same for the page of an owning word, if it is in memory and not mapped; its frame
 * is freed by the end of the write.
 * Locks: the container's; takes [P].  Returns: as pageout_page(). */
enum pageout_result
pageout_word(const uint64_t *word)
{
	enum pageout_result r = PAGEOUT_ENDED;

	spin_lock(&pfn_lock);
	if (pte_is_trans(word_get(word)))
		r = pageout_page(pte_page(word_get(word)), SWAP_FREE);
	spin_unlock(&pfn_lock);
	return r;
}

/* Are more frames needed than will be clean when all writes have ended? */
static bool
swap_should_write(void)
{
	/* In this order: a push that comes after the look at the queue is kept. */
	uint64_t push = atomic_load(&pageout.push);
	uint64_t waiting = pq_length(Q_MODANON), soon;

	if (waiting == 0 && push != 0)
		(void)atomic_cas(&pageout.push, &push, 0);
	if (waiting == 0 || push != 0)
		return waiting != 0;
	soon = frames_available() + pages_writing;
	return soon < phys_marks.high;
}

/* A slot kept with a resident page is a second place for one page: free such slots,
 * of pages in use (book: queues; test/models/slots.pml).
 * Returns: slots freed. */
static unsigned
swap_reclaim(void)
{
	struct phys_stat ps;
	unsigned n = 0, i;
	pfn_t seen = 0;

	phys_stat(&ps);
	while (seen < ps.max_pfn && n < SWAP_RUN) {
		spin_lock(&pfn_lock);
		for (i = 0; i < RECLAIM_STEP && seen < ps.max_pfn; i++, seen++) {
			struct vm_page *pg = &pfdb[pageout.hand];

			pageout.hand = (pageout.hand + 1) % (ps.max_pfn + 1);
			if (!phys_is_ram(page_pfn(pg)) || pg->slot == 0 ||
			    pg->state != PG_ACTIVE ||
			    (pg->flags & PF_WRITING) != 0)
				continue;
			page_dirty_locked(pg);
			n++;
		}
		spin_unlock(&pfn_lock);
	}
	return n;
}

/* Write one cluster from the head of the queue.  Pages; 0: it must wait. */
static unsigned
swap_write_cluster(void)
{
	struct vm_page *pg, *out[SWAP_RUN];
	unsigned n = 0;
	pfn_t head;

	spin_lock(&pfn_lock);
	head = pq_queue[Q_MODANON].head;
	if (head != 0) {
		pg = &pfdb[head];
		n = swap_cluster(pg, out);
		n = n == 0 ? 0 : swap_out(out, n, SWAP_KEEP);
		if (n == 0) {
			pq_remove(pg);
			pq_insert(pg);
		}
	}
	spin_unlock(&pfn_lock);
	return n;
}

/* Nothing could be written, ended being what swap_ended() said before: free a slot, or
 * wait for a bio. */
static void
swap_make_way(uint64_t ended)
{
	if (swap_has_room() && swap_wait(ended) == 0)
		return;
	if (swap_reclaim() != 0)
		return;
	EVENT(swap_full);
	wait_for_work(&mpw);
}

static void
swap_round(void)
{
	while (atomic_load(&swaps.slots) != 0 && swap_should_write()) {
		uint64_t push = atomic_load(&pageout.push), ended = swap_ended();
		unsigned n = swap_write_cluster();

		if (n == 0)
			swap_make_way(ended);
		/* A push that came meanwhile is kept. */
		(void)atomic_cas(&pageout.push, &push, push - MIN(push, n));
	}
}

/* ---- programs that write ---- */

/* Called before a page of a file becomes dirty.
 * Locks: at most rank 1.
 * Context: thread, sleeps while too much is dirty, for one whole round at most. */
void
pageout_throttle(void)
{
	/* The present round may have passed our pages: wait for one more. */
	uint64_t enough = atomic_load(&pageout.rounds) + 2;
	struct waiter w;
	int r = 0;

	if (is_above(START_PERCENT))
		pageout_wake();
	while (r != -EINTR && is_above(LIMIT_PERCENT) &&
	    atomic_load(&pageout.rounds) < enough) {
		pageout_wake();
		wait_prepare(&pageout.done, &w);
		r = wait_sleep(&w, WAIT_KILLABLE, md_time_ns() + ROUND_NS / 10);
		wait_finish(&w);
	}
}
