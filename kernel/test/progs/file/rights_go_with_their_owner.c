/* NEEDS: MEM=64M CPUS=2 TIMEOUT=60 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A chown takes set-id bits, and the right to set them, at once: who owned the file
 * until then never leaves one behind, and nobody runs it as its new owner.
 */
#include "lib/host.h"

#define OWNER 1000
#define OTHER 2000

static volatile int *over;     /* shared */

static void
become(uid_t uid)
{
	OK(setgid(uid));
	OK(setuid(uid));
}

/* The owner sets the bit whenever he may. */
static pid_t
owner_at_work(int fd)
{
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	become(OWNER);
	while (!*over)
		if (fchmod(fd, 04755) != 0)
			EQ(errno, EPERM);
	_exit(0);
}

static void
bits_do_not_stay(int fd)
{
	pid_t pid = owner_at_work(fd);
	struct stat st;

	for (long i = rounds(20000); i > 0; i--) {
		OK(fchown(fd, OWNER, -1));
		OK(fchown(fd, 0, -1));
		OK(fstat(fd, &st));
		EQ(st.st_mode & 07777, 0755);
	}
	*over = 1;
	REAP(pid, 0);
}

/* Somebody else runs it, again and again.  Was he ever root? */
static int
other_at_work(void)
{
	int status = 0;
	pid_t pid;

	become(OTHER);
	for (long i = rounds(1500); i > 0 && status == 0; i--) {
		pid = OK(fork());
		if (pid == 0) {
			execl("f", "f", "who", NULL);
			_exit(9);
		}
		status = reap(pid);
	}
	*over = 1;
	return status >> 8;
}

/* Meanwhile it belongs to the one and to the other. */
static void
nobody_is_root(int fd)
{
	pid_t pid;

	*over = 0;
	pid = OK(fork());
	if (pid == 0)
		_exit(other_at_work());
	while (!*over) {
		OK(fchown(fd, OWNER, -1));
		OK(fchmod(fd, 04755));
		OK(fchown(fd, 0, -1));
	}
	REAP(pid, 0);
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc > 1 && strcmp(argv[1], "who") == 0)
		return geteuid() == 0;
	if (getuid() != 0)
		return 0;
	over = (int *)pages_shared(1);
	enter_tmp();
	copy_self("f");
	fd = OK(open("f", O_RDONLY));
	bits_do_not_stay(fd);
	if (!tmp_forbids(ST_NOEXEC))
		nobody_is_root(fd);
	OK(close(fd));
	OK(unlink("f"));
	leave_tmp();
	return test_done();
}
