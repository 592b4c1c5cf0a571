/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * /proc/PID of another user's process: its memory, places and files are for
 * who has all its ids and for root; nobody else, once it is not dumpable.  So are
 * addresses that files of this kernel alone tell.
 */
#include "lib/test.h"

#define OWNER 1000
#define OTHER 2000

static const char *const texts[] = { "maps", "smaps", "smaps_rollup",
	"environ", "auxv", "pagemap" };
static const char *const own_texts[] = { "vadtree", "vmstat", "ws", "fmo" };
static const char *const links[] = { "exe", "cwd", "root" };
static const char *const open_to_all[] = { "stat", "statm", "status",
	"cmdline", "comm", "limits" };

#define FOR_ALL(i, names)                                                      \
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)

static void
become(int id)
{
	OK(syscall(SYS_setgroups, 0, NULL));
	OK(setresgid(id, id, id));
	OK(setresuid(id, id, id));
}

static const char *
path_of(pid_t pid, const char *name)
{
	static char path[320];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return path;
}

static void
sees_all(pid_t pid)
{
	char buf[256];

	FOR_ALL(i, texts)
		OK(close(OK(open(path_of(pid, texts[i]), O_RDONLY))));
	if (on_vadose())
		FOR_ALL(i, own_texts)
			OK(close(OK(open(path_of(pid, own_texts[i]), O_RDONLY))));
	FOR_ALL(i, links)
		CHECK(readlink(path_of(pid, links[i]), buf, sizeof(buf)) > 0);
	OK(close(OK(open(path_of(pid, "fd"), O_RDONLY | O_DIRECTORY))));
	CHECK(readlink(path_of(pid, "fd/95"), buf, sizeof(buf)) > 0);
	OK(close(OK(open(path_of(pid, "fd/95"), O_RDONLY))));
}

static void
sees_nothing(pid_t pid)
{
	char buf[256];

	FOR_ALL(i, texts)
		ERR(open(path_of(pid, texts[i]), O_RDONLY), EACCES);
	if (on_vadose()) {
		FOR_ALL(i, own_texts)
			ERR(open(path_of(pid, own_texts[i]), O_RDONLY), EACCES);
		/* Each forked object's place in its processes. */
		ERR(open("/proc/vm/fmo", O_RDONLY), EACCES);
	}
	FOR_ALL(i, links)
		ERR(readlink(path_of(pid, links[i]), buf, sizeof(buf)), EACCES);
	ERR(open(path_of(pid, "cwd"), O_RDONLY), EACCES);
	ERR(chdir(path_of(pid, "root")), EACCES);
	ERR(open(path_of(pid, "fd"), O_RDONLY | O_DIRECTORY), EACCES);
	ERR(readlink(path_of(pid, "fd/95"), buf, sizeof(buf)), EACCES);
	snprintf(buf, sizeof(buf), "task/%d/maps", pid);
	ERR(open(path_of(pid, buf), O_RDONLY), EACCES);
	FOR_ALL(i, open_to_all)
		OK(close(OK(open(path_of(pid, open_to_all[i]), O_RDONLY))));
}

/* In a container root sees it only where it may trace it. */
static void
root_sees_all(pid_t pid)
{
	int fd = open(path_of(pid, "maps"), O_RDONLY);

	if (fd < 0 && errno == EACCES && !on_vadose())
		return;
	OK(close(OK(fd)));
	sees_all(pid);
}

static int
owner(pid_t pid, const char *name)
{
	struct stat st;

	OK(lstat(path_of(pid, name), &st));
	EQ(st.st_gid, st.st_uid);
	return (int)st.st_uid;
}

/* By the owner of the directory ps tells whose the process is. */
static void
belongs(pid_t pid, int files)
{
	EQ(owner(pid, ""), OWNER);
	EQ(owner(pid, "task"), OWNER);
	EQ(owner(pid, "fdinfo"), OWNER);
	EQ(owner(pid, "fd"), files);
	EQ(owner(pid, "stat"), files);
	EQ(owner(pid, "maps"), files);
}

static void
ends(pid_t pid)
{
	siginfo_t si;

	OK(kill(pid, SIGKILL));
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	belongs(pid, 0);
	REAP_SIGNAL(pid, SIGKILL);
}

/* A process of OWNER that sleeps and has an open file 95. */
static pid_t
looked_at(int dumpable)
{
	int ready[2];
	pid_t pid;
	char c;

	OK(pipe(ready));
	pid = OK(fork());
	if (pid == 0) {
		become(OWNER);
		OK(prctl(PR_SET_DUMPABLE, dumpable));
		EQ(dup2(OK(open("/dev/null", O_RDONLY)), 95), 95);
		EQ(write(ready[1], "x", 1), 1);
		for (;;)
			pause();
	}
	EQ(read(ready[0], &c, 1), 1);
	OK(close(ready[0]));
	OK(close(ready[1]));
	return pid;
}

static void
look_as(int id, pid_t pid, void (*look)(pid_t))
{
	pid_t child = OK(fork());

	if (child == 0) {
		become(id);
		look(pid);
		_exit(0);
	}
	REAP(child, 0);
}

int
main(void)
{
	pid_t pid;

	if (geteuid() != 0)
		return test_done();
	pid = looked_at(1);
	root_sees_all(pid);
	look_as(OWNER, pid, sees_all);
	look_as(OTHER, pid, sees_nothing);
	belongs(pid, OWNER);
	ends(pid);
	pid = looked_at(0);
	root_sees_all(pid);
	look_as(OWNER, pid, sees_nothing);
	belongs(pid, 0);
	ends(pid);
	return test_done();
}
