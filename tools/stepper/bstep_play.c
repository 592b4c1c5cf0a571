/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_play.c: what each command of a session does
 *
 * Problem   The same line must do the same at a prompt, in a session that a
 *           person plays and in a check without anybody.
 *
 * Picture   struct command ─→ the machine (bstep_bochs.c) ─→ variables, lines
 *
 * Rules     1. Every run has a bound, in instructions.
 *           2. mark stops at its mark, whatever breakpoints there are.
 *           3. A name is a variable, else a register.
 *
 * Read next bstep_look.c; bstep.c calls this.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bstep.h"

#define RUN_BOUND 200000000ull
#define MARK_BOUND 20000000000ull
#define STOPS_MAX 100000 /* of one until, or one mark */

static enum end do_boot(struct play *, const struct command *);
static enum end do_break(struct play *, const struct command *);
static enum end do_unbreak(struct play *, const struct command *);
static enum end do_run(struct play *, const struct command *);
static enum end do_mark(struct play *, const struct command *);
static enum end do_step(struct play *, const struct command *);
static enum end do_until(struct play *, const struct command *);
static enum end do_let(struct play *, const struct command *);
static enum end do_watch(struct play *, const struct command *);
static enum end do_expect(struct play *, const struct command *);
static enum end do_sym(struct play *, const struct command *);
static enum end do_forget(struct play *, const struct command *);
static enum end do_cpu(struct play *, const struct command *);
static enum end do_nothing(struct play *, const struct command *);

static enum end (*const action[VERBS])(
    struct play *, const struct command *) = {
	[V_BOOT] = do_boot,
	[V_BREAK] = do_break,
	[V_CPU] = do_cpu,
	[V_EXPECT] = do_expect,
	[V_FORGET] = do_forget,
	[V_LET] = do_let,
	[V_MARK] = do_mark,
	[V_QUIT] = do_nothing,
	[V_RUN] = do_run,
	[V_SAY] = do_nothing,
	[V_SHOW] = play_show,
	[V_STEP] = do_step,
	[V_SYM] = do_sym,
	[V_UNBREAK] = do_unbreak,
	[V_UNTIL] = do_until,
	[V_UNWATCH] = do_watch,
	[V_WALK] = play_walk,
	[V_WATCH] = do_watch,
	[V_WHERE] = play_where,
};

bool
play_open(struct play *p, const char *kernel, const char *file)
{
	char *why = NULL;

	p->kernel_file = kernel;
	p->file = file;
	p->only_cpu = -1;
	p->out = stdout;
	p->shown.kernel = &p->kernel;
	p->shown.program = &p->program;
	if (symbols_load(&p->kernel, kernel, &why))
		return true;
	fprintf(stderr, "bstep: %s (make kernel builds it)\n", why);
	free(why);
	return false;
}

void
play_close(struct play *p)
{
	bochs_end(&p->machine);
	symbols_free(&p->kernel);
	symbols_free(&p->program);
	while (p->nvars > 0)
		free(p->var[--p->nvars].name);
}

enum end
play_command(struct play *p, struct command *c, bool *quit)
{
	p->current = c;
	*quit = c->verb == V_QUIT;
	return action[c->verb](p, c);
}

/* Where, what, and the line itself. */
enum end
play_trouble(struct play *p, const char *fmt, ...)
{
	va_list ap;

	fflush(p->out);
	if (p->current->line > 0)
		fprintf(stderr, "%s:%d: ", p->file, p->current->line);
	fprintf(stderr, "%s: ", p->current->text); /* as typed at the prompt */
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return END_MACHINE;
}

static enum end
do_nothing(struct play *p, const struct command *c)
{
	return END_GOOD;
}

/* ---- names and values ---- */

void
play_bind(struct play *p, const char *name, const char *tail, uint64_t value)
{
	char *full = text_of("%s%s", name, tail);
	size_t i;

	for (i = 0; i < p->nvars; i++)
		if (strcmp(p->var[i].name, full) == 0)
			break;
	if (i == sizeof p->var / sizeof p->var[0]) {
		free(full);
		return; /* play_check() has refused so many */
	}
	if (i == p->nvars)
		p->var[p->nvars++].name = full;
	else
		free(full);
	p->var[i].value = value;
}

static bool
env_name(void *arg, const char *name, uint64_t *v, char **why)
{
	struct play *p = arg;
	size_t i;

	for (i = 0; i < p->nvars; i++)
		if (strcmp(p->var[i].name, name) == 0) {
			*v = p->var[i].value;
			return true;
		}
	if (bochs_reg(&p->machine, name, v)) {
		/* The root of the tables is the first frame one meets. */
		if (strcmp(name, "cr3") == 0) {
			char buf[64];

			show_frame(&p->shown, *v, buf);
		}
		return true;
	}
	*why = text_of("\"%s\" is no variable and no register%s", name,
	    p->machine.pid == 0 ? " (no machine yet: boot)" : "");
	return false;
}

bool
play_symbol(
    void *arg, const char *name, uint64_t *start, uint64_t *end, char **why)
{
	struct play *p = arg;
	const struct symbol *s = symbols_named(&p->kernel, name, why);

	if (s == NULL && p->program.n > 0) {
		free(*why);
		*why = NULL;
		s = symbols_named(&p->program, name, why);
	}
	if (s == NULL)
		return false;
	*start = s->start;
	*end = s->end;
	return true;
}

static bool
env_memory(void *arg, bool physical, uint64_t at, uint64_t *v, char **why)
{
	struct play *p = arg;

	if (bochs_memory(&p->machine, physical, at, v))
		return true;
	*why = text_of("nothing at the %s address 0x%llx",
	    physical ? "physical" : "linear", (unsigned long long)at);
	return false;
}

/* False: said. */
bool
play_compute(
    struct play *p, struct expr_env *env, const char *text, uint64_t *v)
{
	char *why = NULL;

	*env = (struct expr_env){ .arg = p,
		.name = env_name,
		.symbol = play_symbol,
		.memory = env_memory };
	if (expr_eval(env, text, v, &why))
		return true;
	play_trouble(p, "%s", why);
	free(why);
	return false;
}

static enum end
do_let(struct play *p, const struct command *c)
{
	struct expr_env env;
	char buf[64];
	uint64_t v;

	if (!play_compute(p, &env, c->expr, &v))
		return END_MACHINE;
	play_bind(p, c->name, "", v);
	fprintf(p->out, "  %s = %s\n", c->name, show_value(&p->shown, v, buf));
	return END_GOOD;
}

static enum end
do_expect(struct play *p, const struct command *c)
{
	struct expr_env env;
	char left[64], right[64], place[128];
	uint64_t v;

	if (!play_compute(p, &env, c->expr, &v))
		return END_MACHINE;
	if (env.compared) {
		show_value(&p->shown, env.left, left);
		show_value(&p->shown, env.right, right);
	}
	if (v != 0) {
		p->held++;
		if (!env.compared)
			fprintf(p->out, "  holds\n");
		else if (env.left == env.right)
			fprintf(p->out, "  holds: both %s\n", left);
		else
			fprintf(p->out, "  holds: %s, %s\n", left, right);
		return END_GOOD;
	}
	show_place(&p->shown, p->machine.rip, place);
	if (env.compared)
		play_trouble(p,
		    "does not hold\n  left   %s\n  right  %s\n  at     %s",
		    left, right, place);
	else
		play_trouble(p, "does not hold\n  at     %s", place);
	return END_FALSE;
}

/* ---- the machine ---- */

static enum end
do_boot(struct play *p, const struct command *c)
{
	char **words, *why = NULL, *path, *text;
	bool ok;

	if (p->machine.pid != 0)
		return play_trouble(p, "the machine runs already");
	words = words_of(c->args);
	ok = bochs_start(&p->machine, p->kernel_file, words, &why);
	words_drop(words);
	if (!ok) {
		play_trouble(p, "%s", why);
		free(why);
		return END_MACHINE;
	}
	if (p->machine.via_gdb)
		return END_GOOD; /* it reads the kernel's file itself */
	path = text_of("%s/kernel.sym", p->machine.dir);
	if (symbols_write(&p->kernel, path)) {
		text = bochs_ask(&p->machine, "ldsym global \"%s\"", path);
		free(text);
	}
	free(path);
	return END_GOOD;
}

enum end
play_gone(struct play *p)
{
	char *words = bochs_last_words(&p->machine);

	play_trouble(p, "the machine has ended%s%s",
	    words[0] != '\0' ? ": " : "", words);
	free(words);
	return END_MACHINE;
}

/* Where it stands now; silent inside of mark and until. */
static void
tell(struct play *p, uint64_t since)
{
	char place[128], ticks[32];

	show_place(&p->shown, p->machine.rip, place);
	if (p->machine.via_gdb) {
		fprintf(p->out, "  %s\n", place);
		return;
	}
	show_ticks(&p->shown, p->machine.ticks - since, ticks);
	fprintf(p->out, "  %s, %s instructions later\n", place, ticks);
}

/*
 * The machine has stopped: at the second breakpoint of a place, only because it had
 * stopped at the first?  If not, the first was passed by, and it stands there.
 */
static bool
is_echo(struct play *p)
{
	struct bochs *b = &p->machine;
	uint64_t *last = &p->last_stop[b->cpu % 32], before = *last;
	size_t i;

	*last = b->rip;
	for (i = 0; i < p->nstops; i++) {
		if (p->stop[i].next == 0 || p->stop[i].next != b->rip)
			continue;
		if (before == p->stop[i].address)
			return true;
		b->rip = p->stop[i].address;
	}
	return false;
}

/* One stop that counts: of the processor that is asked for. */
static enum end
go(struct play *p, uint64_t bound)
{
	uint64_t end = p->machine.ticks + bound;
	char place[128], *words;
	enum end e;

	for (;;) {
		enum stop how = bochs_run(&p->machine, end - p->machine.ticks);

		switch (how) {
		case STOP_GONE:
			return play_gone(p);
		case STOP_BOUND:
			words = bound > RUN_BOUND ? bochs_last_words(&p->machine)
						  : NULL;
			e = play_trouble(p,
			    "no stop within %llu instructions; it is at %s%s%s",
			    (unsigned long long)bound,
			    show_place(&p->shown, p->machine.rip, place),
			    words != NULL ? "; has the program ended before?  "
					    "It said: "
					  : "",
			    words != NULL ? words : "");
			free(words);
			return e;
		case STOP_KEY:
			return play_trouble(p, "interrupted at %s",
			    show_place(&p->shown, p->machine.rip, place));
		case STOP_HERE:
			break;
		}
		if (is_echo(p))
			continue;
		if (p->only_cpu < 0 || p->machine.cpu == (unsigned)p->only_cpu)
			return END_GOOD;
	}
}

static enum end
do_run(struct play *p, const struct command *c)
{
	uint64_t since = p->machine.ticks;
	enum end e = go(p, c->number != 0 ? c->number : RUN_BOUND);

	if (e == END_GOOD)
		tell(p, since);
	return e;
}

static enum end
do_step(struct play *p, const struct command *c)
{
	uint64_t since = p->machine.ticks;

	if (!bochs_step(&p->machine, c->number))
		return play_gone(p);
	tell(p, since);
	return END_GOOD;
}

static enum end
do_until(struct play *p, const struct command *c)
{
	uint64_t since = p->machine.ticks, v;
	struct expr_env env;
	unsigned n;
	enum end e;

	for (n = 0; n < STOPS_MAX; n++) {
		e = go(p, MARK_BOUND);
		if (e != END_GOOD)
			return e;
		if (!play_compute(p, &env, c->expr, &v))
			return END_MACHINE;
		if (v != 0) {
			tell(p, since);
			return END_GOOD;
		}
	}
	return play_trouble(p, "not true at any of %u stops", n);
}

static void
turn_stop(struct play *p, const struct place_to_stop *s, enum turn turn)
{
	bochs_turn(&p->machine, s->number, turn);
	if (s->next != 0)
		bochs_turn(&p->machine, s->number_of_next, turn);
}

static void
all_breaks(struct play *p, enum turn turn)
{
	size_t i;

	for (i = 0; i < p->nstops; i++)
		turn_stop(p, &p->stop[i], turn);
}

/* Where the instruction after that at `address` begins; 0: nobody knows. */
static uint64_t
next_of(const struct play *p, uint64_t address)
{
	uint64_t next = symbols_next(&p->kernel, address);

	return next != 0 ? next : symbols_next(&p->program, address);
}

/* One more place to stop; false: the debugger does not take it. */
static bool
add_stop(struct play *p, uint64_t address)
{
	struct place_to_stop s = { .address = address };

	if (!bochs_break(&p->machine, address, &s.number))
		return false;
	if (p->machine.cpus > 1 && !p->machine.via_gdb)
		s.next = next_of(p, address);
	if (s.next != 0 &&
	    !bochs_break(&p->machine, s.next, &s.number_of_next))
		return false;
	p->stop[p->nstops++] = s;
	return true;
}

/* Until ev_mark(N). */
static enum end
until_mark(struct play *p, uint64_t id, uint64_t mark)
{
	uint64_t rdi = 0, end = p->machine.ticks + MARK_BOUND;
	unsigned n;
	enum end e;

	for (n = 0; n < STOPS_MAX; n++) {
		e = go(p, end - p->machine.ticks);
		if (e != END_GOOD)
			return e;
		if (p->machine.rip == mark &&
		    bochs_reg(&p->machine, "rdi", &rdi) &&
		    (rdi & 0xffffffff) == id)
			return END_GOOD;
	}
	return play_trouble(p, "no such mark among %u", n);
}

static enum end
do_mark(struct play *p, const struct command *c)
{
	uint64_t since = p->machine.ticks, mark, end_of;
	char *why = NULL;
	enum end e;

	if (!play_symbol(p, "ev_mark", &mark, &end_of, &why)) {
		play_trouble(p, "%s", why);
		free(why);
		return END_MACHINE;
	}
	all_breaks(p, TURN_OFF);
	if (!add_stop(p, mark))
		return play_gone(p);
	e = until_mark(p, c->number, mark);
	if (e != END_GOOD)
		return e;
	turn_stop(p, &p->stop[--p->nstops], TURN_AWAY);
	all_breaks(p, TURN_ON);
	tell(p, since);
	return END_GOOD;
}

/* ---- stops ---- */

/*
 * The function's address, and which of the stops is there; p->nstops: none.
 * False: there is no such function; said.
 */
static bool
find_stop(struct play *p, const struct command *c, uint64_t *start, size_t *at)
{
	uint64_t end;
	char *why = NULL;

	if (!play_symbol(p, c->name, start, &end, &why)) {
		play_trouble(p, "%s", why);
		free(why);
		return false;
	}
	if (c->kind == 'p')
		*start -= IMAGE_BASE;
	for (*at = 0; *at < p->nstops; ++*at)
		if (p->stop[*at].address == *start)
			break;
	return true;
}

static enum end
do_break(struct play *p, const struct command *c)
{
	uint64_t start;
	size_t i;

	if (!find_stop(p, c, &start, &i))
		return END_SCRIPT;
	if (i < p->nstops)
		return END_GOOD;
	if (i + 1 == sizeof p->stop / sizeof p->stop[0]) /* one is for marks */
		return play_trouble(p, "that are too many");
	if (!add_stop(p, start))
		return play_trouble(p, "the debugger does not take it");
	return END_GOOD;
}

static enum end
do_unbreak(struct play *p, const struct command *c)
{
	uint64_t start;
	size_t i;

	if (!find_stop(p, c, &start, &i))
		return END_SCRIPT;
	if (i == p->nstops)
		return play_trouble(p, "there is no such breakpoint");
	turn_stop(p, &p->stop[i], TURN_AWAY);
	p->stop[i] = p->stop[--p->nstops];
	return END_GOOD;
}

static enum end
do_watch(struct play *p, const struct command *c)
{
	struct expr_env env;
	char *text;
	uint64_t at;

	if (!play_compute(p, &env, c->expr, &at))
		return END_MACHINE;
	if (p->machine.via_gdb)
		return play_trouble(p, "gdb watches no physical address; Bochs does");
	if (c->verb == V_WATCH)
		text = bochs_ask(&p->machine, "watch %c 0x%llx %llu", c->kind,
		    (unsigned long long)at, (unsigned long long)c->number);
	else
		text = bochs_ask(
		    &p->machine, "unwatch 0x%llx", (unsigned long long)at);
	if (text == NULL)
		return play_gone(p);
	free(text);
	return END_GOOD;
}

static enum end
do_forget(struct play *p, const struct command *c)
{
	show_forget(&p->shown);
	return END_GOOD;
}

static enum end
do_cpu(struct play *p, const struct command *c)
{
	p->only_cpu = c->number == UINT64_MAX ? -1 : (int)c->number;
	return END_GOOD;
}

static enum end
do_sym(struct play *p, const struct command *c)
{
	char *why = NULL;

	symbols_free(&p->program);
	if (symbols_load(&p->program, c->name, &why))
		return END_GOOD;
	play_trouble(p, "%s", why);
	free(why);
	return END_SCRIPT;
}
