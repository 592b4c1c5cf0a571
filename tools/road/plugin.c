/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugin.c: each instruction of the kernel between two marks (a TCG plugin)
 *
 * Problem   Which functions does a page fault run through?  A kernel that told it
 *           itself would run through others.  The emulator sees each instruction.
 *
 * Picture   ev_mark, odd ─→ recording ─→ ev_mark, even
 *           struct step { pc, slot } per instruction; slot is where on its stack
 *           a call puts its return address, or a return takes it from.
 *
 * Rules     1. One CPU: the steps stand in the order in which they ran.
 *           2. Always recorded: the switch from stack to stack and a thread's
 *              first steps, or nobody could say whose stack it is.
 *           3. What a program does outside of the kernel is one step, which
 *              counts its instructions.
 *           4. A rep instruction is a step for each time that it repeats, as
 *              QEMU's -icount counts it.
 *
 * Read next way.c, which makes a tree of the steps; grading/witness/witness.c.
 */
#include "../../grading/witness/witness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steps.h"

EXPORT int qemu_plugin_version = PLUGIN_VERSION;
EXPORT int qemu_plugin_install(
    uint64_t id, const struct qemu_info *info, int argc, char **argv);

#define STEPS 65536u
/* A new thread is in its own function by then. */
#define FIRST_STEPS 1024u
#define KERNEL (1ul << 63)

static struct {
	int out;
	uint64_t mark;             /* ev_mark */
	uint64_t switch_lo, first; /* switch_stacks, switch_first behind it */
	uint64_t limit, total;     /* steps */
	bool on;                   /* between two marks */
	unsigned fresh;            /* so many steps of a new thread */
	size_t n;
	struct step step[STEPS];
} p = { .out = -1, .limit = 1ul << 26 };

static void
write_out(void)
{
	const char *at = (const char *)p.step;
	size_t left = p.n * sizeof p.step[0];
	ssize_t n;

	while (left > 0) {
		n = write(p.out, at, left);
		if (n <= 0) {
			perror("road: writing the steps");
			_exit(3);
		}
		at += n;
		left -= (size_t)n;
	}
	p.n = 0;
}

static void
put(uint64_t pc, uint64_t slot)
{
	if (p.n == STEPS)
		write_out();
	p.step[p.n++] = (struct step){ pc, slot };
	if (++p.total > p.limit) {
		write_out();
		_exit(3);
	}
}

static void
insn_runs(unsigned cpu, void *arg)
{
	(void)cpu;
	if (!p.on && p.fresh == 0)
		return;
	p.fresh -= p.fresh > 0;
	put((uint64_t)arg, 0);
}

/* Of the instruction that was put last; its address is arg. */
static void
insn_reaches(unsigned cpu, uint32_t info, uint64_t va, void *arg)
{
	(void)cpu;
	(void)info;
	if (p.n > 0 && p.step[p.n - 1].pc == (uint64_t)arg)
		p.step[p.n - 1].slot = va;
}

static void
switch_runs(unsigned cpu, void *arg)
{
	(void)cpu;
	put((uint64_t)arg, 0);
	if ((uint64_t)arg == p.first)
		p.fresh = FIRST_STEPS;
}

static void
mark_runs(unsigned cpu, void *arg)
{
	(void)cpu;
	(void)arg;
	p.on = !p.on;
	p.fresh = 0;
	put(0, p.on ? STEP_BEGIN : STEP_END);
}

static void
program_runs(unsigned cpu, void *arg)
{
	(void)cpu;
	p.fresh = 0;
	if (!p.on)
		return;
	if (p.n > 0 && p.step[p.n - 1].pc == STEP_PROGRAM)
		p.step[p.n - 1].slot += (uint64_t)arg;
	else
		put(STEP_PROGRAM, (uint64_t)arg);
}

/*
 * Calls, returns and what a stub pushes: they tell where the stack is.  Asked
 * for loads alone, QEMU 7.2 passes over those of returns.
 */
static bool
reaches_stack(const uint8_t *op, size_t n)
{
	op = opcode(op, &n);
	return is_call(op, n) || op[0] == 0x68 || is_return(op);
}

static void
watch(struct qemu_plugin_insn *insn)
{
	uint64_t va = qemu_plugin_insn_vaddr(insn);
	bool turns = va >= p.switch_lo && va < p.first + 16;
	bool slot = turns || reaches_stack(qemu_plugin_insn_data(insn),
				 qemu_plugin_insn_size(insn));

	if (va == p.mark)
		qemu_plugin_register_vcpu_insn_exec_cb(
		    insn, mark_runs, PLUGIN_NO_REGS, NULL);
	qemu_plugin_register_vcpu_insn_exec_cb(
	    insn, turns ? switch_runs : insn_runs, PLUGIN_NO_REGS, (void *)va);
	if (slot)
		qemu_plugin_register_vcpu_mem_cb(insn, insn_reaches,
		    PLUGIN_NO_REGS, PLUGIN_MEM_R | PLUGIN_MEM_W, (void *)va);
}

static void
translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	if (qemu_plugin_tb_vaddr(tb) < KERNEL) {
		qemu_plugin_register_vcpu_tb_exec_cb(
		    tb, program_runs, PLUGIN_NO_REGS, (void *)n);
		return;
	}
	for (i = 0; i < n; i++)
		watch(qemu_plugin_tb_get_insn(tb, i));
}

static void
at_exit(uint64_t id, void *arg)
{
	(void)id;
	(void)arg;
	write_out();
}

/* out=FILE, mark=, switch=, first=ADDRESS, limit=STEPS. */
static bool
option(const char *s)
{
	const char *v = strchr(s, '=');
	uint64_t n;

	if (v == NULL)
		return false;
	n = strtoull(++v, NULL, 0);
	if (strncmp(s, "out=", 4) == 0)
		p.out = open(v, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	else if (strncmp(s, "mark=", 5) == 0)
		p.mark = n;
	else if (strncmp(s, "switch=", 7) == 0)
		p.switch_lo = n;
	else if (strncmp(s, "first=", 6) == 0)
		p.first = n;
	else if (strncmp(s, "limit=", 6) == 0)
		p.limit = n;
	else
		return false;
	return true;
}

int
qemu_plugin_install(
    uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!option(argv[i])) {
			fprintf(stderr, "road: what is %s?\n", argv[i]);
			return -1;
		}
	if (p.out < 0 || p.mark == 0 || p.switch_lo == 0 || p.first == 0) {
		fprintf(stderr, "road: out=, mark=, switch=, first= are "
				"needed\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
