/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * A file of /proc/PID that cannot be made for want of memory is ENOMEM: not
 * ESRCH, as if the process had ended, nor an empty text.
 */
#include "lib/test.h"

#define FAILURES 12

static const char *const name[] = { "stat", "statm", "status", "limits", "comm",
	"cmdline", "oom_score_adj" };

/* The n-th piece of memory is refused; the length of the text, or -errno. */
static long
text_without(const char *file, int n, char *text, size_t size)
{
	int fd = OK(open(file, O_RDONLY)), e;
	char spec[64];
	long r;

	snprintf(spec, sizeof(spec), "FI_SLAB:%d:1:1:%d", n, (int)getpid());
	EQ(proc_write("/proc/vm/inject", spec), 0);
	r = read(fd, text, size);
	e = errno;
	/* The one failure may be left for this. */
	if (proc_write("/proc/vm/inject", "off") != 0)
		EQ(proc_write("/proc/vm/inject", "off"), 0);
	OK(close(fd));
	return r < 0 ? -e : r;
}

static void
file_of(pid_t pid, const char *file)
{
	static char whole[4096], text[4096];
	char path[64];
	long len, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	len = text_without(path, 1000000, whole, sizeof(whole));
	LE(1, len);
	for (int n = 1; n <= FAILURES; n++) {
		r = text_without(path, n, text, sizeof(text));
		if (r != -ENOMEM)
			EQ(r, len);
		if (n == 1)
			EQ(r, -ENOMEM);
	}
}

int
main(void)
{
	pid_t pid;

	if (!on_vadose()) {
		printf("skipped: needs /proc/vm/inject\n");
		return 0;
	}
	pid = OK(fork());
	if (pid == 0)
		for (;;)
			pause();
	sleep_ms(50);
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		file_of(pid, name[i]);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	return test_done();
}
