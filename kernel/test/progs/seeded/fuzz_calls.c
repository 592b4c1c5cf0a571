/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=120 ARGS=1:20000 SWEEP=no MORE=1,2 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Random calls with random arguments, by two threads and what they fork,
 * as an ordinary user: the kernel lives, no invariant breaks, nothing is
 * lost.  Arguments: seed:count.  Not run on Linux, where others live.
 */
#include "lib/test.h"
#include <pthread.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define CALLS_PER_CHILD 400

struct fuzz {
	uint64_t seed;
	int calls;
};

static char *area; /* 16 pages: some read-only, a hole, shared */
static long values[64];
static int n_values;

static const char *const paths[] = { "f", "d", "d/x", ".", "..", "", "/",
	"/proc/self/maps", "/proc/self/stat", "/proc/meminfo", "/dev/null",
	"/dev/zero", "/dev/full", "f/x", "link", "/proc/self/fd/3",
	"/bin/busybox", "/proc/vm/events", "/proc/self/exe" };

/* Calls that would end the test or the machine. */
static const int never[] = { SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill,
	SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_exit_group, SYS_exit,
	SYS_pause, SYS_rt_sigreturn, SYS_vfork, SYS_sync };

static bool
is_never(long nr)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (never[i] == nr)
			return true;
	return false;
}

static void
add_value(long v)
{
	values[n_values++] = v;
}

static void
make_values(void)
{
	static const long plain[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 16, 64,
		100, 128, 4095, 4096, 4097, 8192, 65536, 1 << 20, -1, -2, -4096,
		-100, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
		1L << 62, 0x7ffffffff000, 0x800000000000, 0xffff800000000000,
		0xffffffff80000000, 0x22, 0x32, 0x80042, 0x3d0f00, 0x1200011 };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		add_value(plain[i]);
	for (int i = 0; i < 8; i++)
		add_value((long)(area + i * 2 * PAGE));
	add_value((long)(area + 5));
	add_value((long)(area + PAGE - 8));
	add_value((long)(area + 4 * PAGE - 3));
}

static long
argument(uint64_t *seed)
{
	switch (rnd(seed) % 8) {
	case 0:
		return rnd(seed);
	case 1:
		return rnd(seed) % 12; /* a descriptor, a signal, a number */
	case 2:
		return (long)paths[rnd(seed) % (sizeof(paths) / 8)];
	case 3:
		return (long)(area + rnd(seed) % (16 * PAGE));
	case 4:
		return 1L << rnd(seed) % 64;
	default:
		return values[rnd(seed) % n_values];
	}
}

/* The structures that calls read are not all zero. */
static void
stir(uint64_t *seed)
{
	char *p = area + rnd(seed) % (2 * PAGE - 64);

	for (int i = 0; i < 8; i++) {
		long v = argument(seed);

		memcpy(p + i * 8, &v, 8);
	}
}

static void *
fuzz(void *arg)
{
	struct fuzz *f = arg;

	while (f->calls-- > 0) {
		long nr = rnd(&f->seed) % 440, a[6];

		if (nr > 340 && nr < 424)
			nr -= 100;
		if (is_never(nr))
			continue;
		stir(&f->seed);
		for (int i = 0; i < 6; i++)
			a[i] = argument(&f->seed);
		if ((nr == SYS_clone || nr == SYS_clone3) &&
		    rnd(&f->seed) % 8)
			continue;
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	return NULL;
}

static void
on_alarm(int signo)
{
	(void)signo;
}

/* An ordinary user with a few descriptors and a busy alarm clock. */
static void
child(uint64_t seed)
{
	struct itimerval it = { { 0, 20000 }, { 0, 20000 } };
	struct rlimit procs = { 24, 24 }, files = { 40, 40 },
	    size = { 1 << 20, 1 << 20 }, as = { 64 * MIB, 64 * MIB };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct fuzz f[2] = { { seed, CALLS_PER_CHILD / 2 },
		{ seed * 77 + 1, CALLS_PER_CHILD / 2 } };
	pthread_t t;
	int fd[2];

	setsid();
	setgid(1000);
	setuid(1000);
	for (int i = 0; i < 3; i++)
		dup2(open("/dev/null", O_RDWR), i);
	if (pipe(fd) != 0 || open("f", O_RDWR | O_CREAT, 0644) < 0 ||
	    open(".", O_RDONLY) < 0 || open("/dev/zero", O_RDWR) < 0)
		_exit(1);
	setrlimit(RLIMIT_NPROC, &procs);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_AS, &as);
	mprotect(area + 6 * PAGE, PAGE, PROT_READ);
	munmap(area + 9 * PAGE, PAGE);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	if (pthread_create(&t, NULL, fuzz, &f[1]) != 0)
		_exit(1);
	fuzz(&f[0]);
	pthread_join(t, NULL);
	_exit(0);
}

/* Whoever is left, however well hidden, goes. */
static void
end_all(void)
{
	pid_t pid;

	for (int i = 0; i < 400; i++) {
		kill(-1, SIGKILL);
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (pid < 0 && errno == ECHILD)
			return;
		sleep_ms(5);
	}
	FAIL("processes that cannot be killed");
}

static void
run(uint64_t seed)
{
	uint64_t until = now_ns() + 1000000000UL;
	/* A child may have gone to ".." and made files of any name. */
	char *rm[] = { "busybox", "sh", "-c", "cd /tmp && rm -rf /f /d /link "
		"-- * .[!.]* ..?*", NULL };
	pid_t pid;

	OK(mkdir("/tmp/fuzz", 0777));
	OK(chmod("/tmp/fuzz", 0777));
	OK(chdir("/tmp/fuzz"));
	pid = OK(fork());
	if (pid == 0)
		child(seed);
	while (waitpid(pid, NULL, WNOHANG) == 0 && now_ns() < until)
		sleep_ms(2);
	end_all();
	OK(chdir("/"));
	pid = OK(fork());
	if (pid == 0) {
		execv("/bin/busybox", rm);
		_exit(1);
	}
	REAP(pid, 0);
}

/* What has a key outlives the process that made it: on Linux, too. */
static void
remove_keyed(void)
{
	struct seminfo sems;
	struct shmid_ds shm;
	struct semid_ds sem;
	struct msqid_ds msg;
	int i, id;

	for (i = shmctl(0, SHM_INFO, &shm); i >= 0; i--)
		if ((id = shmctl(i, SHM_STAT, &shm)) >= 0)
			OK(shmctl(id, IPC_RMID, NULL));
	for (i = semctl(0, 0, SEM_INFO, &sems); i >= 0; i--)
		if ((id = semctl(i, 0, SEM_STAT, &sem)) >= 0)
			OK(semctl(id, 0, IPC_RMID));
	for (i = msgctl(0, MSG_INFO, &msg); i >= 0; i--)
		if ((id = msgctl(i, MSG_STAT, &msg)) >= 0)
			OK(msgctl(id, IPC_RMID, NULL));
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	long count = 20000, at = -1;
	char text[64];

	seed_count(argc, argv, &seed, &count);
	if (!on_vadose())
		return 0;
	mkdir("/tmp", 0777);
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	area = pages_private(8);
	area = mremap(area, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	make_values();
	for (long done = 0; done < count; done += CALLS_PER_CHILD) {
		if (done / 2000 != at) { /* who reads the log sees the seed */
			at = done / 2000;
			snprintf(text, sizeof(text), "fuzz seed %lu\n", seed);
			proc_write("/dev/kmsg", text);
		}
		run(rnd(&seed));
		remove_keyed();
		if (done == 4 * CALLS_PER_CHILD)
			leak_mark();
		if (done % 4000 == 0)
			check_vm();
	}
	leak_diff();
	return test_done();
}
