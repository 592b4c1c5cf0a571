/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T24: exec, vfork, exit many times; what a process says of its memory:
 * faults, maps, smaps, statm and mincore agree.
 */
#include "lib/smaps.h"
#include "lib/trap.h"

#define N 64UL
#define ROUNDS rounds(rounds(500))
#define FIXED ((char *)0x200000000000UL)

static const char *self = "/proc/self/exe";

/* ---- the program that exec starts: main() with an argument ---- */

/* "exit:42": only that.  "maps": what the old program mapped is gone. */
static int
execed(const char *what)
{
	if (strncmp(what, "exit:", 5) == 0)
		return atoi(what + 5);
	trap_catch(0);
	if (strcmp(what, "maps") == 0) {
		TRAP(load(FIXED), SIGSEGV, SEGV_MAPERR, FIXED);
		ERR(mincore(FIXED, PAGE, (unsigned char[1]){ 0 }), ENOMEM);
		EQ(status_kb("VmLck"), 0);
		return 7;
	}
	return 99;
}

static void __attribute__((noreturn))
exec_self(const char *what)
{
	char *argv[] = { "t24", (char *)what, NULL }, *envp[] = { NULL };

	execve(self, argv, envp);
	_exit(100);
}

/* ---- processes ---- */

static void
mixed(void)
{
	char *p = pages_private(N), *s = pages_shared(1), arg[16];
	pid_t pid;

	memset(p, 'm', N * PAGE);
	for (int i = 0, n = ROUNDS; i < n; i++) {
		int code = i % 100;

		snprintf(arg, sizeof(arg), "exit:%d", code);
		fflush(stdout);
		pid = OK(i % 5 == 1 ? vfork() : fork());
		if (pid == 0) {
			switch (i % 5) {
			case 0: /* writes, and exits */
				store(p + i % N * PAGE, i);
				store(s, i);
				_exit(code);
			case 1:
				exec_self(arg);
			case 2: /* exits at once */
				_exit(code);
			case 3:
				memset(p, 'x', N * PAGE);
				exec_self(arg);
			default: /* leaves a child to init */
				if (fork() == 0)
					_exit(1);
				_exit(code);
			}
		}
		REAP(pid, code);
		if (i % 5 == 0)
			EQ(load(s), i & 0xff);
		EQ(load(p + i % N * PAGE), 'm');
	}
	printf("%ld children: forked, execed, gone\n", ROUNDS);
	OK(munmap(p, N * PAGE));
	OK(munmap(s, PAGE));
}

static void
vforked(void)
{
	char *p = pages_private(2);
	pid_t pid;

	store(p, 'a');
	pid = OK(vfork());
	if (pid == 0) {
		store(p, 'b');
		store(p + PAGE, 'c');
		_exit(3);
	}
	REAP(pid, 3);
	EQ(load(p), 'b');
	EQ(load(p + PAGE), 'c');
	pid = OK(vfork());
	if (pid == 0) {
		store(p, 'd');
		exec_self("exit:5");
	}
	REAP(pid, 5);
	EQ(load(p), 'd');
	OK(munmap(p, 2 * PAGE));
	printf("a child of vfork shares memory until exec\n");
}

static void
exec_drops(void)
{
	char *p = mmap(FIXED, N * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	pid_t pid;

	EQ(p, FIXED);
	memset(p, 'e', N * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		OK(mlock(p, PAGE));
		exec_self("maps");
	}
	REAP(pid, 7);
	EQ(load(p + PAGE), 'e');
	OK(munmap(p, N * PAGE));
	printf("exec drops all mappings\n");
}

/* ---- what a process says of itself ---- */

static void
faults(void)
{
	struct rusage a, b, c;
	char *p = pages_apart(N), *q = pages_apart(N);

	OK(getrusage(RUSAGE_SELF, &a));
	for (size_t i = 0; i < N; i++)
		store(p + i * PAGE, 1);
	OK(getrusage(RUSAGE_SELF, &b));
	LE(N, b.ru_minflt - a.ru_minflt);
	for (size_t i = 0; i < N; i++)
		store(q + i * PAGE, 1);
	OK(getrusage(RUSAGE_SELF, &c));
	LE(N, c.ru_minflt - b.ru_minflt);
	LE(a.ru_majflt, b.ru_majflt);
	LE(b.ru_majflt, c.ru_majflt);
	OK(munmap(p, N * PAGE));
	OK(munmap(q, N * PAGE));
	OK(getrusage(RUSAGE_SELF, &a));
	LE(c.ru_minflt, a.ru_minflt);
	printf("minflt: at least one for each page touched\n");
}

static void
touched(void)
{
	unsigned char vec[N];
	char *p = pages_apart(N);

	for (size_t i = 0; i < N; i += 3)
		store(p + i * PAGE, 1);
	OK(mincore(p, N * PAGE, vec));
	for (size_t i = 0; i < N; i++)
		EQ(vec[i] & 1, i % 3 == 0);
	EQ(smaps_kb(p, N, "Size"), N * 4);
	EQ(smaps_kb(p, N, "Rss"), (N + 2) / 3 * 4);
	EQ(smaps_kb(p, N, "Anonymous"), (N + 2) / 3 * 4);
	EQ(smaps_kb(p, N, "Private_Dirty"), (N + 2) / 3 * 4);
	EQ(smaps_kb(p, N, "Swap"), 0);
	OK(madvise(p, N * PAGE, MADV_DONTNEED));
	EQ(resident(p, N), 0);
	EQ(smaps_kb(p, N, "Rss"), 0);
	OK(munmap(p, N * PAGE));
	ERR(mincore(p, N * PAGE, vec), ENOMEM);
	printf("mincore and smaps: the pages touched\n");
}

/* Rows of one mapping of smaps, in kB. */
struct row {
	long size, rss, pss, clean, dirty, shared;
};

static void
check_row(const struct row *r, long *rss, long *pss)
{
	LE(r->rss, r->size);
	LE(r->pss, r->rss);
	EQ(r->clean + r->dirty + r->shared, r->rss);
	*rss += r->rss;
	*pss += r->pss;
}

/* Sum up smaps; sizes must agree with the addresses. */
static int
sum_smaps(long *size, long *rss, long *pss)
{
	const char *line = text_read("/proc/self/smaps");
	struct row r = { 0 };
	unsigned long a, b;
	int n = 0;

	*size = *rss = *pss = 0;
	for (; line != NULL; line = text_next(line)) {
		long v = strtol(line + strcspn(line, ":") + 1, NULL, 10);

		if (sscanf(line, "%lx-%lx ", &a, &b) == 2) {
			if (n++ > 0)
				check_row(&r, rss, pss);
			r = (struct row){ 0 };
			*size += (b - a) / KIB;
		} else if (text_is(line, "Size")) {
			r.size = v;
			EQ(v, (b - a) / KIB);
		} else if (text_is(line, "Rss")) {
			r.rss = v;
		} else if (text_is(line, "Pss")) {
			r.pss = v;
		} else if (text_is(line, "Private_Clean")) {
			r.clean = v;
		} else if (text_is(line, "Private_Dirty")) {
			r.dirty = v;
		} else if (text_is(line, "Shared_Clean") ||
		    text_is(line, "Shared_Dirty")) {
			r.shared += v;
		}
	}
	check_row(&r, rss, pss);
	return n;
}

static int
sum_maps(long *size)
{
	const char *line = text_read("/proc/self/maps");
	unsigned long a, b, last = 0;
	int n = 0;

	*size = 0;
	for (; line != NULL; line = text_next(line), n++) {
		EQ(sscanf(line, "%lx-%lx ", &a, &b), 2);
		CHECK(last <= a);
		CHECK(a < b);
		last = b;
		*size += (b - a) / KIB;
	}
	return n;
}

static void
views(void)
{
	char *p = pages_apart(N), *s = pages_shared(N);
	long size, msize, rss, pss, total, res, vmrss;
	int n;

	memset(p, 'p', N * PAGE);
	memset(s, 's', N * PAGE);
	n = sum_smaps(&size, &rss, &pss);
	EQ(sum_maps(&msize), n);
	EQ(size, msize);
	EQ(sscanf(text_read("/proc/self/statm"), "%ld %ld", &total, &res), 2);
	vmrss = status_kb("VmRSS");
	/* Not all of it at one moment: our own text may come and go, and counts
	 * are a little late; Linux's vsyscall page is in no size. */
	LE(total * 4, size);
	LE(size, total * 4 + 64);
	if (on_vadose()) /* Linux counts on each processor, and adds up late */
		LE(rss - 128, res * 4);
	LE(res * 4, rss + 512);
	LE(vmrss - 512, rss);
	LE(pss, rss);
	LE(2 * N * 4, rss);
	EQ(smaps_kb(p, N, "Pss"), N * 4);
	EQ(smaps_kb(s, N, "Rss"), N * 4);
	printf("maps, smaps, statm, status agree\n");
	OK(munmap(p, N * PAGE));
	OK(munmap(s, N * PAGE));
}

/* Vadose, designs eager and frames: a fork copies, so that two have nothing in common. */
static int
fork_copies(void)
{
	char line[256];
	int copies = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		copies |= strcmp(line, "VmDesign:\teager\n") == 0 ||
		    strcmp(line, "VmDesign:\tframes\n") == 0;
	if (f != NULL)
		fclose(f);
	return copies;
}

/* Shared by two: each is told half of it. */
static void
proportional(void)
{
	size_t common = fork_copies() ? 0 : N;
	char *p = pages_apart(N);
	int up[2], down[2];
	pid_t pid;
	char c;

	memset(p, 'p', N * PAGE);
	OK(pipe(up));
	OK(pipe(down));
	pid = OK(fork());
	if (pid == 0) {
		for (size_t i = 0; i < N; i++)
			(void)load(p + i * PAGE);
		EQ(write(up[1], "x", 1), 1);
		EQ(read(down[0], &c, 1), 1);
		_exit(0);
	}
	EQ(read(up[0], &c, 1), 1);
	EQ(smaps_kb(p, N, "Rss"), N * 4);
	EQ(smaps_kb(p, N, "Pss"), N * 4 - common * 2);
	EQ(smaps_kb(p, N, "Shared_Dirty"), common * 4);
	EQ(smaps_kb(p, N, "Private_Dirty"), (N - common) * 4);
	EQ(write(down[1], "x", 1), 1);
	REAP(pid, 0);
	EQ(smaps_kb(p, N, "Pss"), N * 4);
	EQ(smaps_kb(p, N, "Private_Dirty"), N * 4);
	OK(munmap(p, N * PAGE));
	printf("Pss: each has its share\n");
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[0], "t24") == 0)
		return execed(argv[1]);
	setvbuf(stdout, NULL, _IONBF, 0);
	trap_catch(0);
	mixed();
	vforked();
	exec_drops();
	faults();
	touched();
	views();
	proportional();
	return test_done();
}
