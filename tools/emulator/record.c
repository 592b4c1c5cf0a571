/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.c: the guest's frames on COM2
 *
 * Problem   Standard output, standard error and the exit status share one
 *           serial line, and every byte value may occur in each.
 *
 * Picture   A5 01 05 00 h e l l o   A5 03 02 00 kind value
 *
 * Rules     1. Payload is handed on as it comes: a frame may be long.
 *           2. A byte that starts no frame is counted and dropped.
 *
 * Read next kernel/channel/record.c writes what this reads.
 */
#include "guestlib.h"

#define RECORD_MAGIC 0xA5

static void head_byte(struct record_reader *, uint8_t);
static size_t payload(struct record_reader *, const uint8_t *, size_t);

void
record_feed(struct record_reader *r, const uint8_t *p, size_t n)
{
	size_t used;

	while (n > 0) {
		if (r->left > 0) {
			used = payload(r, p, n);
		} else {
			head_byte(r, *p);
			used = 1;
		}
		p += used;
		n -= used;
	}
}

static void
head_byte(struct record_reader *r, uint8_t b)
{
	if (r->nhead == 0 && b != RECORD_MAGIC) {
		r->lost++;
		return;
	}
	r->head[r->nhead++] = b;
	if (r->nhead < sizeof r->head)
		return;
	r->nhead = 0;
	r->left = r->head[2] | r->head[3] << 8;
	if (r->head[1] == RECORD_EXIT)
		r->nexit = 0;
}

static size_t
payload(struct record_reader *r, const uint8_t *p, size_t n)
{
	size_t i, used = n < r->left ? n : r->left;

	r->left -= used;
	if (r->head[1] != RECORD_EXIT) {
		r->data(r->arg, r->head[1], p, used);
		return used;
	}
	for (i = 0; i < used && r->nexit < sizeof r->exitb; i++)
		r->exitb[r->nexit++] = p[i];
	r->ended = r->nexit == sizeof r->exitb;
	return used;
}
