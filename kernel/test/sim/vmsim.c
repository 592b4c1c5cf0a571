/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmsim.c: all pairs, each in a process of its own
 *
 * Problem   The sources of the kernel keep their state in static variables, so
 *           a process can boot once.
 *
 * Rules     1. A pair that fails prints why and the schedule; the others go on.
 *           2. Status 0: every pair that was asked for passed, and one was.
 *
 * Read next explore.c.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/sim/explore.h"

/* What was read of PAIRS lives as long as the program. */
const char *__asan_default_options(void);
void __sanitizer_set_death_callback(void (*)(void));

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static struct explore_args args = { .bound = 2, .seconds = 3600, .seed = 1 };
static unsigned jobs = 1;
static int stops_early; /* after the first pair that failed */

/* A stray pointer ends the pair as a panic does: with its schedule. */
static void
on_signal(int signo)
{
	static const char text[] = "FAIL: a signal: ";
	const char *name = strsignal(signo);

	if (write(2, text, sizeof(text) - 1) < 0 ||
	    write(2, name, strlen(name)) < 0 || write(2, "\n", 1) < 0)
		_exit(2);
	explore_print_schedule();
	_exit(1);
}

/* The sanitizers have handlers of their own, and call back. */
static void
catch_signals(void)
{
	static char stack[65536];
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = on_signal,
		.sa_flags = SA_ONSTACK };
	unsigned i;

#ifdef __SANITIZE_ADDRESS__
	__sanitizer_set_death_callback(explore_print_schedule);
	return;
#endif
	sigaltstack(&ss, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static int
is_asked_for(const struct pair *p, char **patterns)
{
	size_t n = strlen(pair_name(p));

	if (args.replay != NULL)
		return strncmp(args.replay, pair_name(p), n) == 0 &&
		    args.replay[n] == '/';
	if (*patterns == NULL)
		return 1;
	for (; *patterns != NULL; patterns++)
		if (strstr(pair_name(p), *patterns) != NULL)
			return 1;
	return 0;
}

static void
reap(unsigned *running, unsigned *failed)
{
	int status;

	if (wait(&status) < 0)
		abort();
	--*running;
	*failed += status != 0;
}

static int
all_pairs(const struct pair *list, char **patterns)
{
	unsigned running = 0, failed = 0, n = 0;
	const struct pair *p;
	time_t start = time(NULL);

	if (args.replay == NULL)
		printf("%-34s %9s %s %8s %6s %7s\n", "pair", "schedules",
		    "    ", "random", "points", "seconds");
	fflush(stdout);
	for (p = list; p != NULL; p = pair_next(p)) {
		if (!is_asked_for(p, patterns) || (stops_early && failed > 0))
			continue;
		n++;
		if (running == jobs)
			reap(&running, &failed);
		if (fork() == 0) {
			catch_signals();
			explore_pair(p, &args);
			exit(0);
		}
		running++;
	}
	while (running > 0)
		reap(&running, &failed);
	if (args.replay == NULL)
		printf("%u pairs, %u failed, %ld s\n"
		    "%u with every order of up to %u preemptions, %u in part; "
		    "%lu orders, and %lu by chance\n", n, failed,
		    (long)(time(NULL) - start), args.sum->whole, args.bound,
		    args.sum->part, args.sum->schedules, args.sum->random);
	return failed != 0 || n == 0;
}

static void
usage(FILE *out, int status)
{
	fputs("vmsim: pairs of VM operations in every order of their steps\n\n"
	    "  vmsim [options] PAIRS [PATTERN...]   PAIRS: pairs.txt\n\n"
	    "  -b PREEMPTIONS  at most so many in an order\n"
	    "  -t SECONDS      for a pair, may be 0.1; those marked whole take what they need\n"
	    "  -n RANDOM       so many orders by chance besides\n"
	    "  -s SEED         of these\n"
	    "  -j JOBS         searches at a time\n"
	    "  -r SCHEDULE     run this one again: NAME/12:1,40:2\n"
	    "  -x              stop after the first failure\n", out);
	exit(status);
}

int
main(int argc, char **argv)
{
	static const struct option help[] = { { "help", no_argument, NULL, 'h' },
		{ 0 } };
	struct pair *list = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "hb:t:n:s:j:r:x",
	    help, NULL)) != -1) {
		switch (c) {
		case 'b': args.bound = (unsigned)atoi(optarg); break;
		case 't': args.seconds = atof(optarg); break;
		case 'n': args.nrandom = strtoull(optarg, NULL, 0); break;
		case 's': args.seed = strtoull(optarg, NULL, 0); break;
		case 'j': jobs = (unsigned)atoi(optarg); break;
		case 'r': args.replay = optarg; break;
		case 'x': stops_early = 1; break;
		default: usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
		}
	}
	if (optind == argc)
		usage(stderr, 2);
	args.sum = mmap(NULL, sizeof(*args.sum), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (args.sum == MAP_FAILED)
		abort();
	setvbuf(stdout, NULL, _IOLBF, 0);
	pair_parse(argv[optind], &list);
	return all_pairs(list, argv + optind + 1);
}
