/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A private futex is an address: whoever sleeps there is woken there, whatever
 * has become of the page meanwhile.  A shared one is the page: it must be there.
 */
#include "lib/sleeps.h"
#include "lib/futex.h"
#include <pthread.h>

#define PRIVATE FUTEX_PRIVATE_FLAG

static int *word, *spare;
static volatile pid_t tid;

static long
futex(int *at, int op, int val, long val2, int *at2, int val3)
{
	return syscall(SYS_futex, at, op, val, val2, at2, val3);
}

static void *
sleeper(void *op)
{
	tid = (pid_t)syscall(SYS_gettid);
	EQ(futex(word, FUTEX_WAIT | (int)(long)op, 0, 0, NULL, 0), 0);
	return NULL;
}

static pthread_t
asleep(long op)
{
	pthread_t t;

	tid = 0;
	EQ(pthread_create(&t, NULL, sleeper, (void *)op), 0);
	while (tid == 0)
		sleep_ms(1);
	thread_sleeps(getpid(), tid);
	return t;
}

static void
woken(pthread_t t, int *at)
{
	EQ(futex(at, FUTEX_WAKE | PRIVATE, 9, 0, NULL, 0), 1);
	EQ(pthread_join(t, NULL), 0);
}

static void
out_of_reach(void)
{
	pthread_t t;

	word = (int *)pages_private(1);
	t = asleep(PRIVATE);
	OK(mprotect(word, PAGE, PROT_NONE));
	ERR(futex(word, FUTEX_WAKE, 9, 0, NULL, 0), EFAULT);
	ERR(futex(word, FUTEX_WAIT | PRIVATE, 0, 0, NULL, 0), EFAULT);
	woken(t, word);
	/* The value is compared only by who asks for that. */
	OK(mprotect(word, PAGE, PROT_READ | PROT_WRITE));
	t = asleep(PRIVATE);
	OK(mprotect(word, PAGE, PROT_NONE));
	ERR(futex(word, FUTEX_CMP_REQUEUE | PRIVATE, 0, 9, spare, 0), EFAULT);
	ERR(futex(word, FUTEX_CMP_REQUEUE | PRIVATE, 0, 9, spare + 64, 1),
	    EFAULT);
	EQ(futex(word, FUTEX_REQUEUE | PRIVATE, 0, 9, word + 64, 0), 1);
	woken(t, word + 64);
	OK(mprotect(word, PAGE, PROT_READ | PROT_WRITE));
	t = asleep(PRIVATE);
	OK(mprotect(word, PAGE, PROT_NONE));
	EQ(futex(word, FUTEX_WAKE_OP | PRIVATE, 9, 9, spare,
	       FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 1)), 1);
	EQ(pthread_join(t, NULL), 0);
	EQ(*spare, 1);
	ERR(futex(spare, FUTEX_WAKE_OP | PRIVATE, 9, 9, word, 0), EFAULT);
	/* A comparison that there is not is found when the word has changed. */
	ERR(futex(spare, FUTEX_WAKE_OP | PRIVATE, 9, 9, spare,
	        FUTEX_OP(FUTEX_OP_ADD, 1, 9, 0)), ENOSYS);
	EQ(*spare, 2);
	OK(munmap(word, PAGE));
}

static void
gone_and_moved(void)
{
	pthread_t t;
	int *to;

	word = (int *)pages_private(1);
	t = asleep(PRIVATE);
	OK(munmap(word, PAGE));
	woken(t, word);
	word = (int *)pages_private(1);
	t = asleep(PRIVATE);
	to = mremap(word, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    pages_private(1));
	EQ(futex(to, FUTEX_WAKE | PRIVATE, 9, 0, NULL, 0), 0);
	woken(t, word);
	OK(munmap(to, PAGE));
}

static int *
file_words(int fd, int prot, int flags)
{
	void *p = mmap(NULL, 2 * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return (int *)p + PAGE / sizeof(int);
}

/* The second page of a file is cut off. */
static void
cut(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT, 0600)), *copy, *seen, *mine;
	pthread_t t;

	OK(ftruncate(fd, 2 * PAGE));
	word = file_words(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	t = asleep(PRIVATE);
	OK(ftruncate(fd, PAGE));
	ERR(futex(word, FUTEX_WAKE, 9, 0, NULL, 0), EFAULT);
	woken(t, word);
	OK(ftruncate(fd, 2 * PAGE));
	t = asleep(0);
	OK(ftruncate(fd, PAGE));
	ERR(futex(word, FUTEX_WAKE, 9, 0, NULL, 0), EFAULT);
	EQ(futex(word, FUTEX_WAKE | PRIVATE, 9, 0, NULL, 0), 0);
	OK(ftruncate(fd, 2 * PAGE));
	/* Of private mappings only one that cannot have a copy is the file. */
	copy = file_words(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	seen = file_words(fd, PROT_READ, MAP_PRIVATE);
	mine = file_words(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	*mine = 1;
	OK(mprotect(mine, PAGE, PROT_READ));
	ERR(futex(mine, FUTEX_WAKE, 9, 0, NULL, 0), EFAULT);
	EQ(futex(copy, FUTEX_WAKE, 9, 0, NULL, 0), 0);
	EQ(futex(seen, FUTEX_WAKE, 9, 0, NULL, 0), 1);
	EQ(pthread_join(t, NULL), 0);
	OK(close(fd) | unlink("f"));
}

/* Both kinds at one word of memory of one's own. */
static void
kinds(void)
{
	pthread_t t;

	word = (int *)pages_private(1);
	t = asleep(PRIVATE);
	EQ(futex(word, FUTEX_WAKE, 9, 0, NULL, 0), 0);
	woken(t, word);
	t = asleep(0);
	EQ(futex(word, FUTEX_WAKE | PRIVATE, 9, 0, NULL, 0), 0);
	EQ(futex(word, FUTEX_WAKE, 9, 0, NULL, 0), 1);
	EQ(pthread_join(t, NULL), 0);
	/* Nobody can store there: it never changes. */
	OK(mprotect(word, PAGE, PROT_READ));
	ERR(futex(word, FUTEX_WAKE, 9, 0, NULL, 0), EFAULT);
	ERR(futex(word, FUTEX_WAIT, 1, 0, NULL, 0), EFAULT);
	ERR(futex(word, FUTEX_WAIT | PRIVATE, 1, 0, NULL, 0), EAGAIN);
	OK(munmap(word, PAGE));
}

int
main(void)
{
	spare = (int *)pages_private(1);
	enter_tmp();
	out_of_reach();
	gone_and_moved();
	cut();
	kinds();
	leave_tmp();
	return test_done();
}
