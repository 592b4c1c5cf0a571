/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c: console ring
 *
 * Problem   Lines from anywhere, at any time, from the first instruction to a
 *           panic; to the console at once, and kept for /dev/kmsg.
 *
 * Picture   klog ─→ 256 bytes on the stack ─→ ring of 64 KiB ─→ klog_read
 *                                          └→ sinks: COM1, screen
 *
 * Rules     1. Until a sink is added, text goes to md_early_write().
 *           2. Sinks run under the log lock, of the highest rank: they take no
 *              lock but their own, which a panic passes by, and call nothing that logs.
 *           3. With the boot option quiet only a panic reaches the sinks, and
 *              what is as bad: the end of the first program by a signal.
 *           4. A panic writes without the lock, and without those of the sinks: their
 *              holders may be stopped.
 *
 * Read next kern/panic.c.
 */
#include "kern/kernfn.h"
#include "lib/string.h"

#define RING_BYTES 65536
#define LINE_BYTES 256
#define MAXSINKS 4

static struct {
	struct spinlock lock;
	uint64_t end;                 /* [lock] bytes ever written */
	char ring[RING_BYTES];        /* [lock] */
	void (*sink[MAXSINKS])(const char *, size_t); /* [lock] */
	unsigned nsinks;              /* [lock] */
	bool emergency;               /* the only CPU that runs has set it */
} console = { .lock = SPIN_INIT(LR_LOG) };

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

/* Context: any. */
static void
log_line(bool is_shown, const char *fmt, va_list ap)
{
	char line[LINE_BYTES + 1];
	size_t n = (size_t)vsnprintf(line, LINE_BYTES, fmt, ap);
	uint64_t flags;

	n = MIN(n, (size_t)LINE_BYTES - 1);
	if (n == 0 || line[n - 1] != '\n')
		line[n++] = '\n';
	flags = spin_lock_irq(&console.lock);
	ring_write(line, n);
	if (is_shown)
		sinks_write(line, n);
	spin_unlock_irq(&console.lock, flags);
}

void
klog(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(option_u64("quiet") == 0, fmt, ap);
	va_end(ap);
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
 * Does a panic write?  Who has the lock of a sink was stopped then, or has called
 * us: nobody waits for it.
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

/* Copy up to cap bytes from *pos on; what was overwritten is passed over. */
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
