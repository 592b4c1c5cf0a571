/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 SWEEP=no APPEND=frames=8M KIND=exact */
/*
 * E17: a program works on 1,024 pages in 256 frames, with libframes: it pages itself, to a
 * file, by its own SIGSEGV; its bytes are those of plain memory, their SHA-256 is what the same
 * stores give elsewhere, and the kernel's swap rests.
 */
#include "lib/events.h"
#include "lib/frames.h"
#include "user/libframes/lf.h"
#include <ucontext.h>

#define MANY 1024u
#define FEW 256u
#define ROUNDS 30000u
/* Of the memory in the end: made on another machine, by another program. */
#define SUM "5e0c698e94dc0d612d7c981ba21a5317543d60cc8429d4379af70bbd7b1ef598"

static struct lf lf;

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	bool write = (uc->uc_mcontext.gregs[REG_ERR] & 2) != 0;
	long r = lf_fault(&lf, &lf.space[0], (uint64_t)info->si_addr, write);

	if (r < 0)
		_exit(100 + (int)-r); /* nothing else is safe here */
}

/* A busybox has what we read from our pages, one by one, and says their sum. */
static void
sum_is(const char *want)
{
	static char page[PAGE], said[65];
	int to[2], from[2];
	unsigned i;
	pid_t pid;

	OK(pipe2(to, O_CLOEXEC));
	OK(pipe2(from, O_CLOEXEC));
	pid = OK(fork());
	if (pid == 0) {
		OK(dup2(to[0], 0));
		OK(dup2(from[1], 1));
		execl("/bin/busybox", "sha256sum", NULL);
		_exit(127);
	}
	OK(close(to[0]));
	OK(close(from[1]));
	for (i = 0; i < MANY; i++) {
		memcpy(page, (char *)LF_BASE + i * PAGE, PAGE);
		EQ(write(to[1], page, PAGE), PAGE);
	}
	OK(close(to[1]));
	for (i = 0; i < 64; i++)
		EQ(read(from[0], said + i, 1), 1);
	REAP(pid, 0);
	if (strcmp(said, want) != 0)
		FAIL("sha256 %s, not %s", said, want);
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	volatile uint64_t *at = (uint64_t *)LF_BASE;
	uint64_t *plain, seed = 17;
	unsigned i, k;

	under_design(DESIGN_FRAMES, argv);
	snap_init();
	plain = (uint64_t *)pages_private(MANY);
	memset(plain, 0, MANY * PAGE);
	unlink("/tmp/libframes.pages");
	EQ(lf_begin(&lf, lf_sys(OK(open("/tmp/libframes.pages", O_RDWR | O_CREAT, 0600))), getpid(),
	    FEW), 0);
	OK(sigaction(SIGSEGV, &act, NULL));
	EQ(lf_mmap(&lf, &lf.space[0], LF_BASE, MANY * PAGE, LF_R | LF_W), 0);
	snap_all(1);
	for (k = 0; k < ROUNDS; k++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		/* Most of it near one place, which moves. */
		i = (unsigned)(k / 32 + (seed >> 33) % ((k & 7) == 0 ? MANY : 100)) % MANY * 512 +
		    (unsigned)(seed >> 20) % 512;
		if (at[i] != plain[i])
			FAIL("word %u: %lx, not %lx", i, at[i], plain[i]);
		if ((seed >> 50) % 2 == 0)
			at[i] = plain[i] = seed;
	}
	CHECK(memcmp((void *)LF_BASE, plain, MANY * PAGE) == 0);
	sum_is(SUM);
	snap_all(2);
	DELTA_EQ(1, 2, "swap.in_pages", 0);
	DELTA_EQ(1, 2, "swap.out_pages", 0);
	EQ(lf.zeroed, MANY);
	CHECK(lf.ins > 1000 && lf.outs > 1000);
	EQ(lf_munmap(&lf, &lf.space[0], LF_BASE, MANY * PAGE), 0);
	unlink("/tmp/libframes.pages");
	test_done();
}
