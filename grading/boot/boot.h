/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.h: one submitted file becomes a kernel, a machine, and what it said
 *
 * Offers    build_make(), boot_start(), boots_wait(), records.
 * Needs     gate/, witness/, lab/; a built kernel, the emulator,
 *           build/grading/witness.so.
 */
#ifndef GRADING_BOOT_H
#define GRADING_BOOT_H

#include "lab/lab.h"
#include "witness/counts.h"

/* What came of a build, a boot or a test. */
enum status {
	ST_PASS,
	ST_FAIL,
	ST_GATE,
	ST_TIMEOUT,
	ST_PANIC,
	ST_DEADLOCK,
	ST_BUILD,
	ST_INFRA,
	ST_UNWITNESSED
};

/* ---- build.c ---- */

struct build {
	char *dir, *kernel, *why;
	enum status status; /* ST_PASS, ST_BUILD, ST_GATE, ST_INFRA */
	char *sha;
	char *warns; /* what the compiler said of a file that it took, or NULL */
	bool sandboxed;
	bool wide; /* a line of the file is too long to be shown with each message */
};

/* submission NULL: the file in the lab's folder; "reference": the kernel's. */
/* seed: of the run; with a secret of the host it says where all lies. */
void build_make(struct build *, const struct lab *, const char *submission,
    uint64_t seed);
void build_free(struct build *);

/* ---- records.c ---- */

struct mark {
	unsigned id;
	uint64_t time_ns;
	int64_t *value;
};

struct check {
	unsigned mark, what, findings;
};

struct records {
	bool keyed;
	uint8_t key[32], seal[32];
	uint32_t number;
	struct words names;
	struct mark *mark;
	size_t nmarks;
	struct check *check;
	size_t nchecks;
	struct words text;
	char *out, *err;
	size_t nout, nerr;
	bool ended;
	unsigned exit_kind, exit_value;
	size_t lost;   /* bytes outside of any frame */
	size_t broken; /* frames without a true seal */
};

void records_read(struct records *, const uint8_t *bytes, size_t n);
void records_free(struct records *);
int records_counter(const struct records *, const char *name);

/* ---- boot.c ---- */

struct boot_job {
	const struct test *test;
	const struct draw *draw;
	const char *kernel;
	int sched;      /* seed, or -1 */
	int64_t inject; /* hit, or -1 */
	double wall;    /* seconds, backstop */
	bool watched;   /* does not start without a border to watch */
	const char *gdb; /* socket on which a debugger is awaited, or NULL */
	const char *trace; /* file for its events (tools/trace/vtr.h), or NULL */
};

enum boot_end { BOOT_ENDED, BOOT_WALL, BOOT_FLOOD, BOOT_KILLED, BOOT_NOSTART };

struct boot {
	struct boot_job job;
	enum boot_end end;
	int wstatus;
	double started, seconds;
	uint8_t *rec;
	size_t nrec;
	char *log;
	size_t nlog;
	struct records records;
	struct witness witness;
	char *diag;
	/* while it runs */
	pid_t pid;
	int com1, com2, wfd, dfd;
	int border, ram; /* the witness's map, the guest's memory; -1: none */
	void *lives; /* what the emulator reads meanwhile */
	struct sink *sink; /* of the trace, or NULL */
};

bool boot_start(struct boot *, const struct boot_job *, char **why);
/* Let some boots run until one ends or the time is over; ended: their index. */
int boots_wait(struct boot **, size_t n, double seconds);
void boot_free(struct boot *);

#endif
