/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracefile.c: the trace rings as a file
 *
 * Problem   cat /proc/vm/trace >F, and tools/vtr on any host must know what F
 *           says, though the events have other numbers in each kernel.
 *
 * Picture   head │ dictionary: id, name, fields │ records, oldest first
 *                        └ summed first, so that the head can say so
 *
 * Rules     1. The head does not say how many records follow: while they are
 *              read, others are overwritten.  vtr counts them itself.
 *           2. Reading the file makes new records, too; the file has only those
 *              that were there when the read began.
 *
 * Read next kern/trace.c has the rings, tools/trace/vtr.h the format.
 */
#include "kern/kernfn.h"
#include "lib/hash.h"
#include "mem/mem.h"

#define PIECE_BYTES 640ul /* on the stack */

struct head {
	char magic[8];
	uint32_t version, start, record, cpus;
	uint64_t memory, records, lost;
	uint32_t text, flags, crc, zero;
};

_Static_assert(sizeof(struct head) == 64, "tools/trace/vtr.h");

/* A sink that only sums. */
struct sum {
	struct out out;
	uint32_t crc, bytes;
};

static void
sum_put(struct out *out, const char *text, size_t n)
{
	struct sum *s = CONTAINER_OF(out, struct sum, out);

	s->crc = crc32(s->crc, text, n);
	s->bytes += (uint32_t)n;
}

static void
put_dictionary(struct out *o)
{
	const struct ev_row *row;

	for (row = ev_rows; row < ev_rows + EV_COUNT; row++) {
		if (row->kind == EVK_TRACE || row->kind == EVK_BOTH)
			out_printf(o, "%02x %s %s\n", row->id, row->name,
			    row->args);
	}
}

static void
put_head(struct out *o)
{
	struct head h = { .magic = "VADOSVTR", .version = 1,
		.record = EV_TRACE_BYTES, .cpus = md_ncpus() };
	struct sum text = { .out.put = sum_put }, all = text;
	struct phys_stat s;

	phys_stat(&s);
	h.memory = s.total << PAGE_SHIFT;
	put_dictionary(&text.out);
	h.text = text.bytes;
	h.start = (uint32_t)sizeof(h) + h.text;
	sum_put(&all.out, (const char *)&h, offsetof(struct head, crc));
	put_dictionary(&all.out);
	h.crc = all.crc;
	o->put(o, (const char *)&h, sizeof(h));
}

/* Records that follow, a page of them at most.  Bytes; 0: the end. */
static size_t
put_records(struct ev_cursor *c, struct out *o)
{
	uint64_t piece[PIECE_BYTES / sizeof(uint64_t)];
	size_t n, sum = 0;

	do {
		n = ev_trace_read(c, piece, sizeof(piece));
		o->put(o, (const char *)piece, n);
		sum += n;
	} while (n != 0 && sum <= PAGE_SIZE - sizeof(piece));
	return sum;
}

/*
 * /proc/vm/trace from *at on, a struct ev_trace_place: the entries that the rings
 * had when *at was 0.
 *
 * Locks:    none needed.
 * Returns:  1; 0: there is nothing any more.
 */
int
ev_trace_next(uint64_t *at, struct out *o)
{
	struct ev_trace_place *place = CONTAINER_OF(at, struct ev_trace_place, at);

	if ((*at)++ > 0)
		return put_records(&place->cursor, o) > 0;
	ev_trace_begin(&place->cursor, UINT64_MAX);
	put_head(o);
	put_dictionary(o);
	return 1;
}
