/* NEEDS: MEM=64M CPUS=1 TIMEOUT=120 ARGS=600 SHORT=300 LINUX=no SWEEP=no KIND=exact */
/*
 * Calls with arguments by chance answer as on Linux 6.1: on files and their
 * names, descriptors, locks, pipes, sockets, epoll, terminals, mappings,
 * signals, and in forked children.
 *
 * A seed makes CALLS calls in a fresh folder, odd ones as root, even ones as a
 * user.  Each call is a line of a text: what it was given and what it answered.
 * Linux's text has a digest in calls_on_linux.h; ours must have the same.  What
 * hangs on time, on numbers of processes or inodes, on sizes of buffers or on
 * other liberties of a kernel is not in the text.
 *
 *	calls_answer_as_on_linux [N]             the first N seeds
 *	calls_answer_as_on_linux show SEED,SEED  prints their texts
 *	calls_answer_as_on_linux record          prints all digests
 *
 * make check-linux SHOW=SEED prints Linux's text, to be compared.  Other Linuxes
 * answer some calls differently, so it is run on none but the one that recorded.
 */
#include "calls.h"

static void one_call(void);

#include "calls_events.h"
#include "calls_files.h"
#include "calls_memory.h"
#include "calls_names.h"
#include "calls_on_linux.h"
#include "calls_signals.h"
#include "calls_sockets.h"
#include "calls_terminals.h"
#include <ftw.h>
#include <grp.h>

#define SEEDS 600
#define CALLS 400    /* of a seed */
#define SECONDS 60   /* it takes no longer, or a call sleeps */
#define MOST_TOLD 20 /* seeds that differ */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const struct op *ops;
	size_t count;
} subjects[] = { { file_ops, COUNT(file_ops) }, { name_ops, COUNT(name_ops) },
	{ socket_ops, COUNT(socket_ops) }, { event_ops, COUNT(event_ops) },
	{ terminal_ops, COUNT(terminal_ops) },
	{ memory_ops, COUNT(memory_ops) }, { signal_ops, COUNT(signal_ops) } };

/* The operation that has the at-th part of all weights; NULL: there are at. */
static const struct op *
op_at(unsigned *at)
{
	for (size_t s = 0; s < COUNT(subjects); s++)
		for (size_t i = 0; i < subjects[s].count; i++) {
			const struct op *op = &subjects[s].ops[i];

			if (*at < op->weight)
				return op;
			*at -= op->weight;
		}
	return NULL;
}

static void
one_call(void)
{
	static unsigned weights;
	unsigned at;

	if (weights == 0) {
		at = ~0u;
		op_at(&at);
		weights = ~0u - at;
	}
	at = chance(weights);
	say("%ld ", number++);
	op_at(&at)->run();
	say("\n");
}

/* ---- a seed ---- */

static void
make_data(void)
{
	for (size_t i = 0; i < DATA_SIZE; i++) {
		data[i] = (char)(i * 7 + i / 256);
		if (data[i] == '\t') /* where a tab ends is not as on Linux */
			data[i] = 'T';
	}
}

/* Some files are root's, others the caller's. */
static void
make_files(bool as_root)
{
	make_file("r", data, 5000, 0600);
	make_file("ro", data, 100, 0644);
	OK(mkdir("rd", 0755));
	make_file("rd/x", data, 0, 0666);
	OK(setgroups(0, NULL));
	if (!as_root) {
		OK(setresgid(USER, USER, USER));
		OK(setresuid(USER, USER, USER));
	}
	OK(mkdir("d", 0755));
	OK(mkdir("e", 01777));
	OK(mkdir("d/d", 0755));
	make_file("a", data, 10000, 0644);
	OK(symlink("a", "l"));
	OK(symlink("d", "m"));
	OK(symlink("../nothing", "d/l"));
}

static void
handle_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGIO };
	struct sigaction sa = { .sa_handler = on_signal };

	for (size_t i = 0; i < COUNT(handled); i++)
		OK(sigaction(handled[i], &sa, NULL));
	sa.sa_handler = SIG_IGN;
	for (size_t i = 0; i < COUNT(ignored); i++)
		OK(sigaction(ignored[i], &sa, NULL));
	sa.sa_sigaction = on_fault;
	sa.sa_flags = SA_SIGINFO | SA_NODEFER;
	OK(sigaction(SIGSEGV, &sa, NULL));
	OK(sigaction(SIGBUS, &sa, NULL));
}

/* No descriptor is open, and no more than FD_LIMIT can be. */
static void
limit_all(void)
{
	struct rlimit files = { FD_LIMIT, 1024 };
	struct rlimit locked = { 8 * MIB, 8 * MIB };

	OK(setrlimit(RLIMIT_NOFILE, &files));
	OK(setrlimit(RLIMIT_MEMLOCK, &locked));
	OK(syscall(SYS_close_range, 0, ~0u, 0));
}

static void __attribute__((noreturn))
make_calls(uint64_t seed)
{
	chances = (seed + 1) * 0x9e3779b97f4a7c15UL;
	umask(0);
	OK(chdir("w"));
	handle_signals();
	CHECK(mmap(area, AREA_PAGES * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area);
	alarm(SECONDS);
	make_files(seed % 2);
	limit_all();
	for (int i = 0; i < CALLS; i++)
		one_call();
	_exit(0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	return at->level == 0 ? 0 : remove(path);
}

/* The text of a seed is in record afterwards; its digest. */
static uint32_t
run(uint64_t seed)
{
	pid_t pid;

	record->used = 0;
	record->sent = false;
	OK(mkdir("w", 0777));
	OK(chmod("w", 0777));
	pid = OK(fork());
	if (pid == 0)
		make_calls(seed);
	say("status %x\n", reap(pid));
	CHECK(!record->full);
	OK(nftw(".", remove_one, 16, FTW_DEPTH | FTW_PHYS));
	return fnv(record->text, record->used);
}

/* ---- all of them ---- */

/* Of a text that was the same twice: on a busy host Linux's threads are late. */
static uint32_t
steady(uint64_t seed)
{
	uint32_t digest = run(seed), before;

	do {
		before = digest;
		digest = run(seed);
	} while (digest != before);
	return digest;
}

static void
record_all(void)
{
	for (unsigned seed = 0; seed < SEEDS; seed++)
		printf("%s0x%08x,%s", seed % 6 ? " " : "\t", steady(seed),
		    seed % 6 == 5 || seed + 1 == SEEDS ? "\n" : "");
	fflush(stdout);
}

static void
show(char *seeds)
{
	for (char *s = strtok(seeds, ","); s != NULL; s = strtok(NULL, ",")) {
		printf("seed %s\n", s);
		run(strtoul(s, NULL, 0));
		fwrite(record->text, 1, record->used, stdout);
		fflush(stdout);
	}
}

/* What we answer otherwise: a peek that fills its buffer does not look at the message
 * behind; a seal is told before a buffer that cannot be read; a mapping does not keep
 * the open file, and so not its flock. */
static const unsigned known[] = { 544, 556, 587 };

static bool
is_known(unsigned seed)
{
	for (size_t i = 0; i < COUNT(known); i++)
		if (known[i] == seed)
			return true;
	return false;
}

static void
compare(size_t seeds)
{
	char text[MOST_TOLD * 8] = "";
	unsigned differ = 0, first = 0;

	LE(seeds, COUNT(on_linux));
	for (unsigned seed = 0; seed < seeds; seed++) {
		if ((run(seed) != on_linux[seed]) == is_known(seed))
			continue;
		if (differ == 0)
			first = seed;
		if (differ++ < MOST_TOLD)
			sprintf(text + strlen(text), " %u", seed);
	}
	if (differ > 0)
		FAIL("%u of %zu seeds differ, or no more:%s%s; the text: "
		    "calls_answer_as_on_linux show %u; "
		    "Linux's: make check-linux SHOW=%u", differ, seeds, text,
		    differ > MOST_TOLD ? " ..." : "", first, first);
}

/*
 * On Linux another thread carries what is written to one end of a terminal to
 * the other.  Who is idle leaves it the processor before the call returns, if
 * there is one processor.
 */
static void
be_idle(void)
{
	struct sched_param none = { 0 };

	if (!on_vadose())
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &none));
}

int
main(int argc, char **argv)
{
	bool shows = argc > 2 && strcmp(argv[1], "show") == 0;
	bool records = argc > 1 && strcmp(argv[1], "record") == 0;

	be_idle();
	enter_tmp();
	make_data();
	record = (void *)pages_shared(sizeof(*record) / PAGE + 1);
	if (shows)
		show(argv[2]);
	else if (records)
		record_all();
	else
		compare(argc > 1 ? strtoul(argv[1], NULL, 0) : COUNT(on_linux));
	leave_tmp();
	return test_done();
}
