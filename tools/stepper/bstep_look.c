/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_look.c: the tables, the stack, and what Bochs says itself
 *
 * Problem   What the processor would do with an address is in four words, and
 *           who has called in a chain of frames: both are tedious by hand.
 *
 * Picture   cr3 ─→ pml4e ─→ pdpte ─→ pde ─→ pte      rbp ─→ rbp ─→ rbp
 *
 * Rules     walk binds pml4e pdpte pde pte, and where they lie in *_phys; what is
 *           not there is 0.
 *
 * Read next bstep_show.c writes the numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bstep.h"

#define FRAME_BITS 0x000ffffffffff000ull
#define FRAMES_MAX 16
#define PUSH_RBP 0x55u

const char *const play_levels[4] = { "pml4e", "pdpte", "pde", "pte" };

/* Bochs: ":27: syntax error at 'x'"; gdb: "Undefined command: "x"." */
bool
bochs_refused(const char *answer, char **why)
{
	static const char gdb[] = "Undefined ", bochs[] = ": syntax error";
	const char *at = answer;

	if (strncmp(answer, gdb, strlen(gdb)) != 0) {
		at = answer[0] == ':' ? strstr(answer, bochs) : NULL;
		if (at == NULL || strspn(answer + 1, "0123456789") + 1 !=
				      (size_t)(at - answer))
			return false;
		at += 2;
	}
	*why = text_of("%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

enum end
play_show(struct play *p, const struct command *c)
{
	char *text, *line, *rest, *why;

	if (p->machine.via_gdb) {
		fprintf(p->out, "  (Bochs says this)\n");
		return END_GOOD;
	}
	text = bochs_ask(&p->machine, "%s", c->args);
	if (text == NULL)
		return play_gone(p);
	if (bochs_refused(text, &why)) {
		play_trouble(p, "Bochs does not take it: %s", why);
		free(why);
		free(text);
		return END_SCRIPT;
	}
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			show_line(&p->shown, line, p->out);
	free(text);
	return END_GOOD;
}

/* Four levels, or as far as they go. */
enum end
play_walk(struct play *p, const struct command *c)
{
	uint64_t va, table, at, word = 1;
	char where[64], what[128];
	struct expr_env env;
	int i;

	if (!play_compute(p, &env, c->expr, &va))
		return END_MACHINE;
	if (!bochs_reg(&p->machine, "cr3", &table))
		return play_trouble(p, "there is no machine yet: boot");
	table &= FRAME_BITS;
	for (i = 0; i < 4; i++) {
		if ((word & 1) == 0 || (i > 1 && (word & 0x80) != 0)) {
			play_bind(p, play_levels[i], "", 0);
			play_bind(p, play_levels[i], "_phys", 0);
			continue;
		}
		at = table + 8 * (va >> (39 - 9 * i) & 511);
		if (!bochs_memory(&p->machine, true, at, &word))
			return play_trouble(
			    p, "no memory at 0x%llx", (unsigned long long)at);
		play_bind(p, play_levels[i], "", word);
		play_bind(p, play_levels[i], "_phys", at);
		show_frame(&p->shown, at, where);
		fprintf(p->out, "  %-5s at %-10s  %s\n", play_levels[i], where,
		    show_word(&p->shown, word, i == 3, what));
		table = word & FRAME_BITS;
	}
	return END_GOOD;
}

/*
 * Has the function at rip no frame of its own, so that its way back is on top
 * of the stack?  So it is at its first instruction; and from end to end in one
 * that calls nobody and keeps nothing, where the compiler leaves the frame out.
 */
static bool
is_frameless(struct play *p, uint64_t rip, uint64_t rsp)
{
	const struct symbol *sym = symbols_at(&p->kernel, rip);
	uint64_t code, back;

	if (sym == NULL || rip == sym->start)
		return sym != NULL;
	return bochs_memory(&p->machine, false, sym->start, &code) &&
	    (code & 0xff) != PUSH_RBP &&
	    bochs_memory(&p->machine, false, rsp, &back) &&
	    back >= IMAGE_BASE && symbols_at(&p->kernel, back) != NULL;
}

/* Who called, by the kernel's frame pointers. */
enum end
play_where(struct play *p, const struct command *c)
{
	uint64_t rip = p->machine.rip, rbp, rsp;
	bool frameless;
	char place[128];
	int depth;

	if (!bochs_reg(&p->machine, "rbp", &rbp) ||
	    !bochs_reg(&p->machine, "rsp", &rsp))
		return play_trouble(p, "there is no machine yet: boot");
	frameless = is_frameless(p, rip, rsp);
	for (depth = 0; depth < FRAMES_MAX && rip >= IMAGE_BASE; depth++) {
		fprintf(p->out, "  %s\n",
		    show_place(&p->shown, rip - (depth > 0), place));
		if (!bochs_memory(
			&p->machine, false, frameless ? rsp : rbp + 8, &rip))
			break;
		if (!frameless && !bochs_memory(&p->machine, false, rbp, &rbp))
			break;
		frameless = false;
	}
	return END_GOOD;
}
