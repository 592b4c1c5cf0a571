/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_framesrig.c: what the tests of lab 22 stand on
 *
 * Problem   A word that stays, or a CPU that was not told, is seen much later, by somebody
 *           else.  Here the words are read and a CPU forgets nothing by itself.
 *
 * Picture   frames_look ─→ seen[]: root, va, word ←─ flush: what is gone is forgotten
 *           frames_no_stale: what is in seen[] is in the tables
 *
 * Rules     1. A flush before the word went helps nothing: the CPU may read it again.
 *           2. Words are found by arithmetic of this file.
 *
 * Read next lab_frames.c.
 */
#include "test/boot/frames/lab_frames.h"
#include "kern/kern.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/mem.h"
#include "vm/objects.h"

#define ROWS_ORDER 6u
#define SEEN 1536u
#define TRIES 100u
#define TRY_NS 10000000ul

struct seen_word {
	pa_t root;
	va_t va;
	uint64_t word;
};

struct lab_machine lab_machine;

static struct {
	struct vm_page *rows, *memory;
	struct seen_word *seen;
	unsigned n;
} rig;

/* ---- the machine ---- */

/* The word at which the walk ends; 0: on the way there is none. */
static uint64_t
walk(pa_t root, va_t va)
{
	pa_t at = root;
	uint64_t w;
	int level;

	for (level = 4;; level--) {
		w = ((const uint64_t *)pa2va(at))[va >> (3 + 9 * level) & (FRAME_SLOTS - 1)];
		if ((w & MD_PTE_P) == 0)
			return 0;
		if (level == 1 || (w & MD_PTE_PS) != 0)
			return w;
		at = w & MD_PTE_PFN;
	}
}

static void
machine_flush(pa_t root, va_t va, uint64_t pages)
{
	unsigned i;

	lab_machine.rounds++;
	for (i = 0; i < rig.n; i++)
		if (rig.seen[i].root == root && rig.seen[i].va - va < pages * PAGE_SIZE &&
		    walk(root, rig.seen[i].va) == 0)
			rig.seen[i--] = rig.seen[--rig.n];
}

/* Does some process run in it? */
static bool
is_live(pa_t root)
{
	struct frame_proc *p = frame_proc_at(0);

	for (; p != NULL; p = p->next == 0 ? NULL : frame_proc_at(p->next))
		if (p->root != 0 && frames_row(p->root)->pa == root)
			return true;
	return false;
}

/* What was there before is in no CPU afterwards. */
static void
machine_load(int pid, pa_t root)
{
	unsigned i;

	for (i = 0; i < rig.n; i++)
		if (!is_live(rig.seen[i].root))
			rig.seen[i--] = rig.seen[--rig.n];
}

static void
machine_root_word(int pid, unsigned slot, uint64_t word)
{
	lab_machine.root_words++;
	lab_machine.slot = slot;
	lab_machine.word = word;
}

static const struct frames_machine_ops machine = {
	.flush = machine_flush,
	.load = machine_load,
	.root_word = machine_root_word,
};

void
frames_look(uint32_t root, va_t va, uint64_t pages)
{
	uint64_t w, i;

	for (i = 0; i < pages; i++, va += PAGE_SIZE) {
		w = walk(frames_row(root)->pa, va);
		if (w == 0)
			continue;
		CHECK(rig.n < SEEN);
		rig.seen[rig.n++] = (struct seen_word){ frames_row(root)->pa, va, w };
	}
}

void
frames_forget(void)
{
	rig.n = 0;
}

void
frames_no_stale(const char *what)
{
	unsigned i, n = 0;
	va_t va = 0;

	for (i = 0; i < rig.n; i++)
		if (walk(rig.seen[i].root, rig.seen[i].va) != rig.seen[i].word) {
			va = rig.seen[i].va;
			n++;
		}
	CLAIM(n == 0, "%s: a CPU still reaches %u pages that no word names, %lx is one\t0",
	    what, n, va);
}

/* ---- memory ---- */

/* Adjacent frames.  What the tests before have left in caches, or has yet to end on
 * another CPU, lies between those that are free. */
static struct vm_page *
take_run(unsigned order)
{
	struct vm_page *pg = phys_alloc_run(order);
	unsigned i;

	for (i = 0; pg == NULL && i < TRIES; i++) {
		vmo_drop_clean_all();
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
		pg = phys_alloc_run(order);
	}
	CHECK(pg != NULL);
	return pg;
}

void
frames_rig_begin(uint32_t rows)
{
	rig.memory = take_run(BUDDY_MAXORDER);
	rig.rows = take_run(ROWS_ORDER);
	CHECK(rows * sizeof(struct frame) + SEEN * sizeof(struct seen_word) <=
	    PAGE_SIZE << ROWS_ORDER);
	rig.seen = (struct seen_word *)((struct frame *)pa2va(page_pa(rig.rows)) + rows);
	rig.n = 0;
	memset(&lab_machine, 0, sizeof(lab_machine));
	/* What a program has left in it. */
	memset(pa2va(page_pa(rig.memory)), 0xa5, LAB_FRAMES_PAGES * PAGE_SIZE);
	frames_init(pa2va(page_pa(rig.rows)), rows, &machine);
	CHECK(frames_add(page_pa(rig.memory), LAB_FRAMES_PAGES) == (int)LAB_FRAMES_ALL);
}

void
frames_rig_end(void)
{
	frames_sound("at the end");
	memset(&frames, 0, sizeof(frames));
	phys_free_run(rig.memory, BUDDY_MAXORDER);
	phys_free_run(rig.rows, ROWS_ORDER);
}

uint32_t
frames_cut(uint64_t pages)
{
	uint64_t has = frames_row(LAB_FRAMES_ALL)->pages;
	int f = frame_split(0, LAB_FRAMES_ALL, (has - pages) * PAGE_SIZE);

	if (f <= 0 || frames_row((uint32_t)f)->pages != pages)
		panic("lab_frames: frame_split cuts no frame of %lu pages", pages);
	return (uint32_t)f;
}

void
frames_child(int pid)
{
	CHECK(frame_proc_new(0, frames_cut(FRAME_PROC_PAGES), pid) == pid);
}

uint32_t
frames_table_by_hand(int pid, int level)
{
	uint32_t f = frames_cut(1), owner = frame_proc(pid)->f_id;

	memset(frame_words(frames_row(f)), 0, PAGE_SIZE);
	frames_row(f)->type = (uint8_t)(FRAME_TABLE1 + level - 1);
	if (owner != 0)
		frame_own(frames_row(f), owner);
	return f;
}

void
frames_link_by_hand(uint32_t up, uint32_t down, unsigned slot)
{
	frame_words(frames_row(up))[slot] =
	    frames_row(down)->pa | MD_PTE_P | MD_PTE_W | MD_PTE_U;
	frames_row(up)->used++;
	frames_row(down)->parent = up;
	frames_row(down)->pslot = (uint16_t)slot;
}

void
frames_way(struct lab_way *w, int pid, va_t va)
{
	int level;

	w->va = va;
	for (level = 1; level <= 4; level++)
		w->table[level] = frames_table_by_hand(pid, level);
	for (level = 1; level < 4; level++)
		frames_link_by_hand(w->table[level + 1], w->table[level],
		    (unsigned)(va >> (12 + 9 * level) & (FRAME_SLOTS - 1)));
	frames_row(w->table[4])->is_root = true;
	frame_proc(pid)->root = w->table[4];
}

/* ---- claims ---- */

void
frames_words_are(uint32_t table, uint32_t f, va_t va, unsigned flags)
{
	bool section = (flags & F_TYPE_SECTION) != 0;
	uint64_t size = section ? FRAME_SLOTS * PAGE_SIZE : PAGE_SIZE;
	uint64_t n = frames_row(f)->pages * PAGE_SIZE / size, i, w = 0, want = 0;
	unsigned slot = (unsigned)(va / size % FRAME_SLOTS);

	for (i = 0; i < n; i++) {
		w = frame_words(frames_row(table))[slot + i];
		want = (frames_row(f)->pa + i * size) | MD_PTE_P | MD_PTE_U |
		    ((flags & F_WRITE) != 0 ? MD_PTE_W : 0) |
		    ((flags & F_EXEC) != 0 ? 0 : MD_PTE_NX) | (section ? MD_PTE_PS : 0);
		if (w != want)
			break;
	}
	CLAIM(i == n, "%lu pages mapped with flags %u: word %lu of %lu is %lx\t%lx",
	    frames_row(f)->pages, flags, i, n, w, want);
}

void
frames_words_gone(uint32_t table, va_t va, uint64_t pages)
{
	unsigned slot = (unsigned)(va / PAGE_SIZE % FRAME_SLOTS);
	uint64_t i;

	for (i = 0; i < pages && frame_words(frames_row(table))[slot + i] == 0; i++)
		;
	CLAIM(i == pages, "%lu pages were unmapped at %lx: word %lu of them is %lx\t0",
	    pages, va, i, i < pages ? frame_words(frames_row(table))[slot + i] : 0);
}

void
frames_sound(const char *what)
{
	const char *wrong = frames_check();

	CLAIM(wrong == NULL, "%s: %s", what, wrong);
}

static void
mix(uint64_t *sum, uint64_t value)
{
	*sum = (*sum ^ value) * 0x100000001b3ul;
	*sum ^= *sum >> 29;
}

static void
mix_bytes(uint64_t *sum, const void *from, size_t n)
{
	const uint64_t *w = from;

	for (; n >= sizeof(*w); n -= sizeof(*w))
		mix(sum, *w++);
}

uint64_t
frames_sum(void)
{
	struct frame_proc *p = frame_proc_at(0);
	const struct frame *f;
	uint64_t sum = frames.live;
	uint32_t i;

	for (i = 1; i < frames.n; i++) {
		f = frames_row(i);
		if (f->type == FRAME_FREE)
			continue;
		mix(&sum, i | (uint64_t)f->type << 32 | (uint64_t)f->is_root << 40);
		mix(&sum, f->pa ^ f->pages << 52 ^ f->pages);
		mix(&sum, f->at.table | (uint64_t)f->at.slot << 32 |
		    (uint64_t)f->at.flags << 48);
		mix(&sum, f->owner | (uint64_t)f->parent << 32);
		mix(&sum, f->nmap | (uint64_t)f->nwrite << 32);
		mix(&sum, f->used | (uint64_t)f->pslot << 16 | (uint64_t)f->segs << 32);
		if (frame_level(f) != 0)
			mix_bytes(&sum, frame_words(f), PAGE_SIZE);
	}
	for (; p != NULL; p = p->next == 0 ? NULL : frame_proc_at(p->next)) {
		mix(&sum, p->used | (uint64_t)p->quota << 32);
		mix(&sum, p->root | (uint64_t)p->spaces << 32);
		mix_bytes(&sum, (const uint8_t *)p + FRAME_PAGE_SIZE, FRAME_PAGE_SIZE);
	}
	return sum;
}

void
frames_refused(int r, int error, uint64_t before, const char *what)
{
	CLAIM(r == -error, "%s: it returns %d\t%d", what, r, -error);
	CLAIM(frames_sum() == before, "%s: it was refused, and something has changed", what);
}
