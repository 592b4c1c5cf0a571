/* NEEDS: MEM=64M CPUS=1 TIMEOUT=120 ARGS=600 SHORT=300 LINUX=no SWEEP=no KIND=exact */
/*
 * Calls with arguments by chance answer as on Linux 6.1: on files and their
 * names, descriptors, locks, pipes, sockets, epoll, terminals, mappings,
 * signals, and in forked children.
 *
 * Linux's text of a seed (calls_seed.h) has a digest in calls_on_linux.h; ours
 * must have the same.  What hangs on time, on numbers of processes or inodes, on
 * sizes of buffers or on other liberties of a kernel is not in the text.
 *
 *	calls_answer_as_on_linux [N]             the first N seeds
 *	calls_answer_as_on_linux show SEED,SEED  prints their texts
 *	calls_answer_as_on_linux record          prints all digests
 *
 * make check-linux SHOW=SEED prints Linux's text, to be compared.  Other Linuxes
 * answer some calls differently, so it is run on none but the one that recorded.
 */
#include "calls_seed.h"
#include "calls_on_linux.h"

#define SEEDS 600
#define MOST_TOLD 20 /* seeds that differ */

/* The digest of the text. */
static uint32_t
run(uint64_t seed)
{
	run_seed(seed);
	return fnv(record->text, record->used);
}

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
static const unsigned known[] = { 268, 525 };

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
	begin_seeds();
	if (shows)
		show(argv[2]);
	else if (records)
		record_all();
	else
		compare(argc > 1 ? strtoul(argv[1], NULL, 0) : COUNT(on_linux));
	leave_tmp();
	return test_done();
}
