/* NEEDS: MEM=64M CPUS=1 TIMEOUT=200 ARGS=300 SHORT=60 LINUX=no SWEEP=no KIND=exact */
/*
 * Who makes a call, and who looks on, changes no answer.
 *
 * The calls of a seed (calls_seed.h) are made as they are; then by the second
 * thread of a process, whose first one has all signals blocked; then by a process
 * that a tracer stops before and after each call, and at each signal.  The texts must
 * be the same.
 *
 *	calls_in_other_ways SEEDS
 *	calls_in_other_ways SEEDS FOLDER    instead: in that folder, of a disk
 */
#include "calls_seed.h"
#include <pthread.h>

#define WITHOUT_CHILDREN (COUNT(subjects) - 1) /* the last: they are traced themselves */

struct way {
	const char *name;
	void (*starts)(uint64_t seed);
	int (*ends)(pid_t);
	const char *folder; /* NULL: the same */
	size_t subjects;
	bool has_threads;
};

/* ---- by a thread ---- */

static void *
second_thread(void *seed)
{
	sigset_t none;

	sigemptyset(&none);
	OK(sigprocmask(SIG_SETMASK, &none, NULL));
	make_calls((uint64_t)seed);
}

static void
start_thread(uint64_t seed)
{
	pthread_t thread;
	sigset_t all;

	sigfillset(&all);
	OK(sigprocmask(SIG_SETMASK, &all, NULL));
	EQ(pthread_create(&thread, NULL, second_thread, (void *)seed), 0);
	for (;;)
		pause();
}

/* ---- traced ---- */

static volatile bool *is_traced; /* shared with the process that is */

static void
start_traced(uint64_t seed)
{
	while (!*is_traced)
		sched_yield();
	make_calls(seed);
}

/* A signal that it was to have it gets; a stop lasts. */
static void
let_go_on(pid_t pid, int status)
{
	long request = PTRACE_SYSCALL, signo = WSTOPSIG(status);
	int event = status >> 16;

	if (event == PTRACE_EVENT_STOP && signo != SIGTRAP)
		request = PTRACE_LISTEN;
	if (event != 0 || signo == (SIGTRAP | 0x80))
		signo = 0;
	OK(syscall(SYS_ptrace, request, pid, 0L, signo));
}

static int
trace_to_end(pid_t pid)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	int status;
	pid_t who;

	OK(syscall(SYS_ptrace, PTRACE_SEIZE, pid, 0L, options));
	OK(syscall(SYS_ptrace, PTRACE_INTERRUPT, pid, 0L, 0L));
	*is_traced = true;
	for (;;) {
		who = OK(waitpid(-1, &status, __WALL));
		if (WIFSTOPPED(status))
			let_go_on(who, status);
		else if (who == pid)
			break;
	}
	*is_traced = false;
	return status;
}

/* ---- the texts ---- */

/* There is room for one seed at a time. */
static void
run_in(const char *folder, uint64_t seed)
{
	char here[sizeof(tmp_folder)];

	strcpy(here, tmp_folder);
	if (folder != NULL)
		strcpy(tmp_folder, folder); /* getcwd is told from it */
	OK(chdir(tmp_folder));
	run_seed(seed);
	strcpy(tmp_folder, here);
	OK(chdir(here));
	record->text[record->used] = '\0';
}

static bool
is_the_same(const struct way *w, unsigned seed)
{
	static char right[TEXT_SIZE];
	const char *no_folder = NULL;
	bool same;

	subjects_used = w->subjects;
	has_threads = w->has_threads;
	seed_starts = make_calls;
	seed_ends = reap_and_settle;
	run_in(no_folder, seed);
	strcpy(right, record->text);
	seed_starts = w->starts;
	seed_ends = w->ends;
	run_in(w->folder, seed);
	same = strcmp(record->text, right) == 0;
	if (!same)
		tell_difference(seed, w->name, record->text, right);
	return same;
}

static void
run_way(const struct way *w, unsigned seeds)
{
	unsigned others = 0;

	for (unsigned seed = 0; seed < seeds; seed++)
		others += !is_the_same(w, seed);
	EQ(others, 0);
}

static void
run_on_disk(const char *disk, unsigned seeds)
{
	char folder[sizeof(tmp_folder)];
	struct way on_disk = { "on a disk", make_calls, reap_and_settle, folder,
		COUNT(subjects), false };

	snprintf(folder, sizeof(folder), "%s/calls", disk);
	OK(mkdir(folder, 0755));
	meets_disks = true;
	run_way(&on_disk, seeds);
	OK(rmdir(folder));
}

int
main(int argc, char **argv)
{
	static const struct way ways[] = {
		{ "by a second thread", start_thread, reap_and_settle, NULL, COUNT(subjects),
		  true },
		{ "traced", start_traced, trace_to_end, NULL, WITHOUT_CHILDREN, false },
	};
	unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 300;

	begin_seeds();
	is_traced = (void *)pages_shared(1);
	for (size_t i = 0; argc < 3 && i < COUNT(ways); i++)
		run_way(&ways[i], seeds);
	if (argc > 2)
		run_on_disk(argv[2], seeds);
	leave_tmp();
	return test_done();
}
