/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * things.c: what the lower-case names of a row stand for
 *
 * Problem   A row says `dir`, `wpipe`, `bad` or `child` and means a descriptor,
 *           an address, a process of that kind.
 *
 * Picture   descriptors  by the table fds[] or makers[]
 *           addresses    buf: 64 KiB of zeros; ro: read-only; bad: no access;
 *                        unended: no zero byte before the end of memory;
 *                        half(n): n bytes, then no access; name(n): a string
 *                        of n bytes; deep(n): one of n bytes with slashes;
 *                        mem(n), shm(n): private, shared pages
 *           processes    self, parent, child, userchild, leader, zombie, dead;
 *                        thread: another thread of the row's process
 *           steps        user(): go on as uid 1000 without groups;
 *                        user(n): as uid n; stack(p): the stack pointer of
 *                        the next call; store(p, v): write 8 bytes
 *
 * Rules     1. A process made here ends when the row's process does: it waits
 *              for the end of a pipe.
 *           2. Descriptors made here are the lowest free ones, in the order in
 *              which the row names them.
 *
 * Read next tree.c has the files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rows.h"

#define PAGE 4096
#define BUF_BYTES 65536
#define ROOM_BYTES (1 << 20)
#define USER 1000
#define MANY_FDS 256
#define MAX_THINGS 64

struct made {
	const char *name;
	uint64_t value;
};

struct by_name {
	const char *name;
	const char *path;
	int flags;
};

struct by_maker {
	const char *name;
	uint64_t (*make)(void);
};

static struct made made[MAX_THINGS];
static unsigned nmade;
static uint64_t next_stack;

static const struct by_name fds[] = {
	{ "file", "f", O_RDWR },
	{ "rofile", "f", O_RDONLY },
	{ "wofile", "f", O_WRONLY },
	{ "appfile", "f", O_RDWR | O_APPEND },
	{ "nofile", "f", O_ACCMODE },
	{ "userfile", "uf", O_RDWR },
	{ "execfile", "x", O_RDONLY },
	{ "dir", "d", O_RDONLY },
	{ "edir", "e", O_RDONLY },
	{ "pdir", "p", O_RDONLY },
	{ "udir", "ud", O_RDONLY },
	{ "path", "f", O_PATH },
	{ "pathdir", "d", O_PATH },
	{ "pathlink", "l", O_PATH | O_NOFOLLOW },
	{ "fifofd", "fifo", O_RDWR | O_NONBLOCK },
	{ "devnull", "/dev/null", O_RDWR },
	{ "devzero", "/dev/zero", O_RDWR },
	{ "devfull", "/dev/full", O_RDWR },
	{ "urandom", "/dev/urandom", O_RDONLY },
	{ "tty", "/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK },
	{ "procfile", "/proc/self/stat", O_RDONLY },
	{ "procdir", "/proc/self", O_RDONLY },
};

static uint64_t no_access(void);
static uint64_t zeros(void);
static uint64_t read_only(void);
static uint64_t without_end(void);
static uint64_t pipe_read(void);
static uint64_t pipe_write(void);
static uint64_t pipe_no_writer(void);
static uint64_t pipe_no_reader(void);
static uint64_t pipe_full(void);
static uint64_t pair_stream(void);
static uint64_t pair_datagram(void);
static uint64_t pair_packet(void);
static uint64_t pty_master(void);
static uint64_t pty_slave(void);
static uint64_t memfd(void);
static uint64_t memfd_unsealable(void);
static uint64_t memfd_sealed(void);
static uint64_t gone_dir(void);
static uint64_t gone_file(void);
static uint64_t process(void);
static uint64_t process_user(void);
static uint64_t process_leader(void);
static uint64_t process_zombie(void);
static uint64_t thread(void);
static uint64_t self(void);
static uint64_t parent(void);
static uint64_t handler_address(void);
static uint64_t restorer_address(void);

static const struct by_maker makers[] = {
	{ "buf", zeros },
	{ "bad", no_access },
	{ "ro", read_only },
	{ "unended", without_end },
	{ "rpipe", pipe_read },
	{ "wpipe", pipe_write },
	{ "rend", pipe_no_writer },
	{ "wend", pipe_no_reader },
	{ "fullpipe", pipe_full },
	{ "stream", pair_stream },
	{ "dgram", pair_datagram },
	{ "packet", pair_packet },
	{ "master", pty_master },
	{ "slave", pty_slave },
	{ "memfd", memfd },
	{ "plainmemfd", memfd_unsealable },
	{ "sealed", memfd_sealed },
	{ "gonedir", gone_dir },
	{ "gonefile", gone_file },
	{ "child", process },
	{ "userchild", process_user },
	{ "leader", process_leader },
	{ "zombie", process_zombie },
	{ "thread", thread },
	{ "self", self },
	{ "parent", parent },
	{ "handler", handler_address },
	{ "restorer", restorer_address },
};

static const struct made fixed[] = {
	{ "null", 0 },
	{ "closed", 900 },
	{ "dead", 3999999 },
	{ "init", 1 },
	{ "kernel", 0xffff888000001000 },
	{ "noncanonical", 0x8000000000000000 },
	{ "end", 0x7ffffffff000 },
	{ "top", 0x7fffffffffff },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool
make_thing(const char *name, uint64_t *value)
{
	size_t i;
	int fd;

	for (i = 0; i < COUNT(fds); i++) {
		if (strcmp(fds[i].name, name) != 0)
			continue;
		if (fds[i].path[0] != '/')
			tree_make();
		fd = open(fds[i].path, fds[i].flags);
		if (fd < 0)
			row_wrong("cannot open %s", fds[i].path);
		*value = fd;
		return true;
	}
	for (i = 0; i < COUNT(makers); i++) {
		if (strcmp(makers[i].name, name) != 0)
			continue;
		*value = makers[i].make();
		return true;
	}
	return false;
}

bool
thing_value(const char *name, uint64_t *value)
{
	size_t i;
	uint64_t v;

	for (i = 0; i < COUNT(fixed); i++) {
		if (strcmp(fixed[i].name, name) == 0) {
			*value = fixed[i].value;
			return true;
		}
	}
	for (i = 0; i < nmade; i++) {
		if (strcmp(made[i].name, name) == 0) {
			*value = made[i].value;
			return true;
		}
	}
	if (!make_thing(name, &v))
		return false;
	if (nmade == MAX_THINGS)
		row_wrong("too many things");
	made[nmade].name = strdup(name);
	made[nmade++].value = v;
	*value = v;
	return true;
}

/* ---- memory ---- */

static char *
pages(size_t bytes, int prot, int flags)
{
	char *p = mmap(NULL, (bytes + PAGE - 1) & -PAGE, prot,
	    flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		row_wrong("no memory: %zu bytes", bytes);
	return p;
}

/* So many bytes, and behind them a page without access. */
static char *
before_the_end(size_t bytes)
{
	size_t all = (bytes + PAGE - 1) & -PAGE;
	char *p = pages(all + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	mprotect(p + all, PAGE, PROT_NONE);
	return p + all - bytes;
}

void *
thing_room(size_t bytes)
{
	static char room[ROOM_BYTES];
	static size_t used;
	void *p = room + used;

	bytes = (bytes + 15) & -(size_t)16;
	if (bytes > sizeof(room) - used)
		row_wrong("no room");
	used += bytes;
	return p;
}

bool
thing_made(const char *name, uint64_t n, uint64_t *value)
{
	char *p;

	if (strcmp(name, "half") == 0) {
		p = before_the_end(n);
	} else if (strcmp(name, "mem") == 0) {
		/* With a gap on both sides: it merges with no neighbour. */
		p = pages(n + 2 * PAGE, PROT_NONE, MAP_PRIVATE) + PAGE;
		mmap(p, n, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		munmap(p - PAGE, PAGE);
		munmap(p + ((n + PAGE - 1) & -PAGE), PAGE);
	} else if (strcmp(name, "shm") == 0) {
		p = pages(n, PROT_READ | PROT_WRITE, MAP_SHARED);
	} else if (strcmp(name, "name") == 0) {
		p = thing_room(n + 1);
		memset(p, 'n', n);
	} else if (strcmp(name, "deep") == 0) {
		p = thing_room(n + 1);
		memset(p, '.', n);
		for (uint64_t i = 1; i < n; i += 2)
			p[i] = '/';
	} else {
		return false;
	}
	*value = (uintptr_t)p;
	return true;
}

static uint64_t
zeros(void)
{
	return (uintptr_t)pages(BUF_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE);
}

static uint64_t
no_access(void)
{
	return (uintptr_t)pages(BUF_BYTES, PROT_NONE, MAP_PRIVATE);
}

static uint64_t
read_only(void)
{
	return (uintptr_t)pages(BUF_BYTES, PROT_READ, MAP_PRIVATE);
}

static uint64_t
without_end(void)
{
	char *p = before_the_end(100);

	memset(p, 'n', 100);
	return (uintptr_t)p;
}

/* ---- descriptors ---- */

static void
make_pipe(int ends[2], bool keep_read, bool keep_write)
{
	if (pipe(ends) < 0)
		row_wrong("cannot make a pipe");
	if (!keep_read)
		close(ends[0]);
	if (!keep_write)
		close(ends[1]);
}

static void
note(const char *name, uint64_t value)
{
	if (nmade < MAX_THINGS) {
		made[nmade].name = name;
		made[nmade++].value = value;
	}
}

/* Both ends of one pipe, whichever is named first. */
static uint64_t
pipe_read(void)
{
	int ends[2];

	make_pipe(ends, true, true);
	note("wpipe", ends[1]);
	return ends[0];
}

static uint64_t
pipe_write(void)
{
	int ends[2];

	make_pipe(ends, true, true);
	note("rpipe", ends[0]);
	return ends[1];
}

static uint64_t
pipe_no_writer(void)
{
	int ends[2];

	make_pipe(ends, true, false);
	return ends[0];
}

/* One end of a pair; the other stays open. */
static uint64_t
make_pair(int type)
{
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) != 0)
		row_wrong("no pair of sockets");
	return ends[0];
}

static uint64_t
pair_stream(void)
{
	return make_pair(SOCK_STREAM);
}

static uint64_t
pair_datagram(void)
{
	return make_pair(SOCK_DGRAM);
}

static uint64_t
pair_packet(void)
{
	return make_pair(SOCK_SEQPACKET);
}

/* Both ends of a pseudo terminal, which do not wait. */
static void
make_pty(int ends[2])
{
	int zero = 0, flags = O_RDWR | O_NOCTTY | O_NONBLOCK;

	ends[0] = open("/dev/ptmx", flags);
	if (ends[0] < 0 || ioctl(ends[0], TIOCSPTLCK, &zero) != 0)
		row_wrong("no pseudo terminal");
	ends[1] = ioctl(ends[0], TIOCGPTPEER, flags);
	if (ends[1] < 0)
		row_wrong("no slave of a pseudo terminal");
}

static uint64_t
pty_master(void)
{
	int ends[2];

	make_pty(ends);
	note("slave", ends[1]);
	return ends[0];
}

static uint64_t
pty_slave(void)
{
	int ends[2];

	make_pty(ends);
	note("master", ends[0]);
	return ends[1];
}

static uint64_t
pipe_no_reader(void)
{
	int ends[2];

	make_pipe(ends, false, true);
	return ends[1];
}

static uint64_t
pipe_full(void)
{
	static char block[PAGE];
	int ends[2];

	make_pipe(ends, true, true);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	while (write(ends[1], block, PAGE) == PAGE)
		continue;
	return ends[1];
}

static int
new_memfd(unsigned flags)
{
	int fd = memfd_create("row", flags);

	if (fd < 0 || write(fd, "0123456789", 10) != 10)
		row_wrong("cannot make a memfd");
	return fd;
}

static uint64_t
memfd(void)
{
	return new_memfd(MFD_ALLOW_SEALING);
}

static uint64_t
memfd_unsealable(void)
{
	return new_memfd(0);
}

static uint64_t
memfd_sealed(void)
{
	int fd = new_memfd(MFD_ALLOW_SEALING);

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE) < 0)
		row_wrong("cannot seal");
	return fd;
}

static uint64_t
gone_dir(void)
{
	int fd;

	if (mkdir("gone", 0755) < 0)
		row_wrong("cannot make gone");
	fd = open("gone", O_RDONLY);
	rmdir("gone");
	return fd;
}

static uint64_t
gone_file(void)
{
	int fd = open("gonefile", O_RDWR | O_CREAT, 0644);

	unlink("gonefile");
	return fd;
}

/* ---- processes ---- */

static void
become(uid_t uid)
{
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		row_wrong("cannot become uid %u", uid);
}

/* A process that waits for the end of this one. */
static uint64_t
new_process(uid_t uid, bool leads)
{
	int life[2], ready[2], fd;
	char c;
	pid_t pid;

	if (pipe(life) < 0 || pipe(ready) < 0)
		row_wrong("cannot make a pipe");
	pid = fork();
	if (pid < 0)
		row_wrong("cannot fork");
	if (pid == 0) {
		if (chdir("/") < 0)
			_exit(1);
		if (leads)
			setsid();
		if (uid != 0)
			become(uid);
		/* All others are the row's, or what ends the wait. */
		for (fd = 0; fd < MANY_FDS; fd++)
			if (fd != life[0] && fd != ready[1])
				close(fd);
		close(ready[1]);
		while (read(life[0], &c, 1) < 0 && errno == EINTR)
			continue;
		_exit(0);
	}
	close(life[0]);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 0)
		row_wrong("the process did not start");
	close(ready[0]);
	/* Out of the way of what the row opens. */
	fcntl(life[1], F_DUPFD_CLOEXEC, 201);
	close(life[1]);
	return pid;
}

static uint64_t
process(void)
{
	return new_process(0, false);
}

static uint64_t
process_user(void)
{
	return new_process(USER, false);
}

static uint64_t
process_leader(void)
{
	return new_process(0, true);
}

static uint64_t
process_zombie(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	return pid;
}

static volatile int thread_id;

static void *
be_thread(void *arg)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	thread_id = syscall(SYS_gettid);
	for (;;)
		pause();
	return arg;
}

static uint64_t
thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, be_thread, NULL) != 0)
		row_wrong("cannot make a thread");
	while (thread_id == 0)
		usleep(1000);
	return thread_id;
}

static uint64_t
self(void)
{
	return getpid();
}

static uint64_t
parent(void)
{
	return getppid();
}

static void
on_signal(int sig)
{
}

__asm__(".globl row_restorer\nrow_restorer: mov $15, %eax\nsyscall\n");
void row_restorer(void);

static uint64_t
handler_address(void)
{
	return (uintptr_t)on_signal;
}

static uint64_t
restorer_address(void)
{
	return (uintptr_t)row_restorer;
}

/* ---- steps ---- */

bool
thing_step(const char *name, const uint64_t arg[], int nargs)
{
	if (strcmp(name, "user") == 0 && nargs <= 1)
		become(nargs == 1 ? arg[0] : USER);
	else if (strcmp(name, "stack") == 0 && nargs == 1)
		next_stack = arg[0];
	else if (strcmp(name, "store") == 0 && nargs == 2)
		*(volatile uint64_t *)arg[0] = arg[1];
	else
		return false;
	return true;
}

uint64_t
thing_stack(void)
{
	return next_stack;
}
