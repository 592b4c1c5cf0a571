/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * What is written to clear_refs says which pages are taken for unused until they are
 * used again: 1 all, 2 those of no file, 3 those of files.  4 is for words of pagemap, 5
 * makes the peak what is there now.  It cannot be read.
 */
#include "lib/smaps.h"

#define N 16UL
#define PATH "/proc/self/clear_refs"

static char *own, *file;

/* Linux flushes no TLB for that, so that a use soon after may not be seen. */
static void
flush(void *p)
{
	OK(mprotect(p, N * PAGE, PROT_READ));
	OK(mprotect(p, N * PAGE, PROT_READ | PROT_WRITE));
}

static int
forget(const char *text)
{
	int fd = OK(open(PATH, O_WRONLY));
	int r = write(fd, text, strlen(text));
	int e = errno;

	close(fd);
	if (!on_vadose()) {
		flush(own);
		flush(file);
	}
	errno = e;
	return r;
}

/* So many pages of each were used. */
static void
used(unsigned long of_own, unsigned long of_file)
{
	EQ(smaps_kb(own, N, "Referenced"), of_own * 4);
	EQ(smaps_kb(file, N, "Referenced"), of_file * 4);
}

static void
use_all(void)
{
	memset(own, 'o', N * PAGE);
	memset(file, 'f', N * PAGE);
}

static void
by_kind(void)
{
	use_all();
	used(N, N);
	EQ(forget("2\n"), 2);
	used(0, N);
	EQ(forget("3"), 1);
	used(0, 0);
	EQ(smaps_kb(own, N, "Rss"), N * 4);
	EQ(own[PAGE], 'o');
	EQ(file[PAGE], 'f');
	used(1, 1);
	use_all();
	EQ(forget("4"), 1);
	EQ(forget("5"), 1);
	used(N, N);
	EQ(forget(" 1 "), 3);
	used(0, 0);
	EQ(own[PAGE], 'o');
	EQ(file[PAGE], 'f');
}

/* Also of somebody else, whom he does not stop. */
static void
of_a_child(void)
{
	char path[64], c;
	int fd, status, go[2];
	siginfo_t si;
	pid_t pid;

	OK(pipe(go));
	pid = OK(fork());
	if (pid == 0) {
		use_all();
		c = (char)(read(go[0], &c, 1) == 1 && own[0] == 'o' && file[0] == 'f');
		_exit(c ? 0 : 1);
	}
	snprintf(path, sizeof(path), "/proc/%d/clear_refs", pid);
	fd = OK(open(path, O_WRONLY));
	EQ(write(fd, "1", 1), 1);
	EQ(write(go[1], "g", 1), 1);
	EQ(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
	EQ(write(fd, "1", 1), 1); /* a zombie has nothing to forget */
	EQ(OK(waitpid(pid, &status, 0)), pid);
	EQ(status, 0);
	ERR(write(fd, "1", 1), ESRCH);
	close(fd);
}

static void
peak(void)
{
	size_t len = 2 * MIB;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long before;

	CHECK(p != MAP_FAILED);
	memset(p, 1, len);
	OK(munmap(p, len));
	before = line_number("/proc/self/status", "VmHWM");
	EQ(forget("5"), 1);
	LE(line_number("/proc/self/status", "VmHWM"), before - 1024);
}

static void
refused(void)
{
	static const char *const not[] = { "0", "6", "-1", "x", "1x", "1 1" };
	char c;
	int fd;

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		ERR(forget(not[i]), EINVAL);
	ERR(forget("99999999999"), ERANGE);
	fd = OK(open(PATH, O_RDWR));
	ERR(read(fd, &c, 1), EINVAL);
	close(fd);
}

int
main(void)
{
	own = pages_apart(N);
	file = pages_shared(N);
	by_kind();
	of_a_child();
	peak();
	refused();
	return test_done();
}
