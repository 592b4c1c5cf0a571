/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Debug registers by ptrace: a store, a load, a call of the thread that is watched stop
 * it, and DR6 says which; nothing of the kernel is watched, nor what others do at the
 * same address, in its own memory or another's; they end with the program.
 */
#include "lib/traced.h"
#include <pthread.h>
#include <stddef.h>

#define HWBKPT 4
#define DR6_NONE 0xffff0ff0ul
#define ON(slot) (1ul << 2 * (slot))
#define KIND(slot, kind, len) \
	(((kind) | (len) << 2) * (1ul << (16 + 4 * (slot))))
enum { EXEC, WRITE, PORT, TOUCH };
enum { LEN1, LEN2, LEN8, LEN4 };

static volatile uint64_t watched, other;

static int
go(pid_t pid)
{
	OK(pt(PTRACE_CONT, pid, 0, 0));
	return next(pid);
}

static unsigned long
user(pid_t pid, size_t at)
{
	unsigned long v = 1;

	OK(pt(PTRACE_PEEKUSER, pid, (long)at, (long)&v));
	return v;
}

static unsigned long
dr(pid_t pid, unsigned n)
{
	return user(pid, offsetof(struct user, u_debugreg) + 8 * n);
}

static long
set(pid_t pid, unsigned n, unsigned long v)
{
	return pt(PTRACE_POKEUSER, pid,
	    (long)(offsetof(struct user, u_debugreg) + 8 * n), (long)v);
}

static uint64_t
value(pid_t pid)
{
	uint64_t v = 0;

	OK(pt(PTRACE_PEEKDATA, pid, (long)&watched, (long)&v));
	return v;
}

/* It has stopped because of that slot. */
static void
hit(pid_t pid, int st, unsigned slot)
{
	siginfo_t si;

	EQ(st, STOP(SIGTRAP));
	OK(pt(PTRACE_GETSIGINFO, pid, 0, (long)&si));
	EQ(si.si_signo, SIGTRAP);
	EQ(si.si_code, HWBKPT);
	EQ((unsigned long)si.si_addr, user(pid, offsetof(struct user, regs.rip)));
	EQ(dr(pid, 6), DR6_NONE | 1ul << slot);
}

static void
watch(pid_t pid)
{
	OK(set(pid, 0, (unsigned long)&watched));
	OK(set(pid, 7, ON(0) | KIND(0, WRITE, LEN8)));
}

static void
nothing(void)
{
}

/* What may be set. */
static void
answers(void)
{
	pid_t pid = traced(nothing);
	unsigned long at = (unsigned long)&watched, all;
	unsigned i;

	for (i = 0; i < 8; i++)
		EQ(dr(pid, i), i == 6 ? DR6_NONE : 0);
	ERR(set(pid, 0, 1ul << 47), EINVAL);
	ERR(set(pid, 0, (1ul << 47) - PAGE), EINVAL);
	ERR(set(pid, 1, ~0ul), EINVAL);
	ERR(set(pid, 4, 0), EIO);
	ERR(set(pid, 5, 1), EIO);
	OK(set(pid, 0, at + 1));
	EQ(dr(pid, 0), at + 1);
	ERR(set(pid, 7, ON(0) | KIND(0, PORT, LEN1)), EINVAL);
	ERR(set(pid, 7, ON(0) | KIND(0, EXEC, LEN2)), EINVAL);
	ERR(set(pid, 7, ON(0) | KIND(0, WRITE, LEN2)), EINVAL);
	ERR(set(pid, 7, ON(0) | KIND(0, TOUCH, LEN8)), EINVAL);
	EQ(dr(pid, 7), 0);
	OK(set(pid, 7, ON(0) | KIND(0, WRITE, LEN1)));
	OK(set(pid, 0, at));
	OK(set(pid, 7, ON(0) | KIND(0, WRITE, LEN4)));
	ERR(set(pid, 0, at + 2), EINVAL);
	ERR(set(pid, 0, 1ul << 47), EINVAL);
	EQ(dr(pid, 0), at);
	/* Bits that are reserved are read as they were written, and mean nothing. */
	all = 0xfc00 | KIND(0, WRITE, LEN4);
	OK(set(pid, 7, all | 1ul << 40));
	EQ(dr(pid, 7), all | 1ul << 40);
	OK(set(pid, 6, 0x1234));
	EQ(dr(pid, 6), 0x1234);
	EQ(go(pid), 7 << 8);
}

static void __attribute__((noinline))
called(void)
{
	__asm__ volatile("nop" : : : "memory");
}

static void
stores_child(void)
{
	uint64_t v = 44;
	int ends[2];

	other = 1;
	watched = 42;
	other = watched;
	*(volatile uint8_t *)((uintptr_t)&watched + 7) = 1;
	watched = 43;
	called();
	called();
	/* The kernel's store. */
	if (pipe(ends) != 0 || write(ends[1], &v, 8) != 8 ||
	    read(ends[0], (void *)(uintptr_t)&watched, 8) != 8)
		_exit(1);
	other = watched;
	if (other != 44)
		_exit(2);
	for (unsigned i = 0; i < 100; i++)
		sched_yield();
	watched = 45;
}

static void
stores(void)
{
	pid_t pid = traced(stores_child);
	const uint64_t high = 1ul << 56;
	int i;

	watch(pid);
	hit(pid, go(pid), 0);
	EQ(value(pid), 42);
	/* A load, too, in another slot; then one byte of the eight. */
	OK(set(pid, 3, (unsigned long)&watched));
	OK(set(pid, 6, DR6_NONE));
	OK(set(pid, 7, ON(0) | KIND(0, WRITE, LEN8) | ON(3) << 1 |
	    KIND(3, TOUCH, LEN4)));
	hit(pid, go(pid), 3);
	EQ(value(pid), 42);
	hit(pid, go(pid), 0);
	EQ(value(pid), high | 42);
	OK(set(pid, 2, (unsigned long)called));
	OK(set(pid, 7, ON(2) | KIND(2, EXEC, LEN1)));
	for (i = 0; i < 2; i++) {
		hit(pid, go(pid), 2);
		EQ(user(pid, offsetof(struct user, regs.rip)),
		    (unsigned long)called);
	}
	OK(set(pid, 7, ON(0) | KIND(0, WRITE, LEN8)));
	hit(pid, go(pid), 0);
	EQ(value(pid), 45);
	/* A step is no hit. */
	OK(pt(PTRACE_SINGLESTEP, pid, 0, 0));
	EQ(next(pid), STOP(SIGTRAP));
	EQ(dr(pid, 6), DR6_NONE | 0x4000);
	EQ(go(pid), 7 << 8);
}

static void *
thread(void *arg)
{
	watched = 1;
	return arg;
}

static void
others_child(void)
{
	pthread_t t;
	pid_t pid = fork();

	if (pid == 0) {
		watched = 5;
		_exit(0);
	}
	while (waitpid(pid, (int *)(uintptr_t)&other, 0) != pid)
		continue;
	if ((int)other != 0)
		_exit(1);
	if (pthread_create(&t, NULL, thread, NULL) != 0 ||
	    pthread_join(t, NULL) != 0 || watched != 1)
		_exit(2);
	watched = 2;
}

/* Its child, its thread, and who shares its CPU. */
static void
others(void)
{
	pid_t pid = traced(others_child), busy = OK(fork());
	int st;

	if (busy == 0) {
		for (;;) {
			watched++;
			sched_yield();
		}
	}
	watch(pid);
	do
		st = go(pid);
	while (st == STOP(SIGCHLD));
	hit(pid, st, 0);
	EQ(value(pid), 2);
	EQ(go(pid), 7 << 8);
	OK(kill(busy, SIGKILL));
	EQ(waitpid(busy, &st, 0), busy);
	EQ(st, SIGKILL);
}

static void
exec_child(void)
{
	execl("/proc/self/exe", "watched", "again", NULL);
}

/* A program starts without; without a tracer they go on, and kill. */
static void
ends(void)
{
	pid_t pid = traced(exec_child);

	watch(pid);
	EQ(go(pid), STOP(SIGTRAP));
	EQ(go(pid), 9 << 8);

	pid = traced(stores_child);
	watch(pid);
	OK(pt(PTRACE_DETACH, pid, 0, 0));
	EQ(next(pid) & ~0x80, SIGTRAP);
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		watched = 1;
		_exit(9);
	}
	answers();
	stores();
	others();
	ends();
	leak_mark();
	stores();
	ends();
	leak_diff();
	return test_done();
}
