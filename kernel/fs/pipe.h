/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe.h: a pipe, for pipe.c, pipering.c and pipeuser.c only
 *
 * Tags as in fsdat.h.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "fs/fsdat.h"

#define PIPE_SLOTS 16u          /* of a new pipe */
#define PIPE_SLOTS_FEW 2u       /* … of who has many already */
#define PIPE_BYTES_MAX (1ul << 31)

struct pipe_user;

struct pipe_slot {
	uint8_t *page;               /* [K] made when first written; stays */
	uint16_t off, len;           /* [K] the bytes that were not read yet */
	bool is_packet;              /* [K] by a write under O_DIRECT */
	bool is_closed;              /* [K] nothing is added */
};

struct pipe {
	struct mutex lock;           /* [c] */
	struct waitq wq;             /* [c] */
	struct ready ready;          /* [c] who watches either end */
	struct pipe_slot *slot;      /* [K] */
	unsigned nslots;             /* [K] a power of two */
	struct pipe_user *user;      /* [K] who pays for the ring */
	union {                      /* [K]; `ends`: both of one moment (rule 7) */
		struct {
			uint32_t head, tail; /* slots written, slots read; they wrap */
		};
		uint64_t ends;
	};
	unsigned readers, writers;   /* [K] open ends */
	uint64_t rd_opens, wr_opens; /* [K] ends ever opened */
};

static inline struct pipe *
pipe_of(const struct file *f)
{
	return f->vn->priv;
}

/* The slot of number i, which holds what was written there. */
static inline struct pipe_slot *
pipe_slot_at(struct pipe *p, uint32_t i)
{
	return &p->slot[i & (p->nslots - 1)];
}

/* pipe.c */
void pipe_tell_locked(struct pipe *, unsigned bits);

/* pipering.c */
int pipe_ring_make_locked(struct pipe *) MUST_CHECK;
void pipe_ring_drop(struct pipe *);

/* pipeuser.c */
void pipe_user_init(void);
int pipe_user_take(unsigned *places, struct pipe_user **out) MUST_CHECK;
void pipe_user_give(struct pipe_user *, unsigned places);
bool pipe_user_may_have(unsigned places);
int pipe_user_change(struct pipe_user *, unsigned was, unsigned now)
    MUST_CHECK;

#endif
