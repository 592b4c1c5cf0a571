/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=180 SWEEP=no MORE=1 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * VADs that cannot be read from swap: whoever they belong to is killed, in the
 * call that needed them or at its next fault, and nobody else is hurt; what he
 * had is given back to the last page.
 */
#include "lib/events.h"
#include "lib/pressure.h"
#include "lib/vmtext.h"

#define MAPS 4000
#define ENOUGH (MAPS / 36 / 2)

struct talk {
	volatile int mapped, go;
};

static struct talk *talk;
static struct hog hog;

static void
inject(const char *spec)
{
	EQ(proc_write("/proc/vm/inject", spec), 0);
}

static char *
map_many(int fd)
{
	char *base = mmap(NULL, 2 * MAPS * PAGE, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(base != MAP_FAILED);
	for (long i = 0; i < MAPS; i++) {
		char *p = mmap(base + 2 * i * PAGE, PAGE, PROT_READ |
		    (i % 2 ? PROT_WRITE : 0), MAP_PRIVATE | MAP_FIXED |
		    (i % 4 ? MAP_ANONYMOUS | MAP_NORESERVE : 0),
		    i % 4 ? -1 : fd, 0);

		CHECK(p != MAP_FAILED);
		if (i % 16 == 1)
			*p = 1;
	}
	return base;
}

/* What the process does with its mappings when it wakes. */
static void
use(char *base, int how)
{
	switch (how) {
	case 0: /* a fault */
		for (long i = 0; i < MAPS; i++)
			(void)*(volatile char *)(base + 2 * i * PAGE);
		break;
	case 1: /* remove them */
		munmap(base, 2 * MAPS * PAGE);
		return;
	case 2: /* change all */
		mprotect(base, 2 * MAPS * PAGE, PROT_READ);
		break;
	case 3: /* copy all */
		if (fork() == 0)
			_exit(0);
		break;
	}
	for (long i = 0; i < MAPS; i++)
		(void)*(volatile char *)(base + 2 * i * PAGE);
}

static void
son(int fd, int how)
{
	char *base;

	base = map_many(fd);
	OK(mlock(talk, PAGE));
	talk->mapped = 1;
	while (!talk->go)
		sleep_ms(20);
	use(base, how);
	_exit(0);
}

/* The son's VADs are out; now none of them can be read. */
static void
lose(int fd, int how)
{
	pid_t pid;
	int status;

	talk->mapped = talk->go = 0;
	snap_all(1);
	pid = OK(fork());
	if (pid == 0)
		son(fd, how);
	while (!talk->mapped)
		sleep_ms(20);
	for (int i = 0; i < 20; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		sleep_ms(200);
		snap_all(2);
		if (snap_get(2, "kpaged.pages_out") >= ENOUGH)
			break;
	}
	LE(ENOUGH, snap_get(2, "kpaged.pages_out"));
	OK(mlockall(MCL_CURRENT));
	/* The first reads are those of the son's own pages. */
	inject("FI_SWAPIN:6:1:2000");
	talk->go = 1;
	OK(waitpid(pid, &status, 0));
	inject("off");
	OK(munlockall());
	snap_all(3);
	if (snap_delta(2, 3, "vad.lost") > 0)
		CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL ||
		    WTERMSIG(status) == SIGBUS));
	check_vm();
	printf("case %d: %s\n", how, snap_delta(2, 3, "vad.lost") > 0 ?
	    "VADs were lost" : "other pages were lost");
}

static int
body(void)
{
	char path[] = "/tmp/lost_vads";
	int fd = OK(open(path, O_RDWR | O_CREAT, 0600));

	OK(ftruncate(fd, PAGE));
	hog = hog_start();
	snap_all(0);
	for (int how = 0; how < 4; how++)
		lose(fd, how);
	snap_all(4);
	LE(1, snap_delta(0, 4, "vad.lost"));
	DELTA_EQ(0, 4, "vad.live", 0);
	hog_end(&hog);
	OK(close(fd));
	OK(unlink(path));
	return test_done();
}

int
main(void)
{
	snap_init();
	text_init();
	talk = (struct talk *)pages_shared(1);
	return body();
}
