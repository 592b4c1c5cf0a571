/* NEEDS: MEM=64M CPUS=2 TIMEOUT=60 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Disks that lie (lib/hostile.h): each is mounted if it can be, listed, read,
 * written, removed from by four processes at once, and unmounted.  Whatever
 * the calls answer, the kernel goes on, no process takes more than five
 * seconds, and each can be killed.
 *
 *   hostile_disks SCRATCH SEED COUNT GOOD…   images of COUNT seeds, made of the
 *                                            good ones in turn (ext2_hostile.sh)
 *   hostile_disks make GOOD OUT SEED         only one image, to a file
 *   hostile_disks                            the processes, on a folder of /tmp
 */
#include "lib/hostile.h"
#include "lib/host.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define WORKERS 4
#define CPU_S 5         /* that one process may use */
#define WALL_S 100      /* then it hangs; machines are loaded */
#define NAMES_MAX 24    /* of one directory */
#define DEPTH_MAX 4
#define STEPS_MAX 400   /* of one process */
#define IMAGE_MAX (4 * MIB)
#define AT "hostile" /* in a fresh folder */

/* Shared: what each process is doing. */
static struct worker {
	char what[32], where[160];
	volatile uint64_t steps;
} *workers;
static struct worker *me;
static uint8_t *image;  /* shared, so that a fork promises nothing for it */
static uint64_t dice;

static unsigned
below(unsigned n)
{
	return (unsigned)(rnd(&dice) % n);
}

/* Say it before it is done.  False: that was enough. */
static bool
step(const char *what, const char *where)
{
	snprintf(me->what, sizeof me->what, "%.31s", what);
	snprintf(me->where, sizeof me->where, "%.159s", where);
	return ++me->steps < STEPS_MAX;
}

/* ---- what is done to a file, a directory, a name ---- */

static void
on_file(const char *path)
{
	static char buf[20000];
	struct stat st;
	int fd;
	char *p;

	step("open", path);
	fd = open(path, O_RDWR | O_NONBLOCK);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return;
	step("read", path);
	(void)!read(fd, buf, sizeof buf);
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		(void)!pread(fd, buf, 8000, st.st_size / 2);
		(void)!pread(fd, buf, 8000, st.st_size - 4000);
	}
	step("write", path);
	memset(buf, 'w', sizeof buf);
	(void)!pwrite(fd, buf, 1 + below(sizeof buf), below(30000));
	(void)!pwrite(fd, buf, 100, below(1U << 20));
	step("map", path);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		OK(munmap(p, 2 * PAGE));
	step("fsync", path);
	if (below(2) == 0)
		(void)!fsync(fd);
	step("fallocate", path);
	if (below(4) == 0)
		(void)!fallocate(fd, 0, below(60000), 5000);
	step("truncate", path);
	if (below(3) == 0)
		(void)!ftruncate(fd, below(300000));
	step("seek", path);
	(void)lseek(fd, 0, SEEK_DATA);
	(void)lseek(fd, 0, SEEK_HOLE);
	(void)close(fd);
}

static void
in_dir(const char *path)
{
	char a[256], b[256];
	int fd;

	snprintf(a, sizeof a, "%s/n%u", path, below(4));
	snprintf(b, sizeof b, "%s/m%u%s", path, below(4),
	    below(2) == 0 ? "" : "-with-a-name-that-is-rather-long-for-an-entry");
	step("mkdir", a);
	(void)!mkdir(a, 0755);
	step("create", b);
	fd = open(b, O_CREAT | O_RDWR, 0644);
	if (fd >= 0) {
		(void)!write(fd, a, sizeof a);
		(void)close(fd);
	}
	step("link", b);
	(void)!link(b, a);
	step("symlink", a);
	(void)!symlink(below(2) == 0 ? "short" :
	    "a-text-of-more-than-sixty-bytes-which-needs-a-block-of-its-own-on-a-disk",
	    a);
	step("rename", a);
	(void)!rename(a, b);
	step("rename to the root", a);
	(void)!rename(b, below(2) == 0 ? AT "/m/moved" : AT "/m/again");
	step("rmdir", a);
	(void)!rmdir(a);
}

static void
remove_name(const char *path, bool is_dir)
{
	step("remove", path);
	if (below(3) == 0)
		(void)!(is_dir ? rmdir(path) : unlink(path));
}

/* All that is below a path. */
static void
walk(const char *path, unsigned depth)
{
	char name[NAMES_MAX][64], child[600], text[200];
	unsigned n = 0, i;
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (!step("list", path))
		return;
	d = opendir(path);
	if (d == NULL)
		return;
	while (n < NAMES_MAX && (e = readdir(d)) != NULL) {
		if (strchr(e->d_name, '/') != NULL || e->d_name[0] == '\0')
			FAIL("%s: a name that is none: %s", path, e->d_name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			snprintf(name[n++], sizeof name[0], "%.63s", e->d_name);
	}
	if (below(8) == 0)
		while (readdir(d) != NULL)
			;
	(void)closedir(d);
	in_dir(path);
	for (i = 0; i < n && me->steps < STEPS_MAX; i++) {
		unsigned k = (i + below(n)) % n;

		if (snprintf(child, sizeof child, "%s/%s", path, name[k]) >= 500)
			continue;
		step("stat", child);
		if (lstat(child, &st) != 0)
			continue;
		if (S_ISLNK(st.st_mode))
			(void)!readlink(child, text, sizeof text);
		else if (S_ISREG(st.st_mode))
			on_file(child);
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			walk(child, depth + 1);
		remove_name(child, S_ISDIR(st.st_mode));
	}
}

static void
work(unsigned nr, uint64_t seed)
{
	struct statfs st;

	me = &workers[nr];
	dice = seed * 16 + nr + 1;
	me->steps = 0;
	signal(SIGBUS, SIG_DFL);
	walk(AT "/m", 0);
	step("statfs", AT);
	(void)!statfs(AT "/m", &st);
	step("sync", AT);
	if (nr == 0)
		sync_folder(AT "/m");
	exit(0);
}

/* ---- the judge ---- */

static void
stuck(unsigned nr, pid_t pid, uint64_t seed, const char *kind)
{
	int status, ms;

	printf("seed %lu (%s): %s %s hangs\n", (unsigned long)seed, kind,
	    workers[nr].what, workers[nr].where);
	fflush(stdout);
	OK(kill(pid, SIGKILL));
	for (ms = 0; ms < WALL_S * 1000; ms += 10) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			FAIL("but it can be killed");
		sleep_ms(10);
	}
	FAIL("and cannot be killed");
}

/* All at once; each ends by itself, in time. */
static void
maul(uint64_t seed, const char *kind)
{
	pid_t pid[WORKERS];
	struct rusage use;
	unsigned i, ms = 0;
	int status;

	for (i = 0; i < WORKERS; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			work(i, seed);
	}
	for (i = 0; i < WORKERS; i++) {
		for (; wait4(pid[i], &status, WNOHANG, &use) == 0; ms += 10) {
			if (ms > WALL_S * 1000)
				stuck(i, pid[i], seed, kind);
			sleep_ms(10);
		}
		if (status != 0 && WEXITSTATUS(status) == 1)
			FAIL("seed %lu (%s)", (unsigned long)seed, kind);
		if (use.ru_stime.tv_sec + use.ru_utime.tv_sec >= CPU_S)
			FAIL("seed %lu (%s): %ld s, last: %s %s",
			    (unsigned long)seed, kind,
			    (long)(use.ru_stime.tv_sec + use.ru_utime.tv_sec),
			    workers[i].what, workers[i].where);
	}
}

static long
cpu_seconds(void)
{
	struct rusage use;

	OK(getrusage(RUSAGE_SELF, &use));
	return use.ru_stime.tv_sec + use.ru_utime.tv_sec;
}

static void
write_disk(const char *path, size_t n)
{
	int fd = OK(open(path, O_WRONLY));

	EQ(pwrite(fd, image, n, 0), n);
	OK(close(fd));
}

static size_t
read_disk(const char *path)
{
	int fd = OK(open(path, O_RDONLY));
	size_t n = 0;
	ssize_t got;

	while ((got = OK(pread(fd, image + n, IMAGE_MAX - n, n))) > 0)
		n += got;
	OK(close(fd));
	return n;
}

static void
try_seed(const char *scratch, const char *good, uint64_t seed, unsigned *mounted)
{
	size_t n = read_disk(good);
	const char *kind = hostile_make(image, n, seed);
	long cpu;

	CHECK(kind != NULL);
	write_disk(scratch, n);
	cpu = cpu_seconds();
	if (mount(scratch, AT "/m", "ext2", 0, NULL) != 0)
		return;
	(*mounted)++;
	maul(seed, kind);
	if (umount(AT "/m") != 0)
		FAIL("seed %lu (%s): unmount: errno %d", (unsigned long)seed,
		    kind, errno);
	if (cpu_seconds() - cpu >= CPU_S)
		FAIL("seed %lu (%s): mount and unmount took %ld s",
		    (unsigned long)seed, kind, cpu_seconds() - cpu);
}

static void
alone(void)
{
	OK(mkdir(AT "/m/d", 0755));
	OK(close(OK(open(AT "/m/f", O_CREAT | O_RDWR, 0600))));
	maul(1, "none");
	EQ(system("rm -rf " AT), 0);
	leave_tmp();
}

int
main(int argc, char **argv)
{
	uint64_t seed, first, count;
	unsigned mounted = 0;

	image = (uint8_t *)pages_shared(IMAGE_MAX / PAGE);
	if (argc == 5 && strcmp(argv[1], "make") == 0) {
		size_t n = read_disk(argv[2]);

		CHECK(hostile_make(image, n, strtoull(argv[4], NULL, 0)));
		OK(close(OK(open(argv[3], O_CREAT | O_TRUNC | O_WRONLY, 0644))));
		write_disk(argv[3], n);
		return 0;
	}
	workers = (struct worker *)pages_shared(1);
	enter_tmp();
	OK(mkdir(AT, 0755));
	OK(mkdir(AT "/m", 0755));
	if (argc < 5) {
		alone();
		return test_done();
	}
	first = strtoull(argv[2], NULL, 0);
	count = strtoull(argv[3], NULL, 0);
	for (seed = first; seed < first + count; seed++)
		try_seed(argv[1], argv[4 + seed % (argc - 4)], seed, &mounted);
	printf("%u of %lu mounted\n", mounted, (unsigned long)count);
	return test_done();
}
