/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * Design shadow: /proc/vm/shadow has the chain of each mapping of each space, from the top
 * on, for root alone.
 */
#include "lib/design.h"
#include "lib/vmtext.h"

#define K 4

static char *p;

/* Lines of our range with these words. */
static int
lines_with(const char *words)
{
	const char *text = text_vm("shadow");
	char line[512], range[64];
	size_t n;
	int found = 0;

	snprintf(range, sizeof(range), "%lx-%lx as=", (unsigned long)p,
	    (unsigned long)p + K * PAGE);
	for (; *text; text += n + 1) {
		n = strcspn(text, "\n");
		CHECK(text[n] == '\n');
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		found += strncmp(line, range, strlen(range)) == 0 &&
		    strstr(line, words) != NULL;
	}
	return found;
}

int
main(int argc, char **argv)
{
	char top[128];
	pid_t pid;

	under_design(DESIGN_SHADOW, argv);
	text_init();
	p = mmap((void *)0x100000000000, K * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(p != MAP_FAILED);
	for (int i = 0; i < K; i++)
		p[i * PAGE] = 1;
	EQ(lines_with(" depth=0 chain 100000000000-100000004000/0:4"), 1);
	pid = OK(fork());
	if (pid == 0) {
		p[PAGE] = 2;
		/* The parent's, and this one's: both see the same behind theirs. */
		EQ(lines_with(" depth=1 chain "), 2);
		EQ(lines_with("/0:1 100000000000-100000004000/2:4"), 1);
		EQ(lines_with("/0:0 100000000000-100000004000/2:4"), 1);
		_exit(0);
	}
	REAP(pid, 0);
	snprintf(top, sizeof(top), " depth=0 chain %lx-%lx/0:%d", (unsigned long)p,
	    (unsigned long)p + K * PAGE, K);
	for (int i = 0; i < 100 && lines_with(top) != 1; i++)
		usleep(10000);
	EQ(lines_with(top), 1);
	pid = OK(fork());
	if (pid == 0) {
		OK(setuid(1000));
		EQ(open("/proc/vm/shadow", O_RDONLY), -1);
		EQ(errno, EACCES);
		_exit(0);
	}
	REAP(pid, 0);
	return test_done();
}
