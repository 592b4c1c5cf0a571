/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch20-same.c: one static program under two kernels, and what each of them counts
 *
 * Problem   Words compare badly.  The same binary does the same thing to a few
 *           pages on Linux 6.1 and here, and both kernels say what they did.
 *
 * Picture   ours: started by init, counters of /proc/vm/events
 *           Linux: is process 1 itself, counters of /proc/vmstat (book/linux)
 *
 * GUEST: --memory 768M --append ramdisk=32M --append swap=rama
 */
#define RUN_ALSO "swap.", "page.alloc", "pgfault", "pgmajfault", "pgreuse", \
	"pgalloc_dma32", "pswpin", "pswpout", "thp_fault_alloc", "swap_ra"
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <termios.h>
#include "run.h"

#define PAGES 64ul
#define HUGE (2ul << 20)
#define MADV_PAGEOUT_ 21

/* ---- Linux, of which we are the first process ---- */

static void
linux_begin(void)
{
	struct termios raw;

	mkdir("/proc", 0555);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	dup2(open("/dev/ttyS1", O_WRONLY | O_NOCTTY), 1);
	if (tcgetattr(1, &raw) == 0) {
		raw.c_oflag &= ~OPOST;
		tcsetattr(1, TCSANOW, &raw);
	}
	if (swapon("/dev/nvme0n1", 0) != 0)
		perror("swapon");
}

static void
linux_end(void)
{
	tcdrain(1);
	reboot(RB_AUTOBOOT);
}

/* ---- steps ---- */

static volatile char *
private_memory(void)
{
	volatile char *p = run_map(PAGES, RW, PRIVATE), *q;

	run_step("map");
	(void)run_load(p, PAGES);
	run_step("load");
	run_store(p, PAGES);
	run_step("store-after-load");
	q = run_map(PAGES, RW, PRIVATE);
	run_store(q, PAGES);
	run_step("store");
	madvise((void *)q, PAGES * PAGE, MADV_DONTNEED);
	run_step("dontneed");
	run_store(q, PAGES);
	run_step("store-again");
	munmap((void *)q, PAGES * PAGE);
	run_step("unmap");
	return p;
}

/* The child says and hears one byte at a time: what it does is in one step. */
static int go[2], done[2];

static void
say(int fd)
{
	char c = 0;

	if (write(fd, &c, 1) != 1)
		_exit(1);
}

static void
hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(1);
}

static void
child(volatile char *p)
{
	say(done[1]);
	hear(go[0]);
	(void)run_load(p, PAGES);
	say(done[1]);
	hear(go[0]);
	run_store(p, PAGES / 4);
	say(done[1]);
	hear(go[0]);
	_exit(0);
}

static void
forks(volatile char *p)
{
	int pid;

	if (pipe(go) != 0 || pipe(done) != 0)
		exit(2);
	pid = fork();
	if (pid == 0)
		child(p);
	hear(done[0]);
	run_step("fork");
	say(go[1]);
	hear(done[0]);
	run_step("child-loads");
	say(go[1]);
	hear(done[0]);
	run_step("child-stores");
	run_store(p, PAGES / 4);
	run_step("parent-same");
	run_store(p + PAGES / 4 * PAGE, PAGES / 4);
	run_step("parent-other");
	say(go[1]);
	waitpid(pid, NULL, 0);
	run_step("child-ends");
	run_store(p + PAGES / 2 * PAGE, PAGES / 2);
	run_step("parent-rest");
}

static void
file(void)
{
	static char page[PAGE];
	volatile char *p;
	int fd = syscall(SYS_memfd_create, "same", 0);
	size_t i;

	memset(page, 1, sizeof page);
	run_step("-");
	for (i = 0; i < PAGES; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			exit(2);
	run_step("file-write");
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	(void)run_load(p, PAGES);
	run_step("file-load");
	run_store(p, PAGES / 4);
	run_step("file-store");
	munmap((void *)p, PAGES * PAGE);
	close(fd);
}

static void
large(void)
{
	char *p = (char *)run_map(4 * HUGE / PAGE, RW, PRIVATE);
	volatile char *q = p + (HUGE - ((unsigned long)p & (HUGE - 1)));

	run_step("-");
	run_store(q, 2 * HUGE / PAGE);
	run_step("large");
	munmap(p, 4 * HUGE);
}

static void
swapped(volatile char *p)
{
	size_t i;

	run_store(p, PAGES);
	run_step("-");
	madvise((void *)p, PAGES * PAGE, MADV_PAGEOUT_);
	usleep(100000);
	run_step("out");
	(void)run_load(p, PAGES);
	run_step("in");
	usleep(100000);
	madvise((void *)p, PAGES * PAGE, MADV_PAGEOUT_);
	usleep(100000);
	run_step("out-clean");
	for (i = PAGES; i > 0; i--)
		(void)p[(i - 1) * PAGE];
	run_step("in-backwards");
}

int
main(void)
{
	int linux_is_below = getpid() == 1, r;
	volatile char *p;

	if (linux_is_below)
		linux_begin();
	run_begin();
	p = private_memory();
	forks(p);
	file();
	large();
	swapped(p);
	r = run_end();
	if (linux_is_below)
		linux_end();
	return r;
}
