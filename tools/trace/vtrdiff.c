/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrdiff.c: where two runs part
 *
 * Problem   Two runs of one program on two kernels use other frames, and their
 *           processes take turns at other times; yet each process should live
 *           through the same events.
 *
 * Picture   A: pid 2  ● ● ● ○      names are compared as pairs: frame 1201 of A
 *           B: pid 2  ● ● ● ×      and frame 977 of B are one page from their
 *                                  first common event to their next allocation
 *
 * Rules     1. Events are compared process by process, in the order of each;
 *              the kernel's own threads (number 0) only where the rest agrees.
 *           2. A frame has a life: from each allocation to the next it is
 *              another page.  Lives are paired, one to one.
 *           3. Addresses of the kernel, slots, generations and counts of pins
 *              are not compared; of words only the kind and the right to write.
 *
 * Read next vtr.c prints it, grading/learn/compare.c asks for it.
 */
#include <stdlib.h>
#include <string.h>

#include "vtr.h"
#include "vtrmap.h"

#define NONE SIZE_MAX
#define FREE_STATES 2u /* FREE and ZEROED come first */

enum how { EXACT, PAGE, WORD, HOME, SKIP };

struct side {
	const struct vtr *t;
	uint64_t *life;       /* of the frame that each event names */
	size_t *next;         /* event of the same process, or NONE */
	struct vtr_map first; /* pid → its first event + 1 */
	uint32_t *pid;        /* in order of appearance */
	size_t npids;
};

struct pairing {
	struct side a, b;
	enum how how[VTR_IDS][VTR_FIELDS];
	struct vtr_map a_to_b, b_to_a; /* lives */
};

/* ---- preparing one trace ---- */

static bool
is_birth(const struct vtr *t, const struct vtr_event *e)
{
	return strcmp(t->kind[e->id].name, "page.state") == 0 &&
	       e->v[1] >> 8 < FREE_STATES && (e->v[1] & 0xff) >= FREE_STATES;
}

static void
side_lives(struct side *s)
{
	struct vtr_map life = { 0 };
	uint64_t births = 0, *at;
	size_t i;

	for (i = 0; i < s->t->n; i++) {
		const struct vtr_event *e = &s->t->event[i];

		if (!vtr_has(s->t, e, "pfn"))
			continue;
		at = vtr_map_at(&life, vtr_field(s->t, e, "pfn"));
		if (*at == 0 || is_birth(s->t, e))
			*at = ++births;
		s->life[i] = *at;
	}
	vtr_map_free(&life);
}

static void
side_chain(struct side *s, vtr_want *want)
{
	struct vtr_map last = { 0 };
	uint64_t *at;
	size_t i;

	for (i = 0; i < s->t->n; i++) {
		const struct vtr_event *e = &s->t->event[i];

		s->next[i] = NONE;
		if (want != NULL && !want(s->t, e))
			continue;
		at = vtr_map_at(&last, e->pid);
		if (*at != 0) {
			s->next[*at - 1] = i;
		} else {
			*vtr_map_at(&s->first, e->pid) = i + 1;
			s->pid[s->npids++] = e->pid;
		}
		*at = i + 1;
	}
	vtr_map_free(&last);
}

static void
side_make(struct side *s, const struct vtr *t, vtr_want *want)
{
	s->t = t;
	s->life = calloc(t->n + 1, sizeof *s->life);
	s->next = calloc(t->n + 1, sizeof *s->next);
	s->pid = calloc(t->n + 1, sizeof *s->pid);
	if (s->life == NULL || s->next == NULL || s->pid == NULL)
		abort();
	side_lives(s);
	side_chain(s, want);
}

static void
side_free(struct side *s)
{
	free(s->life);
	free(s->next);
	free(s->pid);
	vtr_map_free(&s->first);
}

/* ---- comparing two events ---- */

static enum how
how_of(const char *event, const char *field)
{
	static const char *const skipped[] = { "entry", "base", "kva", "obj",
		"lock", "owner", "slot", "gen", "mask", "pins", "page", "cpu",
		"total", "word", "change" };
	size_t i;

	if (strcmp(event, "page.state") == 0 && strcmp(field, "change") == 0)
		return EXACT;
	if (strcmp(field, "pfn") == 0)
		return PAGE;
	if (strcmp(field, "home") == 0 || strcmp(event, "page.home") == 0)
		return HOME;
	if (strcmp(field, "before") == 0 || strcmp(field, "after") == 0 ||
	    strcmp(event, "page.word") == 0)
		return WORD;
	for (i = 0; i < sizeof skipped / sizeof skipped[0]; i++)
		if (strcmp(field, skipped[i]) == 0)
			return SKIP;
	return EXACT;
}

static void
choose_how(struct pairing *p)
{
	const struct vtr_kind *k;
	unsigned id, i;

	for (id = 0; id < VTR_IDS; id++) {
		k = &p->a.t->kind[id];
		for (i = 0; i < k->nfields; i++)
			p->how[id][i] = how_of(k->name, k->field[i]);
	}
}

/* Kind of a word; of a VALID one the right to write, too. */
static unsigned
word_class(uint64_t w)
{
	if ((w & 1) != 0)
		return 0x10 | (w & 2);
	return w == 0 ? 0 : 0x20 | (w >> 1 & 7);
}

/* Two lives are a pair, or become one. */
static bool
is_pair(struct pairing *p, uint64_t x, uint64_t y)
{
	uint64_t *to = vtr_map_at(&p->a_to_b, x);
	uint64_t *from = vtr_map_at(&p->b_to_a, y);

	if (*to == 0 && *from == 0) {
		*to = y;
		*from = x;
	}
	return *to == y && *from == x;
}

static bool
same_field(struct pairing *p, size_t i, size_t j, unsigned field)
{
	uint64_t x = p->a.t->event[i].v[field], y = p->b.t->event[j].v[field];

	switch (p->how[p->a.t->event[i].id][field]) {
	case EXACT:
		return x == y;
	case PAGE:
		return (x == 0) == (y == 0) &&
		       (x == 0 || is_pair(p, p->a.life[i], p->b.life[j]));
	case WORD:
		return word_class(x) == word_class(y);
	case HOME:
		return x >> 60 == y >> 60;
	case SKIP:
		break;
	}
	return true;
}

static const char *
difference(struct pairing *p, size_t i, size_t j)
{
	const struct vtr_event *x = &p->a.t->event[i], *y = &p->b.t->event[j];
	const struct vtr_kind *k = &p->a.t->kind[x->id];
	unsigned f;

	if (strcmp(k->name, p->b.t->kind[y->id].name) != 0)
		return "another event";
	if (x->half || y->half)
		return NULL;
	for (f = 0; f < k->nfields; f++)
		if (!same_field(p, i, j, f))
			return k->field[f];
	return NULL;
}

/* ---- the walk ---- */

static size_t
first_of(struct side *s, uint32_t pid)
{
	return (size_t)*vtr_map_at(&s->first, pid) - 1; /* 0 - 1 is NONE */
}

static struct vtr_parting
compare_process(struct pairing *p, uint32_t pid)
{
	size_t i = first_of(&p->a, pid), j = first_of(&p->b, pid);
	struct vtr_parting d = { .pid = pid };

	while (i != NONE && j != NONE && d.why == NULL) {
		d.why = difference(p, i, j);
		if (d.why != NULL)
			break;
		i = p->a.next[i];
		j = p->b.next[j];
	}
	if (i == NONE && j == NONE)
		return d;
	d.parted = true;
	d.a = i == NONE ? NULL : &p->a.t->event[i];
	d.b = j == NONE ? NULL : &p->b.t->event[j];
	if (d.why == NULL)
		d.why =
		    i == NONE ? "the first ends here" : "the second ends here";
	return d;
}

/* What happened earlier in its run is nearer to the cause. */
static bool
is_earlier(const struct vtr_parting *x, const struct vtr_parting *y)
{
	if (x->a != NULL && y->a != NULL)
		return x->a->seq < y->a->seq;
	if (x->b != NULL && y->b != NULL)
		return x->b->seq < y->b->seq;
	return x->a != NULL;
}

static void
compare_side(struct pairing *p, const struct side *s, struct vtr_parting *best)
{
	struct vtr_parting d;
	size_t k;

	for (k = 0; k < s->npids; k++) {
		if (s->pid[k] == 0)
			continue;
		d = compare_process(p, s->pid[k]);
		if (d.parted && (!best->parted || is_earlier(&d, best)))
			*best = d;
	}
}

struct vtr_parting
vtr_diff(const struct vtr *a, const struct vtr *b, vtr_want *want)
{
	struct vtr_parting best = { .parted = false };
	struct pairing *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	side_make(&p->a, a, want);
	side_make(&p->b, b, want);
	choose_how(p);
	compare_side(p, &p->a, &best);
	if (!best.parted)
		compare_side(p, &p->b, &best);
	if (!best.parted)
		best = compare_process(p, 0);
	side_free(&p->a);
	side_free(&p->b);
	vtr_map_free(&p->a_to_b);
	vtr_map_free(&p->b_to_a);
	free(p);
	return best;
}

bool
vtr_teaches(const struct vtr *t, const struct vtr_event *e)
{
	static const char *const family[] = { "fault.", "fork.", "fmo.",
		"vad." };
	const char *name = t->kind[e->id].name;
	size_t i;

	for (i = 0; i < sizeof family / sizeof family[0]; i++)
		if (strncmp(name, family[i], strlen(family[i])) == 0)
			return true;
	return false;
}
