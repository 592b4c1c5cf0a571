/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=300 ARGS=5000 SHORT=700 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process ends in the midst of a call: another process kills it, or another of its
 * threads exits or execs, at each place of the call at which another thread may get the
 * CPU (FI_PREEMPT), or asleep.  It is waited for as on Linux, and nothing is left: locks
 * are free, other ends of pipes and sockets hear of it, robust locks say that their owner
 * died, names are old or new, and no object and no frame is missing.  Stopped and
 * continued there instead, it gets the answer that it gets without.
 *
 * Arguments: ends, by chance (60); seed; or "all", any seed, folder (/tmp), a call by name or -,
 * how it ends: kill, exit, exec, stop (each), with letters behind it: t, another thread than
 * the first makes the call; m, memory is refused, too; first place; last place.
 */
#include "deaths_calls.h"

static const char *
name_of(int i)
{
	return i < CALLS ? calls[i].name : acts[i - CALLS].name;
}

static void
name_case(void)
{
	printf("%s, %s%s%s at place %ld: ", now_act ? now_act->name : now_call->name,
	    end_names[now_end], by_thread ? "t" : "", no_memory ? "m" : "", now_place);
	fflush(stdout);
}

#define CLAIM(claim) ((claim) ? (void)0 : (name_case(), \
	FAIL("%s: not so (errno %d)", #claim, errno)))

/* ---- the process that ends ---- */

static void
arm_point(const char *point, long at, int tid)
{
	char word[64];
	int n = snprintf(word, sizeof(word), "%s:%ld:0:1:%d", point, at, tid);

	if (write(INJECT_FD, word, (size_t)n) != n)
		CLAIM(no_memory);
}

static void
arm(int tid)
{
	arm_point("FI_PREEMPT", now_place, tid);
	if (!no_memory)
		return;
	arm_point("FI_FRAME", 1 + now_place % 4, tid);
	arm_point("FI_SLAB", 1 + now_place % 7, tid);
}

/* Locks that are held, however the process ends. */
static void
hold_locks(void)
{
	static struct {
		void *next;
		long offset;
		void *pending;
	} head;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	struct sembuf down_one = { 0, -1, SEM_UNDO };

	head.next = &sh->lock.next;
	head.offset = (long)offsetof(typeof(sh->lock), word);
	sh->lock.next = &head;
	sh->lock.word = (int)syscall(SYS_gettid);
	OK(syscall(SYS_set_robust_list, &head, sizeof(head)));
	OK(fcntl(POSIX_FD, F_SETLK, &l));
	OK(flock(FLOCK_FD, LOCK_EX));
	OK(semop(out_sem, &down_one, 1));
}

static void *
caller(void *arg)
{
	char path[64];

	sh->tid = (int)syscall(SYS_gettid);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", sh->tid);
	at_fd(OK(open(path, O_RDONLY)), STATE_FD);
	hold_locks();
	if (now_act != NULL && now_act->ready != NULL)
		now_act->ready();
	sh->turn = 2;
	arm(sh->tid);
	sh->answer = now_act == NULL ? call_made(now_call, 0) : now_act->call();
	sh->ended = true;
	for (;;)
		pause();
	return arg;
}

static void
end_by(enum end end)
{
	static char *const argv[] = { "x", "tiny", NULL };
	int status;

	switch (end) {
	case KILL:
		OK(kill(sh->pid, SIGKILL));
		return;
	case STOP:
		OK(kill(sh->pid, SIGSTOP));
		CLAIM(waitpid(sh->pid, &status, WUNTRACED) == sh->pid);
		CLAIM(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
		OK(kill(sh->pid, SIGCONT));
		return;
	case EXIT:
		_exit(7);
	default:
		execv("/proc/self/exe", argv);
		_exit(99);
	}
}

/* R, S, D, … */
static char
state_of_caller(int fd)
{
	char text[512], *s;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 'X';
	text[n] = '\0';
	s = strrchr(text, ')');
	return s == NULL ? 'X' : s[2];
}

static bool
was_hit(void)
{
	char text[512];
	ssize_t n = pread(SEEN_FD, text, sizeof(text) - 1, 0);
	char *s;

	if (n <= 0)
		return false;
	text[n] = '\0';
	s = strstr(text, "FI_PREEMPT");
	return s != NULL && (s = strstr(s, "fired=")) != NULL && s[6] == '1';
}

/* Until it is time: the place is reached, or the call sleeps for good, or has ended. */
static void
wait_for_place(int state_fd)
{
	bool woken = now_act == NULL || now_act->wake == NULL;
	int asleep = 0;

	while (sh->turn != 2)
		sched_yield();
	while (!(sh->hit = was_hit()) && !sh->ended) {
		char s = state_of_caller(state_fd);

		if (s == 'Z' || s == 'X')
			break;
		asleep = s == 'S' ? asleep + 1 : s == 'D' ? asleep : 0;
		if (asleep > 2 && woken)
			break;
		if (asleep > 2) {
			now_act->wake();
			woken = true;
			asleep = 0;
		}
		sched_yield();
	}
	sh->acted = true;
}

static void *
ender(void *arg)
{
	wait_for_place(STATE_FD);
	end_by(now_end);
	return arg;
}

/* ---- the process that looks ---- */

static void
own_file(const char *name, int want)
{
	at_fd(OK(open(name, O_RDWR | O_CREAT, 0600)), want);
}

static void
process(void)
{
	pthread_t t;
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 3);
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	OK(close(out_pipe));
	OK(close(out_sock));
	OK(setresuid(USER, 0, 0));
	OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
	own_file("lock", POSIX_FD);
	own_file("lock", FLOCK_FD);
	own_file("held", OTHER_FD);
	if (now_act != NULL && now_act->call == call_posix_wait)
		own_file("held", POSIX_FD);
	if (now_act != NULL && now_act->call == call_ofd_wait)
		own_file("held", POSIX_FD);
	sh->pid = getpid();
	make_world();
	if (now_end == KILL || now_end == STOP) {
		if (by_thread)
			EQ(pthread_create(&t, NULL, caller, NULL), 0);
		else
			caller(NULL);
	} else {
		EQ(pthread_create(&t, NULL, by_thread ? caller : ender, NULL), 0);
		(void)(by_thread ? ender(NULL) : caller(NULL));
	}
	for (;;)
		pause();
}

static void
make_outside(void)
{
	struct sockaddr_un a = address();
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 10 };
	int p[2];

	memset(sh, 0, offsetof(struct shared, place));
	memset(home, 0, sizeof(*home));
	OK(pipe(p));
	out_pipe = p[0];
	at_fd(p[1], OUT_PIPE);
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	out_sock = p[0];
	at_fd(p[1], OUT_SOCK);
	OK(pipe(p));
	at_fd(p[0], WAIT_OUT);
	at_fd(p[1], WAIT_IN);
	at_fd(OK(socket(AF_UNIX, SOCK_STREAM, 0)), LISTEN);
	OK(bind(LISTEN, (struct sockaddr *)&a, sizeof(a.sun_family) + 7));
	OK(listen(LISTEN, 1));
	own_file("held", HELD_FD);
	OK(fcntl(HELD_FD, F_OFD_SETLK, &l));
	OK(flock(HELD_FD, LOCK_EX));
	OK(mkfifo("fifo", 0600));
	at_fd(OK(open(on_vadose() ? "/proc/vm/inject" : "/dev/null", O_RDWR)), SEEN_FD);
	out_sem = OK(semget(IPC_PRIVATE, 1, 0600));
	OK(semctl(out_sem, 0, SETVAL, 1));
	client = -1;
}

static void
remove_outside(void)
{
	static const char *const names[] = { "a", "b", "d/a", "d", "sock", "fifo", "held", "lock" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlink(names[i]) != 0)
			(void)rmdir(names[i]);
	for (int fd = LISTEN; fd <= OTHER_FD; fd++)
		if (fd != INJECT_FD)
			(void)close(fd);
	OK(close(out_pipe));
	OK(close(out_sock));
	(void)close(client);
	OK(semctl(out_sem, 0, IPC_RMID));
	end_world();
}

static bool
execs(void)
{
	return now_act != NULL && now_act->call == call_exec;
}

/* Nobody holds what the dead one had. */
static void
look_at_locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = OK(open("lock", O_RDWR | O_CREAT, 0600));

	OK(fcntl(fd, F_GETLK, &l));
	CLAIM(l.l_type == F_UNLCK);
	CLAIM(flock(fd, LOCK_EX | LOCK_NB) == 0);
	OK(close(fd));
	CLAIM(semctl(out_sem, 0, GETVAL) == 1);
	/* On Linux, too, a thread that execs has lost its number when its list is read. */
	CLAIM((sh->lock.word & OWNER_DIED) != 0 || (by_thread && execs()));
}

/* The ends of the dead one are closed. */
static void
look_at_ends(void)
{
	static char b[PAGE];
	union {
		char text[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} c;
	struct iovec v = { b, sizeof(b) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fds[2];

	OK(close(OUT_PIPE));
	OK(close(OUT_SOCK));
	while (OK(read(out_pipe, b, sizeof(b))) > 0)
		continue;
	while (recvmsg(out_sock, &m, 0) > 0 && m.msg_controllen > 0) {
		memcpy(fds, CMSG_DATA(&c.head), sizeof(fds));
		OK(close(fds[0]));
		OK(close(fds[1]));
		m.msg_controllen = sizeof(c);
	}
	CLAIM((poll_now(out_sock) & POLLHUP) != 0);
}

static void
look_at_end(pid_t pid, int status)
{
	struct timespec none = { 0, 0 };
	siginfo_t si;
	sigset_t s;
	int wanted = now_end == KILL || now_end == STOP ? SIGKILL :
	    now_end == EXIT ? 7 << 8 : 42 << 8;
	/* Where memory is refused a program may be killed, or get a signal, as it begins. */
	bool refused = no_memory && (now_end == EXEC || execs());

	if (status != wanted && !(execs() && status == 42 << 8) && !refused) {
		name_case();
		FAIL("status %#x", status);
	}
	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	CLAIM(sigtimedwait(&s, &si, &none) == SIGCHLD);
	CLAIM(si.si_pid == pid || now_end == STOP || now_act != NULL || no_memory);
	CLAIM(sigtimedwait(&s, &si, &none) == -1 || now_act != NULL);
}

static long without[256]; /* the answers without a stop; 0: not known yet */

static int
number(void)
{
	return now_act == NULL ? (int)(now_call - calls) : CALLS + (int)(now_act - acts);
}

static void
look_at_answer(void)
{
	long *wanted = &without[number()];

	if (!sh->ended)
		sh->answer = NEVER;
	if (now_place == MOST_PLACES)
		*wanted = sh->answer;
	else if (sh->answer != *wanted &&
	    !(now_act != NULL && now_act->at_stop == sh->answer)) {
		name_case();
		printf("the call answers %ld, else %ld\n", sh->answer, *wanted);
		failed = true;
	}
}

/* Woken by what it waits for, and left alone until the call has ended. */
static void
let_end(int state_fd)
{
	bool woken = now_act == NULL || now_act->wake == NULL;
	int asleep = 0;

	for (long i = 0; !sh->ended && i < 20000 && asleep < 50; i++) {
		char s = state_of_caller(state_fd);

		asleep = s == 'S' ? asleep + 1 : 0;
		if (asleep > 2 && !woken) {
			now_act->wake();
			woken = true;
			asleep = 0;
		}
		if (asleep > 3)
			sleep_ms(1);
		else
			sched_yield();
	}
}

static void
on_alarm(int signo)
{
	(void)signo;
	name_case();
	FAIL("it hangs, for %ld ms", (long)((now_ns() - began) / 1000000));
}

/* Its status; of a thread that we have come to trace first. */
static int
reaped(pid_t pid)
{
	int status;

	if (now_act == NULL || now_act->call != call_traceme)
		return reap(pid);
	while (OK(waitpid(pid, &status, WNOHANG)) == 0) {
		(void)waitpid(sh->tid, NULL, WNOHANG);
		sleep_ms(1);
	}
	return status;
}

/* One end.  Returns: the place was reached before the call had ended. */
static bool
one_end(void)
{
	struct timespec none = { 0, 0 };
	char path[64];
	int status, state_fd = -1;
	sigset_t chld;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	make_outside();
	began = now_ns();
	alarm(60);
	pid = OK(fork());
	if (pid == 0)
		process();
	if (now_end == KILL || now_end == STOP) {
		while (sh->turn != 2)
			sched_yield();
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, sh->tid);
		state_fd = open(path, O_RDONLY); /* none, if it execs */
		if (now_end == KILL || now_place != MOST_PLACES) {
			wait_for_place(state_fd);
			end_by(now_end);
		}
	}
	if (now_end == STOP) {
		let_end(state_fd);
		look_at_answer();
		end_by(KILL);
	}
	if (state_fd >= 0)
		OK(close(state_fd));
	status = reaped(pid);
	look_at_end(pid, status);
	if (now_act != NULL && now_act->judge != NULL)
		now_act->judge();
	while (waitpid(-1, &status, 0) > 0)
		CLAIM(status != 77 << 8);
	(void)sigtimedwait(&chld, NULL, &none);
	EQ(proc_write(on_vadose() ? "/proc/vm/inject" : "/dev/null", "off"), 0);
	look_at_locks();
	look_at_ends();
	remove_outside();
	alarm(0);
	return sh->acted && sh->hit;
}

static void
choose(int i)
{
	now_call = i < CALLS ? &calls[i] : NULL;
	now_act = i < CALLS ? NULL : &acts[i - CALLS];
}

static bool
is_left_out(int i)
{
	return i < CALLS ? calls[i].nr == FORK :
	    now_end == STOP && acts[i - CALLS].at_stop == NO_STOP;
}

static void
say_leak(void)
{
	char text[2000];
	int fd = OK(open("/proc/vm/check", O_RDONLY));
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	name_case();
	printf("\n%s\n", text);
	fflush(stdout);
	failed = true;
}

static void
look_for_leaks(void)
{
	if (!is_mine_to_check())
		return;
	sync();
	if (proc_write("/proc/vm/check", "diff") != 0)
		say_leak();
}

/*
 * One end after the other, by a process of its own: its own pages are none that are left.
 * Returns: at which place the call was over.
 */
static long
ends_from(long from, long to)
{
	int status;
	pid_t pid = OK(fork());

	if (pid == 0) {
		failed = false;
		OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
		if (now_end == STOP) {
			now_place = MOST_PLACES;
			(void)one_end();
		}
		for (now_place = from; now_place <= to && !failed; now_place++)
			if (!one_end())
				break;
		sh->place = now_place;
		fflush(stdout);
		_exit(failed ? 3 : 0);
	}
	status = reap(pid);
	if (status != 0 && status != 3 << 8)
		_exit(1);
	failed |= status != 0;
	return now_place = sh->place;
}

/* All places.  Returns: how many. */
static long
all_places(int i, long from, long to)
{
	choose(i);
	(void)ends_from(1, 1);
	(void)ends_from(MOST_PLACES, MOST_PLACES);
	if (on_vadose()) /* there all disks are ours, and what they do later ends now */
		sync();
	leak_mark();
	(void)ends_from(from, on_vadose() ? to : TRIES_ON_LINUX);
	look_for_leaks();
	return now_place;
}

static void
by_chance(long n, uint64_t seed)
{
	for (long i = 0; i < n; i++) {
		int which;

		do {
			which = (int)(rnd(&seed) % (CALLS + ACTS));
			now_end = (enum end)(rnd(&seed) % ENDS);
		} while (is_left_out(which));
		choose(which);
		by_thread = rnd(&seed) % 2;
		no_memory = now_end != STOP && rnd(&seed) % 4 == 0;
		now_place = 1 + (long)(rnd(&seed) % 4 == 0 ? rnd(&seed) % 200 : rnd(&seed) % 40);
		(void)ends_from(now_place, now_place);
		if (i == n / 10)
			leak_mark();
	}
	look_for_leaks();
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	const char *only = argc > 5 ? argv[5] : "";
	sigset_t s;

	if (argc > 1 && strcmp(argv[1], "tiny") == 0)
		return 42;
	if (argc > 3)
		world_folder = argv[3];
	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &s, NULL));
	signal(SIGALRM, on_alarm);
	sh = (struct shared *)pages_shared(1);
	home = (struct world *)pages_shared(1);
	enter_tmp();
	if (argc > 3) {
		by_thread = strlen(only) > 4 && strchr(only + 4, 't') != NULL;
		no_memory = strlen(only) > 4 && strchr(only + 4, 'm') != NULL;
		for (int i = 0; i < CALLS + ACTS; i++)
			for (now_end = KILL; now_end < ENDS; now_end++) {
				if ((argc > 4 && strcmp(argv[4], "-") != 0 &&
				    strcmp(name_of(i), argv[4]) != 0) || is_left_out(i) ||
				    strncmp(only, end_names[now_end], only[0] ? 4 : 0) != 0)
					continue;
				printf("%s %s: ", name_of(i), end_names[now_end]);
				fflush(stdout);
				printf("%ld places\n", all_places(i, argc > 6 ? atol(argv[6]) : 1,
				    argc > 7 ? atol(argv[7]) : MOST_PLACES - 1));
				fflush(stdout);
			}
	} else {
		by_chance(argc > 1 ? atol(argv[1]) : 60, seed);
	}
	leave_tmp();
	return failed ? 1 : test_done();
}
