/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracer.h: how a trace leaves the machine; shared by kernel and host tools
 *
 * Offers    the layout of the memory that both see (boot word trace=shm) and
 *           the frames on the debug port (trace=debugcon).
 *
 * Memory: this header, the dictionary as text ("10 page.state pfn:u,…\n"), and
 * from TRACESHM_HEAD on a ring of records of 40 bytes, struct vtr_rec, whose
 * first word, never 0, is written last by the guest and cleared by the host.
 *
 * Port 0xe9: SLIP frames, an END before and behind, of a letter, bytes, and
 * their CRC-16 (polynomial 1021, start ffff, high byte first).  'R': a record,
 * 'D': a piece of the dictionary.
 */
#ifndef CHANNEL_TRACER_H
#define CHANNEL_TRACER_H

#include <stdint.h>

#define TRACESHM_MAGIC 0x314d485352545600ul
#define TRACESHM_HEAD 16384u
#define TRACESHM_TEXT 256u

struct traceshm {
	uint64_t magic;         /* host, before the machine starts */
	uint64_t slots;         /* host: records in the ring, a power of two */
	uint64_t rsv0[6];
	uint64_t head;          /* guest: records ever put here */
	uint64_t lost;          /* guest: found the ring full */
	uint64_t text;          /* guest: bytes of dictionary, written last */
	uint64_t rsv1[5];
	uint64_t tail;          /* host: records taken */
	uint64_t rsv2[7];
};

enum { SLIP_END = 0xc0, SLIP_ESC = 0xdb, SLIP_ESC_END = 0xdc,
	SLIP_ESC_ESC = 0xdd };

#endif
