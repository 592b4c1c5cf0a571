/* NEEDS: MEM=64M CPUS=1 KIND=exact */
/*
 * After personality(READ_IMPLIES_EXEC) memory that is mapped, or changed by mprotect,
 * can be run if it can be read, the heap and shared memory, too; not what a mount
 * without programs has.  A child has that, a program does not begin with it.
 * (Found by maxima, whose Lisp cannot start without.)
 */
#include "lib/trap.h"
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/shm.h>

#define RW (PROT_READ | PROT_WRITE)

/* Of the line of /proc/self/maps that holds p. */
static void
rights_are(const void *p, const char *rights)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512], seen[5] = "none";
	uintptr_t lo, hi;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		CHECK(sscanf(line, "%lx-%lx %4s", &lo, &hi, seen) == 3);
		if (lo <= (uintptr_t)p && (uintptr_t)p < hi)
			break;
	}
	fclose(f);
	if (strcmp(seen, rights) != 0)
		FAIL("%p: expected %s, seen %s", p, rights, seen);
}

static char *
mapped(int prot, int flags, int fd)
{
	char *p = mmap(NULL, 3 * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void
run(char *p)
{
	static const char code[] = "\xb8\x2a\0\0\0\xc3"; /* mov eax, 42; ret */

	memcpy(p, code, sizeof(code));
	EQ(((int (*)(void))(uintptr_t)p)(), 42);
}

static void
mappings(void)
{
	int anon = MAP_PRIVATE | MAP_ANONYMOUS;
	char *p = mapped(RW, anon, -1), *q;

	rights_are(p, "rwxp");
	run(p);
	OK(mprotect(p, PAGE, PROT_READ));
	rights_are(p, "r-xp");
	OK(mprotect(p + PAGE, PAGE, PROT_WRITE));
	rights_are(p + PAGE, "-w-p");
	OK(mprotect(p, 3 * PAGE, PROT_NONE));
	rights_are(p, "---p");
	OK(munmap(p + PAGE, PAGE));
	ERR(mprotect(p, 3 * PAGE, RW), ENOMEM); /* what lies before the hole has changed */
	rights_are(p, "rwxp");
	rights_are(p + 2 * PAGE, "---p");
	rights_are(mapped(PROT_NONE, anon, -1), "---p");
	rights_are(mapped(PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1), "r-xs");
	p = (char *)syscall(SYS_brk, 0);
	q = p + 2 * PAGE;
	EQ(syscall(SYS_brk, q + PAGE), (long)(q + PAGE));
	rights_are(q, "rwxp");
	run(q);
	EQ(syscall(SYS_brk, p), (long)p);
	p = shmat(OK(shmget(IPC_PRIVATE, PAGE, 0600)), NULL, 0);
	CHECK(p != (void *)-1);
	rights_are(p, "rwxs");
	OK(shmdt(p));
}

/* The second of three pages is a file's that may not be run. */
static void
without_programs(void)
{
	char *p = mapped(RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char dir[] = "/tmp/noexecXXXXXX";
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	if (mount("none", dir, "tmpfs", MS_NOEXEC, NULL) != 0) {
		OK(rmdir(dir));
		return;
	}
	OK(chdir(dir));
	fd = OK(open("f", O_RDWR | O_CREAT, 0600));
	OK(ftruncate(fd, PAGE));
	CHECK(mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0) == p + PAGE);
	OK(close(fd));
	rights_are(p + PAGE, "rw-p");
	OK(mprotect(p, 3 * PAGE, PROT_READ));
	rights_are(p, "r-xp");
	rights_are(p + PAGE, "r--p");
	rights_are(p + 2 * PAGE, "r-xp");
	OK(munmap(p, 3 * PAGE));
	OK(chdir("/"));
	OK(umount(dir));
	OK(rmdir(dir));
}

int
main(int argc, char **argv)
{
	char *again[] = { argv[0], "again", NULL };
	pid_t pid;

	if (argc > 1)
		_exit(personality(0xffffffff) == ADDR_NO_RANDOMIZE ? 7 : 1);
	rights_are(mapped(RW, MAP_PRIVATE | MAP_ANONYMOUS, -1), "rw-p");
	EQ(personality(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE), 0);
	EQ(personality(0xffffffff), READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE);
	mappings();
	without_programs();
	pid = OK(fork());
	if (pid == 0) {
		mappings();
		execv("/proc/self/exe", again);
		_exit(1);
	}
	REAP(pid, 7);
	EQ(personality(0), READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE);
	rights_are(mapped(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1), "r--p");
	return test_done();
}
