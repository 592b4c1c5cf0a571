/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern.c: threads, options, injection, events, panic of the simulated machine
 *
 * Rules     1. The current thread is the fiber that runs, or the driver.
 *           2. Whatever fails prints the schedule that leads there, and ends
 *              the program.
 *
 * Read next fiber.c, lock.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/sim/sim.h"

#define TURNS 8

static struct {
	uint64_t count[EV_COUNT];
	struct {
		uint64_t (*fn)(size_t arg);
		size_t arg;
	} gauge[EV_COUNT];
	unsigned hits[FI_COUNT], fail_at[FI_COUNT], every[FI_COUNT];
	char options[512];
} kern;

struct thread *
md_current(void)
{
	struct fiber *f = sim_fiber();

	return f == NULL ? &sim.driver : &f->t;
}

struct thread *
thread_current(void)
{
	return md_current();
}

/* Fibers run on stacks of the host's. */
size_t
thread_stacks_deepest(void)
{
	return 0;
}

bool
thread_is_killed(void)
{
	struct fiber *f = sim_fiber();

	return f != NULL && f->killed;
}

struct thread *
thread_spawn(const char *name, void (*fn)(void *), void *arg)
{
	return &sim_spawn(name, fn, arg, true)->t;
}

/* A fault begins anew: who keeps it from ending must get on some time. */
uint32_t evidence_asked = EVIDENCE_SCHED; /* each point is one of ours */

void
evidence_ask(uint32_t what)
{
	atomic_or(&evidence_asked, what);
}

void
sched_point(void)
{
	struct fiber *f = sim_fiber();

	if (f != NULL && ++f->turns % TURNS == 0)
		sim_block(OP_YIELD, NULL);
}

void
sched_yield(void)
{
	if (sim_fiber() != NULL)
		sim_block(OP_YIELD, NULL);
}

/* ---- mem/kva.c: adjacent frames instead of addresses of their own ---- */

static unsigned
order_of(size_t pages)
{
	unsigned order = 0;

	while (1ul << order < pages)
		order++;
	return order;
}

void *
kva_alloc(size_t pages)
{
	struct vm_page *pg = phys_alloc_run(order_of(pages));

	return pg == NULL ? NULL : pa2va(page_pa(pg));
}

void
kva_free(void *p, size_t pages)
{
	phys_free_run(page_of_pa(va2pa(p)), order_of(pages));
}

void
kva_drain(void)
{
}

void *
room_alloc(size_t bytes)
{
	void *p;

	if (bytes <= PAGE_SIZE)
		return kmem_zalloc(bytes);
	p = kva_alloc(PAGE_UP(bytes) >> PAGE_SHIFT);
	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

void
room_free(void *p, size_t bytes)
{
	if (bytes <= PAGE_SIZE)
		kmem_free(p);
	else
		kva_free(p, PAGE_UP(bytes) >> PAGE_SHIFT);
}

/* ---- mem/zero.c: a copy takes its time (the linker's --wrap) ---- */

void __real_page_copy(struct vm_page *dst, const struct vm_page *src);
void __wrap_page_copy(struct vm_page *dst, const struct vm_page *src);

void
__wrap_page_copy(struct vm_page *dst, const struct vm_page *src)
{
	if (!spin_is_mine(&pfn_lock))
		sim_point(AT_WORD);
	__real_page_copy(dst, src);
}

/* ---- options and injection ---- */

void
sim_options(const char *s)
{
	snprintf(kern.options, sizeof(kern.options), " %s ", s);
}

const char *
option_str(const char *name)
{
	static char value[64];
	char key[64];
	const char *p;

	snprintf(key, sizeof(key), " %s=", name);
	p = strstr(kern.options, key);
	if (p == NULL)
		return NULL;
	sscanf(p + strlen(key), "%63s", value);
	return value;
}

uint64_t
option_u64(const char *name)
{
	const char *s = option_str(name);

	return s == NULL ? 0 : strtoull(s, NULL, 0);
}

bool
option_is(const char *name, const char *value)
{
	const char *s = option_str(name);

	return s != NULL && strcmp(s, value) == 0;
}

void
sim_inject(enum inject_point point, unsigned n, unsigned every)
{
	kern.hits[point] = 0;
	kern.fail_at[point] = n;
	kern.every[point] = every;
}

bool
inject_hit(enum inject_point point)
{
	unsigned hit = ++kern.hits[point], at = kern.fail_at[point];

	if (at == 0 || hit < at)
		return false;
	return hit == at ||
	    (kern.every[point] != 0 && (hit - at) % kern.every[point] == 0);
}

/* ---- events ---- */

void
ev_add(enum ev_id id, int64_t n)
{
	kern.count[id] += (uint64_t)n;
}

void (*sim_on_event)(enum ev_id);

void
ev_trace(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	kern.count[id]++;
	if (sim_on_event != NULL)
		sim_on_event(id);
}

void
ev_record(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	ev_trace(id, a, b, c, d);
}

uint64_t
ev_read(enum ev_id id)
{
	return kern.gauge[id].fn != NULL ?
	    kern.gauge[id].fn(kern.gauge[id].arg) : kern.count[id];
}

void
ev_set_gauge(enum ev_id id, uint64_t (*fn)(size_t arg), size_t arg)
{
	kern.gauge[id].fn = fn;
	kern.gauge[id].arg = arg;
}

static uint64_t
word_at(size_t at)
{
	return atomic_load_relaxed((const uint64_t *)at);
}

void
ev_set_gauge_word(enum ev_id id, const volatile void *word)
{
	ev_set_gauge(id, word_at, (size_t)word);
}

/* ---- log and panic ---- */

void
klog(const char *fmt, ...)
{
	va_list ap;

	if (getenv("VERBOSE") == NULL)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static void NORETURN
die(const char *what, const char *fmt, va_list ap)
{
	struct fiber *f = sim_fiber();

	fprintf(stderr, "%s in %s: ", what, f == NULL ? "driver" : f->t.name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	explore_print_schedule();
	if (getenv("ABORT") != NULL)
		abort();
	fflush(NULL);
	_exit(1);
}

void
sim_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	die("FAIL", fmt, ap);
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	die("PANIC", fmt, ap);
}

void
panic_assert(const char *what)
{
	panic("%s", what);
}
