/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 ICOUNT=1 APPEND=trace_records=32768 SWEEP=no KIND=exact */
/*
 * The texts of a process with 9,000 mappings are made as they are read: they are
 * whole however they are read, hundreds of open files keep nothing of them, and who
 * is killed while he waits for one ends at once.  The counters are read without a
 * flush, and are of one moment however long their reader takes.
 */
#include "lib/events.h"

#define MAPPINGS 9000
#define OPEN 200
#define RECORD 40 /* of the trace */

static char whole[2 * MIB], again[2 * MIB];
static char *area;

static void
make_mappings(void)
{
	area = mmap(NULL, MAPPINGS * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	CHECK(area != MAP_FAILED);
	for (int i = 0; i < MAPPINGS; i += 2)
		OK(mprotect(area + i * PAGE, PAGE, PROT_READ | PROT_WRITE));
}

/* All that comes by reads of so many bytes. */
static size_t
read_by(int fd, char *buf, size_t step)
{
	size_t n = 0;
	ssize_t r;

	while ((r = OK(read(fd, buf + n, step))) > 0) {
		LE(r, (long)step);
		n += (size_t)r;
		CHECK(n <= 2 * MIB - step);
	}
	return n;
}

/* Each line of maps is there, in its order. */
static void
all_are_told(const char *text)
{
	unsigned long lo, hi, end = 0;
	int found = 0;

	for (; *text != '\0'; text = strchr(text, '\n') + 1) {
		EQ(sscanf(text, "%lx-%lx", &lo, &hi), 2);
		CHECK(end <= lo);
		end = hi;
		if (lo >= (unsigned long)area &&
		    hi <= (unsigned long)area + MAPPINGS * PAGE) {
			EQ(hi - lo, PAGE);
			found++;
		}
	}
	LE(MAPPINGS - 2, found);
}

static void
maps_are_whole(void)
{
	int fd = OK(open("/proc/self/maps", O_RDONLY));
	size_t n = read_by(fd, whole, 4096), at;

	whole[n] = '\0';
	all_are_told(whole);
	EQ(read(fd, again, 1), 0);
	EQ(lseek(fd, 0, SEEK_CUR), (long)n);
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(read_by(fd, again, 997), n);
	EQ(memcmp(whole, again, n), 0);
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(read_by(fd, again, 200000), n);
	EQ(memcmp(whole, again, n), 0);
	for (at = n - 1; at > n / 2; at -= n / 11) {
		ssize_t r = OK(pread(fd, again, 300, (off_t)at));

		LE(1, r);
		EQ(memcmp(whole + at, again, (size_t)r), 0);
	}
	EQ(pread(fd, again, 1, (off_t)n), 0);
	EQ(pread(fd, again, 1, (off_t)n + 100000), 0);
	OK(lseek(fd, (off_t)n / 2, SEEK_SET));
	LE(1, OK(read(fd, again, 40)));
	EQ(memcmp(whole + n / 2, again, 1), 0);
	OK(close(fd));
}

static void
smaps_are_whole(void)
{
	static char buf[4097];
	FILE *f = fopen("/proc/self/smaps", "r");
	int sizes = 0;

	CHECK(f != NULL);
	while (fgets(buf, sizeof(buf), f) != NULL)
		sizes += strncmp(buf, "Size:", 5) == 0;
	EQ(ferror(f), 0);
	LE(MAPPINGS, sizes);
	fclose(f);
}

static void
open_files_keep_little(void)
{
	static const char *const name[] = { "self/maps", "self/smaps", "vm/trace" };
	unsigned names = on_vadose() ? 3 : 2;
	int fd[OPEN];
	char path[64], c;

	for (int i = 0; i < OPEN; i++) {
		snprintf(path, sizeof(path), "/proc/%s", name[i % names]);
		fd[i] = OK(open(path, O_RDONLY));
		EQ(read(fd[i], &c, 1), 1);
	}
	for (int i = 0; i < OPEN; i++)
		OK(close(fd[i]));
}

/* The records of the trace: each has a greater number than the one before. */
static void
trace_is_in_order(size_t step)
{
	int fd = OK(open("/proc/vm/trace", O_RDONLY));
	size_t n = read_by(fd, whole, step), at;
	uint64_t seq, last = 0;
	uint32_t start;

	OK(close(fd));
	memcpy(&start, whole + 12, sizeof(start)); /* tools/trace/vtr.h */
	LE(1000, (long)(n - start) / RECORD);
	EQ((n - start) % RECORD, 0);
	for (at = start; at < n; at += RECORD, last = seq) {
		memcpy(&seq, whole + at, sizeof(seq));
		CHECK(seq > last);
	}
}

/* What happens while the text is read in two pieces is not in the second. */
static void
counters_are_of_one_moment(void)
{
	char *fresh = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *text = snap_area[3].text;
	size_t n;
	int fd;

	snap_all(1);
	snap_all(2);
	DELTA_EQ(1, 2, "tlb.flush", 0);
	fd = OK(open("/proc/vm/events", O_RDONLY));
	EQ(read(fd, text, 1), 1);
	memset(fresh, 1, 64 * PAGE);
	n = 1 + read_by(fd, text + 1, 97);
	text[n] = '\0';
	OK(close(fd));
	LE(PAGE, (long)n);
	DELTA_EQ(2, 3, "ws.insert", 0);
	snap_all(4);
	DELTA_EQ(2, 4, "ws.insert", 64);
}

/* Behind the end: all must be made to find that out. */
static int64_t
look_behind(void)
{
	int64_t t0 = now_ns();
	int fd = OK(open("/proc/self/smaps", O_RDONLY));
	char c;

	EQ(pread(fd, &c, 1, 1L << 40), 0);
	OK(close(fd));
	return now_ns() - t0;
}

static void
a_killed_reader_ends(void)
{
	int64_t whole_ns = look_behind(), t0;
	pid_t pid = OK(fork());

	if (pid == 0)
		for (;;)
			look_behind();
	t0 = now_ns();
	while ((int64_t)now_ns() - t0 < whole_ns / 3)
		sched_yield();
	t0 = now_ns();
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	if (whole_ns > 100000000)
		LE((int64_t)now_ns() - t0, whole_ns / 4);
}

int
main(void)
{
	make_mappings();
	maps_are_whole();
	smaps_are_whole();
	if (on_vadose()) {
		snap_init();
		counters_are_of_one_moment();
		trace_is_in_order(200000);
		trace_is_in_order(997);
	}
	open_files_keep_little();
	a_killed_reader_ends();
	return test_done();
}
