/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtr.h: traces of a run on the host
 *
 * Offers    the file format, reading it, and the questions asked of a trace.
 *
 * A .vtr file, all numbers little endian:
 *
 *   0  "VADOSVTR"             32 u64 records
 *   8  u32 version: 1         40 u64 lost: what the guest could not send
 *  12  u32 where records are  48 u32 bytes of dictionary
 *  16  u32 bytes of a record  52 u32 flags: 1 = the run was seen to its end
 *  20  u32 CPUs               56 u32 CRC-32 of bytes 0…55 and the dictionary
 *  24  u64 bytes of memory    60 u32 0
 *  64  dictionary: a line for each event, "10 page.state pfn:u,change:x,…":
 *      id in hexadecimal, name, up to four fields (x: hexadecimal)
 *   …  zeros, then records as the kernel wrote them, struct vtr_rec
 *
 * Records of several CPUs may be out of order: seq is the order, from 1 on with
 * no gap but what was lost.  An event with more than two fields is two records
 * of one CPU, the second with id | VTR_MORE.
 */
#ifndef TOOLS_VTR_H
#define TOOLS_VTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VTR_MAGIC "VADOSVTR"
#define VTR_VERSION 1u
#define VTR_START 16384u /* where our files have their records */
#define VTR_MORE 0x8000u
#define VTR_IDS 256u
#define VTR_FIELDS 4u
#define VTR_MAXCPU 64u
#define VTR_ENDED 1u

struct vtr_head {
	char magic[8];
	uint32_t version, start, record, cpus;
	uint64_t memory, records, lost;
	uint32_t text, flags, crc, zero;
};

struct vtr_rec {
	uint64_t seq, tsc;
	uint32_t pid;
	uint16_t id;
	uint8_t cpu, design;
	uint64_t a, b;
};

/* A row of the dictionary. */
struct vtr_kind {
	char *name; /* NULL: no such event */
	unsigned nfields;
	char *field[VTR_FIELDS];
	bool hex[VTR_FIELDS];
};

struct vtr_event {
	uint64_t seq, tsc;
	uint64_t place; /* of the record in the file, from 0 */
	uint32_t pid;
	uint8_t id, cpu;
	uint8_t design; /* of the thread's space: its number + 1; 0: none */
	bool gap;  /* records are missing before it */
	bool half; /* its second record is missing */
	uint64_t v[VTR_FIELDS];
};

struct vtr {
	struct vtr_head head;
	struct vtr_kind kind[VTR_IDS];
	struct vtr_event *event;
	size_t n;
	uint64_t lost; /* gaps in the numbers, all together */
	char *text;
};

/* ---- vtrfile.c ---- */

/* NULL, or what is wrong with the file, malloc'd; vtr_free() in both cases. */
char *vtr_load(struct vtr *, const char *path);
void vtr_free(struct vtr *);
/* The first VTR_START bytes of a file: magic, version and CRC are filled in. */
bool vtr_write_head(FILE *, struct vtr_head *, const char *dictionary);
/* The id of an event, or -1. */
int vtr_id(const struct vtr *, const char *name);
/* The value of a field, 0 where the event has no such field. */
uint64_t vtr_field(
    const struct vtr *, const struct vtr_event *, const char *field);
bool vtr_has(const struct vtr *, const struct vtr_event *, const char *field);

/* ---- vtrshow.c ---- */

/* One line: number, CPU, process, name, field=value …; no newline. */
void vtr_show(FILE *, const struct vtr *, const struct vtr_event *);
/* The value of one field: a number, a word of a table, a state … */
void vtr_show_field(
    FILE *, const struct vtr *, const struct vtr_event *, unsigned field);
/* vtr_show(), malloc'd. */
char *vtr_text(const struct vtr *, const struct vtr_event *);
const char *vtr_state_name(unsigned state);

/* ---- vtrperfetto.c ---- */

/* Is it an event that is asked for? */
typedef bool vtr_want(const struct vtr *, const struct vtr_event *);
/* The events that are wanted, as JSON that Perfetto and chrome://tracing open. */
void vtr_perfetto(FILE *, const struct vtr *, vtr_want *);

/* ---- vtrdiff.c ---- */

struct vtr_parting {
	bool parted;
	uint32_t pid; /* of the first trace */
	/* The first event of each that the other has not; NULL: it ended. */
	const struct vtr_event *a, *b;
	const char *why;
};

/* Where two runs part, process by process; pages by first appearance. */
struct vtr_parting vtr_diff(
    const struct vtr *a, const struct vtr *b, vtr_want *want);
vtr_want vtr_teaches; /* faults, forks, maps: what a learner's code decides */

/* ---- vtrcheck.c ---- */

struct vtr_finding {
	const struct vtr_event *event; /* NULL: none is bad */
	char rule[160];
};

/* Walk the trace; the first event that breaks a rule. */
struct vtr_finding vtr_check(const struct vtr *);

#endif
