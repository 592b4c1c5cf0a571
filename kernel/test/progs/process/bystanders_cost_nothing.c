/* NEEDS: MEM=256M CPUS=1 TIMEOUT=120 SWEEP=no CLOCK=1 KIND=exact */
/*
 * What a call costs does not grow with what it does not touch: each of some calls is
 * timed beside a few bystanders (children that sleep, mappings, pages, descriptors,
 * names, watches, sockets, threads) and beside many.  On one processor the clock counts
 * instructions.
 */
#include "lib/test.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define TIMES 3
#define GROWTH 2       /* a tree is deeper; a page table may be new */
#define ALWAYS 8000    /* ns */

/* ---- calls ---- */

static char *area;     /* pages, all touched */
static int data = -1;  /* a file of 1,000 pages, all in memory */

static void
fork_and_wait(void)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	REAP(pid, 0);
}

static void
nobody_to_wait_for(void)
{
	EQ(waitpid(-1, NULL, WNOHANG), 0);
}

static void
signal_oneself(void)
{
	OK(raise(SIGUSR1));
}

static void
map_one(void)
{
	char *p = pages_private(1);

	*p = 1;
	OK(munmap(p, PAGE));
}

static void
protect_one(void)
{
	OK(mprotect(area + PAGE, PAGE, PROT_READ));
	OK(mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE));
}

static void
discard_one(void)
{
	OK(madvise(area + 2 * PAGE, PAGE, MADV_DONTNEED));
	area[2 * PAGE] = 1;
}

static void *
nothing(void *arg)
{
	return arg;
}

static void
make_thread(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, nothing, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
}

static void
open_one(void)
{
	OK(close(OK(open("/tmp/bystander", O_RDWR | O_CREAT, 0600))));
}

static void
name_one(void)
{
	OK(close(OK(open("/tmp/names/new", O_RDWR | O_CREAT, 0600))));
	OK(rename("/tmp/names/new", "/tmp/names/old"));
	OK(unlink("/tmp/names/old"));
}

static void
make_sockets(void)
{
	int s[2];
	char c;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EQ(write(s[0], "a", 1), 1);
	EQ(read(s[1], &c, 1), 1);
	OK(close(s[0]));
	OK(close(s[1]));
}

static int watcher, ready;

static void
wait_for_one(void)
{
	struct epoll_event e[4];
	uint64_t v = 1;

	EQ(write(ready, &v, sizeof(v)), sizeof(v));
	EQ(epoll_wait(watcher, e, 4, 0), 1);
	EQ(read(ready, &v, sizeof(v)), sizeof(v));
}

static void
wake_nobody(void)
{
	static int word;

	EQ(syscall(SYS_futex, &word, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0), 0);
}

static void
map_file(void)
{
	volatile char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, data, 0);

	CHECK(p != MAP_FAILED);
	(void)*p;
	OK(munmap((void *)p, PAGE));
}

static void
write_file(void)
{
	EQ(pwrite(data, "w", 1, 7 * PAGE), 1);
}

/* Its stat file is found, whoever else is there. */
static void
open_stat(void)
{
	OK(close(OK(open("/proc/self/stat", O_RDONLY))));
}

/* ---- bystanders ---- */

static pid_t child[1000];
static int children;

static void
sleepers(int n)
{
	for (; n > 0; n--) {
		child[children] = OK(fork());
		if (child[children++] == 0)
			for (;;)
				pause();
	}
}

static void
mappings(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void
touched(int n)
{
	area = pages_private((size_t)n + 10);
	memset(area, 1, ((size_t)n + 10) * PAGE);
}

static void
more_descriptors(void)
{
	OK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 20000, 20000 }));
}

static void
descriptors(int n)
{
	more_descriptors();
	for (; n > 0; n--)
		OK(dup(0));
}

static void
names(int n)
{
	static int made;
	char name[32];

	(void)mkdir("/tmp/names", 0700);
	for (; n > 0; n--) {
		snprintf(name, sizeof(name), "/tmp/names/%d", made++);
		OK(close(OK(open(name, O_RDWR | O_CREAT, 0600))));
	}
}

static void
watches(int n)
{
	struct epoll_event e = { .events = EPOLLIN };

	more_descriptors();
	if (ready == 0) {
		watcher = OK(epoll_create1(0));
		ready = OK(eventfd(0, EFD_NONBLOCK));
		OK(epoll_ctl(watcher, EPOLL_CTL_ADD, ready, &e));
	}
	for (; n > 0; n--)
		OK(epoll_ctl(watcher, EPOLL_CTL_ADD, OK(eventfd(0, 0)), &e));
}

static void
sockets(int n)
{
	int s[2];

	more_descriptors();
	for (; n > 0; n--)
		OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
}

static void *
asleep(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void
threads(int n)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 32 * KIB);
	for (; n > 0; n--)
		EQ(pthread_create(&t, &a, asleep, NULL), 0);
}

static void
file_of_pages(void)
{
	static char page[PAGE];

	if (data >= 0)
		return;
	data = OK(open("/tmp/data", O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < 1000; i++)
		EQ(pwrite(data, page, PAGE, i * (off_t)PAGE), PAGE);
}

static void
file_mappings(int n)
{
	volatile char *p;

	file_of_pages();
	for (; n > 0; n--) {
		p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, data, n % 1000 * (off_t)PAGE);
		CHECK(p != MAP_FAILED);
		(void)*p;
	}
}

/* ---- all of them ---- */

typedef void call_fn(void);

static const struct {
	const char *name;
	void (*more)(int);
	int few, many;
	call_fn *calls[10];
} rows[] = {
	{ "children that sleep", sleepers, 10, 600, { fork_and_wait, nobody_to_wait_for,
	    signal_oneself, map_one, make_thread, open_stat, wake_nobody } },
	{ "mappings", mappings, 10, 20000, { map_one, make_thread, signal_oneself } },
	{ "touched pages", touched, 10, 15000, { map_one, protect_one, discard_one,
	    make_thread } },
	{ "descriptors", descriptors, 10, 15000, { open_one, make_sockets, map_one } },
	{ "names", names, 10, 5000, { name_one, open_one } },
	{ "watches", watches, 10, 5000, { wait_for_one, open_one } },
	{ "sockets", sockets, 10, 2000, { make_sockets, open_one } },
	{ "threads", threads, 4, 400, { make_thread, signal_oneself, map_one,
	    wake_nobody, open_stat } },
	{ "file mappings", file_mappings, 10, 5000, { map_file, write_file, map_one } },
};

/* ns: the least of some, after the first. */
static long
price(call_fn *call)
{
	long least = LONG_MAX, ns;

	call();
	for (int i = 0; i < TIMES; i++) {
		ns = (long)now_ns();
		call();
		ns = (long)now_ns() - ns;
		least = ns < least ? ns : least;
	}
	return least;
}

static long entries; /* of /proc */

static void
list_proc(void)
{
	DIR *d = opendir("/proc");

	CHECK(d != NULL);
	for (entries = 0; readdir(d) != NULL; entries++)
		continue;
	closedir(d);
}

static long
price_of_entry(void)
{
	return price(list_proc) / entries;
}

static void
row(size_t i)
{
	long few[10], entry, seen;
	int k, bad = 0;

	OK(setpgid(0, 0));
	rows[i].more(rows[i].few);
	for (k = 0; rows[i].calls[k] != NULL; k++)
		few[k] = price(rows[i].calls[k]);
	entry = price_of_entry();
	rows[i].more(rows[i].many - rows[i].few);
	for (k = 0; rows[i].calls[k] != NULL; k++) {
		seen = price(rows[i].calls[k]);
		if (seen <= few[k] * GROWTH + ALWAYS)
			continue;
		printf("call %d beside %d and %d %s: %ld and %ld ns\n", k, rows[i].few,
		    rows[i].many, rows[i].name, few[k], seen);
		bad = 1;
	}
	LE(price_of_entry(), entry * GROWTH + ALWAYS);
	for (k = 0; k < children; k++)
		OK(kill(child[k], SIGKILL));
	fflush(stdout);
	_exit(bad);
}

static void
heard(int sig)
{
	(void)sig;
}

int
main(void)
{
	pid_t pid;

	if (!on_vadose()) {
		printf("skipped: needs a clock that counts instructions\n");
		return 0;
	}
	signal(SIGUSR1, heard);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid = OK(fork());
		if (pid == 0)
			row(i);
		REAP(pid, 0);
	}
	return test_done();
}
