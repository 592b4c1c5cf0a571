/* NEEDS: MEM=32M CPUS=1 TIMEOUT=20 SWEEP=no KIND=exact */
/*
 * oom_score_adj: everybody may raise his own, and lower it again to what root
 * set last; children have both from their parent.  It is one int, and nothing else.
 */
#include "lib/test.h"

#define USER 1000

static int
set(const char *value)
{
	return proc_write("/proc/self/oom_score_adj", value);
}

static void
row(const char *text, int expected)
{
	int fd = OK(open("/proc/self/oom_score_adj", O_RDONLY));
	char seen[16] = "";

	EQ(set(text), 0);
	LE(2, OK(read(fd, seen, sizeof(seen) - 1)));
	EQ(atoi(seen), expected);
	OK(close(fd));
}

static void
spellings(void)
{
	row("7", 7);
	row(" 8 \n", 8);
	row("+9", 9);
	row("0x10", 16);
	row("010", 8);
	row("-0", 0);
	EQ(set("5x"), -EINVAL);
	EQ(set("5 5"), -EINVAL);
	EQ(set("08"), -EINVAL);
	EQ(set("-"), -EINVAL);
	EQ(set("--5"), -EINVAL);
	EQ(set("\n"), -EINVAL);
	EQ(set("2147483647"), -EINVAL);
	EQ(set("2147483648"), -ERANGE);
	EQ(set("-2147483649"), -ERANGE);
	row("0", 0);
}

static void
become_user(void)
{
	OK(setresgid(USER, USER, USER));
	OK(setresuid(USER, USER, USER));
	OK(prctl(PR_SET_DUMPABLE, 1));
}

/* A child of root that becomes a user; lowest is what it may set. */
static void
user_of(const char *lowest, const char *below)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		become_user();
		EQ(set(below), -EACCES);
		EQ(set("500"), 0);
		EQ(set(lowest), 0);
		EQ(set("1001"), -EINVAL);
		pid = OK(fork());
		if (pid == 0) {
			EQ(set(below), -EACCES);
			_exit(0);
		}
		REAP(pid, 0);
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(void)
{
	if (getuid() != 0)
		return 0;
	if (set("-1") == -EACCES && !on_vadose())
		return 0;       /* root, but not quite */
	EQ(set("0"), 0);
	user_of("0", "-1");
	EQ(set("-100"), 0);
	user_of("-100", "-101");
	EQ(set("300"), 0);
	user_of("300", "299");
	EQ(set("0"), 0);
	spellings();
	return test_done();
}
