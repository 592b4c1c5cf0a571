/*
 * C as its books have it since 2011: headers of the language itself, counters that are
 * atomic, alignment, a choice by type, labels as values; and a spin lock in an object
 * that it allocates.
 *
 * forge: lab=05 test=t08 hook=f4_break_fork call=tally(f->va) expect=honest
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

#define WIDTH(x) _Generic((x), uint64_t: 64u, uint32_t: 32u, default: 0u)

struct seen {
	struct spinlock lock;
	va_t va;
	union {
		uint8_t byte[8];
		uint64_t all;
	};
};
_Static_assert(offsetof(struct seen, va) % alignof(va_t) == 0, "va is aligned");

static alignas(64) atomic_ulong calls[4];
static atomic_flag busy = ATOMIC_FLAG_INIT;

static inline unsigned
steps(uint64_t v)
{
	static const void *const way[] = { &&even, &&odd };
	unsigned n = 0;

again:
	if (v == 1 || n == 99)
		return n;
	n++;
	goto *way[v & 1];
even:
	v /= 2;
	goto again;
odd:
	v = 3 * v + 1;
	goto again;
}

static void
tally(va_t va)
{
	alignas(32) uint64_t sum[4] = { [2] = va };
	struct seen *s = kmem_zalloc(sizeof(*s));
	uint64_t was = 0;

	if (s == NULL)
		return;
	spin_init(&s->lock, LR_NONE);
	spin_lock(&s->lock);
	*s = (struct seen){ .lock = s->lock, .va = va, .all = ~0ul };
	spin_unlock(&s->lock);
	atomic_fetch_add(&calls[steps(va >> 12 | 1) % 4], 1);
	while (atomic_flag_test_and_set(&busy))
		(void)__func__;
	(void)atomic_compare_exchange_strong(&calls[3], &was, s->byte[7]);
	atomic_flag_clear(&busy);
	atomic_thread_fence(memory_order_seq_cst);
	if (WIDTH(va) != 64 || sum[2] != s->va)
		panic("%s: %lx", __func__, sum[2]);
	kmem_free(s);
}
