/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_gdb.c: the same sessions in gdb, where there is no Bochs
 *
 * Problem   Most of what a session asks for gdb can do on QEMU as well: it
 *           stops, reads registers and memory.
 *
 * Picture   bstep ⇄ pseudo terminal ⇄ gdb ⇄ QEMU, children of tools/guest --gdb
 *
 * Rules     1. gdb knows no physical addresses: memory is read where the kernel
 *              maps all of it.  Nothing watches a word for the processor's own
 *              stores: watch is not here, nor what Bochs prints (show).
 *           2. QEMU's time is counted in instructions, so that two plays are the
 *              same; gdb does not tell the count, and a run is bounded by
 *              patience alone.
 *
 * Read next bstep_bochs.c has the terminal, and calls this.
 */
#include <stdlib.h>
#include <string.h>

#include "bstep.h"

#define DIRECT_MAP 0xffff800000000000ull /* MD_DIRECT_BASE of kernel/md.h */

/* "$7 = 0xffff…" or "0x1000:\t0x…": what is behind the mark. */
static bool
number_behind(const char *text, const char *mark, uint64_t *v)
{
	const char *s = text != NULL ? strstr(text, mark) : NULL;

	if (s == NULL || strncmp(s + strlen(mark), "0x", 2) != 0)
		return false;
	*v = strtoull(s + strlen(mark), NULL, 16);
	return true;
}

bool
gdb_reg(struct bochs *b, const char *name, uint64_t *v)
{
	char *text = bochs_ask(b, "p/x (unsigned long)$%s", name);
	bool ok = number_behind(text, " = ", v);

	free(text);
	return ok;
}

bool
gdb_memory(struct bochs *b, bool physical, uint64_t at, uint64_t *v)
{
	char *text = bochs_ask(b, "x/1gx 0x%llx",
	    (unsigned long long)(physical ? DIRECT_MAP + at : at));
	bool ok = number_behind(text, ":\t", v);

	free(text);
	return ok;
}

bool
gdb_break(struct bochs *b, uint64_t address, unsigned *number)
{
	char *text = bochs_ask(b, "break *0x%llx", (unsigned long long)address);
	const char *s = text != NULL ? strstr(text, "Breakpoint ") : NULL;
	bool ok = s != NULL;

	if (ok)
		*number = (unsigned)strtoul(s + strlen("Breakpoint "), NULL, 10);
	free(text);
	return ok;
}

static bool
gdb_stand(struct bochs *b)
{
	return gdb_reg(b, "rip", &b->rip);
}

/* Nobody turns pages or answers questions. */
bool
gdb_settle(struct bochs *b)
{
	static const char *const words[] = { "set pagination off",
		"set confirm off", "set width 0" };
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		free(bochs_ask(b, "%s", words[i]));
	return gdb_stand(b);
}

enum stop
gdb_run(struct bochs *b)
{
	char *text = bochs_ask(b, "continue");
	enum stop how = STOP_HERE;

	if (text == NULL || strstr(text, "exited") != NULL || !gdb_stand(b))
		how = STOP_GONE;
	else if (strstr(text, "SIGINT") != NULL)
		how = STOP_BOUND; /* patience was at its end */
	free(text);
	return how;
}

bool
gdb_step(struct bochs *b, uint64_t n)
{
	char *text = bochs_ask(b, "stepi %llu", (unsigned long long)n);
	bool ok = text != NULL && gdb_stand(b);

	free(text);
	return ok;
}
