/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * What mount(2) is asked for about access times and links is done, shown in
 * /proc/mounts and mountinfo, told by statfs, and kept by a remount that says
 * nothing of it; sources and places of any name are told whole.
 */
#include "lib/host.h"

#include <dirent.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#define DIR_MNT "/tmp/mflags"
#define DAY 86400

/* The options of the mount, from the file; with commas around. */
static void
options(const char *file, char *out, size_t cap)
{
	FILE *f = fopen(file, "r");
	char line[512], *p;

	CHECK(f != NULL);
	out[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		p = strstr(line, DIR_MNT " ");
		if (p == NULL)
			continue;
		p += strlen(DIR_MNT " ");
		if (strncmp(p, "tmpfs ", 6) == 0)
			p += 6;
		p[strcspn(p, " \n")] = '\0';
		snprintf(out, cap, ",%s,", p);
	}
	fclose(f);
}

static bool
shows(const char *word)
{
	char text[256], with[40];
	bool a, b;

	snprintf(with, sizeof(with), ",%s,", word);
	options("/proc/mounts", text, sizeof(text));
	a = strstr(text, with) != NULL;
	options("/proc/self/mountinfo", text, sizeof(text));
	b = strstr(text, with) != NULL;
	EQ(a, b);
	return a;
}

static void
shown(const char *word, bool wanted)
{
	if (shows(word) != wanted)
		FAIL("%s: expected %d, seen %d", word, wanted, !wanted);
}

/* Times of name before it is read; then its access time, 0: it did not move. */
static long
atime_moves(const char *name, long atime, long mtime)
{
	struct timespec ts[2] = { { atime, 0 }, { mtime, 0 } };
	struct stat st;
	char c;
	DIR *d;
	int fd;

	OK(utimensat(AT_FDCWD, name, ts, AT_SYMLINK_NOFOLLOW));
	OK(lstat(name, &st));
	if (S_ISDIR(st.st_mode)) {
		d = opendir(name);
		CHECK(d != NULL && readdir(d) != NULL);
		closedir(d);
	} else if (S_ISLNK(st.st_mode)) {
		EQ(readlink(name, &c, 1), 1);
	} else {
		fd = OK(open(name, O_RDONLY));
		EQ(read(fd, &c, 1), 1);
		close(fd);
	}
	OK(lstat(name, &st));
	return st.st_atime != atime;
}

/* utimensat moves ctime, so that only a later atime is younger than both. */
static void
times(bool strict, bool relative, bool dirs)
{
	long now = time(NULL);

	EQ(atime_moves(DIR_MNT "/f", 100, 200), strict || relative);
	EQ(atime_moves(DIR_MNT "/f", now + 100, 200), strict);
	EQ(atime_moves(DIR_MNT "/f", now - 2 * DAY, 0), strict || relative);
	EQ(atime_moves(DIR_MNT "/d", 100, 200), dirs && (strict || relative));
	EQ(atime_moves(DIR_MNT "/d", now + 100, 200), dirs && strict);
	EQ(atime_moves(DIR_MNT "/l", 100, 200), strict || relative);
}

static long
told(void)
{
	struct statfs st;

	OK(statfs(DIR_MNT, &st));
	return st.f_flags & (0x400 | 0x800 | 0x1000 | 0x2000);
}

static void
remount(unsigned long flags)
{
	OK(mount("none", DIR_MNT, NULL, MS_REMOUNT | flags, NULL));
}

static void
access_times(void)
{
	shown("relatime", true);
	shown("noatime", false);
	EQ(told(), 0x1000);
	times(false, true, true);

	remount(MS_NOATIME);
	shown("noatime", true);
	shown("relatime", false);
	EQ(told(), 0x400);
	times(false, false, true);

	remount(MS_NOSUID); /* says nothing of times */
	shown("noatime", true);
	shown("nosuid", true);
	times(false, false, true);

	remount(MS_STRICTATIME);
	shown("noatime", false);
	shown("relatime", false);
	shown("nosuid", false);
	EQ(told(), 0);
	times(true, false, true);

	remount(MS_NODIRATIME | MS_STRICTATIME);
	shown("nodiratime", true);
	shown("relatime", false);
	EQ(told(), 0x800);
	times(true, false, false);

	remount(MS_NODIRATIME);
	shown("nodiratime", true);
	shown("relatime", true);
	times(false, true, false);

	remount(MS_RELATIME);
	shown("nodiratime", false);
	shown("relatime", true);
	times(false, true, true);
}

static void
links_are_not_followed(void)
{
	struct stat st;
	char text[8];

	remount(MS_NOSYMFOLLOW);
	shown("nosymfollow", true);
	EQ(told() & 0x2000, 0x2000);
	ERR(open(DIR_MNT "/l", O_RDONLY), ELOOP);
	ERR(stat(DIR_MNT "/l", &st), ELOOP);
	ERR(open(DIR_MNT "/dl/g", O_RDONLY), ELOOP);
	ERR(open(DIR_MNT "/l", O_WRONLY | O_CREAT, 0600), ELOOP);
	OK(lstat(DIR_MNT "/l", &st));
	EQ(readlink(DIR_MNT "/l", text, sizeof(text)), 1);
	OK(symlink("x", DIR_MNT "/new"));
	OK(unlink(DIR_MNT "/new"));
	/* A link that lies elsewhere leads into the mount. */
	OK(symlink(DIR_MNT "/f", "/tmp/mflags.link"));
	OK(stat("/tmp/mflags.link", &st));
	OK(unlink("/tmp/mflags.link"));
	remount(0);
	shown("nosymfollow", false);
	OK(stat(DIR_MNT "/l", &st));
}

/* Who may not mount is told first what is wrong with the path. */
static void
path_before_privilege(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setuid(1000));
		ERR(mount("none", "/tmp/missing", "tmpfs", 0, NULL), ENOENT);
		ERR(mount("none", DIR_MNT, "tmpfs", 0, NULL), EPERM);
		ERR(umount("/tmp/missing"), ENOENT);
		ERR(umount(DIR_MNT), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
}

/* What is removed covers nothing; a /proc more is busy while somebody stands in it. */
static void
places(void)
{
	char line[64];
	FILE *f = fopen("/proc/filesystems", "r");
	int seen = 0, fd;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		seen += strcmp(line, "nodev\ttmpfs\n") == 0 || strcmp(line, "nodev\tproc\n") == 0;
	fclose(f);
	EQ(seen, 2);
	OK(mkdir("/tmp/gone", 0700));
	OK(chdir("/tmp/gone"));
	OK(rmdir("/tmp/gone"));
	ERR(mount("none", ".", "tmpfs", 0, NULL), ENOENT);
	ERR(mount("none", ".", "proc", 0, NULL), ENOENT);
	OK(chdir("/"));
	OK(mkdir("/tmp/proc", 0700));
	OK(mount("none", "/tmp/proc", "proc", 0, NULL));
	fd = OK(open("/tmp/proc/self", O_RDONLY | O_DIRECTORY));
	ERR(umount("/tmp/proc"), EBUSY);
	OK(close(fd));
	fd = OK(open("/tmp/proc", O_RDONLY | O_DIRECTORY));
	ERR(umount("/tmp/proc"), EBUSY);
	OK(close(fd));
	OK(umount("/tmp/proc"));
	OK(rmdir("/tmp/proc"));
}

/* Does the line of the mount in both files have the text? */
static void
line_has(const char *word, bool wanted)
{
	const char *files[] = { "/proc/mounts", "/proc/self/mountinfo" };
	char line[512];

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(files[i], "r");
		bool seen = false;

		CHECK(f != NULL);
		while (fgets(line, sizeof(line), f) != NULL)
			if (strstr(line, DIR_MNT " ") != NULL)
				seen = strstr(line, word) != NULL;
		fclose(f);
		if (seen != wanted)
			FAIL("%s in %s: expected %d", word, files[i], wanted);
	}
}

/* What a mount was given is shown, and what nobody said is not. */
static void
limits_are_shown(void)
{
	struct sysinfo si;
	struct statfs st;

	line_has("size=", false);
	line_has("nr_inodes=", false);
	line_has("mode=", false);
	OK(mount("none", DIR_MNT, "none", MS_REMOUNT, "nr_inodes=4000"));
	line_has(",nr_inodes=4000", true);
	line_has("size=", false);
	OK(umount(DIR_MNT));
	OK(mount("none", DIR_MNT, "tmpfs", 0, "size=1m,nr_inodes=1k,mode=0750"));
	line_has(",size=1024k,nr_inodes=1024,mode=750", true);
	OK(mount("none", DIR_MNT, "none", MS_REMOUNT, "size=64k"));
	line_has(",size=64k,nr_inodes=1024,mode=750", true);
	OK(umount(DIR_MNT));
	OK(mount("none", DIR_MNT, "tmpfs", 0, "nr_blocks=7,uid=3,gid=4"));
	line_has(",size=28k,", true);
	line_has(",uid=3,gid=4", true);
	OK(umount(DIR_MNT));
	OK(mount("none", DIR_MNT, "tmpfs", 0, "size=37%"));
	OK(statfs(DIR_MNT, &st));
	OK(sysinfo(&si));
	EQ(st.f_blocks, (si.totalram * 37 / 100 + PAGE - 1) / PAGE);
}

/* MS_PRIVATE and its like change a mount that is there, and make none. */
static void
propagation_makes_no_mount(void)
{
	OK(mkdir(DIR_MNT "/sub", 0755));
	OK(mount("none", DIR_MNT, "tmpfs", MS_PRIVATE, NULL));
	OK(mount(NULL, DIR_MNT, NULL, MS_PRIVATE | MS_REC | MS_SILENT, NULL));
	OK(mount(NULL, DIR_MNT, NULL, MS_SLAVE, NULL));
	ERR(mount(NULL, DIR_MNT, NULL, MS_PRIVATE | MS_SLAVE, NULL), EINVAL);
	ERR(mount(NULL, DIR_MNT, NULL, MS_PRIVATE | MS_NODEV, NULL), EINVAL);
	ERR(mount("none", DIR_MNT "/sub", "tmpfs", MS_PRIVATE, NULL), EINVAL);
	ERR(mount(NULL, DIR_MNT "/none", NULL, MS_PRIVATE, NULL), ENOENT);
	if (on_vadose()) {      /* not provided, and said so */
		ERR(mount(NULL, DIR_MNT, NULL, MS_SHARED, NULL), EINVAL);
		ERR(mount(NULL, DIR_MNT, NULL, MS_UNBINDABLE, NULL), EINVAL);
	}
	OK(access(DIR_MNT "/sub", F_OK));
	OK(mount("none", DIR_MNT, "none", 0xc0ed0000 | MS_REMOUNT, NULL));
	OK(umount(DIR_MNT));
	ERR(umount(DIR_MNT), EINVAL);
}

/* Wherever a devtmpfs is mounted, the devices are in it, for all, whoever mounts it. */
static void
devices(void)
{
	struct stat st;
	char byte = 1;
	int fd;

	(void)umask(077);
	OK(mount("dev", DIR_MNT, "devtmpfs", 0, NULL));
	fd = OK(open(DIR_MNT "/zero", O_RDONLY));
	EQ(read(fd, &byte, 1), 1);
	EQ(byte, 0);
	OK(close(fd));
	remount(0);
	OK(stat(DIR_MNT "/null", &st));
	EQ(st.st_mode, S_IFCHR | 0666);
	OK(stat(DIR_MNT "/shm", &st));
	/* On Linux it is made by whoever boots. */
	EQ(st.st_mode, on_vadose() ? S_IFDIR | 01777 : st.st_mode);
	OK(umount(DIR_MNT));
	(void)umask(022);
}

/* How often the file has the text. */
static int
times_in(const char *file, const char *text)
{
	static char line[3 * PAGE];
	FILE *f = fopen(file, "r");
	int n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, text) != NULL;
	fclose(f);
	return n;
}

/* Names with what separates fields, and long ones. */
static void
names_are_told_whole(void)
{
	static const char odd[] = DIR_MNT "/a b\tc\nd\\e#f";
	char source[PAGE + 1];

	OK(mkdir(odd, 0755));
	OK(mount("s \t\n\\#s", odd, "tmpfs", 0, NULL));
	EQ(times_in("/proc/mounts", "s\\040\\011\\012\\134\\043s " DIR_MNT
	    "/a\\040b\\011c\\012d\\134e#f tmpfs "), 1);
	EQ(times_in("/proc/self/mountinfo", " / " DIR_MNT
	    "/a\\040b\\011c\\012d\\134e#f rw,"), 1);
	EQ(times_in("/proc/self/mountinfo",
	    " - tmpfs s\\040\\011\\012\\134\\043s rw"), 1);
	OK(umount(odd));
	memset(source, 's', sizeof(source));
	source[PAGE] = '\0';
	ERR(mount(source, odd, "tmpfs", 0, NULL), EINVAL);
	source[PAGE - 1] = '\0';
	OK(mount(source, odd, "tmpfs", 0, NULL));
	source[PAGE - 1] = ' ';
	EQ(times_in("/proc/mounts", source), 1);
	EQ(times_in("/proc/self/mountinfo", source), 1);
	OK(umount(odd));
	OK(rmdir(odd));
}

/* MNT_FORCE takes away no mount that is in use.  UMOUNT_NOFOLLOW: a link at the end is
 * not the mount. */
static void
links_are_no_mounts(void)
{
	int fd;

	OK(mkdir(DIR_MNT "/in", 0755));
	OK(symlink("in", DIR_MNT "/link"));
	OK(mount("none", DIR_MNT "/in", "tmpfs", 0, NULL));
	ERR(umount2(DIR_MNT "/link", UMOUNT_NOFOLLOW), EINVAL);
	OK(umount2(DIR_MNT "/link/", UMOUNT_NOFOLLOW));
	OK(mount("none", DIR_MNT "/in", "tmpfs", 0, NULL));
	OK(umount2(DIR_MNT "/in", UMOUNT_NOFOLLOW | MNT_DETACH));
	OK(mount("none", DIR_MNT "/in", "tmpfs", 0, NULL));
	OK(umount2(DIR_MNT "/link", 0));
	OK(mount("none", DIR_MNT "/in", "tmpfs", 0, NULL));
	fd = OK(open(DIR_MNT "/in", O_RDONLY));
	ERR(umount2(DIR_MNT "/in", MNT_FORCE), EBUSY);
	OK(close(fd));
	ERR(umount2(DIR_MNT "/link", MNT_FORCE | UMOUNT_NOFOLLOW), EINVAL);
	OK(umount2(DIR_MNT "/link", MNT_FORCE));
	EQ(unlink(DIR_MNT "/link") | rmdir(DIR_MNT "/in"), 0);
}

/* Where one stands may be covered: what is mounted there lies on top, and goes first. */
static void
stacked_where_one_stands(void)
{
	struct stat below, st;

	OK(mkdir(DIR_MNT "/in", 0755));
	OK(chdir(DIR_MNT "/in"));
	OK(stat(".", &below));
	OK(mount("none", DIR_MNT "/in", "tmpfs", 0, NULL));
	OK(mount("none", ".", "tmpfs", 0, NULL));
	EQ(times_in("/proc/mounts", " " DIR_MNT "/in tmpfs "), 2);
	OK(stat(".", &st));
	EQ(st.st_dev, below.st_dev);
	EQ(st.st_ino, below.st_ino);
	OK(umount("."));
	OK(stat(DIR_MNT "/in", &st));
	CHECK(st.st_dev != below.st_dev);
	OK(umount("."));
	ERR(umount("."), EINVAL);
	OK(stat(DIR_MNT "/in", &st));
	EQ(st.st_dev, below.st_dev);
	OK(chdir("/"));
	OK(rmdir(DIR_MNT "/in"));
}

int
main(void)
{
	own_tmp();
	mkdir(DIR_MNT, 0755);
	if (mount("none", DIR_MNT, "tmpfs", 0, NULL) != 0) {
		CHECK(errno == EPERM && !on_vadose());
		rmdir(DIR_MNT);
		return test_done();
	}
	make_file(DIR_MNT "/f", "abc", 3, 0644);
	OK(mkdir(DIR_MNT "/d", 0755));
	make_file(DIR_MNT "/d/g", "abc", 3, 0644);
	OK(symlink("f", DIR_MNT "/l"));
	OK(symlink("d", DIR_MNT "/dl"));
	names_are_told_whole();
	links_are_no_mounts();
	stacked_where_one_stands();
	access_times();
	links_are_not_followed();
	path_before_privilege();
	places();
	OK(umount(DIR_MNT));
	OK(mount("none", DIR_MNT, "tmpfs",
	    MS_NOATIME | MS_NODIRATIME | MS_NOSYMFOLLOW, NULL));
	shown("noatime", true);
	shown("nodiratime", true);
	shown("nosymfollow", true);
	limits_are_shown();
	devices();
	propagation_makes_no_mount();
	OK(rmdir(DIR_MNT));
	return test_done();
}
