/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=900 SWEEP=no APPEND=frames=8M ARGS=1:200000 SHORT=1:60000 MORE=1 KIND=exact,bounded */
/* BOUNDED: which call meets which on four CPUs is chance; S1 to S8 hold, and no page is lost */
/*
 * Design frames: four processes make calls at random, of frames and processes that are
 * theirs, another's or nobody's, and of addresses that are tables, code or nothing; their
 * creator takes frames away and unmaps under them.  Whoever runs into that is ended, with
 * the processes that it has made.  The rules hold at each look (frames_check), every kind
 * of call has succeeded, and all memory is process 0's at the end.
 *
 * Arguments: seed:calls
 */
#include "lib/frames.h"
#include <pthread.h>
#include <sys/wait.h>

#define MEMORY (8ul << 20)
#define CHILDREN 4
#define ROUNDS 1500             /* calls of a child that nothing ends before */
#define CODE BASE
#define LISTS (BASE + PAGE)     /* what it chooses from, for reading */
#define COUNTS (BASE + 2 * PAGE) /* of each kind, how many calls have succeeded; of all, how many were made */
#define FREE_AT (BASE + 16 * PAGE)
#define N 64                    /* words of a list */
#define OWN 24                  /* numbers of frames and processes that it knows */

/* Call and four arguments by chance, each from its list. */
__asm__(".section .rodata\n"
    "any_begin:\n"
    "	movq %rdi, %rbx\n"
    "	movq %rsi, %r12\n"
    "	movq %rdx, %r13\n"
    "	movabsq $6364136223846793005, %r14\n"
    "	movabsq $1442695040888963407, %r15\n"
    "1:	imulq %r14, %r12\n"
    "	addq %r15, %r12\n"
    "	movq %r12, %rcx\n	shrq $58, %rcx\n	movq (%rbx,%rcx,8), %rbp\n"
    "	movq %r12, %rcx\n	shrq $52, %rcx\n	andl $63, %ecx\n"
    "	movq 512(%rbx,%rcx,8), %rdi\n"
    "	movq %r12, %rcx\n	shrq $46, %rcx\n	andl $63, %ecx\n"
    "	movq 1024(%rbx,%rcx,8), %rsi\n"
    "	movq %r12, %rcx\n	shrq $40, %rcx\n	andl $63, %ecx\n"
    "	movq 1536(%rbx,%rcx,8), %rdx\n"
    "	movq %r12, %rcx\n	shrq $34, %rcx\n	andl $63, %ecx\n"
    "	movq 2048(%rbx,%rcx,8), %r10\n"
    "	leaq 4096(%rbp), %rax\n"
    "	lock incq 4224(%rbx)\n"   /* COUNTS, of all */
    "	syscall\n"
    "	testl %eax, %eax\n"
    "	js 2f\n"
    "	lock incq 4096(%rbx,%rbp,8)\n"
    "2:	decq %r13\n"
    "	jnz 1b\n"
    "	movl $60, %eax\n"
    "	xorl %edi, %edi\n"
    "	syscall\n"
    "any_end:\n"
    ".previous\n");
extern const char any_begin[], any_end[];

enum { SPLIT, MERGE, GIVE, ALLOW, COUNT, INFO, TABLE, UNTABLE, MAP, UNMAP, VSPACE_SWAP,
	VSPACE_SELF, PROC_NEW, PROC_START, SEGMENT_SPACE, FAULT, KINDS };
static const char *const kinds[KINDS] = { "split", "merge", "give", "allow", "count", "info",
	"table", "untable", "map", "unmap", "vspace_swap", "vspace_self", "proc_new",
	"proc_start", "segment_space", "fault" };
/* Of 64 calls. */
static const unsigned often[KINDS] = { 7, 4, 6, 4, 1, 3, 6, 3, 12, 8, 2, 1, 4, 1, 1, 1 };

struct lists { uint64_t call[N], first[N], second[N], third[N], fourth[N]; };

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static struct f_space mine;
static int code, counts;        /* frames that all children have, lent */
static int children[CHILDREN];  /* [making] pids; 0: none */
static volatile bool done;

/* ---- process 0's memory ---- */

static int
by_address(const void *a, const void *b)
{
	const struct frame_info *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

/* What lies side by side is one piece again.  [making] */
static void
join(void)
{
	static struct frame_info all[4096];
	struct frame_info i;
	unsigned n = 0;

	for (unsigned k = 0; f_info(k, &i) == 0 && n < 4096; k++)
		if (i.type == T_PAGE && i.nmap == 0)
			all[n++] = i;
	qsort(all, n, sizeof(all[0]), by_address);
	for (unsigned k = 1, to = 0; k < n; k++)
		if (all[to].pa + all[to].len == all[k].pa &&
		    f_merge(all[to].f_id, all[k].f_id) == all[to].f_id)
			all[to].len += all[k].len;
		else
			to = k;
}

/* The upper pages of the largest piece: it is another after each join.  [making] */
static int
cut(size_t pages)
{
	struct frame_info i, most = { .len = 0 };

	for (unsigned k = 0; f_info(k, &i) == 0; k++)
		if (i.type == T_PAGE && i.nmap == 0 && i.len > most.len)
			most = i;
	CHECK(most.len > pages * PAGE);
	return OK(f_split(most.f_id, most.len - pages * PAGE));
}

/* ---- a child ---- */

/* What it may choose: what it has, what others have, and what nobody has. */
static void
lists_fill(struct lists *l, const int own[OWN], int pid, uint64_t *seed)
{
	static const uint64_t wild[] = { 0, 1, 2, 1u << 23, 0x7fffffff, 0x80000000, UINT64_MAX };
	static const uint64_t third[] = { 1, 2, 3, 4, 5, PAGE, 2 * PAGE, BASE + (1ul << 21),
		BASE + (1ul << 30), END, 1ul << 63, 1, 2, 3, 4, 1 };
	static const uint64_t flags[] = { F_READ, F_READ | F_WRITE, F_READ | F_WRITE | F_EXEC,
		F_TABLE, F_TABLE, F_SECTION | F_READ, 0xff };
	unsigned at = 0;

	for (unsigned k = 0; k < KINDS; k++)
		for (unsigned i = 0; i < often[k]; i++)
			l->call[at++] = k;
	EQ(at, N);
	for (at = 0; at < N; at++) {
		l->first[at] = at < 14 ? (uint64_t)own[0] : at < 18 ? (uint64_t)own[at % 4] :
		    at < 44 ? (uint64_t)own[4 + at % (OWN - 4)] :
		    at < 52 ? (uint64_t)children[at % CHILDREN] : at < 54 ? (uint64_t)pid :
		    at == 54 ? (uint64_t)getpid() : at < 61 ? wild[at - 54] : rnd(seed) % 400;
		/* second: an offset, a frame, a process, an address to write to. */
		l->second[at] = at < 20 ? (uint64_t)own[4 + at % 10] :
		    at < 34 ? (uint64_t)children[at % CHILDREN] : at < 36 ? (uint64_t)getpid() :
		    at < 48 ? (rnd(seed) % 4) * PAGE : at < 52 ? FREE_AT + at % 8 * PAGE :
		    at < 58 ? COUNTS + PAGE / 2 : at == 58 ? 0 : at == 59 ? LISTS :
		    rnd(seed) % 400;
		l->third[at] = at < 44 ? FREE_AT + at % 8 * PAGE : at < 60 ? third[at - 44] :
		    CODE + (at - 60) * PAGE;
		l->fourth[at] = flags[at % 7];
	}
}

/* [making] */
static pid_t
child_make(unsigned number, uint64_t *seed)
{
	static struct lists *l = (struct lists *)(BASE + 3 * PAGE);
	int pid = OK(f_proc(cut(2))), own[OWN], lists = cut(1), k = 0;
	struct f_space s;

	for (int level = 1; level <= 4; level++)
		EQ(f_table(s.table[level] = cut(1), NULL, level), 0);
	for (int level = 3; level >= 1; level--)
		EQ(f_map(s.table[level + 1], s.table[level], BASE, F_TABLE), 0);
	children[number] = pid;
	for (int level = 1; level <= 4; level++)
		own[k++] = s.table[level];
	for (; k < OWN; k++)
		OK(f_give(own[k] = cut(k < 8 ? 2 : k < 10 ? 8 : 1), pid));
	EQ(f_map(mine.table[1], lists, (uint64_t)l, F_READ | F_WRITE), 0);
	lists_fill(l, own, pid, seed);
	EQ(f_unmap(mine.table[1], lists, (uint64_t)l), 0);
	EQ(f_map(s.table[1], code, CODE, F_READ | F_EXEC) >= 0, 1);
	EQ(f_map(s.table[1], lists, LISTS, F_READ), 0);
	EQ(f_map(s.table[1], counts, COUNTS, F_READ | F_WRITE) >= 0, 1);
	EQ(f_swap(pid, s.table[4]), 0);
	OK(f_segments(pid, own[OWN - 1]));
	EQ(f_allow(pid, 1000), 0);
	return pid;
}

/* Processes that children have made, and left to us, or have still.  [making] */
static void
kill_strangers(void)
{
	static char text[1 << 20];
	int fd = OK(open("/proc/vm/owners", O_RDONLY)), n = 0, got;
	char *at;

	while ((got = OK((int)read(fd, text + n, sizeof(text) - 1 - (size_t)n))) > 0)
		n += got;
	close(fd);
	text[n] = 0;
	for (at = text; (at = strstr(at, "process ")) != NULL; at++) {
		int pid = atoi(at + 8), is_known = pid == getpid() || pid <= 1;

		for (int k = 0; k < CHILDREN; k++)
			is_known |= pid == children[k];
		if (!is_known)
			(void)kill(pid, SIGKILL);
	}
}

/* Until it ends, or does what only its creator could mend. */
static void
child_see_off(pid_t pid)
{
	struct frame_fault fault;
	int status;

	while (f_fault(pid, &fault, FAULT_WAIT) == 0)
		(void)f_fault(pid, &fault, FAULT_SIGNAL);
	EQ(errno, ESRCH);
	EQ(waitpid(pid, &status, 0), pid);
	CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	    (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
}

static void *
minder(void *arg)
{
	unsigned number = (unsigned)(uintptr_t)arg, made;
	uint64_t seed = 77 + number;
	struct frame_regs regs;
	pid_t pid;

	for (made = 1; !done; made++) {
		pthread_mutex_lock(&making);
		pid = child_make(number, &seed);
		regs = (struct frame_regs){ .rip = CODE, .rdi = LISTS, .rsi = rnd(&seed),
			.rdx = ROUNDS };
		EQ(f_start(pid, &regs), 0);
		pthread_mutex_unlock(&making);
		child_see_off(pid);
		pthread_mutex_lock(&making);
		children[number] = 0;
		kill_strangers();
		join();
		if (made % 16 == 0)
			check_vm();
		pthread_mutex_unlock(&making);
	}
	return NULL;
}

/* What a creator may do to its children's frames, at any moment. */
static void
take_something(uint64_t *seed)
{
	int f = (int)(rnd(seed) % 400), t = (int)(rnd(seed) % 400);

	if (f == counts || f == code)
		return;
	if (rnd(seed) % 4 == 0)
		(void)f_give(f, getpid());
	else
		(void)f_unmap(t, f, FREE_AT + rnd(seed) % 8 * PAGE);
}

int
main(int argc, char **argv)
{
	volatile uint64_t *succeeded = (uint64_t *)(BASE + PAGE);
	uint64_t seed = 1;
	pthread_t t[CHILDREN];
	long wanted = 20000;

	under_design(DESIGN_FRAMES, argv);
	seed_count(argc, argv, &seed, &wanted);
	f_build(&mine, BASE);
	EQ(f_swap(getpid(), mine.table[4]), 0);
	EQ(f_segments(getpid(), f_cut(1)), 0);
	code = f_cut(1);
	counts = f_cut(1);
	EQ(f_map(mine.table[1], code, BASE, F_READ | F_WRITE), 0);
	memcpy((void *)BASE, any_begin, (size_t)(any_end - any_begin));
	EQ(f_map(mine.table[1], counts, BASE + PAGE, F_READ | F_WRITE), 0);
	for (uintptr_t k = 0; k < CHILDREN; k++)
		EQ(pthread_create(&t[k], NULL, minder, (void *)k), 0);
	while ((long)succeeded[KINDS] < wanted) {
		usleep(2000);
		pthread_mutex_lock(&making);
		take_something(&seed);
		pthread_mutex_unlock(&making);
	}
	done = true;
	for (int k = 0; k < CHILDREN; k++)
		EQ(pthread_join(t[k], NULL), 0);
	for (int tries = 0; f_sum() != MEMORY && tries < 1000; tries++) {
		kill_strangers();
		usleep(10000);
	}
	EQ(f_sum(), MEMORY);
	/* A child has no other space, and nobody whom it could start or answer. */
	for (int k = 0; k < KINDS; k++)
		if (succeeded[k] == 0 && k != VSPACE_SWAP && k != PROC_START && k != FAULT)
			FAIL("no %s has succeeded", kinds[k]);
	return test_done();
}
