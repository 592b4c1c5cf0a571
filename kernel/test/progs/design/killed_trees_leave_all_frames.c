/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=900 SWEEP=no APPEND=frames=8M ARGS=1:100 SHORT=1:3 KIND=exact,bounded */
/* BOUNDED: processes run on any CPU while others end */
/*
 * Design frames: of a tree of 20 processes each is killed at a random moment, a
 * hundred times (three, in short): while it runs, waits for its creator, or has not begun.  What they had is their
 * creator's each time, and process 0's at the end (row E19).
 *
 * Argument: seed:trees
 */
#include "lib/frames.h"
#include <sys/wait.h>

#define TREE 20u
#define MEMORY (8ul << 20)
#define AT(i) (BASE + (uint64_t)(i) * PAGE)
#define CODE (BASE + 0x100000ul)
#define DATA (CODE + PAGE)

static struct f_space mine;

__asm__(".section .rodata\n"
    "busy_begin:\n"
    "1:	addq $1, (%rdi)\n"
    "	jmp 1b\n"
    "busy_end:\n"
    ".previous\n");
extern const char busy_begin[], busy_end[];

/* With a page to store to, or without. */
static pid_t
child(unsigned kind)
{
	pid_t pid = OK(f_proc(f_cut(2)));
	struct f_space s;
	int code = f_cut(1);

	f_build(&s, CODE);
	EQ(f_map(mine.table[1], code, AT(0), F_READ | F_WRITE), 0);
	memcpy((void *)AT(0), busy_begin, (size_t)(busy_end - busy_begin));
	EQ(f_unmap(mine.table[1], code, AT(0)), 0);
	EQ(f_map(s.table[1], code, CODE, F_READ | F_EXEC), 0);
	if (kind != 1)
		EQ(f_map(s.table[1], f_cut(1), DATA, F_READ | F_WRITE), 0);
	EQ(f_swap(pid, s.table[4]), 0);
	return pid;
}

/* One that has not begun, of memory that was given to its creator, a child of ours. */
static pid_t
grandchild(pid_t creator)
{
	int f = f_cut(2);

	EQ(f_give(f, creator), f);
	return OK(f_proc(f));
}

/* Of a tree: who is alive; who gets children now, whether it begins afterwards. */
static pid_t alive[TREE], parent;
static unsigned count;
static bool begins;

/* After this it needs consent to be given anything. */
static void
let_go(void)
{
	struct frame_regs regs = { .rip = CODE, .rdi = DATA };

	if (parent != 0 && begins)
		EQ(f_start(parent, &regs), 0);
	parent = 0;
}

static void
grow(uint64_t *seed)
{
	unsigned kind = (unsigned)(rnd(seed) % 3);

	if (parent != 0 && rnd(seed) % 3 != 0) {
		alive[count++] = grandchild(parent);
		return;
	}
	let_go();
	/* One that runs, one that waits for us, one that has not begun. */
	alive[count++] = parent = child(kind);
	begins = kind != 2;
}

static void
kill_one(uint64_t *seed)
{
	unsigned i = (unsigned)(rnd(seed) % count);
	int status;

	OK(kill(alive[i], SIGKILL));
	EQ(waitpid(alive[i], &status, 0), alive[i]);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	if (alive[i] == parent)
		parent = 0;
	alive[i] = alive[--count];
}

/* As process 0.  Some are killed while the tree still grows. */
static void
tree(uint64_t seed)
{
	unsigned made;

	while (f_count() < 0) { /* the last one is leaving */
		EQ(errno, ESRCH);
		usleep(1000);
	}
	f_build(&mine, BASE);
	EQ(f_swap(getpid(), mine.table[4]), 0);
	for (made = 0; made < TREE; made++) {
		grow(&seed);
		if (rnd(&seed) % 8 == 0)
			kill_one(&seed);
	}
	let_go();
	while (count > 0) {
		usleep((useconds_t)(rnd(&seed) % 500));
		kill_one(&seed);
	}
	EQ(f_sum(), MEMORY);
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	long trees = 3;
	pid_t pid;

	under_design(DESIGN_FRAMES, argv);
	seed_count(argc, argv, &seed, &trees);
	for (; trees > 0; trees--, seed++) {
		pid = OK(fork());
		if (pid == 0) {
			tree(seed);
			_exit(0);
		}
		REAP(pid, 0);
	}
	return test_done();
}
