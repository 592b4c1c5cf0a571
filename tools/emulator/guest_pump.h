/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_pump.h: bytes between a machine and the world (private to the library)
 */
#ifndef TOOLS_GUEST_PUMP_H
#define TOOLS_GUEST_PUMP_H

#include <signal.h>
#include <stdio.h>

#include "guestlib.h"

enum pump_end { PUMP_EOF, PUMP_TIMEOUT, PUMP_SIGNAL, PUMP_QUIT, PUMP_OUTPUT };

/* Bytes that wait for a reader. */
struct queue {
	uint8_t *buf;
	size_t start, len, cap;
	int fd; /* -1: nobody reads any more */
};

struct pump {
	const struct guest_job *job;
	struct machine *machine;
	struct record_reader records;
	struct queue out, err, con;
	char *log; /* last part of COM1, NUL-terminated */
	size_t log_len;
	size_t log_total; /* bytes of COM1 so far */
	double deadline; /* of the monotonic clock, 0: none */
	int sigfd;
	int signal;  /* with PUMP_SIGNAL */
	int error;   /* errno, with PUMP_OUTPUT */
	bool escape; /* Ctrl-A was typed */
	enum pump_end ended;
};

void pump_init(struct pump *, const struct guest_job *, struct machine *,
    const sigset_t *signals);
/* Until both serial lines are closed, or something else ends it: p->ended. */
void pump_run(struct pump *);
void pump_free(struct pump *);
/* The panic text in the log, or NULL. */
const char *pump_panic(const struct pump *);
/* The kernel's own "cannot start", or NULL. */
const char *pump_refused(const struct pump *);
/* The last lines of the log. */
const char *pump_tail(const struct pump *);
/*
 * Image and job as archives. Returns NULL, or the name of the file that
 * could not be read (errno).
 */
const char *pump_job_archive(struct newc *, const struct guest_job *);

#endif
