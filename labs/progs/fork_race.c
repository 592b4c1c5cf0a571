/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork_race.c: a thread stores while another forks; the child must not see it
 *
 * --pages N    that the thread stores to, round after round
 * --forks F    children, one after the other
 */
#include "libt.h"

#define ROUNDS 3        /* of the writer, while a child looks */
#define PATIENCE 1000000ul

struct work {
	u8 *p;
	u64 pages;
	volatile u64 *round;     /* shared: the writer's, as all see it */
	volatile int stop, tid;
};

/*
 * Let the others get on: who shares our CPU, and the other CPUs, of which the
 * emulator runs one at a time and goes on with the next at a pause.
 */
static void
give_way(void)
{
	yield();
	__asm__ volatile("pause");
}

static int
writer(void *arg)
{
	struct work *w = arg;
	u64 round = 0, i;

	while (!w->stop) {
		round++;
		for (i = 0; i < w->pages; i++)
			*(volatile u64 *)(w->p + i * PAGE) = round;
		*w->round = round;
		give_way();
	}
	return 0;
}

static int
wait_rounds(const struct work *w, u64 rounds)
{
	u64 until = *w->round + rounds, patience = PATIENCE;

	while (*w->round < until && --patience != 0)
		give_way();
	return patience != 0;
}

/* The pages of the child stand still while the writer goes round and round. */
static int
reader(void *arg)
{
	struct work *w = arg;
	u64 first[64], i;

	for (i = 0; i < w->pages; i++)
		first[i] = *(volatile u64 *)(w->p + i * PAGE);
	if (!wait_rounds(w, ROUNDS))
		return 2;
	for (i = 0; i < w->pages; i++)
		if (*(volatile u64 *)(w->p + i * PAGE) != first[i])
			return 1;
	return 0;
}

#define USER_END 0x7ffffffff000ul
#define STACK_BYTES 0x10000ul /* more than _start has used */

/*
 * The stack of exec, private memory above all other, goes: the first and the last
 * page that a fork has to flush are those that the writer stores to.
 */
static void
drop_first_stack(char **argv)
{
	u64 from = ((u64)argv & ~(PAGE - 1)) - STACK_BYTES;

	EXPECT(unmap((void *)from, USER_END - from) == 0);
}

#define ENDED_WITH(status) ((status) << 8)

int
main(int argc, char **argv)
{
	u64 forks = option(argv, "forks"), i, seen = 0;
	struct work w = { .pages = option(argv, "pages") };
	int status;
	long pid;

	drop_first_stack(argv);
	EXPECT(w.pages <= 64);
	w.p = anon(w.pages);
	w.round = (volatile u64 *)shared(1);
	for (i = 0; i < w.pages; i++)
		w.p[i * PAGE] = 0;
	EXPECT(thread(writer, &w, &w.tid) > 0);
	while (*w.round == 0)
		nap();
	mark(1);
	for (i = 0; i < forks; i++) {
		pid = child(reader, &w);
		EXPECT(pid > 0);
		status = wait_for(pid);
		EXPECT(status == 0 || status == ENDED_WITH(1));
		seen += status != 0;
		EXPECT(wait_rounds(&w, 1)); /* all pages are stored to again */
	}
	mark(2);
	answer("seen", seen);
	w.stop = 1;
	thread_join(&w.tid);
	return 0;
}
