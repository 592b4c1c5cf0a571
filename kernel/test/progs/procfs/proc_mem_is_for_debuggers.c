/* NEEDS: MEM=64M SWAP=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * /proc/PID/mem reads what the process itself may not, and writes private pages that
 * it may not, to copies of its own: the rights of the process stay as they are, and
 * files and others see nothing of it.  What is shared keeps to its rights, a hole is
 * EIO, a stack grows, and only who may trace the process opens it.
 */
#include "lib/test.h"
#include "lib/trap.h"
#include <sys/mman.h>
#include <sys/wait.h>

static int mem;

static long
peek(const volatile void *p, void *to, size_t n)
{
	return pread(mem, to, n, (off_t)(uintptr_t)p);
}

static long
poke(volatile void *p, const void *from, size_t n)
{
	return pwrite(mem, from, n, (off_t)(uintptr_t)p);
}

static volatile char *
map(size_t pages, int prot, int flags, int fd)
{
	void *p = mmap(NULL, pages * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A private page that the process cannot write: written, seen, and as it was. */
static void
pokes_into(volatile char *p, bool readable)
{
	char was, c = 'x';

	EQ(peek(p + 5, &was, 1), 1);
	EQ(poke(p + 5, "Z", 1), 1);
	EQ(peek(p + 5, &c, 1), 1);
	EQ(c, 'Z');
	EQ(TRAPPED(p[5] = 1), SIGSEGV);
	EQ(trap_info.code, SEGV_ACCERR);
	EQ(TRAPPED(p[5]), readable ? 0 : SIGSEGV);
	EQ(peek(p + 6, &c, 1), 1);
	CHECK(c != 'Z');
}

static void
private_pages(void)
{
	const int anon = MAP_PRIVATE | MAP_ANONYMOUS;
	volatile char *p = map(4, PROT_READ | PROT_WRITE, anon, -1);

	memset((void *)p, 'a', 4 * PAGE);
	OK(mprotect((void *)p, PAGE, PROT_NONE));
	OK(mprotect((void *)(p + PAGE), PAGE, PROT_READ));
	pokes_into(p, false);
	pokes_into(p + PAGE, true);
	OK(mprotect((void *)p, 4 * PAGE, PROT_READ));
	EQ(p[5], 'Z');
	EQ(p[4], 'a');
	OK(madvise((void *)p, PAGE, MADV_PAGEOUT));
	pokes_into(p, true);
	/* Locked pages stay where they are, and out of reach. */
	OK(mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE));
	p[5] = 'a';
	OK(mlock((void *)p, PAGE));
	OK(mprotect((void *)p, PAGE, PROT_NONE));
	pokes_into(p, false);
	OK(munmap((void *)p, 4 * PAGE));
	/* Never touched. */
	pokes_into(map(1, PROT_NONE, anon, -1), false);
	pokes_into(map(1, PROT_READ, anon, -1), true);
}

/* What a debugger's page brings along is out of reach as well. */
static void
neighbours(void)
{
	volatile char *p = map(16, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pid_t pid;
	char c;
	int i;

	memset((void *)p, 'n', 16 * PAGE);
	pid = (pid_t)OK(fork());
	if (pid == 0) {
		mem = (int)OK(open("/proc/self/mem", O_RDWR));
		OK(mprotect((void *)p, 16 * PAGE, PROT_NONE));
		EQ(peek(p, &c, 1), 1);
		for (i = 0; i < 16; i++)
			EQ(TRAPPED(p[i * PAGE]), SIGSEGV);
		_exit(0);
	}
	REAP(pid, 0);
	OK(mprotect((void *)p, 16 * PAGE, PROT_READ));
	EQ(poke(p, "Z", 1), 1);
	for (i = 0; i < 16; i++)
		EQ(TRAPPED(p[i * PAGE] = 1), SIGSEGV);
	OK(munmap((void *)p, 16 * PAGE));
}

/* Stored to by a debugger first, by the program later. */
static void
written_later(int flags, int fd)
{
	pid_t pid = (pid_t)OK(fork());
	volatile char *p;

	if (pid == 0) {
		mem = (int)OK(open("/proc/self/mem", O_RDWR));
		p = map(4, PROT_READ, flags, fd);
		EQ(poke(p + PAGE + 5, "Z", 1), 1);
		EQ(TRAPPED(p[PAGE] = 1), SIGSEGV);
		OK(mprotect((void *)p, 4 * PAGE, PROT_READ | PROT_WRITE));
		for (int i = 0; i < 4; i++)
			p[i * PAGE] = 'w';
		EQ(p[PAGE + 5], 'Z');
		OK(munmap((void *)(p + 2 * PAGE), PAGE));
		OK(mprotect((void *)p, PAGE, PROT_READ));
		_exit(0);
	}
	REAP(pid, 0);
}

static void
files(void)
{
	char path[] = "/tmp/mem.XXXXXX", block[PAGE], c;
	int fd = (int)OK(mkstemp(path));
	volatile char *p;

	OK(unlink(path));
	memset(block, 'f', sizeof(block));
	for (int i = 0; i < 4; i++)
		EQ(write(fd, block, sizeof(block)), PAGE);
	pokes_into(map(4, PROT_READ, MAP_PRIVATE, fd), true);
	pokes_into(map(4, PROT_NONE, MAP_PRIVATE, fd), false);
	pokes_into(map(4, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd), true);
	EQ(pread(fd, &c, 1, 5), 1);
	EQ(c, 'f');
	written_later(MAP_PRIVATE, fd);
	p = map(4, PROT_READ, MAP_SHARED, fd);
	EQ(peek(p, &c, 1), 1);
	ERR(poke(p, "Z", 1), EIO);
	OK(mprotect((void *)p, PAGE, PROT_NONE));
	EQ(peek(p, &c, 1), 1);
	EQ(c, 'f');
	ERR(poke(p, "Z", 1), EIO);
	EQ(TRAPPED(p[0]), SIGSEGV);
	OK(mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE));
	EQ(poke(p, "S", 1), 1);
	EQ(pread(fd, &c, 1, 0), 1);
	EQ(c, 'S');
	/* Behind the end of the file. */
	p = map(5, PROT_READ, MAP_PRIVATE, fd);
	ERR(peek(p + 4 * PAGE, &c, 1), EIO);
	ERR(poke(p + 4 * PAGE, "Z", 1), EIO);
	close(fd);
}

static __attribute__((noinline, aligned(64))) int
answer(void)
{
	__asm__ volatile("");
	return 0x11223344;
}

/* As a debugger sets a breakpoint. */
static void
code(void)
{
	int (*volatile call)(void) = answer;
	unsigned char text[32];
	size_t i;

	EQ(call(), 0x11223344);
	EQ(peek((void *)answer, text, sizeof(text)), sizeof(text));
	for (i = 0; memcmp(text + i, "\x44\x33\x22\x11", 4) != 0; i++)
		LE(i, sizeof(text) - 5);
	EQ(poke((char *)answer + i, "\x45", 1), 1);
	EQ(call(), 0x11223345);
}

static void
edges(void)
{
	volatile char *p = map(3, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char buf[2 * PAGE];

	OK(munmap((void *)(p + PAGE), PAGE));
	p[PAGE - 1] = 'q';
	EQ(peek(p + PAGE - 3, buf, 8), 3);
	EQ(buf[2], 'q');
	EQ(poke(p + PAGE - 3, "1234567", 7), 3);
	ERR(peek(p + PAGE, buf, 1), EIO);
	ERR(poke(p + PAGE, buf, 1), EIO);
	ERR(peek(NULL, buf, 1), EIO);
	ERR(peek((void *)0x7ffffffff000, buf, 1), EIO);
	ERR(pread(mem, buf, 1, -4096), EINVAL);
	EQ(peek(p, buf, 0), 0);
	EQ(peek(p + PAGE, buf, 0), 0);
	ERR(peek(p, (void *)(p + PAGE), 4), EFAULT);
	ERR(poke(p, (void *)(p + PAGE), 4), EFAULT);
	ERR(peek(p + PAGE, (void *)(p + PAGE), 4), EIO);
	EQ(p[0], 0);
	/* The position is the address. */
	EQ(lseek(mem, (off_t)(uintptr_t)p, SEEK_SET), (long)p);
	EQ(read(mem, buf, PAGE), PAGE);
	EQ(lseek(mem, 0, SEEK_CUR), (long)p + (long)PAGE);
	ERR(lseek(mem, 0, SEEK_END), EINVAL);
	/* Far below what the stack has, and it has room to grow. */
	EQ(peek((char *)__builtin_frame_address(0) - 4 * MIB, buf, 1), 1);
}

static char shared_word[8] = "before";

static void
others(void)
{
	int to[2], back[2], fd;
	char path[64], c = 0, word[8];
	pid_t pid;

	OK(pipe(to));
	OK(pipe(back));
	pid = (pid_t)OK(fork());
	if (pid == 0) {
		close(to[1]);
		EQ(read(to[0], &c, 1), 1);
		EQ(strcmp(shared_word, "after!"), 0);
		EQ(write(back[1], "k", 1), 1);
		(void)!read(to[0], &c, 1);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = (int)OK(open(path, O_RDWR));
	EQ(pread(fd, word, 8, (off_t)(uintptr_t)shared_word), 8);
	EQ(strcmp(word, "before"), 0);
	EQ(pwrite(fd, "after!", 7, (off_t)(uintptr_t)shared_word), 7);
	EQ(strcmp(shared_word, "before"), 0);
	EQ(write(to[1], "g", 1), 1);
	EQ(read(back[0], &c, 1), 1);
	close(to[1]);
	REAP(pid, 0);
	EQ(pread(fd, word, 8, (off_t)(uintptr_t)shared_word), 0);
	EQ(pwrite(fd, word, 8, (off_t)(uintptr_t)shared_word), 0);
	close(fd);
}

/* Root's memory is not for others. */
static void
rights(void)
{
	char path[64];
	pid_t pid;

	if (geteuid() != 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/mem", getpid());
	pid = (pid_t)OK(fork());
	if (pid == 0) {
		OK(setgid(1000));
		OK(setuid(1000));
		ERR(open(path, O_RDONLY), EACCES);
		ERR(open(path, O_WRONLY), EACCES);
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(void)
{
	trap_catch(0);
	mem = (int)OK(open("/proc/self/mem", O_RDWR));
	private_pages();
	neighbours();
	written_later(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	files();
	code();
	edges();
	others();
	rights();
	return test_done();
}
