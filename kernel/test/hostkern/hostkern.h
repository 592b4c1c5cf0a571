/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostkern.h: what is below kernel/vm, for programs of the host
 *
 * Problem   The unit tests (test/host) and vmsim (test/sim) run the same sources
 *           of vm/, mem/ and lib/.  What these ask of kern/, boot/ and md.h is
 *           the same in both; only who runs next, and what a TLB keeps, is not.
 *
 * Picture   test/host: one thread, each TLB  ─┐       ┌─ lock.c  kern.c
 *                                             ├─ here ┤
 *           test/sim: fibers, any order      ─┘       └─ machine.c  window.c
 *
 * Offers    ranks and sleeping locks, options, injected failures, events; RAM,
 *           the kernel's page tables, accesses of a user.
 * Needs     the hooks below: one definition in each program.
 */
#ifndef TEST_HOSTKERN_HOSTKERN_H
#define TEST_HOSTKERN_HOSTKERN_H

#include "test/hostkern/window.h"

#include "vm/access/access.h"
#include "vm/cache/cache.h"
#include "vm/calls/calls.h"
#include "vm/design/design.h"
#include "vm/evidence/evidence.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/pte/pte.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/vm.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"

/* ---- hooks of the program ---- */

/* What the current thread needs of the lock that it waits for. */
enum host_need { NEED_MUTEX, NEED_READ, NEED_WRITE };

/*
 * The current thread wants a lock, free or not.
 *
 * Returns:  true: others may have run, look at it again; false: nobody else
 *           can run, so it must be free.
 */
bool host_lock_wait(enum host_need, const void *lock);
/* Another thread may run before a lock is tried. */
void host_lock_point(void);
/*
 * The word by which the current CPU reaches a user's page, from its TLB or by a
 * walk that sets A and D.
 *
 * Returns:  0: a page fault.
 */
uint64_t host_translate(struct md_space *, va_t, bool write);

/* ---- lock.c ---- */

/* Rule R1: panics if the current thread holds a lock of this rank or above. */
void host_may_sleep(enum lock_rank from);

/* ---- kern.c ---- */

/* The words of the kernel's command line; before vm_init(). */
void host_options(const char *);
/* The n-th hit of a point from now fails (0: none), then each each-th. */
void host_inject(enum inject_point, unsigned n, unsigned each);
/* Is told of each trace event; NULL: nobody asks. */
extern void (*host_on_event)(enum ev_id);

/* ---- machine.c ---- */

/* RAM of so many frames, from 1 on: frame 0 means none. */
void host_ram(unsigned frames);
/* The leaf table that a root has for an address.  Returns: 0: none. */
pa_t host_walk(pa_t root, va_t);
/* Free, or on a queue: no TLB may name it. */
bool host_is_idle(const struct vm_page *);
/* A user's bytes by such a word; an idle frame ends the test (I13). */
void *host_bytes(uint64_t word, va_t);
/*
 * An access of the current CPU to the space, faults included.
 *
 * Returns:  0, -EFAULT (a signal), -EINTR.
 */
int host_load(struct aspace *, va_t, uint64_t *value);
int host_store(struct aspace *, va_t, uint64_t value);

#endif
