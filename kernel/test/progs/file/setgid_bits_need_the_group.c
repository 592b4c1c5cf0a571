/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * S_ISGID gives a group's rights away: who is not in the group cannot set it,
 * not by chmod, fchmod, open, mknod nor on a directory; writing and chown take
 * it off.  A directory with it hands its group down.
 */
#include "lib/test.h"

#include <grp.h>

#define USER 1000
#define IN 100  /* a group of the user's */
#define OUT 200 /* one that is not */

static int
mode_of(const char *name)
{
	struct stat st;

	OK(lstat(name, &st));
	return st.st_mode & 07777;
}

static int
group_of(const char *name)
{
	struct stat st;

	OK(lstat(name, &st));
	return st.st_gid;
}

static void
chmod_rows(void)
{
	static const struct {
		int group, asked, got;
	} rows[] = {
		{ IN, 02755, 02755 },
		{ OUT, 02755, 0755 },
		{ IN, 02644, 02644 },
		{ OUT, 02644, 0644 },
		{ OUT, 06755, 04755 },
		{ OUT, 0755, 0755 },
		{ USER, 02710, 02710 },
	};
	int fd;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int dir = 0; dir < 2; dir++) {
			const char *name = dir ? "dir" : "file";

			OK(seteuid(0));
			OK(chown(name, USER, rows[i].group));
			OK(seteuid(USER));
			OK(chmod(name, 0));
			OK(chmod(name, rows[i].asked));
			EQ(mode_of(name), rows[i].got);
			OK(chmod(name, 0700));
			fd = OK(open(name, O_RDONLY));
			OK(fchmod(fd, rows[i].asked));
			close(fd);
			EQ(mode_of(name), rows[i].got);
			OK(chmod(name, 0700));
			OK(fchmodat(AT_FDCWD, name, rows[i].asked, 0));
			EQ(mode_of(name), rows[i].got);
		}
}

static void
make(const char *name, int mode, int type)
{
	if (type == S_IFDIR)
		OK(mkdir(name, mode));
	else if (type == S_IFIFO)
		OK(mknod(name, S_IFIFO | mode, 0));
	else
		close(OK(open(name, O_CREAT | O_EXCL | O_WRONLY, mode)));
}

static void
unmake(const char *name)
{
	if (unlink(name) != 0)
		OK(rmdir(name));
}

/* In a directory with S_ISGID of a group. */
static void
made_in(const char *dir, int group, bool member)
{
	static const int types[] = { S_IFREG, S_IFIFO };
	char path[64];

	snprintf(path, sizeof(path), "%s/x", dir);
	for (int i = 0; i < 2; i++) {
		make(path, 02755, types[i]);
		EQ(mode_of(path), member ? 02755 : 0755);
		EQ(group_of(path), group);
		unmake(path);
		/* Without the right to execute it gives nobody a right. */
		make(path, 02644, types[i]);
		EQ(mode_of(path), 02644);
		unmake(path);
		/* It is asked before the umask takes that right away. */
		umask(010);
		make(path, 02775, types[i]);
		EQ(mode_of(path), member ? 02765 : 0765);
		unmake(path);
		umask(0);
	}
	make(path, 0755, S_IFDIR);
	EQ(mode_of(path), 02755);
	EQ(group_of(path), group);
	unmake(path);
}

static void
creating(void)
{
	OK(seteuid(0));
	OK(mkdir("in", 0));
	OK(chown("in", USER, IN));
	OK(chmod("in", 02777));
	OK(mkdir("out", 0));
	OK(chown("out", USER, OUT));
	OK(chmod("out", 02777));
	made_in("out", OUT, true); /* root */
	OK(seteuid(USER));
	made_in("in", IN, true);
	made_in("out", OUT, false);
	/* Where the directory has no such bit nothing is taken. */
	make("plain", 02755, S_IFREG);
	EQ(mode_of("plain"), 02755);
	unmake("plain");
	OK(seteuid(0));
	OK(rmdir("in"));
	OK(rmdir("out"));
}

/* What a write leaves of a mode, by whom and in which group. */
static int
after_write(int uid, int group, int mode)
{
	int fd;

	OK(seteuid(0));
	OK(chown("file", USER, group));
	OK(chmod("file", mode));
	OK(seteuid(uid));
	fd = OK(open("file", O_WRONLY));
	EQ(write(fd, "x", 1), 1);
	close(fd);
	return mode_of("file");
}

static void
writing(void)
{
	EQ(after_write(USER, IN, 06777), 0777);
	EQ(after_write(USER, OUT, 06777), 0777);
	EQ(after_write(USER, IN, 06767), 02767);
	EQ(after_write(0, OUT, 06777), 06777);
	OK(seteuid(0));
	OK(chmod("file", 06777));
	OK(chown("file", USER, IN));
	EQ(mode_of("file"), 0777);
	OK(chmod("file", 06767));
	OK(seteuid(USER));
	OK(chown("file", -1, USER));
	EQ(mode_of("file"), 02767);
	OK(seteuid(0));
}

int
main(void)
{
	static const gid_t groups[] = { IN };

	if (geteuid() != 0)
		return test_done();
	umask(0);
	enter_tmp();
	OK(chmod(".", 0777));
	OK(setgroups(1, groups));
	OK(setegid(USER));
	make_file("file", "abc", 3, 0644);
	OK(mkdir("dir", 0755));
	chmod_rows();
	OK(seteuid(0));
	OK(chmod("file", 0644));
	creating();
	writing();
	OK(unlink("file"));
	OK(rmdir("dir"));
	leave_tmp();
	return test_done();
}
