/* NEEDS: MEM=48M SWAP=128M CPUS=1,4 TIMEOUT=200 APPEND=locks=1 MORE=1 KIND=bounded */
/* BOUNDED: a disk of the emulator, whose interrupts take locks, ends when the host pleases */
/*
 * What locks do is counted: with locks=1 the kernel says of each class how often
 * it was taken and waited for, who held it longest, and what was taken under
 * what; and never was a lower rank waited for under a higher one.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"
#include <pthread.h>

#define PAGES 64
#define ROUNDS 20
#define CLASSES 16

struct class {
	char name[16], by[64];
	long taken, tried, waited, max_wait_ns, max_held_ns;
};

static struct class class[CLASSES]; /* by rank */
static char text[SNAP_SIZE];
static volatile int stop;

/* ---- work for the locks ---- */

static void *
faulter(void *arg)
{
	while (!stop) {
		char *p = pages_private(PAGES);

		for (int i = 0; i < PAGES; i++)
			p[i * PAGE] = 1;
		OK(madvise(p, PAGES * PAGE, MADV_DONTNEED));
		OK(munmap(p, PAGES * PAGE));
	}
	return arg;
}

/* Generations, so that old entries are referred to again. */
static void
forks(char *p, int depth)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		p[depth * PAGE] = 2;
		if (depth > 0)
			forks(p, depth - 1);
		_exit(0);
	}
	EQ(waitpid(pid, NULL, 0), pid);
}

static void
work(void)
{
	char *p = pages_private(PAGES);
	struct hog hog = hog_start();
	pthread_t t[3];

	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	for (int i = 0; i < 3; i++)
		EQ(pthread_create(&t[i], NULL, faulter, NULL), 0);
	for (int i = 0; i < ROUNDS; i++)
		forks(p, 2);
	hog_press(&hog, meminfo("MemTotal"));
	forks(p, 2);
	stop = 1;
	for (int i = 0; i < 3; i++)
		EQ(pthread_join(t[i], NULL), 0);
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], 1);
	hog_end(&hog);
}

/* ---- the report ---- */

static void
read_class(const char *line)
{
	unsigned rank;
	struct class c;

	EQ(sscanf(line, "class=%15s rank=%u taken=%ld tried=%ld waited=%ld "
	    "max_wait_ns=%ld max_held_ns=%ld by=%63s", c.name, &rank, &c.taken,
	    &c.tried, &c.waited, &c.max_wait_ns, &c.max_held_ns, c.by), 8);
	CHECK(rank > 0 && rank < CLASSES);
	CHECK(c.taken + c.tried > 0 && c.waited <= c.taken);
	CHECK(c.waited > 0 || c.max_wait_ns == 0);
	class[rank] = c;
}

static int
rank_of(const char *name, size_t len)
{
	for (int r = 1; r < CLASSES; r++)
		if (strlen(class[r].name) == len &&
		    strncmp(class[r].name, name, len) == 0)
			return r;
	FAIL("class %.*s is not listed", (int)len, name);
}

/* Upward, or level where two of one class are taken by a rule of their own. */
static void
read_edge(const char *line)
{
	const char *from = strchr(line, '=') + 1, *to = strchr(from, '>') + 1;
	size_t len = strcspn(to, " ");
	int low = rank_of(from, (size_t)(to - 1 - from));

	if (strncmp(to + len, " n=", 3) == 0)
		CHECK(low <= rank_of(to, len));
	else
		EQ(strncmp(to + len, " tried=", 7), 0);
}

static void
each_line(const char *prefix, void (*fn)(const char *))
{
	for (const char *p = text; *p != '\0'; p = strchr(p, '\n') + 1)
		if (strncmp(p, prefix, strlen(prefix)) == 0)
			fn(p);
}

static void
was_used(const char *name)
{
	const struct class *c = &class[rank_of(name, strlen(name))];

	CHECK(c->taken > 0 && c->max_held_ns > 0);
	/* A function of the kernel: name+0x1f, not "?". */
	CHECK(strchr(c->by, '+') != NULL && c->by[0] != '?');
	CHECK(strncmp(c->by, "spin_", 5) != 0);
}

int
main(void)
{
	static const char *const used[] = { "vnode", "map", "ws", "obj", "pfn",
		"leaf" };

	snap_init();
	work();
	check_vm();
	snap_read("/proc/vm/locks", text, sizeof(text));
	EQ(strncmp(text, "lock.order_checks ", 18), 0);
	each_line("class=", read_class);
	each_line("edge=", read_edge);
	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++)
		was_used(used[i]);
	CHECK(strstr(text, "\nedge=map>ws n=") != NULL);
	CHECK(strstr(text, "\nedge=ws>pfn n=") != NULL);
	CHECK(strstr(text, "\nedge=obj>pfn n=") != NULL);
	return test_done();
}
