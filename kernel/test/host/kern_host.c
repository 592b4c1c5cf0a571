/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern_host.c: the one thread of a unit test, its sleeps and its end
 *
 * Rules     1. There is one thread, so a lock that is not free is a bug.
 *           2. A sleep with nobody to end it ends the test.
 *           3. panic() ends the test, or returns to host_panics().
 *
 * Read next test/hostkern/hostkern.h, md_host.c.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/disk.h"
#include "test/host/host.h"

static struct {
	struct thread me;
	void (*on_wake)(void);
	bool killed;
	unsigned sleeps;        /* until it is; afterwards: since */
	jmp_buf *catch;
} kern;

/* md_host.c */
void host_machine(unsigned frames);

void
host_boot(unsigned frames, const char *options)
{
	char words[512];

	snprintf(words, sizeof(words), "%s hold=4", options);
	host_options(words);
	strcpy(kern.me.name, "test");
	host_machine(frames);
	phys_init();
	kva_init();
	vm_init();
}

/* ---- threads: there is one ---- */

struct thread *
md_current(void)
{
	return &kern.me;
}

bool
thread_is_killed(void)
{
	return kern.killed;
}

/* See host.h. */
void
host_kill_after(unsigned sleeps)
{
	kern.sleeps = sleeps;
	kern.killed = false;
}

struct thread *
thread_spawn(const char *name, void (*fn)(void *), void *arg)
{
	return &kern.me;
}

void
sched_point(void)
{
}

void
sched_yield(void)
{
}

uint32_t evidence_asked = EVIDENCE_LOCKS; /* they are always checked here */

bool
host_lock_wait(enum host_need need, const void *lock)
{
	return false;
}

void
host_lock_point(void)
{
}

/* ---- sleeping: only time can end a sleep here ---- */

void
wait_prepare(struct waitq *q, struct waiter *w)
{
	w->wq = q;
	w->woken = false;
}

/* What others do before a sleeper comes to himself; NULL: nothing. */
void
host_on_wake(void (*fn)(void))
{
	kern.on_wake = fn;
}

int
wait_sleep(struct waiter *w, enum wait_how how, uint64_t deadline)
{
	if (host_disk_run()) {
		if (kern.on_wake != NULL)
			kern.on_wake();
		return 0;
	}
	if (deadline == WAIT_FOREVER)
		panic("a sleep that nobody can end");
	if (kern.killed && ++kern.sleeps > 1000)
		panic("killed, and waits for ever");
	if (!kern.killed && kern.sleeps > 0)
		kern.killed = --kern.sleeps == 0;
	return -ETIMEDOUT;
}

void
wait_finish(struct waiter *w)
{
}

void
wake_all(struct waitq *q)
{
}

bool
wake_one(struct waitq *q)
{
	return false;
}

int
sleep_until(uint64_t deadline, enum wait_how how)
{
	(void)host_disk_run(); /* a request ends meanwhile */
	return 0;
}

/* ---- how much of a test ---- */

unsigned
host_rounds(unsigned whole)
{
	const char *brief = getenv("SHORT");

	return brief != NULL && brief[0] != '\0' ? (whole + 3) / 4 : whole;
}

/* ---- the end of a test ---- */

static void NORETURN
end_with(const char *msg)
{
	fprintf(stderr, "%s", msg);
	exit(1);
}

void
host_check(int level)
{
	struct out_buf text;
	char msg[1024];

	if (vm_check(level) == 0)
		return;
	out_buf_init(&text, msg, sizeof(msg));
	stat_check(&text.out);
	end_with(msg);
}

void
host_check_object(struct vmo *vmo)
{
	struct out_buf text;
	char msg[1024];
	struct vm_report report = { .out = &text.out, .level = 1 };

	out_buf_init(&text, msg, sizeof(msg));
	check_kpaged(&report);
	if (vmo != NULL)
		check_anon(vmo, &report);
	if (report.findings != 0)
		end_with(msg);
}

bool
host_panics(void (*fn)(void *), void *arg)
{
	jmp_buf here;
	bool caught = true;

	kern.catch = &here;
	if (setjmp(here) == 0) {
		fn(arg);
		caught = false;
	}
	kern.catch = NULL;
	return caught;
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	if (kern.catch != NULL)
		longjmp(*kern.catch, 1);
	va_start(ap, fmt);
	fputs("PANIC: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}
