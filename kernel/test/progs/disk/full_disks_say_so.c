/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * With 0, 1 and 2 blocks left, or inodes, every call that makes something
 * succeeds where it fits and else answers ENOSPC (a store: SIGBUS); nothing
 * hangs, nothing is half done, and what is freed can be used at once.
 *
 * Arguments: a disk and the type of what is on it (cases/disk/ext2_full.sh); else a
 * small tmpfs, where he who may mount nothing says nothing.
 */
#include "lib/host.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define LEFT_MAX 3      /* 0, 1, 2 */
#define LIMIT_MS 20000  /* a call that takes longer hangs */
#define LONG_NAME 247   /* an entry of 256 bytes on ext2 */

static char dir[64];
static long bs;         /* bytes of a block */
static bool on_disk;    /* names take blocks */

static const char *
long_name(int i)
{
	static char name[8 + LONG_NAME + 1];

	snprintf(name, sizeof name, "packed/%0*d", LONG_NAME, i);
	return name;
}

/* ---- the calls; each makes "n", 0 or errno ---- */

static int
result(int r)
{
	return r < 0 ? errno : 0;
}

static int
call_mkdir(void)
{
	return result(mkdir("n", 0700));
}

static int
call_symlink(void)
{
	return result(symlink("short", "n"));
}

static int
call_symlink_long(void)
{
	char text[301];

	memset(text, 'x', 300);
	text[300] = '\0';
	return result(symlink(text, "n"));
}

static int
call_mknod(void)
{
	return result(mknod("n", S_IFIFO | 0600, 0));
}

static int
call_open(void)
{
	return result(open("n", O_RDWR | O_CREAT | O_EXCL, 0600));
}

static int
call_tmpfile(void)
{
	return result(open(".", O_RDWR | O_TMPFILE, 0600));
}

/* In a directory whose blocks are full. */
static int
call_link(void)
{
	return result(link("there", long_name(99)));
}

static int
call_rename(void)
{
	struct stat st;
	int r = result(rename("there", long_name(99)));

	/* It has one name, before and after. */
	CHECK((stat("there", &st) == 0) == (r != 0));
	CHECK((stat(long_name(99), &st) == 0) == (r == 0));
	return r;
}

static int
call_rename_dir(void)
{
	struct stat st;
	int r = result(rename("dir", long_name(99)));

	CHECK((stat("dir", &st) == 0) == (r != 0));
	CHECK((stat(long_name(99), &st) == 0) == (r == 0));
	return r;
}

static int
call_write(void)
{
	int fd = OK(open("there", O_RDWR)), r;

	r = result(write(fd, "x", 1));
	EQ(lseek(fd, 0, SEEK_END), r == 0);
	return r;
}

/* More than there ever is: as much as fits, or nothing. */
static int
call_write_much(void)
{
	int fd = OK(open("there", O_RDWR));
	size_t much = 8 * (bs > (long)PAGE ? bs : (long)PAGE);
	char *p = pages_private(much / PAGE);
	ssize_t n = write(fd, p, much);

	if (n >= 0)
		EQ(lseek(fd, 0, SEEK_END), n);
	return n >= 0 && n < (ssize_t)much ? ENOSPC : result((int)n);
}

static int
call_fallocate(void)
{
	int fd = OK(open("there", O_RDWR)), r;

	r = result(fallocate(fd, 0, 0, bs));
	EQ(lseek(fd, 0, SEEK_END), r == 0 ? bs : 0);
	return r;
}

static int
call_store(void)
{
	int fd = OK(open("there", O_RDWR));
	volatile char *p;

	OK(ftruncate(fd, bs));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	*p = 1;
	return result(fsync(fd));
}

static int
call_setxattr(void)
{
	int r = result((int)syscall(SYS_setxattr, "there", "user.a", "b", 1, 0));

	return r == EOPNOTSUPP ? 0 : r;
}

struct call {
	const char *name;
	int (*run)(void);
	int blocks;     /* that it needs on a disk */
	int pages;      /* the same in memory, -1: either answer */
	bool inode;     /* does it need one? */
};

static const struct call calls[] = {
	{ "mkdir", call_mkdir, 1, -1, true },
	{ "symlink", call_symlink, 0, -1, true },
	{ "symlink_long", call_symlink_long, 1, -1, true },
	{ "mknod", call_mknod, 0, 0, true },
	{ "open", call_open, 0, 0, true },
	{ "O_TMPFILE", call_tmpfile, 0, 0, true },
	{ "link", call_link, 1, -1, false },
	{ "rename", call_rename, 1, -1, false },
	{ "rename of a directory", call_rename_dir, 1, -1, false },
	{ "write", call_write, 1, 1, false },
	{ "write of much", call_write_much, 99, 99, false },
	{ "fallocate", call_fallocate, 1, 1, false },
	{ "a store", call_store, 1, 1, false },
	{ "setxattr", call_setxattr, 0, 0, false },
};
#define NCALLS (sizeof calls / sizeof calls[0])

/* The call's errno, by a child that must not hang. */
static int
try(const struct call *c, int left)
{
	pid_t pid = OK(fork()), done = 0;
	int status = 0, ms;

	if (pid == 0)
		_exit(c->run());
	for (ms = 0; done == 0 && ms < LIMIT_MS; ms += ms < 50 ? 1 : 10) {
		done = OK(waitpid(pid, &status, WNOHANG));
		if (done == 0)
			sleep_ms(ms < 50 ? 1 : 10);
	}
	if (done == 0)
		FAIL("%s with %d left: it hangs", c->name, left);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		return ENOSPC;
	if (!WIFEXITED(status))
		FAIL("%s with %d left: status %#x", c->name, left, status);
	return WEXITSTATUS(status);
}

static void
judge(const struct call *c, const char *what, int left, int need)
{
	int r = try(c, left);

	if (need < 0 ? r != 0 && r != ENOSPC : r != (left < need ? ENOSPC : 0))
		FAIL("%s with %d %s left: errno %d, it needs %d", c->name,
		    left, what, r, need);
}

/* ---- filling ---- */

/* What the calls need: names to move, and a directory without room. */
static void
prepare(void)
{
	int i;

	OK(close(OK(open("there", O_CREAT | O_RDWR, 0600))));
	OK(mkdir("dir", 0700));
	OK(mkdir("packed", 0700));
	for (i = 0; i < (bs - 24) / 256; i++)
		OK(link("there", long_name(i)));
}

static void
clean(void)
{
	int i;

	(void)rmdir(long_name(99));
	for (i = 0; i < 100; i++)
		(void)unlink(long_name(i));
	(void)unlink("there");
	(void)unlink("n");
	(void)rmdir("n");
	(void)rmdir("dir");
	OK(rmdir("packed"));
}

static const char *
piece_name(int i)
{
	static char name[32];

	snprintf(name, sizeof name, "piece%d", i);
	return name;
}

/* A file of one block; false: there is none. */
static bool
make_piece(const char *name)
{
	static char block[65536];
	int fd = open(name, O_CREAT | O_RDWR | O_EXCL, 0600);
	bool made = fd >= 0 && write(fd, block, bs) == bs;

	if (fd >= 0)
		OK(close(fd));
	if (!made)
		EQ(errno, ENOSPC);
	if (!made && fd >= 0)
		OK(unlink(name));
	return made;
}

/* All blocks are taken; *n pieces, of which each gives one back. */
static void
fill_blocks(int *n)
{
	static char chunk[65536];
	int fd, i;

	for (i = 0; i < LEFT_MAX; i++)
		CHECK(make_piece(piece_name(i)));
	fd = OK(open("filler", O_CREAT | O_RDWR, 0600));
	while (write(fd, chunk, sizeof chunk) > 0)
		;
	EQ(errno, ENOSPC);
	while (write(fd, chunk, bs) > 0)
		;
	EQ(errno, ENOSPC);
	OK(close(fd));
	while (make_piece(piece_name(i)))
		i++;
	*n = i;
}

static void
fill_inodes(int *n)
{
	int i, fd;

	for (i = 0; (fd = open(piece_name(i), O_CREAT | O_RDWR, 0600)) >= 0; i++)
		OK(close(fd));
	EQ(errno, ENOSPC);
	CHECK(i >= LEFT_MAX);
	*n = i;
}

static void
empty(int n)
{
	int i;

	for (i = 0; i < n; i++)
		(void)unlink(piece_name(i));
	(void)unlink("filler");
	clean();
}

static long
free_blocks(void)
{
	struct statfs st;

	OK(statfs(".", &st));
	return (long)st.f_bfree;
}

static void
full_of_blocks(const struct call *c, int left)
{
	int i, n;

	prepare();
	fill_blocks(&n);
	for (i = 0; i < left; i++)
		OK(unlink(piece_name(i)));
	EQ(free_blocks(), left);
	judge(c, "blocks", left, on_disk ? c->blocks : c->pages);
	empty(n);
}

static void
full_of_inodes(const struct call *c, int left)
{
	int i, n;

	prepare();
	fill_inodes(&n);
	for (i = 0; i < left; i++)
		OK(unlink(piece_name(i)));
	/* A tmpfs counts names. */
	if (strcmp(c->name, "write of much") != 0)
		judge(c, "inodes", left, c->inode ? 1 : on_disk ? 0 : -1);
	empty(n);
}

/* What was full can be used the moment that something goes. */
static void
freed_is_used(void)
{
	int n, fd, keep;
	struct call one = { "write after a free", call_write, 1, 1, false };

	prepare();
	fill_blocks(&n);
	OK(unlink("filler"));
	judge(&one, "freed blocks", 9, 1);
	empty(n);

	prepare();
	fill_blocks(&n);
	keep = OK(open("filler", O_RDONLY));
	OK(unlink("filler"));
	judge(&one, "blocks", 0, 1);
	OK(close(keep));
	judge(&one, "freed blocks", 9, 1);
	empty(n);

	prepare();
	fill_blocks(&n);
	fd = OK(open("filler", O_RDWR));
	OK(ftruncate(fd, 0));
	OK(close(fd));
	judge(&one, "freed blocks", 9, 1);
	empty(n);
}

/* A place that was asked for, and refused, is none: who writes there is told. */
static void
refused_is_no_place(void)
{
	int n, fd;

	prepare();
	fill_blocks(&n);
	fd = OK(open("there", O_RDWR));
	OK(ftruncate(fd, bs));
	ERR(fallocate(fd, 0, 0, bs), ENOSPC);
	ERR(pwrite(fd, "x", 1, 0), ENOSPC);
	OK(fsync(fd));
	OK(close(fd));
	empty(n);
}

static atomic_bool sync_ends;

static void *
syncs(void *unused)
{
	while (!atomic_load(&sync_ends))
		sync();
	return unused;
}

/* Who writes all files back is no user of a removed one: its room is there at once. */
static void
freed_beside_sync(void)
{
	pthread_t thread;
	int i, fd;
	long was;

	prepare();
	was = free_blocks();
	EQ(pthread_create(&thread, NULL, syncs, NULL), 0);
	for (i = 0; i < 200; i++) {
		fd = OK(open("filler", O_RDWR | O_CREAT, 0600));
		EQ(write(fd, dir, sizeof dir), (long)sizeof dir);
		OK(close(fd));
		OK(unlink("filler"));
		EQ(free_blocks(), was);
	}
	atomic_store(&sync_ends, true);
	EQ(pthread_join(thread, NULL), 0);
	empty(0);
}

static bool
begin(int argc, char **argv)
{
	struct statfs st;

	snprintf(dir, sizeof dir, "/tmp/full.%d", getpid());
	(void)mkdir("/tmp", 0777);
	OK(mkdir(dir, 0755));
	on_disk = argc > 2;
	if (!own_mounts())
		return false;
	if (mount(on_disk ? argv[1] : "none", dir, on_disk ? argv[2] : "tmpfs",
		0, on_disk ? NULL : "size=256k,nr_inodes=64") != 0)
		return false;
	OK(chdir(dir));
	OK(statfs(".", &st));
	bs = (long)st.f_bsize;
	return true;
}

int
main(int argc, char **argv)
{
	long was;
	size_t i;
	int left;

	if (!begin(argc, argv)) {
		OK(rmdir(dir));
		return 0;
	}
	was = free_blocks();
	for (i = 0; i < NCALLS; i++)
		for (left = 0; left < LEFT_MAX; left++) {
			full_of_blocks(&calls[i], left);
			full_of_inodes(&calls[i], left);
		}
	refused_is_no_place();
	freed_is_used();
	freed_beside_sync();
	EQ(free_blocks(), was);
	OK(chdir("/"));
	OK(umount(dir));
	OK(rmdir(dir));
	return test_done();
}
