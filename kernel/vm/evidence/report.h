/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h: findings of all checks, in one form
 */
#ifndef VM_EVIDENCE_REPORT_H
#define VM_EVIDENCE_REPORT_H

#include "vm/vm.h"

/* Findings of vm_check: text lines, counted: [own]. */
struct vm_report {
	struct out *out;
	unsigned findings, level;
	uint32_t *mapcount;        /* per pfn, counted while walking; or NULL */
	uint64_t vads;             /* met in the trees */
	struct aspace *as;         /* the space that is walked */
	bool no_vads;              /* of the space that is walked: they are out */
	bool partial;              /* some words are on swap, or lost: not seen */
};

/* What was found in a space: [own]. */
struct vm_found {
	uint64_t ws, locked;       /* VALID words, SRC != SPEC; with LOCK */
	uint64_t late;             /* private pages charged when touched; records */
};

/* report.c */
void report_bad(struct vm_report *, const char *invariant, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* A word of the space that is walked. */
void report_word(struct vm_report *, const char *invariant, va_t, uint64_t word,
    const char *what);
void report_counted(struct vm_report *, const char *invariant, const char *what,
    uint64_t n, enum ev_id gauge);

#endif
