/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * sigaltstack: handlers with SA_ONSTACK run there, nested ones too; the
 * size and flags are checked; it cannot be changed while in use.  The frame of a
 * handler says how it was set.
 */
#include "lib/test.h"
#include <ucontext.h>

static char area[32 * KIB], other[32 * KIB];
static volatile int depth, on_area, set_as;

static void
handler(int signo, siginfo_t *si, void *at)
{
	char here;
	stack_t ss, new = { .ss_sp = other, .ss_size = sizeof(other) };
	const ucontext_t *uc = at;

	(void)si;
	EQ(uc->uc_stack.ss_flags, set_as);
	CHECK(uc->uc_stack.ss_sp == area);
	on_area += &here >= area && &here < area + sizeof(area);
	OK(sigaltstack(NULL, &ss));
	EQ(ss.ss_flags, SS_ONSTACK);
	ERR(sigaltstack(&new, NULL), EPERM);
	if (++depth == 1)
		OK(kill(getpid(), signo == SIGUSR1 ? SIGUSR2 : SIGUSR1));
}

static void
plain(int signo)
{
	char here;

	(void)signo;
	on_area += &here >= area && &here < area + sizeof(area);
}

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static volatile int on_other, handled;

static void
nested(int signo)
{
	char here;

	handled += signo == SIGUSR2;
	on_other += &here >= other && &here < other + sizeof(other);
}

/* While the handler runs there is none, so it may set another one. */
static void
disarmed(int signo, siginfo_t *si, void *at)
{
	char here;
	stack_t ss, new = { .ss_sp = other, .ss_size = sizeof(other) };
	const ucontext_t *uc = at;

	(void)si;
	CHECK(&here >= area && &here < area + sizeof(area));
	EQ(uc->uc_stack.ss_flags, (int)SS_AUTODISARM);
	OK(sigaltstack(NULL, &ss));
	EQ(ss.ss_flags, SS_DISABLE);
	CHECK(ss.ss_sp == NULL && ss.ss_size == 0);
	OK(kill(getpid(), SIGUSR2));
	EQ(on_other, 0);
	OK(sigaltstack(&new, NULL));
	OK(kill(getpid(), SIGUSR2));
	EQ(on_other, 1);
	handled += signo == SIGUSR1;
}

/* Afterwards it is as it was, whatever the handler set. */
static void
auto_disarm(void)
{
	stack_t ss = { .ss_sp = area, .ss_size = sizeof(area),
		.ss_flags = (int)SS_AUTODISARM }, old;
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = disarmed;
	sa.sa_flags = SA_ONSTACK | SA_SIGINFO;
	OK(sigaction(SIGUSR1, &sa, NULL));
	sa.sa_handler = nested;
	sa.sa_flags = SA_ONSTACK;
	OK(sigaction(SIGUSR2, &sa, NULL));
	OK(syscall(SYS_sigaltstack, &ss, NULL));
	for (int i = 0; i < 2; i++) {
		on_other = handled = 0;
		OK(kill(getpid(), SIGUSR1));
		EQ(handled, 3);
		OK(sigaltstack(NULL, &old));
		CHECK(old.ss_sp == area && old.ss_size == sizeof(area));
		EQ(old.ss_flags, (int)SS_AUTODISARM);
	}
}

int
main(void)
{
	stack_t ss = { .ss_sp = area, .ss_size = sizeof(area) }, old;
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_ONSTACK | SA_SIGINFO;
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(sigaction(SIGUSR2, &sa, NULL));
	OK(syscall(SYS_sigaltstack, NULL, &old));
	EQ(old.ss_flags, SS_DISABLE);
	OK(sigaltstack(&ss, NULL));
	OK(kill(getpid(), SIGUSR1));
	EQ(depth, 2);
	EQ(on_area, 2);
	ss.ss_flags = set_as = SS_ONSTACK;
	OK(syscall(SYS_sigaltstack, &ss, NULL)); /* the library's refuses it */
	OK(sigaltstack(NULL, &old));
	EQ(old.ss_flags, 0);
	depth = on_area = 0;
	OK(kill(getpid(), SIGUSR1));
	EQ(depth, 2);
	EQ(on_area, 2);
	sa.sa_handler = plain;
	sa.sa_flags = 0;
	OK(sigaction(SIGUSR1, &sa, NULL));
	OK(kill(getpid(), SIGUSR1));
	EQ(on_area, 2);
	OK(sigaltstack(NULL, &old));
	CHECK(old.ss_sp == area && old.ss_size == sizeof(area));
	EQ(old.ss_flags, 0);
	ss.ss_size = 2047;
	ERR(syscall(SYS_sigaltstack, &ss, NULL), ENOMEM);
	ss.ss_size = sizeof(area);
	ss.ss_flags = 77;
	ERR(syscall(SYS_sigaltstack, &ss, NULL), EINVAL);
	ERR(syscall(SYS_sigaltstack, 8, NULL), EFAULT);
	ss.ss_flags = SS_DISABLE;
	OK(sigaltstack(&ss, NULL));
	OK(sigaltstack(NULL, &old));
	EQ(old.ss_flags, SS_DISABLE);
	auto_disarm();
	return test_done();
}
