/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: the kernel's VM on the host, under ASan and UBSan
 *
 * Offers    a machine in memory: frames, page tables, TLBs that keep what they
 *           may, one thread; and the random numbers of the tests.
 * Needs     the real sources of lib/, mem/ and vm/.
 * Sleeps?   Nothing can: a wait that would block ends the test.
 */
#ifndef TEST_HOST_H
#define TEST_HOST_H

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
#include "vm/space/report.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/vm.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"

/*
 * A fresh machine with so many frames; options as on the kernel's command line.
 * Once per process: the sources keep their state in statics.
 */
void host_boot(unsigned frames, const char *options);

/*
 * The processor's access to user memory of a space: by the model TLB or a page
 * walk, faults included.  The TLB keeps a translation until it is flushed, so
 * a flush that is missing shows as an access to a frame that is free.
 *
 * Returns:  0, -EFAULT (a signal), -EINTR.
 */
int host_load(struct aspace *, va_t, uint64_t *value);
int host_store(struct aspace *, va_t, uint64_t value);

/* As run by another CPU: 0 … 3; each has its own TLB.  Default 0. */
void host_set_cpu(unsigned cpu);

/* Deterministic; the seed is printed at the start of each test. */
void host_seed(uint64_t seed);
uint64_t host_random(uint64_t below);

/* The n-th hit of a point from now fails (0: none), then each each-th. */
void host_inject(enum inject_point, unsigned n, unsigned each);

/* Called when the disk has ended a sleep, before the sleeper goes on. */
void host_on_wake(void (*fn)(void));

/* A fatal signal comes when time has ended so many sleeps; 0: none, and none has come. */
void host_kill_after(unsigned sleeps);

/* vm_check() finds nothing. */
void host_check(int level);
/* How many of so many rounds: all of them, in make check a fourth. */
unsigned host_rounds(unsigned whole);

/* Do the pages of the kernel's region agree, and the tables of an object (may be NULL)? */
void host_check_object(struct vmo *);

/* panic() inside the call ends it; true: there was one. */
bool host_panics(void (*fn)(void *), void *arg);

#endif
