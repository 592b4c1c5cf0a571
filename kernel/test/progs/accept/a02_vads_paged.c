/* NEEDS: MEM=64M SWAP=512M CPUS=1,4 TIMEOUT=600 MORE=all KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A2: the VADs of user processes are paged: four processes with many mappings
 * each sleep while memory is scarce, and their VADs go to swap; then each
 * mapping is looked at, and all are as they were.
 *
 * Arguments: mappings of a process (50 000); pages of the kernel that must be
 * out (4000).
 */
#include "../lib/events.h"
#include "../lib/pressure.h"
#include "../lib/vmtext.h"

#define SONS 4
#define WRITTEN 97        /* one in so many has contents */

struct talk {
	volatile int mapped;      /* sons that have all their mappings */
	volatile int go;
};

static struct talk *talk;
static long count, out;

/* Two neighbours never have the same rights. */
static int
prot_of(long i)
{
	return i % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
}

static void
map_all(char *base)
{
	for (long i = 0; i < count; i++) {
		char *p = mmap(base + i * PAGE, PAGE, prot_of(i), MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

		CHECK(p == base + i * PAGE);
	}
}

static bool
is_written(long i)
{
	return i % WRITTEN == 0 && prot_of(i) != PROT_READ;
}

/* What is there, and may it be written: the kernel says so without a signal. */
static void
look_all(char *base, int fd)
{
	for (long i = 0; i < count; i++) {
		char *p = base + i * PAGE;

		if (is_written(i))
			EQ(*(volatile long *)p, i + 1);
		else
			EQ(*(volatile long *)p, 0);
		if (i % 64 > 1)
			continue;
		EQ(pread(fd, p + 8, 1, 0), prot_of(i) == PROT_READ ? -1 : 1);
	}
}

static int
son(int me)
{
	int fd = OK(open("/dev/zero", O_RDONLY));
	char *base = mmap(NULL, count * PAGE, PROT_NONE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(base != MAP_FAILED);
	map_all(base);
	for (long i = 0; i < count; i++)
		if (is_written(i))
			*(volatile long *)(base + i * PAGE) = i + 1;
	__atomic_add_fetch(&talk->mapped, 1, __ATOMIC_SEQ_CST);
	while (talk->go != me + 1)
		sleep_ms(100);
	look_all(base, fd);
	for (long i = 1; i < count; i += 2)
		OK(munmap(base + i * PAGE, PAGE));
	for (long i = 0; i < count; i++)
		if (is_written(i))
			EQ(*(volatile long *)(base + i * PAGE), i + 1);
	return test_done();
}

static int
body(void)
{
	struct hog hog = hog_start();
	pid_t pid[SONS];

	for (int i = 0; i < SONS; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			_exit(son(i));
	}
	while (talk->mapped < SONS)
		sleep_ms(50);
	snap_all(1);
	for (int i = 0; i < 30; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		sleep_ms(300);
		snap_all(2);
		if (snap_get(2, "kpaged.pages_out") >= out)
			break;
	}
	LE(out, snap_get(2, "kpaged.pages_out"));
	for (int i = 0; i < SONS; i++) {
		talk->go = i + 1;
		REAP(pid[i], 0);
	}
	snap_all(3);
	LE(1, snap_delta(2, 3, "kpaged.fault_major"));
	LE(1, snap_delta(2, 3, "kpaged.pinwait"));
	DELTA_EQ(2, 3, "vad.lost", 0);
	hog_end(&hog);
	check_vm();
	return test_done();
}

int
main(int argc, char **argv)
{
	snap_init();
	text_init();
	count = argc > 1 ? atol(argv[1]) : 50000;
	out = argc > 2 ? atol(argv[2]) : 4000;
	talk = (struct talk *)pages_shared(1);
	return body();
}
