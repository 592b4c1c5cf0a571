/* NEEDS: MEM=64M SWAP=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Who ends gives back the locks of his robust list, and wakes who waits for
 * the word of CHILD_CLEARTID, however he ends; also if these pages are not in
 * memory then.
 */
#include "lib/test.h"
#include "lib/futex.h"

#define OWNER_DIED 0x40000000

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum end { BY_EXIT, BY_EXIT_GROUP, BY_KILL, ENDS };

struct lock {
	void *next;
	int word;
};

static struct lock *lock;
static volatile int *step;

static void
page_out(void *p)
{
	unsigned char here = 1;

	for (int i = 0; i < 100 && (here & 1) != 0; i++) {
		OK(madvise(p, PAGE, MADV_PAGEOUT));
		sleep_ms(2);
		OK(mincore(p, PAGE, &here));
	}
}

static void
owner(enum end end)
{
	static struct {
		void *next;
		long offset;
		void *pending;
	} head;

	head.next = &lock->next;
	head.offset = (long)offsetof(struct lock, word);
	lock->next = &head;
	lock->word = getpid();
	OK(syscall(SYS_set_robust_list, &head, sizeof(head)));
	OK(madvise(lock, PAGE, MADV_PAGEOUT));
	*step = 1;
	while (*step != 2)
		sleep_ms(1);
	if (end == BY_EXIT)
		syscall(SYS_exit, 0);
	if (end == BY_EXIT_GROUP)
		syscall(SYS_exit_group, 0);
	for (;;)
		pause();
}

static void
round_of(enum end end)
{
	int status;
	pid_t pid;

	*step = 0;
	pid = OK(fork());
	if (pid == 0)
		owner(end);
	while (*step != 1)
		sleep_ms(1);
	page_out(lock);
	*step = 2;
	if (end == BY_KILL)
		OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
	EQ(lock->word, OWNER_DIED);
}

int
main(void)
{
	lock = (struct lock *)pages_shared(1);
	step = (int *)pages_shared(1);
	for (int i = 0; i < rounds(8); i++)
		for (enum end end = 0; end < ENDS; end++)
			round_of(end);
	return test_done();
}
