/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loadavg.c: how busy the machine has been for 1, 5 and 15 minutes
 *
 * Problem   uptime and top want averages of the number of runnable threads,
 *           where the past counts less and less.
 *
 * Rules     Each 5 seconds: avg = avg * e + now * (1 - e), in fixed point with
 *           11 bits, e = exp(-5 s / 1, 5, 15 min).  One writer, the timer.
 *
 * Read next proc/sysinfo.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#define PERIOD_NS 5000000000ul
#define ONE (1ul << LOAD_SHIFT)

static const uint64_t factor[3] = { 1884, 2014, 2037 };

static struct {
	struct timer timer;
	uint64_t next;           /* [timer] deadline */
	uint64_t avg[3];         /* [A] written by the timer */
} load;

static void
sample(void *arg)
{
	uint64_t now = sched_running() * ONE, v;

	for (int i = 0; i < 3; i++) {
		v = load.avg[i] * factor[i] + now * (ONE - factor[i]);
		atomic_store(&load.avg[i], v >> LOAD_SHIFT);
	}
	load.next += PERIOD_NS;
	timer_arm(&load.timer, load.next);
}

/* Locks: none; boot. */
void
loadavg_init(void)
{
	timer_init(&load.timer, sample, NULL);
	load.next = md_time_ns() + PERIOD_NS;
	timer_arm(&load.timer, load.next);
}

/* The three averages, with LOAD_SHIFT bits behind the point.  No locks. */
void
proc_loads(uint64_t out[3])
{
	for (int i = 0; i < 3; i++)
		out[i] = atomic_load(&load.avg[i]);
}
