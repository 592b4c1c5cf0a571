/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe.h: a pipe, for pipe.c, pipering.c, pipeuser.c and pipesplice.c only
 *
 * Tags as in fsdat.h.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "fs/fsdat.h"

#define PIPE_SLOTS 16u          /* of a new pipe */
#define PIPE_SLOTS_FEW 2u       /* … of who has many already */
#define PIPE_BYTES_MAX (1ul << 31)

struct pipe_slot {
	uint8_t *page;               /* [K] made when first written; stays */
	uint16_t off, len;           /* [K] the bytes that were not read yet */
	bool is_packet;              /* [K] by a write under O_DIRECT */
	bool is_closed;              /* [K] nothing is added */
};

struct pipe {
	struct mutex lock;           /* [c] */
	struct ready ready;          /* [c] who waits for either end */
	struct pipe_slot *slot;      /* [K] */
	unsigned nslots;             /* [K] a power of two */
	struct user *user;      /* [K] who pays for the ring */
	union {                      /* [K]; `ends`: both of one moment (rule 7) */
		struct {
			uint32_t head, tail; /* slots written, slots read; they wrap */
		};
		uint64_t ends;
	};
	unsigned promised;           /* [K] free slots that a splice is going to fill */
	bool is_lent;                /* [K] a splice has the first slot: none else reads */
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

/* How many slots hold bytes.  Locks: the pipe's, or none (rule 7). */
static inline uint32_t
pipe_slots_used(const struct pipe *p)
{
	uint64_t ends = atomic_load(&p->ends);

	return (uint32_t)ends - (uint32_t)(ends >> 32);
}

static inline bool
pipe_is_empty(const struct pipe *p)
{
	return pipe_slots_used(p) == 0;
}

static inline bool
pipe_is_full(const struct pipe *p)
{
	return pipe_slots_used(p) + atomic_load_relaxed(&p->promised) >=
	    atomic_load(&p->nslots);
}

/* pipe.c */
void pipe_tell_locked(struct pipe *, unsigned bits);
int pipe_wait_locked(struct pipe *) MUST_CHECK;
void pipe_slot_leave_locked(struct pipe *);
ssize_t pipe_slot_add(struct pipe_slot *, struct uio *, size_t n);
int pipe_wait_bytes_locked(struct pipe *, bool nowait) MUST_CHECK;
ssize_t pipe_get(struct pipe *, struct uio *, bool nowait, bool packets);

/* pipering.c */
int pipe_ring_make_locked(struct pipe *) MUST_CHECK;
void pipe_ring_drop(struct pipe *);

/* pipeuser.c */
void pipe_user_init(void);
int pipe_user_take(unsigned *places, struct user **out) MUST_CHECK;
bool pipe_user_may_have(unsigned places);
int pipe_user_change(struct user *, unsigned was, unsigned now)
    MUST_CHECK;

#endif
