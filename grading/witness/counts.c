/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counts.c: what the observer is asked to count, and what it says
 *
 * Problem   The plugin knows addresses and writes lines.  Tests know names of
 *           counts; a count is worth something only when its function is there
 *           once, under the name that it is looked for by.
 * Picture   symbols ─→ "a4=0xffff…" ─→ witness.so ─→ lines ─→ struct witness
 * Rules     1. The order of the names is that of the counts in witness.c.
 *           2. A kernel without symbols is counted without addresses.
 * Read next witness.c; judge/values.c gives them to tests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "witness/counts.h"

const char *const witness_names[WITNESS_NAMES] = { "w.insns", "w.pf_entry",
	"w.page_zero", "w.page_copy", "w.phys_alloc", "w.phys_free",
	"w.tlb_ipi", "w.invlpg", "w.cr3", "w.mark", "w.ram_copy",
	"w.switch", "w.root_rd_ops", "w.root_wr_ops", "w.swap_rd_ops",
	"w.swap_wr_ops" };

static const struct {
	const char *symbol;
	uint64_t offset;
} witness_at[WITNESS_NAMES] = { { 0 }, { "trap_stubs", 14 * 16 },
	{ "page_zero", 0 }, { "page_copy", 0 }, { "phys_given", 0 },
	{ "phys_returned", 0 }, { "apic_send", 0 }, { 0 }, { 0 },
	{ "ev_take_all", 0 }, { "ram_copy", 0 }, { "switch_stacks", 0 },
	{ "root_rd_op", 0 }, { "root_wr_op", 0 }, { "swap_rd_op", 0 },
	{ "swap_wr_op", 0 } };

bool
witness_looks_for(const char *name)
{
	int i;

	for (i = 0; i < WITNESS_NAMES; i++)
		if (witness_at[i].symbol != NULL &&
		    strcmp(witness_at[i].symbol, name) == 0)
			return true;
	return false;
}

char *
witness_addresses(const struct symbols *s)
{
	char *text = xstrdup(""), *more;
	uint64_t pc;
	int i;

	for (i = 0; s != NULL && i < WITNESS_NAMES; i++) {
		if (witness_at[i].symbol == NULL)
			continue;
		pc = symbols_find(s, witness_at[i].symbol);
		more = xprintf("%s,a%d=0x%llx", text, i,
		    (unsigned long long)(pc + witness_at[i].offset));
		free(text);
		text = more;
	}
	if (s != NULL) {
		more = xprintf("%s,check=0x%llx", text,
		    (unsigned long long)symbols_find(s, "mark_check"));
		free(text);
		text = more;
	}
	return text;
}

static size_t
numbers(const char *s, uint64_t *v, size_t max)
{
	size_t n = 0;
	char *end;

	while (n < max) {
		v[n] = strtoull(s, &end, 10);
		if (end == s)
			break;
		s = end;
		n++;
	}
	return n;
}

static void
witness_line(struct witness *w, const char *line)
{
	const char *rest = line + strcspn(line, " ");
	uint64_t v[WITNESS_NAMES] = { 0 };

	if (strncmp(line, "last ", 5) == 0) {
		w->npcs = numbers(rest, w->pc, 16);
		return;
	}
	numbers(rest, v, WITNESS_NAMES);
	if (strncmp(line, "border ", 7) == 0) {
		if (w->nborder < BORDER_MOST)
			memcpy(w->border[w->nborder++], v, sizeof w->border[0]);
	} else if (strncmp(line, "mark ", 5) == 0) {
		w->mark = xrealloc(w->mark, (w->nmarks + 1) * sizeof *w->mark);
		memcpy(w->mark[w->nmarks++], v, sizeof v);
	} else if (strncmp(line, "at ", 3) == 0) {
		memcpy(w->at[0], w->at[1], sizeof v);
		memcpy(w->at[1], v, sizeof v);
	} else if (strncmp(line, "end ", 4) == 0 ||
		   strncmp(line, "limit ", 6) == 0) {
		w->valid = true;
		w->limit = line[0] == 'l';
		memcpy(w->end, v, sizeof v);
	}
}

void
witness_read(struct witness *w, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		witness_line(w, line);
}
