/* NEEDS: MEM=64M CPUS=1 TIMEOUT=300 ARGS=400 SHORT=40 SWEEP=no KIND=exact */
/*
 * Two threads of a process make a call each.  What the calls answer, and what is there
 * afterwards, must be what one of the two orders gives, one call after the other.  On our
 * kernel the second call comes at each place of the first one at which another thread may
 * get the CPU, one place after the other (FI_PREEMPT); on Linux it comes when it comes.
 *
 * Arguments: pairs, by chance, or "all" (4); seed; first and second call, by name.
 */
#include "lib/calls_in_a_world.h"
#include <limits.h>
#include <pthread.h>
#include <sys/uio.h>

#define MOST_PLACES 400
#define TRIES_ON_LINUX 5

enum when { FIRST_THEN_SECOND, SECOND_THEN_FIRST, AT_A_PLACE };

/* What came of two calls. */
static struct outcome {
	long r[2];
	char state[4096];
	bool inside; /* the second one came before the first one had ended */
} *now;

static const struct call *pair[2];
static volatile int turn;
static volatile bool first_ended;

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
	say(" brk %ld", syscall(SYS_brk, 0) - home->of[BRK - BUF]);
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
	(void)shmctl((int)home->of[SHM - BUF], IPC_STAT, &ds);
	say("\nlimits %lu %lu umask %o leader %d nice %d pending %d ignored %d attached %d",
	    (long)fds.rlim_cur, (long)locks.rlim_cur, umask(0), getpgrp() == getpid(),
	    getpriority(PRIO_PROCESS, 0), sigismember(&pending, SIGUSR1),
	    sa.sa_handler == SIG_IGN, (int)ds.shm_nattch);
	say("\nsem %d %d msg", semctl((int)home->of[SEM - BUF], 0, GETVAL), semctl((int)home->of[SEM - BUF], 1, GETVAL));
	while ((n = msgrcv((int)home->of[MSG - BUF], &note, sizeof(note.text), 0, IPC_NOWAIT)) >= 0)
		say(" %ld", note.type);
	for (int i = 0; i < 2; i++)
		say("\nbuf %.8s %ld", home->buf[i], *(long *)home->buf[i] & 0xff);
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
done(int which)
{
	const struct call *c = pair[which];
	long r = c->nr == FORK ? forked() : call_made(c, which);

	/* Other words for what is removed, or closed, at this moment: on Linux, too. */
	return r == -EIDRM ? -EINVAL :
	    r == -ECONNRESET && c->nr == SYS_sendto ? -EPIPE : r;
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
	memset(home->buf, 0, sizeof(home->buf));
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
	home = (struct world *)pages_shared(1);
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
