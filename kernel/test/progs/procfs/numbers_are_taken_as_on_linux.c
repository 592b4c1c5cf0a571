/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * A number that is written to a file of /proc/sys: how it may be spelled, what may
 * stand around it, and that only root sets it, whoever has opened the file.
 */
#include "lib/test.h"

#define FILE_MODE "/proc/sys/vm/overcommit_memory"

static int fd;

static long
value(void)
{
	char text[32] = "";

	LE(1, OK(pread(fd, text, sizeof(text) - 1, 0)));
	return strtol(text, NULL, 10);
}

/* What write answers to that text, made of the value; which stays what it is. */
static void
row(const char *format, long expected)
{
	long v = value(), n;
	char text[64];

	snprintf(text, sizeof(text), format, v);
	OK(lseek(fd, 0, SEEK_SET));
	n = write(fd, text, strlen(text));
	if (n < 0)
		n = -errno;
	if (n != expected || value() != v)
		FAIL("\"%s\": expected %ld, seen %ld, value %ld", text, expected, n, value());
}

static void
spellings(void)
{
	row("%ld", 1);
	row("%ld\n", 2);
	row(" \t\n%ld \n", 6);
	row("0x%lx", 3);
	row("0%lo", 2);
	row("000%lo\n", 5);
	/* The next number is not read, whatever it is. */
	row("%ld 9\n", 2);
	row("%ld\tx", 2);
	row("x", -EINVAL);
	row(" \n", -EINVAL);
	row("%ldx", -EINVAL);
	row("%ld,1", -EINVAL);
	row("%ld.0", -EINVAL);
	row("0x", -EINVAL);
	row("08", -EINVAL);
	row("- %ld", -EINVAL);
	/* Beyond 2^32 and 2^64. */
	row("4294967296", -EINVAL);
	row("18446744073709551616", -EINVAL);
	row("18446744073709551617", -EINVAL);
}

static void
of_root(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setresuid(1000, 1000, 1000));
		row("%ld", -EPERM);
		row("x", -EPERM);
		_exit(0);
	}
	REAP(pid, 0);
	row("%ld", 1);
}

/* The least and the most that a limit may be. */
static void
bounds(void)
{
	char was[32] = "", text[32];
	int f = OK(open("/proc/sys/fs/file-max", O_RDWR));

	if (!on_vadose()) {
		OK(close(f)); /* it is everybody's */
		return;
	}
	LE(1, OK(pread(f, was, sizeof(was) - 1, 0)));
	EQ(write(f, "0", 1), 1);
	EQ(pread(f, text, sizeof(text), 0), 2);
	EQ(text[0], '0');
	ERR(write(f, "9223372036854775808", 19), EINVAL);
	EQ(write(f, "9223372036854775807", 19), 19);
	EQ(write(f, was, strlen(was)), strlen(was));
	OK(close(f));
}

int
main(void)
{
	fd = open(FILE_MODE, O_RDWR);
	if (fd < 0) {
		CHECK(!on_vadose());
		printf("skipped\n");
		return 0;
	}
	spellings();
	of_root();
	bounds();
	OK(close(fd));
	return test_done();
}
