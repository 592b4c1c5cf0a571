/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * earlycon.c: COM1 by polling, and the ports
 *
 * Problem   Say something before there are drivers, and after everything has
 *           failed.
 *
 * Rules     1. The line is programmed here: firmware may leave it undefined
 *              (Bochs's does), and a UART without line control sends nothing.
 *           2. The wait for a UART that does not become ready ends after a
 *              while: a panic must come to its end.
 *
 * Read next dev/uart.c
 */
#include "amd64/amd64.h"

enum {
	COM1 = 0x3f8, UART_IER = 1, UART_FCR = 2, UART_LCR = 3, UART_MCR = 4,
	UART_LSR = 5, LSR_THRE = 0x20, LSR_TEMT = 0x40,
	LCR_DLAB = 0x80, LCR_8N1 = 3,
	READY_TRIES = 200000
};

/* 115200 baud, 8N1, FIFOs on, no interrupts. */
void
earlycon_init(void)
{
	md_out8(COM1 + UART_IER, 0);
	md_out8(COM1 + UART_LCR, LCR_DLAB | LCR_8N1);
	md_out8(COM1, 1);
	md_out8(COM1 + 1, 0);
	md_out8(COM1 + UART_LCR, LCR_8N1);
	md_out8(COM1 + UART_FCR, 7);
	md_out8(COM1 + UART_MCR, 3);
}

static void
put(char c)
{
	int tries;

	for (tries = READY_TRIES; tries > 0; tries--)
		if ((md_in8(COM1 + UART_LSR) & LSR_THRE) != 0)
			break;
	md_out8(COM1, (uint8_t)c);
}

/*
 * Text to COM1; lines end in LF, and a terminal wants CR LF.
 *
 * Locks:    none; lines of two CPUs may mix.
 */
void
md_early_write(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '\n')
			put('\r');
		put(s[i]);
	}
}

/* Wait until the last bit is on the wire: an emulator's end would cut it. */
void
earlycon_drain(void)
{
	int tries;

	for (tries = READY_TRIES; tries > 0; tries--)
		if ((md_in8(COM1 + UART_LSR) & LSR_TEMT) != 0)
			break;
}

/* ---- ports ---- */

uint8_t
md_in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %w1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

uint16_t
md_in16(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %w1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

uint32_t
md_in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %w1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

void
md_out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %w1" : : "a"(v), "Nd"(port));
}

void
md_out16(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %w1" : : "a"(v), "Nd"(port));
}

void
md_out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %w1" : : "a"(v), "Nd"(port));
}

void
md_outs8(uint16_t port, const void *buf, size_t n)
{
	__asm__ volatile("rep outsb" : "+S"(buf), "+c"(n) : "d"(port)
	    : "memory");
}

void
md_ins16(uint16_t port, void *buf, size_t n)
{
	__asm__ volatile("rep insw" : "+D"(buf), "+c"(n) : "d"(port)
	    : "memory");
}

void
md_outs16(uint16_t port, const void *buf, size_t n)
{
	__asm__ volatile("rep outsw" : "+S"(buf), "+c"(n) : "d"(port)
	    : "memory");
}
