/*
 * Keeps a table of its own of what was inserted last, and measures the tree by
 * recursion.
 *
 * forge: lab=01 test=t01 hook=vad_insert call=remember(as,v) expect=honest
 */
#include "lib/string.h"

#define LAST 8u

static struct recent {
	const struct aspace *as;
	uint64_t start, pages;
} recent[LAST];
static unsigned deepest;

static unsigned
depth(const struct rb_node *n)
{
	unsigned l, r;

	if (n == NULL)
		return 0;
	l = depth(n->left);
	r = depth(n->right);
	return 1 + MAX(l, r);
}

static void __attribute__((noinline, unused))
remember(const struct aspace *as, const struct vad *v)
{
	static unsigned next;
	struct recent sorted[LAST], one;
	unsigned i, k, bits = 64u - (unsigned)__builtin_clzl(as->map.nvads | 1);

	recent[next++ % LAST] = (struct recent){ .as = as, .start = v->start,
		.pages = v->end - v->start };
	memcpy(sorted, recent, sizeof(sorted));
	for (i = 1; i < LAST; i++) {
		one = sorted[i];
		for (k = i; k > 0 && sorted[k - 1].start > one.start; k--)
			sorted[k] = sorted[k - 1];
		sorted[k] = one;
	}
	deepest = MAX(deepest, depth(as->map.vads.node));
	ASSERT(deepest <= 2 * (bits + 1));
}
