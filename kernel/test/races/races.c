/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * races.c: data races, seen while they happen; make races
 *
 * Problem   A field that two CPUs use at once, one of them to write it, without a lock
 *           that both hold: the answer is right nearly always, so no test fails.
 *
 * Picture   the compiler calls us before each access to memory (-fsanitize=thread)
 *           ─→ one in some hundred is watched: wait here, a while ─→ does another CPU
 *           come to the same bytes, or have they changed? ─→ both places are said
 *
 * Rules     1. Accesses by atomic_…() and volatile are marked: the writer knows that
 *              others look.  A plain write beside a marked read is right: the writers
 *              have a lock among themselves.  All other pairs with a write are races.
 *           2. The wait is with interrupts off: a race with an interrupt of this CPU
 *              is not seen.  So is none with one CPU, and none of assembler.
 *           3. Paged kernel memory is not watched: here it cannot be brought.
 *           4. A race of our own (plant) shows that races are seen at all.
 *
 * Idea: KCSAN, the Linux kernel's sanitizer of concurrency, as its documents tell it.
 */
#include "lib/types.h"
#include "md.h"

#define WATCHES  256  /* by address */
#define TURNS    64
#define SEEN     4096 /* pairs that were said, by their places */
#define EVERY    700  /* accesses of a stack from one watch to the next, on average */
#define WAIT     3000 /* looks at a watch */
#define PLANTED  8    /* one in so many watches is of the planted race */
#define OUR_PORT 0x402

enum manner { PLAIN_READ = 0, WRITE = 1, MARKED = 2 };

/* A watch in one word: who comes to the same bytes takes it. */
#define WATCH_ADDRESS ((1ul << 48) - 1)
#define WATCH_SIZE(w) ((w) >> 48 & 15)
#define WATCH_WRITES  (1ul << 63)
#define WATCH_TAKEN   (~0ul)

struct visitor {
	uint64_t rip; /* behind the call */
	enum manner how;
};

static uint64_t watches[WATCHES];
static struct visitor taken_by[WATCHES];
static uint64_t taken[WATCHES]; /* taken_by is whole */

/* Of stacks, some of which share one: a CPU that begins has no number yet. */
static struct turns {
	int left; /* accesses until the next watch */
	uint32_t chance;
} turns[TURNS];

static struct {
	uint32_t lock;
	uint64_t first[SEEN], second[SEEN];
} seen;

void races_plant(void);

/* ---- what is said ---- */

static void
put(char c)
{
	md_out8(OUR_PORT, (uint8_t)c);
}

static void
put_visitor(const struct visitor *p)
{
	put(' ');
	put(p->how & MARKED ? 'm' : 'p');
	put(p->how & WRITE ? 'w' : 'r');
	for (int shift = 60; shift >= 0; shift -= 4)
		put("0123456789abcdef"[(p->rip - 1) >> shift & 15]);
}

/* Is the pair new?  The table may be full: then it is not said. */
static bool
is_new(uint64_t first, uint64_t second)
{
	uint64_t i = (first * 31 + second) * 0x9e3779b97f4a7c15ul >> 52;

	for (unsigned n = 0; n < SEEN; n++, i = (i + 1) % SEEN) {
		if (seen.first[i] == first && seen.second[i] == second)
			return false;
		if (seen.first[i] != 0)
			continue;
		seen.first[i] = first;
		seen.second[i] = second;
		return true;
	}
	return false;
}

/* other->rip is 0: the bytes have changed, and nobody was seen; then it is all ones. */
static void
say(const struct visitor *here, const struct visitor *other)
{
	while (__atomic_exchange_n(&seen.lock, 1, __ATOMIC_ACQUIRE) != 0)
		md_pause();
	if (is_new(here->rip, other->rip)) {
		put('\n');
		for (const char *s = "race"; *s != '\0'; s++)
			put(*s);
		put_visitor(here);
		put_visitor(other);
		put('\n');
	}
	__atomic_store_n(&seen.lock, 0, __ATOMIC_RELEASE);
}

/* ---- a watch ---- */

static uint64_t
value_at(uint64_t at, unsigned size)
{
	switch (size) {
	case 1: return *(volatile uint8_t *)at;
	case 2: return *(volatile uint16_t *)at;
	case 4: return *(volatile uint32_t *)at;
	default: return *(volatile uint64_t *)at;
	}
}

/* Is it this stack's turn for a watch, on something that can be watched? */
static bool
is_turn(uint64_t at, unsigned size)
{
	uint64_t stack = (uint64_t)__builtin_frame_address(0) / 8192;
	struct turns *t = &turns[stack % TURNS];

	if (--t->left > 0)
		return false;
	t->chance = t->chance * 1664525 + 1013904223 + (uint32_t)stack;
	if ((t->chance >> 8) % PLANTED == 0) {
		t->left = 1; /* the planted access is watched */
		races_plant();
	}
	t->left = EVERY / 2 + (int)(t->chance >> 8) % EVERY;
	return at % 8 + size <= 8 &&
	    (at < MD_KPAGED_BASE || at >= MD_KPAGED_BASE + MD_KPAGED_SIZE);
}

static void
wait_for_another(unsigned i, uint64_t at, unsigned size, const struct visitor *here)
{
	uint64_t watch = (at & WATCH_ADDRESS) | (uint64_t)size << 48 |
	    (here->how & WRITE ? WATCH_WRITES : 0), none = 0, was;
	struct visitor other = { 0, PLAIN_READ };
	bool came;

	if (!__atomic_compare_exchange_n(&watches[i], &none, watch, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	was = value_at(at, size);
	for (unsigned n = 0; n < WAIT; n++)
		if (__atomic_load_n(&watches[i], __ATOMIC_RELAXED) != watch)
			break;
	came = !__atomic_compare_exchange_n(&watches[i], &watch, none, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	if (came) {
		while (__atomic_exchange_n(&taken[i], 0, __ATOMIC_ACQUIRE) == 0)
			md_pause();
		other = taken_by[i];
		__atomic_store_n(&watches[i], 0, __ATOMIC_SEQ_CST);
	}
	if (came || was != value_at(at, size))
		say(here, &other);
}

/* Somebody waits for an access to what has this watch.  Rule 1. */
static void
come(unsigned i, uint64_t watch, uint64_t at, unsigned size, const struct visitor *here)
{
	uint64_t low = at & WATCH_ADDRESS, watched = watch & WATCH_ADDRESS;

	if (watch == WATCH_TAKEN || here->how == MARKED ||
	    low >= watched + WATCH_SIZE(watch) || watched >= low + size ||
	    ((here->how & WRITE) == 0 && (watch & WATCH_WRITES) == 0))
		return;
	if (!__atomic_compare_exchange_n(&watches[i], &watch, WATCH_TAKEN, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	taken_by[i] = *here;
	__atomic_store_n(&taken[i], 1, __ATOMIC_RELEASE);
}

static void
look(uint64_t at, unsigned size, const struct visitor *here)
{
	uint64_t cpus_on = md_online_mask(), watch, flags;
	unsigned i = at / 8 % WATCHES;

	if ((cpus_on & (cpus_on - 1)) == 0 || at < 1ul << 63)
		return;
	watch = __atomic_load_n(&watches[i], __ATOMIC_RELAXED);
	if (watch == 0 && (here->how & MARKED) != 0)
		return;
	flags = md_irq_hold();
	if (watch != 0)
		come(i, watch, at, size, here);
	else if (is_turn(at, size))
		wait_for_another(i, at, size, here);
	md_irq_release(flags);
}

/* ---- what the compiler calls: its names ---- */

#define LOOK(at, size, how)                                                    \
	look((uint64_t)(at), size, &(struct visitor){                          \
	    (uint64_t)__builtin_return_address(0), how })
#define ACCESS(name, size, how)                                                \
	void name(const volatile void *at);                                    \
	void name(const volatile void *at) { LOOK(at, size, how); }
#define ACCESSES(size)                                                         \
	ACCESS(__tsan_read##size, size, PLAIN_READ)                            \
	ACCESS(__tsan_write##size, size, WRITE)                                \
	ACCESS(__tsan_unaligned_read##size, size, PLAIN_READ)                  \
	ACCESS(__tsan_unaligned_write##size, size, WRITE)                      \
	ACCESS(__tsan_volatile_read##size, size, MARKED)                       \
	ACCESS(__tsan_volatile_write##size, size, MARKED | WRITE)              \
	ACCESS(__tsan_unaligned_volatile_read##size, size, MARKED)             \
	ACCESS(__tsan_unaligned_volatile_write##size, size, MARKED | WRITE)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

/* Structures: of a long one the first word. */
#define RANGE(name, how)                                                       \
	void name(const void *at, size_t n);                                   \
	void name(const void *at, size_t n) { LOOK(at, MIN(n, 8ul), how); }
RANGE(__tsan_read_range, PLAIN_READ)
RANGE(__tsan_write_range, WRITE)

#define CHANGE(bits, type, op)                                                 \
	type __tsan_atomic##bits##_##op(volatile type *at, type v, int order); \
	type __tsan_atomic##bits##_##op(volatile type *at, type v, int order)  \
	{                                                                      \
		LOOK(at, bits / 8, MARKED | WRITE);                            \
		return __atomic_##op(at, v, __ATOMIC_SEQ_CST);                 \
	}
#define ATOMICS(bits, type)                                                    \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);   \
	type __tsan_atomic##bits##_load(const volatile type *at, int order)    \
	{                                                                      \
		LOOK(at, bits / 8, MARKED);                                    \
		return __atomic_load_n(at, __ATOMIC_SEQ_CST);                  \
	}                                                                      \
	void __tsan_atomic##bits##_store(volatile type *at, type v, int order); \
	void __tsan_atomic##bits##_store(volatile type *at, type v, int order) \
	{                                                                      \
		LOOK(at, bits / 8, MARKED | WRITE);                            \
		__atomic_store_n(at, v, __ATOMIC_SEQ_CST);                     \
	}                                                                      \
	type __tsan_atomic##bits##_exchange(volatile type *at, type v, int order); \
	type __tsan_atomic##bits##_exchange(volatile type *at, type v, int order) \
	{                                                                      \
		LOOK(at, bits / 8, MARKED | WRITE);                            \
		return __atomic_exchange_n(at, v, __ATOMIC_SEQ_CST);           \
	}                                                                      \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *at,   \
	    type *was, type v, int order, int or_else);                        \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *at,   \
	    type *was, type v, int order, int or_else)                         \
	{                                                                      \
		LOOK(at, bits / 8, MARKED | WRITE);                            \
		return __atomic_compare_exchange_n(at, was, v, false,          \
		    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                       \
	}                                                                      \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *at,     \
	    type *was, type v, int order, int or_else)                         \
	    __attribute__((alias("__tsan_atomic" #bits "_compare_exchange_strong"))); \
	CHANGE(bits, type, fetch_add)                                          \
	CHANGE(bits, type, fetch_sub)                                          \
	CHANGE(bits, type, fetch_and)                                          \
	CHANGE(bits, type, fetch_or)                                           \
	CHANGE(bits, type, fetch_xor)
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)

void __tsan_init(void);
void
__tsan_init(void)
{
}

#define FENCE(name)                                                            \
	void name(int order);                                                  \
	void name(int order) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
FENCE(__tsan_atomic_thread_fence)
FENCE(__tsan_atomic_signal_fence)
