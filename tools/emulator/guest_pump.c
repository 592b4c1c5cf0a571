/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_pump.c: bytes between a machine and the world
 *
 * Problem   Two serial lines, two outputs, a terminal, signals and a time
 *           limit, none of which may block the others.
 *
 * Picture   COM1 ─→ log, log file, stderr (-v), terminal
 *           COM2 ─→ record.c ─→ queues ─→ stdout, stderr
 *           shared memory, debug port ─→ tracesink.c
 *           terminal ─→ queue ─→ COM1
 *
 * Rules     1. One poll loop; a queue is written at most PIPE_BUF at a time,
 *              which a ready pipe takes without blocking.
 *           2. The log keeps its last megabyte.
 *
 * Read next tools/emulator/guestlib.c draws the conclusions.
 */
#include "guest_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH 4096u
#define TRACE_MS 10 /* the ring is looked at as often */
#define LOG_KEEP (1u << 20)
#define GRACE_SECONDS 10
#define ESCAPE 0x01 /* Ctrl-A */

static size_t drain_port(struct pump *p);
static void on_record(
    void *arg, enum record_type type, const uint8_t *b, size_t n);
static void on_console(struct pump *, const uint8_t *, size_t);
static void on_terminal(struct pump *);
static void log_add(struct pump *, const uint8_t *, size_t);
static void grace(struct pump *, double seconds);
static size_t drain(int *fd, struct pump *, bool console);
static bool pump_once(struct pump *);
static const char *log_line(const struct pump *, const char *prefix);
static void queue_put(struct queue *, const void *, size_t);
static bool queue_write(struct pump *, struct queue *);
static void output_gone(struct pump *);
static double now(void);

void
pump_init(struct pump *p, const struct guest_job *job, struct machine *m,
    const sigset_t *signals)
{
	memset(p, 0, sizeof *p);
	p->job = job;
	p->machine = m;
	p->records.data = on_record;
	p->records.arg = p;
	p->out.fd = job->out;
	p->err.fd = job->err;
	p->con.fd = m->keys;
	p->sigfd = signalfd(-1, signals, SFD_CLOEXEC);
	if (job->timeout > 0)
		p->deadline = now() + job->timeout;
}

void
pump_run(struct pump *p)
{
	bool console_open = p->job->out >= 0;

	while (pump_once(p))
		;
	if (p->ended == PUMP_SIGNAL || p->ended == PUMP_OUTPUT)
		return;
	/* The machine is gone; its last bytes may still wait for a reader. */
	while (console_open && (p->out.len > 0 || p->err.len > 0)) {
		if (queue_write(p, &p->out) && queue_write(p, &p->err))
			continue;
		if (p->error != EPIPE)
			p->ended = PUMP_OUTPUT;
		console_open = false;
	}
}

void
pump_free(struct pump *p)
{
	close(p->sigfd);
	free(p->log);
	free(p->out.buf);
	free(p->err.buf);
	free(p->con.buf);
}

enum {
	PF_SIG,
	PF_COM1,
	PF_COM2,
	PF_OUT,
	PF_ERR,
	PF_TTY,
	PF_CON,
	PF_WATCH,
	PF_PORT,
	PF_COUNT
};

/* One round of poll.  False: p->ended is set. */
static bool
pump_once(struct pump *p)
{
	struct machine *m = p->machine;
	struct signalfd_siginfo si;
	bool tty = p->job->interactive && p->con.len == 0;
	struct pollfd f[PF_COUNT] = {
		[PF_SIG] = { p->sigfd, POLLIN, 0 },
		[PF_COM1] = { m->com1, POLLIN, 0 },
		[PF_COM2] = { m->com2, POLLIN, 0 },
		[PF_OUT] = { p->out.len > 0 ? p->out.fd : -1, POLLOUT, 0 },
		[PF_ERR] = { p->err.len > 0 ? p->err.fd : -1, POLLOUT, 0 },
		[PF_TTY] = { tty ? 0 : -1, POLLIN, 0 },
		[PF_CON] = { p->con.len > 0 ? m->keys : -1, POLLOUT, 0 },
		[PF_WATCH] = { m->watch, POLLIN, 0 },
		[PF_PORT] = { m->port, POLLIN, 0 },
	};
	double left = p->deadline - now();
	size_t took = BATCH;
	int ms = p->deadline == 0 ? -1 : left <= 0 ? 0 : (int)(left * 1000) + 1;

	p->ended = PUMP_EOF;
	if (m->com1 < 0 && m->com2 < 0 && m->port < 0)
		return false;
	/* The ring in shared memory cannot wake us. */
	if (m->sink != NULL && m->port < 0 && sink_drain(m->sink) > 0)
		ms = 0;
	else if (m->sink != NULL && (ms < 0 || ms > TRACE_MS))
		ms = TRACE_MS;
	if (poll(f, PF_COUNT, ms) < 0 && errno != EINTR)
		return false;
	if (f[PF_SIG].revents != 0 &&
	    read(p->sigfd, &si, sizeof si) == sizeof si) {
		p->signal = si.ssi_signo;
		p->ended = PUMP_SIGNAL;
		return false;
	}
	if (f[PF_WATCH].revents != 0) {
		p->ended = PUMP_QUIT;
		return false;
	}
	if (f[PF_PORT].revents != 0)
		took = drain_port(p);
	if (f[PF_COM2].revents != 0)
		took = drain(&m->com2, p, false);
	if (f[PF_COM1].revents & (POLLIN | POLLHUP | POLLERR))
		drain(&m->com1, p, true);
	if (f[PF_TTY].revents != 0)
		on_terminal(p);
	if ((f[PF_OUT].revents != 0 && !queue_write(p, &p->out)) ||
	    (f[PF_ERR].revents != 0 && !queue_write(p, &p->err))) {
		output_gone(p);
		return false;
	}
	if (f[PF_CON].revents != 0)
		queue_write(p, &p->con);
	/* The guest sends single bytes: do not wake up for each. */
	if (took < BATCH)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	if (p->ended == PUMP_EOF && p->deadline != 0 && now() >= p->deadline)
		p->ended = p->records.ended ? PUMP_EOF : PUMP_TIMEOUT;
	else if (p->ended == PUMP_EOF)
		return true;
	return false;
}

/* Take what a serial line has.  At its end the descriptor becomes -1. */
static size_t
drain(int *fd, struct pump *p, bool console)
{
	uint8_t buf[65536];
	ssize_t n = read(*fd, buf, sizeof buf);

	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return BATCH;
	}
	if (console) {
		on_console(p, buf, n);
	} else {
		record_feed(&p->records, buf, n);
		if (p->records.ended)
			grace(p, GRACE_SECONDS);
	}
	return n;
}

/* What Bochs says itself is between the frames. */
static void
on_words(void *arg, const uint8_t *b, size_t n)
{
	const struct pump *p = arg;
	ssize_t done = write(p->machine->diag, b, n);

	(void)done;
}

static size_t
drain_port(struct pump *p)
{
	struct machine *m = p->machine;
	uint8_t buf[65536];
	ssize_t n = read(m->port, buf, sizeof buf);

	if (n > 0) {
		sink_bytes(m->sink, buf, (size_t)n, on_words, p);
		return n;
	}
	close(m->port);
	m->port = -1;
	return BATCH;
}

static void
on_record(void *arg, enum record_type type, const uint8_t *b, size_t n)
{
	struct pump *p = arg;

	switch (type) {
	case RECORD_STDOUT:
		queue_put(&p->out, b, n);
		return;
	case RECORD_STDERR:
		queue_put(&p->err, b, n);
		return;
	case RECORD_MARK:
		if (p->machine->log != NULL)
			fwrite(b, 1, n, p->machine->log);
		return;
	case RECORD_EXIT:
		return;
	}
}

static void
on_console(struct pump *p, const uint8_t *b, size_t n)
{
	p->log_total += n;
	if (p->job->interactive)
		queue_put(&p->out, b, n);
	log_add(p, b, n);
	if (p->deadline != 0 && p->deadline - now() <= GRACE_SECONDS)
		return;
	if (pump_refused(p) != NULL) /* it halts, and never ends the machine */
		grace(p, 0.2);
	else if (pump_panic(p) != NULL)
		grace(p, GRACE_SECONDS);
}

/* The kernel is done; its machine gets a moment to end, not for ever. */
static void
grace(struct pump *p, double seconds)
{
	double d = now() + seconds;

	if (p->deadline == 0 || d < p->deadline)
		p->deadline = d;
}

/* Keys go to the guest, but for Ctrl-A x, and Ctrl-A Ctrl-A for itself. */
static void
on_terminal(struct pump *p)
{
	uint8_t b[256], c;
	ssize_t i, n = read(0, b, sizeof b);

	if (n <= 0)
		p->ended = PUMP_QUIT;
	for (i = 0; i < n; i++) {
		c = b[i];
		if (!p->escape && c == ESCAPE) {
			p->escape = true;
			continue;
		}
		if (p->escape && (c == 'x' || c == 'X'))
			p->ended = PUMP_QUIT;
		p->escape = false;
		queue_put(&p->con, &c, 1);
	}
}

static void
log_add(struct pump *p, const uint8_t *b, size_t n)
{
	size_t i;

	if (p->log == NULL && (p->log = malloc(2 * LOG_KEEP + 65537)) == NULL)
		abort();
	for (i = 0; i < n; i++) {
		if (b[i] == '\r' || b[i] == '\0')
			continue;
		p->log[p->log_len++] = b[i];
		if (p->machine->log != NULL)
			fputc(b[i], p->machine->log);
		if (p->job->verbose)
			fputc(b[i], stderr);
	}
	if (p->machine->log != NULL)
		fflush(p->machine->log);
	if (p->log_len > 2 * LOG_KEEP) {
		memmove(p->log, p->log + p->log_len - LOG_KEEP, LOG_KEEP);
		p->log_len = LOG_KEEP;
	}
	p->log[p->log_len] = '\0';
}

const char *
pump_panic(const struct pump *p)
{
	return log_line(p, "PANIC:");
}

const char *
pump_refused(const struct pump *p)
{
	return log_line(p, "vadose: cannot start:");
}

/* From the first line that begins with prefix, perhaps after a time stamp. */
static const char *
log_line(const struct pump *p, const char *prefix)
{
	const char *s = p->log, *hit, *line;

	while (s != NULL && (hit = strstr(s, prefix)) != NULL) {
		line = hit;
		while (line > p->log && line[-1] != '\n')
			line--;
		if (line == hit || *line == '[')
			return hit;
		s = hit + 1;
	}
	return NULL;
}

const char *
pump_tail(const struct pump *p)
{
	const char *s;
	int lines = 0;

	if (p->log == NULL)
		return "(none)";
	for (s = p->log + p->log_len; s > p->log; s--)
		if (s[-1] == '\n' && ++lines > 12)
			break;
	return s;
}

static void
queue_put(struct queue *q, const void *b, size_t n)
{
	if (q->fd < 0)
		return;
	if (q->len == 0)
		q->start = 0;
	if (q->start + q->len + n > q->cap) {
		memmove(q->buf, q->buf + q->start, q->len);
		q->start = 0;
		if (q->len + n > q->cap) {
			q->cap = 2 * (q->len + n);
			q->buf = realloc(q->buf, q->cap);
			if (q->buf == NULL)
				abort();
		}
	}
	memcpy(q->buf + q->start + q->len, b, n);
	q->len += n;
}

/* The reader is gone, as in "| head", or there is no room for what it wants. */
static void
output_gone(struct pump *p)
{
	p->signal = SIGPIPE;
	p->ended = p->error == EPIPE ? PUMP_SIGNAL : PUMP_OUTPUT;
}

/* Write a piece.  False: p->error is why nothing more can be written. */
static bool
queue_write(struct pump *p, struct queue *q)
{
	size_t n = q->len < PIPE_BUF ? q->len : PIPE_BUF;
	ssize_t r;

	if (q->fd < 0 || n == 0) {
		q->len = 0;
		return true;
	}
	r = write(q->fd, q->buf + q->start, n);
	if (r < 0 && errno != EINTR && errno != EAGAIN) {
		p->error = errno;
		q->fd = -1;
		q->len = 0;
		return false;
	}
	if (r > 0) {
		q->start += r;
		q->len -= r;
	}
	return true;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}
