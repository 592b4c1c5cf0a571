/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.c: addresses of kernel paged memory that really fault, on the host
 *
 * Problem   VADs are touched by their addresses, and a page fault brings what is
 *           out.  On the host it shall be the same: the same sources, and a fault
 *           at the same places.
 *
 * Picture   v->end ── SIGSEGV ─→ touch(): kpaged_fault, word VALID ─→ window_map
 *                                 a page of the RAM file, at the address of v
 *           flush ─→ window_forget: the next access asks again
 *
 * Rules     1. What is mapped is a TLB common to all CPUs.
 *           2. Its state lies outside of the program's data: vmsim puts those
 *              back (sim/world.c) and then calls window_forget_all().
 *           3. touch() runs on the stack of who made the access, SIGSEGV open:
 *              it may wait, and other threads of the machine run meanwhile.
 *           4. Spinlocks hide all pages, some hundred thousand times a test:
 *              hiding closes those that are open, showing opens none.  The
 *              first access to a page opens it; touch() does not hear of it.
 *
 * Read next md_host.c, sim/cpu.c.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, REG_ERR */
#endif
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "test/hostkern/window.h"

#define PAGE 4096ul
#define PAGES_MAX 64
#define PF_WRITE 2       /* of the error code of a page fault */

struct window {
	int ram;                 /* file */
	unsigned long bytes;
	void (*touch)(unsigned long, int);
	struct sigaction before;
	unsigned n, next;        /* pages mapped; the one to be replaced */
	int hidden;
	struct {
		unsigned long va, pa;
		int write;
		int open;        /* the host's tables have it */
	} page[PAGES_MAX];
};

static struct window *window;

static struct window *
state(void)
{
	if (window != NULL)
		return window;
	window = mmap(NULL, sizeof(*window), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (window == MAP_FAILED)
		abort();
	return window;
}

void *
window_ram(unsigned long bytes)
{
	struct window *w = state();
	void *p;

	w->ram = memfd_create("ram", MFD_CLOEXEC);
	if (w->ram < 0 || ftruncate(w->ram, (off_t)bytes) != 0)
		abort();
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, w->ram, 0);
	if (p == MAP_FAILED)
		abort();
	return p;
}

static void
close_range_of(unsigned long va, unsigned long bytes)
{
	if (mmap((void *)va, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();
}

static void
open_page(unsigned i)
{
	struct window *w = window;
	int prot = PROT_READ | (w->page[i].write ? PROT_WRITE : 0);

	if (mmap((void *)w->page[i].va, PAGE, prot, MAP_SHARED | MAP_FIXED,
	    w->ram, (off_t)w->page[i].pa) == MAP_FAILED)
		abort();
	w->page[i].open = 1;
}

static void
close_page(unsigned i)
{
	if (window->page[i].open)
		close_range_of(window->page[i].va, PAGE);
	window->page[i].open = 0;
}

static unsigned
find(unsigned long va)
{
	unsigned i = 0;

	while (i < window->n && window->page[i].va != (va & ~(PAGE - 1)))
		i++;
	return i;
}

/* Was the page only hidden?  Then it is open now. */
static int
open_again(unsigned long va, int write)
{
	const struct window *w = window;
	unsigned i = find(va);

	if (w->hidden || i == w->n || w->page[i].open ||
	    (write && !w->page[i].write))
		return 0;
	open_page(i);
	return 1;
}

static void
on_segv(int signo, siginfo_t *si, void *arg)
{
	const ucontext_t *uc = arg;
	unsigned long va = (unsigned long)si->si_addr;
	int write = (uc->uc_mcontext.gregs[REG_ERR] & PF_WRITE) != 0;

	if (va - WINDOW_BASE < window->bytes) {
		if (!open_again(va, write))
			window->touch(va, write);
		return;
	}
	/* Somebody else's: it happens again, and he is told. */
	(void)sigaction(signo, &window->before, NULL);
}

/*
 * The C library's, but for SIGSEGV: cmocka takes that at the start of each test,
 * to go on after a crash.  Here a crash shall end all.
 */
void (*signal(int signo, void (*fn)(int)))(int)
{
	struct sigaction sa = { .sa_handler = fn }, old;

	if (signo == SIGSEGV)
		return SIG_DFL;
	return sigaction(signo, &sa, &old) == 0 ? old.sa_handler : SIG_ERR;
}

void
window_open(unsigned long bytes, void (*touch)(unsigned long va, int write))
{
	struct sigaction sa = { .sa_sigaction = on_segv,
		.sa_flags = SA_SIGINFO | SA_NODEFER };
	struct window *w = state();

	w->bytes = bytes;
	w->touch = touch;
	close_range_of(WINDOW_BASE, bytes);
	if (sigaction(SIGSEGV, &sa, &w->before) != 0)
		abort();
}

/* The last one takes its place. */
static void
forget_page(unsigned i)
{
	struct window *w = window;

	close_page(i);
	w->page[i] = w->page[--w->n];
}

void
window_map(unsigned long va, unsigned long pa, int write)
{
	struct window *w = window;
	unsigned i = find(va);

	if (i == PAGES_MAX) {
		i = w->next++ % PAGES_MAX;
		close_page(i);
	}
	if (i == w->n)
		w->n++;
	w->page[i].va = va & ~(PAGE - 1);
	w->page[i].pa = pa;
	w->page[i].write = write;
	w->hidden = 0;
	open_page(i);
}

void
window_forget(unsigned long va, unsigned long bytes)
{
	unsigned i;

	for (i = window->n; i-- > 0;)
		if (window->page[i].va - (va & ~(PAGE - 1)) < bytes)
			forget_page(i);
}

void
window_forget_all(void)
{
	while (window->n > 0)
		forget_page(0);
	window->hidden = 0;
}

void
window_hide(void)
{
	unsigned i;

	if (window == NULL || window->hidden)
		return;
	for (i = 0; i < window->n; i++)
		close_page(i);
	window->hidden = window->n > 0;
}

void
window_show(void)
{
	window->hidden = 0;
}

int
window_is_hidden(void)
{
	return window->hidden;
}

int
window_has(unsigned long va, int write)
{
	unsigned i = find(va);

	return i < window->n && (!write || window->page[i].write);
}
