/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channelfn.h: functions shared by the files of kernel/channel/
 */
#ifndef CHANNEL_CHANNELFN_H
#define CHANNEL_CHANNELFN_H

#include "channel/channel.h"

/* record.c */
void record_init(void);
/* Frames on COM2; tools/emulator/guestlib.h and grading/boot/records.c have them, too. */
enum record_type {
	RECORD_STDOUT = 1, RECORD_STDERR = 2, RECORD_EXIT = 3, RECORD_MARK = 4,
	RECORD_HELLO = 5, RECORD_CHECK = 6, RECORD_TEXT = 7, RECORD_SEAL = 9
};
/* Send one whole.  Sleeps; no spin lock held. */
void record_frame(enum record_type, const void *buf, size_t n);
/* graded.c */
#define GRADED_SEAL 32u
void graded_init(void);
void watch_init(void); /* watch.c */
size_t graded_seal(const uint8_t head[4], const void *payload, size_t n,
    uint8_t *out);
void tracer_init(void); /* tracer.c */

#endif
