/* NEEDS: MEM=64M CPUS=1 TIMEOUT=200 ARGS=1:2000 SHORT=1:400 LINUX=no SWEEP=no KIND=exact */
/*
 * A call that fails for want of memory has changed nothing.
 *
 * The calls of a seed (calls_seed.h) are made three times: as they are; with an
 * injected failure in one of them; and without that one, which only says that it
 * had failed.  The second text and the third must be the same: whatever the call
 * had begun before it failed, all later calls would see.  Where the failure has
 * no consequence, the first text and the second are the same.
 *
 *	failed_calls_change_nothing SEED:TRIALS
 *	failed_calls_change_nothing show SEED CALL POINT HIT   the three texts
 */
#include "lib/events.h"
#define CALL(call, left_out)                                                   \
	({                                                                     \
		__typeof__(call) answer = (left_out);                          \
		if (call_starts()) {                                           \
			answer = (call);                                       \
			call_ends();                                           \
		}                                                              \
		answer;                                                        \
	})
static bool call_starts(void);
static void call_ends(void);

#include "calls_seed.h"

#define TRIALS_OF_SEED 40 /* odd ones, which are root's: he may arm a failure */
#define MOST_HITS 40      /* the failure is one of these, mostly of the first */
#define MOST_TOLD 10 /* findings */

enum how { AS_IT_IS, WITH_FAILURE, WITHOUT_CALL };

/* One call and its failure, and where its answer begins in the text. */
struct trial {
	enum how how;
	long call;          /* which, of those that are told */
	const char *point;
	long hit;
	int error;          /* what a call that is left out answers */
	bool void_of_root;  /* not to be judged */
	long calls;         /* so far */
	size_t answer;
};

static struct trial *trial; /* shared with the processes of a seed */
static bool is_armed;       /* by this process */

static char plain[TEXT_SIZE], failed[TEXT_SIZE];

/*
 * Not by who is root no more.  The comparison is not stored as it is: QEMU 7.2 has
 * lost the flags when a setcc comes back from the fault of its store.
 */
static void
arm(void)
{
	if (dprintf(KEPT_FD, "%s:%ld:0:1:%d", trial->point, trial->hit,
	    (int)getpid()) > 0)
		is_armed = true;
}

/* It may be hit on its way out: not twice.  Who has just put root aside cannot: a
 * later call may be the one that fails. */
static void
disarm(void)
{
	is_armed = false;
	while (write(KEPT_FD, "off", 3) < 0)
		if (errno != ENOMEM) {
			trial->void_of_root = true;
			break;
		}
}

/* False: it is left out. */
static bool
call_starts(void)
{
	if (trial->calls++ != trial->call)
		return true;
	trial->answer = record->used;
	if (trial->how == WITH_FAILURE)
		arm();
	errno = trial->error;
	return trial->how != WITHOUT_CALL;
}

/* A child of fork() has not armed it for itself. */
static void
call_ends(void)
{
	int error = errno;

	if (is_armed)
		disarm();
	errno = error;
}

/* ---- the three texts ---- */

static void
run(enum how how, uint64_t seed)
{
	trial->how = how;
	trial->calls = 0;
	trial->void_of_root = false;
	run_seed(seed);
	CHECK(proc_write("/proc/vm/inject", "off") == 0);
}

/* The error that the text says at the call's answer; 0: none. */
static int
error_in(const char *text)
{
	const char *at = text + trial->answer;

	return strncmp(at, " = E", 4) == 0 ? atoi(at + 4) : 0;
}

/* The line of the place. */
static void
print_line(const char *what, const char *text, size_t at)
{
	size_t from = at;

	while (from > 0 && text[from - 1] != '\n')
		from--;
	printf("  %-8s %.*s\n", what, (int)strcspn(text + from, "\n"),
	    text + from);
}

/* Bytes were moved until there was no memory: fewer than without the failure. */
static bool
is_part(void)
{
	const char *number = plain + trial->answer, *fewer = failed + trial->answer;

	return strncmp(plain, failed, trial->answer) == 0 &&
	    strncmp(number, " = ", 3) == 0 && strncmp(fewer, " = ", 3) == 0 &&
	    atol(fewer + 3) > 0 && atol(fewer + 3) < atol(number + 3);
}

static void
print_difference(const char *this, const char *a, const char *other,
    const char *b)
{
	size_t at = 0;

	while (a[at] != '\0' && a[at] == b[at])
		at++;
	print_line(this, a, at);
	print_line(other, b, at);
}

static void
take_text(char *to)
{
	memcpy(to, record->text, record->used);
	to[record->used] = '\0';
}

/* mremap(2) to a place lets go what is there before it looks whether it can move
 * something: as on Linux. */
static bool
lets_go_first(void)
{
	size_t from = trial->answer;

	while (from > 0 && failed[from - 1] != '\n')
		from--;
	return strncmp(failed + from + strspn(failed + from, "0123456789"),
	    " mremap", 7) == 0;
}

/* True: it has changed nothing, or all that it was to, or says how much. */
static bool
holds(uint64_t seed)
{
	run(WITH_FAILURE, seed);
	take_text(failed);
	if (strcmp(plain, failed) == 0 || trial->void_of_root || is_part() ||
	    lets_go_first())
		return true;
	trial->error = error_in(failed);
	if (trial->error == 0) {
		print_difference("plain", plain, "failed", failed);
		return false;
	}
	run(WITHOUT_CALL, seed);
	record->text[record->used] = '\0';
	if (strcmp(failed, record->text) == 0)
		return true;
	print_line("call", failed, trial->answer);
	print_difference("failed", failed, "left out", record->text);
	return false;
}

/* ---- trials ---- */

static const char *const points[] = { "FI_SLAB", "FI_FRAME", "FI_COMMIT",
	"FI_KPAGED" };

static void
draw_trial(uint64_t *state, long calls)
{
	uint64_t r = rnd(state);
	long most = (r & 3) == 0 ? MOST_HITS : 5;

	trial->call = (long)(r >> 8) % calls;
	trial->point = points[(r >> 40) % 8 < 5 ? 0 : (r >> 40) % COUNT(points)];
	trial->hit = 1 + (long)(r >> 48) % most;
}

static void
try_all(uint64_t first, long trials)
{
	uint64_t state = first + 1, seed = first;
	long calls = 0, bad = 0;

	for (long i = 0; i < trials && bad < MOST_TOLD; i++) {
		if (i % TRIALS_OF_SEED == 0) {
			seed = 2 * (first + i / TRIALS_OF_SEED) + 1;
			trial->call = -1;
			run(AS_IT_IS, seed);
			take_text(plain);
			calls = trial->calls;
		}
		draw_trial(&state, calls);
		if (holds(seed))
			continue;
		printf("  show %lu %ld %s %ld\n", seed, trial->call,
		    trial->point, trial->hit);
		fflush(stdout);
		bad++;
	}
	if (bad > 0)
		FAIL("%ld failed calls have changed something", bad);
}

static void
show(char **argv)
{
	static const char *const names[] = { "as it is", "with the failure",
		"without the call" };
	uint64_t seed = strtoul(argv[2], NULL, 0);

	trial->call = atol(argv[3]);
	trial->point = argv[4];
	trial->hit = atol(argv[5]);
	for (int how = AS_IT_IS; how <= WITHOUT_CALL; how++) {
		run((enum how)how, seed);
		if (how == WITH_FAILURE)
			trial->error = error_in(record->text);
		printf("%s\n%.*s", names[how], (int)record->used, record->text);
		print_line("call", record->text, trial->answer);
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	long trials = 400, hits;
	int fd;

	if (!on_vadose()) {
		printf("skipped: needs /proc/vm/inject\n");
		return 0;
	}
	fd = OK(open("/proc/vm/inject", O_WRONLY));
	OK(dup2(fd, KEPT_FD));
	OK(close(fd));
	trial = (void *)pages_shared(1);
	begin_seeds();
	snap_init();
	snap_all(1);
	if (argc > 5) {
		show(argv);
	} else {
		seed_count(argc, argv, &seed, &trials);
		try_all(seed, trials);
	}
	snap_all(2);
	hits = snap_delta(1, 2, "inject.hits");
	LE(trials / 8, hits);
	leave_tmp();
	return test_done();
}
