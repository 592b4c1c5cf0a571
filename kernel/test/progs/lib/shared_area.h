/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shared_area.h: a private area that a family shares by fork, beside a hog
 *
 * The program defines PAGES before it includes this, and body(), which runs
 * on a shared stack: a break of one of its own pages would be counted.
 */
#ifndef TEST_SHARED_AREA_H
#define TEST_SHARED_AREA_H

#include "events.h"
#include "pressure.h"

static volatile int *turn;
static char *area;
static struct hog hog;

static int body(void);

static inline void
area_stamp(void)
{
	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
}

static inline void
area_verify(void)
{
	for (size_t i = 0; i < PAGES; i++)
		STAMPED(area + i * PAGE, i, 0);
}

/* A child that sleeps, so that no page of it is young, and reads when told. */
static inline int
area_reader(void *arg)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) == 0)
		sleep_ms(50);
	area_verify();
	return arg != NULL;
}

static inline void
area_readers(pid_t *pid, int n)
{
	for (int c = 0; c < n; c++)
		pid[c] = fork_on(area_reader, NULL, shared_stack());
}

/* All read now; they end. */
static inline void
area_read(const pid_t *pid, int n)
{
	turn_give(turn, 1);
	area_verify();
	for (int c = 0; c < n; c++)
		REAP(pid[c], 0);
}

/* The hog is not on the shared stack. */
static inline int
area_main(void)
{
	snap_init();
	turn = (int *)pages_shared(1);
	*turn = 0;
	area = pages_private(PAGES);
	hog = hog_start();
	return run_on_shared_stack(body);
}

#endif
