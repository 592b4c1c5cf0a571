/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: the kernel's VM on the host, under ASan and UBSan
 *
 * Offers    CPUs whose TLBs keep what they may, one thread, and the random
 *           numbers of the tests, above test/hostkern.
 * Needs     the real sources of lib/, mem/ and vm/.
 * Sleeps?   Nothing can: a wait that would block ends the test.
 */
#ifndef TEST_HOST_H
#define TEST_HOST_H

#include "test/hostkern/hostkern.h"

/*
 * A fresh machine with so many frames; options as on the kernel's command line.
 * Once per process: the sources keep their state in statics.
 */
void host_boot(unsigned frames, const char *options);

/*
 * As run by another CPU: 0 … 3; default 0.  Each has its own TLB, which keeps a
 * translation until it is flushed, so a flush that is missing shows as an access
 * to a frame that is free (host_load, host_store).
 */
void host_set_cpu(unsigned cpu);

/* Deterministic; the seed is printed at the start of each test. */
void host_seed(uint64_t seed);
uint64_t host_random(uint64_t below);

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
