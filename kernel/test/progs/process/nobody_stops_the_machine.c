/*
 * nobody_stops_the_machine.c: of cases/programs/hostile_work.sh.  Whatever an ordinary user
 * does, the machine goes on: a thread of root that sleeps runs again within 40 ms,
 * no small call of root takes a second, and a small work of root is done within 200 ms.
 * Each kind of work has a process of uid 1000, which is killed in the middle of it; its
 * end is measured, too.
 * Arguments: names of kinds, or all.
 */
#include "lib/futex.h"
#include "lib/pressure.h"

#include <pthread.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define GAP_MS 40
#define WAIT_MS 1000
#define WORK_OF_MS 12 /* a little work of root's … */
#define WORK_IN_MS 200 /* … is done after that */
#define ROUNDS 1     /* of each kind, then it is killed in the next, … */
#define WORK_MS 4000 /* … or now */
#define END_MS 20000
#define MUCH (48 * MIB)
#define MANY 10000   /* sockets, timers, watches, descriptors under way */
#define CROWD 900
#define FOLDER "/tmp/crowd"

static double
clock_ms(clockid_t clock)
{
	struct timespec t;

	OK(clock_gettime(clock, &t));
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double
now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* ---- the kinds: each is called again and again, as uid 1000 ---- */

static char *
area(size_t bytes, int prot)
{
	char *p = mmap(NULL, bytes, prot,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		_exit(9);
	return p;
}

static char *
touched(size_t bytes)
{
	char *p = area(bytes, PROT_READ | PROT_WRITE);

	for (size_t i = 0; i < bytes; i += 4096)
		p[i] = 1;
	return p;
}

static int
file_of(const char *name, size_t bytes)
{
	static char buf[64 * 1024];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < bytes; i += sizeof buf)
		if (write(fd, buf, sizeof buf) != sizeof buf)
			break;
	return fd;
}

static void
crowd(int n, void (*what)(void))
{
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			what();
			_exit(0);
		}
}

static void
reap_all(void)
{
	while (wait(NULL) > 0)
		;
}

static int
lock(int fd, int cmd, short type, long at)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = at,
		.l_len = 1 };

	return fcntl(fd, cmd, &l);
}

static void
lock_waiter(void)
{
	int fd = open("locked", O_RDWR);

	lock(fd, F_SETLKW, F_WRLCK, 2 * (getpid() % 1000));
}

static void
locks(void)
{
	int fd = open("locked", O_RDWR | O_CREAT, 0600);

	for (long i = 0; i < 3000; i++)
		lock(fd, F_SETLK, F_WRLCK, 2 * i);
	crowd(60, lock_waiter);
	for (long i = 0; i < 300; i++) {
		lock(fd, F_SETLK, F_UNLCK, 4000 + 2 * i);
		lock(fd, F_SETLK, F_WRLCK, 4000 + 2 * i);
	}
	close(fd);
	reap_all();
}

static char *
many_mappings(size_t n)
{
	char *p = area(2 * n * 4096, PROT_NONE);

	for (size_t i = 0; i < n; i++)
		if (mprotect(p + 2 * i * 4096, 4096, PROT_READ) < 0)
			break;
	return p;
}

static void
mappings(void)
{
	char *p = many_mappings(30000);

	munmap(p, 60000ul * 4096);
}

static void
mappings_protected(void)
{
	char *p = many_mappings(10000);

	mprotect(p, 20000ul * 4096, PROT_READ | PROT_WRITE);
	munmap(p, 20000ul * 4096);
}

static void
munmap_large(void)
{
	munmap(touched(MUCH), MUCH);
}

static char *
sparse(int flags)
{
	char *p = mmap(NULL, 64ul << 30, PROT_READ | PROT_WRITE,
	    flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		_exit(9);
	for (size_t i = 0; i < 64ul << 30; i += 64 * MIB)
		p[i] = 1;
	return p;
}

static void
sparse_mprotect(void)
{
	char *p = sparse(MAP_PRIVATE);

	for (int i = 0; i < 50; i++)
		mprotect(p, 64ul << 30, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE);
	munmap(p, 64ul << 30);
}

static void
sparse_shared(void)
{
	munmap(sparse(MAP_SHARED), 64ul << 30);
}

static void
sparse_mincore(void)
{
	static unsigned char vec[4 * MIB];
	char *p = sparse(MAP_PRIVATE);

	mincore(p, 16ul << 30, vec);
	munmap(p, 64ul << 30);
}

static void
deeper(int left)
{
	if (left > 0 && fork() == 0) {
		deeper(left - 1);
		_exit(0);
	}
	wait(NULL);
}

static void
fork_deep(void)
{
	deeper(100);
}

static void
nothing(void)
{
}

static void
fork_wide(void)
{
	crowd(200, nothing);
	reap_all();
}

static void
die_large(void)
{
	touched(MUCH);
}

static void
exit_large(void)
{
	crowd(1, die_large);
	reap_all();
}

static void
fork_large(void)
{
	char *p = touched(MUCH / 2);

	crowd(3, nothing);
	for (size_t i = 0; i < MUCH / 2; i += 4096)
		p[i] = 2;
	reap_all();
	munmap(p, MUCH / 2);
}

static void
truncate_large(void)
{
	int fd = file_of("large", MUCH);

	ftruncate(fd, 0);
	close(fd);
}

static void
punch(void)
{
	int fd = file_of("large", MUCH);

	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, MUCH - 8192);
	close(fd);
}

static void
unlink_mapped(void)
{
	int fd = file_of("large", MUCH);
	char *p = mmap(NULL, MUCH, PROT_READ, MAP_SHARED, fd, 0);

	for (size_t i = 0; i < MUCH; i += 4096)
		(void)*(volatile char *)(p + i);
	unlink("large");
	close(fd);
	munmap(p, MUCH);
}

static void
write_at_once(void)
{
	char *p = touched(MUCH / 2);
	int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (write(fd, p, MUCH / 2) > 0 && lseek(fd, 0, SEEK_SET) == 0)
		(void)!read(fd, p, MUCH / 2);
	close(fd);
	munmap(p, MUCH / 2);
}

static void
sendfile_large(void)
{
	int from = file_of("large", MUCH / 2), to = open("copy",
	    O_RDWR | O_CREAT | O_TRUNC, 0600);

	lseek(from, 0, SEEK_SET);
	sendfile(to, from, NULL, MUCH / 2);
	close(from);
	close(to);
}

static void
zeros_at_once(void)
{
	static struct iovec v[1024];
	char *p = touched(MUCH / 2);
	int fd = open("/dev/zero", O_RDONLY);

	for (int i = 0; i < 1024; i++)
		v[i] = (struct iovec){ p, MUCH / 2 };
	(void)!readv(fd, v, 64);
	close(fd);
	munmap(p, MUCH / 2);
}

static void
random_at_once(void)
{
	char *p = touched(16 * MIB);

	(void)!getrandom(p, 16 * MIB, 0);
	munmap(p, 16 * MIB);
}

static void
directory(void)
{
	char name[32];

	mkdir("names", 0700);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "names/%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "names/%d", i);
		unlink(name);
	}
	rmdir("names");
}

static void
symlinks(void)
{
	char name[64], to[4000];

	for (int i = 0; i < 39; i++) {
		for (size_t k = 0; k + 64 < sizeof to; k += 2)
			strcpy(to + k, "./");
		snprintf(to + strlen(to), 32, "l%d", i + 1);
		snprintf(name, sizeof name, "l%d", i);
		symlink(to, name);
	}
	for (int i = 0; i < 20; i++)
		access("l0", F_OK);
}

static void
folders_deep(void)
{
	int i;

	for (i = 0; i < 1000 && mkdir("d", 0700) == 0 && chdir("d") == 0; i++)
		;
	char *cwd = malloc(8192);
	(void)!getcwd(cwd, 8192);
	free(cwd);
	while (i-- > 0 && chdir("..") == 0)
		rmdir("d");
}

static void
pipes(void)
{
	static char buf[65536];
	int p[400][2], n;

	for (n = 0; n < 400 && pipe2(p[n], O_NONBLOCK) == 0; n++)
		(void)!write(p[n][1], buf, sizeof buf);
	while (n-- > 0) {
		close(p[n][0]);
		close(p[n][1]);
	}
}

static void
poll_many(void)
{
	static struct pollfd f[1000];
	int p[2], n;

	pipe(p);
	for (n = 0; n < 1000; n++)
		f[n] = (struct pollfd){ p[0], POLLIN, 0 };
	for (int i = 0; i < 50; i++)
		poll(f, 1000, i % 2);
	close(p[0]);
	close(p[1]);
}

static unsigned word;

static void *
futex_waiter(void *arg)
{
	syscall(SYS_futex, &word, FUTEX_WAIT, (unsigned)(size_t)arg, NULL, NULL, 0);
	return NULL;
}

static void
futexes(void)
{
	pthread_attr_t a;
	pthread_t t[CROWD];
	int n;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16384);
	for (n = 0; n < CROWD; n++)
		if (pthread_create(&t[n], &a, futex_waiter, (void *)(size_t)word) != 0)
			break;
	sched_yield();
	word++;
	syscall(SYS_futex, &word, FUTEX_REQUEUE, 1, 1000, &word + 1, 0);
	syscall(SYS_futex, &word + 1, FUTEX_WAKE, 1000, NULL, NULL, 0);
	syscall(SYS_futex, &word, FUTEX_WAKE, 1000, NULL, NULL, 0);
	while (n-- > 0)
		pthread_join(t[n], NULL);
}

static void
on_signal(int sig)
{
}

static void
signalled(void)
{
	for (int i = 0; i < 50; i++)
		poll(NULL, 0, 1);
}

static void
signals(void)
{
	signal(SIGUSR1, on_signal);
	setpgid(0, 0);
	crowd(100, signalled);
	for (int i = 0; i < 200; i++)
		kill(0, SIGUSR1);
	reap_all();
}

static void
text(const char *name)
{
	static char buf[65536];
	char *p = many_mappings(8000);
	int fd = open(name, O_RDONLY);

	while (read(fd, buf, sizeof buf) > 0)
		;
	close(fd);
	munmap(p, 16000ul * 4096);
}

static void
smaps(void)
{
	text("/proc/self/smaps");
}

static void
maps(void)
{
	text("/proc/self/maps");
}

static void
mremap_large(void)
{
	char *p = touched(MUCH), *at = area(2 * MUCH, PROT_NONE);

	for (int i = 0; i < 20; i++)
		p = mremap(p, MUCH, MUCH, MREMAP_MAYMOVE | MREMAP_FIXED,
		    at + (i & 1) * MUCH);
	munmap(at, 2 * MUCH);
}

static void
dontneed(void)
{
	char *p = touched(MUCH);

	madvise(p, MUCH, MADV_DONTNEED);
	munmap(p, MUCH);
}

static void
msync_large(void)
{
	int fd = file_of("large", MUCH);
	char *p = mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	for (size_t i = 0; i < MUCH; i += 4096)
		p[i] = 3;
	msync(p, MUCH, MS_SYNC);
	close(fd);
	munmap(p, MUCH);
}

static void
swapping(void)
{
	munmap(touched(280 * MIB), 280 * MIB);
}

static void
lock_pages(void)
{
	char *p = area(MUCH, PROT_READ | PROT_WRITE);

	mlock(p, MUCH);
	munmap(p, MUCH);
}

static void
long_arguments(void)
{
	static char *argv[20002], word[] = "a word of an argument of a program that is not there";

	for (int i = 0; i < 20000; i++)
		argv[i] = word;
	execv("/bin/busybox/none", argv);
	if (fork() == 0) {
		argv[0] = (char *)"true";
		execv("/bin/busybox", argv);
		_exit(1);
	}
	reap_all();
}

/* So many who wait for one byte, and for the end of the pipe. */
static int wide[2];

static void
pipe_reader(void)
{
	char c;

	close(wide[1]);
	while (read(wide[0], &c, 1) > 0)
		;
}

static void
pipe_crowd(void)
{
	pipe(wide);
	crowd(200, pipe_reader);
	(void)!write(wide[1], "many bytes", 10);
	close(wide[1]);
	close(wide[0]);
	reap_all();
}

/* All at one time. */
static struct timespec wake_up;

static void
sleeper(void)
{
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake_up, NULL);
}

static void
sleepers(void)
{
	clock_gettime(CLOCK_MONOTONIC, &wake_up);
	wake_up.tv_sec++;
	crowd(200, sleeper);
	reap_all();
}

/* The same each fifth of a second, and each works a little, so all do for long. */
static void
works_when_woken(void)
{
	double until;

	for (int i = 0; i < 8; i++) {
		sleeper();
		wake_up.tv_nsec = (wake_up.tv_nsec + 200000000) % 1000000000;
		wake_up.tv_sec += wake_up.tv_nsec < 200000000;
		for (until = now_ms() + 2; now_ms() < until;)
			;
	}
}

static void
herds(void)
{
	clock_gettime(CLOCK_MONOTONIC, &wake_up);
	wake_up.tv_sec++;
	crowd(50, works_when_woken);
	reap_all();
}

/* Each calls the next, and goes on until it is interrupted for him. */
static int ring[60][2];

static void
goes_round(int i)
{
	double until;
	char c;

	for (int n = 0; n < 10; n++) {
		(void)!read(ring[i][0], &c, 1);
		(void)!write(ring[(i + 1) % 60][1], "", 1);
		for (until = now_ms() + 12; now_ms() < until;)
			;
	}
}

static void
relay(void)
{
	int i;

	for (i = 0; i < 60; i++)
		pipe(ring[i]);
	for (i = 0; i < 60; i++)
		if (fork() == 0) {
			goes_round(i);
			_exit(0);
		}
	(void)!write(ring[0][1], "12345678", 8);
	reap_all();
	for (i = 0; i < 120; i++)
		close(ring[i / 2][i & 1]);
}

static void
alarmed(void)
{
	const struct itimerval each = { { 0, 1000 }, { 0, 1000 } };

	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &each, NULL);
	for (int i = 0; i < 30; i++)
		pause();
}

static void
alarms(void)
{
	crowd(100, alarmed);
	reap_all();
}

static void
become_true(void)
{
	execl("/bin/busybox", "true", NULL);
}

static void
execs(void)
{
	for (int i = 0; i < 10; i++) {
		crowd(10, become_true);
		reap_all();
	}
}

static void
renames(void)
{
	mkdir("a", 0700);
	mkdir("b", 0700);
	close(open("a/x", O_CREAT | O_WRONLY, 0600));
	for (int i = 0; i < 2000; i++) {
		rename("a/x", "b/x");
		rename("b/x", "a/x");
	}
	unlink("a/x");
	rmdir("a");
	rmdir("b");
}

static void
syncs(void)
{
	int fd = file_of("large", 4 * MIB);

	for (int i = 0; i < 500; i++) {
		(void)!pwrite(fd, "x", 1, i * 4096);
		fsync(fd);
		if (i % 50 == 0)
			sync();
	}
	close(fd);
}

static void *
stores(void *at)
{
	for (size_t i = 0; i < 4 * MIB; i += 4096)
		((volatile char *)at)[i] = 1;
	return NULL;
}

/* Sixteen who fault in a space whose pages are taken away. */
static void
convoy(void)
{
	char *p = area(64 * MIB, PROT_READ | PROT_WRITE);
	pthread_t t[16];
	int i, n;

	for (n = 0; n < 16; n++)
		if (pthread_create(&t[n], NULL, stores, p + n * 4 * MIB) != 0)
			break;
	for (i = 0; i < 20; i++) {
		madvise(p, 64 * MIB, MADV_DONTNEED);
		sched_yield();
	}
	while (n-- > 0)
		pthread_join(t[n], NULL);
	munmap(p, 64 * MIB);
}

static void
yielder(void)
{
	for (int i = 0; i < 300; i++)
		sched_yield();
}

static void
yields(void)
{
	crowd(60, yielder);
	reap_all();
}

static void
threads_come_and_go(void)
{
	char *p = area(4 * MIB, PROT_READ | PROT_WRITE);
	pthread_t t;

	for (int i = 0; i < 300; i++)
		if (pthread_create(&t, NULL, stores, p) == 0)
			pthread_detach(t);
}

static void
dead_locks(void)
{
	static struct flock l = { .l_type = F_WRLCK, .l_len = 1 };
	int fd = open("locked", O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < 100; i++)
		if (fork() == 0) {
			l.l_start = i;
			fcntl(fd, F_SETLK, &l);
			l.l_start = (i + 1) % 100;
			fcntl(fd, F_SETLKW, &l);
			_exit(0);
		}
	reap_all();
	close(fd);
}

static void
processes_listed(void)
{
	static const char *const names[] = { "/proc/%d/stat", "/proc/%d/status",
	    "/proc/%d/maps", "/proc/%d/statm" };
	static char buf[4096];
	char name[64];

	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof name, names[i % 4], i / 4 % 100);
		int fd = open(name, O_RDONLY);
		while (fd >= 0 && read(fd, buf, sizeof buf) > 0)
			;
		close(fd);
	}
}

/* Who has so many epolls, each of which watches one file, stays for a while. */
#define EPOLLS 900
static int watched, have_them[2];

static void
epolls_of_one(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int fd, n;

	for (n = 0; n < EPOLLS && (fd = epoll_create1(0)) >= 0; n++)
		if (epoll_ctl(fd, EPOLL_CTL_ADD, watched, &ev) < 0)
			break;
	(void)!write(have_them[1], "", 1);
	sleep(3);
}

/* One after the other: sixty who want one pipe's lock are another kind of work. */
static void
crowd_of_epolls(void)
{
	char c;

	pipe(have_them);
	for (int i = 0; i < 60; i++) {
		crowd(1, epolls_of_one);
		(void)!read(have_them[0], &c, 1);
	}
	close(have_them[0]);
	close(have_them[1]);
}

/* Fifty thousand watches of a pipe, and what they are told. */
static void
epolls(void)
{
	char c = 0;
	int p[2];

	pipe(p);
	watched = p[0];
	crowd_of_epolls();
	for (int i = 0; i < 100; i++) {
		poll(NULL, 0, 10);
		(void)!write(p[1], &c, 1);
		(void)!read(p[0], &c, 1);
	}
	reap_all();
	close(p[0]);
	close(p[1]);
}

/* Sixty who want one pipe's lock: to watch it, and to leave it all at one time, … */
static void
pipe_watched(void)
{
	int p[2];

	pipe(p);
	watched = p[0];
	pipe(have_them);
	crowd(60, epolls_of_one);
	reap_all();
	for (int i = 0; i < 2; i++) {
		close(have_them[i]);
		close(p[i]);
	}
}

/* … or to write and to read. */
static void
share_the_pipe(void)
{
	static char page[4096];

	for (int i = 0; i < 300; i++) {
		(void)!write(wide[1], page, sizeof page);
		(void)!read(wide[0], page, sizeof page);
	}
}

static void
pipe_shared(void)
{
	pipe(wide);
	fcntl(wide[0], F_SETFL, O_NONBLOCK);
	fcntl(wide[1], F_SETFL, O_NONBLOCK);
	crowd(60, share_the_pipe);
	reap_all();
	close(wide[0]);
	close(wide[1]);
}

/* The same of a timer, which tells them at each tick. */
static void
timers_watched(void)
{
	const struct itimerspec each = { { 0, 1000000 }, { 0, 1000000 } };
	uint64_t ticks;

	watched = timerfd_create(CLOCK_MONOTONIC, 0);
	crowd_of_epolls();
	timerfd_settime(watched, 0, &each, NULL);
	for (int i = 0; i < 100; i++)
		(void)!read(watched, &ticks, sizeof ticks);
	close(watched);
	reap_all();
}

/* Each polls two pipes in turn, so many times in one call. */
static int two[2][2];

static void
polls_in_turn(void)
{
	static struct pollfd f[1000];

	for (int n = 0; n < 1000; n++)
		f[n] = (struct pollfd){ two[n & 1][0], POLLPRI, 0 };
	poll(f, 1000, 2000);
}

static void
polls(void)
{
	char c = 0;

	pipe(two[0]);
	pipe(two[1]);
	crowd(800, polls_in_turn);
	for (int i = 0; i < 30; i++) {
		poll(NULL, 0, 20);
		(void)!write(two[0][1], &c, 1);
		(void)!read(two[0][0], &c, 1);
	}
	reap_all();
	for (int i = 0; i < 4; i++)
		close(two[i & 1][i / 2]);
}

static void
spins(void)
{
	for (;;)
		;
}

/* More who never sleep than processors. */
static void
busy(void)
{
	crowd(40, spins);
	spins();
}

/* Pairs whose ends wait in each other's queues, as many as may be under way, among
 * messages of a byte: the end of one more socket finds that nobody reaches them. */
static void
sockets(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} c;
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int s[2], i;

	do {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) != 0)
			_exit(9);
		for (i = 0; i < 20; i++)
			send(s[i % 2], "x", 1, MSG_DONTWAIT);
		memset(&c, 0, sizeof(c));
		c.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(s)),
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&c.h), s, sizeof(s));
		i = (int)sendmsg(s[0], &m, MSG_DONTWAIT);
		close(s[0]);
		close(s[1]);
	} while (i == 1);
}

/* As many timers as there may be, due at once, again and again. */
static void
posix_timers(void)
{
	static timer_t timers[MANY];
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct sigevent sent = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGCHLD };
	struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };
	int i, n;

	for (n = 0; n < MANY; n++)
		if (syscall(SYS_timer_create, n % 2, n % 4 < 2 ? &none : &sent,
		    &timers[n]) != 0)
			break;
	for (i = 0; i < n; i++)
		syscall(SYS_timer_settime, timers[i], 0, &often, NULL);
	for (i = 0; i < n; i++)
		syscall(SYS_timer_delete, timers[i]);
}

/* Segments, semaphores and queues of System V, as many and as large as they may be. */
static void
by_key(void)
{
	static struct sembuf ops[500];
	struct { long type; char text[8000]; } m = { .type = 1 };
	static int ids[3][200];
	void *at;
	int i;

	for (i = 0; i < 500; i++)
		ops[i] = (struct sembuf){ (unsigned short)i, 1, SEM_UNDO };
	for (i = 0; i < 200; i++) {
		ids[0][i] = shmget(IPC_PRIVATE, i == 0 ? 64 * MIB : PAGE, 0600);
		at = shmat(ids[0][i], NULL, 0);
		if (at != (void *)-1)
			memset(at, 1, i == 0 ? 64 * MIB : PAGE);
		shmctl(ids[0][i], IPC_RMID, NULL);
		ids[1][i] = semget(IPC_PRIVATE, 500, 0600);
		semop(ids[1][i], ops, 500);
		ids[2][i] = msgget(IPC_PRIVATE, 0600);
		while (msgsnd(ids[2][i], &m, i % 2 == 0 ? 1 : 8000, IPC_NOWAIT) == 0)
			continue;
		if (at != (void *)-1)
			shmdt(at);
	}
	for (i = 0; i < 200; i++) {
		semctl(ids[1][i], 0, IPC_RMID);
		msgctl(ids[2][i], IPC_RMID, NULL);
	}
}

/* What they left, who were killed. */
static void
keys_tidied(void)
{
	struct semid_ds s;
	struct msqid_ds q;
	int i;

	for (i = 0; i < 32000; i++) {
		semctl(semctl(i, 0, SEM_STAT, &s), 0, IPC_RMID);
		msgctl(msgctl(i, MSG_STAT, &q), IPC_RMID, NULL);
	}
}

static const struct kind {
	const char *name;
	void (*work)(void);
} kinds[] = {
	{ "locks", locks }, { "mappings", mappings },
	{ "mappings_protected", mappings_protected },
	{ "munmap", munmap_large },
	{ "sparse_mprotect", sparse_mprotect },
	{ "sparse_shared", sparse_shared },
	{ "sparse_mincore", sparse_mincore },
	{ "fork_deep", fork_deep }, { "fork_wide", fork_wide },
	{ "exit", exit_large }, { "fork", fork_large },
	{ "truncate", truncate_large }, { "punch", punch },
	{ "unlink_mapped", unlink_mapped },
	{ "write", write_at_once },
	{ "sendfile", sendfile_large },
	{ "zeros", zeros_at_once }, { "random", random_at_once },
	{ "directory", directory }, { "symlinks", symlinks },
	{ "folders_deep", folders_deep }, { "pipes", pipes }, { "sockets", sockets },
	{ "poll", poll_many }, { "futexes", futexes },
	{ "signals", signals }, { "smaps", smaps },
	{ "maps", maps }, { "mremap", mremap_large },
	{ "dontneed", dontneed }, { "msync", msync_large },
	{ "swapping", swapping }, { "mlock", lock_pages },
	{ "arguments", long_arguments },
	{ "pipe_crowd", pipe_crowd }, { "sleepers", sleepers },
	{ "herds", herds }, { "relay", relay },
	{ "alarms", alarms }, { "execs", execs }, { "renames", renames },
	{ "syncs", syncs }, { "convoy", convoy }, { "yields", yields },
	{ "threads", threads_come_and_go }, { "dead_locks", dead_locks },
	{ "processes", processes_listed }, { "epolls", epolls },
	{ "timers_watched", timers_watched }, { "polls", polls },
	{ "pipe_watched", pipe_watched }, { "pipe_shared", pipe_shared },
	{ "posix_timers", posix_timers }, { "by_key", by_key },
	{ "busy", busy },
};

/* ---- the measure ---- */

/* Shared with who works. */
static volatile int *done_rounds;
static volatile double *works_ms; /* the longest of a small work of root's */

static pid_t
begin(const struct kind *k)
{
	const struct rlimit locked = { MUCH, MUCH }, many = { MANY, MANY };
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	setpgid(0, 0);
	OK(setrlimit(RLIMIT_MEMLOCK, &locked));
	OK(setrlimit(RLIMIT_NOFILE, &many));
	OK(setrlimit(RLIMIT_SIGPENDING, &many));
	OK(setgid(1000));
	OK(setuid(1000));
	OK(mkdir(FOLDER, 0700));
	OK(chdir(FOLDER));
	for (;; ++*done_rounds)
		k->work();
}

/* … and who are woken by one another, or never sleep. */
static bool
has_many_who_run(const struct kind *k)
{
	return k->work == herds || k->work == relay || k->work == pipe_shared ||
	    k->work == busy || k->work == yields;
}

/* A little work now and then, of more than a tick: each is interrupted. */
static pid_t
work_now_and_then(void)
{
	const struct timespec nap = { .tv_nsec = 50000000 };
	double start, cpu, took;
	pid_t pid = OK(fork());

	for (; pid == 0; nanosleep(&nap, NULL)) {
		start = now_ms();
		cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
		while (clock_ms(CLOCK_THREAD_CPUTIME_ID) < cpu + WORK_OF_MS)
			;
		took = now_ms() - start;
		if (took > *works_ms)
			*works_ms = took;
	}
	return pid;
}

static void
small_calls(void)
{
	char *p = area(4096, PROT_READ | PROT_WRITE), c = 1;
	int fd = open("/tmp/root", O_RDWR | O_CREAT | O_TRUNC, 0600);

	*p = 1;
	EQ(write(fd, &c, 1), 1);
	EQ(lock(fd, F_SETLK, F_WRLCK, 0), 0);
	close(fd);
	munmap(p, 4096);
}

static void
tidy(void)
{
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		execl("/bin/busybox", "rm", "-rf", FOLDER, NULL);
		_exit(1);
	}
	EQ(waitpid(pid, &status, 0), pid);
	keys_tidied();
}

static double worst_gap, worst_wait;

/* Root's other threads wait for its works as well: there no gap is judged. */
static void
measure(const struct kind *k, bool with_works)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	double start = now_ms(), gap = 0, wait = 0, at, woke, done;
	bool killed = false, gone = false;
	pid_t pid, worker = 0;
	int status;

	*done_rounds = 0;
	*works_ms = 0;
	if (with_works)
		worker = work_now_and_then();
	pid = begin(k);
	for (done = start; !gone && done < start + END_MS;) {
		at = now_ms();
		nanosleep(&nap, NULL);
		woke = now_ms();
		small_calls();
		done = now_ms();
		if (woke - at - 1 > gap)
			gap = woke - at - 1;
		if (done - woke > wait)
			wait = done - woke;
		if (!killed && (*done_rounds >= ROUNDS || done > start + WORK_MS)) {
			kill(-pid, SIGKILL);
			killed = true;
		}
		gone = killed && waitpid(pid, &status, WNOHANG) == pid;
	}
	if (worker != 0) {
		kill(worker, SIGKILL);
		EQ(waitpid(worker, NULL, 0), worker);
	}
	printf("# %-20s gap %6.1f ms, wait %6.1f ms, work %6.1f ms, %d rounds, "
	       "ended after %.1f ms\n", k->name, gap, wait, *works_ms,
	    *done_rounds, done - start);
	LE((long)*works_ms, WORK_IN_MS);
	CHECK(gone);
	CHECK(!gone || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	fflush(stdout);
	if (gap > worst_gap && !with_works)
		worst_gap = gap;
	if (gap > worst_wait)
		worst_wait = gap;
	if (wait > worst_wait)
		worst_wait = wait;
	tidy();
}

int
main(int argc, char **argv)
{
	size_t i;
	int k;

	if (!on_vadose()) {
		printf("skipped: a machine of its own\n");
		return 0;
	}
	works_ms = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(works_ms != MAP_FAILED);
	done_rounds = (volatile int *)&works_ms[1];
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		for (k = 1; k < argc && strcmp(argv[k], kinds[i].name) != 0; k++)
			;
		if (argc > 1 && k == argc)
			continue;
		measure(&kinds[i], false);
		if (has_many_who_run(&kinds[i]))
			measure(&kinds[i], true);
	}
	LE((long)worst_gap, GAP_MS);
	LE((long)worst_wait, WAIT_MS);
	return test_done();
}
