/* NEEDS: MEM=48M SWAP=64M CPUS=1 TIMEOUT=300 ARGS=after-locked:pipes:private:late:locked:streams:threads:tmpfs:shm:spliced:given:mappings:traced SHORT=fmo:after-locked:pipes:late:threads SWEEP=no OWN=1 TURN=3 KIND=exact */
/*
 * Where somebody has taken all memory of a kind that cannot leave, and as much as it
 * gives, each call of others ends: it succeeds, or is refused by a number that
 * Linux has for want of memory; and who has taken it can be killed, after which all of
 * it is there again.  For root and for a user, with swap and without.
 *
 * Arguments: designs, "swap", "none", "root", "user", what was taken before, takers: of
 * each kind those that are named, or all.  FOLDER=/x: files are made there, on a disk,
 * say, whose pages nobody has paid for.  ROOM=1: says how long each took, and goes on
 * after a failure; STUCK=1: stays where it is stuck.
 */
#include "lib/design.h"
#include "lib/takers.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/swap.h>

#define HELPERS 6               /* processes of one taker, at most */
#define LIMIT_MS 20000          /* of each step, in a machine's time */
#define READ_BYTES (4 * MIB)

static char program[128], large[128], folder[64];

/* In shared memory that is locked: told without memory of the kernel. */
static volatile struct {
	int ready;              /* processes that have taken all they could */
	int turn;               /* the worker that works now */
	int answer[16];         /* of each worker: 1 + its errno, 0: not yet */
} *told;

static void
ready(void)
{
	__atomic_add_fetch(&told->ready, 1, __ATOMIC_SEQ_CST);
}

/* ---- who takes memory, and of files ---- */

static void
dirty_pages(void)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s/dirty.%d", folder, (int)getpid());
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return;
	unlink(name);
	for (int i = 0; i < 2000 && write(fd, taker_block, sizeof(taker_block)) > 0; i++)
		continue;
}

/* Pages of a file, which nobody has paid for. */
static void
locked_file(void)
{
	int fd = open(large, O_RDONLY);
	char *p;

	for (long i = 0; fd >= 0; i++) {
		p = mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, i * MIB);
		if (p == MAP_FAILED || mlock(p, MIB) != 0)
			break;
	}
}

/* The same, held by pipes. */
static void
spliced_file(void)
{
	int fd = open(large, O_RDONLY), p[2];
	loff_t at = 0;

	while (fd >= 0 && pipe2(p, O_NONBLOCK) == 0) {
		(void)fcntl(p[1], F_SETPIPE_SZ, MIB);
		while (splice(fd, &at, p[1], NULL, MIB, SPLICE_F_NONBLOCK) > 0)
			continue;
		if (at == 0 || errno == ENOMEM)
			break;
	}
}

static void
records(void)
{
	int fd = open(large, O_RDWR);
	struct flock l = { .l_type = F_RDLCK, .l_len = 1 };

	if (fd < 0)
		fd = open(large, O_RDONLY);
	for (long i = 20000; fd >= 0 && i > 0; i--) {
		l.l_start = 2 * i;
		if (fcntl(fd, F_SETLK, &l) != 0)
			break;
	}
}

static const struct taker {
	const char *name;
	void (*take)(void);
} takers[] = {
	{ "nothing", nothing },
	{ "pipes", pipes },
	{ "private", private_memory },
	{ "late", late_memory },
	{ "shared", shared_memory },
	{ "locked", locked_memory },
	{ "populated", populated_memory },
	{ "streams", streams },
	{ "datagrams", datagrams },
	{ "threads", threads },
	{ "processes", processes },
	{ "tables", page_tables },
	{ "descriptors", descriptors },
	{ "tmpfs", tmpfs_pages },
	{ "allocated", tmpfs_allocated },
	{ "shm", shm_segments },
	{ "watches", watches },
	{ "timers", timers },
	{ "signals", signals },
	{ "messages", messages },
	{ "terminals", terminals },
	{ "dirty", dirty_pages },
	{ "lockedfile", locked_file },
	{ "spliced", spliced_file },
	{ "given", given_pages },
	{ "mappings", mappings },
	{ "sent", sent_descriptors },
	{ "traced", traced },
	{ "records", records },
};
#define TAKERS (int)(sizeof(takers) / sizeof(takers[0]))

/* What has been taken before. */
static const struct taker preludes[] = {
	{ "alone", nothing },
	{ "after-locked", locked_memory },
	{ "after-private", private_memory },
	{ "after-files", locked_file },
	{ "after-spliced", spliced_file },
	{ "after-dirty", dirty_pages },
	{ "after-given", given_pages },
	{ "after-pipes", pipes },
};
#define PRELUDES (int)(sizeof(preludes) / sizeof(preludes[0]))

/* ---- workers: 0, or the errno of what was refused ---- */

static int
start_program(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0) {
		execl(program, program, "started", NULL);
		_exit(errno);
	}
	while (waitpid(pid, &status, 0) != pid)
		continue;
	if (status == SIGKILL || status == SIGBUS || status == SIGSEGV)
		return ENOMEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

static int
touch_memory(void)
{
	char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	for (int v = 1; v < 4; v++)
		for (size_t i = 0; i < MIB; i += PAGE) {
			if (p[i] != v - 1)
				return 2000;
			p[i] = v;
		}
	return munmap(p, MIB) == 0 ? 0 : errno;
}

static int
read_file(void)
{
	static char buf[16384];
	int fd = open(large, O_RDONLY);
	long n, all = 0;

	if (fd < 0)
		return errno;
	while ((n = read(fd, buf, sizeof(buf))) > 0 && all < (long)READ_BYTES)
		all += n;
	close(fd);
	return n < 0 ? errno : 0;
}

static int
write_file(void)
{
	char name[128];
	int fd, r = 0;

	snprintf(name, sizeof(name), "%s/new.%d", folder, (int)getpid());
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return errno;
	for (int i = 0; i < 4 && r == 0; i++)
		if (write(fd, taker_block, sizeof(taker_block)) < 0 || fsync(fd) < 0)
			r = errno;
	close(fd);
	if (unlink(name) < 0 && r == 0)
		r = errno;
	return r;
}

static int
ping(void)
{
	char c = 'p';
	int p[2], r = 0;

	if (pipe(p) != 0)
		return errno;
	for (int i = 0; i < 100 && r == 0; i++)
		if (write(p[1], &c, 1) != 1 || read(p[0], &c, 1) != 1)
			r = errno;
	close(p[0]);
	close(p[1]);
	return r;
}

static int
list_folder(void)
{
	struct stat st;
	DIR *d = opendir(folder);
	int n = 0;

	if (d == NULL)
		return errno;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return stat(folder, &st) == 0 ? 0 : errno;
}

static void *
no_work(void *arg)
{
	return arg;
}

static int
start_thread(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, no_work, NULL);

	return r != 0 ? r : pthread_join(t, NULL);
}

static const struct worker {
	const char *name;
	int (*work)(void);
} workers[] = {
	{ "starts a program", start_program },
	{ "touches memory", touch_memory },
	{ "reads a file", read_file },
	{ "writes a file", write_file },
	{ "talks by a pipe", ping },
	{ "lists a folder", list_folder },
	{ "starts a thread", start_thread },
};
#define WORKERS (int)(sizeof(workers) / sizeof(workers[0]))

static bool
is_refusal(int r)
{
	static const int all[] = { 0, ENOMEM, EAGAIN, ENOBUFS, ENFILE, ENOSPC,
		ENOLCK };

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (r == all[i])
			return true;
	return false;
}

/* ---- rounds ---- */

static struct {
	const char *design, *swap, *who, *prelude, *taker, *step;
	char text[200];
} at;

static const char *
where(void)
{
	snprintf(at.text, sizeof(at.text), "%s, %s, %s, %s %s: %s", at.design,
	    at.swap, at.who, at.taker, at.prelude, at.step);
	return at.text;
}

static pid_t
begin_taker(bool is_user, const struct taker *prelude, const struct taker *t)
{
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	become(is_user);
	prelude->take();
	for (int i = 0; i < HELPERS; i++) {
		pid_t child = fork();

		if (child == 0) {
			t->take();
			ready();
			for (;;)
				pause();
		}
		if (child < 0)
			break;
		/* Who ran into a limit of its own has a successor. */
		while (told->ready <= i && waitpid(child, NULL, WNOHANG) == 0)
			sleep_ms(1);
		if (told->ready <= i)
			ready();
	}
	t->take();
	__atomic_add_fetch(&told->ready, 1000, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static pid_t
begin_worker(bool is_user, int i)
{
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	become(is_user);
	while (told->turn != i)
		sleep_ms(2);
	told->answer[i] = 1 + workers[i].work();
	_exit(0);
}

/* It becomes true in bounded time, or a process ends by want of memory. */
#define WITHIN(claim, pid)                                                     \
	for (uint64_t end = now_ns() + LIMIT_MS * 1000000UL; !(claim);         \
	    sleep_ms(2))                                                       \
		if (now_ns() > end)                                            \
			stuck(pid);                                            \
		else if (pid > 0 && has_ended(pid))                            \
			break

static void __attribute__((noreturn))
stuck(pid_t pid)
{
	if (getenv("STUCK") != NULL)
		for (;;)
			pause();
	kill(-pid, SIGKILL);
	FAIL("%s: no end in %d ms", where(), LIMIT_MS);
}

static bool
has_ended(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    si.si_pid == pid;
}

/* Who was ended otherwise than by itself: by SIGKILL, or a page that was not paid. */
static void
end_of(pid_t pid)
{
	int status = 0;

	WITHIN(has_ended(pid), -1);
	status = reap(pid) & ~0x80;
	if (status != 0 && status != SIGKILL && status != SIGBUS &&
	    status != SIGSEGV)
		FAIL("%s: status %#x", where(), status);
}

static void
look_at_worker(int i)
{
	int r = told->answer[i] - 1;

	if (r >= 0 && !is_refusal(r))
		FAIL("%s: errno %d (%s)", where(), r, strerror(r));
	if (getenv("ROOM") != NULL && r != 0)
		dprintf(1, "       %s: %s\n", workers[i].name,
		    r < 0 ? "ended" : strerror(r));
}

/* A round, in a process of its own: all that it has goes with it. */
static void
round_of(bool is_user, const struct taker *prelude, const struct taker *t)
{
	pid_t worker[WORKERS], taker;

	told = (void *)pages_shared(1);
	OK(mlockall(MCL_CURRENT));
	told->turn = -1;
	for (int i = 0; i < WORKERS; i++)
		worker[i] = begin_worker(is_user, i);
	at.step = "taking";
	taker = begin_taker(is_user, prelude, t);
	WITHIN(told->ready >= 1000, taker);
	for (int i = 0; i < WORKERS; i++) {
		at.step = workers[i].name;
		told->turn = i;
		WITHIN(told->answer[i] != 0, worker[i]);
		look_at_worker(i);
		end_of(worker[i]);
	}
	at.step = "killing";
	kill(-taker, SIGKILL);
	end_of(taker);
	WITHIN(kill(-taker, 0) != 0 && errno == ESRCH, -1);
	remove_messages();
	at.step = "afterwards";
	EQ(start_program(), 0);
	EQ(touch_memory(), 0);
}

static const struct taker *
named(const struct taker *of, const char *name)
{
	while (strcmp(of->name, name) != 0)
		of++;
	return of;
}

/* program round DESIGN SWAP WHO PRELUDE TAKER */
static int
run_round(char **argv)
{
	at.design = argv[2];
	at.swap = argv[3];
	at.who = argv[4];
	at.prelude = argv[5];
	at.taker = argv[6];
	round_of(strcmp(at.who, "user") == 0, named(preludes, at.prelude),
	    named(takers, at.taker));
	return 0;
}

/* ---- which ---- */

static char **asked;
static const char *const designs[] = { "fmo", "uvm", "scalux", "shadow" };

/* No word of this kind was given, or this one. */
static bool
is_asked(const char *name, const struct taker *of, int n, const char *a, const char *b)
{
	bool any = false;

	for (char **w = asked; *w != NULL; w++) {
		bool is_kind = strcmp(*w, a) == 0 || strcmp(*w, b) == 0;

		for (int i = 0; i < n; i++)
			is_kind |= strcmp(*w, of[i].name) == 0;
		if (strcmp(*w, name) == 0)
			return true;
		any |= is_kind;
	}
	return !any;
}

static void
start_round(void)
{
	uint64_t begin = now_ns();
	pid_t pid;
	int status;

	leak_mark();
	pid = vfork();
	if (pid == 0) {
		for (int i = 0; i < 4; i++)
			if (strcmp(at.design, designs[i]) == 0)
				prctl(PR_VMM_DESIGN, i, 0, 0, 0);
		execl(program, program, "round", at.design, at.swap, at.who,
		    at.prelude, at.taker, NULL);
		_exit(127);
	}
	status = reap(OK(pid));
	if (getenv("ROOM") != NULL)
		dprintf(1, "%6lu ms %s\n", (now_ns() - begin) / 1000000, where());
	else if (status != 0)
		FAIL("%s: status %#x", where(), status);
	/* A file system keeps what it has learned. */
	if (getenv("FOLDER") == NULL)
		leak_diff();
}

static void
all_of(const char *who)
{
	at.who = who;
	if (!is_asked(who, NULL, 0, "user", "root"))
		return;
	for (int p = 0; p < PRELUDES; p++)
		for (int t = 0; t < TAKERS; t++) {
			at.prelude = preludes[p].name;
			at.taker = takers[t].name;
			if (is_asked(at.prelude, preludes, PRELUDES, "", "") &&
			    is_asked(at.taker, takers, TAKERS, "", ""))
				start_round();
		}
}

static void
all_with_swap(const char *swap)
{
	at.swap = swap;
	at.step = "round";
	if (!is_asked(swap, NULL, 0, "swap", "none"))
		return;
	for (int i = 0; i < 4; i++) {
		at.design = designs[i];
		if (!is_asked(at.design, NULL, 0, "fmo", "uvm") ||
		    !is_asked(at.design, NULL, 0, "scalux", "shadow"))
			continue;
		all_of("root");
		all_of("user");
	}
}

static bool
swap_area(char *name)
{
	static char text[1024];
	int fd = OK(open("/proc/swaps", O_RDONLY));
	ssize_t got = OK(read(fd, text, sizeof(text) - 1));
	char *line;

	OK(close(fd));
	text[got] = '\0';
	line = strchr(text, '\n');
	return line != NULL && sscanf(line, " %63s", name) == 1;
}

static void
name_files(void)
{
	const char *given = getenv("FOLDER");

	snprintf(folder, sizeof(folder), "%s", given != NULL ? given : "/tmp");
	snprintf(program, sizeof(program), "%s/gone.program", folder);
	snprintf(large, sizeof(large), "%s/gone.large", folder);
}

static void
make_large(size_t bytes)
{
	int fd = OK(open(large, O_RDWR | O_CREAT | O_TRUNC, 0644));

	for (size_t i = 0; i < bytes; i += sizeof(taker_block))
		EQ(write(fd, taker_block, sizeof(taker_block)), sizeof(taker_block));
	/* The file has locks from the first on. */
	OK(flock(fd, LOCK_EX));
	OK(close(fd));
}

int
main(int argc, char **argv)
{
	char area[64];

	if (argc > 1 && strcmp(argv[1], "started") == 0)
		return 0;
	name_files();
	if (argc > 6 && strcmp(argv[1], "round") == 0)
		return run_round(argv);
	if (!on_vadose() || getuid() != 0)
		return 0;
	asked = argv + 1;
	mkdir(folder, 0777);
	OK(chmod(folder, 0777));
	copy_self(program);
	make_large(getenv("FOLDER") != NULL ? 30 * MIB : READ_BYTES);
	if (swap_area(area)) {
		all_with_swap("swap");
		OK(swapoff(area));
	}
	all_with_swap("none");
	OK(unlink(program));
	OK(unlink(large));
	return test_done();
}
