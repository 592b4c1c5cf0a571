/* NEEDS: MEM=64M CPUS=1 KIND=exact */
/*
 * A program's stack, break and mappings lie where chance puts them; not so after
 * ADDR_NO_RANDOMIZE, which a child and its programs inherit.
 */
#include "lib/test.h"
#include <sys/personality.h>

struct places {
	void *stack, *brk, *map;
};

/* Where a new program finds things. */
static struct places
look(void)
{
	char *argv[] = { "places", "look", NULL };
	struct places is;
	int p[2];
	pid_t pid;

	OK(pipe(p));
	pid = OK(fork());
	if (pid == 0) {
		dup2(p[1], 1);
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	close(p[1]);
	EQ(read(p[0], &is, sizeof(is)), sizeof(is));
	close(p[0]);
	REAP(pid, 0);
	return is;
}

int
main(int argc, char **argv)
{
	struct places a, b;

	if (argc > 1 && strcmp(argv[1], "look") == 0) {
		a = (struct places){ argv, sbrk(0), mmap(NULL, 4096, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };
		return write(1, &a, sizeof(a)) != sizeof(a);
	}
	EQ(personality(0xffffffff), 0);
	a = look();
	b = look();
	CHECK(a.stack != b.stack);
	CHECK(a.brk != b.brk);
	CHECK(a.map != b.map);
	EQ(personality(ADDR_NO_RANDOMIZE), 0);
	EQ(personality(0xffffffff), ADDR_NO_RANDOMIZE);
	a = look();
	b = look();
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	EQ(personality(0), ADDR_NO_RANDOMIZE);
	b = look();
	CHECK(a.stack != b.stack);
	return test_done();
}
