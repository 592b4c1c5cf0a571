/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel.h: what leaves the machine for tools and for the grader
 *
 * Offers    the end of the machine with an exit status; in graded boots
 *           marks, results of checks and lines of text.
 * Needs     dev/, kern/.
 * Sleeps?   Yes, where it says so.
 * In interrupts?  Never.
 */
#ifndef CHANNEL_CHANNEL_H
#define CHANNEL_CHANNEL_H

#include "dev/dev.h"

void channel_init(void);               /* after dev_init(): COM2, trace= */

/* record.c: how the command ended ({kind, value}, tools/emulator/guestlib.h); powers off. */
void record_exit(uint8_t kind, uint8_t value) NORETURN;
/* graded.c: boots that somebody outside judges. */
#define GRADED_LAST_MARK 256u /* made when process 1 has ended */
enum graded_check { GRADED_VM = 1, GRADED_LEAK = 2 };
bool graded_boot(void);
void graded_check(enum graded_check, unsigned mark, unsigned findings);
void graded_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
