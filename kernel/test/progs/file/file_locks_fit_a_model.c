/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * Record locks of eight open files, taken, changed and given up at random: what
 * is refused, and what F_OFD_GETLK tells, is what a table of bytes says.
 */
#include "lib/test.h"

#define OWNERS 8
#define BYTES 48 /* the last one stands for all that follow */
#define ROUNDS 6000

enum { FREE, SHARED, ALONE };

static int fd[OWNERS];
static unsigned char has[OWNERS][BYTES];

static struct flock
range(int type, int start, int end)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET,
		.l_start = start, .l_len = end == BYTES ? 0 : end - start };
}

/* Does another have a lock there that is in the way? */
static bool
in_the_way(int owner, int kind, int start, int end)
{
	for (int o = 0; o < OWNERS; o++) {
		for (int i = start; o != owner && i < end; i++) {
			if (has[o][i] == ALONE ||
			    (has[o][i] == SHARED && kind == ALONE))
				return true;
		}
	}
	return false;
}

/* The lock that was told is all of one that another has. */
static void
is_told_whole(int owner, const struct flock *l)
{
	int kind = l->l_type == F_WRLCK ? ALONE : SHARED;
	int start = (int)l->l_start, o, i;
	int end = l->l_len == 0 ? BYTES : start + (int)l->l_len;

	EQ(l->l_pid, -1);
	for (o = 0; o < OWNERS; o++) {
		for (i = start; i < end && has[o][i] == kind; i++)
			continue;
		if (o != owner && i == end &&
		    (start == 0 || has[o][start - 1] != kind) &&
		    (end == BYTES || has[o][end] != kind))
			return;
	}
	FAIL("[%d, %d) of type %d is nobody's", start, end, l->l_type);
}

static void
one_call(uint64_t *random)
{
	int o = rnd(random) % OWNERS, kind = rnd(random) % 3;
	int start = rnd(random) % BYTES;
	int end = start + 1 + rnd(random) % (BYTES - start);
	int type = kind == FREE ? F_UNLCK : kind == SHARED ? F_RDLCK : F_WRLCK;
	struct flock l = range(type, start, end);
	bool refused = kind != FREE && in_the_way(o, kind, start, end);

	if (kind != FREE && rnd(random) % 4 == 0) {
		OK(fcntl(fd[o], F_OFD_GETLK, &l));
		EQ(l.l_type != F_UNLCK, refused);
		if (refused)
			is_told_whole(o, &l);
	} else if (refused) {
		ERR(fcntl(fd[o], F_OFD_SETLK, &l), EAGAIN);
	} else {
		OK(fcntl(fd[o], F_OFD_SETLK, &l));
		memset(has[o] + start, kind, end - start);
	}
}

int
main(void)
{
	uint64_t random = 17;
	int o;

	enter_tmp();
	for (o = 0; o < OWNERS; o++)
		fd[o] = OK(open("f", O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < ROUNDS; i++) {
		one_call(&random);
		/* Now and then one of them starts anew. */
		if (i % 64 != 0)
			continue;
		o = rnd(&random) % OWNERS;
		OK(close(fd[o]));
		fd[o] = OK(open("f", O_RDWR));
		memset(has[o], FREE, BYTES);
	}
	for (o = 0; o < OWNERS; o++)
		OK(close(fd[o]));
	OK(unlink("f"));
	leave_tmp();
	return test_done();
}
