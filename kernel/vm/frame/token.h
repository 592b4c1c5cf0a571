/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.h: who gets a frame when there are few: a thread's class, tokens, waiting
 */
#ifndef VM_FRAME_TOKEN_H
#define VM_FRAME_TOKEN_H

#include "mem/mem.h"
#include "vm/vm.h"

/* The counters in thread.vmctx, 8 bits each; a thread changes its own only. */
enum vmctx_byte {
	CTX_RESERVED, CTX_FAULT, CTX_STRUCTURAL, CTX_PLACE, CTX_FINISH
};

static inline unsigned
ctx_count(enum vmctx_byte byte)
{
	return (uintptr_t)thread_current()->vmctx >> 8 * byte & 0xff;
}

/* Between vm_reserved_enter() and vm_reserved_leave(). */
static inline bool
vm_is_reserved(void)
{
	return ctx_count(CTX_RESERVED) > 0;
}

/* The class of the thread's frames: one with a fatal signal frees more than it takes. */
static inline enum phys_class
vm_class(void)
{
	return md_current() != NULL && (vm_is_reserved() || thread_is_killed()) ?
	    PHYS_RESERVED : PHYS_USER;
}

/* A fatal signal is pending, and may end the operation of the thread. */
static inline bool
vm_may_stop(void)
{
	return thread_is_killed() && ctx_count(CTX_FINISH) == 0;
}

/* How the current thread sleeps in the VM. */
static inline enum wait_how
vm_wait_how(void)
{
	return ctx_count(CTX_FINISH) == 0 ? WAIT_KILLABLE : WAIT_PLAIN;
}

/* The current fault of this thread has a token. */
static inline bool
token_held(void)
{
	return ctx_count(CTX_FAULT) > 0;
}

/* The thread may keep pins while it waits: it has a token of either kind. */
static inline bool
vm_may_hold(void)
{
	return ctx_count(CTX_FAULT) > 0 || ctx_count(CTX_STRUCTURAL) > 0;
}

/* pageq.c: waiting */
void frames_wait_low(uint64_t deadline_ns);              /* bsm sleeps: they are, or the time has come */
int phys_wait(enum phys_class) MUST_CHECK;               /* 0, -EINTR (fatal signal) */
int page_alloc_wait(enum phys_want, struct vm_page **out) MUST_CHECK;

/* token.c (book: deadlock) */
extern _Atomic uint64_t frames_unmovable;                /* [A] locked pages, when bsm last looked or one
                                                          * was to be locked */
void vm_reserved_enter(void);                            /* this thread makes room; nests */
void vm_reserved_leave(void);
int token_take(void) MUST_CHECK;                   /* no lock, pin, frame; 0, -EINTR */
void token_give(void);
void structural_begin(void);                             /* at most the own map_lock, no pin */
void structural_end(void);
void token_show(struct out *);

#endif
