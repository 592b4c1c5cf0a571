/* NEEDS: MEM=48M SWAP=4G CPUS=1 TIMEOUT=300 ARGS=48:24:1 MORE=all KIND=bounded */
/* BOUNDED: 4 GiB of swap are a disk of the host: memory it cannot be */
/*
 * Many processes forked from one of so many MiB, each of which writes to some
 * MiB of its own and then sleeps: what describes their memory is more than the
 * memory, and goes to swap as well.  Each finds its bytes and those of the
 * parent when it wakes up, and all that was taken is back at the end.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"

#define OUT 16  /* entry pages that sleep, of 24 */
#define LOOK 64 /* every so many of the parent's pages is looked at */
#define FEW 48  /* sons do what a first use makes, and keeps */

static size_t family, heritage, own;
static char *area;
static int ready[2], go[2];
static struct hog hog;

/* The parts that sons write lie behind each other, and again from the front. */
static size_t
part_of(size_t son)
{
	return son * own % (heritage - own + 1);
}

static void
look(size_t son, bool mine)
{
	size_t part = part_of(son);

	for (size_t i = son % LOOK; i < heritage; i += LOOK)
		if (!mine || i < part || i >= part + own)
			STAMPED(area + i * PAGE, i, 0);
	for (size_t i = part; mine && i < part + own; i++)
		STAMPED(area + i * PAGE, i, son + 1);
}

static void __attribute__((noreturn))
live(size_t son)
{
	size_t part = part_of(son);
	char c;

	for (size_t i = part; i < part + own; i++)
		stamp(area + i * PAGE, i, son + 1);
	EQ(write(ready[1], "", 1), 1);
	EQ(read(go[0], &c, 1), 1);
	look(son, true);
	_exit(0);
}

static void
run_family(void)
{
	pid_t pid[1024];
	char c;

	for (size_t i = 0; i < heritage; i++)
		stamp(area + i * PAGE, i, 0);
	for (size_t s = 0; s < family; s++) {
		pid[s] = OK(fork());
		if (pid[s] == 0)
			live(s);
		EQ(read(ready[0], &c, 1), 1);
		if (s % FEW == FEW - 1)
			fprintf(stderr, "# %zu sons sleep\n", s + 1);
	}
	/* All sleep now: entries, too. */
	for (int i = 0; i < 6; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		snap_all(2);
		if (snap_get(2, "kpaged.pages_out") >= OUT)
			break;
	}
	look(0, false);
	for (size_t s = 0; s < family; s++) {
		EQ(write(go[1], "", 1), 1);
		if (s % 4 == 3)
			sched_yield();
	}
	for (size_t s = 0; s < family; s++)
		REAP(pid[s], 0);
	for (size_t i = 0; i < heritage; i++)
		STAMPED(area + i * PAGE, i, 0);
}

static int
founder(void)
{
	hog = hog_start();
	area = pages_private(heritage);
	OK(pipe(ready));
	OK(pipe(go));
	snap_all(1);
	run_family();
	snap_all(3);
	hog_end(&hog);
	LE(OUT, snap_get(2, "kpaged.pages_out"));
	LE(1, snap_delta(2, 3, "kpaged.pinwait"));
	return test_done();
}

static void
found(size_t sons, char **argv)
{
	char count[24];
	pid_t pid;

	snprintf(count, sizeof(count), "%zu", sons);
	pid = OK(vfork());
	if (pid == 0) {
		execl("/proc/self/exe", "sons", count, argv[2], argv[3],
		    "here", (char *)NULL);
		_exit(127);
	}
	REAP(pid, 0);
}

/* What others have may become less meanwhile. */
static void
compare(void)
{
	static const char *const names[] = { "fmo.live", "fmo.entries_live",
		"fmo.refs_live", "fmo.pages_live", "vad.live" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		DELTA_LE(4, 5, names[i], 0);
	DELTA_LE(4, 5, "commit.total", 4); /* our own stack, a table */
	LE(snap_get(5, "kpaged.pages") + snap_get(5, "kpaged.pages_out"),
	    snap_get(4, "kpaged.pages") + snap_get(4, "kpaged.pages_out"));
}

/*
 * In processes of their own, by vfork: all they had must be back afterwards.
 * Twice before we look: what a first use makes, and keeps, is there then.
 */
int
main(int argc, char **argv)
{
	size_t few;

	if (argc < 4)
		return 2;
	snap_init();
	family = strtoul(argv[1], NULL, 10);
	if (argc > 4) {
		heritage = strtoul(argv[2], NULL, 10) * MIB / PAGE;
		own = strtoul(argv[3], NULL, 10) * MIB / PAGE;
		return founder();
	}
	few = family < FEW ? family : FEW;
	found(few, argv);
	found(few, argv);
	snap_all(4);
	found(family, argv);
	snap_all(5);
	compare();
	return test_done();
}
