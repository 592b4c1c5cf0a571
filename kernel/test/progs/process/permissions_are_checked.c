/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * What another user may not do: open, search, remove, chmod, chown; what a
 * write and a chown take away; where a new file's group comes from.
 */
#include "lib/test.h"

#define USER 1000

static void
as_user(void)
{
	struct stat st;
	int fd;

	OK(syscall(SYS_setgroups, 0, NULL));
	OK(setresgid(USER, USER, USER));
	OK(setresuid(USER, USER, USER));
	ERR(open("secret", O_RDONLY), EACCES);
	ERR(open("readable", O_RDWR), EACCES);
	OK(close(open("readable", O_RDONLY)));
	ERR(open("readable", O_RDONLY | O_TRUNC), EACCES);
	ERR(open("closed/in", O_RDONLY), EACCES);
	ERR(open("new", O_WRONLY | O_CREAT, 0644), EACCES);
	ERR(mkdir("new", 0755), EACCES);
	ERR(unlink("readable"), EACCES);
	ERR(rename("readable", "other"), EACCES);
	ERR(access("secret", R_OK), EACCES);
	OK(access("secret", F_OK));
	ERR(access("readable", W_OK | R_OK), EACCES);
	ERR(chmod("readable", 0777), EPERM);
	ERR(chown("readable", USER, -1), EPERM);
	ERR(truncate("readable", 0), EACCES);
	ERR(utimensat(AT_FDCWD, "readable", NULL, 0), EACCES);
	ERR(execl("readable", "x", NULL), EACCES);
	ERR(unlink("sticky/root"), EPERM);
	fd = OK(open("sticky/mine", O_WRONLY | O_CREAT, 04755));
	ERR(rename("sticky/root", "sticky/mine"), EPERM);
	OK(fstat(fd, &st));
	EQ(st.st_uid, USER);
	EQ(st.st_mode & 07777, 04755);
	EQ(write(fd, "x", 1), 1); /* takes the set-user-id bit away */
	OK(fstat(fd, &st));
	EQ(st.st_mode & 07777, 0755);
	OK(fchmod(fd, 0600));
	ERR(fchown(fd, 0, -1), EPERM);
	OK(fchown(fd, -1, USER));
	ERR(chown("theirs", -1, 78), EPERM);
	OK(chown("theirs", USER, 77)); /* as it is */
	ERR(mknod("sticky/dev", S_IFCHR | 0600, 0x103), EPERM);
	OK(mkfifo("sticky/fifo", 0600));
	EQ(unlink("sticky/mine") | unlink("sticky/fifo"), 0);
	/* Where all may make names O_CREAT takes no other user's socket. */
	ERR(open("sticky/its", O_WRONLY | O_CREAT, 0600), EACCES);
	ERR(open("sticky/its", O_WRONLY), ENXIO);
	ERR(open("sticky/roots", O_WRONLY | O_CREAT, 0600), ENXIO);
	ERR(chroot("."), EPERM);
	_exit(0);
}

static void
modes(void)
{
	struct stat st;
	int fd;

	umask(027);
	fd = OK(open("masked", O_WRONLY | O_CREAT, 0666));
	OK(fstat(fd, &st));
	EQ(st.st_mode & 07777, 0640);
	OK(fchmod(fd, 06755));
	OK(fchown(fd, 5, 6));
	OK(fstat(fd, &st));
	EQ(st.st_mode & 07777, 0755);
	EQ(st.st_uid * 10 + st.st_gid, 56);
	OK(close(fd));
	umask(0);
	OK(mkdir("group", 0777));
	OK(chown("group", -1, 77));
	OK(chmod("group", 02777));
	OK(mkdir("group/sub", 0755));
	OK(stat("group/sub", &st));
	EQ(st.st_gid, 77);
	EQ(st.st_mode & 07777, 02755);
	EQ(unlink("masked") | rmdir("group/sub") | rmdir("group"), 0);
}

int
main(void)
{
	pid_t pid;

	enter_tmp();
	OK(chmod(".", 0755));
	make_file("secret", "s", 1, 0600);
	make_file("readable", "r", 1, 0644);
	OK(mkdir("closed", 0700));
	make_file("closed/in", "i", 1, 0666);
	OK(mkdir("sticky", 0777));
	OK(chmod("sticky", 01777));
	make_file("sticky/root", "", 0, 0666);
	OK(mknod("sticky/its", S_IFSOCK | 0666, 0));
	OK(mknod("sticky/roots", S_IFSOCK | 0666, 0));
	OK(chmod("sticky/its", 0666) | chmod("sticky/roots", 0666));
	OK(chown("sticky/its", USER + 1, -1));
	make_file("theirs", "", 0, 0644);
	OK(chown("theirs", USER, 77));
	modes();
	pid = OK(fork());
	if (pid == 0)
		as_user();
	REAP(pid, 0);
	EQ(unlink("secret") | unlink("readable") | unlink("closed/in"), 0);
	OK(unlink("theirs") | unlink("sticky/its") | unlink("sticky/roots"));
	EQ(rmdir("closed") | unlink("sticky/root") | rmdir("sticky"), 0);
	leave_tmp();
	return test_done();
}
