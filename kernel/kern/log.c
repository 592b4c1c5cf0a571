/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c: console ring
 *
 * Problem   Lines from anywhere, at any time, from the first instruction to a
 *           panic; to the console at once, and kept for /dev/kmsg.
 *
 * Picture   klog ─→ 256 bytes on the stack ─┬→ ring of 64 KiB ─→ klog_read, klog_line
 *           klog_text ──────────────────────┴→ sinks: COM1, screen
 *
 * Rules     1. Until a sink is added, text goes to md_early_write().
 *           2. Sinks run under the log lock, of the highest rank: they take no
 *              lock but their own, which a panic passes by, and call nothing that logs.
 *           3. With the boot option quiet only a panic reaches the sinks, and
 *              the end of the first program by a signal, which is as bad.
 *           4. A panic writes without the lock, and without those of the sinks: their
 *              holders may be stopped.
 *           5. Lines are numbered from the boot on; for the last ones a table says where
 *              in the ring they begin, when they were written, and how urgent they are.
 *
 * Read next kern/panic.c, fs/kmsg.c.
 */
#include "kern/kernfn.h"
#include "lib/errno.h"
#include "lib/string.h"

#define RING_BYTES 65536
#define LINE_BYTES 256          /* of the kernel's own */
#define MARKS 1024
#define MAXSINKS 4
#define PRIO_INFO 6u            /* of the kernel's own lines */

static struct {
	struct spinlock lock;
	uint64_t end;                 /* [lock] bytes ever written */
	char ring[RING_BYTES];        /* [lock] */
	uint64_t lines;               /* [lock] lines ever written */
	void (*sink[MAXSINKS])(const char *, size_t); /* [lock] */
	unsigned nsinks;              /* [lock] */
	bool emergency;               /* the only CPU that runs has set it */
} console = { .lock = SPIN_INIT(LR_LOG) };

/* Rule 5, by number.  [console.lock] */
static struct line_mark {
	uint64_t at, ns;
	unsigned prio;
} marks[MARKS];

static void
ring_write(const char *text, size_t n)
{
	for (; n > 0; n--)
		console.ring[console.end++ % RING_BYTES] = *text++;
}

static void
sinks_write(const char *text, size_t n)
{
	unsigned i;

	if (console.nsinks == 0)
		md_early_write(text, n);
	for (i = 0; i < console.nsinks; i++)
		console.sink[i](text, n);
}

/* n bytes, and the end of the line.  Context: any. */
static void
put_line(bool is_shown, unsigned prio, const char *line, size_t n)
{
	uint64_t flags = spin_lock_irq(&console.lock);

	marks[console.lines++ % MARKS] =
	    (struct line_mark){ console.end, md_time_ns(), prio };
	ring_write(line, n);
	ring_write("\n", 1);
	if (is_shown) {
		sinks_write(line, n);
		sinks_write("\n", 1);
	}
	spin_unlock_irq(&console.lock, flags);
}

/* Context: any. */
static void
log_line(bool is_shown, const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	size_t n = (size_t)vsnprintf(line, sizeof(line), fmt, ap);

	n = MIN(n, sizeof(line) - 1);
	put_line(is_shown, PRIO_INFO, line, n > 0 && line[n - 1] == '\n' ? n - 1 : n);
}

void
klog(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(option_u64("quiet") == 0, fmt, ap);
	va_end(ap);
}

/* The same with another urgency, as it is: a program has written it. */
void
klog_text(unsigned prio, const char *text, size_t n)
{
	ASSERT(n <= KLOG_LINE_BYTES);
	put_line(option_u64("quiet") == 0, prio, text, n);
}

/* Rule 3. */
void
klog_always(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(true, fmt, ap);
	va_end(ap);
}

void
klog_emergency(const char *text, size_t n)
{
	console.emergency = true;
	ring_write(text, n);
	sinks_write(text, n);
}

/*
 * Does a panic write?  Then the holder of a sink's lock was stopped, or is the caller:
 * nobody waits for the lock.
 *
 * Context:  any.
 */
bool
klog_is_emergency(void)
{
	return console.emergency;
}

void
klog_add_sink(void (*write)(const char *, size_t))
{
	uint64_t flags = spin_lock_irq(&console.lock);

	ASSERT(console.nsinks < MAXSINKS);
	console.sink[console.nsinks++] = write;
	spin_unlock_irq(&console.lock, flags);
}

/* Copy up to cap bytes from *pos on; overwritten bytes are skipped. */
static size_t
ring_read(uint64_t *pos, char *buf, size_t cap)
{
	uint64_t flags = spin_lock_irq(&console.lock);
	size_t n = 0;

	if (console.end > RING_BYTES)
		*pos = MAX(*pos, console.end - RING_BYTES);
	while (n < cap && *pos < console.end)
		buf[n++] = console.ring[(*pos)++ % RING_BYTES];
	spin_unlock_irq(&console.lock, flags);
	return n;
}

/* Text so far, oldest first; the lock is not held while o writes. */
void
klog_read(struct out *o)
{
	char part[LINE_BYTES];
	uint64_t pos = 0, end = atomic_load_relaxed(&console.end);
	size_t n;

	while (pos < end && (n = ring_read(&pos, part, sizeof(part))) > 0)
		o->put(o, part, n);
}

/* The number of the next line. */
uint64_t
klog_lines(void)
{
	return atomic_load_relaxed(&console.lines);
}

static bool
line_is_kept_locked(uint64_t nr)
{
	HELD(&console.lock);
	return nr + MARKS >= console.lines &&
	       marks[nr % MARKS].at + RING_BYTES >= console.end;
}

/* The oldest line that is still there. */
uint64_t
klog_first(void)
{
	uint64_t flags = spin_lock_irq(&console.lock);
	uint64_t nr = console.lines - MIN(console.lines, MARKS);

	while (nr < console.lines && !line_is_kept_locked(nr))
		nr++;
	spin_unlock_irq(&console.lock, flags);
	return nr;
}

/*
 * Line nr, without its end.
 *
 * Returns:  0, -EAGAIN: it has not been written yet, -EPIPE: it has been overwritten.
 */
int
klog_line(uint64_t nr, struct klog_line *l)
{
	uint64_t flags = spin_lock_irq(&console.lock), at, end;
	int r = nr >= console.lines ? -EAGAIN : line_is_kept_locked(nr) ? 0 : -EPIPE;

	if (r == 0) {
		at = marks[nr % MARKS].at;
		end = nr + 1 == console.lines ? console.end :
		    marks[(nr + 1) % MARKS].at;
		l->ns = marks[nr % MARKS].ns;
		l->prio = marks[nr % MARKS].prio;
		for (l->n = 0; at + 1 < end && l->n < sizeof(l->text); at++)
			l->text[l->n++] = console.ring[at % RING_BYTES];
	}
	spin_unlock_irq(&console.lock, flags);
	return r;
}
