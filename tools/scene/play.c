/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * play.c: actions of a scene, done on the machine of kernel/test/sim
 *
 * Problem   The same actions must lead to the same state each time, and where
 *           two CPUs work at once the reader, not chance, says who goes on.
 *
 * Picture   without CPUs   the driver does each action whole
 *           with CPUs      a fiber for each, and one that stands for the reader:
 *                reader ── "CPU 1 goes on" ─→ CPU 1 … until something that is
 *                shown has changed, it must wait, or has ended ─→ reader
 *
 * Rules     1. The reader's fiber can always run; so whoever else could is a
 *              choice, and every choice comes to explore_choose().
 *           2. A CPU that waits for an answer is let look for it once in a step.
 *           3. Each word of an action that is not in `own` is one of
 *              test/sim/ops*.c.
 *
 * Read next graph.c.
 */
#include <stdlib.h>
#include <string.h>

#include "test/sim/explore.h"
#include "test/sim/opsfn.h"
#include "tools/scene/play.h"

#define READS 4

/* Of the run: put back with the world. */
static struct {
	unsigned op[CPUS];           /* which of its operations a CPU is at */
	unsigned nreads[CPUS];
	char read[CPUS][READS * 2 + 1];
} now;

/* Not put back. */
struct playing {
	const struct scene *sc;
	const unsigned *path;
	unsigned n, at;
	bool moves;                  /* the CPU of this step has not come to its end */
	bool refused;
	struct view *before, *after, probe;
	struct happened *h;
	uint64_t count[EV_COUNT];
	unsigned fiber[CPUS];
	char begun[BODY];            /* the state at the begin of this step */
};

static struct playing *play_now;

/* ---- what is shown of values and CPUs ---- */

const char *
play_value(uint64_t value, char *buf)
{
	if (value >= 'A' && value <= 'z')
		snprintf(buf, 16, "%c", (char)value);
	else if (value >= 1000 && value < 1100)
		snprintf(buf, 16, "f%lu", value - 1000);
	else if (value < 1000)
		snprintf(buf, 16, "%lu", value);
	else
		snprintf(buf, 16, "…"); /* a table's word */
	return buf;
}

unsigned
play_cpu_no(unsigned cpu)
{
	return play_now->fiber[cpu];
}

const char *
play_cpu_read(unsigned cpu)
{
	return now.read[cpu];
}

/* Whose lock is it? */
static void
lock_text(const void *lock, char *buf, size_t size)
{
	const struct scene *sc = play_now->sc;
	unsigned p;

	snprintf(buf, size, "a lock");
	if (lock == &pfn_lock)
		snprintf(buf, size, "pfn_lock");
	for (p = 0; p < sc->nprocs; p++) {
		if (world.as[p] == NULL)
			continue;
		if (lock == &world.as[p]->ws_lock)
			snprintf(buf, size, "ws_lock of %s", sc->proc[p]);
		if (lock == &world.as[p]->map_lock)
			snprintf(buf, size, "map_lock of %s", sc->proc[p]);
	}
}

static bool
is_taken(const struct fiber *f)
{
	const struct rwlock *l = f->obj;

	switch (f->op) {
	case OP_SPIN:
		return ((const struct spinlock *)f->obj)->holder != 0;
	case OP_MUTEX:
		return ((const struct mutex *)f->obj)->owner != NULL;
	case OP_READ:
		return l->writer != NULL;
	case OP_WRITE:
		return l->writer != NULL || l->readers != 0;
	case OP_RUN: case OP_WAIT: case OP_FLAG: case OP_DISK: case OP_YIELD:
		break;
	}
	return false;
}

const char *
play_cpu_text(unsigned cpu, char *buf, size_t size)
{
	const struct scene *sc = play_now->sc;
	const struct fiber *f = &sim.fiber[play_now->fiber[cpu]];
	unsigned at = now.op[cpu];
	char lock[32];

	if (at >= sc->cpu[cpu].nops || !f->live) {
		snprintf(buf, size, "done");
		return buf;
	}
	if (is_taken(f)) {
		lock_text(f->obj, lock, sizeof(lock));
		snprintf(buf, size, "%s; waits for %s", sc->cpu[cpu].op[at], lock);
	} else if (f->op == OP_YIELD) {
		snprintf(buf, size, "%s; waits for an answer",
		    sc->cpu[cpu].op[at]);
	} else {
		snprintf(buf, size, "%s", sc->cpu[cpu].op[at]);
	}
	return buf;
}

/* ---- operations ---- */

/* "map 0 1" as one of the words of test/sim. */
static void
op_of_sim(const char *text)
{
	char copy[64], *word, *end;
	struct step s = { 0 };

	snprintf(copy, sizeof(copy), "%s", text);
	snprintf(s.text, sizeof(s.text), "%s", text);
	s.op = op_find(strtok(copy, " "));
	if (s.op == NULL)
		sim_fail("\"%s\": there is no such operation", text);
	while ((word = strtok(NULL, " ")) != NULL && s.n < STEP_ARGS) {
		s.word[s.n] = word;
		s.arg[s.n] = strtoull(word, &end, 0);
		if (s.n == 0 && *end == '.')
			s.sub = strtoull(end + 1, NULL, 0);
		s.n++;
	}
	if (s.n < op_args(s.op))
		sim_fail("\"%s\": too few words", text);
	op_run(&s);
}

static unsigned
proc_named(const char *name)
{
	unsigned p;

	for (p = 0; p < play_now->sc->nprocs; p++)
		if (strcmp(play_now->sc->proc[p], name) == 0)
			return p;
	sim_fail("no process %s", name);
}

static void
note_read(uint64_t value)
{
	char text[16];
	struct fiber *f = sim_fiber();
	unsigned c;

	play_value(value, text);
	snprintf(play_now->h->says, sizeof(play_now->h->says), "reads %s", text);
	for (c = 0; f != NULL && c < play_now->sc->ncpus; c++)
		if (&sim.fiber[play_now->fiber[c]] == f &&
		    now.nreads[c] < READS)
			snprintf(now.read[c] + strlen(now.read[c]), 3, "%s%c",
			    now.nreads[c]++ == 0 ? "" : " ", text[0]);
}

/* load P, store P [LETTER] */
static bool
op_touch(const char *word, char *args)
{
	char letter = play_now->sc->proc[*proc_no()][0];
	uint64_t value = 0, sigbus = ev_read(EV_fault_sigbus);
	unsigned page;
	int r;

	if (sscanf(args, "%u %c", &page, &letter) < 1)
		sim_fail("%s what?", word);
	if (strcmp(word, "load") == 0)
		r = host_load(me(), BASE + page * PAGE_SIZE, &value);
	else
		r = host_store(me(), BASE + page * PAGE_SIZE, (uint64_t)letter);
	if (r != 0)
		snprintf(play_now->h->says, sizeof(play_now->h->says), "%s",
		    ev_read(EV_fault_sigbus) != sigbus ? "SIGBUS" : "SIGSEGV");
	else if (strcmp(word, "load") == 0)
		note_read(value);
	return true;
}

/* What a CPU may cache of its process is watched: cpu.c's hot pages. */
static void
watch_pages(void)
{
	unsigned i;

	for (i = 0; play_now->sc->ncpus > 0 && i < play_now->sc->npages; i++)
		sim_hot(me(), BASE + play_now->sc->at[i] * PAGE_SIZE);
}

/* fork B, go B, at B: by name. */
static bool
op_named(const char *word, const char *name)
{
	unsigned p = proc_named(name);
	char text[32];

	if ((strcmp(word, "fork") == 0) != (world.as[p] == NULL))
		return false;
	snprintf(text, sizeof(text), "%s %u", word, p);
	op_of_sim(text);
	if (strcmp(word, "go") == 0)
		watch_pages();
	return true;
}

/* Under design frames: what the program does itself.  False: not possible here. */
static bool
op_owned(const char *word, const char *args)
{
	unsigned p = *proc_no(), page = 0, pages = 0;
	uint64_t *at;
	char text[16];

	owned_begin();
	if (strcmp(word, "fork") == 0) {
		if (world.as[proc_named(args)] != NULL)
			return false;
		owned_fork(p, proc_named(args));
	} else if (strcmp(word, "exit") == 0) {
		owned_exit(p);
	} else if (strcmp(word, "map") == 0) {
		sscanf(args, "%u %u", &page, &pages);
		owned_map(pages);
	} else {
		sscanf(args, "%u", &page);
		at = owned_touch(p, page, strcmp(word, "store") == 0);
		if (at == NULL)
			sim_fail("%s %s under design frames", word, args);
		if (strcmp(word, "store") == 0)
			*at = (uint64_t)play_now->sc->proc[p][0];
		else
			snprintf(play_now->h->says, sizeof(play_now->h->says), "reads %s",
			    play_value(*at, text));
	}
	return true;
}

/* evict N AGE: so many pages that are as old leave the working set. */
static bool
op_evict(const char *args)
{
	struct aspace *as = me();
	unsigned n, age;

	if (sscanf(args, "%u %u", &n, &age) != 2)
		sim_fail("evict how many, how old?");
	mutex_lock(&as->ws_lock);
	n = (unsigned)as->school->evict(as, n, (int)age);
	mutex_unlock(&as->ws_lock);
	return n != 0;
}

/* "P N …": is one of these pages not mapped? */
static bool
has_hole(const char *args)
{
	unsigned page, n;
	struct vad *v;

	if (sscanf(args, "%u %u", &page, &n) != 2)
		sim_fail("which pages?");
	VAD_FOREACH(v, me()) {
		uint64_t vpn = (BASE >> PAGE_SHIFT) + page;

		if (n > 0 && vpn >= v->start && vpn < v->end) {
			n -= MIN(n, (unsigned)(v->end - vpn));
			page = (unsigned)(v->end - (BASE >> PAGE_SHIFT));
		}
	}
	return n > 0;
}

/* One operation.  False: not possible here. */
static bool
do_op(const char *text)
{
	char word[16], args[48] = "";

	sscanf(text, "%15s %47[^\n]", word, args);
	if (owned_is(play_now->sc))
		return op_owned(word, args);
	if (strcmp(word, "load") == 0 || strcmp(word, "store") == 0)
		return op_touch(word, args);
	if (strcmp(word, "fork") == 0 || strcmp(word, "go") == 0 ||
	    strcmp(word, "at") == 0)
		return op_named(word, args);
	if (strcmp(word, "disk") == 0)
		return sim_disk_run();
	if (strcmp(word, "evict") == 0)
		return op_evict(args);
	if (strcmp(word, "prot") == 0 && has_hole(args))
		return false;
	op_of_sim(text);
	return true;
}

static bool
do_act(const struct act *a)
{
	unsigned i;

	if (a->who >= 0 && world.as[a->who] == NULL)
		return false;
	ops_at(a->who < 0 ? 0 : (unsigned)a->who);
	for (i = 0; i < a->nops; i++)
		if (!do_op(a->op[i]))
			return false;
	return true;
}

/* ---- what happens ---- */

static void
note_event(enum ev_id id)
{
	struct happened *h = play_now->h;

	if (play_now->at == play_now->n && h->nevents < EVENTS)
		h->event[h->nevents++] = (uint16_t)id;
}

static void
last_begins(void)
{
	unsigned id;

	play_now->h->nevents = 0;
	play_now->h->says[0] = '\0';
	if (play_now->before != NULL)
		look(play_now->sc, play_now->before);
	for (id = 0; id < EV_COUNT; id++)
		play_now->count[id] = ev_rows[id].kind == EVK_COUNT ||
		    ev_rows[id].kind == EVK_BOTH ? ev_read((enum ev_id)id) : 0;
}

static void
last_ended(void)
{
	unsigned id;

	look(play_now->sc, play_now->after);
	for (id = 0; id < EV_COUNT; id++)
		play_now->h->moved[id] = ev_rows[id].kind == EVK_COUNT ||
		    ev_rows[id].kind == EVK_BOTH ?
		    (int64_t)(ev_read((enum ev_id)id) - play_now->count[id]) : 0;
}

/* ---- CPUs ---- */

static void
cpu_main(void *arg)
{
	unsigned c = (unsigned)(uintptr_t)arg;

	for (; now.op[c] < play_now->sc->cpu[c].nops; now.op[c]++)
		if (!do_op(play_now->sc->cpu[c].op[now.op[c]]))
			sim_fail("a CPU cannot %s",
			    play_now->sc->cpu[c].op[now.op[c]]);
}

/* Who waits for an answer may look whether it has come. */
static void
wake_yielders(void)
{
	unsigned c;

	for (c = 0; c < play_now->sc->ncpus; c++)
		if (sim.fiber[play_now->fiber[c]].op == OP_YIELD)
			sim.fiber[play_now->fiber[c]].op = OP_RUN;
}

static void
reader_main(void *arg)
{
	struct playing *p = play_now;

	for (;;) {
		if (p->at == p->n) {
			last_ended();
			sim_leave();
		}
		if (++p->at == p->n)
			last_begins();
		look(p->sc, &p->probe);
		memcpy(p->begun, p->probe.body, BODY);
		p->moves = true;
		wake_yielders();
		sim_point(AT_LOCK);
	}
}

/* The reader's choice; index of the reader: the step has ended. */
unsigned
explore_choose(const unsigned *fibers, unsigned n, bool current)
{
	struct playing *p = play_now;
	/* At first the reader is asked. */
	unsigned wanted = p->at == 0 ? SIM_FIBERS : p->fiber[p->path[p->at - 1]];
	unsigned i, me_at = 0, its = n;

	if (p->moves && (unsigned)sim.current == wanted) {
		look(p->sc, &p->probe);
		p->moves = strcmp(p->begun, p->probe.body) == 0;
	}
	for (i = 0; i < n; i++) {
		if (strcmp(sim.fiber[fibers[i]].t.name, "reader") == 0)
			me_at = i;
		if (fibers[i] == wanted)
			its = i;
	}
	return p->moves && its < n ? its : me_at;
}

void
explore_print_schedule(void)
{
	unsigned i;

	fprintf(stderr, "  after:");
	for (i = 0; play_now != NULL && i < play_now->at; i++)
		fprintf(stderr, " %u", play_now->path[i]);
	fprintf(stderr, "\n");
}

static void
run_cpus(void)
{
	static const char *const names[CPUS] = { "CPU 0", "CPU 1" };
	unsigned c;

	for (c = 0; c < play_now->sc->ncpus; c++) {
		struct fiber *f = sim_spawn(names[c], cpu_main,
		    (void *)(uintptr_t)c, false);

		play_now->fiber[c] = f->cpu;
		ops_bind(f, play_now->sc->cpu[c].proc);
	}
	sim_spawn("reader", reader_main, NULL, false);
	sim_run();
}

/* ---- a way ---- */

void
play(const unsigned *path, unsigned n, struct view *before, struct view *after,
    struct happened *h)
{
	struct playing *p = play_now;

	p->path = path;
	p->n = n;
	p->at = 0;
	p->before = before;
	p->after = after;
	p->h = h;
	p->moves = false;
	h->refused = false;
	world_restore();
	if (p->sc->ncpus > 0) {
		run_cpus();
		return;
	}
	while (p->at < n) {
		if (p->at + 1 == n) {
			last_begins();
			p->at++;
			h->refused = !do_act(&p->sc->act[path[n - 1]]);
			break;
		}
		(void)do_act(&p->sc->act[path[p->at++]]);
	}
	last_ended();
}

void
play_boot(const struct scene *sc)
{
	static char words[256];
	static struct happened none;
	unsigned i;

	play_now = sim_alloc(sizeof(*play_now));
	play_now->sc = sc;
	play_now->h = &none;
	snprintf(words, sizeof(words), "%s idlezero=0 norandom=1 around=1 "
	    "hold=4 reserve=16 poison=1", sc->boot);
	host_options(words);
	sim_machine_init(sc->frames);
	phys_init();
	vm_init();
	sim_disk_init();
	if (sc->slots != 0)
		(void)sim_swapon(sc->slots + 1);
	ops_begin();
	ops_at(0);
	for (i = 0; i < sc->nstart; i++)
		(void)do_op(sc->start[i]);
	while (sim_disk_run())
		;
	watch_pages();
	sim.kinds = AT_LOCK | AT_WORD | AT_USER | AT_SLEEP | AT_TLB;
	host_on_event = note_event;
}

void
play_keep(void)
{
	world_save();
}
