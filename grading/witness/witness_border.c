/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness_border.c: what no lab's file does
 *
 * Problem   A submission runs in ring 0 beside what judges it.  Most of what it
 *           does there nobody can tell from honest code.  This can be told, and
 *           no honest run has ever done it.
 *
 * Picture   any code ─→ ev_mark, record_frame … through a pointer, or by a return ✗
 *             they are called by name, and the gate says by whom
 *           submission ─→ ev_add ─→ a counter that its file does not count ✗
 *           its stores ─→ the counters            ✗
 *           code and constants ≠ those that were linked ✗
 *
 * Rules     1. What runs on a CPU after a block of the submission was jumped to
 *              by it, or is the stub of an interrupt: that is no sealed function.
 *           2. A count is the submission's if nothing but ev_add() and its like
 *              ran since they were called: an interrupt, or another thread, ends it.
 *           3. Code is copied before the first instruction of the submission; it
 *              is compared at each mark, at the end, and whatever of it is
 *              translated: who patches, runs and mends is seen, too.
 *           4. All CPUs run on one host thread.
 *
 * Read next border.c words this and writes what is read here.
 */
#include "witness/witness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_BASE 0xffffffff80000000ul
#define DIRECT 0xffff800000000000ul /* where all frames are mapped: kernel/md.h */
#define MAXCPU 16
#define COUNTERS 512u
#define RANGES 64u
#define SAID_MOST 8u

struct range {
	uint64_t lo, hi;
};

struct list {
	struct range v[RANGES];
	size_t n;
};

static struct {
	struct range text;         /* and constants */
	struct range cells;        /* of the counters: rows of a CPU each */
	uint64_t row;              /* bytes of one */
	struct list lab;           /* the submission's code */
	struct list sealed;        /* what judges */
	struct list counters;      /* ev_add() and its like */
	bool counts[COUNTERS];     /* what our own file counts */
	const uint8_t *ram;
	uint64_t bytes;
	uint8_t *code;             /* the text before the submission ran */
	unsigned said[B_KINDS];
	struct {
		const struct block *last;
		bool asked;        /* the submission called what counts */
	} cpu[MAXCPU];
} b;

static void
seen(enum border what, uint64_t from, uint64_t to)
{
	uint64_t v[3] = { what, from, to };

	if (b.said[what]++ < SAID_MOST)
		witness_say("border", v, 3);
}

/* Which of them, from 1 on; 0: none. */
static size_t
which(const struct list *l, uint64_t va)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (va - l->v[i].lo < l->v[i].hi - l->v[i].lo)
			return i + 1;
	return 0;
}

static bool
begins(const struct list *l, uint64_t va)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (va == l->v[i].lo)
			return true;
	return false;
}

/* ---- what lies where ---- */

static bool
line_read(const char *line)
{
	static const struct {
		const char *word;
		struct list *list;
	} lists[] = { { "lab", &b.lab }, { "sealed", &b.sealed },
		{ "counter", &b.counters } };
	unsigned long lo, hi;
	char word[32];
	size_t i;

	if (sscanf(line, "%31s %lx %lx", word, &lo, &hi) != 3)
		return false;
	for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (strcmp(word, lists[i].word) == 0) {
			if (lists[i].list->n == RANGES)
				return false;
			lists[i].list->v[lists[i].list->n++] = (struct range){ lo, hi };
		}
	if (strcmp(word, "text") == 0)
		b.text = (struct range){ lo, hi };
	else if (strcmp(word, "cells") == 0)
		b.cells = (struct range){ lo, hi };
	else if (strcmp(word, "row") == 0)
		b.row = lo;
	else if (strcmp(word, "count") == 0 && lo < COUNTERS)
		b.counts[lo] = true;
	return true;
}

bool
border_open(const char *path)
{
	bool ok = true;
	char line[256];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return false;
	while (ok && fgets(line, sizeof line, f) != NULL)
		ok = line_read(line);
	fclose(f);
	return ok && b.lab.n > 0 && b.row > 0 && b.text.lo > IMAGE_BASE;
}

bool
border_ram(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	b.bytes = (uint64_t)st.st_size;
	p = mmap(NULL, b.bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	b.ram = p != MAP_FAILED ? p : NULL;
	return b.ram != NULL;
}

/* ---- code ---- */

/* The text as the guest has it now. */
static const uint8_t *
text_now(void)
{
	return b.ram + (b.text.lo - IMAGE_BASE);
}

static void
text_keep(void)
{
	uint64_t n = b.text.hi - b.text.lo;

	if (b.ram == NULL || b.text.hi - IMAGE_BASE > b.bytes)
		return;
	b.code = malloc(n);
	if (b.code == NULL)
		_exit(3);
	memcpy(b.code, text_now(), n);
}

void
border_check(void)
{
	if (b.code != NULL &&
	    memcmp(b.code, text_now(), b.text.hi - b.text.lo) != 0)
		seen(B_TEXT, 0, 0);
}

static void
translated_check(uint64_t va, const uint8_t *bytes, size_t n)
{
	if (b.code != NULL && va >= b.text.lo && va + n <= b.text.hi &&
	    memcmp(b.code + (va - b.text.lo), bytes, n) != 0)
		seen(B_TEXT, va, 0);
}

/* ---- counts ---- */

/* Is it a store to the counters, by either name of their memory? */
static bool
is_count(uint32_t info, uint64_t *va)
{
	if (*va < IMAGE_BASE)
		*va += IMAGE_BASE - DIRECT;
	return *va - b.cells.lo < b.cells.hi - b.cells.lo &&
	       qemu_plugin_mem_is_store(info);
}

/* The submission writes to va. */
static void
lab_stores(unsigned cpu, uint32_t info, uint64_t va, void *pc)
{
	(void)cpu;
	if (is_count(info, &va))
		seen(B_STORE, (uint64_t)(uintptr_t)pc, va);
}

/* What counts wrote to va. */
static void
counted(unsigned cpu, uint32_t info, uint64_t va, void *pc)
{
	if (b.cpu[cpu % MAXCPU].asked && is_count(info, &va) &&
	    !b.counts[(va - b.cells.lo) % b.row / 8 % COUNTERS])
		seen(B_COUNT, (uint64_t)(uintptr_t)pc, va);
}

/* ---- blocks ---- */

void
border_translated(struct block *blk, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb), bytes = 0;
	struct qemu_plugin_insn *insn;
	const uint8_t *p = NULL;
	uint64_t va;

	if (blk->va < IMAGE_BASE || n == 0)
		return;
	blk->lab = which(&b.lab, blk->va) != 0;
	blk->sealed = begins(&b.sealed, blk->va);
	blk->within = which(&b.sealed, blk->va);
	blk->counts = which(&b.counters, blk->va) != 0;
	blk->counter = begins(&b.counters, blk->va);
	if (blk->lab && b.code == NULL)
		text_keep();
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		va = qemu_plugin_insn_vaddr(insn);
		p = qemu_plugin_insn_data(insn);
		bytes = qemu_plugin_insn_size(insn);
		translated_check(va, p, bytes);
		/* QEMU 7.2 mistakes reads for writes: ask for both. */
		if (blk->counts || blk->lab)
			qemu_plugin_register_vcpu_mem_cb(insn,
			    blk->lab ? lab_stores : counted, PLUGIN_NO_REGS, PLUGIN_MEM_R | PLUGIN_MEM_W,
			    (void *)(uintptr_t)va);
	}
	blk->pointer = is_by_pointer(p, bytes);
	blk->returns = is_return(opcode(p, &bytes));
}

/* Does the step lead into what is called by its name only?  A return into the midst
 * of it is one from what it called. */
static bool
is_entered(const struct block *from, const struct block *to)
{
	if (to->sealed || (to->counter && !from->lab))
		return from->pointer || from->returns;
	return to->within != 0 && to->within != from->within && from->pointer;
}

void
border_runs(unsigned cpu, const struct block *to)
{
	const struct block *from = b.cpu[cpu %= MAXCPU].last;

	b.cpu[cpu].last = to;
	if (from == NULL)
		return;
	/* By name: that is the gate's matter, and lab 09's file has one of them. */
	if (is_entered(from, to))
		seen(from->lab ? B_CALL : B_POINTER, from->va, to->va);
	if (!to->counts)
		b.cpu[cpu].asked = false;
	else if (to->counter && !from->counts)
		b.cpu[cpu].asked = from->lab;
}
