/* NEEDS: MEM=128M CPUS=1,2,4 TIMEOUT=200 ARGS=600 SHORT=160 LINUX=no SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order; no answer hangs on that */
/*
 * Processes that have nothing to do with each other do not notice each other.
 *
 * Seeds make their calls (calls_seed.h) alone first.  Then several make theirs at the
 * same time, each in processes and a folder of its own: each must answer as if it were
 * alone.  What one of them changes behind another's back, in a table, a list or a page
 * that both pass through, is an answer that differs.
 *
 * Two children that end at once are one SIGCHLD, or two: seeds have no children where
 * several CPUs decide that.
 */
#include "calls_seed.h"

#define ABREAST 8
#ifndef PRESSED_BYTES
#define PRESSED_BYTES 0 /* another process has, more than there are frames */
#endif
#define TRIES 4 /* until a seed has its answers again, to show where it had not */

#define MOST_SEEDS 1000

static uint32_t answers[MOST_SEEDS]; /* of each seed */
static unsigned *differ; /* of each worker: seeds that answered otherwise; shared */

static bool
has_its_answers(unsigned seed)
{
	run_seed(seed);
	return fnv(record->text, record->used) == answers[seed];
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
			tell_difference(seed, "beside others", text, record->text);
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
		if (!has_its_answers(seed)) {
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

/* With nothing beside. */
static void
run_alone(unsigned seeds)
{
	for (unsigned seed = 0; seed < seeds; seed++) {
		run_seed(seed);
		answers[seed] = fnv(record->text, record->used);
	}
}

int
main(int argc, char **argv)
{
	unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : MOST_SEEDS;

	LE(seeds, MOST_SEEDS);
	meets_others = true;
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		subjects_used = COUNT(subjects) - 1; /* without children, the last */
	begin_seeds();
	differ = (void *)pages_shared(1);
	run_alone(seeds);
	run_all(seeds);
	leave_tmp();
	return test_done();
}
