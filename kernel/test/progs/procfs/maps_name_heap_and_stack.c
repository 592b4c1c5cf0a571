/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * maps calls what lies in the heap "[heap]", whoever mapped it, and joins it; of a stack
 * in pieces only the one that the program began with is "[stack]".  A file's name is told
 * whole, as its reader may use it, and ends no line; also of a file that only the mapping
 * keeps.  Shared memory without a file has a number, as a file has.
 */
#include "lib/trap.h"
#include <sys/stat.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

/* The mapping that at lies in. */
static struct {
	char *lo, *hi;
	unsigned long ino;
	char name[64], more[64];
} line;

static void
look(const volatile char *at)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char text[512];

	CHECK(f != NULL);
	do {
		CHECK(fgets(text, sizeof(text), f) != NULL);
		line.name[0] = line.more[0] = '\0';
		sscanf(text, "%p-%p %*s %*s %*s %lu %63s %63s", (void **)&line.lo,
		    (void **)&line.hi, &line.ino, line.name, line.more);
	} while (at >= line.hi);
	CHECK(at >= line.lo);
	fclose(f);
}

static void
map(char *at, int prot, int flags)
{
	CHECK(mmap(at, PAGE, prot, flags, -1, 0) == at);
}

static char *
brk_to(char *p)
{
	return (char *)syscall(SYS_brk, p);
}

static void
heap(void)
{
	char buf[BUFSIZ], *b, *lo;
	FILE *f = fopen("/proc/self/maps", "r");

	(void)!fgets(buf, sizeof(buf), f); /* malloc() has what it wants */
	fclose(f);
	b = brk_to(NULL);
	b = (char *)(((uintptr_t)b + PAGE - 1) & -PAGE);
	CHECK(brk_to(b + 10 * PAGE) == b + 10 * PAGE);
	OK(munmap(b + 3 * PAGE, PAGE));
	map(b + 3 * PAGE, RW, ANON);
	look(b + 3 * PAGE);
	lo = line.lo;
	CHECK(lo <= b && line.hi == b + 10 * PAGE);
	CHECK(strcmp(line.name, "[heap]") == 0);
	map(b + 5 * PAGE, PROT_READ, ANON);
	look(b + 5 * PAGE);
	CHECK(line.lo == b + 5 * PAGE && line.hi == b + 6 * PAGE);
	CHECK(strcmp(line.name, "[heap]") == 0);
	map(b + 7 * PAGE, PROT_READ, ANON ^ MAP_PRIVATE ^ MAP_SHARED);
	look(b + 7 * PAGE);
	CHECK(strcmp(line.name, "/dev/zero") == 0);
	CHECK(brk_to(b + 3 * PAGE) == b + 3 * PAGE);
	map(b + 3 * PAGE, RW, ANON);
	look(b + 3 * PAGE);
	CHECK(line.lo == lo && line.hi == b + 4 * PAGE);
	map(b + 20 * PAGE, RW, ANON);
	look(b + 20 * PAGE);
	CHECK(strcmp(line.name, "") == 0);
	OK(munmap(b, 21 * PAGE));
}

static void
stack(void)
{
	char *top = __builtin_frame_address(0);
	char *low = (char *)((uintptr_t)top & -PAGE) - 16 * PAGE;

	store(low, 1);
	OK(mprotect(low, PAGE, PROT_READ));
	look(top);
	CHECK(line.lo == low + PAGE);
	CHECK(strcmp(line.name, "[stack]") == 0);
	look(low);
	CHECK(line.lo == low && line.hi == low + PAGE);
	CHECK(strcmp(line.name, "") == 0);
	OK(mprotect(low, PAGE, RW));
	look(low);
	CHECK(line.hi > top);
	CHECK(strcmp(line.name, "[stack]") == 0);
}

static int maps;

/* What it ends a line with. */
static void
file(const char *path, const char *told)
{
	static char text[64 * KIB], want[1024];
	int fd = OK(open(path, O_RDWR | O_CREAT, 0600));
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	long n, sum = 0;

	CHECK(p != MAP_FAILED);
	OK(lseek(maps, 0, SEEK_SET));
	while ((n = OK(read(maps, text + sum, sizeof(text) - 1 - sum))) != 0)
		sum += n;
	text[sum] = '\0';
	snprintf(want, sizeof(want), " %s\n", told);
	if (strstr(text, want) == NULL)
		FAIL("no line of maps ends with%s%s", want, text);
	OK(munmap(p, PAGE));
	OK(close(fd));
	OK(unlink(path));
}

static void
files(void)
{
	static char folder[256], path[512];

	file("/tmp/a b\\c", "/tmp/a b\\c");
	file("/tmp/a\n0-1 r-xp 0 0:0 0 b", "/tmp/a\\0120-1 r-xp 0 0:0 0 b");
	snprintf(folder, sizeof(folder), "/tmp/%0200d", 1);
	OK(mkdir(folder, 0700));
	snprintf(path, sizeof(path), "%s/%0200d", folder, 2);
	file(path, path);
	OK(rmdir(folder));
}

static void
only_mapped(int fd, const char *name)
{
	struct stat st;
	char *p;

	OK(ftruncate(fd, PAGE));
	OK(fstat(fd, &st));
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	OK(close(fd));
	look(p);
	EQ(line.ino, st.st_ino);
	if (strcmp(line.name, name) != 0 || strcmp(line.more, "(deleted)") != 0)
		FAIL("%s is told as %s %s", name, line.name, line.more);
	OK(munmap(p, PAGE));
}

static void
files_without_a_name(void)
{
	unsigned long ino;
	int fd;

	only_mapped(OK(memfd_create("memory", 0)), "/memfd:memory");
	fd = OK(open("/dev/shm/gone", O_RDWR | O_CREAT, 0600));
	OK(unlink("/dev/shm/gone"));
	only_mapped(fd, "/dev/shm/gone");
	look(pages_shared(1));
	ino = line.ino;
	CHECK(ino != 0 && strcmp(line.name, "/dev/zero") == 0);
	look(pages_shared(2));
	CHECK(line.ino != 0 && line.ino != ino);
}

static void
in_a_jail(void)
{
	pid_t pid;

	if (geteuid() != 0)
		return;
	OK(mkdir("/tmp/jail", 0700));
	pid = OK(fork());
	if (pid == 0) {
		maps = OK(open("/proc/self/maps", O_RDONLY));
		OK(chroot("/tmp/jail"));
		file("/f", "/f");
		_exit(0);
	}
	REAP(pid, 0);
	OK(rmdir("/tmp/jail"));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	heap();
	stack();
	maps = OK(open("/proc/self/maps", O_RDONLY));
	files();
	files_without_a_name();
	in_a_jail();
	return test_done();
}
