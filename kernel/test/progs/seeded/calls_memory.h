/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_memory.h: mappings of the area, and accesses to it
 */
#ifndef SEEDED_CALLS_MEMORY_H
#define SEEDED_CALLS_MEMORY_H

#include "calls.h"

/* What musl does not know: advice. */
#define POPULATE_READ 22
#define POPULATE_WRITE 23

static sigjmp_buf back;
static volatile sig_atomic_t fault_signal, fault_code;

static void
on_fault(int signo, siginfo_t *si, void *context)
{
	(void)context;
	fault_signal = signo;
	fault_code = si->si_code;
	siglongjmp(back, 1);
}

static void
say_range(const char *call, struct bytes b)
{
	say("%s +%lx %zu", call, b.p - area, b.n);
}

static int
any_protection(void)
{
	return (int)PICK(PROT_NONE, PROT_READ, PROT_WRITE,
	    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
	    PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC,
	    PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void
op_mmap(void)
{
	struct bytes b = any_range();
	int protection = any_protection();
	int fd = fd_that(is_file);
	off_t at = PICK(0, 4096, 8192, 100, -4096, FAR);
	int flags = PICK(MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE,
	    MAP_SHARED_VALIDATE, 0, MAP_PRIVATE | MAP_POPULATE,
	    MAP_PRIVATE | MAP_NORESERVE);
	char *p;

	if (chance(3) == 0 || is_socket(fd)) {
		flags |= MAP_ANONYMOUS;
		at = 0;
	}
	at = near_enough(at);
	flags |= chance(6) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	say_range("mmap", b);
	say(" %x %x %d %ld", protection, flags, fd, (long)at);
	p = CALL(mmap(b.p, b.n, protection, flags, fd, at), MAP_FAILED);
	if (tell_good(p != MAP_FAILED))
		say(" %s", p == b.p ? "there" : "elsewhere");
}

static void
op_munmap(void)
{
	struct bytes b = any_range();

	say_range("munmap", b);
	tell(munmap(b.p, b.n));
}

static void
op_mprotect(void)
{
	struct bytes b = any_range();
	int protection = any_protection();

	say_range("mprotect", b);
	say(" %x", protection);
	tell(mprotect(b.p, b.n, protection));
}

/* One page, for several may be of several mappings. */
static void
op_mremap(void)
{
	struct bytes from = any_range();
	struct bytes to = any_range();
	int flags = PICK(0, 0, MREMAP_DONTUNMAP);
	void *p;

	if (from.n > PAGE)
		from.n = PAGE;
	flags |= MREMAP_MAYMOVE | MREMAP_FIXED;
	say_range("mremap", from);
	say_range("", to);
	say(" %x", flags);
	p = CALL(mremap(from.p, from.n, to.n, flags, to.p), MAP_FAILED);
	tell_good(p != MAP_FAILED);
}

static void
op_madvise(void)
{
	struct bytes b = any_range();
	int advice = PICK(MADV_DONTNEED, MADV_NORMAL, MADV_SEQUENTIAL,
	    MADV_WILLNEED, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
	    POPULATE_READ, POPULATE_WRITE, MADV_WIPEONFORK,
	    MADV_KEEPONFORK, 77);

	if (advice == POPULATE_READ || advice == POPULATE_WRITE)
		b.n = PAGE;
	say_range("madvise", b);
	say(" %d", advice);
	tell(madvise(b.p, b.n, advice));
}

static void
op_msync(void)
{
	struct bytes b = any_range();
	int flags = PICK(MS_SYNC, MS_ASYNC, MS_INVALIDATE, 0,
	    MS_SYNC | MS_ASYNC, 8);

	say_range("msync", b);
	say(" %x", flags);
	tell(msync(b.p, b.n, flags));
}

static void
op_mlock(void)
{
	struct bytes b = any_range();

	say_range("mlock", b);
	tell(mlock(b.p, b.n));
}

static void
op_munlock(void)
{
	struct bytes b = any_range();

	say_range("munlock", b);
	tell(munlock(b.p, b.n));
}

/* Which pages are in memory is the kernel's affair. */
static void
op_mincore(void)
{
	struct bytes b = any_range();

	say_range("mincore", b);
	tell(mincore(b.p, b.n, (void *)in));
}

static void
tell_fault(void)
{
	if (fault_signal != 0)
		say(" signal %d code %d", fault_signal, fault_code);
	else
		say(" = ok");
}

static void
op_load(void)
{
	volatile char *p = any_place();
	volatile char c = 0;

	say("load +%lx", p - area);
	fault_signal = 0;
	if (sigsetjmp(back, 1) == 0)
		c = *p;
	tell_fault();
	say(" %d", c);
}

/* Never a tab or another byte that means something to a terminal. */
static void
op_store(void)
{
	volatile char *p = any_place();

	say("store +%lx", p - area);
	fault_signal = 0;
	if (sigsetjmp(back, 1) == 0)
		*p = (char)('A' + number % 26);
	tell_fault();
}

static const struct op memory_ops[] = { { op_mmap, 8 }, { op_munmap, 3 },
	{ op_mprotect, 4 }, { op_mremap, 3 }, { op_madvise, 4 },
	{ op_msync, 3 }, { op_mlock, 2 }, { op_munlock, 2 },
	{ op_mincore, 3 }, { op_load, 6 }, { op_store, 6 } };

#endif
