/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * road.h: what the files of tools/road share
 *
 * Offers    code: which functions of the source an instruction belongs to;
 *           way: threads and trees of calls, of recorded steps;
 *           tally: the figures of a road; show, draw: text and picture.
 * Needs     libdw, the kernel with its debug information.
 */
#ifndef ROAD_H
#define ROAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- code.c ---- */

/* A function as it stands in the source. */
struct fn {
	char *name, *file; /* file from kernel/ on: "vm/fault/driver.c" */
	unsigned line;
	bool helper;  /* lib/, kern/, or inline in a header */
	bool machine; /* of amd64/ */
	bool vm;      /* of kernel/vm */
	/* tally.c: */
	bool reference;        /* ran in the reference */
	size_t order;          /* when met first, from 1 on; 0: not */
	struct node *met;      /* there */
	uint64_t calls, insns; /* all of its own */
};

/* A piece of code that one function of the source became. */
struct scope {
	struct fn *fn;
	struct scope *up; /* what it is inlined into; NULL: code of its own */
	uint64_t entry;   /* its first instruction, 0: not known */
	bool part;        /* the rest of fn, which gcc cut off */
	uint64_t off;     /* of its entry in .debug_info */
};

enum insn_kind {
	INSN_OTHER,
	INSN_CALL,
	INSN_CALL_POINTER,
	INSN_RETURN,
	INSN_IRET
};

struct code;

/* NULL: why says what is missing. */
struct code *code_open(const char *elf, char **why);
/* 0: no such symbol. */
uint64_t code_symbol(const struct code *, const char *name);
/* The innermost scope at pc; never NULL. */
struct scope *code_at(struct code *, uint64_t pc);
enum insn_kind code_insn(const struct code *, uint64_t pc);

/* ---- way.c ---- */

/* A function in one context: who called it stands above. */
struct node {
	struct fn *fn; /* NULL: a thread */
	struct node *up, *down, *last, *next;
	uint64_t calls, insns;
	uint64_t first;   /* the smaller, the earlier it was met */
	bool counted;     /* tally.c */
	bool helper;      /* tally.c: or asked by one */
	bool shown;       /* tally.c: it counts, or something below does */
	uint64_t helpers; /* tally.c: of helpers that it called */
};

struct thread {
	char name[48];
	bool program; /* the one that set the marks */
	bool user;    /* it has run a program */
	bool idle;
	struct node root;
	uint64_t insns; /* in the region */
};

/* What ran between two marks. */
struct way {
	struct thread **thread;
	size_t nthreads;
	size_t interrupts; /* and what they took */
	uint64_t irq_insns;
	struct way *next;
};

/*
 * All regions of a recording, in order; once: each ends where the program comes
 * out of the kernel for the first time.  NULL: why.
 */
struct way *way_read(struct code *, const char *steps, bool once, char **why);

/* ---- tally.c ---- */

struct road {
	struct fn **fn; /* without helpers, in order */
	size_t n;
	size_t files, changes, returns;
	size_t vm_functions, vm_files, vm_changes, vm_returns;
	uint64_t insns, vm_insns, helper_insns;
	uint64_t times; /* what was done so often; insns are of all */
};

/* Whose work counts: the program's, that of another one, or all but idling. */
enum who { WHO_PROGRAM, WHO_ANOTHER, WHO_ALL };

bool who_counts(enum who, const struct thread *);
/*
 * What the program runs in the reference, too, does not count, but below what
 * does.  reference may be NULL.
 */
void tally(struct road *, struct way *, enum who, struct way *reference);

/* ---- show.c, draw.c ---- */

struct op {
	const char *name, *what;
	enum who who;
	unsigned flags; /* ROAD_… of ops.h */
};

void show_tree(FILE *, const struct op *, const struct way *,
    const struct road *, bool helpers);
void show_figures(FILE *, const struct road *);
bool draw(const char *svg, const struct op *, const struct road *);

char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *room(void *old, size_t n, size_t size);

#endif
