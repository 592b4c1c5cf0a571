/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracer.c: the whole trace leaves the machine
 *
 * Problem   The rings of kern/trace.c forget; a picture, a comparison or a
 *           checker needs every record of a run, also of one that ends in a
 *           panic or does not end at all.
 *
 * Picture   ev_trace  ─→ ring of the CPU
 *                └─→ put() ─→ trace=shm       ring that the host sees (QEMU)
 *                          └→ trace=debugcon  frames on port 0xe9 (Bochs)
 *
 * Rules     1. put() runs with interrupts off under any lock of anybody: it
 *              takes none that has a rank, and waits for nobody for long.
 *           2. A record that finds no room is dropped and counted; the host
 *              also sees the gap in the numbers.
 *           3. Records of several CPUs may change places; their numbers order
 *              them.
 *
 * Read next channel/tracer.h, kern/trace.c, tools/trace/tracesink.c.
 */
#include "channel/tracer.h"
#include "channel/channelfn.h"
#include "dev/pci.h"
#include "kern/kern.h"
#include "mem/mem.h"

#define VENDOR_IVSHMEM 0x1af4
#define DEVICE_IVSHMEM 0x1110
#define REG_BAR2 0x18            /* 64 bits: the shared memory */
#define PORT_DEBUGCON 0xe9
#define REC_WORDS (EV_TRACE_BYTES / 8)
#define PATIENCE 1000000         /* pauses for another CPU's frame */
#define FRAME_BYTES (2 * (EV_TRACE_BYTES + 2) + 3)

static struct {
	struct traceshm *shm;    /* [c] NULL: none */
	uint64_t slots;          /* [c] */
	uint64_t (*rec)[REC_WORDS]; /* [A] the ring */
	uint32_t busy;           /* [A] somebody sends a frame */
} tracer;

static void find_shm(const struct pci_dev *d);
static void use_shm(void *at);
static void use_debugcon(void);
static void put_shm(const void *rec);
static void put_debugcon(const void *rec);

/*
 * Open the way out that the boot words name.
 *
 * Locks:    none; boot, before other CPUs start.
 */
void
tracer_init(void)
{
	if (option_has("trace", "shm")) {
		pci_walk(find_shm);
		if (tracer.shm == NULL)
			klog("tracer: no memory is shared with the host");
	} else if (option_has("trace", "debugcon")) {
		use_debugcon();
	}
}

/* A row of the dictionary; 0: the row leaves no records. */
static size_t
row_text(unsigned i, char *buf, size_t size)
{
	const struct ev_row *r = &ev_rows[i];

	if (r->kind != EVK_TRACE && r->kind != EVK_BOTH)
		return 0;
	return (size_t)snprintf(buf, size, "%02x %s %s\n", r->id, r->name,
	    r->args);
}

/* ---- memory that the host sees ---- */

static void
find_shm(const struct pci_dev *d)
{
	pa_t pa;
	struct traceshm *s;

	if (d->vendor != VENDOR_IVSHMEM || d->device != DEVICE_IVSHMEM ||
	    tracer.shm != NULL)
		return;
	pa = (pci_read(d, REG_BAR2) & ~0xfu) |
	    (pa_t)pci_read(d, REG_BAR2 + 4) << 32;
	pci_enable(d, PCI_MEMORY);
	s = kva_map_device(pa, PAGE_SIZE);
	if (s == NULL || s->magic != TRACESHM_MAGIC || s->slots == 0 ||
	    (s->slots & (s->slots - 1)) != 0)
		return;
	s = kva_map_device(pa, TRACESHM_HEAD + s->slots * EV_TRACE_BYTES);
	if (s != NULL)
		use_shm(s);
}

static void
use_shm(void *at)
{
	char *text = (char *)at + TRACESHM_TEXT;
	size_t room = TRACESHM_HEAD - TRACESHM_TEXT, n = 0;
	unsigned i;

	tracer.shm = at;
	tracer.slots = tracer.shm->slots;
	tracer.rec = (uint64_t (*)[REC_WORDS])((char *)at + TRACESHM_HEAD);
	for (i = 0; i < EV_COUNT && n < room; i++)
		n += row_text(i, text + n, room - n);
	ASSERT(n < room);
	atomic_store(&tracer.shm->text, n);
	ev_trace_to(put_shm);
}

/* Context: interrupts off. */
static void
put_shm(const void *rec)
{
	struct traceshm *s = tracer.shm;
	const uint64_t *from = rec;
	uint64_t head = atomic_load_relaxed(&s->head), *to;
	unsigned i;

	do {
		/* An old head may lie behind the tail: then the exchange fails. */
		if ((int64_t)(head - atomic_load_relaxed(&s->tail)) >=
		    (int64_t)tracer.slots) {
			(void)atomic_add(&s->lost, 1);
			return;
		}
	} while (!atomic_cas(&s->head, &head, head + 1));
	to = tracer.rec[head & (tracer.slots - 1)];
	for (i = 1; i < REC_WORDS; i++)
		to[i] = from[i];
	atomic_store_release(to, from[0]);
}

/* ---- frames on a port ---- */

static uint8_t *
slip(uint8_t *to, uint8_t b)
{
	if (b != SLIP_END && b != SLIP_ESC) {
		*to++ = b;
		return to;
	}
	*to++ = SLIP_ESC;
	*to++ = b == SLIP_END ? SLIP_ESC_END : SLIP_ESC_ESC;
	return to;
}

static uint16_t
crc16(uint16_t crc, uint8_t b)
{
	unsigned i;

	crc ^= (uint16_t)(b << 8);
	for (i = 0; i < 8; i++)
		crc = (uint16_t)(crc << 1 ^ ((crc & 0x8000) ? 0x1021 : 0));
	return crc;
}

static void
send_frame(uint8_t letter, const void *bytes, size_t n)
{
	uint8_t frame[FRAME_BYTES], *to = frame;
	const uint8_t *b = bytes;
	uint16_t crc = crc16(0xffff, letter);
	size_t i;

	ASSERT(n <= EV_TRACE_BYTES);
	*to++ = SLIP_END;
	*to++ = letter;
	for (i = 0; i < n; i++) {
		to = slip(to, b[i]);
		crc = crc16(crc, b[i]);
	}
	to = slip(to, (uint8_t)(crc >> 8));
	to = slip(to, (uint8_t)crc);
	*to++ = SLIP_END;
	md_outs8(PORT_DEBUGCON, frame, (size_t)(to - frame));
}

/* Context: interrupts off.  Whoever finds it busy for long leaves a gap. */
static void
put_debugcon(const void *rec)
{
	uint32_t idle = 0;
	unsigned tries;

	for (tries = 0; !atomic_cas(&tracer.busy, &idle, 1u); tries++) {
		if (tries == PATIENCE)
			return;
		idle = 0;
		md_pause();
	}
	send_frame('R', rec, EV_TRACE_BYTES);
	atomic_store(&tracer.busy, 0u);
}

/* The dictionary in pieces that fit a frame, then records. */
static void
use_debugcon(void)
{
	char line[128];
	size_t n, at;
	unsigned i;

	send_frame('D', "", 0);
	for (i = 0; i < EV_COUNT; i++) {
		n = row_text(i, line, sizeof(line));
		ASSERT(n < sizeof(line));
		for (at = 0; at < n; at += EV_TRACE_BYTES)
			send_frame('D', line + at, MIN(n - at,
			    (size_t)EV_TRACE_BYTES));
	}
	ev_trace_to(put_debugcon);
}
