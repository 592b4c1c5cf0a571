/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_in_a_world.h: calls of all kinds, and the same world for each of them
 *
 * A process has pages from FIRST on, descriptors from FILE_FD on, and objects of
 * System V.  Programs let another thread come while a call is made (FI_PREEMPT).
 */
#ifndef TEST_CALLS_IN_A_WORLD_H
#define TEST_CALLS_IN_A_WORLD_H

#include "test.h"
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>

#define PAGES 24
#define FIRST 0x10000000000
#define AT(page) (FIRST + (page) * 4096L)

enum { FILE_FD = 20, POS_FD, APPEND_FD, PIPE_OUT, PIPE_IN, SOCK_A, SOCK_B, EVENT_FD, NULL_FD,
	INJECT_FD = 50 /* more than calls take, or close */ };
enum { STORE = -1, LOAD = -2, FORK = -3 };
enum { BUF = 0x51000000, SHM, SEM, MSG, BRK, SELF }; /* as an argument: of this world */
#define POPULATE_WRITE 23 /* MADV_, too new for these headers */
enum { RO = PROT_READ, RW = PROT_READ | PROT_WRITE,
	ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	MOVE = MREMAP_MAYMOVE | MREMAP_FIXED, NOWAIT = MSG_DONTWAIT | MSG_NOSIGNAL };
struct note {
	long type;
	char text[8];
};

static struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 30 },
	middle = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };
static struct rlimit few_fds = { 25, 100 }, few_locks = { 2 * PAGE, 4 * PAGE };
static struct sembuf down[] = { { 0, -1, IPC_NOWAIT }, { 1, 1, IPC_NOWAIT } },
	up[] = { { 0, 1, IPC_NOWAIT }, { 1, -1, IPC_NOWAIT } };
static struct note hello = { 1, "hello" }, world = { 2, "world" };
static struct sigaction ignored = { .sa_handler = SIG_IGN };
static uint64_t five = 5;
static uint64_t usr1 = 1ul << (SIGUSR1 - 1);
static struct timespec at_once;

static const struct call {
	const char *name;
	long nr, arg[6];
} calls[] = {
	{ "mmap", SYS_mmap, { AT(2), 4 * PAGE, RW, ANON, -1 } },
	{ "mmap-shared", SYS_mmap, { AT(4), 4 * PAGE, RW, MAP_SHARED | MAP_FIXED, FILE_FD, PAGE } },
	{ "mmap-file", SYS_mmap, { AT(6), 4 * PAGE, RO, MAP_PRIVATE | MAP_FIXED, FILE_FD, 0 } },
	{ "mmap-new", SYS_mmap, { AT(3), 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1 } },
	{ "munmap", SYS_munmap, { AT(3), 3 * PAGE } },
	{ "munmap-all", SYS_munmap, { AT(0), PAGES * PAGE } },
	{ "munmap-one", SYS_munmap, { AT(4), PAGE } },
	{ "mprotect-ro", SYS_mprotect, { AT(2), 5 * PAGE, RO } },
	{ "mprotect-none", SYS_mprotect, { AT(1), 8 * PAGE, PROT_NONE } },
	{ "mprotect-rw", SYS_mprotect, { AT(0), 12 * PAGE, RW } },
	{ "mremap-grow", SYS_mremap, { AT(20), 2 * PAGE, 4 * PAGE } },
	{ "mremap-shrink", SYS_mremap, { AT(0), 8 * PAGE, 4 * PAGE } },
	{ "mremap-move", SYS_mremap, { AT(2), 2 * PAGE, 2 * PAGE, MOVE, AT(16) } },
	{ "mremap-over", SYS_mremap, { AT(5), 2 * PAGE, 3 * PAGE, MOVE, AT(9) } },
	{ "mremap-leave", SYS_mremap, { AT(4), 2 * PAGE, 2 * PAGE, MOVE | MREMAP_DONTUNMAP, AT(17) } },
	{ "dontneed", SYS_madvise, { AT(2), 4 * PAGE, MADV_DONTNEED } },
	{ "pageout", SYS_madvise, { AT(0), 12 * PAGE, MADV_PAGEOUT } },
	{ "populate", SYS_madvise, { AT(2), 4 * PAGE, POPULATE_WRITE } },
	{ "dontfork", SYS_madvise, { AT(4), 2 * PAGE, MADV_DONTFORK } },
	{ "wipeonfork", SYS_madvise, { AT(3), 2 * PAGE, MADV_WIPEONFORK } },
	{ "remove", SYS_madvise, { AT(12), 2 * PAGE, MADV_REMOVE } },
	{ "mlock", SYS_mlock, { AT(1), 3 * PAGE } },
	{ "munlock", SYS_munlock, { AT(0), 12 * PAGE } },
	{ "mlockall", SYS_mlockall, { MCL_CURRENT } },
	{ "munlockall", SYS_munlockall, { 0 } },
	{ "msync", SYS_msync, { AT(10), 4 * PAGE, MS_SYNC } },
	{ "store", STORE, { AT(3) } },
	{ "store-file", STORE, { AT(12) } },
	{ "store-copy", STORE, { AT(19) } },
	{ "load", LOAD, { AT(4) } },
	{ "load-file", LOAD, { AT(13) } },
	{ "fork", FORK, { 0 } },
	{ "brk", SYS_brk, { BRK, 5 * PAGE } },
	{ "brk-back", SYS_brk, { BRK, PAGE } },
	{ "shmat", SYS_shmat, { SHM, AT(10), SHM_REMAP } },
	{ "shmdt", SYS_shmdt, { AT(14) } },
	{ "shm-remove", SYS_shmctl, { SHM, IPC_RMID } },
	{ "pread", SYS_pread64, { FILE_FD, AT(4), 64, PAGE } },
	{ "pwrite", SYS_pwrite64, { FILE_FD, AT(5), 64, 2 * PAGE } },
	{ "ftruncate", SYS_ftruncate, { FILE_FD, 2 * PAGE } },
	{ "ftruncate-up", SYS_ftruncate, { FILE_FD, 9 * PAGE } },
	{ "punch", SYS_fallocate, { FILE_FD, 3, PAGE, 2 * PAGE } },
	{ "fallocate", SYS_fallocate, { FILE_FD, 0, 6 * PAGE, 4 * PAGE } },
	{ "dup", SYS_dup, { FILE_FD } },
	{ "dup2", SYS_dup2, { POS_FD, NULL_FD } },
	{ "close", SYS_close, { NULL_FD } },
	{ "close-range", SYS_close_range, { EVENT_FD, 40, 0 } },
	{ "pipe", SYS_pipe, { BUF } },
	{ "read", SYS_read, { POS_FD, BUF, 8 } },
	{ "write", SYS_write, { POS_FD, (long)"WRITTEN", 7 } },
	{ "append", SYS_write, { APPEND_FD, (long)"APPENDED", 8 } },
	{ "lseek", SYS_lseek, { POS_FD, 4, SEEK_CUR } },
	{ "lseek-end", SYS_lseek, { POS_FD, 0, SEEK_END } },
	{ "set-append", SYS_fcntl, { POS_FD, F_SETFL, O_APPEND } },
	{ "set-cloexec", SYS_fcntl, { NULL_FD, F_SETFD, FD_CLOEXEC } },
	{ "lock", SYS_fcntl, { FILE_FD, F_SETLK, (long)&whole } },
	{ "unlock", SYS_fcntl, { FILE_FD, F_SETLK, (long)&middle } },
	{ "pipe-write", SYS_write, { PIPE_IN, (long)"0123456789", 10 } },
	{ "pipe-read", SYS_read, { PIPE_OUT, BUF, 8 } },
	{ "pipe-end", SYS_close, { PIPE_IN } },
	{ "pipe-size", SYS_fcntl, { PIPE_IN, F_SETPIPE_SZ, PAGE } },
	{ "send", SYS_sendto, { SOCK_A, (long)"0123456789", 10, NOWAIT } },
	{ "recv", SYS_recvfrom, { SOCK_B, BUF, 8, NOWAIT } },
	{ "shutdown", SYS_shutdown, { SOCK_A, SHUT_WR } },
	{ "shutdown-rd", SYS_shutdown, { SOCK_B, SHUT_RD } },
	{ "sock-end", SYS_close, { SOCK_B } },
	{ "event-add", SYS_write, { EVENT_FD, (long)&five, 8 } },
	{ "event-take", SYS_read, { EVENT_FD, BUF, 8 } },
	{ "limit-fds", SYS_setrlimit, { RLIMIT_NOFILE, (long)&few_fds } },
	{ "limit-locks", SYS_setrlimit, { RLIMIT_MEMLOCK, (long)&few_locks } },
	{ "umask", SYS_umask, { 077 } },
	{ "setsid", SYS_setpgid, { 0, 0 } },
	{ "nice", SYS_setpriority, { PRIO_PROCESS, 0, 5 } },
	{ "kill", SYS_kill, { SELF, SIGUSR1 } },
	{ "ignore", SYS_rt_sigaction, { SIGUSR1, (long)&ignored, 0, 8 } },
	{ "take", SYS_rt_sigtimedwait, { (long)&usr1, 0, (long)&at_once, 8 } },
	{ "sem-down", SYS_semop, { SEM, (long)down, 2 } },
	{ "sem-up", SYS_semop, { SEM, (long)up, 2 } },
	{ "sem-set", SYS_semctl, { SEM, 0, SETVAL, 0 } },
	{ "sem-remove", SYS_semctl, { SEM, 0, IPC_RMID } },
	{ "msg-send", SYS_msgsnd, { MSG, (long)&hello, 5, IPC_NOWAIT } },
	{ "msg-other", SYS_msgsnd, { MSG, (long)&world, 5, IPC_NOWAIT } },
	{ "msg-take", SYS_msgrcv, { MSG, BUF, 8, 0, IPC_NOWAIT } },
	{ "msg-remove", SYS_msgctl, { MSG, IPC_RMID } },
};
#define CALLS (int)(sizeof(calls) / sizeof(calls[0]))

/* Shared with who looks after the end of the process. */
static struct world {
	long of[SELF - BUF + 1]; /* what SHM, SEM, … stand for */
	char buf[2][64];
} *home;

static const char *world_folder = "/tmp";
static _Thread_local sigjmp_buf escape;

static void
on_fault(int signo)
{
	siglongjmp(escape, signo);
}

/* ---- a world, the same each time ---- */

static void
at_fd(int fd, int want)
{
	OK(dup2(fd, want));
	OK(close(fd));
}

static void
open_files(void)
{
	char page[PAGE], name[64];
	int p[2];

	snprintf(name, sizeof(name), "%s/world.%d", world_folder, (int)getpid());
	at_fd(OK(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600)), FILE_FD);
	for (int i = 0; i < 8; i++) {
		memset(page, 'A' + i, PAGE);
		EQ(pwrite(FILE_FD, page, PAGE, i * (off_t)PAGE), PAGE);
	}
	at_fd(OK(open(name, O_RDWR)), POS_FD);
	at_fd(OK(open(name, O_RDWR | O_APPEND)), APPEND_FD);
	OK(unlink(name));
	OK(lseek(POS_FD, PAGE - 4, SEEK_SET));
	OK(pipe2(p, O_NONBLOCK));
	at_fd(p[0], PIPE_OUT);
	at_fd(p[1], PIPE_IN);
	EQ(write(PIPE_IN, "pipe", 4), 4);
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	at_fd(p[0], SOCK_A);
	at_fd(p[1], SOCK_B);
	EQ(write(SOCK_A, "sock", 4), 4);
	at_fd(OK(eventfd(3, EFD_NONBLOCK)), EVENT_FD);
	at_fd(OK(open("/dev/null", O_RDWR)), NULL_FD);
	at_fd(OK(open(on_vadose() ? "/proc/vm/inject" : "/dev/null", O_WRONLY)), INJECT_FD);
}

static void
map(int page, int n, int prot, int flags, int fd, int of)
{
	CHECK(mmap((void *)AT(page), n * PAGE, prot, flags | MAP_FIXED, fd,
	    of * (off_t)PAGE) == (void *)AT(page));
}

/* 0-7 private, 10-13 the file, 14-15 shared, 18-19 a private file, 20-21 private. */
static void
map_pages(void)
{
	map(0, 8, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 7; i++)
		memset((void *)AT(i), 'a' + i, PAGE);
	map(10, 4, RW, MAP_SHARED, FILE_FD, 0);
	CHECK(shmat((int)home->of[SHM - BUF], (void *)AT(14), 0) == (void *)AT(14));
	*(char *)AT(14) = 's';
	map(18, 2, RW, MAP_PRIVATE, FILE_FD, 4);
	*(char *)AT(18) = 'p';
	map(20, 2, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(char *)AT(20) = 'q';
}

static void
make_world(void)
{
	struct sigaction sa = { .sa_handler = on_fault };
	struct note note = { 3, "first" };
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &held, NULL));
	signal(SIGPIPE, SIG_IGN);
	OK(sigaction(SIGSEGV, &sa, NULL));
	OK(sigaction(SIGBUS, &sa, NULL));
	home->of[SELF - BUF] = getpid();
	home->of[SHM - BUF] = OK(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
	home->of[SEM - BUF] = OK(semget(IPC_PRIVATE, 2, 0600));
	home->of[MSG - BUF] = OK(msgget(IPC_PRIVATE, 0600));
	home->of[BRK - BUF] = (long)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE);
	OK(semctl((int)home->of[SEM - BUF], 0, SETVAL, 1));
	OK(semctl((int)home->of[SEM - BUF], 1, SETVAL, 1));
	OK(msgsnd((int)home->of[MSG - BUF], &note, 5, 0));
	CHECK(syscall(SYS_brk, home->of[BRK - BUF] + 3 * PAGE) != home->of[BRK - BUF]);
	open_files();
	map_pages();
}

static void
end_world(void)
{
	shmctl((int)home->of[SHM - BUF], IPC_RMID, NULL);
	semctl((int)home->of[SEM - BUF], 0, IPC_RMID);
	msgctl((int)home->of[MSG - BUF], IPC_RMID, NULL);
}

/* ---- a call ---- */

static long
touched(const struct call *c)
{
	volatile char *p = (volatile char *)c->arg[0] + 100;
	int signo = sigsetjmp(escape, 1);

	if (signo != 0)
		return -1000 - signo;
	if (c->nr == STORE)
		*p = 'W';
	return *p;
}

/* Which of the two buffers it has.  Returns: the answer, or -errno. */
static long
call_made(const struct call *c, int which)
{
	long a[6], r;

	if (c->nr < 0)
		return touched(c);
	for (int i = 0; i < 6; i++)
		a[i] = c->arg[i] == BUF ? (long)home->buf[which] :
		    c->arg[i] > BUF && c->arg[i] <= SELF ? home->of[c->arg[i] - BUF] :
		    c->arg[i];
	if (c->nr == SYS_brk)
		a[0] += a[1];
	r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (c->nr == SYS_brk)
		r -= home->of[BRK - BUF];
	return r == -1 ? -errno : r;
}

#endif
