/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch18-pages.c: a program that manages its memory with libframes: a fork, then four pages
 * for each frame
 *
 * GUEST: --design frames --memory 128M --append frames=8M
 */
#define _GNU_SOURCE
#define RUN_ALSO "swap.in_pages", "swap.out_pages", "frames."
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>
#include "run.h"

#define FEW 256u                       /* frames */
#define MANY 1024u                     /* pages */
#define SMALL 64u                      /* pages of which a child has copies */
#define ROUNDS 20000u

static void near(volatile uint64_t *at);
static void large(void);
static void small(void);

#ifndef KERNEL_PAGES
#include "user/libframes/lf.h"

#define CODE LF_BASE
#define DATA (LF_BASE + 0x200000ul)
#define LARGE (LF_BASE + 0x400000ul)
#define STOP 0x7000ul /* mapped by nobody: the child has done its stores */

struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, rdi, rsi, rdx, r10, r8, r9, r11, rcx, rax;
	uint64_t rip, rflags, rsp, fsbase;
};
struct fault {
	uint64_t va;
	uint32_t access, thread;
	struct regs regs;
};
enum { WAIT, RESUME, SIGNAL };

/* rdi pages from rsi on are stored to; then it loads from rdx. */
__asm__(".section .rodata\n"
    "child_begin:\n"
    "1:	movq %rdi, (%rsi)\n"
    "	addq $4096, %rsi\n"
    "	decq %rdi\n"
    "	jnz 1b\n"
    "	movq (%rdx), %rax\n"
    "child_end:\n"
    ".previous\n");
extern const char child_begin[], child_end[];

static struct lf lf;

/* With what the library has counted since the last step. */
static void
step(const char *name)
{
	static const char *const names[] = { "faults", "copied", "ins", "outs" };
	static long was[4];
	long now[4] = { (long)lf.faults, (long)lf.copied, (long)lf.ins, (long)lf.outs };

	run_step(name);
	for (int i = 0; i < 4; i++) {
		run_note(name, names[i], now[i] - was[i]);
		was[i] = now[i];
	}
}

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	if (lf_fault(&lf, &lf.space[0], (uint64_t)info->si_addr,
	    (uc->uc_mcontext.gregs[REG_ERR] & 2) != 0) < 0)
		_exit(4);
}

static void
must(long r)
{
	if (r < 0)
		exit(5);
}

static void
small(void)
{
	volatile char *p = (char *)DATA;
	struct regs regs = { .rip = CODE, .rdi = 16, .rsi = DATA, .rdx = STOP };
	struct lf_space *c;
	struct fault f;

	must(lf_mmap(&lf, &lf.space[0], CODE, PAGE, LF_R | LF_W));
	memcpy((void *)CODE, child_begin, (size_t)(child_end - child_begin));
	must(lf_mprotect(&lf, &lf.space[0], CODE, PAGE, LF_R | LF_X));
	must(lf_mmap(&lf, &lf.space[0], DATA, SMALL * PAGE, LF_R | LF_W));
	step("code");
	run_store(p, SMALL);
	step("store");
	c = lf_fork(&lf, &lf.space[0]);
	if (c == NULL)
		exit(6);
	step("fork");
	must(lf.os->call(LF_PROC_START, (uint64_t)c->pid, (uint64_t)&regs, 0, 0));
	for (;;) {
		must(lf.os->call(LF_FAULT, (uint64_t)c->pid, (uint64_t)&f, WAIT, 0));
		if (f.va == STOP)
			break;
		must(lf_fault(&lf, c, f.va, f.access == 2));
		must(lf.os->call(LF_FAULT, (uint64_t)c->pid, (uint64_t)&f, RESUME, 0));
	}
	step("child-stores");
	run_store(p, 16);
	step("parent-same");
	run_store(p + 16 * PAGE, 16);
	step("parent-other");
	must(lf.os->call(LF_FAULT, (uint64_t)c->pid, (uint64_t)&f, SIGNAL, 0));
	if (waitpid(c->pid, NULL, 0) != c->pid)
		exit(7);
	lf_space_end(&lf, c);
	step("child-ends");
	run_store(p, SMALL);
	step("parent-all");
	must(lf_munmap(&lf, &lf.space[0], DATA, SMALL * PAGE));
	step("unmap");
}

static void
large(void)
{
	volatile uint64_t *at = (uint64_t *)LARGE;

	must(lf_mmap(&lf, &lf.space[0], LARGE, MANY * PAGE, LF_R | LF_W));
	step("map-large");
	run_store((char *)LARGE, FEW / 2);
	step("half");
	run_store((char *)LARGE, MANY);
	step("first");
	near(at);
	step("near");
}

int
main(void)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	int fd = open("/tmp/pages", O_RDWR | O_CREAT, 0600);

	memset(&lf, 1, sizeof lf); /* its pages are there before anything is counted */
	memset(&lf, 0, sizeof lf);
	run_begin();
	must(lf_begin(&lf, lf_sys(fd), getpid(), FEW));
	sigaction(SIGSEGV, &act, NULL);
	step("begin");
	small();
	large();
	return run_end();
}
#endif

/* Loads and stores, most of them near one place, which moves. */
static void
near(volatile uint64_t *at)
{
	uint64_t seed = 17;
	unsigned i, k;

	for (k = 0; k < ROUNDS; k++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		i = (unsigned)(k / 32 + (seed >> 33) % ((k & 7) == 0 ? MANY : 100)) % MANY * 512;
		if ((seed >> 50) % 2 == 0)
			at[i] = seed;
		else
			(void)at[i];
	}
}
