/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * readlink of /proc/PID/exe, cwd, root and fd/N: what does not fit is left out, as of
 * any link, and is no error.
 */
#include "lib/test.h"

static void
is_cut(const char *link)
{
	char whole[4096], buf[4096];
	ssize_t n = OK(readlink(link, whole, sizeof(whole)));

	CHECK(n > 0 && n < (ssize_t)sizeof(whole));
	for (ssize_t cap = 1; cap <= n + 1; cap++) {
		memset(buf, '#', sizeof(buf));
		EQ(readlink(link, buf, cap), cap < n ? cap : n);
		CHECK(memcmp(buf, whole, cap < n ? cap : n) == 0);
		CHECK(buf[cap < n ? cap : n] == '#');
	}
}

int
main(void)
{
	enter_tmp();
	OK(mkdir("a long name of a directory", 0777));
	OK(chdir("a long name of a directory"));
	EQ(dup2(OK(open("file", O_RDWR | O_CREAT, 0666)), 50), 50);
	is_cut("/proc/self/exe");
	is_cut("/proc/self/cwd");
	is_cut("/proc/self/fd/50");
	is_cut("/proc/self/root");
	is_cut("/proc/self");
	OK(unlink("file"));
	OK(chdir(".."));
	OK(rmdir("a long name of a directory"));
	leave_tmp();
	puts("links are cut at the room for them");
	return 0;
}
