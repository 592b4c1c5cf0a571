/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 */
/*
 * Files are made, fsync'ed and told about; between them others come, grow,
 * are renamed and go without fsync.  cases/ext2_power.sh takes the power
 * away and looks for those that were told about.
 *
 * Arguments: folder (a new one), number of files (for ever).
 */
#include "lib/test.h"

#define ALONE 40 /* files, without arguments */

/* File n: its own line, again and again. */
static void
fill(int fd, int n, size_t size)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "file %d\n", n);
	static char data[64 * KIB];

	for (size_t i = 0; i < size; i++)
		data[i] = line[i % len];
	EQ(write(fd, data, size), size);
}

static int
made(const char *kind, int n, size_t size)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%s%d", kind, n);
	fd = OK(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
	fill(fd, n, size);
	return fd;
}

/* What nobody waits for. */
static void
disorder(int n)
{
	char from[32], to[32];

	OK(close(made("junk", n, n * 977 % 40000)));
	snprintf(from, sizeof(from), "junk%d", n - 3);
	snprintf(to, sizeof(to), "old%d", n % 5);
	if (n >= 3)
		OK(rename(from, to));
	snprintf(to, sizeof(to), "dir%d", n % 7);
	if (mkdir(to, 0755) != 0)
		OK(rmdir(to));
}

static void
gone(const char *kind, int n)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%d", kind, n);
	if (remove(name) != 0)
		EQ(errno, ENOENT);
}

/* After ALONE files. */
static void
clean(void)
{
	for (int n = 0; n < ALONE; n++) {
		gone("kept", n);
		gone("junk", n);
		gone("old", n);
		gone("dir", n);
	}
	leave_tmp();
}

int
main(int argc, char **argv)
{
	long last = argc > 2 ? atol(argv[2]) : 0;

	if (argc < 2) {
		enter_tmp();
		last = ALONE;
	} else {
		OK(chdir(argv[1]));
	}
	for (int n = 0; last == 0 || n < last; n++) {
		char line[16];
		int fd = made("kept", n, n * 7919 % 60000 + 1);
		int len = snprintf(line, sizeof(line), "%d\n", n);

		OK(fsync(fd));
		EQ(write(STDOUT_FILENO, line, len), len);
		OK(close(fd));
		disorder(n);
	}
	if (argc < 2)
		clean();
	return test_done();
}
