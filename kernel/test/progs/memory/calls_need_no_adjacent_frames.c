/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * Adjacent frames are rare when memory has been full: a copy from file to file goes
 * on without them, and who waits in a readv or poll of many has none, nor has a
 * terminal.
 */
#include "lib/sleeps.h"
#include "lib/test.h"
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define BYTES (256 * KIB)
#define MANY 1000

static char from[BYTES], to[BYTES];

/* The next piece of memory is refused. */
static void
refuse(void)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "FI_SLAB:1:0:1:%d", (int)getpid());
	EQ(proc_write("/proc/vm/inject", spec), 0);
}

static long
by_range(int in, int out)
{
	return copy_file_range(in, NULL, out, NULL, BYTES, 0);
}

static long
by_sendfile(int in, int out)
{
	return sendfile(out, in, NULL, BYTES);
}

static void
copy_goes_on(long (*copy)(int in, int out))
{
	int in = OK(open("/tmp/in", O_RDWR | O_CREAT | O_TRUNC, 0600));
	int out = OK(open("/tmp/out", O_RDWR | O_CREAT | O_TRUNC, 0600));

	for (size_t i = 0; i < BYTES; i++)
		from[i] = (char)(i * 7 + i / 4096);
	EQ(write(in, from, BYTES), (long)BYTES);
	OK(lseek(in, 0, SEEK_SET));
	EQ(write(out, "x", 1), 1); /* its first piece of memory is had */
	OK(lseek(out, 0, SEEK_SET));
	refuse();
	EQ(copy(in, out), (long)BYTES);
	(void)proc_write("/proc/vm/inject", "off");
	EQ(pread(out, to, BYTES, 0), (long)BYTES);
	EQ(memcmp(from, to, BYTES), 0);
	OK(close(in));
	OK(close(out));
}

/* How many runs of adjacent frames the kernel has. */
static long
runs(void)
{
	static char text[16384];
	int fd = OK(open("/proc/vm/slabs", O_RDONLY));
	long n = OK(read(fd, text, sizeof(text) - 1));
	char *at;

	OK(close(fd));
	text[n] = '\0';
	at = strstr(text, "kmem-large");
	at = at == NULL ? NULL : strstr(at, "live=");
	return at == NULL ? 0 : strtol(at + 5, NULL, 10);
}

/* Of how many pieces the lower 32 bits count: it is the same table that goes. */
static void
count_is_of_32_bits(void)
{
	static struct iovec v[MANY];
	int fd = OK(open("/dev/zero", O_RDONLY));
	static char byte[MANY];

	for (int i = 0; i < MANY; i++)
		v[i] = (struct iovec){ &byte[i], 1 };
	EQ(syscall(SYS_readv, fd, v, 1ul << 32 | MANY), (long)MANY);
	EQ(syscall(SYS_readv, fd, v, 1ul << 32 | 1), 1);
	OK(close(fd));
}

static void
waits_in_readv(int fd)
{
	static struct iovec v[MANY];

	for (int i = 0; i < MANY; i++)
		v[i] = (struct iovec){ to + i, 1 };
	(void)readv(fd, v, MANY);
}

static void
waits_in_poll(int fd)
{
	static struct pollfd p[MANY];

	for (int i = 0; i < MANY; i++)
		p[i] = (struct pollfd){ fd, POLLIN, 0 };
	(void)poll(p, MANY, -1);
}

static void
waiter_has_none(void (*waits)(int fd))
{
	long before = (runs(), runs()); /* the first to ask has a table made */
	int end[2];
	pid_t pid;

	OK(pipe(end));
	pid = OK(fork());
	if (pid == 0) {
		waits(end[0]);
		_exit(0);
	}
	process_sleeps(pid);
	EQ(runs(), before);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	OK(close(end[0]));
	OK(close(end[1]));
}

/* Lines and rings of a terminal are 30 KiB. */
static void
terminal_has_none(void)
{
	long before = (runs(), runs());
	int m = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));

	EQ(runs(), before);
	OK(close(m));
}

int
main(void)
{
	count_is_of_32_bits();
	if (!on_vadose()) {
		printf("skipped: needs /proc/vm/inject\n");
		return 0;
	}
	copy_goes_on(by_range);
	copy_goes_on(by_sendfile);
	waiter_has_none(waits_in_readv);
	waiter_has_none(waits_in_poll);
	terminal_has_none();
	return test_done();
}
