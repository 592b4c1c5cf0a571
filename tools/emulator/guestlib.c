/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guestlib.c: run a program in a fresh kernel inside an emulator
 *
 * Problem   No emulator's exit code carries the command's, its console mixes
 *           kernel and command, and it can hang, die or be interrupted.
 *
 * Picture   build the initrd → start the emulator → pump ─→ verdict
 *               COM1 → log, panic text   COM2 → out, err, exit frame
 *               signals and time limit → kill
 *
 * Rules     1. The emulator is its own process group, and dies with us.
 *           2. Output is queued, so a slow reader never blocks the guest's
 *              serial line, and nothing is lost.
 *           3. Only an exit frame makes the command's own status.
 *
 * Read next tools/emulator/guest_qemu.c, tools/emulator/guest_bochs.c, tools/emulator/record.c.
 */
#include "guestlib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_pump.h"

/* What the kernel needs beside its first files to say that they are too many. */
#define KERNEL_ROOM ((size_t)5 << 20)
/* They lie there twice, and files may take half of what is left of the first. */
#define ROOM_FOR(bytes) (((bytes) * 3 >> 20 << 20) + 6 * KERNEL_ROOM)

static bool job_readable(const struct guest_job *, char **why);
static bool initrd_build(
    struct machine *, const struct guest_job *, char **why);
static bool machine_open(struct machine *);
static bool trace_open(struct machine *, const struct guest_job *, char **why);
static bool log_open(struct machine *, const struct guest_job *, char **why);
static bool line_open(int *ours, int *child);
static bool machine_start(struct machine *, const char *monitor);
static void debugger_start(struct machine *, const struct guest_job *);
static void machine_close(struct machine *);
static void child_exec(
    const struct machine *, const char *monitor, pid_t parent);
static bool child_terminal(const char *monitor);
static void verdict(struct pump *, const struct guest_job *,
    struct guest_result *, int wstatus);
static void verdict_exit(const struct pump *, struct guest_result *);
static char *ended_by_host(const struct guest_job *, int wstatus);
static void verdict_none(struct pump *, const struct guest_job *,
    struct guest_result *, int wstatus);
static void remove_dir(const char *dir);

void
guest_run(const struct guest_job *job, struct guest_result *res)
{
	struct machine m = { .com1 = -1,
		.com2 = -1,
		.keys = -1,
		.watch = -1,
		.child1 = -1,
		.child2 = -1,
		.initrd = -1,
		.diag = -1,
		.port = -1,
		.child_port = -1 };
	struct guest_job full = *job; /* with its disks */
	struct pump p;
	sigset_t mask, old;
	int wstatus = 0;
	bool ok;

	memset(res, 0, sizeof *res);
	res->status = GUEST_CANNOT;
	sigemptyset(&mask);
	if (job->gdb)
		signal(SIGINT, SIG_IGN); /* ^C is for gdb */
	else
		sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGQUIT);
	sigprocmask(SIG_BLOCK, &mask, &old);

	ok = job_readable(job, &res->why) && machine_open(&m) &&
	     initrd_build(&m, job, &res->why) &&
	     trace_open(&m, job, &res->why) && log_open(&m, job, &res->why) &&
	     disks_prepare(&m, &full, &res->why) &&
	     (job->emulator == GUEST_QEMU ? qemu_prepare : bochs_prepare)(
		 &m, &full, &res->why) &&
	     machine_start(&m, job->monitor);
	if (ok) {
		if (job->gdb)
			debugger_start(&m, job);
		pump_init(&p, job, &m, &mask);
		pump_run(&p);
		if (p.ended != PUMP_EOF)
			kill(-m.pid, SIGKILL);
		waitpid(m.pid, &wstatus, 0);
		kill(-m.pid, SIGKILL); /* what it may have started */
		if (job->control != NULL)
			unlink(job->control); /* a killed QEMU has left it */
		verdict(&p, job, res, wstatus);
		pump_free(&p);
	} else if (res->why == NULL && asprintf(&res->why, "cannot start: %s",
					   strerror(errno)) < 0) {
		res->why = NULL;
	}
	if (m.sink != NULL)
		res->lost = sink_close(m.sink, ok);
	machine_close(&m);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* The last word of several wins. */
static const char *
trace_word(const struct guest_job *job)
{
	static const char *const word[2][2] = {
		[GUEST_QEMU] = { " trace=shm", " trace=shm,words" },
		[GUEST_BOCHS] = { " trace=debugcon", " trace=debugcon,words" },
	};

	return job->trace_file == NULL
		   ? ""
		   : word[job->emulator][job->trace_words];
}

char *
guest_cmdline(const struct guest_job *job)
{
	const char *root = job->root == NULL ? ""
			   : job->root_at != 0 ? "root=ramb "
					       : "root=sda ";
	char *s;

	/* With --icount the guest's time is not the disk's: none is late. */
	if (asprintf(&s, "%s%s%s%s", root,
		job->icount && guest_waits(job) ? "sleep=off " : "",
		job->append != NULL ? job->append : "", trace_word(job)) < 0)
		abort();
	return s;
}

bool
guest_waits(const struct guest_job *job)
{
	return (job->root != NULL && job->root_at == 0) || job->ndisks > 0;
}

void
machine_arg(struct machine *m, const char *fmt, ...)
{
	va_list ap;

	m->argv = realloc(m->argv, (m->nargs + 2) * sizeof *m->argv);
	if (m->argv == NULL)
		abort();
	va_start(ap, fmt);
	if (vasprintf(&m->argv[m->nargs], fmt, ap) < 0)
		abort();
	va_end(ap);
	m->argv[++m->nargs] = NULL;
}

bool
machine_dir(struct machine *m, char **why)
{
	const char *tmp = getenv("TMPDIR");

	if (m->dir[0] != '\0')
		return true;
	/* Its name comes to options of QEMU, Bochs and gdb, and to a socket. */
	if (tmp == NULL || strlen(tmp) > 40 ||
	    tmp[strcspn(tmp, " \t\n,:;=#$'\"\\")] != '\0')
		tmp = "/tmp";
	snprintf(m->dir, sizeof m->dir, "%s/guest.XXXXXX", tmp);
	if (mkdtemp(m->dir) != NULL)
		return true;
	if (asprintf(why, "%s: %s", m->dir, strerror(errno)) < 0)
		*why = NULL;
	m->dir[0] = '\0';
	return false;
}

/* The files that the emulator would complain about in its own words. */
static bool
job_readable(const struct guest_job *job, char **why)
{
	const char *file[] = { job->kernel, job->initrd };
	char magic[4] = "";
	int fd, i;

	for (i = 0; i < 2; i++) {
		fd = open(file[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, magic, 4) != 4) {
			if (asprintf(why, "%s: %s (make image builds it)",
				file[i],
				fd < 0 ? strerror(errno) : "empty") < 0)
				*why = NULL;
			if (fd >= 0)
				close(fd);
			return false;
		}
		close(fd);
		if (i == 0 && memcmp(magic, "\177ELF", 4) != 0) {
			if (asprintf(why, "%s: not an ELF file", file[i]) < 0)
				*why = NULL;
			return false;
		}
	}
	return true;
}

/* The image and, behind it, an archive of what this job adds. */
static bool
initrd_build(struct machine *m, const struct guest_job *job, char **why)
{
	struct newc n = { 0 };
	const char *failed;
	bool ok;

	failed = pump_job_archive(&n, job);
	ok = failed == NULL;
	if (!ok && asprintf(why, "%s: %s", failed, strerror(errno)) < 0)
		*why = NULL;
	/* The loader would write it over the kernel, which then says nothing. */
	if (ok && n.len + KERNEL_ROOM > job->memory) {
		ok = false;
		if (asprintf(why, "the guest's first files are of %zu MiB, too many "
			"for a memory of %llu MiB: --memory %zuM",
			n.len >> 20, (unsigned long long)job->memory >> 20,
			ROOM_FOR(n.len) >> 20) < 0)
			*why = NULL;
	}
	ok = ok && ftruncate(m->initrd, 0) == 0 &&
	     write(m->initrd, n.buf, n.len) == (ssize_t)n.len;
	newc_free(&n);
	return ok;
}

static bool
machine_open(struct machine *m)
{
	m->initrd = memfd_create("initrd", 0);
	m->diag = memfd_create("diag", MFD_CLOEXEC);
	return m->initrd >= 0 && m->diag >= 0 &&
	       line_open(&m->com1, &m->child1) &&
	       line_open(&m->com2, &m->child2);
}

/* Where the trace goes; Bochs has it on its standard output. */
static bool
trace_open(struct machine *m, const struct guest_job *job, char **why)
{
	if (job->trace_file == NULL)
		return true;
	m->sink = sink_open(job->trace_file, job->cpus, job->memory);
	if (m->sink == NULL) {
		if (asprintf(why, "--trace %s: %s", job->trace_file,
			strerror(errno)) < 0)
			*why = NULL;
		return false;
	}
	return job->emulator == GUEST_QEMU ||
	       line_open(&m->port, &m->child_port);
}

static bool
log_open(struct machine *m, const struct guest_job *job, char **why)
{
	if (job->log_file == NULL)
		return true;
	m->log = fopen(job->log_file, "we");
	if (m->log == NULL && asprintf(why, "--log %s: %s", job->log_file,
				  strerror(errno)) < 0)
		*why = NULL;
	return m->log != NULL;
}

/* A large pipe: the emulators write it byte by byte. */
static bool
line_open(int *ours, int *child)
{
	int p[2];

	if (pipe(p) < 0)
		return false;
	fcntl(p[1], F_SETPIPE_SZ, 1 << 20);
	fcntl(p[0], F_SETFD, FD_CLOEXEC);
	*ours = p[0];
	*child = p[1];
	return true;
}

static bool
machine_start(struct machine *m, const char *monitor)
{
	pid_t parent = getpid();

	m->pid = fork();
	if (m->pid < 0)
		return false;
	if (m->pid == 0)
		child_exec(m, monitor, parent);
	if (monitor == NULL) /* else it makes a session of its own */
		setpgid(m->pid, m->pid);
	close(m->child1);
	close(m->child2);
	if (m->child_port >= 0)
		close(m->child_port);
	m->child1 = m->child2 = m->child_port = -1;
	return true;
}

/* In the child: become the emulator. */
static void
child_exec(const struct machine *m, const char *monitor, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	if (monitor == NULL)
		setpgid(0, 0);
	else
		setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(null, 0);
	dup2(m->child_port >= 0 ? m->child_port : m->diag, 1);
	dup2(m->diag, 2);
	if (monitor != NULL && !child_terminal(monitor)) {
		dprintf(2, "%s: %s\n", monitor, strerror(errno));
		_exit(127);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(m->argv[0], m->argv);
	dprintf(2, "%s: %s (tools/setup installs it)\n", m->argv[0],
	    strerror(errno));
	_exit(127);
}

/* The emulator's own debugger speaks there, and Ctrl-C there is its signal. */
static bool
child_terminal(const char *monitor)
{
	int fd = open(monitor, O_RDWR);

	return fd >= 0 && ioctl(fd, TIOCSCTTY, 0) == 0 && dup2(fd, 0) == 0 &&
	       dup2(fd, 1) == 1 && dup2(fd, 2) == 2;
}

/* gdb on our terminal, or the words to start it by hand. */
static void
debugger_start(struct machine *m, const struct guest_job *job)
{
	char target[128], *helpers = guest_tool("gdb/vadose.py");
	int alive[2];
	pid_t pid;

	snprintf(target, sizeof target, "target remote %s/gdb", m->dir);
	if (!isatty(0)) {
		fprintf(stderr, "gdb -x %s -ex '%s' %s\n", helpers, target,
		    job->kernel);
		free(helpers);
		return;
	}
	if (pipe(alive) < 0 || (pid = fork()) < 0)
		return;
	if (pid == 0) {
		sigset_t none;

		close(alive[0]);
		signal(SIGINT, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		while (access(strchr(target, '/'), F_OK) != 0)
			usleep(10000);
		execlp("gdb", "gdb", "-q", "-nx", "-x", helpers, "-ex", target,
		    job->kernel, NULL);
		perror("gdb");
		_exit(127);
	}
	free(helpers);
	close(alive[1]);
	m->watch = alive[0];
}

static void
machine_close(struct machine *m)
{
	int fd[] = { m->com1, m->com2, m->keys, m->child1, m->child2, m->initrd,
		m->diag, m->watch, m->port, m->child_port };
	size_t i;

	for (i = 0; i < sizeof fd / sizeof fd[0]; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	for (i = 0; i < m->nargs; i++)
		free(m->argv[i]);
	free(m->argv);
	if (m->log != NULL)
		fclose(m->log);
	disks_close(m);
	if (m->dir[0] != '\0')
		remove_dir(m->dir);
}

/* What the run was, from the strongest evidence down. */
static void
verdict(struct pump *p, const struct guest_job *job, struct guest_result *res,
    int wstatus)
{
	const char *panic = pump_panic(p), *refused = pump_refused(p);

	if (p->ended == PUMP_SIGNAL) {
		res->signal = p->signal;
		res->status = 128 + p->signal;
	} else if (p->ended == PUMP_OUTPUT) {
		res->status = GUEST_CANNOT;
		if (asprintf(&res->why, "the command's output cannot be written: %s",
			strerror(p->error)) < 0)
			res->why = NULL;
	} else if (panic != NULL) {
		res->status = GUEST_PANIC;
		res->why = strdup(panic);
	} else if (refused != NULL) {
		res->status = GUEST_CANNOT;
		res->why = strdup(refused);
	} else if (p->ended == PUMP_TIMEOUT) {
		res->status = GUEST_TIMEOUT;
		if (asprintf(&res->why, "no end after %g s", job->timeout) < 0)
			res->why = NULL;
	} else if (p->ended == PUMP_QUIT) {
		res->status = 0;
	} else if (p->records.ended) {
		verdict_exit(p, res);
	} else {
		verdict_none(p, job, res, wstatus);
	}
}

static void
verdict_exit(const struct pump *p, struct guest_result *res)
{
	unsigned value = p->records.exitb[1];

	switch ((enum exit_kind)p->records.exitb[0]) {
	case EXIT_EXITED:
	case EXIT_NOEXEC:
		res->status = value;
		return;
	case EXIT_SIGNALLED:
		res->status = 128 + value;
		return;
	case EXIT_CHECK:
		break;
	}
	res->status = GUEST_PANIC;
	if (asprintf(&res->why, "vm_check failed after the command:\n%s",
		p->log != NULL ? p->log : "") < 0)
		res->why = NULL;
}

/* A signal, or QEMU's own end by an error, is no word of the guest's; NULL: neither. */
static char *
ended_by_host(const struct guest_job *job, int wstatus)
{
	char *why = NULL;
	int n = 0;

	if (WIFSIGNALED(wstatus))
		n = asprintf(&why, "the emulator was ended by signal %d (%s): the "
		    "host has no memory left for it, or somebody killed it",
		    WTERMSIG(wstatus), strsignal(WTERMSIG(wstatus)));
	else if (job->emulator == GUEST_QEMU && WIFEXITED(wstatus) &&
		 WEXITSTATUS(wstatus) == 1)
		n = asprintf(&why, "the emulator did not start, or gave up");
	if (n < 0)
		abort();
	return why;
}

/* The machine ended, and nobody told how the command did. */
static void
verdict_none(struct pump *p, const struct guest_job *job,
    struct guest_result *res, int wstatus)
{
	/* kernel/dev/power.c: 2 * 0x10 + 1 by isa-debug-exit; Bochs: always 1. */
	static const int clean[] = { [GUEST_QEMU] = 33, [GUEST_BOCHS] = 1 };
	bool killed = job->emulator == GUEST_QEMU && WIFEXITED(wstatus) &&
	    WEXITSTATUS(wstatus) == 35;
	char *diag = machine_diag(p->machine);
	char *host = ended_by_host(job, wstatus);

	if (host != NULL) {
		res->status = GUEST_CANNOT;
		if (asprintf(&res->why, "%s%s%s", host,
			diag[0] != '\0' ? "; the emulator says: " : "", diag) < 0)
			res->why = NULL;
	} else if (job->argv == NULL && p->log_total > 0 && WIFEXITED(wstatus) &&
	    WEXITSTATUS(wstatus) == clean[job->emulator]) {
		res->status = 0;
	} else if (p->log_total == 0 && WIFEXITED(wstatus) &&
		   WEXITSTATUS(wstatus) != 0) {
		res->status = GUEST_CANNOT;
		if (asprintf(
			&res->why, "the emulator did not start: %s", diag) < 0)
			res->why = NULL;
	} else {
		res->status = GUEST_PANIC;
		if (asprintf(&res->why,
			"%s%s%s\n"
			"last words of the kernel:\n%s",
			killed ? "the first program was killed" :
			"the machine stopped without an exit "
			"status (triple fault, or a reset)",
			diag[0] != '\0' ? "; the emulator says: " : "", diag,
			pump_tail(p)) < 0)
			res->why = NULL;
	}
	free(diag);
	free(host);
}

/* What the emulator printed itself, at most 4 KB of its end. */
char *
machine_diag(const struct machine *m)
{
	static const char mark[] = "exiting with the following message:\n";
	char *buf = calloc(1, 4097), *s;
	off_t size = lseek(m->diag, 0, SEEK_END);
	ssize_t n;

	if (buf == NULL)
		abort();
	n = pread(m->diag, buf, 4096, size > 4096 ? size - 4096 : 0);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		buf[--n] = '\0';
	/* Bochs says much, but one line of it is the reason. */
	s = strstr(buf, mark);
	if (s != NULL) {
		s += sizeof mark - 1;
		s[strcspn(s, "\n")] = '\0';
		memmove(buf, s, strlen(s) + 1);
	}
	return buf;
}

/* A private folder: flat, so two levels of tools are not needed. */
static void
remove_dir(const char *dir)
{
	struct dirent **list;
	char path[512];
	int i, n = scandir(dir, &list, NULL, NULL);

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
		unlink(path);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	rmdir(dir);
}
