/* NEEDS: MEM=64M CPUS=2 TIMEOUT=100 ARGS=FI_SLAB:5:/bin/busybox:true SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A program in which one injection point fails at its first hit, then in
 * another run at its second, and so on: it may end as it likes, but it ends,
 * no invariant breaks and nothing leaks.  Then FAMILY hits of all that it has
 * started, if there are more; where it waits for ever for a child that has
 * failed, it is killed.
 *
 * Arguments: point, most, program [argument …]; most is how many hits are
 * tried, evenly spread.  make inject runs it over the test programs.
 */
#include "lib/children.h"

#define SECONDS 90  /* of one run */
#define PATIENCE 1  /* between two looks whether a child has failed */
#define FAMILY 20
#define CHECK_EVERY 16 /* failures: vm_check() */
#define DISK "/mnt" /* if there is one */
#define COPY "/inject.prog"
#define SHELL "/bin/busybox"
#define SPARE_SHELL "/t/sh" /* nobody runs this one under failures */
#define TWO_DOTS 48 /* bytes of the entries . and .. */

static char text[8192] __attribute__((aligned(8)));
static sigset_t inherited; /* the signal mask of programs */
static char *watched[64]; /* environment of programs, NULL at its end */
static bool settles;       /* do all that may be done: the same at both marks */

/* The number behind key in the line of this point. */
static long
armed_value(const char *point, const char *key)
{
	int fd = OK(open("/proc/vm/inject", O_RDONLY));
	long n = OK(read(fd, text, sizeof(text) - 1));
	char *at;

	text[n] = '\0';
	OK(close(fd));
	at = strstr(text, point);
	at = at != NULL ? strstr(at, key) : NULL;
	CHECK(at != NULL);
	return strtol(at + strlen(key), NULL, 10);
}

/* Points that threads of the kernel come to, for everybody. */
static bool
is_for_all(const char *point)
{
	return strcmp(point, "FI_SLOT") == 0 || strcmp(point, "FI_SWAPOUT") == 0 ||
	    strcmp(point, "FI_FILEOUT") == 0 || strcmp(point, "FI_TRYLOCK") == 0;
}

/* In a borrowed address space.  who: "", or "+" with all that it starts. */
static void
in_child(const char *point, const char *how, const char *who, char **argv)
{
	int null = open("/dev/null", O_RDWR);
	char spec[64];

	sigprocmask(SIG_SETMASK, &inherited, NULL);
	setpgid(0, 0);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (is_for_all(point))
		snprintf(spec, sizeof(spec), "%s:%s", point, how);
	else
		snprintf(spec, sizeof(spec), "%s:%s:%d%s", point, how,
		    (int)getpid(), who);
	if (proc_write("/proc/vm/inject", spec) == 0)
		execve(COPY, argv, watched);
	_exit(127);
}

/*
 * Not by fork(): how much of a forked object a parent keeps depends on what it
 * has touched since, and would be taken for a leak.
 */
static pid_t
start(const char *point, const char *how, const char *who, char **argv)
{
	pid_t pid = OK(vfork());

	if (pid == 0)
		in_child(point, how, who, argv);
	return pid;
}

/* Is the copy there, with all of its bytes? */
static bool
is_copied(int from, const char *copy)
{
	static char there[sizeof(text)];
	int to = open(copy, O_RDONLY);
	bool same = to >= 0;
	long n = 1;

	while (same && n > 0) {
		n = OK(read(from, text, sizeof(text)));
		same = read(to, there, n) == n && memcmp(text, there, n) == 0;
	}
	if (to >= 0)
		OK(close(to));
	return same;
}

/*
 * A page of a program itself may be lost to a failure: a copy runs, made anew
 * then.  Not each time: QEMU translates what was written once more.
 */
static void
copy_program(const char *path, const char *copy)
{
	int from = OK(open(path, O_RDONLY)), to;
	long n;

	if (!is_copied(from, copy)) {
		unlink(copy);
		OK(lseek(from, 0, SEEK_SET));
		to = OK(open(copy, O_WRONLY | O_CREAT | O_EXCL, 0755));
		while ((n = OK(read(from, text, sizeof(text)))) > 0)
			EQ(write(to, text, n), n);
		OK(close(to));
	}
	OK(close(from));
}

/* Without opendir(): what malloc() keeps would look like a leak. */
static bool
is_empty(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	long n = 0;

	if (fd < 0)
		return true;
	n = syscall(SYS_getdents64, fd, text, sizeof(text));
	OK(close(fd));
	return n <= TWO_DOTS;
}

/* An error while it is written makes a disk read-only: it is made anew. */
static void
clean_disk(void)
{
	static const char clean[] = "rm -rf " DISK "/* 2>/dev/null";
	static const char anew[] = "umount " DISK " && mke2fs /dev/sda "
	    ">/dev/null && mount -t ext2 /dev/sda " DISK;

	if (access(DISK, F_OK) != 0 || (!settles && system(clean) == 0))
		return;
	if (system(anew) != 0)
		FAIL("%s: errno %d", anew, errno);
}

/* False: no child has ended in so many milliseconds. */
static bool
child_ends(long ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	return sigtimedwait(&child, NULL, &ts) >= 0;
}

/* False: no child is left.  Who lives a while longer is killed. */
static bool
reap_one(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) == 0)
		if (!child_ends(100))
			kill_children();
	return pid > 0;
}

/* The shell has lost pages, too, if the program has run it. */
static bool
shell_does(const char *command)
{
	if (system(command) == 0)
		return true;
	if (access(SPARE_SHELL, F_OK) != 0)
		return false;
	copy_program(SPARE_SHELL, SHELL);
	return system(command) == 0;
}

/*
 * What it has left behind; the names that programs use are theirs to remove, and
 * who has changed what holds for all may have ended before changing it back.
 */
static void
clean_up(pid_t pid)
{
	/* What is mounted on what it mounted goes first. */
	static const char leftovers[] =
	    "awk '$2 ~ \"^/tmp/\" { print $2 }' /proc/mounts | sort -r | "
	    "xargs -r -n 1 umount && rm -rf /tmp/* /dev/shm/*";
	bool empty;

	EQ(proc_write("/proc/vm/inject", "off"), 0);
	kill(-pid, SIGKILL);
	while (reap_one())
		continue;
	EQ(proc_write("/proc/sys/vm/overcommit_memory", "2"), 0);
	empty = is_empty("/tmp");
	empty = is_empty("/dev/shm") && empty;
	empty = is_empty(DISK) && empty;
	if (empty && !settles)
		return;
	if (!shell_does(leftovers))
		FAIL("left behind: %s", leftovers);
	clean_disk();
}

/* True: it has ended in so many seconds. */
static bool
ends(pid_t pid, int seconds)
{
	for (int waits = 0; waits < seconds;) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		waits += !child_ends(1000);
	}
	return false;
}

/* Hits of the point in a run that it does not fail. */
static long
probe(const char *point, const char *who, char **argv)
{
	pid_t pid;
	long hits;

	copy_program(argv[0], COPY);
	pid = start(point, "1000000000:0:1", who, argv);
	if (!ends(pid, SECONDS)) {
		kill(-pid, SIGKILL);
		FAIL("%s: longer than %d s", argv[0], SECONDS);
	}
	hits = armed_value(point, "hits=");
	clean_up(pid);
	return hits;
}

/* It has been hit, and not in pid itself: that may be waiting for who failed. */
static bool
another_failed(const char *point, pid_t pid)
{
	return armed_value(point, "fired=") != 0 &&
	    armed_value(point, "last=") != pid;
}

/* True: it has ended, by itself or, a while after another has failed, killed. */
static bool
ends_with_family(const char *point, pid_t pid)
{
	bool failed = false;

	for (int i = 0; i < SECONDS; i++) {
		if (ends(pid, PATIENCE))
			return true;
		if (failed)
			OK(kill(pid, SIGKILL));
		failed = another_failed(point, pid);
	}
	return false;
}

static void
fail_once(const char *point, const char *who, long n, char **argv)
{
	char how[32];
	bool ended;
	pid_t pid;

	copy_program(argv[0], COPY);
	snprintf(how, sizeof(how), "%ld:0:1", n);
	pid = start(point, how, who, argv);
	ended = *who == '+' ? ends_with_family(point, pid) : ends(pid, SECONDS);
	if (!ended) {
		kill(-pid, SIGKILL);
		FAIL("%s, %s:%ld%s: no end", argv[0], point, n, who);
	}
	clean_up(pid);
}

/* Each hit, at most so many, evenly spread.  How many have failed. */
static long
fail_each(const char *point, const char *who, long hits, long most, char **argv)
{
	long step = hits / most + 1, tried = 0;

	for (long i = 1; i <= hits; i += step, tried++) {
		fail_once(point, who, i, argv);
		if (tried % CHECK_EVERY == 0)
			check_vm();
	}
	return tried;
}

/*
 * Some designs have a record for each page of a file that a process has come to: that
 * of a page which only a slow run needs (who has waited for long looks at its children)
 * would look like a leak.  access() because between the segments there may be nothing.
 */
static void
image_touch(void)
{
	extern const char __executable_start[], end[];

	for (const char *p = __executable_start; p < end; p += PAGE)
		(void)access(p, F_OK);
}

/* The stack as deep as any call here makes it: its pages are there. */
static __attribute__((noinline)) void
stack_touch(void)
{
	volatile char deep[32768];

	for (size_t i = 0; i < sizeof deep; i += 4096)
		deep[i] = 1;
}

/*
 * What this process itself has, and what it shares with children: the same at
 * both marks.
 */
static void
settle(const char *point, char **argv)
{
	stack_touch();
	image_touch();
	settles = true;
	for (int i = 0; i < 3; i++)
		fail_once(point, "+", 1000000000, argv);
	settles = false;
}

/*
 * Each hit of the program, then FAMILY of all that it starts, where that is more:
 * how many have failed goes to tried[0] and [1].
 */
static void
fail_all(const char *point, long most, char **argv, long *tried)
{
	long own = probe(point, "", argv), all = 0;

	if (!is_for_all(point))
		all = probe(point, "+", argv);
	tried[0] = fail_each(point, "", own, most, argv);
	if (all > own)
		tried[1] = fail_each(point, "+", all, FAMILY, argv);
}

int
main(int argc, char **argv)
{
	long most, tried[2] = { 0 };
	sigset_t child;
	char *point;

	if (!on_vadose()) {
		printf("skipped: needs /proc/vm/inject\n");
		return 0;
	}
	CHECK(argc > 3);
	watched[0] = WATCHED "=1";
	for (int i = 0; environ[i] != NULL; i++) {
		CHECK(i < 62);
		watched[i + 1] = environ[i];
	}
	point = argv[1];
	most = strtol(argv[2], NULL, 10);
	argv += 3;
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	mkdir("/tmp", 0777);
	OK(chdir("/tmp"));
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &child, &inherited));
	if (probe(point, "+", argv) == 0) {
		printf("%s %s: 0 hits\n", argv[0], point);
		return unlink(COPY);
	}
	settle(point, argv);
	leak_mark();
	fail_all(point, most, argv, tried);
	settle(point, argv);
	check_vm();
	if (proc_write("/proc/vm/check", "diff") != 0)
		FAIL("%s: one of %ld and %ld failures leaks", point, tried[0],
		    tried[1]);
	if (tried[0] + tried[1] == 0) /* only the first run came there */
		printf("%s %s: 0 hits\n", argv[0], point);
	else
		printf("%s %s: %ld failed in it, %ld in all that it starts\n",
		    argv[0], point, tried[0], tried[1]);
	return unlink(COPY);
}
