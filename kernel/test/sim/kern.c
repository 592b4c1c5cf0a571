/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern.c: threads, runs of pages and the end of the simulated machine
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

struct thread *
md_current(void)
{
	struct fiber *f = sim_fiber();

	return f == NULL ? &sim.driver : &f->t;
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

uint32_t evidence_asked = EVIDENCE_SCHED; /* each point is one of ours */

/* A fault begins anew: who keeps it from ending must get on some time. */
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

/* ---- the end ---- */

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
