/* NEEDS: MEM=48M SWAP=512M CPUS=4 TIMEOUT=60 ARGS=1:10 SWEEP=no MORE=all KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Everything at once, at random, with more memory in use than there is,
 * while allocations and transfers fail now and then: private memory,
 * families, shared memory, files, changes of mappings, programs.  Each
 * worker knows what every byte must be; vm_check runs once a second.
 *
 * Arguments: seed:seconds, and a folder for more files with the disk to be
 * mounted there (cases/paging/soak.sh, make soak): who did that beside us might lose
 * a page to a failed transfer.
 *
 * A page that a failed transfer has lost is SIGBUS or EIO; the worker makes
 * it anew.  A worker that loses its stack dies of it and is replaced.
 */
#include "lib/events.h"
#include "lib/pressure.h"
#include "lib/trap.h"
#include <sys/mount.h>
#include <sys/statvfs.h>

#define PATIENCE 60 /* seconds without a step that are a hang */
#define WORKERS 8

struct status {
	volatile long steps, lost;
};

static struct status *status; /* of each worker, shared */
static struct status *mine;
static const char *folder;
static bool inject;
static uint64_t seed;

static size_t memory; /* pages; asked before anything fails */

static size_t
part(unsigned num, unsigned den, size_t most)
{
	size_t n = memory * num / den;

	return n < most / PAGE ? n : most / PAGE;
}

/* What a call may answer when memory is short or an allocation failed. */
static bool
is_short(void)
{
	return errno == ENOMEM || errno == EAGAIN || errno == ENOSPC ||
	    errno == ENOBUFS || errno == EINTR || (inject && errno == EIO);
}

/* A page was lost: legal only if transfers fail. */
static void
lose(const char *what)
{
	if (!inject)
		FAIL("%s: a page was lost", what);
	mine->lost++;
}

static void
step(void)
{
	mine->steps++;
}

/* A child of a worker, if there is memory for one: -1. */
static pid_t
try_fork(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0 || is_short());
	return pid;
}

/* The end of a child: of itself, or of a lost page. */
static void
end_child(pid_t pid, int signo)
{
	int s = reap(pid);

	if (s == 0 || (signo != 0 && (s & 0x7f) == signo))
		return;
	if (inject && WIFSIGNALED(s) &&
	    (WTERMSIG(s) == SIGBUS || WTERMSIG(s) == SIGSEGV)) {
		mine->lost++;
		return;
	}
	FAIL("a child of a worker: status %#x", s);
}

/* ---- a region of private pages with a version each ---- */

struct region {
	char *p;
	size_t n;
	uint8_t *version; /* 0: all zero */
};

static struct region
region_make(size_t n)
{
	struct region r = { .n = n };

	for (;;) {
		r.p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		r.version = r.p == MAP_FAILED ? NULL : calloc(n, 1);
		if (r.version != NULL)
			return r;
		CHECK(is_short());
		if (r.p != MAP_FAILED)
			OK(munmap(r.p, n * PAGE));
		sleep_ms(10);
		step();
	}
}

/* A new page in the place of one that was lost. */
static void
region_renew(struct region *r, size_t i)
{
	lose("private memory");
	while (mmap(r->p + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED) {
		CHECK(is_short());
		sleep_ms(10);
	}
	r->version[i] = 0;
}

static void
region_verify(struct region *r, size_t i)
{
	char *p = r->p + i * PAGE;
	int v = r->version[i];

	if (TRAPPED(load(p)) != 0)
		region_renew(r, i);
	else if (v != 0)
		STAMPED(p, i, v);
	else
		CHECK(is_zero_page(p));
}

static void
region_write(struct region *r, size_t i)
{
	region_verify(r, i);
	if (TRAPPED(store(r->p + i * PAGE, 1)) != 0)
		region_renew(r, i);
	r->version[i] = 1 + rnd(&seed) % 255;
	stamp(r->p + i * PAGE, i, r->version[i]);
}

static void
region_some(struct region *r, size_t n)
{
	while (n-- > 0) {
		size_t i = rnd(&seed) % r->n;

		if (rnd(&seed) % 3 == 0)
			region_write(r, i);
		else
			region_verify(r, i);
	}
}

/* ---- the workers: each call is a step ---- */

static void
work_anon(void)
{
	static struct region r;

	if (r.n == 0)
		r = region_make(part(1, 2, 64 * MIB));
	region_some(&r, 64);
}

/* In order: what is read ahead is wanted. */
static void
work_sweep(void)
{
	static struct region r;
	static size_t at;

	if (r.n == 0)
		r = region_make(part(1, 3, 64 * MIB));
	for (int k = 0; k < 64; k++, at = (at + 1) % r.n)
		region_write(&r, at);
}

static void
work_family(void)
{
	static struct region r;
	bool doomed = rnd(&seed) % 3 == 0;
	pid_t pid, kid;

	if (r.n == 0)
		r = region_make(part(1, 12, 16 * MIB));
	region_some(&r, 200);
	pid = try_fork();
	if (pid == 0) {
		region_some(&r, 200);
		kid = try_fork();
		region_some(&r, 100);
		while (doomed && kid != 0)
			region_some(&r, 10);
		if (kid > 0)
			end_child(kid, 0);
		_exit(0);
	}
	region_some(&r, 100);
	if (pid > 0 && doomed) {
		sleep_ms(rnd(&seed) % 50);
		kill(pid, SIGKILL);
	}
	if (pid > 0)
		end_child(pid, doomed ? SIGKILL : 0);
}

/* Two processes count in shared pages; no count is lost. */
static void
work_shared(void)
{
	size_t n = 256, rounds = 400;
	uint64_t *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t sum = 0;
	pid_t pid;

	if (p == MAP_FAILED) {
		CHECK(is_short());
		return;
	}
	pid = try_fork();
	if (TRAPPED(({
		    for (size_t k = 0; k < rounds; k++)
			    __atomic_fetch_add(&p[rnd(&seed) % n * PAGE_WORDS],
			        1, __ATOMIC_SEQ_CST);
	    })) != 0)
		lose("shared memory");
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		end_child(pid, 0);
	if (TRAPPED(({
		    for (size_t i = 0; i < n; i++)
			    sum += p[i * PAGE_WORDS];
	    })) == 0 && sum != rounds * (1 + (pid > 0)))
		lose("counts in shared memory");
	OK(munmap(p, n * PAGE));
}

struct stamped_file {
	int fd;
	size_t n;
	uint8_t *version;
};

static void
file_drop(struct stamped_file *f)
{
	if (f->fd >= 0)
		OK(close(f->fd));
	free(f->version);
	*f = (struct stamped_file){ .fd = -1 };
}

/*
 * A transfer failed inside of a commit, so the disk takes no more (commit.c of
 * ext2, rule 4): the file is left, and the next one will not be on a disk.
 */
static bool
file_left(struct stamped_file *f)
{
	struct statvfs st;

	if (!inject || errno != EROFS || folder == NULL)
		return false;
	while ((f->fd < 0 ? statvfs(folder, &st) : fstatvfs(f->fd, &st)) != 0)
		CHECK(is_short());
	CHECK((st.f_flag & ST_RDONLY) != 0);
	lose("a disk");
	folder = NULL;
	file_drop(f);
	return true;
}

/* False: the file is left. */
static bool
file_resize(struct stamped_file *f, size_t pages)
{
	while (ftruncate(f->fd, pages * PAGE) != 0) {
		if (file_left(f))
			return false;
		CHECK(is_short());
		sleep_ms(10);
	}
	return true;
}

static void
file_forget(struct stamped_file *f, const char *what)
{
	if (file_left(f))
		return;
	CHECK(is_short());
	if (errno != EIO)
		return;
	lose(what);
	if (!file_resize(f, 0))
		return;
	memset(f->version, 0, f->n);
	(void)file_resize(f, f->n);
}

static void
file_step(struct stamped_file *f, size_t i)
{
	static char page[PAGE];
	ssize_t got = pread(f->fd, page, PAGE, i * PAGE);

	if (got != PAGE) {
		if (got < 0)
			file_forget(f, "a file that is read");
		return;
	}
	if (f->version[i] != 0)
		STAMPED(page, i, f->version[i]);
	else
		CHECK(is_zero_page(page));
	if (rnd(&seed) % 3 == 0) {
		int v = 1 + rnd(&seed) % 255;

		stamp(page, i, v);
		got = pwrite(f->fd, page, PAGE, i * PAGE);
		if (got == PAGE)
			f->version[i] = v;
		else if (got < 0)
			file_forget(f, "a file that is written");
	}
}

/* Pages of the file by a mapping. */
static void
file_look(struct stamped_file *f)
{
	size_t at = rnd(&seed) % (f->n - 16);
	char *p = mmap(NULL, 16 * PAGE, PROT_READ, MAP_SHARED, f->fd,
	    at * PAGE);

	if (p == MAP_FAILED) {
		CHECK(is_short());
		return;
	}
	for (size_t i = 0; i < 16; i++) {
		if (TRAPPED(load(p + i * PAGE)) != 0) {
			errno = EIO;
			file_forget(f, "a file that is mapped");
			break;
		}
		if (f->version[at + i] != 0)
			STAMPED(p + i * PAGE, at + i, f->version[at + i]);
	}
	OK(munmap(p, 16 * PAGE));
}

static void
work_in(struct stamped_file *f, const char *dir, size_t n)
{
	char path[256];

	if (f->n == 0) {
		snprintf(path, sizeof(path), "%s/soak.%d", dir, (int)getpid());
		f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		f->version = calloc(n, 1);
		if (f->fd < 0 || f->version == NULL ||
		    ftruncate(f->fd, n * PAGE) != 0) {
			CHECK(file_left(f) || is_short());
			file_drop(f);
			return;
		}
		unlink(path);
		f->n = n;
	}
	for (int k = 0; k < 32 && f->n != 0; k++)
		file_step(f, rnd(&seed) % f->n);
	if (f->n != 0)
		file_look(f);
}

static void
work_tmpfs(void)
{
	static struct stamped_file f;

	work_in(&f, "/tmp", part(1, 4, 32 * MIB));
}

static void
work_disk(void)
{
	static struct stamped_file f;

	work_in(&f, folder != NULL ? folder : "/tmp",
	    part(1, 3, 32 * MIB));
	if (f.n != 0 && rnd(&seed) % 64 == 0 && fsync(f.fd) != 0)
		CHECK(file_left(&f) || is_short());
}

/* One change of the mappings of pages [i, i + n) of a region. */
static void
change(struct region *r, size_t i, size_t n)
{
	char *p = r->p + i * PAGE;
	int error = 0;

	switch (rnd(&seed) % 8) {
	case 0:
		error = madvise(p, n * PAGE, MADV_DONTNEED);
		if (error == 0)
			memset(r->version + i, 0, n);
		break;
	case 1:
		error = madvise(p, n * PAGE, MADV_PAGEOUT);
		break;
	case 2:
		error = madvise(p, n * PAGE, MADV_COLD);
		break;
	case 3:
		if ((error = mprotect(p, n * PAGE, PROT_READ)) == 0)
			while (mprotect(p, n * PAGE, PROT_READ | PROT_WRITE) != 0)
				CHECK(is_short());
		break;
	case 4:
		error = mmap(p, n * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED;
		if (error == 0)
			memset(r->version + i, 0, n);
		break;
	case 5:
		/* As on Linux, one that fails at a page has locked all. */
		error = mlock(p, n * PAGE);
		OK(munlock(p, n * PAGE));
		break;
	default:
		region_some(r, n);
		break;
	}
	CHECK(error == 0 || is_short() || errno == EPERM);
}

static void
work_map(void)
{
	static struct region r;

	if (r.n == 0)
		r = region_make(part(1, 8, 16 * MIB));
	for (int k = 0; k < 8; k++) {
		size_t n = 1 + rnd(&seed) % 40;

		change(&r, rnd(&seed) % (r.n - n), n);
	}
	region_some(&r, 64);
}

static void
work_exec(void)
{
	char *argv[] = { "sh", "-c", "ls / | wc -l >/dev/null", NULL };
	pid_t pid = try_fork();

	if (pid == 0) {
		execv("/bin/sh", argv);
		_exit(127);
	}
	if (pid > 0)
		reap(pid); /* a shell without memory may say anything */
	sleep_ms(20);
}

static void (*const work[WORKERS])(void) = { work_anon, work_sweep,
	work_family, work_shared, work_tmpfs, work_disk, work_map, work_exec };

/* ---- the one that watches ---- */

static pid_t
start_worker(int w, uint64_t s)
{
	pid_t pid;

	while ((pid = fork()) < 0) {
		CHECK(is_short());
		sleep_ms(10);
	}
	if (pid != 0)
		return pid;
	setpgid(0, 0);
	mine = &status[w];
	seed = s * 1000003 + w + 1;
	for (;;) {
		work[w]();
		step();
	}
}

static void
arm(void)
{
	static const char *const specs[] = { "FI_FRAME:1000:1000:100000000",
		"FI_SWAPIN:10000:10000:100000000",
		"FI_SWAPOUT:10000:10000:100000000",
		"FI_FILEIN:10000:10000:100000000" };

	inject = on_vadose();
	for (size_t i = 0; inject && i < sizeof(specs) / sizeof(*specs); i++)
		EQ(proc_write("/proc/vm/inject", specs[i]), 0);
}

static void
check_all(long second)
{
	int r = on_vadose() ? proc_write("/proc/vm/check", "1") : 0;

	if (r != 0 && !(inject && r == -ENOMEM))
		FAIL("vm_check after %ld seconds: errno %d", second, -r);
}

/* Has a worker died, or stopped?  One that lost its stack is replaced. */
static void
look_after(pid_t *pid, long *seen, int *idle, uint64_t s)
{
	int w, how;

	for (w = 0; w < WORKERS; w++) {
		idle[w] = status[w].steps == seen[w] ? idle[w] + 1 : 0;
		seen[w] = status[w].steps;
		if (idle[w] > PATIENCE)
			FAIL("worker %d: no step for %d seconds", w, PATIENCE);
		if (waitpid(pid[w], &how, WNOHANG) == 0)
			continue;
		if (!inject || !WIFSIGNALED(how) ||
		    (WTERMSIG(how) != SIGBUS && WTERMSIG(how) != SIGSEGV))
			FAIL("worker %d: status %#x", w, how);
		kill(-pid[w], SIGKILL);
		status[w].lost++;
		pid[w] = start_worker(w, s);
	}
}

/* The first step may take longer than a short run; look_after() ends the wait. */
static bool
all_have_stepped(void)
{
	for (int w = 0; w < WORKERS; w++)
		if (status[w].steps == 0)
			return false;
	return true;
}

/* The counters of a group that have counted. */
static void
report(const char *group)
{
	const char *p = snap_area[1].text;

	for (; *p != '\0'; p += strcspn(p, "\n"), p += *p != '\0')
		if (strncmp(p, group, strlen(group)) == 0 &&
		    strstr(p, " 0\n") != p + strcspn(p, " "))
			printf("%.*s\n", (int)strcspn(p, "\n"), p);
}

/* Each page that went out or came in was somebody's: swap.out_private … */
static void
owners_add_up(const char *way)
{
	static const char *const owner[] = { "private", "fork", "anon", "table",
		"kpaged", "uvm", "scalux", "shadow" };
	char name[32];
	long sum = 0;

	for (size_t i = 0; i < sizeof(owner) / sizeof(*owner); i++) {
		snprintf(name, sizeof(name), "swap.%s_%s", way, owner[i]);
		sum += snap_get(1, name);
	}
	snprintf(name, sizeof(name), "swap.%s_pages", way);
	EQ(snap_get(1, name), sum);
}

static void
end_all(const pid_t *pid)
{
	long lost = 0;

	for (int w = 0; w < WORKERS; w++) {
		kill(-pid[w], SIGKILL);
		reap(pid[w]);
		lost += status[w].lost;
		printf("worker %d: %ld steps, %ld lost\n", w, status[w].steps,
		    status[w].lost);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	if (!on_vadose())
		return;
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	snap_all(1);
	owners_add_up("out");
	owners_add_up("in");
	report("fault.");
	report("ws.trimmed");
	report("swap.");
	report("page.reserve");
	report("inject.");
	if (lost > 0)
		LE(1, snap_get(1, "swap.read_errors") +
		    snap_get(1, "io.errors") + snap_get(1, "inject.hits"));
}

int
main(int argc, char **argv)
{
	uint64_t s = 1, end;
	long seconds = 10, seen[WORKERS] = { 0 };
	int idle[WORKERS] = { 0 };
	pid_t pid[WORKERS];

	seed_count(argc, argv, &s, &seconds);
	if (argc > 2 && argv[argc - 2][0] == '/') {
		folder = argv[argc - 2];
		mkdir(folder, 0777);
		OK(mount(argv[argc - 1], folder, "ext2", 0, NULL));
	}
	mkdir("/tmp", 0777);
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	memory = meminfo("MemTotal");
	status = (struct status *)pages_shared(1);
	if (on_vadose())
		snap_init();
	trap_catch(0);
	(void)mlockall(MCL_CURRENT);
	arm();
	for (int w = 0; w < WORKERS; w++)
		pid[w] = start_worker(w, s);
	end = now_ns() + (uint64_t)seconds * 1000000000;
	for (long t = 0; now_ns() < end ||
	    (seconds >= 10 && !all_have_stepped()); t++) {
		sleep_ms(1000);
		check_all(t + 1);
		look_after(pid, seen, idle, s + t + 1);
	}
	end_all(pid);
	if (folder != NULL)
		OK(umount2(folder, 0));
	return test_done();
}
