/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * want.h: what a pass is missing, and the one way to get it; a fault on its way
 *
 *	do
 *		r = pass(op);
 *	while (r == -EAGAIN && (r = want_get(&op->want)) == 0);
 *	want_end(&op->want);
 *
 * Typical life: zero at first; each pass uses what the last wait has brought;
 * want_end() gives back what no pass has used.
 */
#ifndef VM_WANT_WANT_H
#define VM_WANT_WANT_H

#include "vm/swap/swap.h"

enum want_what {
	WANT_AGAIN,    /* nothing: what was looked at has changed */
	WANT_FRAME,    /* want.frame */
	WANT_ZEROS,    /* want.frame, all bytes 0 */
	WANT_PAGE,     /* the end of want.page's I/O */
	WANT_BIO,      /* one that is idle, for swap */
	WANT_OTHER     /* what only the room of want.get can bring */
};

/* [own] */
struct want {
	enum want_what what;
	struct vm_page *page;    /* WANT_PAGE */
	uint64_t begun;          /* then: the SWAP word, if this pass has begun the read; of
	                          * WANT_BIO what swap_ended() said */
	int (*get)(struct want *); /* WANT_OTHER: 0, or the error that ends it */
	va_t kva;                /* for get: address of kernel memory */
	/* What has been got, for the next pass: */
	struct vm_page *frame;   /* in LIMBO, without home */
	bool zeroed;             /* of frame: all bytes 0 */
	bool hold;               /* this pass holds what it reads: it went away before */
	struct vm_page *read;    /* pinned: what was read for hold, or swap_words.pin */
	struct vm_page *kpage;   /* pinned: kernel memory, by kpaged_want() */
};

/* ---- by a pass, under its locks.  -EAGAIN, for the pass to return ---- */
/* A word that the pass has read has changed meanwhile. */
static inline int
want_again(struct want *w)
{
	w->what = WANT_AGAIN;
	return -EAGAIN;
}
/* The page is being filled, by this or another thread. */
static inline int
want_page(struct want *w, struct vm_page *pg)
{
	w->what = WANT_PAGE;
	w->page = pg;
	w->begun = 0;
	return -EAGAIN;
}
/* A bio for swap: all were under way when so many requests had ended. */
static inline int
want_bio(struct want *w, uint64_t ended)
{
	w->what = WANT_BIO;
	w->begun = ended;
	return -EAGAIN;
}
/* Something that an upper room knows how to get. */
static inline int
want_other(struct want *w, int (*get)(struct want *), va_t kva)
{
	w->what = WANT_OTHER;
	w->get = get;
	w->kva = kva;
	return -EAGAIN;
}
/* True: there is a frame in want.frame (zeros: filled with zeros) for the caller. */
bool want_frame(struct want *);
bool want_zeros(struct want *);
/* True: the pass lacks, or lacked, a frame. */
static inline bool
want_is_frame(const struct want *w)
{
	return w->what == WANT_FRAME || w->what == WANT_ZEROS;
}
/* True: the page's read has begun.  The pass ends in any case. */
bool want_swap_in(struct want *, const struct swap_words *);

/* ---- without locks ---- */
int want_get(struct want *) MUST_CHECK;               /* 0; -EINTR, errors of get */
void want_finish(struct want *);                      /* also by a dying thread */
void want_end(struct want *);

/* A walk over words that are SWAP or TRANS: school->swapped. */
struct swap_walk {
	va_t at;                  /* [own] where it goes on */
	uint64_t left;            /* [own] of what fn counts */
	struct want want;         /* [own] -EAGAIN: this is missing */
	struct pt_hold tables;    /* [own] of at, once they were out */
	void (*table)(struct swap_walk *, struct vm_page *leaf); /* [c] or NULL */
	/* 0: go on; else the walk ends with it. */
	int (*fn)(struct swap_walk *, const struct swap_words *); /* [c] */
};

/* ---- faults ---- */

enum fault_outcome {
	FAULT_DONE,      /* the word allows the access now */
	FAULT_RESTART,   /* look everything up again */
	FAULT_WAIT,      /* F5, F6, F10: sleep for f->want.page, then restart */
	FAULT_IO,        /* F2: f->want says what to read; restart */
	FAULT_NEEDMEM,   /* f->want says what; then restart */
	FAULT_SIGNAL     /* f->sig; ends the fault */
};

#define FAULT_PINS 9 /* tables 3, object's tables or entries 5, data 1 */
/* The wait adds one pin; the pass after it 3 tables, an entry, the page that it reads. */
#define FAULT_MAXPINS (FAULT_PINS + 6)

/* Signals of a fault, in Linux's numbers (book: abi 3). */
enum fault_signo { SIGBUS = 7, SIGKILL = 9, SIGSEGV = 11 };
enum fault_code { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRERR = 2 };

/* One fault of one thread: [own]. */
struct fctx {
	struct aspace *as;
	va_t va;
	va_t end;                      /* pages up to here, too, one by one; 0: va's alone */
	enum access access;
	bool kernel;                   /* on behalf of the kernel */
	bool force;                    /* as_force(): whatever the VAD lets the process do */
	bool major, exclusive;         /* waited for I/O; map_lock held for writing */
	bool token;                    /* of token.c, given back at the end */
	bool let_go;                   /* pins and frame, for rule c of it */
	bool extended;                 /* file_page may become dirty */
	uint8_t tables_in;             /* read for this fault */
	uint8_t npin;                  /* of pin */
	uint16_t restarts;
	uint16_t refused;              /* passes without a record, none further than reached */
	struct {                       /* copy of the VAD, made in S0 */
		uint64_t start, end, off;
		struct vmo *vmo;
		void *dpriv;
		uint32_t flags;
		uint8_t prot;
	} v;
	struct vm_page *leaf;          /* [W] leaf table of va, set by pt_walk */
	uint64_t *word;                /* [W] its word */
	struct vm_page *pin[FAULT_MAXPINS];
	struct want want;              /* what is missing, and a spare frame */
	struct vm_page *file_page;     /* pinned: read, or extended, for this fault */
	uint64_t extend_seq;           /* resize_seq when that began */
	uint64_t reached;              /* refused > 0: page to which one of them came */
	struct fctx *outer;            /* thread.vmfault before this one */
	struct vm_page **pin_out;      /* vm_pin_user: leave the page pinned here */
	struct vm_siginfo sig;
};

/* Begin a user's fault: clear the fields that must be zero, not all 400 bytes, of which
 * most are written before they are read, or never. */
static inline void
fault_clear(struct fctx *f)
{
	f->end = 0;
	f->kernel = f->major = f->exclusive = f->token = f->let_go = false;
	f->extended = f->force = false;
	f->tables_in = f->npin = 0;
	f->restarts = f->refused = 0;
	f->want.what = WANT_AGAIN;
	f->want.frame = f->want.read = f->want.kpage = NULL;
	f->want.zeroed = f->want.hold = false;
	f->file_page = NULL;
	f->pin_out = NULL;
	f->sig.signo = 0;
}

/* functions for the handlers of a fault */
enum fault_frame { FRAME_ANY, FRAME_ZEROED };
struct vm_page *fault_take_spare(struct fctx *, enum fault_frame); /* NULL: f->want says */
enum fault_outcome fault_missing(struct fctx *);      /* what f->want says, as an outcome */
enum fault_outcome fault_signal(struct fctx *, int signo, int code);

/* The index of va's page in its object. */
static inline uint64_t
fault_index(const struct fctx *f)
{
	return f->v.off + (f->va >> PAGE_SHIFT) - f->v.start;
}

/* Do the VAD's rights allow the access?  A design's fault calls this first.  As on Linux
 * and x86, any right allows reads.  A forced access is allowed, except a store to shared
 * memory.  [M].  FAULT_DONE; FAULT_SIGNAL (SIGSEGV, ACCERR). */
static inline enum fault_outcome
fault_permit(struct fctx *f)
{
	uint8_t need = f->access == ACCESS_WRITE ? PROT_W :
	    f->access == ACCESS_EXEC ? PROT_X : PROT_R | PROT_W | PROT_X;

	if ((f->v.prot & need) != 0 || (f->force &&
	    (f->access == ACCESS_READ || (f->v.flags & VAD_SHARED) == 0)))
		return FAULT_DONE;
	return fault_signal(f, SIGSEGV, SEGV_ACCERR);
}

enum fault_outcome fault_over_limit(struct fctx *);   /* a late charge failed: SIGBUS */
void fault_keep_spare(struct fctx *, struct vm_page *, enum fault_frame);
/* F5, F6, F11, for pages of all kinds.  [W], the container's lock. */
enum fault_outcome fault_swap_in(struct fctx *, const struct swap_words *);
enum fault_outcome fault_busy(struct fctx *, uint64_t word, struct vm_page *);
enum fault_outcome fault_lost(struct fctx *, uint64_t word);

#endif
