/* NEEDS: MEM=48M SWAP=256M CPUS=1 TIMEOUT=100 LINUX=no SWEEP=no KIND=exact */
/*
 * A call that finds no frame for its work is made again when there is one, and answers as
 * if nothing had been, whatever it would say: also one that goes on after a stop, and
 * brk, which tells of no failure.  So is a store to shared memory, and to a hole of a
 * file on a disk (argument: a folder there), and what of shared memory is written by a
 * call.  What wants many frames waits for many, and no write to a pipe or a socket is cut
 * short for them.  Where nobody has lacked a frame it fails, by an errno that speaks of
 * memory.
 */
#include "lib/events.h"
#include "lib/pressure.h"
#include "lib/sleeps.h"
#include "lib/trap.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define INJECT "/proc/vm/inject"
#define MANY 20   /* more ends than poll has room for without memory */
#define PIPES 40  /* full, they are more than what is free beside a hog */
#define ROUNDS 2000
#define FAR (64 * PAGE)
#define PIECES 4  /* of memory: one of the first is refused */
#define ENDS 40   /* of pipes and of sockets, full: some frames in a hundred */
#define BURSTS 10

static char full[64 * KIB];

/* Touch more than there is, time and again. */
static void __attribute__((noreturn))
touch_all(void)
{
	size_t n = meminfo("MemTotal") * 5 / 4;
	char *p = pages_private(n);

	for (;;)
		for (size_t i = 0; i < n; i++)
			p[i * PAGE]++;
}

/* The kernel takes frames at once, and waits for none. */
static void
fill_pipes(void)
{
	int fd[PIPES][2], n;

	for (n = 0; n < PIPES && pipe(fd[n]) == 0; n++)
		(void)!write(fd[n][1], full, sizeof(full));
	while (n-- > 0) {
		OK(close(fd[n][0]));
		OK(close(fd[n][1]));
	}
}

/* Until a call has lacked a frame: only then is one made again. */
static void
lack_frames(void)
{
	pid_t pid = OK(fork());
	int i;

	if (pid == 0)
		touch_all();
	for (i = 0; i < ROUNDS && snap_get(0, "page.calls_again") == 0; i++) {
		fill_pipes();
		snap_all(0);
	}
	CHECK(i < ROUNDS);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
}

static int
poll_many(int end)
{
	struct pollfd p[MANY];

	for (int i = 0; i < MANY; i++)
		p[i] = (struct pollfd){ end, POLLIN, 0 };
	return poll(p, MANY, 100000) == MANY ? 0 : errno;
}

/* The nth piece of memory that the process takes from now on. */
static void
refuse(const char *point, pid_t pid, int nth)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "%s:%d:0:1:%d", point, nth, (int)pid);
	EQ(proc_write(INJECT, spec), 0);
}

/* Processes of their own: no call is made again for a lack that its thread knows. */
static void
goes_on_without(int nth)
{
	int fd[2], status;
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0)
		_exit(poll_many(fd[0]));
	process_sleeps(pid);
	OK(kill(pid, SIGSTOP));
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	refuse("FI_SLAB", pid, nth);
	OK(kill(pid, SIGCONT));
	sleep_ms(50);
	EQ(proc_write(INJECT, "off"), 0);
	EQ(write(fd[1], "x", 1), 1);
	REAP(pid, 0);
	OK(close(fd[0]));
	OK(close(fd[1]));
}

/* ---- calls, each in a process of its own ---- */

static int file, sock[2]; /* of a file that can be locked; of connected sockets */
static char *area;        /* some pages, one mapping */
static int memory;        /* that area is a part of, for those that want it shared */
static char *holes;       /* pages of a file; NULL: no disk */
static int hole;          /* the next one */

static int
opens(void)
{
	return open("/dev/null", O_RDONLY);
}

static int
pipes(void)
{
	int fd[2];

	return pipe(fd);
}

static int
sockets(void)
{
	int fd[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
}

static int
polls(void)
{
	return epoll_create1(0);
}

static int
counts(void)
{
	return eventfd(0, 0);
}

static int
forks(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	return fcntl(file, F_SETLK, &l);
}

static int
sends(void)
{
	return write(sock[0], full, 1000) == 1000 ? 0 : -1;
}

static int
advises(void)
{
	return madvise(area + PAGE, PAGE, MADV_DONTFORK);
}

static int
protects(void)
{
	return mprotect(area + PAGE, PAGE, PROT_READ);
}

/* The heap ends with a page of another kind, so a mapping is made. */
static int
grows_heap(void)
{
	char *b = (char *)syscall(SYS_brk, area + 3 * PAGE);

	return b == area + 3 * PAGE ? 0 : -1;
}

static int
stores(void)
{
	return TRAPPED(store(holes + hole * PAGE, 1)) == 0 ? 0 : -1;
}

/* At FAR a table of the object is missing. */
static int
stores_shared(void)
{
	return TRAPPED(store(area + FAR, 1)) == 0 ? 0 : -1;
}

static int
writes_shared(void)
{
	return pwrite(memory, "x", 1, FAR) == 1 ? 0 : -1;
}

static const struct {
	const char *name;
	int (*call)(void);
	int no_memory; /* what it says; 0: nothing */
} calls[] = {
	{ "open", opens, ENOMEM }, { "pipe", pipes, ENOMEM },
	{ "socketpair", sockets, ENOMEM }, { "epoll_create1", polls, ENOMEM },
	{ "eventfd", counts, ENOMEM }, { "fork", forks, ENOMEM },
	{ "F_SETLK", locks, ENOLCK }, { "write to a socket", sends, ENOBUFS },
	{ "madvise", advises, EAGAIN }, { "mprotect", protects, ENOMEM },
	{ "brk", grows_heap, 0 }, { "a store to a hole", stores, 0 },
	{ "a store to shared memory", stores_shared, 0 },
	{ "pwrite to shared memory", writes_shared, ENOSPC },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static void
area_of(int (*call)(void))
{
	if (call == grows_heap) {
		area = (char *)(((uintptr_t)syscall(SYS_brk, NULL) + PAGE - 1) & -PAGE);
		EQ(syscall(SYS_brk, area + 2 * PAGE), (long)area + 2 * PAGE);
		OK(mprotect(area + PAGE, PAGE, PROT_READ));
	} else if (call == stores_shared || call == writes_shared) {
		memory = OK(memfd_create("far", 0));
		OK(ftruncate(memory, FAR + PAGE));
		area = mmap(NULL, FAR + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
		    0);
		CHECK(area != MAP_FAILED);
	} else {
		area = pages_private(3);
	}
}

/* Where its memory is refused. */
static const char *
point_of(int (*call)(void))
{
	return call == stores_shared || call == writes_shared ? "FI_KPAGED" : "FI_SLAB";
}

/* Its nth piece of memory is refused: has it failed? */
static bool
fails(unsigned i, int nth)
{
	int r, e, status;
	pid_t pid;

	if (calls[i].call == stores) {
		sync(); /* of what a store needs nothing is left from the last one */
		hole++;
	}
	pid = OK(fork());
	if (pid == 0) {
		area_of(calls[i].call);
		refuse(point_of(calls[i].call), getpid(), nth);
		r = calls[i].call();
		e = errno;
		/* The one failure may be left for this. */
		if (proc_write(INJECT, "off") != 0)
			EQ(proc_write(INJECT, "off"), 0);
		if (r < 0 && calls[i].no_memory != 0)
			EQ(e, calls[i].no_memory);
		_exit(r < 0 ? 7 : 0);
	}
	EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	if (WEXITSTATUS(status) != 7)
		EQ(WEXITSTATUS(status), 0);
	return WEXITSTATUS(status) == 7;
}

static void
calls_fail(void)
{
	for (unsigned i = 0; i < CALLS; i++)
		if (calls[i].call == stores)
			continue;
		else if (!fails(i, 1))
			FAIL("%s needs no memory", calls[i].name);
		else
			for (int nth = 2; nth <= PIECES; nth++)
				(void)fails(i, nth);
}

static void
calls_go_on(void)
{
	for (unsigned i = 0; i < CALLS; i++)
		for (int nth = 1; nth <= PIECES; nth++)
			if ((calls[i].call != stores || holes != NULL) && fails(i, nth))
				FAIL("%s fails without piece %d", calls[i].name, nth);
}

static void
make_holes(const char *folder)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/holes", folder);
	fd = OK(open(path, O_RDWR | O_CREAT, 0600));
	OK(ftruncate(fd, 100 * PAGE));
	holes = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(holes != MAP_FAILED);
	OK(close(fd));
}

static void
take_all(int fd)
{
	size_t n = 0;

	while (n < sizeof(full))
		n += OK(read(fd, full + n, sizeof(full) - n));
}

/* In bursts more than is free, while programs want all frames. */
static void
writes_are_whole(void)
{
	int p[ENDS][2], s[ENDS][2];
	pid_t pid = OK(fork());

	if (pid == 0)
		touch_all();
	for (int i = 0; i < ENDS; i++) {
		OK(pipe(p[i]));
		OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]));
	}
	for (int n = 0; n < BURSTS; n++) {
		sleep_ms(50);
		for (int i = 0; i < ENDS; i++) {
			EQ(write(s[i][0], full, sizeof(full)), sizeof(full));
			EQ(write(p[i][1], full, sizeof(full)), sizeof(full));
		}
		for (int i = 0; i < ENDS; i++) {
			take_all(s[i][1]);
			take_all(p[i][0]);
		}
	}
	for (int i = 0; i < 2 * ENDS; i++) {
		OK(close(p[i / 2][i % 2]));
		OK(close(s[i / 2][i % 2]));
	}
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
}

int
main(int argc, char **argv)
{
	snap_init();
	need_swap();
	trap_catch(0);
	if (argc > 1)
		make_holes(argv[1]);
	file = OK(open("/tmp/locked", O_RDWR | O_CREAT, 0600));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	snap_all(0);
	if (snap_get(0, "page.refused") == 0)
		calls_fail();
	lack_frames();
	calls_go_on();
	for (int nth = 1; nth <= PIECES; nth++)
		goes_on_without(nth);
	writes_are_whole();
	OK(unlink("/tmp/locked"));
	return test_done();
}
