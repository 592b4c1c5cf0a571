/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process that becomes another by a set-id program, or by setuid(), is out
 * of reach for who started it: what he opened in its /proc before tells him
 * nothing of it, and prlimit, get_robust_list and niceness are EPERM.
 */
#include "lib/host.h"
#include <sys/prctl.h>

#define USER 1000
#define OTHER 2000
#define TEXT_MAX 65536

static const char *const memory[] = { "maps", "smaps", "environ", "auxv",
	"vadtree", "vmstat", "ws", "fmo" };
#define MEMORY (sizeof(memory) / sizeof(memory[0]))
static const char *const links[] = { "exe", "cwd", "root", "fd/0" };

static char program[64]; /* this one, set-uid, and set-gid */
static char before[MEMORY][TEXT_MAX], text[TEXT_MAX];
static long before_len[MEMORY];
static int fd[MEMORY], pagemap, dir, fds;

static void
become(int id)
{
	OK(syscall(SYS_setgroups, 0, NULL));
	OK(setresgid(id, id, id));
	OK(setresuid(id, id, id));
}

static long
read_all(int file, char *buf)
{
	long n, len = 0;

	while (len < TEXT_MAX &&
	       (n = OK(pread(file, buf + len, TEXT_MAX - len, len))) > 0)
		len += n;
	return len;
}

static const char *
path_of(pid_t pid, const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return path;
}

static void
open_all(pid_t pid)
{
	for (size_t i = 0; i < MEMORY; i++) {
		fd[i] = open(path_of(pid, memory[i]), O_RDONLY);
		if (fd[i] < 0 && !on_vadose())
			continue; /* a file of ours */
		OK(fd[i]);
		before_len[i] = read_all(fd[i], before[i]);
		CHECK(before_len[i] > 0);
		OK(close(fd[i]));
		fd[i] = OK(open(path_of(pid, memory[i]), O_RDONLY));
	}
	pagemap = OK(open(path_of(pid, "pagemap"), O_RDONLY));
	dir = OK(open(path_of(pid, ""), O_RDONLY | O_DIRECTORY));
	fds = OK(open(path_of(pid, "fd"), O_RDONLY | O_DIRECTORY));
}

/* Nothing, or what the program had that is no more. */
static void
tell_nothing(pid_t pid)
{
	uint64_t word;
	char link[16];
	long n;

	for (size_t i = 0; i < MEMORY; i++) {
		if (fd[i] < 0)
			continue;
		n = read_all(fd[i], text);
		CHECK(n == 0 ||
		      (n == before_len[i] && memcmp(text, before[i], n) == 0));
		OK(close(fd[i]));
		ERR(open(path_of(pid, memory[i]), O_RDONLY), EACCES);
		ERR(openat(dir, memory[i], O_RDONLY), EACCES);
	}
	EQ(pread(pagemap, &word, 8, 0x400 * 8), 0);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		ERR(readlinkat(dir, links[i], link, sizeof(link)), EACCES);
		ERR(openat(dir, links[i], O_RDONLY), EACCES);
	}
	ERR(readlinkat(fds, "0", link, sizeof(link)), EACCES);
	ERR(openat(fds, "0", O_RDONLY), EACCES);
	OK(close(pagemap));
	OK(close(dir));
	OK(close(fds));
}

/* Of /proc/PID/stat: where its code, data, stack, strings lie. */
static void
stat_has_no_address(pid_t pid)
{
	int file = OK(open(path_of(pid, "stat"), O_RDONLY));
	char *s = text;
	unsigned long v;

	text[read_all(file, text)] = '\0';
	OK(close(file));
	s = strrchr(s, ')') + 4;
	for (int field = 4; field <= 51; field++) {
		v = strtoul(s, &s, 10);
		if ((field >= 26 && field <= 30) ||
		    (field >= 45 && field <= 51))
			LE(v, 1);
	}
}

static void
calls_are_refused(pid_t pid)
{
	struct rlimit rl = { 7, 7 };
	void *head;
	size_t len;

	ERR(prlimit(pid, RLIMIT_NOFILE, NULL, &rl), EPERM);
	ERR(prlimit(pid, RLIMIT_NOFILE, &rl, NULL), EPERM);
	ERR(syscall(SYS_get_robust_list, pid, &head, &len), EPERM);
}

/* A child that waits, does what it is told when the byte comes, and waits. */
static pid_t
actor(int uid, void (*act)(void), int *go, int *done)
{
	int to[2], from[2];
	pid_t pid;
	char c;

	OK(pipe(to));
	OK(pipe(from));
	pid = OK(fork());
	if (pid != 0) {
		OK(close(to[0]));
		OK(close(from[1]));
		*go = to[1];
		*done = from[0];
		EQ(read(*done, &c, 1), 1);
		return pid;
	}
	OK(close(to[1]));
	OK(close(from[0]));
	become(uid);
	OK(prctl(PR_SET_DUMPABLE, 1));
	OK(dup2(to[0], 0));
	OK(dup2(from[1], 1));
	EQ(write(1, "r", 1), 1);
	EQ(read(0, &c, 1), 1);
	act();
	_exit(3);
}

/* The program that was started: it is there, and waits for its end. */
static int
started(void)
{
	char c;

	EQ(write(1, "s", 1), 1);
	EQ(read(0, &c, 1), 0);
	return 0;
}

static void
exec_program(void)
{
	execl(program, program, "started", (char *)NULL);
}

/* As USER: look at the actor before, and try after. */
static void
observe(pid_t pid, int go, int done)
{
	char c;

	open_all(pid);
	EQ(write(go, "g", 1), 1);
	EQ(read(done, &c, 1), 1);
	tell_nothing(pid);
	stat_has_no_address(pid);
	calls_are_refused(pid);
}

static void
case_of(int mode)
{
	int go, done;
	pid_t pid, watcher;

	OK(chown(program, OTHER, OTHER));
	OK(chmod(program, mode));
	pid = actor(USER, exec_program, &go, &done);
	watcher = OK(fork());
	if (watcher == 0) {
		become(USER);
		observe(pid, go, done);
		_exit(0);
	}
	REAP(watcher, 0);
	OK(close(go));
	REAP(pid, 0);
	OK(close(done));
}

/* Niceness goes by the effective id: one real id in common is not enough. */
static void
tuning(void)
{
	cpu_set_t cpus;
	pid_t pid, caller;
	int ready[2];
	char c;

	OK(pipe(ready));
	pid = OK(fork());
	if (pid == 0) {
		OK(setresuid(USER, OTHER, OTHER));
		EQ(write(ready[1], "r", 1), 1);
		for (;;)
			pause();
	}
	OK(close(ready[1]));
	EQ(read(ready[0], &c, 1), 1);
	OK(close(ready[0]));
	caller = OK(fork());
	if (caller == 0) {
		CPU_ZERO(&cpus);
		CPU_SET(0, &cpus);
		OK(setresuid(USER, 3000, 3000));
		OK(kill(pid, 0)); /* the real ids are the same */
		ERR(setpriority(PRIO_PROCESS, pid, 19), EPERM);
		ERR(sched_setaffinity(pid, sizeof(cpus), &cpus), EPERM);
		_exit(0);
	}
	REAP(caller, 0);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
}

/* Who changes its effective id is not looked at, but looks at itself. */
static void
change_of_user(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		EQ(dup2(OK(open("/dev/null", O_RDONLY)), 95), 95);
		OK(setresuid(USER, USER, USER));
		/* On Linux it is fs.suid_dumpable. */
		CHECK(prctl(PR_GET_DUMPABLE) != 1);
		EQ(on_vadose() ? prctl(PR_GET_DUMPABLE) : 0, 0);
		OK(close(OK(open("/proc/self/fd/95", O_RDONLY))));
		OK(close(OK(open("/proc/self/fd", O_RDONLY | O_DIRECTORY))));
		OK(close(OK(open("/proc/self/maps", O_RDONLY))));
		ERR(open("/proc/self/environ", O_RDONLY), EACCES);
		OK(prctl(PR_SET_DUMPABLE, 1));
		OK(close(OK(open("/proc/self/environ", O_RDONLY))));
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "started") == 0)
		return started();
	if (getuid() != 0)
		return 0;
	mkdir("/tmp", 0777);
	snprintf(program, sizeof(program), "/tmp/setid.%d", (int)getpid());
	copy_self(program);
	if (!tmp_forbids(ST_NOSUID | ST_NOEXEC)) {
		case_of(04755);
		case_of(02755);
	}
	change_of_user();
	tuning();
	OK(unlink(program));
	return test_done();
}
