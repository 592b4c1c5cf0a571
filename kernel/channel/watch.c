/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch.c: a graded boot ends when all its threads are stuck
 *
 * Problem   A deadlock would look like a slow program until its limit of
 *           instructions.  The student wants to read which thread waits for what.
 *
 * Picture   thread "watch", each 250 ms: all user threads asleep without a
 *           deadline, no disk at work?  eight times in a row: a line for each,
 *           then the machine ends without an exit record
 *
 * Rules     1. Virtual time leaps while all sleep (-icount sleep=off): two
 *              seconds are over at once, and before any limit.
 *           2. A thread that waits for the signal of an alarm looks like one
 *              that waits for ever: test programs sleep by calls that have a
 *              deadline of their own.
 *
 * Read next kern/wait.c and kern/mutex.c note what a thread waits for.
 */
#include "channel/channelfn.h"

#include "lib/errno.h"
#include "lib/string.h"

#define PERIOD_NS 250000000ul
#define STILL_TIMES 8u
#define SEEN 16u

struct seen {
	uint32_t id, owner;
	char name[16];
	uint8_t rank;
};

static struct {
	unsigned nseen;              /* of this look */
	bool goes_on;
	struct seen seen[SEEN];
} watch;

static void watch_thread(void *arg);
static bool all_still(void);
static void look(void *arg, struct thread *t);
static void tell(void);

/*
 * Start to watch, in a graded boot.
 *
 * Locks:    none; once, behind graded_init().
 */
void
watch_init(void)
{
	if (graded_boot() && thread_spawn("watch", watch_thread, NULL) == NULL)
		panic("watch: no memory for its thread");
}

static void
watch_thread(void *arg)
{
	unsigned still = 0;

	while (still < STILL_TIMES) {
		(void)sleep_until(md_time_ns() + PERIOD_NS, WAIT_PLAIN);
		still = all_still() ? still + 1 : 0;
	}
	tell();
	power_end(POWER_OFF);
}

static void
look_disk(void *arg, struct bdev *d)
{
	if (atomic_load(&d->stat.flying) != 0)
		watch.goes_on = true;
}

static bool
all_still(void)
{
	watch.nseen = 0;
	watch.goes_on = false;
	thread_walk(look, NULL);
	blk_walk(look_disk, NULL);
	return watch.nseen > 0 && !watch.goes_on;
}

/* Context: the lock of all threads. */
static void
look(void *arg, struct thread *t)
{
	struct seen *s = &watch.seen[MIN(watch.nseen, SEEN - 1)];

	if (t->id == 0 || t->state == TS_DEAD || t->state == TS_NEW)
		return;
	if (t->state != TS_SLEEP || t->waits.until != WAIT_FOREVER)
		watch.goes_on = true;
	watch.nseen++;
	s->id = t->id;
	s->rank = t->waits.rank;
	s->owner = t->waits.owner;
	memcpy(s->name, t->name, sizeof(s->name));
}

static void
tell(void)
{
	const struct seen *s;
	unsigned i;

	for (i = 0; i < watch.nseen && i < SEEN; i++) {
		s = &watch.seen[i];
		if (s->rank == 0)
			graded_say("waits thread %u (%s) for an event", s->id,
			    s->name);
		else
			graded_say("waits thread %u (%s) for lock %s of thread %u",
			    s->id, s->name, lockrank_name(s->rank), s->owner);
	}
}
