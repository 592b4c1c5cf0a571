/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.c: the terminal of the machine: keyboard, screen, serial line
 *
 * Problem   Keys come in interrupts, as soon as a driver is up; output goes to the
 *           screen and to the serial line.
 *
 * Picture   uart, kbd ─→ raw ring ─→ work thread ─→ tty_receive()
 *           send ─→ screen.c and uart.c
 *
 * Rules     1. Interrupts only fill the raw ring.
 *           2. Output is slow; only the writing thread waits for it.
 *
 * Read next tty.c, uart.c, screen.c.
 */
#include "dev/ttydat.h"

#define RAW 1024

static void input_work(void *arg);
static size_t console_send(struct tty *t, const char *s, size_t n);
static int open_console(struct chr_dev **d, uint32_t minor, unsigned flags);
static int open_current(struct chr_dev **d, uint32_t minor, unsigned flags);

/* No room: the line takes all that comes, as fast as it can. */
static const struct tty_ops console_ops = { .send = console_send };

static const struct chr_ops tty_chr_ops = { .read = tty_read,
	.write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl,
	.open = open_console };
static const struct chr_ops current_chr_ops = { .open = open_current };
static const struct chr_ops console_chr_ops = { .read = tty_read,
	.write = tty_write, .poll = tty_poll, .ioctl = tty_ioctl };

static struct chr_dev nodes[];

static struct {
	struct tty tty;
	struct spinlock lock;    /* LR_DEV, irq; the ring */
	char raw[RAW];           /* from the interrupt */
	unsigned head, n;
	struct work input;       /* raw → line discipline */
} console = {
	.lock = SPIN_INIT(LR_DEV),
	.input = WORK_INIT(console.input, input_work),
};

static struct chr_dev nodes[] = {
	{ .name = "tty", .major = 5, .minor = 0, .mode = 0666,
	  .ops = &current_chr_ops },
	{ .name = "console", .major = 5, .minor = 1, .mode = 0600,
	  .ops = &console_chr_ops, .dev = &console.tty },
	{ .name = "ttyS0", .major = 4, .minor = 64, .mode = 0660,
	  .ops = &tty_chr_ops, .dev = &console.tty },
};

void
console_init(void)
{
	unsigned i;

	tty_setup(&console.tty, &console_ops, &nodes[2]);
	console.tty.ws = (struct winsize){ 24, 80, 0, 0 };
	for (i = 0; i < ARRAY_LEN(nodes); i++)
		chr_register(&nodes[i]);
}

/*
 * Bytes from a keyboard or line; what does not fit is dropped.
 *
 * Locks:    takes the ring's lock.
 * Context:  interrupt.
 */
void
console_input(const char *s, size_t n)
{
	uint64_t flags = spin_lock_irq(&console.lock);

	for (; n > 0 && console.n < RAW; n--)
		console.raw[(console.head + console.n++) % RAW] = *s++;
	spin_unlock_irq(&console.lock, flags);
	work_queue(&console.input);
}

/* Take the raw bytes through the discipline, one at a time. */
static void
input_work(void *arg)
{
	uint64_t flags;
	char c;

	for (;;) {
		flags = spin_lock_irq(&console.lock);
		if (console.n == 0) {
			spin_unlock_irq(&console.lock, flags);
			return;
		}
		c = console.raw[console.head];
		console.head = (console.head + 1) % RAW;
		console.n--;
		spin_unlock_irq(&console.lock, flags);
		(void)tty_receive(&console.tty, &c, 1);
	}
}

static size_t
console_send(struct tty *t, const char *s, size_t n)
{
	screen_write(s, n);
	uart_write(UART_COM1, s, n);
	return n;
}

static int
open_console(struct chr_dev **d, uint32_t minor, unsigned flags)
{
	if (!tty_may_open(&console.tty))
		return -EBUSY;
	tty_opened(&console.tty, flags);
	return 0;
}

/* /dev/tty is the terminal of the caller's session, if it has one. */
static int
open_current(struct chr_dev **d, uint32_t minor, unsigned flags)
{
	struct tty *t = tty_current();
	int r;

	if (t == NULL)
		return -ENXIO;
	*d = t->chr;
	r = t->chr->ops->open(d, t->chr->minor, flags | O_NOCTTY);
	tty_put(t);
	return r;
}
