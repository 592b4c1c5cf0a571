/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * mount(2) with MS_REMOUNT: read-only is refused while a file is open for
 * writing, be it by a mapping, and while anything is open without a name, and of the
 * refusal nobody else hears; then nothing can be changed, all can be read, and back
 * again.
 *
 * Arguments: a disk and the type of what is on it (cases/disk/remount.sh); else tmpfs.
 * Who may not mount anything says nothing.
 */
#include "lib/file.h"
#include "lib/host.h"
#include <sys/mount.h>

static char dir[64];

static const char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static int
remount(unsigned long flags)
{
	return mount("none", dir, "none", MS_REMOUNT | flags, NULL);
}

/* What has no name lies in a file system that is mounted nowhere. */
static void
no_mount_of_their_own(void)
{
	int fd[] = { (int)OK(memfd_create("m", MFD_CLOEXEC)), -1, -1 };
	char path[40];

	OK(pipe(fd + 1));
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd[i]);
		ERR(mount("none", path, NULL, MS_REMOUNT, NULL), EINVAL);
		ERR(mount("none", path, NULL, MS_REMOUNT, "size=1m"), EINVAL);
		OK(close(fd[i]));
	}
}

static bool
begin(int argc, char **argv)
{
	snprintf(dir, sizeof dir, "/tmp/remount.%d", getpid());
	OK(mkdir(dir, 0755));
	if (!own_mounts())
		return false;
	return mount(argc > 2 ? argv[1] : "none", dir,
		   argc > 2 ? argv[2] : "tmpfs", 0, NULL) == 0;
}

static void
nothing_changes(void)
{
	struct timespec t[2] = { { 5, 0 }, { 5, 0 } };
	struct stat st, after;

	ERR(open(in_dir("f"), O_WRONLY), EROFS);
	ERR(open(in_dir("f"), O_RDWR), EROFS);
	ERR(open(in_dir("f"), O_RDONLY | O_TRUNC), EROFS);
	ERR(open(in_dir("new"), O_RDWR | O_CREAT, 0600), EROFS);
	ERR(mkdir(in_dir("new"), 0700), EROFS);
	ERR(mkdir(in_dir("d"), 0700), EEXIST);
	ERR(rmdir(in_dir("d")), EROFS);
	ERR(unlink(in_dir("f")), EROFS);
	ERR(symlink("x", in_dir("new")), EROFS);
	ERR(mknod(in_dir("new"), S_IFIFO | 0600, 0), EROFS);
	ERR(truncate(in_dir("f"), 0), EROFS);
	ERR(chmod(in_dir("f"), 0600), EROFS);
	ERR(chown(in_dir("f"), 1, 1), EROFS);
	ERR(utimensat(AT_FDCWD, in_dir("f"), t, 0), EROFS);
	ERR(access(in_dir("f"), W_OK), EROFS);
	OK(access(in_dir("f"), R_OK));
	OK(stat(in_dir("f"), &st));
	EQ(st.st_size, 5);
	sleep_ms(20);
	OK(close(OK(open(in_dir("f"), O_RDONLY))));
	OK(stat(in_dir("f"), &after));
	EQ(after.st_atim.tv_sec, st.st_atim.tv_sec);
	EQ(after.st_atim.tv_nsec, st.st_atim.tv_nsec);
}

static void
open_files_are_in_the_way(void)
{
	int fd = OK(open(in_dir("f"), O_RDWR | O_CREAT, 0644));
	char text[8] = "";

	EQ(write(fd, "hello", 5), 5);
	ERR(remount(MS_RDONLY), EBUSY);
	EQ(write(fd, "HELLO", 5), 5);
	OK(ftruncate(fd, 5));
	OK(close(fd));
	fd = OK(open(in_dir("f"), O_RDONLY));
	OK(remount(MS_RDONLY));
	EQ(read(fd, text, sizeof text), 5);
	EQ(memcmp(text, "hello", 5), 0);
	OK(close(fd));
}

/* A mapping keeps the file open, and for what it was opened. */
static void
so_are_mappings(void)
{
	const struct {
		int mode, prot, flags, answer;
	} rows[] = {
		{ O_RDWR, RW, MAP_SHARED, EBUSY },
		{ O_RDWR, PROT_READ, MAP_SHARED, EBUSY },
		{ O_RDWR, RW, MAP_PRIVATE, EBUSY },
		{ O_RDWR, PROT_NONE, MAP_PRIVATE, EBUSY },
		{ O_RDONLY, PROT_READ, MAP_SHARED, 0 },
		{ O_RDONLY, RW, MAP_PRIVATE, 0 },
	};
	char *p;

	for (int i = 0; i < 6; i++) {
		int fd = OK(open(in_dir("f"), rows[i].mode));

		p = file_map(fd, 0, 1, rows[i].prot, rows[i].flags);
		OK(close(fd));
		if (rows[i].prot == RW)
			p[7] = 'x';
		EQ(remount(MS_RDONLY) == 0 ? 0 : errno, rows[i].answer);
		OK(munmap(p, PAGE));
		OK(remount(MS_RDONLY));
		OK(remount(0));
	}
}

/* Whatever it is, and for what it was opened: its end would be a change. */
static void
in_the_way_until_closed(int fd)
{
	ERR(remount(MS_RDONLY), EBUSY);
	OK(close(fd));
	OK(remount(MS_RDONLY));
	OK(remount(MS_RDONLY));
	ERR(open(in_dir("g"), O_RDONLY), ENOENT);
	OK(remount(0));
}

static void
so_is_what_has_no_name(void)
{
	char other[128];
	int fd;

	OK(close(OK(open(in_dir("g"), O_RDWR | O_CREAT, 0644))));
	fd = OK(open(in_dir("g"), O_RDONLY));
	snprintf(other, sizeof other, "%s", in_dir("h"));
	OK(link(in_dir("g"), other));
	OK(unlink(in_dir("g")));
	OK(remount(MS_RDONLY));
	OK(remount(0));
	OK(unlink(other));
	in_the_way_until_closed(fd);

	OK(mkdir(in_dir("g"), 0755));
	fd = OK(open(in_dir("g"), O_RDONLY | O_DIRECTORY));
	OK(rmdir(in_dir("g")));
	in_the_way_until_closed(fd);

	OK(mkfifo(in_dir("g"), 0600));
	fd = OK(open(in_dir("g"), O_RDONLY | O_NONBLOCK));
	OK(unlink(in_dir("g")));
	in_the_way_until_closed(fd);

	fd = open(dir, O_TMPFILE | O_RDWR, 0600);
	if (fd >= 0)
		in_the_way_until_closed(fd);
}

/* At its end the pipe has one. */
static pid_t
others_at_work(int end)
{
	pid_t pid = OK(fork());

	if (pid != 0) {
		OK(close(end));
		return pid;
	}
	for (long i = rounds(1000); i > 0; i--) {
		OK(close(OK(open(in_dir("g"), O_WRONLY | O_CREAT, 0644))));
		OK(unlink(in_dir("g")));
		OK(mkdir(in_dir("g"), 0755));
		OK(rmdir(in_dir("g")));
	}
	_exit(0);
}

static void
nobody_hears_of_a_refusal(void)
{
	int fd = OK(open(in_dir("g"), O_RDONLY | O_CREAT, 0644)), end[2];
	char name[32];
	pid_t pid;

	OK(pipe(end));
	OK(unlink(in_dir("g")));
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "n%d", i);
		OK(mkdir(in_dir(name), 0755));
	}
	pid = others_at_work(end[1]);
	while (poll_now(end[0]) == 0)
		ERR(remount(MS_RDONLY), EBUSY);
	REAP(pid, 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "n%d", i);
		OK(rmdir(in_dir(name)));
	}
	OK(close(fd));
	OK(close(end[0]));
}

int
main(int argc, char **argv)
{
	if (geteuid() != 0 || !begin(argc, argv)) {
		(void)rmdir(dir);
		test_done();
		return 0;
	}
	OK(mkdir(in_dir("d"), 0755));
	ERR(mount("none", in_dir("d"), "none", MS_REMOUNT, NULL), EINVAL);
	no_mount_of_their_own();
	open_files_are_in_the_way();
	nothing_changes();
	OK(remount(0));
	OK(close(OK(open(in_dir("f"), O_RDWR))));
	so_are_mappings();
	OK(unlink(in_dir("f")));
	so_is_what_has_no_name();
	nobody_hears_of_a_refusal();
	OK(rmdir(in_dir("d")));
	OK(umount(dir));
	OK(rmdir(dir));
	test_done();
	return 0;
}
