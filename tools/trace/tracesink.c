/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracesink.c: the host's end of a trace
 *
 * Problem   A guest leaves a million records a second; none may get lost
 *           unnoticed, whether it ends well, panics or hangs.
 *
 * Picture   memory file ←─ guest (kernel/channel/tracer.c)
 *             └ sink_drain ─→ FILE.vtr
 *           debug port ─→ frames ─→ FILE.vtr
 *
 * Rules     1. A slot of the ring is taken when its first word is not 0, and
 *              given back by clearing it and moving the tail.
 *           2. What is lost is known twice: the guest counts it, and the
 *              numbers of the records have gaps.
 *           3. The guest is not believed: sizes are ours, text is bounded.
 *           4. The file can be read while it grows: its head has the dictionary as
 *              soon as the guest has said it.
 *
 * Read next kernel/channel/tracer.h, tools/trace/vtr.h.
 */
#include "tracesink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/channel/tracer.h"
#include "vtr.h"

#define MEMORY (32u << 20) /* ivshmem wants a power of two */
#define SLOTS (1u << 19)   /* and the guest another */
#define FRAME_MAX 128u

_Static_assert(TRACESHM_HEAD + SLOTS * sizeof(struct vtr_rec) <= MEMORY,
    "the ring lies in the memory");

struct sink {
	FILE *file;
	char *path;
	struct vtr_head head;
	int fd;
	struct traceshm *shm; /* or NULL */
	struct vtr_rec *ring;
	uint64_t slots, first, last;
	char text[VTR_START - sizeof(struct vtr_head)]; /* dictionary */
	struct {
		uint8_t b[FRAME_MAX]; /* since the last END */
		size_t n;
	} frame;
	bool named; /* the head has the dictionary */
	bool failed;
};

static void name_events(struct sink *);
static void keep(struct sink *, const struct vtr_rec *);
static bool frame_take(struct sink *);

struct sink *
sink_open(const char *file, unsigned cpus, uint64_t memory)
{
	struct sink *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->fd = -1;
	s->head.cpus = cpus;
	s->head.memory = memory;
	s->path = strdup(file);
	s->file = fopen(file, "wbe");
	if (s->path != NULL && s->file != NULL &&
	    vtr_write_head(s->file, &s->head, ""))
		return s;
	if (s->file != NULL)
		fclose(s->file);
	free(s->path);
	free(s);
	return NULL;
}

int
sink_memory(struct sink *s, size_t *bytes)
{
	struct traceshm *shm;

	s->fd = memfd_create("trace", 0);
	if (s->fd < 0 || ftruncate(s->fd, MEMORY) < 0)
		return -1;
	shm = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (shm == MAP_FAILED)
		return -1;
	s->shm = shm;
	s->slots = SLOTS;
	s->ring = (struct vtr_rec *)((char *)shm + TRACESHM_HEAD);
	shm->slots = s->slots;
	shm->magic = TRACESHM_MAGIC;
	*bytes = MEMORY;
	return s->fd;
}

static void
keep(struct sink *s, const struct vtr_rec *r)
{
	if (s->head.records++ == 0 || r->seq < s->first)
		s->first = r->seq;
	if (r->seq > s->last)
		s->last = r->seq;
	if (fwrite(r, sizeof *r, 1, s->file) != 1)
		s->failed = true;
}

size_t
sink_drain(struct sink *s)
{
	struct vtr_rec *slot, rec;
	uint64_t tail;
	size_t n = 0;

	if (s->shm == NULL)
		return 0;
	for (tail = s->shm->tail; n < s->slots; n++, tail++) {
		slot = &s->ring[tail % s->slots];
		rec.seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
		if (rec.seq == 0)
			break;
		memcpy(&rec.tsc, &slot->tsc, sizeof rec - sizeof rec.seq);
		__atomic_store_n(&slot->seq, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&s->shm->tail, tail + 1, __ATOMIC_RELEASE);
		keep(s, &rec);
	}
	if (n > 0 && !s->named)
		name_events(s);
	if (n > 0 && fflush(s->file) != 0)
		s->failed = true;
	return n;
}

/* ---- frames ---- */

static uint16_t
crc16(const uint8_t *b, size_t n)
{
	uint16_t crc = 0xffff;
	unsigned bit;

	for (; n > 0; n--) {
		crc ^= (uint16_t)(*b++ << 8);
		for (bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc << 1 ^
					 ((crc & 0x8000) ? 0x1021 : 0));
	}
	return crc;
}

/* Undo the escapes. Bytes, or 0: this is no frame. */
static size_t
unslip(const uint8_t *b, size_t n, uint8_t *to)
{
	uint8_t *start = to;
	size_t i;

	for (i = 0; i < n; i++) {
		if (b[i] != SLIP_ESC)
			*to++ = b[i];
		else if (++i < n && b[i] == SLIP_ESC_END)
			*to++ = SLIP_END;
		else if (i < n && b[i] == SLIP_ESC_ESC)
			*to++ = SLIP_ESC;
		else
			return 0;
	}
	return (size_t)(to - start);
}

/* What lies between two ENDs.  False: it is no frame of ours. */
static bool
frame_take(struct sink *s)
{
	uint8_t b[FRAME_MAX];
	size_t n = unslip(s->frame.b, s->frame.n, b), have;
	struct vtr_rec rec;

	if (n < 3 || crc16(b, n - 2) != (b[n - 2] << 8 | b[n - 1]))
		return false;
	n -= 3;
	if (b[0] == 'R' && n == sizeof rec) {
		memcpy(&rec, b + 1, n);
		keep(s, &rec);
		return true;
	}
	have = strlen(s->text);
	if (b[0] != 'D' || have + n >= sizeof s->text)
		return false;
	memcpy(s->text + have, b + 1, n);
	return true;
}

/* The emulator's own words come on the same line: they are no frame. */
void
sink_bytes(
    struct sink *s, const uint8_t *b, size_t n, sink_other *other, void *arg)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (b[i] != SLIP_END) {
			s->frame.b[s->frame.n++] = b[i];
			if (s->frame.n < FRAME_MAX)
				continue;
		}
		if (b[i] != SLIP_END || !frame_take(s))
			other(arg, s->frame.b, s->frame.n);
		s->frame.n = 0;
	}
}

/* ---- the end ---- */

/*
 * The machine is gone.  A CPU that it stopped within a record left a hole;
 * what others put behind it is whole.  Records that nobody will write.
 */
static uint64_t
take_rest(struct sink *s)
{
	uint64_t tail, head = s->shm->head, holes = 0;
	const struct vtr_rec *slot;

	if (head - s->shm->tail > s->slots)
		head = s->shm->tail;
	for (tail = s->shm->tail; tail != head; tail++) {
		slot = &s->ring[tail % s->slots];
		if (slot->seq != 0)
			keep(s, slot);
		else
			holes++;
	}
	return holes;
}

static void
take_dictionary(struct sink *s)
{
	uint64_t n = __atomic_load_n(&s->shm->text, __ATOMIC_ACQUIRE);
	uint64_t max = TRACESHM_HEAD - TRACESHM_TEXT;

	if (n > max)
		n = max;
	memcpy(s->text, (char *)s->shm + TRACESHM_TEXT, n);
	s->text[n] = '\0';
}

static bool
head_again(struct sink *s)
{
	return fseek(s->file, 0, SEEK_SET) == 0 &&
	       vtr_write_head(s->file, &s->head, s->text);
}

/* For those who read the file while it grows. */
static void
name_events(struct sink *s)
{
	uint64_t records = s->head.records;

	take_dictionary(s);
	s->head.records = 0; /* it is not whole yet */
	s->named = s->text[0] != '\0';
	if (s->named && (!head_again(s) || fseek(s->file, 0, SEEK_END) < 0))
		s->failed = true;
	s->head.records = records;
}

static char *
lacks(const struct sink *s)
{
	char *why = NULL;
	int n = 0;

	if (s->failed)
		n = asprintf(&why, "%s: %s", s->path, strerror(errno));
	else if (s->head.records == 0)
		n = asprintf(&why, "%s: no record came", s->path);
	else if (s->head.lost > 0)
		n = asprintf(&why, "%s: %llu of %llu records were lost",
		    s->path, (unsigned long long)s->head.lost,
		    (unsigned long long)(s->head.lost + s->head.records));
	return n < 0 ? NULL : why;
}

char *
sink_close(struct sink *s, bool ended)
{
	uint64_t holes;
	char *why;

	while (sink_drain(s) > 0)
		;
	holes = s->shm != NULL ? take_rest(s) : 0;
	if (s->head.records > 0)
		s->head.lost = s->last - s->head.records;
	if (s->shm != NULL) {
		take_dictionary(s);
		/* Also those behind the last that came. */
		if (s->head.records > 0)
			s->head.lost = s->first - 1 + s->shm->lost + holes;
		munmap(s->shm, MEMORY);
	}
	s->head.flags = ended ? VTR_ENDED : 0;
	if (!head_again(s))
		s->failed = true;
	if (fclose(s->file) != 0)
		s->failed = true;
	why = lacks(s);
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
	return why;
}
