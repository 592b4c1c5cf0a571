/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * last_shapes.c: hidden tests of lab 06: other shapes of the same
 *
 * --what tree        up to twelve processes fork, store, unmap and end at random;
 *                    each knows what it must read
 * --what grandchild  the last owner is the grandchild
 * --pages N --seed S
 */
#include "libt.h"

#define MOST 12ul    /* processes of one tree */
#define MAX_PAGES 64ul

struct node {
	u8 *p;
	u64 pages, state, depth;
	volatile u64 *made;      /* shared: processes so far */
	u64 value[MAX_PAGES];    /* what each page holds; 0: it is unmapped */
};

static void
put(struct node *n, u64 i, u64 value)
{
	volatile u64 *v = (volatile u64 *)(n->p + i * PAGE);

	v[0] = value;
	v[PAGE / 8 - 1] = value;
	n->value[i] = value;
}

static int
has_all(const struct node *n)
{
	u64 i;

	for (i = 0; i < n->pages; i++) {
		const volatile u64 *v = (const volatile u64 *)(n->p + i * PAGE);

		if (n->value[i] != 0 &&
		    (v[0] != n->value[i] || v[PAGE / 8 - 1] != v[0]))
			return 0;
	}
	return 1;
}

static int
grows(void *arg)
{
	struct node n = *(struct node *)arg;
	long pid[MOST];
	u64 k, i, kids = 0;

	n.depth++;
	for (k = 0; k < 40; k++) {
		u64 r = random_next(&n.state);

		i = (r >> 8) % n.pages;
		if (r % 8 == 0 && __atomic_fetch_add(n.made, 1, __ATOMIC_SEQ_CST) < MOST) {
			struct node of = n;

			of.state = n.state * 31 + kids + 7;
			pid[kids] = child(grows, &of);
			EXPECT(pid[kids] > 0);
			yield();       /* of is copied by then, or the child waits */
			EXPECT(wait_for(pid[kids]) == 0);
		} else if (r % 8 == 1 && n.value[i] != 0) {
			EXPECT(unmap(n.p + i * PAGE, PAGE) == 0);
			n.value[i] = 0;
		} else if (n.value[i] != 0) {
			put(&n, i, r | 1);
		}
	}
	return has_all(&n) ? 0 : 3;
}

static int
grandchild(void *arg)
{
	struct node *n = arg;
	u64 i;

	while (n->made[1] == 0)
		yield();
	mark(1);
	for (i = 0; i < n->pages; i++)
		put(n, i, i + 1000);
	mark(2);
	return has_all(n) ? 0 : 3;
}

static int
between(void *arg)
{
	/* Its child is left to whoever takes orphans. */
	EXPECT(child(grandchild, arg) > 0);
	return 0;
}

static int
is(const char *what, const char *name)
{
	return length(what) == length(name) && same(what, name, length(name));
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	struct node n = { .pages = option(argv, "pages") };
	int status;
	u64 i;

	EXPECT(n.pages <= MAX_PAGES);
	n.state = option(argv, "seed") | 1;
	n.made = shared(1);
	n.made[0] = n.made[1] = 0;
	n.p = anon(n.pages);
	for (i = 0; i < n.pages; i++)
		put(&n, i, i + 1);
	if (is(what, "tree")) {
		mark(1);
		for (i = 0; i < 6; i++) {
			n.made[0] = 0;
			n.state = n.state * 33 + i;
			EXPECT(wait_for(child(grows, &n)) == 0);
			EXPECT(has_all(&n));
		}
		mark(2);
		return 0;
	}
	EXPECT(wait_for(child(between, &n)) == 0);
	EXPECT(unmap(n.p, n.pages * PAGE) == 0);
	n.made[1] = 1;
	EXPECT(sys6(61, -1, (long)&status, 0, 0, 0, 0) > 0 && status == 0);
	return 0;
}
