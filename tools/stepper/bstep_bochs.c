/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_bochs.c: Bochs' debugger on a terminal of its own
 *
 * Problem   The debugger is made for people: it prompts, and what it knows it
 *           prints.  It runs for ever when nothing stops it.
 *
 * Picture   bstep ⇄ pseudo terminal ⇄ bochs, child of tools/guest --monitor
 *           "lb 0x…\n" ─→          ←─ "…\n<bochs:7> "
 *
 * Rules     1. An answer ends with the next prompt; no prompt, no command.
 *           2. At most one time breakpoint is pending: Bochs keeps five, and
 *              forgets none.  One that comes early is set again.
 *           3. A machine that says nothing for `patience` seconds gets a
 *              Ctrl-C; one that then says nothing is gone.
 *           4. The processor that stopped is the one whose registers are read.
 *              With several, Bochs 2.7 passes over a breakpoint at the end of
 *              a processor's turn (each fifth instruction): then a place has
 *              one more, at its next instruction.  Time breakpoints do not stop
 *              it at all.  Sessions have one processor, unless they are about two.
 *
 * Read next guest_bochs.c makes the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "bstep.h"

struct answer {
	char *text;
	size_t n;
};

static bool terminal_open(struct bochs *, char name[64]);
static void guest_exec(const struct bochs *, const char *tty,
    const char *kernel, char **words) __attribute__((noreturn));
static bool stand(struct bochs *, const char *answer);

char *
text_of(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	return s;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- answers ---- */

/* Does it end with "<bochs:N> ", or "(gdb) "?  Then that is cut off. */
static bool
prompted(struct answer *a, bool via_gdb)
{
	char *at = a->text + a->n;
	unsigned nr;
	int len = 0;

	if (via_gdb) {
		if (a->n < 6 || strcmp(at - 6, "(gdb) ") != 0)
			return false;
		a->n -= 6;
		a->text[a->n] = '\0';
		return true;
	}
	while (at > a->text && at[-1] != '\n' && *at != '<')
		at--;
	if (*at != '<' || sscanf(at, "<bochs:%u> %n", &nr, &len) != 1 ||
	    len == 0 || at[len] != '\0')
		return false;
	*at = '\0';
	a->n = (size_t)(at - a->text);
	return true;
}

static bool
is_gone(const struct bochs *b)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)b->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) != 0 ||
	       info.si_pid != 0;
}

static void
append(struct answer *a, const char *buf, ssize_t n)
{
	a->text = realloc(a->text, a->n + (size_t)n + 1);
	if (a->text == NULL)
		abort();
	for (; n > 0; n--, buf++)
		if (*buf != '\r' && *buf != '\a')
			a->text[a->n++] = *buf;
	a->text[a->n] = '\0';
}

/* Some bytes more, if there are; false: late, or nobody is there. */
static bool
more(struct bochs *b, struct answer *a, double until)
{
	struct pollfd p = { b->tty, POLLIN, 0 };
	double left = until - now();
	char buf[4096];
	ssize_t n;
	int r;

	r = poll(&p, 1, left > 0.5 ? 500 : left > 0 ? (int)(left * 1000) : 0);
	if (r < 0 && errno == EINTR)
		return true;
	if (r == 0)
		return left > 0 && !is_gone(b);
	n = r > 0 ? read(b->tty, buf, sizeof buf) : 0;
	if (n > 0)
		append(a, buf, n);
	return n > 0;
}

/* Up to the next prompt; NULL: there is none. */
static char *
answer(struct bochs *b, double patience)
{
	struct answer a = { calloc(1, 1), 0 };
	double until = now() + patience;
	bool warned = false;

	while (!prompted(&a, b->via_gdb)) {
		if (more(b, &a, until))
			continue;
		if (warned || now() < until) {
			free(a.text);
			return NULL;
		}
		warned = true;
		bochs_interrupt(b);
		until = now() + 10;
	}
	return a.text;
}

static char *
ask(struct bochs *b, const char *line, double patience)
{
	size_t n = strlen(line);
	char *all = text_of("%s\n", line), *text = NULL;

	if (b->pid != 0 && write(b->tty, all, n + 1) == (ssize_t)n + 1)
		text = answer(b, patience);
	free(all);
	/* A terminal with line editing repeats what was typed. */
	if (text != NULL && strncmp(text, line, n) == 0 && text[n] == '\n')
		memmove(text, text + n + 1, strlen(text + n + 1) + 1);
	return text;
}

char *
bochs_ask(struct bochs *b, const char *fmt, ...)
{
	char *line, *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		abort();
	va_end(ap);
	text = ask(b, line, b->patience);
	free(line);
	return text;
}

/* ---- beginning and end ---- */

bool
bochs_start(struct bochs *b, const char *kernel, char **words, char **why)
{
	char name[64], *text = NULL, **w;

	b->cpus = 1;
	for (w = words; w[0] != NULL && w[1] != NULL; w++)
		if (strcmp(w[0], "--cpus") == 0)
			b->cpus = (unsigned)strtoul(w[1], NULL, 10);
	if (!terminal_open(b, name)) {
		*why = text_of("no terminal for Bochs: %s", strerror(errno));
		return false;
	}
	b->pid = fork();
	if (b->pid == 0)
		guest_exec(b, name, kernel, words);
	if (b->pid > 0)
		text = answer(b, 60);
	if (text != NULL && (b->via_gdb ? gdb_settle(b) : stand(b, text))) {
		free(text);
		return true;
	}
	free(text);
	text = bochs_last_words(b);
	*why = text_of("%s does not answer%s%s",
	    b->via_gdb ? "gdb" : "Bochs' debugger",
	    text[0] != '\0' ? ": " : "; is it built with one? (make doctor)",
	    text);
	free(text);
	return false;
}

static bool
terminal_open(struct bochs *b, char name[64])
{
	const char *tmp = getenv("TMPDIR");
	struct termios t;
	int slave;

	if (b->dir[0] == '\0') {
		if (tmp == NULL || strlen(tmp) > 40)
			tmp = "/tmp";
		snprintf(b->dir, sizeof b->dir, "%s/bstep.XXXXXX", tmp);
		if (mkdtemp(b->dir) == NULL) {
			b->dir[0] = '\0';
			return false;
		}
	}
	b->tty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (b->tty < 0 || grantpt(b->tty) < 0 || unlockpt(b->tty) < 0 ||
	    ptsname_r(b->tty, name, 64) != 0)
		return false;
	/* Kept open, or we would read the end before the child has begun. */
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &t) < 0)
		return false;
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	tcsetattr(slave, TCSANOW, &t);
	return true;
}

/* build/tools/guest, as the child. */
static void
guest_exec(
    const struct bochs *b, const char *tty, const char *kernel, char **words)
{
	char exe[4096], *argv[256], *log = text_of("%s/log", b->dir);
	char *said = text_of("%s/said", b->dir), *guest;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	int i = 0, fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	exe[n < 0 ? 0 : n] = '\0';
	guest = text_of("%s/guest", dirname(exe));
	argv[i++] = guest;
	argv[i++] = (char *)"--emulator";
	argv[i++] = (char *)(b->via_gdb ? "qemu" : "bochs");
	argv[i++] = (char *)(b->via_gdb ? "--gdb" : "--monitor");
	if (b->via_gdb)
		argv[i++] = (char *)"--icount";
	if (!b->via_gdb)
		argv[i++] = (char *)tty;
	argv[i++] = (char *)"--log";
	argv[i++] = log;
	argv[i++] = (char *)"--kernel";
	argv[i++] = (char *)kernel;
	/* What is small is fast; the session may say otherwise. */
	argv[i++] = (char *)"--cpus";
	argv[i++] = (char *)"1";
	argv[i++] = (char *)"--memory";
	argv[i++] = (char *)"64M";
	while (*words != NULL && i < 255)
		argv[i++] = *words++;
	argv[i] = NULL;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* Ctrl-C at our terminal is for us; gdb has one of its own. */
	(void)(b->via_gdb ? setsid() : setpgid(0, 0));
	setenv("TERM", "dumb", 1);
	dup2(open(b->via_gdb ? tty : "/dev/null", O_RDWR), 0);
	dup2(b->via_gdb ? 0 : fd, 1);
	dup2(fd, 2);
	execv(guest, argv);
	dprintf(2, "%s: %s", guest, strerror(errno));
	_exit(127);
}

void
bochs_end(struct bochs *b)
{
	static const char *const files[] = { "log", "said", "kernel.sym" };
	char *path;
	size_t i;

	if (b->pid > 0) {
		kill(b->pid, SIGTERM);
		waitpid(b->pid, NULL, 0);
		b->pid = 0;
		close(b->tty);
	}
	for (i = 0; b->dir[0] != '\0' && i < 3; i++) {
		path = text_of("%s/%s", b->dir, files[i]);
		unlink(path);
		free(path);
	}
	if (b->dir[0] != '\0')
		rmdir(b->dir);
	b->dir[0] = '\0';
}

void
bochs_interrupt(const struct bochs *b)
{
	static const char control_c = 3;

	if (b->pid != 0 && write(b->tty, &control_c, 1) < 0)
		return; /* it is gone, which the next answer finds */
}

/* ---- running ---- */

/* The line "(CPU) [0x…] 0008:ffffffff80224ba0 (name+0): …"; false: none. */
static bool
place_of(const char *text, unsigned cpu, uint64_t *rip)
{
	unsigned long long at;
	unsigned nr, cs;

	while (*text != '\0') {
		if (text[0] == '(' &&
		    sscanf(text, "(%u) [%*[^]]] %x:%llx", &nr, &cs, &at) == 3 &&
		    nr == cpu) {
			*rip = at;
			return true;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}

/* The processor that "(1) Breakpoint 3, …" or "(1) Caught …" names, else 0. */
static unsigned
stopped_cpu(const char *text)
{
	char word[16];
	unsigned cpu;

	while (*text != '\0') {
		if (sscanf(text, "(%u) %15[A-Z]", &cpu, word) == 2)
			return cpu;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return 0;
}

/* "Next at t=N", then each processor's place: which one stopped, and where. */
static bool
stand(struct bochs *b, const char *text)
{
	unsigned cpu = stopped_cpu(text);
	const char *s, *line = NULL;
	unsigned long long ticks;

	for (s = text; (s = strstr(s, "Next at t=")) != NULL; s++)
		line = s;
	if (line == NULL || sscanf(line, "Next at t=%llu", &ticks) != 1 ||
	    !place_of(line, cpu, &b->rip))
		return false;
	b->ticks = ticks;
	/* Registers are those of the processor that is chosen. */
	if (cpu != b->cpu) {
		b->cpu = cpu;
		free(bochs_ask(b, "set $cpu = %u", cpu));
	}
	return true;
}

static enum stop
once(struct bochs *b, double until)
{
	double left = until - now();
	char *text = ask(b, "c", left > 0 ? left : 0);
	enum stop how = STOP_HERE;

	if (text == NULL || !stand(b, text)) {
		free(text);
		return STOP_GONE;
	}
	if (strstr(text, "time breakpoint") != NULL) {
		b->alarm = 0;
		how = STOP_BOUND;
	} else if (strstr(text, "reakpoint") == NULL &&
		   strstr(text, "watch") == NULL) {
		how = STOP_KEY;
	}
	free(text);
	return how;
}

enum stop
bochs_run(struct bochs *b, uint64_t bound)
{
	uint64_t end = b->ticks + bound;
	double until = now() + b->patience;
	enum stop how;

	if (b->via_gdb)
		return gdb_run(b);
	do {
		if (b->alarm == 0) {
			char *text =
			    bochs_ask(b, "sba %llu", (unsigned long long)end);

			free(text);
			b->alarm = end;
		}
		how = once(b, until);
	} while (how == STOP_BOUND && b->ticks < end);
	return how;
}

bool
bochs_step(struct bochs *b, uint64_t n)
{
	char *text;
	bool ok;

	if (b->via_gdb)
		return gdb_step(b, n);
	text = bochs_ask(b, "s %llu", (unsigned long long)n);
	ok = text != NULL && stand(b, text);
	free(text);
	return ok;
}

/* ---- looking ---- */

/* "rax: 00000000_0000000a" of regs, "CR3=0x…" or "laddr=0x…" of creg. */
static bool
field(const char *text, const char *name, uint64_t *v)
{
	const char *s = strstr(text, name);
	unsigned long long high, low;

	if (s == NULL)
		return false;
	s += strlen(name);
	s += strspn(s, " :");
	if (sscanf(s, "%8llx_%8llx", &high, &low) == 2) {
		*v = high << 32 | low;
		return true;
	}
	*v = strtoull(s, NULL, 16);
	return true;
}

bool
bochs_reg(struct bochs *b, const char *name, uint64_t *v)
{
	static const char *const plain[] = { "rax", "rbx", "rcx", "rdx", "rsp",
		"rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
		"r14", "r15", "rip", "eflags", NULL };
	static const char *const control[][2] = { { "cr0", "CR0=" },
		{ "cr2", "fault laddr=" }, { "cr3", "CR3=" }, { "cr4", "CR4=" },
		{ "cr8", "CR8:" }, { "efer", "EFER=" }, { NULL, NULL } };
	char *text = NULL, *at;
	bool ok = false;
	size_t i;

	if (b->via_gdb)
		return gdb_reg(b, name, v);
	for (i = 0; plain[i] != NULL && strcmp(plain[i], name) != 0; i++)
		;
	if (plain[i] != NULL) {
		text = bochs_ask(b, "r");
		at = text_of("\n%s%s", name,
		    name[0] == 'e'      ? " "
		    : strlen(name) == 2 ? " :"
					: ":");
		ok = text != NULL && field(text, at, v);
		free(at);
	}
	for (i = 0; text == NULL && control[i][0] != NULL; i++)
		if (strcmp(control[i][0], name) == 0) {
			text = bochs_ask(b, "creg");
			ok = text != NULL && field(text, control[i][1], v);
		}
	free(text);
	return ok;
}

/* Debian's Bochs prints no more than 32 bits of a word: two halves. */
bool
bochs_memory(struct bochs *b, bool physical, uint64_t at, uint64_t *v)
{
	unsigned long long low, high;
	const char *s;
	char *text;
	bool ok;

	if (b->via_gdb)
		return gdb_memory(b, physical, at, v);
	text = bochs_ask(
	    b, "%s /2wx 0x%llx", physical ? "xp" : "x", (unsigned long long)at);
	s = text != NULL ? strstr(text, ":\t0x") : NULL;
	ok = s != NULL && sscanf(s, ":\t0x%llx\t0x%llx", &low, &high) == 2;
	if (ok)
		*v = high << 32 | low;
	free(text);
	return ok;
}

/* Its number is what the list says. */
bool
bochs_break(struct bochs *b, uint64_t address, unsigned *number)
{
	char *text, *want, *line;
	bool ok = false;

	if (b->via_gdb)
		return gdb_break(b, address, number);
	want = text_of("0x%016llx", (unsigned long long)address);
	free(bochs_ask(b, "lb 0x%llx", (unsigned long long)address));
	text = bochs_ask(b, "blist");
	for (line = text; line != NULL && *line != '\0';) {
		char *next = strchr(line, '\n');

		if (next != NULL)
			*next++ = '\0';
		if (strstr(line, want) != NULL &&
		    sscanf(line, "%u", number) == 1)
			ok = true;
		line = next;
	}
	free(want);
	free(text);
	return ok;
}

void
bochs_turn(struct bochs *b, unsigned number, enum turn turn)
{
	static const char *const verb[2][3] = { { "bpd", "bpe", "d" },
		{ "disable", "enable", "delete" } };

	free(bochs_ask(b, "%s %u", verb[b->via_gdb][turn], number));
}

/* ---- afterwards ---- */

static char *
file_text(const char *dir, const char *name)
{
	char *path = text_of("%s/%s", dir, name), *text = calloc(1, 65537);
	FILE *in = fopen(path, "re");
	size_t n = 0;

	if (text == NULL)
		abort();
	if (in != NULL) {
		if (fseek(in, -65536, SEEK_END) != 0)
			rewind(in);
		n = fread(text, 1, 65536, in);
		fclose(in);
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	free(path);
	return text;
}

char *
bochs_last_words(const struct bochs *b)
{
	char *said = file_text(b->dir, "said"), *log = file_text(b->dir, "log");
	char *panic = strstr(log, "PANIC:"), *last = strrchr(log, '\n');
	char *todo = strstr(log, "not written yet:"); /* a lab's starter */
	char *text;

	panic = panic != NULL ? panic : todo;
	if (panic != NULL)
		panic[strcspn(panic, "\r\n")] = '\0';
	if (said[0] != '\0')
		text = strdup(said);
	else if (panic != NULL)
		text = strdup(panic);
	else
		text = strdup(last != NULL ? last + 1 : log);
	free(said);
	free(log);
	return text;
}
