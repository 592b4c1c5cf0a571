/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * A thread ends, and is long at its robust list, for each entry is to be copied from
 * its parent.  Who comes for the lock at the end of the list meanwhile sleeps once,
 * and has it then: it does not look again and again.
 */
#include "lib/test.h"
#include "lib/futex.h"

#define TID_MASK 0x3fffffffu
#define ENTRIES 2000u        /* of 2,048 that are looked at */
#define SWITCHES 8           /* there and back, and what else runs */

struct entry {
	void *next;
	uint32_t word;
};

static struct robust {
	void *next;
	long offset;
	void *pending;
} head = { .offset = offsetof(struct entry, word) };

/* Switches of all CPUs; where others run, too, 0. */
static long
switches(void)
{
	static char text[8192];
	const char *at;
	ssize_t n;
	int fd;

	if (!on_vadose())
		return 0;
	fd = OK(open("/proc/stat", O_RDONLY));
	n = OK(read(fd, text, sizeof(text) - 1));
	text[n] = '\0';
	OK(close(fd));
	at = strstr(text, "\nctxt ");
	CHECK(at != NULL);
	return atol(at + 6);
}

int
main(void)
{
	struct entry *last = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *pages = mmap(NULL, ENTRIES * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *next = last;
	long before, r;
	pid_t pid;

	CHECK(last != MAP_FAILED && pages != MAP_FAILED);
	last->next = &head;
	for (unsigned i = 0; i < ENTRIES; i++) {
		struct entry *e = (struct entry *)(pages + i * PAGE);

		e->next = next;
		next = e;
	}
	head.next = next;
	pid = OK(fork());
	if (pid == 0) {
		OK(syscall(SYS_set_robust_list, &head, sizeof(head)));
		__atomic_store_n(&last->word, (uint32_t)syscall(SYS_gettid),
		    __ATOMIC_SEQ_CST);
		_exit(0);
	}
	while (__atomic_load_n(&last->word, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
	do {
		before = switches();
		r = syscall(SYS_futex, &last->word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0);
	} while (r != 0 && errno == EAGAIN);
	EQ(r, 0);
	CHECK(switches() - before <= SWITCHES);
	EQ(last->word & TID_MASK, (uint32_t)syscall(SYS_gettid));
	REAP(pid, 0);
	return test_done();
}
