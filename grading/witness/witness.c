/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness.c: counts from outside the machine (a TCG plugin of QEMU)
 *
 * Problem   What the guest says about itself is said by code that a student
 *           wrote, in ring 0.  The emulator sees which instructions ran.
 *
 * Picture   translated block ─→ its instructions ─→ a counted address?  INVLPG?
 *           MOV to CR3?  ─→ called back at each execution
 *           block runs ─→ insns += its length ─→ limit? the machine ends
 *           ev_take_all runs ─→ a line with all counts
 *
 * Rules     1. With icount all CPUs run on one host thread: plain counters.
 *           2. Lines are written as they come: "mark", "at" (all counts, every
 *              8 M instructions), "border" (witness_border.c), and one of
 *              "end" or "limit".
 *
 * Read next witness_border.c; grading/boot/boot.c passes the addresses and reads the lines.
 */
#include "witness/witness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EXPORT int qemu_plugin_version = PLUGIN_VERSION;
EXPORT int qemu_plugin_install(
    uint64_t id, const struct qemu_info *info, int argc, char **argv);

/* ---- what is counted; the order is boot.c's witness_names[] ---- */

enum {
	W_INSNS, W_PF, W_ZERO, W_COPY, W_ALLOC, W_FREE, W_IPI, W_INVLPG, W_CR3,
	W_MARK, W_RAM, W_SWITCH, W_ROOT_RD, W_ROOT_WR, W_SWAP_RD, W_SWAP_WR,
	W_COUNT
};

#define LAST 16u
#define PROGRESS (1ul << 23)

static struct {
	int out;
	uint64_t limit, next_progress;
	uint64_t addr[W_COUNT];
	uint64_t n[W_COUNT];
	uint64_t last[LAST]; /* blocks that ran, a ring */
	uint64_t blocks;
	uint64_t total;                 /* with the marks' own work */
	uint64_t check, check_began;    /* a mark's check: where, since when */
	bool ended, border;
} w = { .out = -1, .limit = UINT64_MAX, .next_progress = PROGRESS };

void
witness_say(const char *what, const uint64_t *v, size_t n)
{
	char text[512];
	size_t i, len = (size_t)snprintf(text, sizeof text, "%s", what);

	for (i = 0; i < n; i++)
		len += (size_t)snprintf(
		    text + len, sizeof text - len, " %lu", v[i]);
	text[len++] = '\n';
	if (write(w.out, text, len) < 0)
		_exit(3);
}

/* The limit: what ran last, and the end. */
static void
stop(void)
{
	uint64_t v[LAST];
	unsigned i;

	border_check();
	for (i = 0; i < LAST; i++)
		v[i] = w.last[(w.blocks + i) % LAST];
	witness_say("last", v, LAST);
	witness_say("limit", w.n, W_COUNT);
	_exit(0);
}

static void
block_runs(unsigned cpu, void *arg)
{
	const struct block *b = arg;

	if (w.border)
		border_runs(cpu, b);
	w.total += b->insns;
	w.n[W_INSNS] += b->insns;
	w.last[w.blocks++ % LAST] = b->va;
	if (w.total >= w.limit)
		stop();
	if (w.total >= w.next_progress) {
		w.next_progress += PROGRESS;
		witness_say("at", w.n, W_COUNT);
	}
}

static void
counted_runs(unsigned cpu, void *arg)
{
	uint64_t *n = arg;

	(void)cpu;
	++*n;
	if (n != &w.n[W_MARK])
		return;
	/* What the kernel checked on its way here is no work of the region. */
	if (w.check_began != 0)
		w.n[W_INSNS] -= w.total - w.check_began;
	w.check_began = 0;
	border_check();
	witness_say("mark", w.n, W_COUNT);
}

static void
check_runs(unsigned cpu, void *arg)
{
	(void)cpu;
	(void)arg;
	w.check_began = w.total;
}

/* INVLPG is 0f 01 /7 with memory, MOV to CR3 0f 22 /3; prefixes before. */
static uint64_t *
by_opcode(const uint8_t *p, size_t n)
{
	while (n > 3 && (p[0] == 0x66 || p[0] == 0x67 || p[0] == 0xf2 ||
			    p[0] == 0xf3 || (p[0] & 0xf0) == 0x40)) {
		p++;
		n--;
	}
	if (n < 3 || p[0] != 0x0f)
		return NULL;
	if (p[1] == 0x01 && (p[2] & 0x38) == 0x38 && p[2] < 0xc0)
		return &w.n[W_INVLPG];
	return p[1] == 0x22 && (p[2] & 0x38) == 0x18 ? &w.n[W_CR3] : NULL;
}

static uint64_t *
by_address(uint64_t va)
{
	unsigned i;

	for (i = 0; i < W_COUNT; i++)
		if (w.addr[i] == va && va != 0)
			return &w.n[i];
	return NULL;
}

static void
translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	struct block *b = calloc(1, sizeof *b);
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;
	uint64_t *count;

	(void)id;
	if (b == NULL)
		_exit(3);
	b->insns = n;
	b->va = qemu_plugin_tb_vaddr(tb);
	qemu_plugin_register_vcpu_tb_exec_cb(
	    tb, block_runs, PLUGIN_NO_REGS, b);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		count = by_address(qemu_plugin_insn_vaddr(insn));
		if (count == NULL)
			count = by_opcode(qemu_plugin_insn_data(insn),
			    qemu_plugin_insn_size(insn));
		if (w.check != 0 && qemu_plugin_insn_vaddr(insn) == w.check)
			qemu_plugin_register_vcpu_insn_exec_cb(
			    insn, check_runs, PLUGIN_NO_REGS, NULL);
		if (count != NULL)
			qemu_plugin_register_vcpu_insn_exec_cb(
			    insn, counted_runs, PLUGIN_NO_REGS, count);
	}
	if (w.border)
		border_translated(b, tb);
}

static void
at_exit(uint64_t id, void *arg)
{
	(void)id;
	(void)arg;
	if (!w.ended)
		border_check();
	if (!w.ended)
		witness_say("end", w.n, W_COUNT);
	w.ended = true;
}

/* out=FILE, border=FILE, ram=FILE, limit=N, check=ADDRESS, aI=ADDRESS of a count. */
static bool
option(const char *s)
{
	char *end;
	unsigned long i;

	if (strncmp(s, "out=", 4) == 0) {
		w.out = open(s + 4, O_WRONLY | O_CLOEXEC);
		return w.out >= 0;
	}
	if (strncmp(s, "border=", 7) == 0)
		return w.border = border_open(s + 7);
	if (strncmp(s, "ram=", 4) == 0)
		return border_ram(s + 4);
	if (strncmp(s, "limit=", 6) == 0) {
		w.limit = strtoull(s + 6, NULL, 0);
		return w.limit != 0;
	}
	if (strncmp(s, "check=", 6) == 0) {
		w.check = strtoull(s + 6, NULL, 0);
		return true;
	}
	if (s[0] != 'a')
		return false;
	i = strtoul(s + 1, &end, 10);
	if (i >= W_COUNT || *end != '=')
		return false;
	w.addr[i] = strtoull(end + 1, NULL, 0);
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
			fprintf(stderr, "witness: what is %s?\n", argv[i]);
			return -1;
		}
	if (w.out < 0)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
