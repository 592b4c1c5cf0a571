/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.c: run one command in a fresh kernel
 *
 * Problem   Tests, graders, benchmarks and people want to run a program on
 *           Vadose as they run it on the host: output, status, no traces.
 *
 * Picture   options → struct guest_job → guest_run → exit status
 *
 * Rules     1. Our own words go to standard error, and only when the command
 *              did not end by itself (or with -v).
 *           2. The terminal is as before when we end, however we end.
 *
 * Read next tools/emulator/guestlib.h, then tools/emulator/guestlib.c.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "guestlib.h"

static void parse(struct guest_job *, int argc, char **argv);
static void one_option(struct guest_job *, int opt, const char *arg);
static void add_one(struct guest_job *, const char *spec);
static void add_disk(struct guest_job *, const char *spec);
static void set_root(struct guest_job *, const char *arg);
static char *beside_kernel(const struct guest_job *, const char *name);
static void set_swap(struct guest_job *, const char *arg);
static uint64_t size_of(const char *opt, const char *text);
static unsigned long number_of(const char *opt, const char *text,
    unsigned long min, unsigned long max);
static void defaults(struct guest_job *);
static void terminal_raw(void);
static void terminal_restore(void);
static void refuse(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

static struct {
	struct termios saved;
	bool raw;
	int flags; /* of getopt's first pass */
} terminal;

static const char help_text[] =
    "tools/guest [options] -- COMMAND [ARG...]    run one command in a fresh kernel\n"
    "tools/guest [options]                        a shell, when there is a terminal\n"
    "\n"
    "  --emulator qemu|bochs  the machine (qemu)\n"
    "  --cpus N               1 to 16 processors (2; 1 below 32M of memory)\n"
    "  --memory SIZE          with K, M or G (256M)\n"
    "  --design NAME          the VM design: fmo, uvm, scalux, shadow, frames, eager (fmo)\n"
    "  --add HOST[:GUEST]     put a file or folder into the guest's root; it replaces\n"
    "                         a file of the same name (folders are merged);\n"
    "                         GUEST ending in / names the folder; repeatable\n"
    "  --stdin FILE           standard input of the command (none); -: that of guest\n"
    "  --append STRING        more boot arguments; repeatable\n"
    "  --kernel ELF           another kernel (build/vadose.elf)\n"
    "  --initrd FILE          another initial file system (build/initrd.cpio)\n"
    "  --timeout SECONDS      kill the machine after this time (no limit)\n"
    "  --icount[=SHIFT]       (QEMU) time counts instructions, random numbers have a fixed\n"
    "                         seed, new --swap and --root disks are in memory: each run\n"
    "                         is the same, unless it has a terminal or a disk that is\n"
    "                         kept, whose timing is the host's; an instruction takes\n"
    "                         2^SHIFT ns (0); 8 makes a slow machine\n"
    "  --log FILE             kernel messages go there\n"
    "  -v, --verbose          kernel messages go to standard error\n"
    "  --gdb                  stop before the first instruction and start gdb (QEMU)\n"
    "  --monitor TTY          stop before the first instruction; Bochs' debugger reads\n"
    "                         and writes this terminal (tools/bstep has one)\n"
    "  --plugin FILE[,OPTION...]  a TCG plugin that QEMU loads, as tools/road does\n"
    "  --root disk|initrd|FILE  the root is a disk (build/root.img; changes are\n"
    "                         thrown away), in memory, or an image that keeps them\n"
    "  --disk [BUS:]IMAGE     a disk, kept; BUS is ide (sda, sdb, ...) or virtio (vda,\n"
    "                         ...); repeatable.  IMAGE is a raw file, or file=... or\n"
    "                         driver=...: options of QEMU's -drive\n"
    "  --swap SIZE|FILE       one more disk, used for swap from the start: a new one,\n"
    "                         or a file that mkswap has made\n"
    "  --trace FILE           every event of the kernel, for tools/vtr; lost events are\n"
    "                         reported at the end; it can be read while it grows\n"
    "  --trace-words          also trace each word of a page table that changes\n"
    "  --control SOCKET       a QMP socket, to stop and continue QEMU; make view\n"
    "                         LIVE=F.vtr watches a guest that has --trace F.vtr\n"
    "                         --control F.qmp\n"
    "\n"
    "Standard output and error are the command's, byte for byte.  Exit status: the\n"
    "command's own (128+N after signal N), 124 time limit, 125 kernel panic, triple\n"
    "fault or failed vm_check, 126 emulator or kernel cannot start, or the\n"
    "output cannot be written, 127 no such command.  In the shell, Ctrl-A x ends the\n"
    "machine, Ctrl-A Ctrl-A is Ctrl-A.\n";

int
main(int argc, char **argv)
{
	struct guest_job job = {
		.memory = 256ull << 20, .out = 1, .err = 2
	};
	struct guest_result res;

	signal(SIGPIPE, SIG_IGN);
	parse(&job, argc, argv);
	defaults(&job);
	if (job.interactive) {
		fprintf(stderr, "Vadose in %s: Ctrl-A x ends it.\n",
		    job.emulator == GUEST_QEMU ? "QEMU" : "Bochs");
		terminal_raw();
	}
	guest_run(&job, &res);
	terminal_restore();
	if (res.why != NULL && job.verbose) /* the rest has been seen */
		res.why[strcspn(res.why, "\n")] = '\0';
	if (res.why != NULL)
		fprintf(stderr, "tools/guest: %s%s", res.why,
		    res.why[strlen(res.why) - 1] == '\n' ? "" : "\n");
	free(res.why);
	if (res.lost != NULL && res.status != GUEST_CANNOT)
		fprintf(stderr, "tools/guest: --trace: %s\n", res.lost);
	free(res.lost);
	if (res.signal != 0) {
		signal(res.signal, SIG_DFL);
		raise(res.signal);
	}
	return res.status;
}

enum {
	OPT_EMULATOR = 256,
	OPT_CPUS,
	OPT_MEMORY,
	OPT_SWAP,
	OPT_DESIGN,
	OPT_ADD,
	OPT_DISK,
	OPT_ROOT,
	OPT_APPEND,
	OPT_KERNEL,
	OPT_TIMEOUT,
	OPT_ICOUNT,
	OPT_LOG,
	OPT_TRACE,
	OPT_TRACE_WORDS,
	OPT_STDIN,
	OPT_GDB,
	OPT_INITRD,
	OPT_MONITOR,
	OPT_CONTROL,
	OPT_PLUGIN
};

static void
parse(struct guest_job *job, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "emulator", required_argument, NULL, OPT_EMULATOR },
		{ "cpus", required_argument, NULL, OPT_CPUS },
		{ "memory", required_argument, NULL, OPT_MEMORY },
		{ "swap", required_argument, NULL, OPT_SWAP },
		{ "design", required_argument, NULL, OPT_DESIGN },
		{ "add", required_argument, NULL, OPT_ADD },
		{ "disk", required_argument, NULL, OPT_DISK },
		{ "root", required_argument, NULL, OPT_ROOT },
		{ "append", required_argument, NULL, OPT_APPEND },
		{ "kernel", required_argument, NULL, OPT_KERNEL },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "icount", optional_argument, NULL, OPT_ICOUNT },
		{ "log", required_argument, NULL, OPT_LOG },
		{ "trace", required_argument, NULL, OPT_TRACE },
		{ "trace-words", no_argument, NULL, OPT_TRACE_WORDS },
		{ "stdin", required_argument, NULL, OPT_STDIN },
		{ "gdb", no_argument, NULL, OPT_GDB },
		{ "initrd", required_argument, NULL, OPT_INITRD },
		{ "monitor", required_argument, NULL, OPT_MONITOR },
		{ "control", required_argument, NULL, OPT_CONTROL },
		{ "plugin", required_argument, NULL, OPT_PLUGIN },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "+vh", opts, NULL)) != -1) {
		if (opt == '?')
			refuse("see tools/guest --help");
		one_option(job, opt, optarg);
	}
	if (optind < argc)
		job->argv = argv + optind;
}

/* One more word for the kernel. */
static void
append(struct guest_job *job, const char *word)
{
	char *s;

	if (asprintf(&s, "%s%s%s", job->append != NULL ? job->append : "",
		job->append != NULL ? " " : "", word) < 0)
		abort();
	job->append = s;
}

static void
one_option(struct guest_job *job, int opt, const char *arg)
{
	char *s;

	switch (opt) {
	case OPT_EMULATOR:
		if (strcmp(arg, "bochs") == 0)
			job->emulator = GUEST_BOCHS;
		else if (strcmp(arg, "qemu") == 0)
			job->emulator = GUEST_QEMU;
		else
			refuse("--emulator %s: qemu or bochs", arg);
		return;
	case OPT_CPUS:
		job->cpus = number_of("--cpus", arg, 1, 16);
		return;
	case OPT_MEMORY:
		job->memory = size_of("--memory", arg);
		return;
	case OPT_DESIGN:
		if (strcmp(arg, "fmo") != 0 && strcmp(arg, "uvm") != 0 &&
		    strcmp(arg, "scalux") != 0 && strcmp(arg, "shadow") != 0 &&
		    strcmp(arg, "frames") != 0 && strcmp(arg, "eager") != 0)
			refuse("--design %s: fmo, uvm, scalux, shadow, frames or eager", arg);
		if (asprintf(&s, "vmm=%s", arg) < 0)
			abort();
		append(job, s);
		free(s);
		return;
	case OPT_ADD:
		add_one(job, arg);
		return;
	case OPT_DISK:
		add_disk(job, arg);
		return;
	case OPT_ROOT:
		set_root(job, arg);
		return;
	case OPT_APPEND:
		append(job, arg);
		return;
	case OPT_KERNEL:
		job->kernel = arg;
		return;
	case OPT_TIMEOUT:
		job->timeout = number_of("--timeout", arg, 1, 1000000);
		return;
	case OPT_ICOUNT:
		job->icount = true;
		job->shift = arg == NULL
				 ? 0
				 : (unsigned)number_of("--icount", arg, 0, 10);
		return;
	case OPT_LOG:
		job->log_file = arg;
		return;
	case OPT_STDIN:
		job->stdin_file = arg;
		return;
	case OPT_GDB:
		job->gdb = true;
		return;
	case OPT_INITRD:
		job->initrd = arg;
		return;
	case OPT_MONITOR:
		job->monitor = arg;
		return;
	case OPT_CONTROL:
		/* A comma would be the next word to QEMU, and sockets have 108 bytes. */
		if (strlen(arg) > 100 || strchr(arg, ',') != NULL)
			refuse("--control %s: a path of at most 100 bytes, without commas",
			    arg);
		job->control = arg;
		return;
	case OPT_PLUGIN:
		job->plugin = arg;
		return;
	case 'v':
		job->verbose = true;
		return;
	case OPT_SWAP:
		set_swap(job, arg);
		return;
	case OPT_TRACE:
		job->trace_file = arg;
		return;
	case OPT_TRACE_WORDS:
		job->trace_words = true;
		return;
	case 'h':
		fputs(help_text, stdout);
		exit(0);
	}
}

/* HOST[:GUEST]: a colon that belongs to an existing name does not divide. */
static void
add_one(struct guest_job *job, const char *spec)
{
	struct guest_add *a;
	const char *colon = strrchr(spec, ':');
	struct stat st;

	a = realloc((void *)job->add, (job->nadd + 1) * sizeof *a);
	if (a == NULL)
		abort();
	job->add = a;
	a += job->nadd++;
	if (colon == NULL || lstat(spec, &st) == 0) {
		a->host = spec;
		a->guest = "/";
	} else {
		a->host = strndup(spec, colon - spec);
		a->guest = colon[1] != '\0' ? colon + 1 : "/";
	}
	if (lstat(a->host, &st) != 0)
		refuse("--add %s: %s", a->host, strerror(errno));
}

/* [ide:|virtio:]IMAGE, where IMAGE may be options for QEMU. */
static void
add_disk(struct guest_job *job, const char *spec)
{
	struct guest_disk *d;

	d = realloc((void *)job->disk, (job->ndisks + 1) * sizeof *d);
	if (d == NULL)
		abort();
	job->disk = d;
	d += job->ndisks++;
	*d = (struct guest_disk){ .bus = GUEST_IDE };
	if (strncmp(spec, "virtio:", 7) == 0) {
		d->bus = GUEST_VIRTIO;
		spec += 7;
	} else if (strncmp(spec, "ide:", 4) == 0) {
		spec += 4;
	}
	if (strncmp(spec, "file=", 5) == 0 || strncmp(spec, "driver=", 7) == 0)
		d->options = spec;
	else if (access(spec, R_OK | W_OK) == 0)
		d->file = spec;
	else
		refuse("--disk %s: %s", spec, strerror(errno));
}

static void
set_root(struct guest_job *job, const char *arg)
{
	/* The name is a mark until defaults() knows the kernel's folder. */
	if (strcmp(arg, "disk") == 0)
		job->root = arg;
	else if (strcmp(arg, "initrd") == 0)
		job->root = NULL;
	else {
		job->root = arg;
		job->root_kept = true;
	}
}

/* What looks like a size is one; ./64M is a file. */
static void
set_swap(struct guest_job *job, const char *arg)
{
	size_t digits = strspn(arg, "0123456789");

	job->swap_bytes = 0;
	job->swap_file = NULL;
	if (digits > 0 && strspn(arg + digits, "KkMmGgTt") ==
	    strlen(arg + digits))
		job->swap_bytes = size_of("--swap", arg);
	else if (access(arg, R_OK | W_OK) == 0)
		job->swap_file = arg;
	else
		refuse("--swap %s: %s", arg, strerror(errno));
}

static uint64_t
size_of(const char *opt, const char *text)
{
	char *end;
	unsigned long long v = strtoull(text, &end, 10);
	unsigned shift = 0;

	switch (*end) {
	case 'K':
	case 'k':
		shift = 10;
		end++;
		break;
	case 'M':
	case 'm':
		shift = 20;
		end++;
		break;
	case 'G':
	case 'g':
		shift = 30;
		end++;
		break;
	case 'T':
	case 't':
		shift = 40;
		end++;
		break;
	}
	if (*end != '\0' || end == text || v > UINT64_MAX >> shift ||
	    (v << shift) % (1u << 20) != 0 || v == 0)
		refuse("%s %s: a number of megabytes such as 24M or 64G", opt,
		    text);
	return (uint64_t)v << shift;
}

static unsigned long
number_of(const char *opt, const char *text, unsigned long min,
    unsigned long max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*end != '\0' || end == text || v < min || v > max)
		refuse("%s %s: a number from %lu to %lu", opt, text, min, max);
	return v;
}

/* What was not said: the kernel of this checkout, a shell at a terminal. */
static void
defaults(struct guest_job *job)
{
	if (job->kernel == NULL)
		job->kernel = beside_kernel(job, "vadose.elf");
	if (job->cpus == 0) /* the kernel wants 32 MiB for a second one */
		job->cpus = job->memory < 32ull << 20 ? 1 : 2;
	if (job->initrd == NULL)
		job->initrd = beside_kernel(job, "initrd.cpio");
	if (job->root != NULL && !job->root_kept)
		job->root = beside_kernel(job, "root.img");
	if (job->root != NULL &&
	    access(job->root, job->root_kept ? R_OK | W_OK : R_OK) != 0)
		refuse("--root: %s: %s (make image builds build/root.img)",
		    job->root, strerror(errno));
	if (job->gdb && job->emulator != GUEST_QEMU)
		refuse("--gdb is for QEMU");
	if (job->monitor != NULL && job->emulator != GUEST_BOCHS)
		refuse("--monitor is for Bochs; QEMU has --gdb");
	if (job->control != NULL && job->emulator != GUEST_QEMU)
		refuse("--control is for QEMU");
	if (job->plugin != NULL && job->emulator != GUEST_QEMU)
		refuse("--plugin is for QEMU");
	if (job->icount && job->emulator != GUEST_QEMU)
		refuse(
		    "--icount is for QEMU (Bochs counts instructions anyway)");
	job->verbose |= job->gdb;
	if (job->argv == NULL && !job->gdb && job->monitor == NULL) {
		if (!isatty(0) || !isatty(1))
			refuse("no command, and no terminal for a shell");
		job->interactive = true;
	}
}

/* What was built with the kernel, else this checkout's. */
static char *
beside_kernel(const struct guest_job *job, const char *name)
{
	char exe[4096], *path, *copy;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	exe[n < 0 ? 0 : n] = '\0';
	if (job->kernel != NULL) {
		copy = strdup(job->kernel);
		if (asprintf(&path, "%s/%s", dirname(copy), name) < 0)
			abort();
		free(copy);
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	if (asprintf(&path, "%s/../%s", dirname(exe), name) < 0)
		abort();
	return path;
}

static void
terminal_raw(void)
{
	struct termios t;

	if (tcgetattr(0, &terminal.saved) < 0)
		return;
	t = terminal.saved;
	cfmakeraw(&t);
	terminal.raw = tcsetattr(0, TCSANOW, &t) == 0;
}

static void
terminal_restore(void)
{
	if (!terminal.raw)
		return;
	tcsetattr(0, TCSAFLUSH, &terminal.saved);
	terminal.raw = false;
	fputc('\n', stderr);
}

static void
refuse(const char *fmt, ...)
{
	va_list ap;

	fputs("tools/guest: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(GUEST_CANNOT);
}
