/* NEEDS: MEM=64M CPUS=4 TIMEOUT=60 APPEND=trace_records=256 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * /proc/vm/trace is read while the rings turn over fast: its records have
 * numbers that only grow, none comes twice.
 */
#include "lib/test.h"

#define FILES 20    /* looked at, and more until one has records: */
#define FILES_MOST 2000
#define RECORD 40U

/* Faults leave records. */
static void
busy(void)
{
	for (;;) {
		char *p = pages_private(16);

		for (int i = 0; i < 16; i++)
			p[i * PAGE] = 1;
		OK(munmap(p, 16 * PAGE));
	}
}

/* How many there are: none, where all was overwritten before it was read. */
static size_t
file_is_in_order(void)
{
	static char file[MIB];
	size_t n = 0;
	ssize_t got;
	uint32_t start;
	uint64_t last = 0, seq;
	int fd = OK(open("/proc/vm/trace", O_RDONLY));

	while ((got = read(fd, file + n, sizeof(file) - n)) > 0)
		n += (size_t)got;
	OK(close(fd));
	memcpy(&start, file + 12, 4); /* tools/trace/vtr.h */
	for (size_t at = start; at + RECORD <= n; at += RECORD) {
		memcpy(&seq, file + at, 8);
		if (seq <= last)
			FAIL("record %zu has the number %lu, behind %lu",
			    (at - start) / RECORD, seq, last);
		last = seq;
	}
	return (n - start) / RECORD;
}

int
main(void)
{
	size_t records = 0;
	pid_t pid[3];

	if (!on_vadose())
		return 0;
	for (int i = 0; i < 3; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			busy();
	}
	for (int i = 0; i < FILES || (records == 0 && i < FILES_MOST); i++)
		records += file_is_in_order();
	CHECK(records > 0);
	for (int i = 0; i < 3; i++) {
		OK(kill(pid[i], SIGKILL));
		REAP_SIGNAL(pid[i], SIGKILL);
	}
	return test_done();
}
