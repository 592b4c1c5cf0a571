/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe.h: a pipe, for pipe.c, pipering.c and pipeuser.c only
 *
 * Tags as in fsdat.h.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "fs/fsdat.h"

#define PIPE_PAGES 16u          /* of a new pipe */
#define PIPE_PAGES_FEW 2u       /* … of who has many already */
#define PIPE_BYTES_MAX (1ul << 31)

struct pipe_user;

struct pipe {
	struct mutex lock;           /* [c] */
	struct waitq wq;             /* [c] */
	uint8_t **page;              /* [K] each made when first written */
	unsigned npages;             /* [K] a power of two */
	struct pipe_user *user;      /* [K] who pays for the ring */
	uint64_t head, tail;         /* [K] bytes written, bytes read */
	unsigned readers, writers;   /* [K] open ends */
	uint64_t rd_opens, wr_opens; /* [K] ends ever opened */
};

static inline struct pipe *
pipe_of(const struct file *f)
{
	return f->vn->priv;
}

/* Where the page of byte pos is, or will be. */
static inline uint8_t **
pipe_page_slot(struct pipe *p, uint64_t pos)
{
	return &p->page[(pos >> PAGE_SHIFT) & (p->npages - 1)];
}

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
