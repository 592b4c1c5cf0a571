/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_seed.h: the calls that a seed makes, in a fresh folder
 *
 * Odd seeds make theirs as root, even ones as a user.  Each call is a line of a
 * text: what it was given and what it answered.
 */
#ifndef SEEDED_CALLS_SEED_H
#define SEEDED_CALLS_SEED_H

#include "calls.h"

static void one_call(void);

#include "calls_children.h"
#include "calls_events.h"
#include "calls_files.h"
#include "calls_ipc.h"
#include "calls_memory.h"
#include "calls_names.h"
#include "calls_signals.h"
#include "calls_process.h"
#include "calls_sockets.h"
#include "calls_terminals.h"
#include <ftw.h>
#include <grp.h>

#define CALLS 400  /* of a seed */
#define SECONDS 60 /* it takes no longer, or a call sleeps */

static const struct {
	const struct op *ops;
	size_t count;
} subjects[] = { { file_ops, COUNT(file_ops) }, { name_ops, COUNT(name_ops) },
	{ socket_ops, COUNT(socket_ops) }, { event_ops, COUNT(event_ops) },
	{ terminal_ops, COUNT(terminal_ops) },
	{ memory_ops, COUNT(memory_ops) }, { signal_ops, COUNT(signal_ops) },
	{ ipc_ops, COUNT(ipc_ops) }, { process_ops, COUNT(process_ops) },
	{ child_ops, COUNT(child_ops) } };

static size_t subjects_used = COUNT(subjects);

/* The operation that has the at-th part of all weights; NULL: there are at. */
static const struct op *
op_at(unsigned *at)
{
	for (size_t s = 0; s < subjects_used; s++)
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

/* No descriptor below KEPT_FD is open, and no more than FD_LIMIT can be. */
static void
limit_all(void)
{
	struct rlimit files = { FD_LIMIT, 1024 };
	struct rlimit locked = { 8 * MIB, 8 * MIB };

	OK(setrlimit(RLIMIT_NOFILE, &files));
	OK(setrlimit(RLIMIT_MEMLOCK, &locked));
	OK(syscall(SYS_close_range, 0, KEPT_FD - 1, 0));
}

static void __attribute__((noreturn))
make_calls(uint64_t seed)
{
	chances = (seed + 1) * 0x9e3779b97f4a7c15UL;
	umask(0);
	OK(chdir("w"));
	OK(setpgid(0, 0)); /* what hits a group does not hit the test */
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

/* How the process of a seed comes to make its calls, and how its end is waited for:
 * calls_in_other_ways.c has ways of its own. */
static void (*seed_starts)(uint64_t seed) = make_calls;
static int (*seed_ends)(pid_t) = reap_and_settle;

/* The text of a seed is in record afterwards. */
static void
run_seed(uint64_t seed)
{
	pid_t pid;

	record->used = 0;
	shared->sent = false;
	shared->settling = false;
	shared->made = 0;
	shared->children = 0;
	memset(shared->ipc, -1, sizeof(shared->ipc));
	OK(mkdir("w", 0777));
	OK(chmod("w", 0777));
	pid = OK(fork());
	if (pid == 0)
		seed_starts(seed);
	say("status %x\n", seed_ends(pid));
	end_children();
	remove_ipc();
	CHECK(!record->full);
	OK(nftw(".", remove_one, 16, FTW_DEPTH | FTW_PHYS));
}

/* The call where two texts part; how the first one's were made. */
static inline void
tell_difference(unsigned seed, const char *how, const char *text, const char *right)
{
	size_t i = 0, line = 0;

	for (; text[i] == right[i] && text[i] != '\0'; i++)
		if (text[i] == '\n')
			line = i + 1;
	printf("seed %u, %s: %.*s\n", seed, how,
	    (int)strcspn(text + line, "\n"), text + line);
	printf("seed %u, as it should: %.*s\n", seed,
	    (int)strcspn(right + line, "\n"), right + line);
	fflush(stdout);
}

/* What the processes of a seed share; for seeds one after the other. */
static void
share_record(void)
{
	begin_record();
	shared = (void *)pages_shared(sizeof(*shared) / PAGE + 1);
}

static void
begin_seeds(void)
{
	enter_tmp();
	make_data();
	share_record();
}

#endif
