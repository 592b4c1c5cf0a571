/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern_host.c: the part of kern/ that the VM uses, for one thread
 *
 * Problem   vm/ takes locks, counts events and asks for options; on the host
 *           there is one thread, so a lock that is not free is a bug.
 *
 * Rules     1. Lock ranks are checked at each acquisition, as with locks=1.
 *           2. A sleep with nobody to end it ends the test.
 *           3. panic() ends the test, or returns to host_panics().
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/disk.h"
#include "test/host/host.h"
#include "test/host/window.h"

static struct {
	struct thread me;
	uint64_t count[EV_COUNT];
	struct {
		uint64_t (*fn)(size_t arg);
		size_t arg;
	} gauge[EV_COUNT];
	void (*on_wake)(void);
	bool killed;
	unsigned sleeps;        /* until it is; afterwards: since */
	unsigned hits[FI_COUNT], fail_at[FI_COUNT], every[FI_COUNT];
	char options[512];
	jmp_buf *catch;
} kern;

/* md_host.c */
void host_machine(unsigned frames);

void
host_boot(unsigned frames, const char *options)
{
	snprintf(kern.options, sizeof(kern.options), " %s hold=4 ", options);
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

struct thread *
thread_current(void)
{
	return &kern.me;
}

/* It runs on the host's stack. */
size_t
thread_stacks_deepest(void)
{
	return 0;
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

/* ---- ranks ---- */

uint32_t evidence_asked = EVIDENCE_LOCKS; /* they are always checked here */

void
evidence_ask(uint32_t what)
{
	atomic_or(&evidence_asked, what);
}

void
lockrank_take(enum lock_rank rank, const void *lock)
{
	unsigned r;

	for (r = rank; rank != LR_NONE && r < LR_COUNT; r++) {
		if (kern.me.held[r] != 0)
			panic("rank %d taken while %u is held", rank, r);
	}
	lockrank_note(rank, lock);
}

void
lockrank_take_nested(enum lock_rank rank, const void *lock)
{
	lockrank_note(rank, lock);
}

void
lockrank_note(enum lock_rank rank, const void *lock)
{
	if (rank >= LR_KMAP)
		window_hide();
	kern.me.held[rank]++;
}

void
lockrank_waited(enum lock_rank rank)
{
}

void
lockrank_drop(enum lock_rank rank, const void *lock)
{
	kern.me.held[rank]--;
}

unsigned
lockrank_highest(void)
{
	unsigned r = LR_COUNT - 1;

	while (r > 0 && kern.me.held[r] == 0)
		r--;
	return r;
}

const char *
lockrank_name(unsigned rank)
{
	return "of the host";
}

void
mutex_init(struct mutex *m, enum lock_rank rank)
{
	memset(m, 0, sizeof(*m));
	m->rank = rank;
}

void
mutex_lock_nested(struct mutex *m)
{
	ASSERT(m->owner == NULL);
	lockrank_note(m->rank, m);
	m->owner = &kern.me;
}

void
mutex_lock(struct mutex *m)
{
	lockrank_take(m->rank, m);
	ASSERT(m->owner == NULL);
	m->owner = &kern.me;
}

bool
mutex_trylock(struct mutex *m)
{
	if (m->owner != NULL)
		return false;
	mutex_lock_nested(m);
	return true;
}

void
mutex_unlock(struct mutex *m)
{
	ASSERT(m->owner == &kern.me);
	m->owner = NULL;
	lockrank_drop(m->rank, m);
}

bool
mutex_is_mine(const struct mutex *m)
{
	return m->owner == &kern.me;
}

void
rw_init(struct rwlock *l, enum lock_rank rank)
{
	memset(l, 0, sizeof(*l));
	l->rank = rank;
}

void
rw_lock_read(struct rwlock *l)
{
	lockrank_take(l->rank, l);
	ASSERT(l->writer == NULL);
	l->readers++;
}

void
rw_unlock_read(struct rwlock *l)
{
	ASSERT(l->readers > 0);
	l->readers--;
	lockrank_drop(l->rank, l);
}

void
rw_lock_write_nested(struct rwlock *l)
{
	kern.me.held[l->rank]++;
	ASSERT(l->writer == NULL && l->readers == 0);
	l->writer = &kern.me;
}

void
rw_lock_write(struct rwlock *l)
{
	lockrank_take(l->rank, l);
	ASSERT(l->writer == NULL && l->readers == 0);
	l->writer = &kern.me;
}

void
rw_unlock_write(struct rwlock *l)
{
	ASSERT(l->writer == &kern.me);
	l->writer = NULL;
	lockrank_drop(l->rank, l);
}

void
rw_downgrade(struct rwlock *l)
{
	ASSERT(l->writer == &kern.me);
	l->writer = NULL;
	l->readers = 1;
}

bool
rw_is_writer(const struct rwlock *l)
{
	return l->writer == &kern.me;
}

bool
rw_is_locked(const struct rwlock *l)
{
	return l->writer != NULL || l->readers > 0;
}

/* ---- sleeping: only time can end a sleep here ---- */

void
waitq_init(struct waitq *q)
{
	memset(q, 0, sizeof(*q));
	list_init(&q->waiters);
}

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

void
wake_one(struct waitq *q)
{
}

int
sleep_until(uint64_t deadline, enum wait_how how)
{
	return 0;
}

/* ---- options and injection ---- */

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

/* Fail the n-th hit from now (0: never), then every each-th. */
void
host_inject(enum inject_point point, unsigned n, unsigned each)
{
	kern.hits[point] = 0;
	kern.fail_at[point] = n;
	kern.every[point] = each;
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

void
ev_trace(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	kern.count[id]++;
}

void
ev_record(enum ev_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	kern.count[id]++;
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

/* ---- how much of a test ---- */

unsigned
host_rounds(unsigned whole)
{
	const char *brief = getenv("SHORT");

	return brief != NULL && brief[0] != '\0' ? (whole + 3) / 4 : whole;
}

/* ---- log and panic ---- */

void
klog(const char *fmt, ...)
{
	va_list ap;

	if (getenv("VERBOSE") == NULL)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

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

void
panic_assert(const char *what)
{
	panic("%s", what);
}
