/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_check.c: a session is sound before it is played
 *
 * Problem   A name that nobody has bound, or a function that was renamed, must
 *           not show itself a minute after the machine has been started.
 *
 * Picture   each line ─→ its expression, with names and symbols but no machine
 *
 * Rules     A session has no branches: what is bound above is bound.
 *
 * Read next bstep_play.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bstep.h"

static bool
dry_name(void *arg, const char *name, uint64_t *v, char **why)
{
	static const char *const registers =
	    " rax rbx rcx rdx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 "
	    "rip eflags cr0 cr2 cr3 cr4 cr8 efer ";
	char *word = text_of(" %s ", name);
	bool ok = strstr(registers, word) != NULL;
	struct play *p = arg;
	size_t i;

	free(word);
	for (i = 0; i < p->nvars; i++)
		ok |= strcmp(p->var[i].name, name) == 0;
	*v = 1; /* so that nothing is divided by 0 */
	if (!ok)
		*why = text_of("\"%s\" is no register, and no let or walk "
			       "before this line binds it",
		    name);
	return ok;
}

static bool
dry_memory(void *arg, bool physical, uint64_t at, uint64_t *v, char **why)
{
	*v = 1;
	return true;
}

static char *
dry(struct play *p, const struct command *c)
{
	struct expr_env env = { .arg = p,
		.name = dry_name,
		.symbol = play_symbol,
		.memory = dry_memory };
	uint64_t v, end;
	char *why = NULL;
	int i;

	if (c->expr != NULL)
		expr_eval(&env, c->expr, &v, &why);
	if (c->verb == V_BREAK || c->verb == V_UNBREAK)
		play_symbol(p, c->name, &v, &end, &why);
	if (c->verb == V_SYM) {
		symbols_free(&p->program);
		symbols_load(&p->program, c->name, &why);
	}
	if (why != NULL)
		return why;
	if (c->verb == V_LET)
		play_bind(p, c->name, "", 1);
	for (i = 0; c->verb == V_WALK && i < 4; i++) {
		play_bind(p, play_levels[i], "", 1);
		play_bind(p, play_levels[i], "_phys", 1);
	}
	if (p->nvars == sizeof p->var / sizeof p->var[0])
		why = text_of("too many variables");
	return why;
}

bool
play_check(struct play *p, const struct script *s)
{
	int wrong = 0;
	size_t i;
	char *why;

	for (i = 0; i < s->n; i++) {
		p->current = &s->v[i];
		if (s->v[i].text == NULL || (why = dry(p, &s->v[i])) == NULL)
			continue;
		play_trouble(p, "%s", why);
		free(why);
		wrong++;
	}
	while (p->nvars > 0)
		free(p->var[--p->nvars].name);
	return wrong == 0;
}
