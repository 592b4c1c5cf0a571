/* NEEDS: MEM=64M CPUS=1 TIMEOUT=300 ARGS=400 SHORT=40 SWEEP=no KIND=exact */
/*
 * Two threads of a process make a call each.  What the calls answer, and what is there
 * afterwards, must be what one of the two orders gives, one call after the other.  On our
 * kernel the second call comes at each place of the first one at which another thread may
 * get the CPU, one place after the other (FI_PREEMPT); on Linux it comes when it comes.
 *
 * Arguments: pairs, by chance, or "all" (4); seed; first and second call, by name.
 */
#include "lib/test.h"

#include <limits.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PAGES 24
#define FIRST 0x10000000000
#define AT(page) (FIRST + (page) * 4096L)
#define MOST_PLACES 400
#define TRIES_ON_LINUX 5

enum { FILE_FD = 20, POS_FD, APPEND_FD, PIPE_OUT, PIPE_IN, SOCK_A, SOCK_B, EVENT_FD, NULL_FD,
	INJECT_FD = 50 };
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

enum when { FIRST_THEN_SECOND, SECOND_THEN_FIRST, AT_A_PLACE };

/* What came of two calls. */
static struct outcome {
	long r[2];
	char buf[2][64], state[4096];
	bool inside; /* the second one came before the first one had ended */
} *now;

static long of_world[SELF - BUF + 1]; /* what SHM, SEM, … stand for */
static const struct call *pair[2];
static volatile int turn;
static volatile bool first_ended;
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

	snprintf(name, sizeof(name), "/tmp/two.%d", (int)getpid());
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
	CHECK(shmat((int)of_world[SHM - BUF], (void *)AT(14), 0) == (void *)AT(14));
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
	of_world[SELF - BUF] = getpid();
	of_world[SHM - BUF] = OK(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
	of_world[SEM - BUF] = OK(semget(IPC_PRIVATE, 2, 0600));
	of_world[MSG - BUF] = OK(msgget(IPC_PRIVATE, 0600));
	of_world[BRK - BUF] = (long)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE);
	OK(semctl((int)of_world[SEM - BUF], 0, SETVAL, 1));
	OK(semctl((int)of_world[SEM - BUF], 1, SETVAL, 1));
	OK(msgsnd((int)of_world[MSG - BUF], &note, 5, 0));
	CHECK(syscall(SYS_brk, of_world[BRK - BUF] + 3 * PAGE) != of_world[BRK - BUF]);
	open_files();
	map_pages();
}

static void
end_world(void)
{
	shmctl((int)of_world[SHM - BUF], IPC_RMID, NULL);
	semctl((int)of_world[SEM - BUF], 0, IPC_RMID);
	msgctl((int)of_world[MSG - BUF], IPC_RMID, NULL);
}

/* ---- what is there ---- */

static char *say_at;

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_at += vsnprintf(say_at, (size_t)(now->state + sizeof(now->state) - say_at), fmt, ap);
	va_end(ap);
	CHECK(say_at < now->state + sizeof(now->state) - 1);
}

/* A letter for each page, two if it was stored to; -: it cannot be read. */
static void
say_pages(int from_page, int to_page)
{
	char b[101];

	say("pages ");
	for (int i = from_page; i < to_page; i++) {
		struct iovec to = { b, sizeof(b) }, from = { (void *)AT(i), sizeof(b) };

		if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) <= 0)
			say("-");
		else
			say(b[0] == b[100] ? "%c" : "%c%c", b[0] ? b[0] : '0', b[100] ? b[100] : '0');
	}
}

static void
say_maps(void)
{
	char line[512], prot[8];
	unsigned long from, end, at;
	FILE *f = fopen("/proc/self/maps", "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%lx-%lx %7s %lx", &from, &end, prot, &at) == 4 &&
		    from >= FIRST && from < AT(PAGES))
			say("\n%lu-%lu %s %lx", (from - FIRST) / PAGE, (end - FIRST) / PAGE, prot, at);
	fclose(f);
	f = fopen("/proc/self/status", "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmLck:", 6) == 0)
			say("\nlocked %ld", atol(line + 6));
	fclose(f);
	say(" brk %ld", syscall(SYS_brk, 0) - of_world[BRK - BUF]);
}

static void
say_files(void)
{
	struct stat st;
	char b[PAGE];

	say("\nfile ");
	for (int i = 0; i < 11; i++) {
		b[0] = b[7] = '-';
		(void)!pread(FILE_FD, b, PAGE, i * (off_t)PAGE);
		say("%c%c", b[0] ? b[0] : '0', b[7] ? b[7] : '0');
	}
	for (int fd = 3; fd < 45; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && fstat(fd, &st) == 0)
			say("\nfd %d %x %x %ld %ld", fd, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL),
			    (long)lseek(fd, 0, SEEK_CUR), S_ISREG(st.st_mode) ? (long)st.st_size : 0);
}

static void
say_queue(const char *name, int fd)
{
	char b[64];
	ssize_t n = recv(fd, b, sizeof(b), MSG_DONTWAIT);

	if (n < 0 && errno == ENOTSOCK)
		n = read(fd, b, sizeof(b));
	if (n < 0)
		say("\n%s: errno %d", name, errno);
	else
		say("\n%s: %.*s", name, (int)n, b);
}

static void
say_process(void)
{
	struct rlimit fds, locks;
	struct sigaction sa;
	struct shmid_ds ds = { .shm_nattch = 99 };
	struct note note;
	sigset_t pending;
	ssize_t n;

	OK(getrlimit(RLIMIT_NOFILE, &fds));
	OK(getrlimit(RLIMIT_MEMLOCK, &locks));
	OK(sigpending(&pending));
	OK(sigaction(SIGUSR1, NULL, &sa));
	(void)shmctl((int)of_world[SHM - BUF], IPC_STAT, &ds);
	say("\nlimits %lu %lu umask %o leader %d nice %d pending %d ignored %d attached %d",
	    (long)fds.rlim_cur, (long)locks.rlim_cur, umask(0), getpgrp() == getpid(),
	    getpriority(PRIO_PROCESS, 0), sigismember(&pending, SIGUSR1),
	    sa.sa_handler == SIG_IGN, (int)ds.shm_nattch);
	say("\nsem %d %d msg", semctl((int)of_world[SEM - BUF], 0, GETVAL), semctl((int)of_world[SEM - BUF], 1, GETVAL));
	while ((n = msgrcv((int)of_world[MSG - BUF], &note, sizeof(note.text), 0, IPC_NOWAIT)) >= 0)
		say(" %ld", note.type);
	for (int i = 0; i < 2; i++)
		say("\nbuf %.8s %ld", now->buf[i], *(long *)now->buf[i] & 0xff);
}

static void
say_all(void)
{
	say_at = now->state;
	say_pages(0, PAGES);
	say_maps();
	say_files();
	say_queue("pipe", PIPE_OUT);
	say_queue("sock", SOCK_B);
	say_queue("event", EVENT_FD);
	say_process();
}

/* ---- two calls ---- */

/* What a child sees of private memory: a truncate takes pages of files one by one. */
static long
forked(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		uint32_t sum = 0;

		say_at = now->state;
		say_pages(0, 10);
		say_pages(20, PAGES);
		for (char *c = now->state; *c != '\0'; c++)
			sum = sum * 31 + (unsigned char)*c;
		_exit((int)(sum % 251));
	}
	return pid < 0 ? -errno : reap(pid);
}

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

static long
done(int which)
{
	const struct call *c = pair[which];
	long a[6], r;

	if (c->nr == FORK)
		return forked();
	if (c->nr < 0)
		return touched(c);
	for (int i = 0; i < 6; i++)
		a[i] = c->arg[i] == BUF ? (long)now->buf[which] :
		    c->arg[i] > BUF && c->arg[i] <= SELF ? of_world[c->arg[i] - BUF] : c->arg[i];
	if (c->nr == SYS_brk)
		a[0] += a[1];
	r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (c->nr == SYS_brk)
		r -= of_world[BRK - BUF];
	if (r != -1)
		return r;
	/* Other words for what is removed, or closed, at this moment: on Linux, too. */
	if (errno == EIDRM || (errno == ECONNRESET && c->nr == SYS_sendto))
		return errno == EIDRM ? -EINVAL : -EPIPE;
	return -errno;
}

static void *
second(void *arg)
{
	while (turn != 2)
		sched_yield();
	now->inside = !first_ended;
	now->r[1] = done(1);
	turn = 1;
	return arg;
}

/* The first call; when: at which of its places the other one comes. */
static void
first(enum when when, long place)
{
	char word[64];
	int n = snprintf(word, sizeof(word), "FI_PREEMPT:%ld:0:1:%d", place,
	    (int)syscall(SYS_gettid));

	if (when == SECOND_THEN_FIRST) {
		turn = 2;
		while (turn != 1)
			sched_yield();
	}
	if (when == AT_A_PLACE) {
		turn = 2;
		EQ(write(INJECT_FD, word, (size_t)n), n);
	}
	now->r[0] = done(0);
	first_ended = true;
	turn = 2;
}

static struct outcome
outcome_of(enum when when, long place)
{
	pthread_t t;
	pid_t pid;

	memset(now, 0, sizeof(*now));
	pid = OK(fork());
	if (pid == 0) {
		make_world();
		EQ(pthread_create(&t, NULL, second, NULL), 0);
		first(when, place);
		EQ(pthread_join(t, NULL), 0);
		EQ(write(INJECT_FD, "off", 3), 3);
		say_all();
		end_world();
		_exit(0);
	}
	REAP(pid, 0);
	return *now;
}

static bool
is_same(const struct outcome *a, const struct outcome *b)
{
	return a->r[0] == b->r[0] && a->r[1] == b->r[1] && strcmp(a->state, b->state) == 0;
}

/* All places of the first call.  Returns: how many. */
static long
try_pair(const struct call *a, const struct call *b)
{
	static struct outcome ab, ba, seen;
	long place, most = on_vadose() ? MOST_PLACES : TRIES_ON_LINUX;

	pair[0] = a;
	pair[1] = b;
	ab = outcome_of(FIRST_THEN_SECOND, 0);
	ba = outcome_of(SECOND_THEN_FIRST, 0);
	for (place = 1; place <= most; place++) {
		seen = outcome_of(AT_A_PLACE, place);
		if (!is_same(&seen, &ab) && !is_same(&seen, &ba)) {
			printf("%s, %s at place %ld: they answer %ld and %ld\n%s\n"
			    "one after the other: %ld and %ld\n%s\n"
			    "the other way round: %ld and %ld\n%s\n", a->name, b->name, place,
			    seen.r[0], seen.r[1], seen.state, ab.r[0], ab.r[1], ab.state,
			    ba.r[0], ba.r[1], ba.state);
			fflush(stdout);
			FAIL("%s and %s fit no order", a->name, b->name);
		}
		if (on_vadose() && !seen.inside)
			break;
	}
	return place;
}

static bool
is_wanted(const struct call *c, const char *name)
{
	return name == NULL || strcmp(c->name, name) == 0;
}

int
main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "all") == 0;
	uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	long pairs = all ? LONG_MAX : argc > 1 ? atol(argv[1]) : 4;

	now = (struct outcome *)pages_shared(4);
	if (argc > 3) {
		for (int i = 0; i < CALLS; i++)
			for (int j = 0; j < CALLS; j++)
				if (is_wanted(&calls[i], argv[3]) && is_wanted(&calls[j], argv[4]))
					printf("%s %s: %ld places\n", calls[i].name, calls[j].name,
					    try_pair(&calls[i], &calls[j]));
		return test_done();
	}
	for (long i = 0; i < (all ? CALLS * CALLS : pairs); i++) {
		long n = all ? i : (long)(rnd(&seed) % (CALLS * CALLS));

		(void)try_pair(&calls[n / CALLS], &calls[n % CALLS]);
	}
	return test_done();
}
