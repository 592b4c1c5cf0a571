/* NEEDS: MEM=48M CPUS=2 TIMEOUT=120 SHORT=short SWEEP=no TURN=3 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Whatever a user makes the kernel keep, and as much of it as it gives, root
 * can start programs meanwhile and remove files; and when the user is gone all
 * is as before.
 */
#include "lib/host.h"
#include "lib/takers.h"

#include <dirent.h>
#include <sys/file.h>

#define HELPERS 24      /* processes of one attack, at most */

static char program[64], place[64];
static volatile int *done; /* told without memory of the kernel: a word */

/* ---- what a user can do; each goes on until it is refused ---- */

static char *
long_name(long i)
{
	static char name[256];
	int n = snprintf(name, 40, "%d.%ld", (int)getpid(), i);

	memset(name + n, 'n', 255 - n);
	return name;
}

static void
symlinks(void)
{
	static char text[4001];

	memset(text, 't', 4000);
	for (long i = 0; taker_more(i) && symlink(text, long_name(i)) == 0; i++)
		continue;
}

static void
hard_links(void)
{
	char first[256];

	memcpy(first, long_name(-1), sizeof(first));
	OK(close(OK(open(first, O_WRONLY | O_CREAT, 0600))));
	for (long i = 0; taker_more(i) && link(first, long_name(i)) == 0; i++)
		continue;
}

static void
directories(void)
{
	for (long i = 0; taker_more(i) && mkdir(long_name(i), 0700) == 0; i++)
		continue;
}

static void
empty_files(void)
{
	int fd = 0;

	for (long i = 0; taker_more(i) && fd >= 0; i++) {
		fd = open(long_name(i), O_WRONLY | O_CREAT, 0600);
		if (fd >= 0)
			close(fd);
	}
}

static void
bytes_by_write(void)
{
	int fd = OK(open(long_name(0), O_WRONLY | O_CREAT, 0600));

	for (long i = 0; taker_more(i) && write(fd, taker_block, sizeof(taker_block)) > 0; i++)
		continue;
}

static void
record_locks(void)
{
	int fd = OK(open(long_name(0), O_RDWR | O_CREAT, 0600));
	struct flock l = { .l_type = F_WRLCK, .l_len = 1 };

	/* From the end, so that a list is short to where the new one goes. */
	for (long i = 0; taker_more(i) && i < 3000; i++) {
		l.l_start = 1000000 - 2 * i;
		if (fcntl(fd, F_SETLK, &l) != 0)
			break;
	}
}

static void
many_mappings(void)
{
	long n = taker_few != 0 ? taker_few : 20000;
	char *p = mmap(NULL, n * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return;
	for (long i = 0; i < n; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ) != 0)
			break;
}

static void
texts_of_proc(void)
{
	long n = taker_few != 0 ? taker_few : 4000;
	char c, *p = mmap(NULL, n * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int fd = 0;

	for (long i = 0; i < n && p != MAP_FAILED; i += 2)
		(void)mprotect(p + i * PAGE, PAGE, PROT_READ);
	for (long i = 0; taker_more(i) && fd >= 0; i++) {
		fd = open("/proc/self/maps", O_RDONLY);
		if (fd >= 0 && read(fd, &c, 1) < 0)
			break;
	}
}

static void
shared_objects(void)
{
	for (long i = 0; taker_more(i); i++)
		if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS,
		        -1, 0) == MAP_FAILED)
			break;
}

static void
memfds(void)
{
	for (long i = 0; taker_more(i); i++) {
		int fd = memfd_create("m", 0);

		if (fd < 0 || ftruncate(fd, PAGE) < 0)
			break;
		if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
			break;
		close(fd);
	}
}

/* Children that each do the same and stay. */
static void
children_that(void (*act)(void))
{
	for (long i = 0; taker_more(10 * i); i++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			act();
		while (pid == 0)
			pause();
	}
}

static void
signals_of_children(void)
{
	children_that(signals);
}

static void
children(void)
{
	children_that(nothing);
}

static void
threads_of_children(void)
{
	children_that(threads);
}

/* Each piece of a mapped file has something that is no page of the process. */
static void
file_mappings(void)
{
	long n = taker_few != 0 ? taker_few : 60000;
	int fd = OK(open(long_name(0), O_RDWR | O_CREAT, 0600));
	char *p;

	OK(ftruncate(fd, n * PAGE));
	p = mmap(NULL, n * PAGE, PROT_NONE, MAP_SHARED, fd, 0);
	for (long i = 0; i < n && p != MAP_FAILED; i += 2)
		if (mprotect(p + i * PAGE, PAGE, PROT_READ) != 0)
			break;
}

static void
lock_memory(void)
{
	struct rlimit lim;

	OK(getrlimit(RLIMIT_MEMLOCK, &lim));
	if (lim.rlim_cur > 4 * MIB)
		lim.rlim_cur = 4 * MIB;
	void *p = mmap(NULL, lim.rlim_cur, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		(void)mlock(p, lim.rlim_cur);
}

static void
locked_by_children(void)
{
	children_that(lock_memory);
}

static void
locks_of_many_files(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_len = 1 };

	for (long i = 0; taker_more(i); i++) {
		int fd = open(long_name(i), O_RDWR | O_CREAT, 0600);

		if (fd < 0 || flock(fd, LOCK_EX) != 0)
			break;
		for (long k = 500; k > 0; k--) {
			l.l_start = 2 * k;
			if (fcntl(fd, F_OFD_SETLK, &l) != 0)
				return;
		}
	}
}

static void
named_pipes(void)
{
	for (long i = 0; taker_more(i) && mkfifo(long_name(i), 0600) == 0; i++) {
		int fd = open(long_name(i), O_RDWR | O_NONBLOCK);

		if (fd < 0)
			break;
		while (write(fd, taker_block, sizeof(taker_block)) > 0)
			continue;
	}
}

static void
removed_files(void)
{
	for (long i = 0; taker_more(i); i++) {
		int fd = open(long_name(i), O_RDWR | O_CREAT, 0600);

		if (fd < 0)
			break;
		OK(unlink(long_name(i)));
		if (write(fd, "x", 1) != 1)
			break;
	}
}

/* A call that waits keeps what it was given. */
static void
wait_in_open(void)
{
	static char path[4000];

	for (int i = 0; i < 3900; i += 2)
		memcpy(path + i, "./", 3);
	strcat(path, "fifo");
	(void)!open(path, O_RDONLY);
}

static void
waiting_opens(void)
{
	(void)!mkfifo("fifo", 0600);
	children_that(wait_in_open);
}

static void
wait_in_poll(void)
{
	static struct pollfd p[4000];

	for (int i = 0; i < 4000; i++)
		p[i].fd = -1;
	(void)!poll(p, 4000, -1);
}

static void
waiting_polls(void)
{
	children_that(wait_in_poll);
}

/* One memory, copied again and again, and each copy written a little. */
static void
copies_of_memory(void)
{
	char *p = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		memset(p, 1, 4 * MIB);
	for (long i = 0; taker_more(i) && i < 2000; i++) {
		pid_t pid = fork();

		if (pid > 0) /* the parent stays, the child goes on */
			return;
		if (pid < 0)
			break;
		if (p != MAP_FAILED)
			p[i * PAGE % (4 * MIB)] = 2;
	}
}

static void
start_with_arguments(void)
{
	static char text[100000];

	memset(text, 'a', sizeof(text) - 1);
	execl(program, program, "sleep", text, text, text, (char *)NULL);
}

static void
arguments(void)
{
	children_that(start_with_arguments);
}

static const struct {
	const char *name;
	void (*act)(void);
	int helpers;
} attacks[] = {
	{ "symlinks", symlinks, 1 },
	{ "hard links", hard_links, 1 },
	{ "directories", directories, 1 },
	{ "empty files", empty_files, 1 },
	{ "bytes", bytes_by_write, 1 },
	{ "pipes", pipes, 4 },
	{ "record locks", record_locks, 2 },
	{ "mappings", many_mappings, 3 },
	{ "texts of /proc", texts_of_proc, 1 },
	{ "shared objects", shared_objects, 2 },
	{ "memfds", memfds, 1 },
	{ "descriptors", descriptors, 6 },
	{ "private memory", private_memory, 2 },
	{ "children", children, 1 },
	{ "threads", threads, 2 },
	{ "threads of children", threads_of_children, 1 },
	{ "file mappings", file_mappings, 2 },
	{ "bytes of memfd", tmpfs_pages, 2 },
	{ "allocated memfd", tmpfs_allocated, 1 },
	{ "shared memory", shared_memory, 2 },
	{ "late memory", late_memory, 1 },
	{ "page tables", page_tables, 1 },
	{ "locked memory", locked_by_children, 2 },
	{ "pending signals", signals_of_children, 1 },
	{ "locks of files", locks_of_many_files, 2 },
	{ "named pipes", named_pipes, 2 },
	{ "removed files", removed_files, 2 },
	{ "waiting opens", waiting_opens, 1 },
	{ "waiting polls", waiting_polls, 1 },
	{ "copies of memory", copies_of_memory, 1 },
	{ "arguments", arguments, 1 },
};
#define ATTACKS (int)(sizeof(attacks) / sizeof(attacks[0]))

/* ---- what root does meanwhile ---- */

static const char *doing;

static void
root_runs(const char *when)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		FAIL("%s, %s: fork: errno %d", doing, when, errno);
	if (pid == 0) {
		execl(program, program, "started", (char *)NULL);
		_exit(errno);
	}
	status = reap(pid);
	if (status != 0)
		FAIL("%s, %s: status %#x", doing, when, status);
}

/* Remove all that the attack has left.  By another program, as rm would. */
static void
clean_up(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		FAIL("%s: no fork for cleaning up: errno %d", doing, errno);
	if (pid == 0) {
		execl(program, program, "clean", place, (char *)NULL);
		_exit(errno);
	}
	status = reap(pid);
	if (status != 0)
		FAIL("%s: cleaning up: status %#x", doing, status);
}

static int
clean(const char *path)
{
	struct dirent *e;
	DIR *d;

	OK(chdir(path));
	d = opendir(".");
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			CHECK(unlink(e->d_name) == 0 || rmdir(e->d_name) == 0);
	closedir(d);
	return 0;
}

/* A process of the user that attacks, tells, and keeps what it has got. */
static pid_t
attacker(void (*act)(void))
{
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	become(true);
	*done = 0; /* the way to it shall be there when nothing else is */
	act();
	*done = 1;
	for (;;)
		pause();
}

static void
survive(int i)
{
	pid_t pid[HELPERS];
	int status = 0;

	doing = attacks[i].name;
	for (int k = 0; k < attacks[i].helpers; k++) {
		*done = 0;
		pid[k] = attacker(attacks[i].act);
		while (*done == 0 && waitpid(pid[k], &status, WNOHANG) == 0)
			sleep_ms(5);
		if (*done == 0)
			FAIL("%s: attacker %d: status %#x", doing, k, status);
		root_runs("while it holds");
	}
	if (i < 5)
		clean_up(); /* with the user alive */
	for (int k = 0; k < attacks[i].helpers; k++) {
		OK(kill(-pid[k], SIGKILL));
		REAP_SIGNAL(pid[k], SIGKILL);
	}
	root_runs("afterwards");
	clean_up();
}

/* No word: all; "short": those that are quick; a name: that one. */
static bool
is_asked(const char *word, int i)
{
	if (word == NULL)
		return true;
	if (strcmp(word, "short") == 0)
		return attacks[i].act != tmpfs_allocated &&
		    attacks[i].act != locks_of_many_files;
	return strcmp(word, attacks[i].name) == 0;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "started") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "sleep") == 0)
		return sleeper(NULL);
	if (argc > 2 && strcmp(argv[1], "clean") == 0)
		return clean(argv[2]);
	/* Of a host it may take all processes: there only when asked for. */
	if (getuid() != 0 || (!on_vadose() && argc < 2))
		return 0;
	need_tmp_without(ST_NOEXEC);
	taker_few = on_vadose() ? 0 : 200;
	done = (volatile int *)pages_shared(1);
	*done = 0;
	mkdir("/tmp", 0777);
	snprintf(program, sizeof(program), "/tmp/room.%d", (int)getpid());
	copy_self(program);
	snprintf(place, sizeof(place), "/tmp/room.d.%d", (int)getpid());
	OK(mkdir(place, 0700));
	OK(chown(place, USER, USER));
	OK(chdir(place));
	for (int i = 0; i < ATTACKS; i++)
		if (is_asked(argc > 1 ? argv[1] : NULL, i)) {
			uint64_t begin = now_ns();

			survive(i);
			if (getenv("ROOM") != NULL)
				dprintf(1, "%6lu ms %s\n",
				    (now_ns() - begin) / 1000000,
				    attacks[i].name);
		}
	OK(chdir("/"));
	OK(rmdir(place));
	OK(unlink(program));
	return test_done();
}
