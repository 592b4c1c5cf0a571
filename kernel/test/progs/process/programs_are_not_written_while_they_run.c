/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A file that somebody can write is not run, and one that runs is not written
 * (ETXTBSY): by a descriptor, by a path, or by a mapping, shared or private,
 * that keeps the open file.  Whoever changes a file takes its set-id bits away.
 */
#include "lib/host.h"

#define USER 1000

static char program[64], script[80];

/* Run it; its status, or the errno of execve. */
static int
run(const char *path)
{
	int status;
	pid_t pid = OK(fork());

	if (pid == 0) {
		execl(path, path, "started", (char *)NULL);
		_exit(errno);
	}
	status = reap(pid);
	return WEXITSTATUS(status);
}

static char *
mapped_at(char *at, const char *path, int mode, int flags, int prot)
{
	int fd = OK(open(path, mode));
	char *p = mmap(at, PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	OK(close(fd));
	return p;
}

static char *
mapped(const char *path, int flags, int prot)
{
	return mapped_at(NULL, path, O_RDWR, flags, prot);
}

static void
writable_is_not_run(const char *path)
{
	int fd = OK(open(path, O_WRONLY));
	char *p;

	EQ(run(path), ETXTBSY);
	OK(close(fd));
	EQ(run(path), 0);
	p = mapped(path, MAP_SHARED, PROT_READ | PROT_WRITE);
	EQ(run(path), ETXTBSY);
	OK(mprotect(p, PAGE, PROT_READ));
	EQ(run(path), ETXTBSY); /* it can be made writable again */
	OK(munmap(p, PAGE));
	EQ(run(path), 0);
	p = mapped(path, MAP_SHARED, PROT_READ);
	EQ(run(path), ETXTBSY);
	p = mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	EQ(run(path), ETXTBSY);
	OK(munmap(p, 2 * PAGE));
	EQ(run(path), 0);
	fd = OK(open(path, O_RDONLY));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	EQ(run(path), 0);
	OK(close(fd));
	OK(munmap(p, PAGE));
}

/*
 * A private mapping changes nothing of the file, but it keeps the open file,
 * which can: what counts is how that was opened.
 */
static void
private_mapping_keeps_the_file(const char *path)
{
	const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	char *p, *q;

	for (int i = 0; i < 3; i++) {
		p = mapped(path, MAP_PRIVATE, prots[i]);
		EQ(run(path), ETXTBSY);
		OK(mprotect(p, PAGE, PROT_READ));
		EQ(run(path), ETXTBSY);
		OK(munmap(p, PAGE));
		EQ(run(path), 0);
	}
	p = mapped_at(NULL, path, O_RDONLY, MAP_PRIVATE, PROT_READ | PROT_WRITE);
	EQ(run(path), 0);
	OK(munmap(p, PAGE));

	/* Each of two neighbours counts for itself, in both orders. */
	p = pages_private(2);
	for (int i = 0; i < 2; i++) {
		mapped_at(p + i * PAGE, path, O_RDWR, MAP_PRIVATE | MAP_FIXED,
		    PROT_READ);
		mapped_at(p + (1 - i) * PAGE, path, O_RDONLY,
		    MAP_PRIVATE | MAP_FIXED, PROT_READ);
		EQ(run(path), ETXTBSY);
		OK(munmap(p + i * PAGE, PAGE));
		EQ(run(path), 0);
	}

	/* A piece that is left, a piece that has moved, and one replaced. */
	int fd = OK(open(path, O_RDWR));
	p = mmap(p, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	OK(close(fd));
	OK(munmap(p + PAGE, PAGE));
	OK(munmap(p, PAGE));
	EQ(run(path), ETXTBSY);
	q = mremap(p + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	CHECK(q == p);
	EQ(run(path), ETXTBSY);
	CHECK(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	    -1, 0) == p);
	EQ(run(path), 0);
	OK(munmap(p, PAGE));
}

/* A child's mapping counts when the parent's is gone. */
static void
inherited(int flags)
{
	char *p = mapped(program, flags, PROT_READ | PROT_WRITE);
	pid_t pid = OK(fork());

	while (pid == 0)
		pause();
	OK(munmap(p, PAGE));
	EQ(run(program), ETXTBSY);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	EQ(run(program), 0);
}

static void
running_is_not_written(void)
{
	int to[2], from[2], fd;
	char c;
	pid_t pid;

	OK(pipe(to));
	OK(pipe(from));
	pid = OK(fork());
	if (pid == 0) {
		OK(dup2(to[0], 0));
		OK(dup2(from[1], 1));
		OK(close(to[1]));
		execl(program, program, "wait", (char *)NULL);
		_exit(errno);
	}
	EQ(read(from[0], &c, 1), 1);
	ERR(open(program, O_WRONLY), ETXTBSY);
	ERR(open(program, O_RDWR), ETXTBSY);
	ERR(open(program, O_RDONLY | O_TRUNC), ETXTBSY);
	ERR(open(program, O_WRONLY | O_APPEND | O_CREAT, 0700), ETXTBSY);
	ERR(truncate(program, 0), ETXTBSY);
	OK(fd = open(program, O_RDONLY));
	ERR(ftruncate(fd, 0), EINVAL);
	OK(close(fd));
	OK(chmod(program, 0755));
	OK(close(to[1]));
	REAP(pid, 0);
	OK(close(OK(open(program, O_WRONLY))));
	for (int i = 0; i < 2; i++)
		OK(close(i == 0 ? to[0] : from[0]));
	OK(close(from[1]));
}

/* A program in a memfd is run by who has just written it. */
static void
memfd_is_run(void)
{
	static char block[65536];
	int from = OK(open(program, O_RDONLY)), fd;
	char path[40], *p;
	long n;

	OK(fd = memfd_create("program", 0));
	while ((n = OK(read(from, block, sizeof(block)))) > 0)
		EQ(write(fd, block, n), n);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EQ(run(path), 0);
	OK(munmap(p, PAGE));
	OK(close(fd));
	OK(close(from));
}

static int
mode_of(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_mode & 07777;
}

enum change {
	BY_WRITE,
	BY_PWRITE,
	BY_FTRUNCATE,
	BY_FALLOCATE,
	BY_KEEP_SIZE,
	BY_PUNCH,
	BY_COPY,
	BY_SENDFILE,
	BY_CHOWN,
	CHANGES
};

static void
change(enum change how, int fd)
{
	int from = OK(open("/proc/self/exe", O_RDONLY));

	switch (how) {
	case BY_WRITE:
		EQ(write(fd, "x", 1), 1);
		break;
	case BY_PWRITE:
		EQ(pwrite(fd, "x", 1, 3 * PAGE), 1);
		break;
	case BY_FTRUNCATE:
		OK(ftruncate(fd, 5));
		break;
	case BY_FALLOCATE:
		OK(fallocate(fd, 0, 0, PAGE));
		break;
	case BY_KEEP_SIZE:
		OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, PAGE));
		break;
	case BY_PUNCH:
		OK(fallocate(
		    fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, PAGE));
		break;
	case BY_COPY:
		from = OK(open(script, O_RDONLY));
		EQ(copy_file_range(from, NULL, fd, NULL, 4, 0), 4);
		break;
	case BY_SENDFILE:
		EQ(syscall(SYS_sendfile, fd, from, NULL, 10), 10);
		break;
	case BY_CHOWN:
		OK(fchown(fd, -1, USER));
		break;
	case CHANGES:
		break;
	}
	OK(close(from));
}

/* For a user the bits go; root keeps them, but for chown. */
static void
set_id_bits_go(int as)
{
	char path[80];
	int fd;

	for (int how = 0; how < CHANGES; how++) {
		snprintf(path, sizeof(path), "%s.%d", program, how);
		fd = OK(open(path, O_RDWR | O_CREAT | O_EXCL, 0700));
		OK(fchown(fd, USER, USER));
		EQ(write(fd, "12345678", 8), 8);
		OK(fchmod(fd, 06775));
		pid_t pid = OK(fork());
		if (pid == 0) {
			OK(setresgid(as, as, as));
			OK(setresuid(as, as, as));
			change(how, fd);
			_exit(0);
		}
		REAP(pid, 0);
		if (as != 0 || how == BY_CHOWN)
			EQ(mode_of(fd), 0775);
		else
			EQ(mode_of(fd), 06775);
		OK(close(fd));
		OK(unlink(path));
	}
}

int
main(int argc, char **argv)
{
	char c, text[128];

	if (argc > 1 && strcmp(argv[1], "started") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "wait") == 0) {
		EQ(write(1, "w", 1), 1);
		return (int)read(0, &c, 1);
	}
	need_tmp_without(ST_NOEXEC);
	if (argc < 2)
		mkdir("/tmp", 0777);
	snprintf(program, sizeof(program), "%s/prog.%d",
	    argc > 1 ? argv[1] : "/tmp", (int)getpid());
	snprintf(script, sizeof(script), "%s.sh", program);
	copy_self(program);
	snprintf(text, sizeof(text), "#!%s started\n", program);
	make_file(script, text, strlen(text), 0755);
	writable_is_not_run(program);
	writable_is_not_run(script);
	private_mapping_keeps_the_file(program);
	private_mapping_keeps_the_file(script);
	inherited(MAP_SHARED);
	inherited(MAP_PRIVATE);
	running_is_not_written();
	if (!memfds_are_not_run())
		memfd_is_run();
	if (getuid() == 0) {
		set_id_bits_go(USER);
		set_id_bits_go(0);
	}
	OK(unlink(program));
	OK(unlink(script));
	return test_done();
}
