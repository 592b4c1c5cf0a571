/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 ICOUNT=1 KIND=exact */
/*
 * Each chown takes the set-id bits of a file, root's too, and one that names neither
 * id: who may not change the mode may not do that.  A directory keeps its own.
 */
#include "lib/file.h"

static int fd;

static unsigned
mode_after(unsigned mode, uid_t uid, gid_t gid)
{
	struct stat st;

	OK(fchmod(fd, mode));
	OK(fchown(fd, uid, gid));
	OK(fstat(fd, &st));
	return st.st_mode & 07777;
}

static void
as_another(void)
{
	OK(setgid(1000));
	OK(setuid(1000));
	ERR(fchown(fd, -1, -1), EPERM);
	_exit(0);
}

int
main(int argc, char **argv)
{
	char name[256];
	struct stat st;
	pid_t pid;

	file_args(argc, argv);
	fd = file_open("owned", O_RDWR | O_CREAT | O_TRUNC);
	EQ(mode_after(06755, -1, -1), 0755);
	EQ(mode_after(04755, getuid(), -1), 0755);
	EQ(mode_after(06755, -1, getgid()), 0755);
	EQ(mode_after(0644, -1, -1), 0644);
	EQ(mode_after(01644, -1, -1), 01644);
	if (getuid() == 0) {
		OK(fchmod(fd, 04755));
		pid = OK(fork());
		if (pid == 0)
			as_another();
		REAP(pid, 0);
		OK(fstat(fd, &st));
		EQ(st.st_mode & 07777, 04755);
	}
	file_unlink("owned");
	snprintf(name, sizeof(name), "%s/owned", file_folder);
	OK(mkdir(name, 0755));
	OK(chmod(name, 06755));
	OK(chown(name, -1, -1));
	OK(stat(name, &st));
	EQ(st.st_mode & 07777, 06755);
	OK(rmdir(name));
	return test_done();
}
