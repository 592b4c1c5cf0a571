/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devfn.h: functions shared by the files of kernel/dev/
 */
#ifndef DEV_DEVFN_H
#define DEV_DEVFN_H

#include "dev/dev.h"

/* uart.c: COM1 and COM2 */
#define UART_COM1 0x3f8

void uart_init(void);
void uart_drain(void);

/* screen.c: 80×25 VGA text with the escape sequences that vi and less use */
void screen_init(void);
void screen_write(const char *s, size_t n);

/* kbd.c */
void kbd_init(void);

/* console.c */
void console_init(void);
void console_input(const char *s, size_t n); /* in interrupt: from uart, kbd */

/* pty.c */
void pty_init(void);

/* memdev.c, power.c */
void memdev_init(void);
void power_init(void);

#endif
