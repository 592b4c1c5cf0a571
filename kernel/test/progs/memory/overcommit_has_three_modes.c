/* NEEDS: MEM=32M SWAP=32M CPUS=1,2 TIMEOUT=120 APPEND=locks=1 SWEEP=few MORE=2 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * overcommit_memory 2, 1 and 0: what may be mapped, who pays when, and what
 * happens to the one for whom there is no place.  The others live.
 */
#include "lib/events.h"
#include "lib/trap.h"

#include <sys/klog.h>
#include <sys/sysinfo.h>

#define MODE "/proc/sys/vm/overcommit_memory"
#define HUGE (8 * GIB) /* no machine of a test has that */

static int
set_mode(const char *text)
{
	int fd = OK(open(MODE, O_WRONLY)), r, e;

	errno = 0;
	r = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static int
get_mode(void)
{
	int fd = OK(open(MODE, O_RDONLY));
	char c;

	EQ(read(fd, &c, 1), 1);
	close(fd);
	return c - '0';
}

static char *
try_map(size_t bytes, int prot, int flags)
{
	return mmap(NULL, bytes, prot, MAP_ANONYMOUS | flags, -1, 0);
}

#define RW (PROT_READ | PROT_WRITE)

/* All of memory and swap together. */
static size_t
all(void)
{
	struct sysinfo si;

	OK(sysinfo(&si));
	CHECK(si.totalswap > 0 && si.freeswap <= si.totalswap);
	return (si.totalram + si.totalswap) * si.mem_unit;
}

static void
strict(void)
{
	EQ(get_mode(), 2);
	CHECK(try_map(all(), RW, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM);
	CHECK(try_map(all(), RW, MAP_SHARED) == MAP_FAILED && errno == ENOMEM);
}

/* Touch pages until one has no place; how many had. */
static size_t
touch_all(char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		*(volatile size_t *)(p + i * PAGE) = i + 1;
		if (i % 64 == 0)
			EQ(*(volatile size_t *)(p + i / 2 * PAGE), i / 2 + 1);
	}
	return n;
}

/* A child takes all there is: it gets SIGBUS, and nobody else does. */
static void
late(int flags)
{
	char *mine = try_map(4 * MIB, RW, MAP_PRIVATE), *p;
	pid_t pid;

	memset(mine, 7, 4 * MIB);
	pid = OK(fork());
	if (pid == 0) {
		trap_catch(0);
		p = try_map(all() - 8 * MIB, RW, flags);
		CHECK(p != MAP_FAILED);
		CHECK(try_map(all() - 8 * MIB, RW, flags) != MAP_FAILED);
		EQ(TRAPPED(touch_all(p, all() / PAGE)), SIGBUS);
		EQ(trap_info.code, BUS_ADRERR);
		CHECK(trap_info.addr - (uintptr_t)p > 32 * MIB);
		/*
		 * What has a place keeps its bytes.  A shared page may need a
		 * new table to be mapped again, and there is no place for one.
		 */
		if (flags == MAP_PRIVATE)
			EQ(*(size_t *)(p + 100 * PAGE), 101);
		OK(munmap(p, all() - 8 * MIB));
		_exit(3);
	}
	REAP(pid, 3);
	for (size_t i = 0; i < 4 * MIB; i += PAGE)
		EQ(load(mine + i), 7);
	OK(munmap(mine, 4 * MIB));
	check_vm();
}

static void
log_has_a_line(void)
{
	static char text[1 << 18];
	int n = OK(klogctl(3, text, sizeof(text) - 1));

	text[n] = '\0';
	CHECK(strstr(text, "no place for the page at") != NULL);
}

static void
always(void)
{
	char *p;

	OK(set_mode("1"));
	EQ(get_mode(), 1);
	p = try_map(HUGE, RW, MAP_PRIVATE);
	CHECK(p != MAP_FAILED);
	OK(munmap(p, HUGE));
	p = try_map(HUGE, PROT_READ, MAP_PRIVATE);
	OK(mprotect(p, HUGE, RW));
	OK(munmap(p, HUGE));
	late(MAP_PRIVATE);
	late(MAP_SHARED);
}

static void
guess(void)
{
	char *p;

	OK(set_mode("0\n"));
	EQ(get_mode(), 0);
	CHECK(try_map(HUGE, RW, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM);
	CHECK(try_map(HUGE, RW, MAP_SHARED) == MAP_FAILED && errno == ENOMEM);
	p = try_map(HUGE, PROT_READ, MAP_PRIVATE);
	CHECK(p != MAP_FAILED);
	ERR(mprotect(p, HUGE, RW), ENOMEM);
	OK(munmap(p, HUGE));
	p = try_map(HUGE, RW, MAP_PRIVATE | MAP_NORESERVE);
	CHECK(p != MAP_FAILED);
	OK(munmap(p, HUGE));
	if (!is_watched()) /* who pays late does so as in mode 1 */
		late(MAP_PRIVATE);
}

int
main(void)
{
	if (!on_vadose() || geteuid() != 0)
		test_done();
	snap_init();
	strict();
	always();
	guess();
	log_has_a_line();
	ERR(set_mode("3"), EINVAL);
	ERR(set_mode("x"), EINVAL);
	OK(set_mode("2"));
	strict();
	test_done();
}
