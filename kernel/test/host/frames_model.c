/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames_model.c: the rules of design frames without its lists
 *
 * Problem   A model that is written like the code has the code's mistakes.  Here there
 *           are arrays only: what must be found is looked for everywhere.
 *
 * Picture   a call's model ─→ answer ── must be ──→ the call
 *           model_frames, model_procs ── must be ──→ rows, words, records
 */
#include <string.h>

#include "lib/errno.h"
#include "test/host/frames_model.h"

#define PER_SPACE 169u /* segments of 24 bytes in a page, without the first */

struct model_frame model_frames[MODEL_ROWS];
struct model_proc model_procs[FH_PIDS];
uint64_t model_bytes[FH_END / FRAME_PAGE_SIZE];

#define F(f) (&model_frames[f])

static void
touch(pa_t word, uint64_t bits)
{
	uint32_t f;

	for (f = 1; f < MODEL_ROWS; f++)
		if (model_level(f) != 0 && F(f)->first == word / FRAME_PAGE_SIZE)
			F(f)->words[word % FRAME_PAGE_SIZE / 8] |= bits;
}

static void
frame_boot(uint32_t f, pa_t pa, uint64_t pages)
{
	F(f)->type = FRAME_PAGE;
	F(f)->first = pa / FRAME_PAGE_SIZE;
	F(f)->n = pages;
}

void
model_boot(void)
{
	memset(model_frames, 0, sizeof(model_frames));
	memset(model_procs, 0, sizeof(model_procs));
	memset(model_bytes, 0, sizeof(model_bytes));
	frame_boot(1, FH_FIRST, 2 * 512);
	frame_boot(2, FH_MORE, FH_MORE_PAGES);
	model_procs[0].lives = model_procs[0].is_started = true;
	model_procs[0].quota = MODEL_ROWS - 1;
	frames_host.on_touch = touch;
}

/* ---- what there is ---- */

static bool
is_proc(int pid)
{
	return pid >= 0 && pid < FH_PIDS && model_procs[pid].lives;
}

static bool
is_frame(uint32_t f)
{
	return f > 0 && f < MODEL_ROWS && F(f)->type != FRAME_FREE;
}

static bool
is_child(int child, int of)
{
	return is_proc(child) && child != 0 && model_procs[child].creator == of;
}

static bool
may(int pid, uint32_t f)
{
	return F(f)->owner == pid || is_child(F(f)->owner, pid);
}

static int
get(int pid, uint32_t f)
{
	return !is_proc(pid) ? -ESRCH : !is_frame(f) ? -ENOENT : !may(pid, f) ? -EPERM : 0;
}

unsigned
model_level(uint32_t f)
{
	switch (F(f)->type) {
	case FRAME_TABLE1:
		return 1;
	case FRAME_TABLE2:
		return 2;
	case FRAME_TABLE3:
		return 3;
	case FRAME_TABLE4:
		return 4;
	case FRAME_FREE:
	case FRAME_PAGE:
	case FRAME_SEGSPACE:
	case FRAME_PROC:
		break;
	}
	return 0;
}

/* Descriptors that pid has. */
static unsigned
used(int pid)
{
	unsigned n = 0;
	uint32_t f;

	for (f = 1; f < MODEL_ROWS; f++)
		n += is_frame(f) && F(f)->owner == pid;
	return n;
}

static uint64_t
span(unsigned level) /* of one word */
{
	return (uint64_t)1 << (12 + 9 * (level - 1));
}

va_t
model_va(uint32_t table, unsigned slot, uint32_t *top)
{
	va_t va = slot * span(model_level(table));

	while (F(table)->parent != 0) {
		va += F(table)->pslot * span(model_level(F(table)->parent));
		table = F(table)->parent;
	}
	*top = table;
	return va;
}

static uint32_t
root_of(uint32_t table)
{
	uint32_t top;

	(void)model_va(table, 0, &top);
	return model_level(top) == 4 ? top : 0;
}

/* Is the word of the slot that of va, as far as one can know? */
static bool
is_at(uint32_t table, unsigned slot, va_t va)
{
	uint32_t top;
	va_t is = model_va(table, slot, &top);

	return va % (512 * span(model_level(top))) == is;
}

unsigned
model_used(uint32_t table)
{
	unsigned i, n = 0;

	for (i = 0; i < 512; i++)
		n += F(table)->words[i] != 0;
	return n;
}

static unsigned
writers(uint32_t f)
{
	unsigned i, n = 0;

	for (i = 0; i < F(f)->nplaces; i++)
		n += (F(f)->place[i].flags & F_WRITE) != 0;
	return n;
}

static bool
is_section(const struct model_place *at)
{
	return (at->flags & F_TYPE_MASK) == F_TYPE_SECTION;
}

static unsigned
slots(uint32_t f, const struct model_place *at)
{
	return (unsigned)(is_section(at) ? F(f)->n / 512 : F(f)->n);
}

/* S4: may the table have the frame's pages? */
static bool
may_lend(uint32_t f, uint32_t table)
{
	return F(table)->owner == F(f)->owner || is_child(F(table)->owner, F(f)->owner);
}

/* ---- segments ---- */

static unsigned
live(uint32_t space)
{
	unsigned i, n = 0;
	uint32_t f;

	for (f = 1; f < MODEL_ROWS; f++)
		for (i = 0; is_frame(f) && i < F(f)->nplaces; i++)
			n += F(f)->place[i].space == space;
	return n;
}

/* The latest space with room; 0: none. */
static uint32_t
space_with_room(int pid)
{
	unsigned i;

	for (i = 0; i < model_procs[pid].nspaces; i++)
		if (live(model_procs[pid].space[i]) < PER_SPACE)
			return model_procs[pid].space[i];
	return 0;
}

static unsigned
room(int pid)
{
	unsigned i, n = 0;

	for (i = 0; i < model_procs[pid].nspaces; i++)
		n += PER_SPACE - live(model_procs[pid].space[i]);
	return n;
}

/* The latest segment stands first among them. */
static struct model_place *
place_new(uint32_t f)
{
	struct model_frame *fr = F(f);

	if (fr->nplaces == 0) {
		fr->nplaces = 1;
		fr->place[0].space = 0;
		return &fr->place[0];
	}
	memmove(&fr->place[2], &fr->place[1], (fr->nplaces - 1) * sizeof(fr->place[0]));
	fr->nplaces++;
	fr->place[1].space = 0;
	fr->place[1].space = space_with_room(fr->owner);
	return &fr->place[1];
}

/* The first mapping's place is taken by the latest segment, whose memory is free. */
static void
place_drop(uint32_t f, unsigned i)
{
	struct model_frame *fr = F(f);
	struct model_place *at = &fr->place[i];

	memset(&F(at->table)->words[at->slot], 0, slots(f, at) * sizeof(uint64_t));
	memmove(at, at + 1, (fr->nplaces - i - 1) * sizeof(*at));
	fr->nplaces--;
	if (i == 0)
		fr->place[0].space = 0;
}

static void
unmap_all(uint32_t f)
{
	while (F(f)->nplaces > 0)
		place_drop(f, F(f)->nplaces - 1);
}

/* ---- calls ---- */

int
model_split(int pid, uint32_t f, uint64_t off, int got)
{
	struct model_frame *fr = F(f < MODEL_ROWS ? f : 0), *hi;
	struct model_place at[MODEL_PLACES];
	int r = get(pid, f);
	unsigned i, n;

	if (r < 0)
		return r;
	if (off == 0 || off % FRAME_PAGE_SIZE != 0 || off / FRAME_PAGE_SIZE >= fr->n)
		return -EINVAL;
	if (fr->type != FRAME_PAGE)
		return -EBUSY;
	if (used(fr->owner) >= model_procs[fr->owner].quota)
		return -ENFILE;
	for (i = 0; i < fr->nplaces; i++)
		if (is_section(&fr->place[i]))
			return -EBUSY;
	if (fr->nplaces > 1 && room(fr->owner) < fr->nplaces - 1)
		return -ENOSPC;
	if (got <= 0 || got >= (int)MODEL_ROWS || is_frame((uint32_t)got))
		return -1; /* no new frame */
	hi = F(got);
	memset(hi, 0, sizeof(*hi));
	hi->type = FRAME_PAGE;
	hi->owner = fr->owner;
	hi->first = fr->first + off / FRAME_PAGE_SIZE;
	hi->n = fr->n - off / FRAME_PAGE_SIZE;
	fr->n -= hi->n;
	n = fr->nplaces;
	memcpy(at, fr->place, sizeof(at));
	for (i = 0; i < n; i++) {
		struct model_place *new = place_new((uint32_t)got);

		new->table = at[i].table;
		new->slot = at[i].slot + (unsigned)fr->n;
		new->flags = at[i].flags;
	}
	return got;
}

int
model_merge(int pid, uint32_t f1, uint32_t f2)
{
	int r = get(pid, f1);
	struct model_frame *lo, *hi;

	if (r == 0)
		r = get(pid, f2);
	if (r < 0)
		return r;
	lo = F(f1);
	hi = F(f2);
	if (lo->owner != hi->owner || lo->first + lo->n != hi->first)
		return -EINVAL;
	if (lo->type != FRAME_PAGE || hi->type != FRAME_PAGE ||
	    lo->nplaces != hi->nplaces || lo->nplaces > 1)
		return -EBUSY;
	if (lo->nplaces == 1 && (lo->place[0].table != hi->place[0].table ||
	    lo->place[0].flags != hi->place[0].flags || is_section(&lo->place[0]) ||
	    lo->place[0].slot + lo->n != hi->place[0].slot))
		return -EBUSY;
	lo->n += hi->n;
	memset(hi, 0, sizeof(*hi));
	return (int)f1;
}

/* With its descriptor. */
static void
goes(uint32_t f, int to)
{
	model_procs[F(f)->owner].quota--;
	model_procs[to].quota++;
	F(f)->owner = to;
}

int
model_give(int pid, uint32_t f, int to)
{
	int r = get(pid, f);

	if (r < 0)
		return r;
	if (!is_proc(to))
		return -ESRCH;
	if (F(f)->owner == to)
		return -EINVAL;
	if (F(f)->type != FRAME_PAGE)
		return -EBUSY;
	if (to != pid) {
		if (!model_procs[to].allows[pid])
			return -EPERM;
		if (model_procs[to].left[pid] == 0)
			return -EDQUOT;
		model_procs[to].left[pid]--;
	}
	unmap_all(f);
	goes(f, to);
	return (int)f;
}

int
model_allow(int pid, int from, uint32_t max)
{
	if (!is_proc(pid) || !is_proc(from))
		return -ESRCH;
	if (pid == from)
		return -EINVAL;
	model_procs[pid].allows[from] = max != 0;
	model_procs[pid].left[from] = max;
	return 0;
}

int
model_count(int pid)
{
	return is_proc(pid) ? (int)used(pid) : -ESRCH;
}

int
model_info(int pid, uint32_t n, struct frame_info *out)
{
	bool clear = (n & FRAME_INFO_CLEAR) != 0;
	uint32_t f, top;
	unsigned i, k;

	if (!is_proc(pid))
		return -ESRCH;
	n &= ~FRAME_INFO_CLEAR;
	if (n >= used(pid))
		return -EINVAL;
	for (f = 1; !is_frame(f) || F(f)->owner != pid || n-- > 0; f++)
		;
	memset(out, 0, sizeof(*out));
	out->f_id = (int)f;
	out->type = (int)F(f)->type;
	out->pa = F(f)->first * FRAME_PAGE_SIZE;
	out->len = F(f)->n * FRAME_PAGE_SIZE;
	out->nmap = F(f)->nplaces;
	out->parent = F(f)->parent;
	out->used = model_level(f) == 0 ? 0 : model_used(f);
	if (F(f)->nplaces > 0) {
		out->va = model_va(F(f)->place[0].table, F(f)->place[0].slot, &top);
		out->flags = F(f)->place[0].flags;
		out->table = F(f)->place[0].table;
		out->vspace = root_of(out->table);
	}
	for (i = 0; i < F(f)->nplaces; i++)
		for (k = 0; k < slots(f, &F(f)->place[i]); k++) {
			uint64_t *w = &F(F(f)->place[i].table)->words[F(f)->place[i].slot + k];

			out->touched |= *w & (MD_PTE_A | MD_PTE_D);
			if (clear)
				*w &= ~(MD_PTE_A | MD_PTE_D);
		}
	return 0;
}

static void
bytes_clear(uint32_t f)
{
	uint64_t i;

	for (i = 0; i < F(f)->n; i++)
		model_bytes[F(f)->first + i] = 0;
}

int
model_table(int pid, uint32_t f, va_t view, int level)
{
	static const enum frame_type type[] = { 0, FRAME_TABLE1, FRAME_TABLE2, FRAME_TABLE3,
		FRAME_TABLE4 };
	int r = get(pid, f);
	bool seen = false;
	uint32_t top;
	unsigned i;

	if (r < 0)
		return r;
	if (level < 1 || level > 4 || F(f)->n != 1)
		return -EINVAL;
	if (F(f)->type != FRAME_PAGE || writers(f) != 0)
		return -EBUSY;
	for (i = 0; i < F(f)->nplaces; i++)
		seen |= model_va(F(f)->place[i].table, F(f)->place[i].slot, &top) == view &&
		    model_procs[pid].root != 0 && top == model_procs[pid].root;
	if (view == 0 ? F(f)->nplaces != 0 : !seen)
		return -EINVAL;
	F(f)->type = type[level];
	memset(F(f)->words, 0, sizeof(F(f)->words));
	bytes_clear(f);
	return 0;
}

static void
space_forget(struct model_proc *p, uint32_t f)
{
	unsigned i;

	for (i = 0; p->space[i] != f; i++)
		;
	memmove(&p->space[i], &p->space[i + 1], (p->nspaces - i - 1) * sizeof(f));
	p->nspaces--;
}

int
model_untable(int pid, uint32_t f)
{
	int r = get(pid, f);

	if (r < 0)
		return r;
	if (F(f)->type == FRAME_PAGE)
		return -EINVAL;
	if (F(f)->type == FRAME_PROC || (F(f)->type == FRAME_SEGSPACE && live(f) != 0))
		return -EBUSY;
	if (F(f)->type == FRAME_SEGSPACE)
		space_forget(&model_procs[F(f)->owner], f);
	else if (model_used(f) != 0 || F(f)->parent != 0 ||
	    model_procs[F(f)->owner].root == f)
		return -EBUSY;
	F(f)->type = FRAME_PAGE;
	bytes_clear(f);
	return 0;
}

static int
link_table(uint32_t table, uint32_t f, va_t va)
{
	unsigned slot;

	if (model_level(f) == 0 || model_level(f) + 1 != model_level(table) ||
	    va % span(model_level(table)) != 0)
		return -EINVAL;
	if (va >= FRAME_USER_END || (model_level(f) == 3 && va < FRAME_USER_BASE) ||
	    F(f)->owner != F(table)->owner)
		return -EPERM;
	slot = (unsigned)(va / span(model_level(table)) % 512);
	if (!is_at(table, slot, va))
		return -EINVAL;
	if (F(f)->parent != 0)
		return -EBUSY;
	if (F(table)->words[slot] != 0)
		return -EEXIST;
	F(table)->words[slot] = F(f)->first * FRAME_PAGE_SIZE | 7;
	F(f)->parent = table;
	F(f)->pslot = slot;
	return 0;
}

static void
words_set(uint32_t f, const struct model_place *at)
{
	uint64_t *w = &F(at->table)->words[at->slot];
	unsigned i;

	for (i = 0; i < slots(f, at); i++)
		w[i] = (F(f)->first + i * (is_section(at) ? 512 : 1)) * FRAME_PAGE_SIZE | 5 |
		    ((at->flags & F_WRITE) != 0 ? 2 : 0) | (is_section(at) ? 0x80 : 0) |
		    ((at->flags & F_EXEC) != 0 ? 0 : 1ul << 63);
}

int
model_map(int pid, uint32_t table, uint32_t f, va_t va, unsigned flags, int got)
{
	struct model_place *at, new = { table, 0, 0, flags };
	unsigned i, level = flags >> 4 == 2 ? 2 : 1;
	int r = get(pid, f);

	if (r == 0)
		r = get(pid, table);
	if (r < 0)
		return r;
	if (model_level(table) == 0)
		return -EINVAL;
	if (flags == F_TYPE_TABLE)
		return link_table(table, f, va);
	if ((flags & F_READ) == 0 || (flags & ~0x27u) != 0 ||
	    model_level(table) != level || va % span(level) != 0)
		return -EINVAL;
	if (level == 2 && (F(f)->n % 512 != 0 || F(f)->first % 512 != 0))
		return -EINVAL;
	if (va >= FRAME_USER_END)
		return -EPERM;
	new.slot = (unsigned)(va / span(level) % 512);
	if (new.slot + slots(f, &new) > 512 || !is_at(table, new.slot, va))
		return -EINVAL;
	if (((flags & F_WRITE) != 0 && F(f)->type != FRAME_PAGE) || !may_lend(f, table))
		return -EPERM;
	for (i = 0; i < slots(f, &new); i++)
		if (F(table)->words[new.slot + i] != 0)
			return -EEXIST;
	if (F(f)->nplaces > 0 && space_with_room(F(f)->owner) == 0)
		return -ENOSPC;
	at = place_new(f);
	new.space = at->space;
	*at = new;
	words_set(f, at);
	if (at->space == 0)
		return 0;
	return (uint32_t)got >> 8 == at->space && (got & 255) >= 1 &&
	    (got & 255) <= (int)PER_SPACE ? got : -1;
}

int
model_unmap(int pid, uint32_t table, uint32_t f, va_t va)
{
	unsigned slot, i;
	uint64_t step;

	if (!is_proc(pid))
		return -ESRCH;
	if (!is_frame(table) || !is_frame(f))
		return -ENOENT;
	if (!may(pid, table) && !may(pid, f))
		return -EPERM;
	if (model_level(table) == 0)
		return -EINVAL;
	step = span(model_level(table));
	slot = (unsigned)(va / step % 512);
	if (va % step != 0 || !is_at(table, slot, va))
		return -EINVAL;
	if (F(f)->parent == table && F(f)->pslot == slot) {
		if (!may(pid, f))
			return -EPERM;
		if (model_used(f) != 0)
			return -EBUSY;
		F(table)->words[slot] = 0;
		F(f)->parent = 0;
		return 0;
	}
	for (i = 0; i < F(f)->nplaces; i++)
		if (F(f)->place[i].table == table && F(f)->place[i].slot == slot) {
			place_drop(f, i);
			return 0;
		}
	return -ENOENT;
}

/* What the owner of the root has in the space becomes to's. */
static void
space_goes(uint32_t root, int to)
{
	int from = F(root)->owner;
	bool moves[MODEL_ROWS];
	uint32_t f;
	unsigned i;

	for (f = 1; f < MODEL_ROWS; f++) {
		moves[f] = is_frame(f) && F(f)->owner == from;
		if (moves[f] && model_level(f) != 0)
			moves[f] = root_of(f) == root;
		else if (moves[f])
			moves[f] = F(f)->type == FRAME_PAGE &&
			    F(f)->nplaces > 0 && root_of(F(f)->place[0].table) == root;
	}
	for (f = 1; f < MODEL_ROWS; f++) {
		if (!moves[f])
			continue;
		while (F(f)->nplaces > 1) /* segments stay */
			place_drop(f, F(f)->nplaces - 1);
		if (F(f)->nplaces == 1 && root_of(F(f)->place[0].table) != root)
			place_drop(f, 0);
		goes(f, to);
	}
	for (f = 1; f < MODEL_ROWS; f++)
		for (i = is_frame(f) ? F(f)->nplaces : 0; i-- > 0;)
			if (!may_lend(f, F(f)->place[i].table))
				place_drop(f, i);
}

int
model_swap(int pid, int of, uint32_t f)
{
	int r = get(pid, f), other;
	uint32_t old;

	if (r < 0)
		return r;
	if (!is_proc(of))
		return -ESRCH;
	if (of != pid && !is_child(of, pid))
		return -EPERM;
	if (model_level(f) != 4)
		return -EINVAL;
	old = model_procs[of].root;
	if (old == f)
		return 0;
	for (other = 0; other < FH_PIDS; other++)
		if (is_proc(other) && model_procs[other].root == f)
			return -EBUSY;
	if (F(f)->owner != of)
		space_goes(f, of);
	model_procs[of].root = f;
	if (old != 0 && of != pid)
		space_goes(old, pid);
	return 0;
}

int
model_self(int pid)
{
	if (!is_proc(pid))
		return -ESRCH;
	return model_procs[pid].root == 0 ? -ENOENT : (int)model_procs[pid].root;
}

int
model_new(int pid, uint32_t f, int child)
{
	struct model_proc *p, *c = &model_procs[child];
	int r = get(pid, f), creator;

	if (r < 0)
		return r;
	if (F(f)->n != 2)
		return -EINVAL;
	if (F(f)->type != FRAME_PAGE || F(f)->nplaces != 0)
		return -EBUSY;
	creator = F(f)->owner;
	p = &model_procs[creator];
	memset(c, 0, sizeof(*c));
	c->lives = true;
	c->creator = creator;
	c->f = f;
	c->quota = MIN((p->quota - used(creator)) / 4, 64);
	p->quota -= c->quota;
	c->allows[creator] = true;
	c->left[creator] = 256;
	F(f)->type = FRAME_PROC;
	return child;
}

int
model_start(int pid, int child)
{
	if (!is_proc(pid) || !is_proc(child))
		return -ESRCH;
	if (!is_child(child, pid))
		return -EPERM;
	if (model_procs[child].root == 0 || model_procs[child].is_started)
		return -EINVAL;
	model_procs[child].is_started = true;
	model_procs[child].allows[pid] = false;
	return 0;
}

int
model_space(int pid, int of, uint32_t f)
{
	struct model_proc *p;
	int r = get(pid, f);

	if (r < 0)
		return r;
	if (!is_proc(of))
		return -ESRCH;
	if (F(f)->owner != of)
		return -EPERM;
	if (F(f)->n != 1)
		return -EINVAL;
	if (F(f)->type != FRAME_PAGE || writers(f) != 0)
		return -EBUSY;
	p = &model_procs[of];
	memmove(&p->space[1], &p->space[0], p->nspaces * sizeof(f));
	p->space[0] = f;
	p->nspaces++;
	F(f)->type = FRAME_SEGSPACE;
	return 0;
}

int
model_exit(int pid)
{
	int other, to = 0;
	uint32_t f;
	unsigned i;

	if (!is_proc(pid))
		return -ESRCH;
	if (pid == 0)
		return -EPERM;
	to = model_procs[pid].creator;
	for (f = 1; f < MODEL_ROWS; f++)
		for (i = is_frame(f) ? F(f)->nplaces : 0; i-- > 0;)
			if (F(f)->owner == pid || F(F(f)->place[i].table)->owner == pid)
				place_drop(f, i);
	for (f = 1; f < MODEL_ROWS; f++) {
		if (!is_frame(f) || F(f)->owner != pid)
			continue;
		if (to == 0 || F(f)->type == FRAME_SEGSPACE || model_level(f) != 0)
			bytes_clear(f);
		if (F(f)->type == FRAME_SEGSPACE || model_level(f) != 0)
			F(f)->type = FRAME_PAGE;
		F(f)->parent = 0;
		goes(f, to);
	}
	for (other = 0; other < FH_PIDS; other++) {
		if (is_child(other, pid))
			model_procs[other].creator = to;
		model_procs[other].allows[pid] = false;
	}
	F(model_procs[pid].f)->type = FRAME_PAGE;
	bytes_clear(model_procs[pid].f);
	model_procs[to].quota += model_procs[pid].quota;
	model_procs[pid].lives = false;
	return 0;
}

/* ---- is it so? ---- */

static const char *
frame_differs(uint32_t f)
{
	const struct frame *is = &frames.at[f];
	const struct model_frame *m = F(f);
	unsigned n;

	if (is->type != m->type)
		return "a frame's type";
	if (m->type == FRAME_FREE)
		return NULL;
	if (is->pa != m->first * FRAME_PAGE_SIZE || is->pages != m->n)
		return "a frame's memory";
	if (frame_proc_at(is->owner)->pid != m->owner)
		return "a frame's owner";
	n = writers(f);
	if (is->nmap != m->nplaces || is->nwrite != n)
		return "how often a frame is mapped";
	if (m->nplaces > 0 && (is->at.table != m->place[0].table ||
	    is->at.slot != m->place[0].slot || is->at.flags != m->place[0].flags))
		return "a frame's first mapping";
	if (is->parent != m->parent || (m->parent != 0 && is->pslot != m->pslot))
		return "a table's parent";
	if (is->is_root != (model_procs[m->owner].root == f))
		return "whether a table is a root";
	if (model_level(f) != 0 && memcmp(frame_words(is), m->words, FRAME_PAGE_SIZE) != 0)
		return "a table's words";
	return NULL;
}

static const char *
proc_differs(int pid)
{
	struct frame_proc *p = frame_proc(pid);
	const struct model_proc *m = &model_procs[pid];
	const struct frame_allow *row;
	unsigned i, from, rows = 0;

	if ((p != NULL) != m->lives)
		return "whether a process lives";
	if (p == NULL)
		return NULL;
	if (p->f_id != m->f || p->root != m->root || p->quota != m->quota ||
	    (p->is_started != 0) != m->is_started)
		return "a process's record";
	if (m->root != 0 && frames_host.root[pid] != F(m->root)->first * FRAME_PAGE_SIZE)
		return "under which root a process runs";
	row = (struct frame_allow *)((char *)p + FRAME_PAGE_SIZE);
	for (i = 0; i < FRAME_GIVERS; i++) {
		if (row[i].giver == 0)
			continue;
		from = row[i].giver - 1;
		if (from >= FH_PIDS || !m->allows[from] || row[i].left != m->left[from])
			return "from whom a process takes frames";
		rows++;
	}
	for (from = 0; from < FH_PIDS; from++)
		rows -= m->allows[from];
	if (rows != 0)
		return "from how many a process takes frames";
	return NULL;
}

const char *
model_differs(void)
{
	const char *wrong = NULL;
	uint32_t f;
	int pid;

	for (f = 1; f < MODEL_ROWS && wrong == NULL; f++)
		wrong = frame_differs(f);
	for (pid = 0; pid < FH_PIDS && wrong == NULL; pid++)
		wrong = proc_differs(pid);
	return wrong;
}

const char *
model_bytes_differ(void)
{
	uint64_t i;
	uint32_t f;

	for (f = 1; f < MODEL_ROWS; f++)
		for (i = 0; F(f)->type == FRAME_PAGE && i < F(f)->n; i++)
			if (*(uint64_t *)pa2va((F(f)->first + i) * FRAME_PAGE_SIZE) !=
			    model_bytes[F(f)->first + i])
				return "a page's bytes";
	return NULL;
}
