/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * way.c: threads and trees of calls, of recorded steps
 *
 * Problem   A step says where the processor was, not who called, nor on whose
 *           stack; an interrupt comes between any two.
 *
 * Picture   call:   a frame more, at the slot of its return address
 *           return: all frames up to that slot go
 *           trap:   a frame more; iret: gone
 *           switch_stacks returns from a slot that it was once entered with:
 *           so that thread goes on
 *           in a frame: what is inlined, outermost first, by code_at()
 *
 * Rules     1. What is inlined begins anew where its first instruction runs and
 *              the one before was not its own; else gcc has only mixed it with
 *              what stands around it.
 *           2. A jump to another function is a call that leaves no frame.
 *           3. Interrupts (vectors from 32 on) are counted, not drawn.  Faults of
 *              the kernel's own are part of the way.
 *           4. A region begins with the first instruction of the program behind
 *              the mark, and ends with its last one before the next mark: the
 *              marks themselves are not in it.  Of most operations that is one
 *              way into the kernel and out: what the program does then, such as
 *              to copy its stack after a fork, is another road.
 *           5. Who was asleep when the region began has a way without its
 *              beginning: it starts with what it returns to.
 *
 * Read next tally.c.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "road.h"
#include "steps.h"

#define STUB_BYTES 16u
#define STUBS (256u * STUB_BYTES)
#define FIRST_INTERRUPT 32u
#define DEEPEST 64u /* inlined one into another */

/* One run of a piece of code. */
struct act {
	struct scope *scope;
	struct node *node;
	uint64_t serial, parent; /* of this run, and of that which it is in */
	uint64_t last;           /* instruction of the frame */
};

struct frame {
	uint64_t slot;
	bool irq, trap;
	struct node *base, *now;
	struct act *act;
	size_t nacts, cap;
	uint64_t insns;
};

/* A thread for as long as the recording lasts. */
struct ctx {
	uint64_t parked; /* slot that it left the processor with */
	char name[48];
	bool fresh; /* its first steps: not named yet */
	struct frame *frame;
	size_t nframes, cap;
	unsigned irqs;         /* frames that are interrupts */
	struct thread *thread; /* of this region */
};

struct reader {
	struct code *code;
	const struct step *step;
	size_t n;
	uint64_t stubs, stubs_end, switch_lo, first;
	struct ctx **ctx;
	size_t nctx;
	struct ctx *now;
	struct step prev;
	enum insn_kind prev_kind;
	struct way *way, **tail; /* NULL: not in a region */
	size_t from, to;         /* steps of the region */
	bool once;               /* as way_read() says */
	uint64_t serial;
};

/* ---- threads ---- */

static struct ctx *
ctx_make(struct reader *r)
{
	struct ctx *x = calloc(1, sizeof *x);

	if (x == NULL)
		abort();
	r->ctx = room(r->ctx, r->nctx, sizeof(struct ctx *));
	return r->ctx[r->nctx++] = x;
}

/* Who left with this slot; a new one if nobody has. */
static struct ctx *
ctx_of_slot(struct reader *r, uint64_t slot)
{
	struct ctx *x;
	size_t i;

	for (i = 0; i < r->nctx; i++)
		if (r->ctx[i]->parked == slot)
			return r->ctx[i];
	x = ctx_make(r);
	x->parked = slot;
	return x;
}

static void
park(struct reader *r, uint64_t slot)
{
	size_t i;

	for (i = 0; i < r->nctx; i++)
		if (r->ctx[i]->parked == slot)
			r->ctx[i]->parked = 0;
	r->now->parked = slot;
}

static void
frames_clear(struct ctx *x)
{
	x->nframes = 0;
	x->irqs = 0;
}

/* Its part of the region that is being read. */
static struct thread *
thread_of(struct reader *r, struct ctx *x)
{
	struct way *w = r->way;

	if (x->thread != NULL)
		return x->thread;
	x->thread = calloc(1, sizeof *x->thread);
	if (x->thread == NULL)
		abort();
	w->thread = room(w->thread, w->nthreads, sizeof(struct thread *));
	w->thread[w->nthreads++] = x->thread;
	return x->thread;
}

/* ---- frames ---- */

static struct frame *
push(struct ctx *x, uint64_t slot, struct node *base)
{
	struct frame *f;

	if (x->nframes == x->cap) {
		size_t cap = x->cap == 0 ? 16 : 2 * x->cap;

		x->frame = realloc(x->frame, cap * sizeof *f);
		if (x->frame == NULL)
			abort();
		memset(x->frame + x->cap, 0, (cap - x->cap) * sizeof *f);
		x->cap = cap;
	}
	f = &x->frame[x->nframes++];
	f->slot = slot;
	f->base = f->now = base;
	f->irq = f->trap = false;
	f->nacts = 0;
	f->insns = 0;
	return f;
}

static void
pop(struct ctx *x)
{
	if (x->frame[--x->nframes].irq)
		x->irqs--;
}

static void
pop_to(struct ctx *x, uint64_t slot)
{
	while (x->nframes > 0 && x->frame[x->nframes - 1].slot <= slot)
		pop(x);
}

static struct frame *
top(struct ctx *x)
{
	return x->nframes > 0 ? &x->frame[x->nframes - 1] : NULL;
}

/* ---- nodes ---- */

static struct node *
child(struct reader *r, struct node *up, struct fn *fn)
{
	struct node *d;

	for (d = up->down; d != NULL; d = d->next)
		if (d->fn == fn)
			break;
	if (d == NULL) {
		d = calloc(1, sizeof *d);
		if (d == NULL)
			abort();
		d->fn = fn;
		d->up = up;
		d->first = ++r->serial;
		if (up->last != NULL)
			up->last->next = d;
		else
			up->down = d;
		up->last = d;
	}
	d->calls++;
	return d;
}

static struct act *
act_of(struct frame *f, struct scope *s)
{
	size_t i;

	for (i = 0; i < f->nacts; i++)
		if (f->act[i].scope == s)
			return &f->act[i];
	if (f->nacts == f->cap) {
		f->cap = f->cap == 0 ? 8 : 2 * f->cap;
		f->act = realloc(f->act, f->cap * sizeof *f->act);
		if (f->act == NULL)
			abort();
	}
	f->act[f->nacts] = (struct act){ .scope = s };
	return &f->act[f->nacts++];
}

/* The node of scope s, in the run `parent` of what it stands in. */
static struct node *
enter(struct reader *r, struct frame *f, struct scope *s, struct node *up,
    uint64_t *parent, size_t at)
{
	struct act *a = act_of(f, s);

	if (a->node == NULL || a->parent != *parent ||
	    (s->up != NULL && r->step[at].pc == s->entry &&
		a->last != f->insns - 1)) {
		a->serial = ++r->serial;
		a->parent = *parent;
		/* gcc cuts a function in two: the rest goes on in it. */
		a->node = up->fn == s->fn && (s->up != NULL || s->part)
		              ? up
		              : child(r, up, s->fn);
	}
	a->last = f->insns;
	*parent = a->serial;
	return a->node;
}

/* One more instruction on the way. */
static void
draw_step(struct reader *r, size_t at)
{
	struct scope *s = code_at(r->code, r->step[at].pc), *chain[DEEPEST];
	struct thread *t = thread_of(r, r->now);
	struct frame *f = top(r->now);
	struct node *up;
	uint64_t parent = 0;
	size_t n = 0;

	t->insns++;
	for (; s != NULL && n < DEEPEST; s = s->up)
		chain[n++] = s;
	if (f == NULL)
		f = push(r->now, UINT64_MAX, &t->root);
	else if (f->nacts > 0 && f->act[0].scope != chain[n - 1])
		f = push(r->now, f->slot, f->now);
	if (f->base == NULL)
		f->base = &t->root;
	f->insns++;
	up = f->base;
	while (n > 0)
		up = enter(r, f, chain[--n], up, &parent, at);
	f->now = up;
	up->insns++;
}

/* ---- steps ---- */

/* What the step before has done to the stack. */
static void
follow(struct reader *r, size_t at)
{
	struct ctx *x = r->now;
	struct frame *f;

	if ((r->prev_kind == INSN_CALL || r->prev_kind == INSN_CALL_POINTER) &&
	    r->prev.slot != 0) {
		f = top(x);
		push(x, r->prev.slot, f != NULL ? f->now : NULL);
		/* switch_first calls thread_main, that by a pointer: what it is. */
		if (x->fresh && x->irqs == 0 && x->nframes == 3 &&
		    r->prev_kind == INSN_CALL_POINTER) {
			snprintf(x->name, sizeof x->name, "%s",
			    code_at(r->code, r->step[at].pc)->fn->name);
			x->fresh = false;
		}
	} else if (r->prev_kind == INSN_IRET) {
		while (x->nframes > 0 && !top(x)->trap)
			pop(x);
		if (x->nframes > 0)
			pop(x);
	} else if (r->prev_kind == INSN_RETURN && r->prev.slot != 0) {
		if (r->prev.pc >= r->switch_lo && r->prev.pc < r->first)
			r->now = ctx_of_slot(r, r->prev.slot);
		pop_to(r->now, r->prev.slot);
	}
}

/* An exception or an interrupt begins. */
static void
trap(struct reader *r, uint64_t pc)
{
	struct ctx *x = r->now;
	struct frame *f = top(x);
	unsigned vector = (unsigned)((pc - r->stubs) / STUB_BYTES);

	f = push(x, UINT64_MAX, f != NULL ? f->now : NULL);
	f->trap = true;
	f->irq = vector >= FIRST_INTERRUPT;
	if (!f->irq)
		return;
	if (x->irqs++ == 0 && r->way != NULL)
		r->way->interrupts++;
}

/* Out of the kernel, which it entered other than by an interrupt? */
static void
program_goes_on(struct reader *r, size_t at)
{
	struct thread *t = thread_of(r, r->now);

	t->user = true;
	if (r->once && t->program && t->insns > 0)
		r->to = at;
}

static void
one_step(struct reader *r, size_t at)
{
	const struct step *s = &r->step[at];
	bool in = r->way != NULL && at >= r->from && at <= r->to;
	bool stub = s->pc >= r->stubs && s->pc < r->stubs_end;

	if (s->pc == STEP_PROGRAM) {
		frames_clear(r->now);
		if (in)
			program_goes_on(r, at);
		r->prev_kind = INSN_OTHER;
		r->prev = *s;
		return;
	}
	follow(r, at);
	if (s->pc == r->first) {
		r->now->parked = 0;
		r->now = ctx_make(r);
		r->now->fresh = true;
		push(r->now, UINT64_MAX, NULL);
	}
	if (s->pc == r->switch_lo && s->slot != 0)
		park(r, s->slot + 8);
	if (stub && (s->pc - r->stubs) % STUB_BYTES == 0)
		trap(r, s->pc);
	if (stub && s->slot != 0 && r->now->nframes > 0)
		top(r->now)->slot = s->slot;
	r->prev = *s;
	r->prev_kind = code_insn(r->code, s->pc);
	if (!in)
		return;
	if (r->now->irqs > 0)
		r->way->irq_insns++;
	else
		draw_step(r, at);
}

/* ---- regions ---- */

/* The program's first and last step up to the next mark. */
static bool
bounds(struct reader *r, size_t begin)
{
	size_t i;

	r->from = r->to = 0;
	for (i = begin + 1; i < r->n && r->step[i].pc != 0; i++)
		if (r->step[i].pc == STEP_PROGRAM) {
			if (r->from == 0)
				r->from = i;
			r->to = i;
		}
	return i < r->n && r->from != r->to;
}

static bool
region_begin(struct reader *r, size_t at)
{
	size_t i;

	if (!bounds(r, at))
		return false;
	for (i = 0; i < r->nctx; i++) {
		frames_clear(r->ctx[i]);
		r->ctx[i]->thread = NULL;
	}
	r->way = calloc(1, sizeof *r->way);
	if (r->way == NULL)
		abort();
	*r->tail = r->way;
	r->tail = &r->way->next;
	thread_of(r, r->now)->program = true;
	return true;
}

/* Who never began runs on the stack of the boot: the idle thread. */
static void
region_end(struct reader *r)
{
	struct thread *t;
	size_t i;

	for (i = 0; i < r->nctx; i++) {
		t = r->ctx[i]->thread;
		if (t == NULL)
			continue;
		snprintf(t->name, sizeof t->name, "%s",
		    t->program                   ? "the program"
		    : t->user                    ? "another program"
		    : r->ctx[i]->name[0] != '\0' ? r->ctx[i]->name
						 : "idle");
		t->idle = strncmp(t->name, "idle", 4) == 0;
	}
	r->way = NULL;
}

static void
all_steps(struct reader *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (r->step[i].pc != 0) {
			one_step(r, i);
			continue;
		}
		r->prev_kind = INSN_OTHER;
		if (r->way != NULL)
			region_end(r);
		else if (r->step[i].slot == STEP_BEGIN && !region_begin(r, i))
			return;
	}
}

struct way *
way_read(struct code *c, const char *path, bool once, char **why)
{
	struct reader r = { .code = c, .once = once };
	struct way *first = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0) {
		*why = text("%s: the emulator recorded nothing", path);
		return NULL;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		err(1, "%s", path);
	r.step = map;
	r.n = (size_t)st.st_size / sizeof(struct step);
	r.tail = &first;
	r.stubs = code_symbol(c, "trap_stubs");
	r.stubs_end = r.stubs + STUBS;
	r.switch_lo = code_symbol(c, "switch_stacks");
	r.first = code_symbol(c, "switch_first");
	r.now = ctx_make(&r);
	all_steps(&r);
	if (first == NULL || r.way != NULL)
		*why = text("the recording has no whole region: the program "
			    "set no pair of marks");
	return *why == NULL ? first : NULL;
}
