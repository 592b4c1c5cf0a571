/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits.c: how much a tool may use that reads what somebody submitted
 *
 * Problem   A macro that doubles itself, a header that includes itself, an
 *           array of gigabytes: a text of ten lines makes a compiler, an
 *           assembler or a linker take all of the host.
 *
 * Picture   fork ─→ a process group ─→ setrlimit, one by one ─→ exec
 *           parent: the clock and the length of what it says ─→ the group dies
 *
 * Rules     1. Set by the system call that can fail, not by a shell's ulimit,
 *              and who cannot set one does not start.
 *           2. CPU seconds, memory and files are counted for each process; the
 *              clock is for all of them, as children of children may be many.
 *           3. What the host ends, short of memory or processes, is nobody's fault.
 *           4. 8 s: our own files take half a second.  CPU time does not grow
 *              with the load of the host, the clock does, so it is generous.
 *
 * Read next util.c, boot/build.c.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

#define MIB (1ul << 20)

const struct limits compiler_limits = { .cpu = 8, .wall = 180,
	.memory = 1024 * MIB, .file = 16 * MIB, .tasks = 64,
	.text = 256u << 10 };
/* The kernel's objects with all their debug sections are large. */
const struct limits linker_limits = { .cpu = 60, .wall = 300,
	.memory = 2048 * MIB, .file = 128 * MIB, .tasks = 64,
	.text = 256u << 10 };

static bool
set(int which, rlim_t value)
{
	/* CPU time ends by a signal of its own before it ends by SIGKILL. */
	struct rlimit now, r = { value, value + (which == RLIMIT_CPU) };

	if (getrlimit(which, &now) < 0)
		return false;
	/* Whoever started us may have set a lower one. */
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < r.rlim_max)
		r.rlim_cur = r.rlim_max = now.rlim_max;
	return setrlimit(which, &r) == 0;
}

/* Threads of the whole host: at least as many as ours. */
static unsigned
tasks_now(void)
{
	FILE *f = fopen("/proc/loadavg", "re");
	unsigned n = 0;

	if (f == NULL || fscanf(f, "%*s %*s %*s %*u/%u", &n) != 1)
		n = 4096;
	if (f != NULL)
		fclose(f);
	return n;
}

bool
limits_apply(const struct limits *l)
{
	setpgid(0, 0);
	return set(RLIMIT_CPU, l->cpu) && set(RLIMIT_AS, l->memory) &&
	       set(RLIMIT_FSIZE, l->file) && set(RLIMIT_CORE, 0) &&
	       set(RLIMIT_NPROC, tasks_now() + l->tasks);
}

/*
 * Does a tool say so of itself?  What it says of the file ("fork.c:12:3: error: …"),
 * and the lines of the file that it shows (" 12 | … // out of memory"), are words
 * of whoever wrote the file.
 */
static bool
tool_says(const char *said, const char *word)
{
	size_t n, k;

	for (; *said != '\0'; said += n + (said[n] == '\n')) {
		n = strcspn(said, "\n");
		k = strspn(said, " 0123456789");
		if (said[k] == '|')
			continue;
		k = strcspn(said, ": \n");
		if (said[k] == ':' && isdigit((unsigned char)said[k + 1]))
			continue;
		if (memmem(said, n, word, strlen(word)) != NULL)
			return true;
	}
	return false;
}

/*
 * A part that was killed, but not by its CPU time: the host was out of memory; or
 * one that could not even be started.
 */
bool
limits_of_host(int status, const char *said)
{
	static const char *const words[] = { "Killed signal terminated program",
		"terminated with signal 9", ": vfork: ", ": fork: ",
		"Cannot fork", "Resource temporarily unavailable" };
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++)
		if (tool_says(said, words[i]))
			return true;
	return status == -1;
}

/* Compilers and linkers name what ended a part of them in their own words. */
const char *
limits_met(const struct limits *l, int status, const char *said)
{
	static const struct {
		const char *word;
		enum { CPU, FILES, MEMORY, NESTED } what;
	} words[] = { { "CPU time limit", CPU }, { "File size limit", FILES },
		{ "File too large", FILES }, { "out of memory", MEMORY },
		{ "memory exhausted", MEMORY },
		{ "Cannot allocate memory", MEMORY },
		{ "nested too deep", NESTED } };
	static char text[160];
	size_t i, n = sizeof words / sizeof words[0];

	for (i = 0; i < n && !tool_says(said, words[i].word); i++)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		i = 0;
	if (i == n && WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
		i = 1;
	if (i == n && strlen(said) > l->text)
		snprintf(text, sizeof text, "it was stopped: more than %zu KiB "
			 "of messages", l->text >> 10);
	else if (i == n && WIFSIGNALED(status))
		snprintf(text, sizeof text, "it was stopped (signal %d): more "
			 "than %u s by the clock, or %u s of the processor",
		    WTERMSIG(status), l->wall, l->cpu);
	else if (i == n)
		return NULL;
	else if (words[i].what == CPU)
		snprintf(text, sizeof text, "it was stopped: more than %u s of "
			 "the processor", l->cpu);
	else if (words[i].what == FILES)
		snprintf(text, sizeof text, "it was stopped: more than %lu MiB "
			 "in a file", l->file / MIB);
	else if (words[i].what == MEMORY)
		snprintf(text, sizeof text, "it was stopped: more than %lu MiB "
			 "of memory", l->memory / MIB);
	else
		snprintf(text, sizeof text, "it was stopped: includes that are "
			 "nested too deep");
	return text;
}
