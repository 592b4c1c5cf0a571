/* NEEDS: MEM=128M CPUS=1,2,4 TIMEOUT=200 ARGS=600 SHORT=160 LINUX=no SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order; no answer hangs on that */
/*
 * Processes that have nothing to do with each other do not notice each other.
 *
 * The calls of a seed (calls_seed.h) have their answers.  Here several seeds make theirs
 * at the same time, each in processes and a folder of its own: each must answer as if
 * it were alone.  What one of them changes behind another's back, in a table, a list or
 * a page that both pass through, is an answer that differs.
 *
 * Where time is virtual the answers are those of Linux 6.1.  Elsewhere a host may let a
 * child sleep for any time: seeds have no children there, and make their calls alone
 * first.
 */
#ifndef SETTLE_MS
#define SETTLE_MS 100 /* seven others run meanwhile */
#endif

#include "calls_seed.h"
#include "calls_on_linux.h"

#define ABREAST 8
#ifndef PRESSED_BYTES
#define PRESSED_BYTES 0 /* another process has, more than there are frames */
#endif
#define TRIES 4 /* until a seed has its answers again, to show where it had not */

static const uint32_t *answers; /* of each seed */
static unsigned *differ; /* of each worker: seeds that answered otherwise; shared */

static bool
is_liberty(unsigned seed)
{
	for (size_t i = 0; i < COUNT(liberties); i++)
		if (liberties[i] == seed)
			return true;
	return false;
}

static bool
has_its_answers(unsigned seed)
{
	run_seed(seed);
	return fnv(record->text, record->used) == answers[seed];
}

/* The call where the texts part. */
static void
tell_difference(unsigned seed, const char *text, const char *right)
{
	size_t i = 0, line = 0;

	for (; text[i] == right[i] && text[i] != '\0'; i++)
		if (text[i] == '\n')
			line = i + 1;
	printf("seed %u, beside others: %.*s\n", seed,
	    (int)strcspn(text + line, "\n"), text + line);
	printf("seed %u, as it should:  %.*s\n", seed,
	    (int)strcspn(right + line, "\n"), right + line);
	fflush(stdout);
}

static void
look_again(unsigned seed)
{
	static char text[TEXT_SIZE];

	record->text[record->used] = '\0';
	strcpy(text, record->text);
	for (int i = 0; i < TRIES; i++)
		if (has_its_answers(seed)) {
			record->text[record->used] = '\0';
			tell_difference(seed, text, record->text);
			return;
		}
	printf("seed %u: otherwise each time\n", seed);
	fflush(stdout);
}

/* Every ABREAST-th seed, with a text, a folder and keys of its own. */
static void __attribute__((noreturn))
work(unsigned w, unsigned seeds)
{
	char folder[8];

	snprintf(folder, sizeof(folder), "%u", w);
	OK(mkdir(folder, 0755));
	OK(chdir(folder));
	sprintf(tmp_folder + strlen(tmp_folder), "/%s", folder); /* getcwd is told from it */
	keys = (key_t)w << 8;
	share_record();
	for (unsigned seed = w; seed < seeds; seed += ABREAST)
		if (!is_liberty(seed) && !has_its_answers(seed)) {
			differ[w]++;
			look_again(seed);
		}
	OK(chdir(".."));
	OK(rmdir(folder));
	_exit(test_done());
}

/* What all others have goes out, again and again. */
static pid_t
press(void)
{
	pid_t pid = PRESSED_BYTES > 0 ? OK(fork()) : -1;
	char *p;

	if (pid != 0)
		return pid;
	p = pages_private(PRESSED_BYTES / PAGE);
	for (;;)
		for (size_t at = 0; at != PRESSED_BYTES; at += PAGE)
			p[at]++;
}

static void
end_press(pid_t pid)
{
	if (pid < 0)
		return;
	OK(kill(pid, SIGKILL));
	EQ(reap(pid), SIGKILL);
}

static void
run_all(unsigned seeds)
{
	pid_t pid[ABREAST], pressing = press();

	LE(seeds, COUNT(on_linux));
	for (unsigned w = 0; w < ABREAST; w++) {
		pid[w] = OK(fork());
		if (pid[w] == 0)
			work(w, seeds);
	}
	for (unsigned w = 0; w < ABREAST; w++) {
		EQ(reap(pid[w]), 0);
		EQ(differ[w], 0);
	}
	end_press(pressing);
}

/* As they are now, with nothing beside. */
static const uint32_t *
answers_alone(unsigned seeds)
{
	uint32_t *alone = calloc(seeds, sizeof(*alone));

	CHECK(alone != NULL);
	meets_others = true;
	subjects_used = COUNT(subjects) - 1; /* without children, the last */
	for (unsigned seed = 0; seed < seeds; seed++) {
		run_seed(seed);
		alone[seed] = fnv(record->text, record->used);
	}
	return alone;
}

int
main(int argc, char **argv)
{
	unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) :
	    (unsigned)COUNT(on_linux);

	begin_seeds();
	differ = (void *)pages_shared(1);
	answers = sysconf(_SC_NPROCESSORS_ONLN) == 1 ? on_linux : answers_alone(seeds);
	run_all(seeds);
	leave_tmp();
	return test_done();
}
