/* NEEDS: MEM=64M SWAP=256M CPUS=2 TIMEOUT=150 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A program that reads a large file, once and again, does not push out
 * the pages that another one uses: its hard faults rise by less than 5 %.
 *
 * Argument: a file on a disk, larger than memory (cases/paging/paging_files.sh).
 */
#include "lib/trace.h"

static volatile int *scanned; /* parts read so far */

static void __attribute__((noreturn))
scan(const char *path)
{
	static char part[64 * KIB];
	int fd = OK(open(path, O_RDONLY));

	for (;;) {
		if (OK(read(fd, part, sizeof(part))) == 0)
			OK(lseek(fd, 0, SEEK_SET));
		(*scanned)++;
	}
}

int
main(int argc, char **argv)
{
	size_t m = meminfo("MemTotal");
	struct trace t = { "zipf", trace_zipf, m * 2, m * 8, 0, 3, 3,
		NULL };
	long warm, alone, beside, before;
	char *area;
	pid_t pid;

	need_swap();
	if (argc < 2) {
		printf("skipped: needs a file on a disk\n");
		return 0;
	}
	scanned = (volatile int *)pages_shared(1);
	area = pages_private(t.pages);
	warm = trace_replay(&t, area, NULL);
	alone = trace_replay(&t, area, NULL);
	pid = OK(fork());
	if (pid == 0)
		scan(argv[1]);
	trace_replay(&t, area, NULL); /* breaks what the fork shares */
	before = *scanned;
	beside = trace_replay(&t, area, NULL);
	printf("hard faults: %ld warming up, %ld alone, %ld beside a scan of "
	    "%ld KiB\n", warm, alone, beside, (*scanned - before) * 64L);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	CHECK(alone > 100 && *scanned - before > 16);
	LE(beside * 100, alone * 105 + 1600);
	return test_done();
}
