/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=120 ARGS=1:20000 SWEEP=no MORE=2 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Random operations on memory agree with a simple model: mmap, munmap,
 * mprotect, mremap, madvise, forks to depth 4, loads, stores, and calls
 * with good and bad pointers.  Arguments: seed:count.
 *
 * The model is one record per page of an arena.  A private page's value is
 * in the record (fork copies it); a shared page's value is in a slot that
 * all processes share.
 */
#include "lib/test.h"

#define PAGES 256
#define SLOTS (1UL << 19)
#define DEPTH 4

struct page {
	bool mapped, shared, dontfork, wipe;
	int prot;
	uint32_t slot;  /* shared */
	uint64_t value; /* private */
};

struct common { /* shared by all processes */
	volatile long left; /* operations to do */
	volatile uint32_t next_slot;
	uint64_t value[SLOTS];
};

static struct page model[PAGES];
static struct common *common;
static char *arena;
static uint64_t seed, first_seed;
static int depth, pipe_fd[2];
static uint32_t own_slots; /* shared pages from here are ours to write */
static long op_number;
static sigjmp_buf back;
static volatile int trap_code;

static void child_or_parent(void);

#define AGREE(seen, expected)                                                  \
	agree(__LINE__, (long)(seen), (long)(expected))

static void
agree(int line, long seen, long expected)
{
	if (seen != expected)
		test_fail(__FILE__, line, "seed %lu operation %ld depth %d: "
		    "expected %#lx, seen %#lx (errno %d)", first_seed,
		    op_number, depth, expected, seen, errno);
}

static void
handler(int signo, siginfo_t *si, void *uc)
{
	uintptr_t at = (uintptr_t)si->si_addr - (uintptr_t)arena;

	(void)uc;
	if (signo != SIGSEGV || at >= PAGES * PAGE)
		FAIL("signal %d code %d at %p", signo, si->si_code,
		    si->si_addr);
	trap_code = si->si_code;
	siglongjmp(back, 1);
}

static volatile uint64_t *
word(int i)
{
	return (volatile uint64_t *)(arena + i * PAGE + 8 * (i % 2 ? 511 : 0));
}

static uint64_t *
value_of(struct page *p)
{
	return p->shared ? &common->value[p->slot % SLOTS] : &p->value;
}

static int
pick(int n)
{
	return rnd(&seed) % n;
}

static void
pick_range(int *at, int *n, int most)
{
	*at = pick(PAGES);
	*n = 1 + pick(most);
	if (*at + *n > PAGES)
		*n = PAGES - *at;
}

static bool
readable(struct page *p)
{
	return p->mapped && p->prot != PROT_NONE;
}

static bool
writable(struct page *p)
{
	return p->mapped && (p->prot & PROT_WRITE);
}

static bool
may_store(struct page *p)
{
	return !p->shared || p->slot >= own_slots;
}

/* ---- accesses ---- */

static void
expect_trap(struct page *p)
{
	AGREE(trap_code, p->mapped ? SEGV_ACCERR : SEGV_MAPERR);
}

/* Both ends of a page hold its value (mremap changes which end is word). */
static void
do_load(int i)
{
	struct page *p = &model[i];
	volatile uint64_t *w = (volatile uint64_t *)(arena + i * PAGE);
	uint64_t a, b;

	if (sigsetjmp(back, 0) == 0) {
		a = w[0];
		b = w[511];
		AGREE(readable(p), true);
		AGREE(a, *value_of(p));
		AGREE(b, *value_of(p));
	} else {
		AGREE(readable(p), false);
		expect_trap(p);
	}
}

static void
do_store(int i)
{
	struct page *p = &model[i];
	volatile uint64_t *w = (volatile uint64_t *)(arena + i * PAGE);
	uint64_t v = rnd(&seed);

	if (p->mapped && !may_store(p))
		return;
	if (sigsetjmp(back, 0) == 0) {
		w[0] = v;
		w[511] = v;
		AGREE(writable(p), true);
		*value_of(p) = v;
	} else {
		AGREE(writable(p), false);
		expect_trap(p);
	}
}

/* Move 8 bytes by calls: from page i through the pipe into page k. */
static void
do_calls(int i, int k)
{
	struct page *from = &model[i], *to = &model[k];
	uint64_t v = *value_of(from), got;

	if (!readable(from)) {
		ERR(write(pipe_fd[1], (void *)word(i), 8), EFAULT);
		return;
	}
	AGREE(write(pipe_fd[1], (void *)word(i), 8), 8);
	if (to->mapped && !may_store(to)) {
		AGREE(read(pipe_fd[0], &got, 8), 8);
	} else if (!writable(to)) {
		ERR(read(pipe_fd[0], (void *)word(k), 8), EFAULT);
		AGREE(read(pipe_fd[0], &got, 8), 8);
	} else {
		AGREE(read(pipe_fd[0], (void *)word(k), 8), 8);
		got = *word(k);
		*(volatile uint64_t *)(arena + k * PAGE) = v;
		*(volatile uint64_t *)(arena + k * PAGE + 4088) = v;
		*value_of(to) = v;
	}
	AGREE(got, v);
}

static void
verify_all(void)
{
	for (int i = 0; i < PAGES; i++)
		if (readable(&model[i]) || pick(8) == 0)
			do_load(i);
}

/* ---- operations on ranges ---- */

static int
pick_prot(void)
{
	static const int prots[] = { PROT_NONE, PROT_READ,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC };

	return prots[pick(6)];
}

static void
model_map(int at, int n, int prot, bool shared)
{
	for (int i = at; i < at + n; i++) {
		model[i] = (struct page){ .mapped = true, .prot = prot,
			.shared = shared };
		if (shared) {
			model[i].slot = __atomic_fetch_add(&common->next_slot,
			    1, __ATOMIC_RELAXED);
			*value_of(&model[i]) = 0;
		}
	}
}

static void
do_mmap(int at, int n, int prot, bool shared)
{
	static const int extra[] = { 0, 0, MAP_NORESERVE, MAP_POPULATE };
	int flags = MAP_FIXED | MAP_ANONYMOUS | extra[pick(4)] |
	    (shared ? MAP_SHARED : MAP_PRIVATE);

	AGREE((uintptr_t)mmap(arena + at * PAGE, n * PAGE, prot, flags, -1, 0),
	    (uintptr_t)arena + at * PAGE);
	model_map(at, n, prot, shared);
}

static void
do_munmap(int at, int n)
{
	AGREE(munmap(arena + at * PAGE, n * PAGE), 0);
	memset(&model[at], 0, n * sizeof(model[0]));
}

static void
do_mprotect(int at, int n)
{
	int prot = pick_prot(), i = at;

	for (; i < at + n && model[i].mapped; i++)
		model[i].prot = prot;
	if (i == at + n)
		AGREE(mprotect(arena + at * PAGE, n * PAGE, prot), 0);
	else
		ERR(mprotect(arena + at * PAGE, n * PAGE, prot), ENOMEM);
}

static void
do_madvise(int at, int n)
{
	static const int advices[] = { MADV_DONTNEED, MADV_DONTNEED,
		MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK,
		MADV_KEEPONFORK };
	int advice = advices[pick(6)];
	bool hole = false;

	for (int i = at; i < at + n; i++)
		if (model[i].shared && advice == MADV_WIPEONFORK)
			return;
	for (int i = at; i < at + n; i++) {
		struct page *p = &model[i];

		hole |= !p->mapped;
		if (advice == MADV_DONTNEED)
			p->value = 0;
		else if (advice == MADV_DONTFORK || advice == MADV_DOFORK)
			p->dontfork = p->mapped && advice == MADV_DONTFORK;
		else
			p->wipe = p->mapped && advice == MADV_WIPEONFORK;
	}
	if (hole)
		ERR(madvise(arena + at * PAGE, n * PAGE, advice), ENOMEM);
	else
		AGREE(madvise(arena + at * PAGE, n * PAGE, advice), 0);
}

/* Move n pages (one mapping) to another place, there with m pages. */
static void
do_mremap(int from, int n, int to, int m)
{
	struct page moved[PAGES];
	void *r;

	if (to + m > PAGES || (to < from + n && from < to + m))
		return;
	r = mremap(arena + from * PAGE, n * PAGE, m * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, arena + to * PAGE);
	if (!model[from].mapped) {
		AGREE(r == MAP_FAILED && errno == EFAULT, true);
		/* Linux has removed the target by then, or not. */
		do_munmap(to, m);
		return;
	}
	AGREE((uintptr_t)r, (uintptr_t)arena + to * PAGE);
	memcpy(moved, &model[from], n * sizeof(moved[0]));
	memset(&model[from], 0, n * sizeof(moved[0]));
	for (int i = 0; i < m; i++) {
		model[to + i] = moved[i < n ? i : 0];
		if (i >= n)
			model[to + i].value = 0;
	}
}

static void
pick_mremap(void)
{
	int from = pick(PAGES), n = 1, m = 1 + pick(8), to = pick(PAGES);

	if (pick(2)) { /* a fresh mapping of several pages */
		pick_range(&from, &n, 12);
		do_mmap(from, n, PROT_READ | PROT_WRITE, pick(3) == 0);
		for (int i = 0; i < n; i += 1 + pick(3))
			do_store(from + i);
	}
	if (model[from].shared)
		m = m > n ? n : m;
	do_mremap(from, n, to, m);
}

/* ---- fork ---- */

static void
model_fork(void)
{
	for (int i = 0; i < PAGES; i++) {
		if (model[i].dontfork)
			memset(&model[i], 0, sizeof(model[i]));
		else if (model[i].wipe)
			model[i].value = 0;
	}
}

static void
do_fork(void)
{
	bool together = pick(2);
	uint32_t old_own = own_slots;
	uint64_t child_seed = rnd(&seed);
	int ops = 10 + pick(200);
	pid_t pid;

	if (depth == DEPTH)
		return;
	if (together)
		own_slots = common->next_slot;
	pid = OK(fork());
	if (pid == 0) {
		depth++;
		seed = child_seed;
		OK(pipe(pipe_fd));
		model_fork();
		verify_all();
		for (; ops > 0 && common->left > 0; ops--)
			child_or_parent();
		verify_all();
		_exit(0);
	}
	for (int k = 0; together && k < 30; k++) {
		do_store(pick(PAGES));
		do_load(pick(PAGES));
		if (k % 10 == 0)
			child_or_parent();
	}
	REAP(pid, 0);
	own_slots = old_own;
	if (pick(4) == 0)
		verify_all();
}

/* One random operation. */
static void
child_or_parent(void)
{
	int at, n;

	op_number = __atomic_sub_fetch(&common->left, 1, __ATOMIC_RELAXED);
	pick_range(&at, &n, 16);
	switch (pick(32)) {
	case 0: case 1: case 2:
		do_mmap(at, n, pick_prot(), false);
		break;
	case 3: case 4:
		do_mmap(at, n, pick_prot(), true);
		break;
	case 5:
		do_munmap(at, n);
		break;
	case 6: case 7: case 8:
		do_mprotect(at, n);
		break;
	case 9: case 10:
		do_madvise(at, n);
		break;
	case 11: case 12:
		pick_mremap();
		break;
	case 13:
		if (pick(6) == 0)
			do_fork();
		break;
	case 14: case 15: case 16:
		do_calls(at, pick(PAGES));
		break;
	default:
		if (pick(3))
			do_store(at);
		else
			do_load(at);
	}
}

int
main(int argc, char **argv)
{
	struct sigaction sa;
	long count = 20000, next_check;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO | SA_NODEFER;
	seed = 1;
	seed_count(argc, argv, &seed, &count);
	first_seed = seed;
	seed = seed * 0x9e3779b97f4a7c15UL | 1;
	OK(sigaction(SIGSEGV, &sa, NULL));
	OK(sigaction(SIGBUS, &sa, NULL));
	OK(pipe(pipe_fd));
	common = (void *)pages_shared((sizeof(*common) + PAGE - 1) / PAGE);
	common->left = count;
	arena = pages_private(PAGES + 2) + PAGE;
	OK(munmap(arena - PAGE, (PAGES + 2) * PAGE));
	/* Nobody else maps here: the holes must stay holes. */
	next_check = count - 5000;
	while (common->left > 0) {
		child_or_parent();
		if (common->left < next_check) {
			next_check = common->left - 5000;
			verify_all();
			check_vm();
		}
	}
	verify_all();
	return test_done();
}
