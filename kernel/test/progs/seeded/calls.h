/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.h: what the calls are given, and what is told of their answers
 *
 * What a call is given is drawn before it, one draw a statement: the order in
 * which C evaluates arguments is the compiler's, and the text must not be.
 */
#ifndef SEEDED_CALLS_H
#define SEEDED_CALLS_H

#include "seeded.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <termios.h>

#define DRAWN_FDS 12      /* descriptors are drawn from these */
#define FD_LIMIT 24       /* RLIMIT_NOFILE */
#define DATA_SIZE (64 * KIB)
#define MOST_BYTES 8192   /* of one call */
#define TERMINAL_BYTES 12 /* of one write: a terminal's room is not Linux's */
#define KEPT_FD 500       /* and above: the test's own */

/*
 * A call whose answer is told, or what stands for it: another test than that of
 * the answers lets some fail, or leaves them out.
 */
#ifndef CALL
#define CALL(call, left_out) (call)
#endif

/* An operation, and how often it comes. */
struct op {
	void (*run)(void);
	unsigned weight;
};

enum ipc_kind { IPC_MESSAGES, IPC_SEMAPHORES, IPC_MEMORY, IPC_KINDS };
#define IPC_SLOTS 4
#define MOST_MADE 100

/* Shared by a seed's processes and the parent. */
struct shared {
	bool sent; /* sendfile(2) was called: times of access are not shown */
	int ipc[IPC_KINDS][IPC_SLOTS]; /* ids; -1 */
	volatile bool settling; /* asked for by the seed; the parent answers */
	volatile unsigned children;
	pid_t child[MOST_MADE];
	unsigned made;
	struct {
		enum ipc_kind kind;
		int id;
	} to_remove[MOST_MADE];
};

/* Set by a test that asks more than one file system: what Linux's differ in is left out. */
static bool meets_disks;

static struct shared *shared;
static long number; /* of the call */
static int depth;   /* of forks */

static char data[DATA_SIZE]; /* what is written */
static char in[DATA_SIZE];   /* where it is read to */

/* The area of the operations on memory. */
#define AREA_PAGES 24
static char *const area = (char *)0x20000000;

/* ---- the text ---- */

static long
tell_answer(long r)
{
	if (r == -1)
		say(" = E%d", errno);
	else
		say(" = %ld", r);
	return r;
}

static bool
tell_good(bool good)
{
	if (good)
		say(" = ok");
	else
		tell_answer(-1);
	return good;
}

/* The call's answer goes into the text; it is returned. */
#define tell(call) tell_answer(CALL(call, -1))

/* The same, where the number itself is not to be told. */
#define tell_success(good) tell_good(CALL(good, false))

/* ---- descriptors ---- */

/* Mostly one that is open. */
static int
any_fd(void)
{
	int fd, tries = 3;

	if (chance(30) == 0)
		return (int)PICK(-1, 19, -100, 21, 1000);
	do
		fd = (int)chance(DRAWN_FDS);
	while (--tries > 0 && fcntl(fd, F_GETFD) < 0);
	return fd;
}

/* S_IFDIR, …; 0: an anonymous file, as of epoll; S_IFMT: not open. */
static mode_t
kind_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : S_IFMT;
}

/* A terminal, hung up or not: the other devices here are /dev/null's. */
static bool
is_terminal(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	    major(st.st_rdev) != 1;
}

static bool
is_hung_up(int fd)
{
	struct pollfd p = { fd, 0, 0 };

	return is_terminal(fd) && poll(&p, 1, 0) > 0;
}

static bool
is_file(int fd)
{
	return kind_of(fd) == S_IFREG;
}

static bool
is_folder(int fd)
{
	return kind_of(fd) == S_IFDIR;
}

static bool
is_pipe(int fd)
{
	return kind_of(fd) == S_IFIFO;
}

static bool
is_socket(int fd)
{
	return kind_of(fd) == S_IFSOCK;
}

static bool
is_anonymous(int fd)
{
	return kind_of(fd) == 0;
}

/* Mostly one that fits, if one of those that are drawn does. */
static int
fd_that(bool fits(int))
{
	int other = any_fd();
	unsigned from = chance(DRAWN_FDS);

	if (chance(4) == 0)
		return other;
	for (unsigned i = 0; i < DRAWN_FDS; i++) {
		int fd = (int)((from + i) % DRAWN_FDS);

		if (fits(fd))
			return fd;
	}
	return other;
}

/* ---- names ---- */

static const char *
any_name(void)
{
	static const char *const names[] = { "a", "b", "c", "d", "d/a", "d/b",
		"d/d", "e", "e/a", "l", "m", "d/l", "d/d/a", "./a", "d/../a",
		"e/", "a/", "l/a", "", "d/.", "nodir/x", "d/d/..", "f", "r",
		"rd/x", "rd", "ro", "s", "t" };

	return names[chance(sizeof(names) / sizeof(names[0]))];
}

/* A folder to start from; mostly the current one. */
static int
any_folder(void)
{
	return chance(3) ? AT_FDCWD : fd_that(is_folder);
}

/* ---- bytes ---- */

struct bytes {
	char *p;
	size_t n;
};

/* A range of the area, mostly of whole pages. */
static struct bytes
any_range(void)
{
	size_t page = chance(AREA_PAGES);
	size_t pages = 1 + chance(4);
	struct bytes b;

	if (page + pages > AREA_PAGES)
		pages = AREA_PAGES - page;
	b = (struct bytes){ area + page * PAGE, pages * PAGE };
	if (chance(12) == 0)
		b.p += PICK(1, 100, 4095);
	if (chance(12) == 0)
		b.n += PICK(1, -1, 100);
	return b;
}

/* A byte of the area. */
static char *
any_place(void)
{
	size_t page = chance(AREA_PAGES);

	return area + page * PAGE + chance(PAGE);
}

static size_t
any_size(void)
{
	return PICK(0, 1, 2, 5, 10, 100, 511, 1000, 4095, 4096, 4097, 6000,
	    MOST_BYTES);
}

#define FAR (1l << 40) /* not all have files as long as that */

static off_t
near_enough(off_t at)
{
	return meets_disks && at == FAR ? FAR >> 8 : at;
}

static off_t
any_offset(void)
{
	return PICK(0, 0, 1, 100, 4000, 4096, 8192, 100000, -1);
}

/* How much a terminal or pipe takes before a bad address is its own affair. */
static bool
wants_good_memory(int fd)
{
	return is_terminal(fd) || is_pipe(fd) || is_anonymous(fd);
}

/* Sometimes the area, where it may hit what is not there. */
static struct bytes
any_room(int fd)
{
	struct bytes b = { in, any_size() };
	char *p = any_place();

	if (chance(5) == 0 && !wants_good_memory(fd))
		b.p = p;
	return b;
}

static struct bytes
any_bytes(int fd)
{
	char *good = data + chance(100), *p = any_place();
	struct bytes b = { good, any_size() };

	if (chance(5) == 0 && !wants_good_memory(fd))
		b.p = p;
	if (is_terminal(fd) && b.n > TERMINAL_BYTES)
		b.n = TERMINAL_BYTES;
	return b;
}

static const char *
where(struct bytes b)
{
	return b.p >= area && b.p < area + AREA_PAGES * PAGE ? "area" : "good";
}

/* b as three pieces. */
static void
cut(struct bytes b, struct iovec piece[3])
{
	size_t third = b.n / 3;

	piece[0] = (struct iovec){ b.p, third };
	piece[1] = (struct iovec){ b.p + third, third };
	piece[2] = (struct iovec){ b.p + 2 * third, b.n - 2 * third };
}

/* A terminal's bytes as they are; of others a hash. */
static void
show_bytes(int fd, const char *p, long n)
{
	if (n <= 0 || p != in)
		return;
	if (is_anonymous(fd) && n > 8) /* signalfd's have process numbers */
		return;
	if (!is_terminal(fd)) {
		say(" #%08x", fnv(p, n));
		return;
	}
	say(" '");
	for (long i = 0; i < n; i++)
		say(p[i] > ' ' && p[i] <= '~' ? "%c" : "<%02x>", (uint8_t)p[i]);
	say("'");
}

#endif
