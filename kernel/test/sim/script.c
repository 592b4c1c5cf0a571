/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * script.c: a pair as text: what its threads do, and what must be true then
 *
 * Picture   pair NAME
 *             frames 400 · swap 64 · boot check=1 · daemons · tlb · whole
 *             start  map 0 4; w 0.0 1; fork 1
 *             a      w 0.0 2
 *             b@1    r 0.0 1
 *             end    r 0.0 2; @1 r 0.0 1
 *
 *           PAGE.WORD is a word of the pages at BASE, F3.0 one where design frames
 *           maps; 1|2 means one of them;
 *           !22 before an operation: it must return -EINVAL.  ops.c has them.
 *
 * Rules     1. start and end are done by the driver, undisturbed; a, b, c at
 *              the same time, in process 0 or the one behind the @.
 *           2. Afterwards: the end's operations, vm_check(3), all processes
 *              end, vm_check(3), and nothing is missing.
 *
 * Read next ops.c, pairs.txt.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/explore.h"
#include "test/sim/ops.h"

#define LINE 1024

struct block {
	struct step *first;
	unsigned proc;
	bool exists;
};

struct pair {
	struct pair *next;
	char name[48];
	char boot[128];
	unsigned frames;
	unsigned slots;              /* of swap; 0: none */
	bool with_daemons, with_tlb;
	bool whole;                  /* however long it takes */
	struct block start, end, thread[3];
};

const char *
pair_name(const struct pair *p)
{
	return p->name;
}

int
pair_is_whole(const struct pair *p)
{
	return p->whole;
}

const struct pair *
pair_next(const struct pair *p)
{
	return p->next;
}

/* ---- reading ---- */

static void NORETURN
bad(const char *path, unsigned line, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", path, line, what);
	exit(2);
}

/* 3, 0x3; F3: page 3 of where frames of programs are mapped, as a page from BASE on. */
static uint64_t
number(char *word, char **end)
{
	bool owned = word[0] == 'F' && isdigit((unsigned char)word[1]);
	uint64_t n = strtoull(owned ? word + 1 : word, end, 0);

	return owned ? n + (SIM_OWNED_BASE - SIM_USER_BASE) / PAGE_SIZE : n;
}

/* "op arg arg" → a step; the text is cut up. */
static struct step *
parse_step(char *text, const char *path, unsigned line)
{
	struct step *s = calloc(1, sizeof(*s));
	char *word = strtok(text, " \t\n"), *dot;

	if (word != NULL && word[0] == '!') {
		s->error = -atoi(word + 1);
		word = strtok(NULL, " \t\n");
	}
	s->op = op_find(word == NULL ? "" : word);
	if (s->op == NULL)
		bad(path, line, word);
	snprintf(s->text, sizeof(s->text), "%s", word);
	while ((word = strtok(NULL, " \t\n")) != NULL) {
		if (s->n == STEP_ARGS)
			bad(path, line, "too many words");
		snprintf(s->text + strlen(s->text),
		    sizeof(s->text) - strlen(s->text), " %s", word);
		s->word[s->n] = strdup(word);
		s->arg[s->n] = number(word, &dot);
		if (s->n == 0 && *dot == '.')
			s->sub = strtoull(dot + 1, NULL, 0);
		s->n++;
	}
	if (s->n < op_args(s->op))
		bad(path, line, "too few words");
	return s;
}

static void
parse_block(struct block *b, char *text, const char *path, unsigned line)
{
	struct step **last = &b->first;
	char *part, *save = NULL;

	while (*last != NULL)
		last = &(*last)->next;
	b->exists = true;
	for (part = strtok_r(text, ";", &save); part != NULL;
	    part = strtok_r(NULL, ";", &save)) {
		if (strspn(part, " \t\n") == strlen(part))
			continue;
		*last = parse_step(part, path, line);
		last = &(*last)->next;
	}
}

static void
parse_line(struct pair *p, char *text, const char *path, unsigned line)
{
	char key[32];
	int used = 0;
	char *rest;

	sscanf(text, " %31s%n", key, &used);
	rest = text + used;
	if (strcmp(key, "frames") == 0)
		p->frames = (unsigned)atoi(rest);
	else if (strcmp(key, "swap") == 0)
		p->slots = (unsigned)atoi(rest);
	else if (strcmp(key, "boot") == 0)
		snprintf(p->boot, sizeof(p->boot), "%.*s",
		    (int)strcspn(rest, "\n"), rest);
	else if (strcmp(key, "daemons") == 0)
		p->with_daemons = true;
	else if (strcmp(key, "whole") == 0)
		p->whole = true;
	else if (strcmp(key, "tlb") == 0)
		p->with_tlb = true;
	else if (strcmp(key, "start") == 0)
		parse_block(&p->start, rest, path, line);
	else if (strcmp(key, "end") == 0)
		parse_block(&p->end, rest, path, line);
	else if (key[0] >= 'a' && key[0] <= 'c' &&
	    (key[1] == '@' || key[1] == '\0')) {
		struct block *b = &p->thread[key[0] - 'a'];

		b->proc = key[1] == '@' ? (unsigned)atoi(key + 2) : 0;
		parse_block(b, rest, path, line);
	} else {
		bad(path, line, key);
	}
}

struct pair *
pair_parse(const char *path, struct pair **list)
{
	FILE *f = fopen(path, "r");
	struct pair *p = NULL, **last = list;
	char text[LINE];
	unsigned line = 0;

	if (f == NULL)
		bad(path, 0, "cannot be read");
	while (fgets(text, sizeof(text), f) != NULL) {
		line++;
		if (text[strspn(text, " \t\n")] == '\0' || text[0] == '#')
			continue;
		if (strncmp(text, "pair ", 5) == 0) {
			p = calloc(1, sizeof(*p));
			p->frames = 400;
			sscanf(text + 5, "%47s", p->name);
			*last = p;
			last = &p->next;
			continue;
		}
		if (p == NULL)
			bad(path, line, "no pair");
		parse_line(p, text, path, line);
	}
	fclose(f);
	return *list;
}

/* ---- running ---- */

static void
run_block(const struct block *b)
{
	const struct step *s;

	for (s = b->first; s != NULL; s = s->next)
		op_run(s);
}

void
pair_boot(const struct pair *p)
{
	char words[256];

	snprintf(words, sizeof(words), "%s idlezero=0 norandom=1 around=1 "
	    "hold=4 reserve=16 poison=1", p->boot);
	host_options(words);
	sim_machine_init(p->frames);
	phys_init();
	vm_init();
	sim_disk_init();
	if (p->with_daemons)
		vm_start();
	if (p->slots != 0)
		(void)sim_swapon(p->slots);
	ops_begin();
	run_block(&p->start);
	while (sim_disk_run())
		;
	sim.kinds = AT_LOCK | AT_WORD | AT_USER | AT_SLEEP |
	    (p->with_tlb ? AT_TLB : 0);
}

static void
thread_main(void *arg)
{
	run_block(arg);
}

void
pair_begin(const struct pair *p)
{
	static const char *const names[] = { "a", "b", "c" };
	unsigned i;

	for (i = 0; i < 3; i++)
		if (p->thread[i].exists)
			ops_bind(sim_spawn(names[i], thread_main,
			    (void *)(uintptr_t)&p->thread[i], false),
			    p->thread[i].proc);
}

static void
check(const char *when)
{
	static char text[2048];
	struct out_buf out;

	while (sim_disk_run())
		;
	if (vm_check(3) == 0)
		return;
	out_buf_init(&out, text, sizeof(text));
	stat_check(&out.out);
	sim_fail("vm_check %s: %s", when, text);
}

void
pair_end(const struct pair *p)
{
	static char text[2048];
	struct out_buf out;

	check("after the threads");
	ops_at(0);
	run_block(&p->end);
	check("at the end");
	ops_end(p->slots);
	check("when all is gone");
	if (vm_leak_end() == 0)
		return;
	out_buf_init(&out, text, sizeof(text));
	stat_check(&out.out);
	sim_fail("leak: %s", text);
}
