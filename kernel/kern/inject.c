/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inject.c: failures on demand
 *
 * Problem   Paths after a failed allocation or a disk error run once a year.
 *           Tests want them now, each in turn, and the same on every run.
 *
 * Picture   FI_FRAME:3:10:2   hits 1 2 [3] 4 … 12 [13] 14 …: [ ] fails
 *                             first 3, then each 10th, 2 times in all
 *
 * Rules     1. While no point is armed, each costs one test of a word in
 *              memory (lib/evidence.h).
 *           2. FI_NAME:probe counts hits and never fails, so that a harness
 *              can let each of them fail in a later run.
 *           3. With a pid only the thread of that id hits the point.  With a +
 *              behind its own id a thread arms the point for itself and all
 *              threads that it starts from then on.
 *
 * Read next test/inject.  Book: injection.
 */
#include "kern/kernfn.h"
#include "lib/errno.h"
#include "lib/string.h"

struct point {
	bool armed;              /* [A] read without lock */
	bool probe;              /* the rest: [lock] */
	uint32_t pid;            /* 0: any */
	bool family;             /* and what pid starts */
	uint32_t last;           /* thread of the last failure */
	uint64_t first, every, count;
	uint64_t hits, fired;
};

uint32_t evidence_asked;

static struct {
	struct spinlock lock;
	struct point point[FI_COUNT];
} inject = { .lock = SPIN_INIT(LR_LOG) };

#define POINT_NAME(point) #point,
static const char *const point_names[FI_COUNT] = { INJECT_POINTS(POINT_NAME) };

/* ---- hits ---- */

/* Locks:    inject.lock.  Is this hit one of those that fail? */
static bool
is_due(const struct point *p)
{
	HELD(&inject.lock);
	if (p->probe || p->fired >= p->count || p->hits < p->first)
		return false;
	if (p->hits == p->first)
		return true;
	return p->every != 0 && (p->hits - p->first) % p->every == 0;
}

/* Rule 3. */
static bool
is_meant(const struct point *p, const struct thread *t)
{
	return p->pid == 0 ||
	    (t != NULL && (t->id == p->pid ||
	    (p->family && t->inject_id == p->pid)));
}

/*
 * Turn these kinds of evidence on.
 *
 * Locks:    none.
 */
void
evidence_ask(uint32_t what)
{
	atomic_or(&evidence_asked, what);
}

/*
 * Locks:    any of rank < LR_LOG.
 * Context:  any.
 * Returns:  true: fail now.
 */
bool
inject_try(enum inject_point which)
{
	struct point *p = &inject.point[which];
	struct thread *t;
	uint64_t flags;
	bool fail;

	if (!atomic_load_relaxed(&p->armed))
		return false;
	t = md_current();
	flags = spin_lock_irq(&inject.lock);
	if (!is_meant(p, t)) {
		spin_unlock_irq(&inject.lock, flags);
		return false;
	}
	p->hits++;
	fail = is_due(p);
	p->fired += fail;
	if (fail)
		p->last = t == NULL ? 0 : t->id;
	spin_unlock_irq(&inject.lock, flags);
	if (fail)
		EVENT(inject_hits, which, p->hits);
	return fail;
}

/* Does t hit the point?  Locks: none; it may be set meanwhile. */
bool
inject_is_for(enum inject_point which, const struct thread *t)
{
	const struct point *p = &inject.point[which];

	return atomic_load_relaxed(&p->armed) && is_meant(p, t);
}

/* ---- setting ---- */

/* Length of the point's name at the start of spec, FI_ or not; 0: none. */
static size_t
find_point(const char *spec, enum inject_point *which)
{
	size_t n = 0;
	unsigned i;

	while (spec[n] != '\0' && spec[n] != ':')
		n++;
	for (i = 0; i < FI_COUNT; i++) {
		const char *name = point_names[i];

		if ((strlen(name) == n && strncmp(spec, name, n) == 0) ||
		    (strlen(name + 3) == n && strncmp(spec, name + 3, n) == 0)) {
			*which = (enum inject_point)i;
			return n;
		}
	}
	return 0;
}

/* ":FIRST[:EVERY[:COUNT[:PID[+]]]]"; false: not of this form. */
static bool
parse_numbers(const char *s, struct point *p)
{
	uint64_t v[4] = { 0, 0, 0, 0 };
	bool family = false;
	unsigned n = 0;
	const char *end;

	for (; *s == ':' && n < ARRAY_LEN(v); s = end) {
		v[n++] = str_to_u64(s + 1, &end);
		if (end == s + 1)
			return false;
	}
	if (n == ARRAY_LEN(v) && *s == '+') {
		if (v[3] == 0 || md_current()->id != v[3])
			return false;
		family = true;
		s++;
	}
	if (*s != '\0' || n == 0 || v[0] == 0)
		return false;
	*p = (struct point){ .first = v[0], .every = v[1], .pid = (uint32_t)v[3],
	    .family = family, .count = v[2] != 0 ? v[2] : v[1] != 0 ? UINT64_MAX : 1 };
	return true;
}

static void
all_off(void)
{
	uint64_t flags = spin_lock_irq(&inject.lock);

	memset(inject.point, 0, sizeof(inject.point));
	atomic_and(&evidence_asked, ~(uint32_t)EVIDENCE_INJECT);
	spin_unlock_irq(&inject.lock, flags);
}

/*
 * Arm a point, let it count, or turn all off.
 *
 * Returns:  0, -EINVAL.
 */
int
inject_set(const char *spec)
{
	enum inject_point which = FI_FRAME;
	struct point p = { .probe = true };
	uint64_t flags;
	size_t n;

	if (strcmp(spec, "off") == 0) {
		all_off();
		return 0;
	}
	n = find_point(spec, &which);
	if (n == 0)
		return -EINVAL;
	if (strcmp(spec + n, ":probe") != 0 && !parse_numbers(spec + n, &p))
		return -EINVAL;
	p.armed = true;
	if (p.family)
		md_current()->inject_id = p.pid;
	flags = spin_lock_irq(&inject.lock);
	inject.point[which] = p;
	atomic_or(&evidence_asked, (uint32_t)EVIDENCE_INJECT);
	spin_unlock_irq(&inject.lock, flags);
	return 0;
}

void
inject_init(void)
{
	const char *spec = option_str("inject");

	if (spec != NULL && inject_set(spec) != 0)
		klog("inject: not understood: %s", spec);
}

/* One line per armed point: name, hits, fired, settings. */
void
inject_show(struct out *o)
{
	unsigned i;

	for (i = 0; i < FI_COUNT; i++) {
		struct point p = inject.point[i];

		if (!p.armed)
			continue;
		out_printf(o, "%s hits=%lu fired=%lu", point_names[i], p.hits,
		    p.fired);
		if (p.probe)
			out_printf(o, " probe\n");
		else
			out_printf(o, " first=%lu every=%lu count=%lu "
			    "pid=%u last=%u\n", p.first, p.every, p.count,
			    p.pid, p.last);
	}
}
