/* SPDX-License-Identifier: BSD-2-Clause */
/* ch06-cases.c: a fault of each kind that one program can make at will */
#include <errno.h>
#include <signal.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "run.h"

#define FUTEX_WAIT 0 /* as in Linux' linux/futex.h, which musl does not have */

static volatile unsigned long nowhere = 16;
static sigjmp_buf back;
static volatile int code;

static void
caught(int sig, siginfo_t *si, void *ctx)
{
	code = si->si_code;
	siglongjmp(back, sig);
}

static int
store_at(volatile char *p)
{
	int sig = sigsetjmp(back, 1);

	if (sig == 0)
		*p = 1;
	return sig;
}

static void
deep(int n)
{
	volatile char pad[2 * PAGE];

	pad[0] = 1;
	if (n > 0)
		deep(n - 1);
	pad[PAGE] = pad[0];
}

int
main(void)
{
	struct sigaction sa = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	volatile char *a, *s, *f, *g, *r, *h;
	int fd, zero, sig;
	char name[] = "/tmp/file", buf[1] = { 1 };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	zero = open("/dev/zero", O_RDONLY);
	if (fd < 0 || zero < 0 || ftruncate(fd, 32 * PAGE + 10) != 0)
		return 2;
	store_at((volatile char *)buf);
	deep(1);
	run_begin();

	a = run_map(4, RW, PRIVATE);
	a[0] = 1;
	run_step("F1");
	run_load(a + PAGE, 1);
	run_step("F1z");
	a[PAGE] = 1;
	run_step("F1-over-zero");
	s = run_map(4, RW, SHARED);
	run_load(s, 4);
	run_step("F9");
	f = mmap(NULL, 33 * PAGE, RW, MAP_SHARED, fd, 0);
	run_load(f, 1);
	run_step("object");
	g = mmap(NULL, 33 * PAGE, RW, MAP_PRIVATE, fd, 0);
	run_load(g, 1);
	g[0] = 7;
	run_step("F3-after-read");
	g[16 * PAGE] = 7;
	run_step("F3-at-once");
	r = run_map(8, PROT_READ | PROT_WRITE, PRIVATE);
	run_store(r, 8);
	mprotect((void *)r, 8 * PAGE, PROT_READ);
	run_step("before-upgrade");
	mprotect((void *)r, 8 * PAGE, RW);
	run_store(r, 8);
	run_step("upgrade");
	mprotect((void *)r, 8 * PAGE, PROT_READ);
	run_step("before-denied");
	sig = store_at(r);
	run_step("denied-right");
	run_note("denied-right", "signal", sig);
	run_note("denied-right", "code", code);
	sig = store_at((volatile char *)nowhere);
	run_step("denied-hole");
	run_note("denied-hole", "signal", sig);
	run_note("denied-hole", "code", code);
	sig = store_at(f + 33 * PAGE - 1);
	run_step("tail");
	run_note("tail", "signal", sig);
	if (ftruncate(fd, PAGE) != 0)
		return 3;
	run_step("truncate");
	sig = store_at(f + 8 * PAGE);
	run_step("failed");
	run_note("failed", "signal", sig);
	run_note("failed", "code", code);
	deep(16);
	run_step("stack");
	/* The kernel touches for us: read(2) into fresh memory. */
	h = run_map(16, RW, PRIVATE);
	run_step("map-buffer");
	run_mark(1);
	if (read(zero, (void *)h, 16) != 16)
		return 4;
	run_step("copyout");
	/* A word that is not 1 is not waited for, but looked at. */
	if (syscall(SYS_futex, h + 4 * PAGE, FUTEX_WAIT, 1, NULL) != -1 ||
	    errno != EAGAIN)
		return 5;
	run_step("pins");
	run_mark(2);
	code = read(zero, (void *)nowhere, 16) < 0 ? errno : 0;
	run_step("efault");
	run_note("efault", "errno", code);
	return run_end();
}
