/* NEEDS: MEM=64M SWAP=128M TIMEOUT=60 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A bit of everything that memory can do, between marks 1 and 2.  With an
 * argument it prints what each counter did between them: the trace of the
 * same run must have as many events.
 */
#include "lib/test.h"
#include <sys/prctl.h>

#define MARK 0x564e
#define FORKED 64
#define TEXT (128 * KIB)

/* What was going on comes to rest, so that a mark is one moment. */
static void
mark(int id)
{
	usleep(300000);
	(void)prctl(MARK, id);
}

static void
forks(char *p)
{
	pid_t pid;

	for (int round = 0; round < 3; round++) {
		pid = OK(fork());
		if (pid == 0) {
			memset(p + round * PAGE, 'c', FORKED / 2 * PAGE);
			EQ(p[(FORKED - 1) * PAGE], 'p');
			_exit(0);
		}
		p[round * PAGE] = 'p';
		REAP(pid, 0);
	}
}

static void
files(void)
{
	char *m, path[40];
	int fd;

	snprintf(path, sizeof(path), "/tmp/between.%d", (int)getpid());
	fd = OK(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
	OK(ftruncate(fd, 16 * PAGE));
	m = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	for (int i = 0; i < 16; i++)
		m[i * PAGE] = (char)i;
	OK(mprotect(m + 4 * PAGE, 2 * PAGE, PROT_READ));
	OK(munmap(m + 8 * PAGE, PAGE));
	OK(ftruncate(fd, 0));
	OK(munmap(m, 16 * PAGE));
	OK(close(fd));
	OK(unlink(path));
}

/* More than there is: out to swap, and back. */
static void
pressure(void)
{
	size_t n = 72 * MIB / PAGE;
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < n; i++)
		*(size_t *)(p + i * PAGE) = i;
	for (size_t i = 0; i < n; i += 16)
		EQ(*(size_t *)(p + i * PAGE), i);
	OK(munmap(p, n * PAGE));
}

/* The value of a counter at a mark, in the text of /proc/vm/marks. */
static const char *
at_mark(const char *text, int id)
{
	char head[32];
	const char *s;

	snprintf(head, sizeof head, "mark=%d ", id);
	s = strstr(text, head);
	CHECK(s != NULL);
	return strchr(s, '\n') + 1;
}

static void
print_deltas(void)
{
	static char text[TEXT];
	int fd = OK(open("/proc/vm/marks", O_RDONLY));
	const char *a, *b;
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, text + n, TEXT - 1 - n)) > 0)
		n += (size_t)r;
	OK(close(fd));
	a = at_mark(text, 1);
	b = at_mark(text, 2);
	while (*b != '\0' && strncmp(b, "mark=", 5) != 0) {
		n = strcspn(b, " ");
		CHECK(strncmp(a, b, n + 1) == 0);
		printf("%.*s %ld\n", (int)n, b, atol(b + n) - atol(a + n));
		a = strchr(a, '\n') + 1;
		b = strchr(b, '\n') + 1;
	}
}

int
main(int argc, char **argv)
{
	char *p = mmap(NULL, FORKED * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 'p', FORKED * PAGE);
	mark(1);
	forks(p);
	files();
	pressure();
	mark(2);
	if (argc > 1)
		print_deltas();
	return test_done();
}
