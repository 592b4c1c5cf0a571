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
 *           2. Making the file leaves records too; there is a most.
 *
 * Read next kern/trace.c has the rings, tools/trace/vtr.h the format.
 */
#include "kern/kernfn.h"
#include "lib/hash.h"
#include "mem/mem.h"

#define RECORDS_MAX 65536u /* what one file of /proc holds */

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

/*
 * What the rings have now, for /proc/vm/trace.
 *
 * Locks:    none; may sleep.
 */
void
ev_trace_show(struct out *o)
{
	void *page = kmem_alloc(PAGE_SIZE);
	struct ev_cursor cursor;
	size_t n, sum;

	ev_trace_begin(&cursor, RECORDS_MAX / 2 / md_ncpus());
	put_head(o);
	put_dictionary(o);
	for (sum = 0; page != NULL && sum < RECORDS_MAX * EV_TRACE_BYTES; sum += n) {
		n = ev_trace_read(&cursor, page, PAGE_SIZE);
		if (n == 0)
			break;
		o->put(o, page, n);
	}
	kmem_free(page);
}
