/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * What a process takes that was forked and sleeps: its kernel stack, its page
 * tables, its VADs, the structs of process and thread, and the pages that
 * it has written.  Sons are counted beside others that live: whose stacks and
 * slabs they could take over is in use.
 */
#include "../lib/events.h"

#define SONS 64
#define MOST 50 /* KiB each */

static int go[2], ready[2];

static long
free_frames(int i)
{
	return snap_get(i, "page.q_free") + snap_get(i, "page.q_zeroed");
}

static void
sons(pid_t *pid, int n)
{
	char c = 0;

	for (int k = 0; k < n; k++) {
		pid[k] = fork();
		if (pid[k] == 0) {
			close(go[1]);
			if (write(ready[1], &c, 1) != 1)
				_exit(1);
			_exit(read(go[0], &c, 1) == 0 ? 0 : 1);
		}
		CHECK(pid[k] > 0);
	}
	for (int k = 0; k < n; k++)
		EQ(read(ready[0], &c, 1), 1);
	usleep(200000); /* from there to their read() */
}

int
main(void)
{
	pid_t pid[2 * SONS];

	snap_init();
	OK(pipe(go));
	OK(pipe(ready));
	sons(pid, SONS);
	snap_all(1);
	sons(pid + SONS, SONS);
	snap_all(2);
	close(go[1]);
	for (int k = 0; k < 2 * SONS; k++)
		REAP(pid[k], 0);
	LE((free_frames(1) - free_frames(2)) * 4, SONS * MOST);
	return test_done();
}
