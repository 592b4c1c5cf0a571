/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 */
/*
 * What a process takes that was forked and sleeps: its kernel stack, its page
 * tables, the structs of process and thread, and the pages that it has written.
 */
#include "../lib/events.h"

#define SONS 64
#define MOST 60 /* KiB each */

static int go[2];

static long
free_frames(int i)
{
	return snap_get(i, "page.q_free") + snap_get(i, "page.q_zeroed");
}

/* So many that sleep; the frames are counted in snapshot i. */
static void
with_sons(int n, int i)
{
	pid_t pid[SONS];
	char c;

	OK(pipe(go));
	for (int k = 0; k < n; k++) {
		pid[k] = fork();
		if (pid[k] == 0) {
			close(go[1]);
			_exit(read(go[0], &c, 1) == 0 ? 0 : 1);
		}
		CHECK(pid[k] > 0);
	}
	usleep(200000);
	snap_all(i);
	close(go[1]);
	for (int k = 0; k < n; k++)
		EQ(waitpid(pid[k], NULL, 0), pid[k]);
	close(go[0]);
}

int
main(void)
{
	snap_init();
	with_sons(SONS, 1);
	with_sons(1, 1);
	with_sons(SONS, 2);
	LE((free_frames(1) - free_frames(2)) * 4, (SONS - 1) * MOST);
	return test_done();
}
