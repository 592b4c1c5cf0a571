/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * count.c: how often each instruction of the kernel ran (a TCG plugin)
 *
 * Problem   A figure of the benchmark is a sum; where does it come from?  The
 *           sum of what each function takes must be the figure, or the answer
 *           is an opinion.
 *
 * Picture   label round ─→ zero ─→ (label begin ─→ counting ─→ label end)*
 *           the least round is written at the end: address, how often; a
 *           program's instructions are those at address 0
 *
 * Rules     1. One CPU.
 *           2. A rep instruction counts once for each time that it repeats, as
 *              QEMU's -icount does.
 *           3. An instruction that faults is seen at both of its tries; the
 *              machine counts it once.  So the sum of a touch is one more.
 *
 * Read next bench.c, which has the labels; profile.awk.
 */
#include "../../grading/witness/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EXPORT int qemu_plugin_version = PLUGIN_VERSION;
EXPORT int qemu_plugin_install(
    uint64_t id, const struct qemu_info *info, int argc, char **argv);

static struct {
	const char *out;
	uint64_t begin, end, round; /* in the program */
	uint64_t lo, hi;            /* the kernel's text */
	bool on, ended;             /* counting; it has, in this round */
	uint64_t total, least;      /* of this round; of the least so far */
	uint64_t program, program_least;
	uint64_t *count, *best; /* hi - lo of each */
} c = { .least = UINT64_MAX };

/* The round before is over; is it the least? */
static void
round_ends(void)
{
	if (c.ended && c.total < c.least) {
		c.least = c.total;
		c.program_least = c.program;
		memcpy(c.best, c.count, (c.hi - c.lo) * sizeof *c.count);
	}
	c.on = c.ended = false;
	c.total = 0;
	c.program = 0;
	memset(c.count, 0, (c.hi - c.lo) * sizeof *c.count);
}

static void
kernel_runs(unsigned cpu, void *arg)
{
	(void)cpu;
	if (!c.on)
		return;
	c.total++;
	c.count[(uint64_t)arg - c.lo]++;
}

/* A program's, or the kernel's outside of its text. */
static void
program_runs(unsigned cpu, void *arg)
{
	uint64_t va = (uint64_t)arg;

	(void)cpu;
	if (va == c.end) {
		c.on = false;
		c.ended = true;
	}
	if (c.on) {
		c.total++;
		c.program++;
	}
	if (va == c.begin) {
		c.on = true;
		c.total++;
		c.program++;
	}
	if (va == c.round)
		round_ends();
}

static void
translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t va = qemu_plugin_insn_vaddr(insn);

		qemu_plugin_register_vcpu_insn_exec_cb(insn,
		    va >= c.lo && va < c.hi ? kernel_runs : program_runs,
		    PLUGIN_NO_REGS, (void *)va);
	}
}

static void
at_exit(uint64_t id, void *arg)
{
	FILE *f = fopen(c.out, "w");

	(void)id;
	(void)arg;
	if (f == NULL) {
		perror(c.out);
		return;
	}
	round_ends();
	fprintf(f, "0 %lu\n", c.program_least);
	for (uint64_t i = 0; i < c.hi - c.lo; i++)
		if (c.best[i] != 0)
			fprintf(f, "%lx %lu\n", c.lo + i, c.best[i]);
	fclose(f);
}

/* out=FILE, begin=, end=, round=, lo=, hi=ADDRESS. */
static bool
option(char *s)
{
	const struct {
		const char *name;
		uint64_t *to;
	} numbers[] = { { "begin=", &c.begin }, { "end=", &c.end },
		{ "round=", &c.round }, { "lo=", &c.lo }, { "hi=", &c.hi } };
	size_t i;

	if (strncmp(s, "out=", 4) == 0) {
		c.out = strdup(s + 4);
		return c.out != NULL;
	}
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (strncmp(s, numbers[i].name, strlen(numbers[i].name)) == 0) {
			*numbers[i].to = strtoull(strchr(s, '=') + 1, NULL, 16);
			return true;
		}
	return false;
}

int
qemu_plugin_install(
    uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!option(argv[i])) {
			fprintf(stderr, "count: what is %s?\n", argv[i]);
			return -1;
		}
	if (c.out == NULL || c.begin == 0 || c.end == 0 || c.round == 0 ||
	    c.lo == 0 || c.hi <= c.lo) {
		fprintf(stderr,
		    "count: out=, begin=, end=, round=, lo=, hi= are needed\n");
		return -1;
	}
	c.count = calloc(c.hi - c.lo, sizeof *c.count);
	c.best = calloc(c.hi - c.lo, sizeof *c.best);
	if (c.count == NULL || c.best == NULL)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
