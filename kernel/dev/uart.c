/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.c: the serial lines COM1 (console) and COM2 (records)
 *
 * Problem   The console of an emulator without a screen, and the channel on
 *           which results leave the machine; no byte may be lost.
 *
 * Picture   uart_write ─→ wait for an empty transmitter ─→ 16 bytes to the FIFO
 *           interrupt 4 ─→ console_input
 *
 * Rules     1. Output polls: it works in a panic and before interrupts.
 *           2. The firmware of Bochs leaves the line control unset, so it is
 *              programmed here in full.
 *           3. A line that never becomes ready (no such port) is given up
 *              after a bounded wait, once and for all.
 *
 * Read next dev/console.c, channel/record.c.
 */
#include "dev/devfn.h"

#define REG_DATA 0
#define REG_IER 1
#define REG_FCR 2
#define REG_LCR 3
#define REG_MCR 4
#define REG_LSR 5

#define IER_RECEIVED 1
#define FCR_START 0xc7           /* FIFOs on and empty, interrupt at 14 bytes */
#define LCR_DIVISOR 0x80         /* DATA and IER are the divisor of 115200 baud */
#define LCR_8N1 0x03
#define MCR_START 0x0b           /* DTR, RTS, and OUT2: interrupts leave the chip */
#define LSR_READY 0x01
#define LSR_EMPTY 0x20           /* the FIFO is */
#define LSR_SENT 0x40            /* and the byte before has left */
#define FIFO_BYTES 16
#define COM1_IRQ 4
#define MAX_SPINS 50000000u
#define DRAIN_SPINS 1000000u

static struct {
	/* Rank NONE: a leaf, also taken under the log lock. */
	struct spinlock lock[2]; /* COM1, COM2 */
	bool dead[2];            /* port does not answer */
} uart = { .lock = { SPIN_INIT(LR_NONE), SPIN_INIT(LR_NONE) } };

static void uart_program(uint16_t port);
static bool uart_wait(unsigned line, uint16_t port);
static void uart_interrupt(void *arg);
static void uart_log(const char *s, size_t n);

/*
 * Program both lines, take over the log from the early console and start to
 * listen on COM1.
 *
 * Locks:    none held.
 */
void
uart_init(void)
{
	uart_program(UART_COM1);
	uart_program(UART_COM2);
	klog_add_sink(uart_log);
	md_irq_route(COM1_IRQ, uart_interrupt, NULL);
	md_out8(UART_COM1 + REG_IER, IER_RECEIVED);
}

/*
 * Send bytes as they are.
 *
 * Locks:    takes the line's lock, interrupts off meanwhile.
 * Context:  any.
 */
void
uart_write(uint16_t port, const void *buf, size_t n)
{
	unsigned line = port == UART_COM2;
	const uint8_t *p = buf;
	size_t piece;
	uint64_t flags;

	while (n > 0) {
		piece = MIN(n, FIFO_BYTES);
		flags = klog_is_emergency() ? md_irq_save() :
		    spin_lock_irq(&uart.lock[line]);
		if (uart_wait(line, port))
			md_outs8(port + REG_DATA, p, piece);
		if (klog_is_emergency())
			md_irq_restore(flags);
		else
			spin_unlock_irq(&uart.lock[line], flags);
		p += piece;
		n -= piece;
	}
}

/* Let both transmitters run dry, but for a bounded time.  Context: any, the end. */
void
uart_drain(void)
{
	static const uint16_t port[] = { UART_COM1, UART_COM2 };
	unsigned i, spins;

	for (i = 0; i < ARRAY_LEN(port); i++) {
		for (spins = 0; spins < DRAIN_SPINS; spins++) {
			if (md_in8(port[i] + REG_LSR) & LSR_SENT)
				break;
			md_pause();
		}
	}
}

/* 115200 8N1, FIFOs on, no interrupts. */
static void
uart_program(uint16_t port)
{
	md_out8(port + REG_IER, 0);
	md_out8(port + REG_LCR, LCR_DIVISOR);
	md_out8(port + REG_DATA, 1);
	md_out8(port + REG_IER, 0);
	md_out8(port + REG_LCR, LCR_8N1);
	md_out8(port + REG_FCR, FCR_START);
	md_out8(port + REG_MCR, MCR_START);
}

/* Wait until the FIFO is empty; false: the line is dead. */
static bool
uart_wait(unsigned line, uint16_t port)
{
	unsigned i;

	if (uart.dead[line])
		return false;
	for (i = 0; i < MAX_SPINS; i++) {
		if (md_in8(port + REG_LSR) & LSR_EMPTY)
			return true;
		md_pause();
	}
	uart.dead[line] = true;
	return false;
}

static void
uart_interrupt(void *arg)
{
	char buf[FIFO_BYTES];
	size_t n = 0;

	while (md_in8(UART_COM1 + REG_LSR) & LSR_READY) {
		buf[n++] = (char)md_in8(UART_COM1 + REG_DATA);
		if (n == sizeof(buf)) {
			console_input(buf, n);
			n = 0;
		}
	}
	if (n > 0)
		console_input(buf, n);
}

/* Log lines end in LF; a terminal wants CR LF. */
static void
uart_log(const char *s, size_t n)
{
	size_t i, from = 0;

	for (i = 0; i < n; i++) {
		if (s[i] != '\n')
			continue;
		uart_write(UART_COM1, s + from, i - from);
		uart_write(UART_COM1, "\r\n", 2);
		from = i + 1;
	}
	uart_write(UART_COM1, s + from, n - from);
}
