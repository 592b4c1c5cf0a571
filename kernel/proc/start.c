/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.c: process 1
 *
 * Problem   All processes come from fork but the first, which has no parent
 *           and whose program is named by the boot loader.
 *
 * Picture   kernel words ─→ argv (behind "--"), envp (NAME=value in capitals)
 *           proc + task ─→ /dev/console as 0, 1, 2 ─→ exec_prepare_kernel ─→
 *           thread ─→ first instruction of path
 *
 * Rules     Whatever fails here stops the machine: there is nobody to tell.
 *
 * Read next proc/exec.c.  Book: ch03.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "boot/boot.h"
#include "channel/channel.h"
#include "fs/fsflags.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/evidence/stat.h"

#define WORDS 32

static struct {
	char words[BOOT_CMDLINE];          /* the command line, cut in words */
	const char *argv[WORDS + 2];
	const char *envp[WORDS + 4];
} start = {
	.envp = { "HOME=/", "TERM=linux",
	    "PATH=/bin:/sbin:/usr/bin:/usr/sbin" },
};

static void words_split(const char *path);
static void open_console(struct fdtab *);
static void find_once(const char *path);
static void first_limits(struct proc *);
static struct fsctx *first_context(void);

static void
must(int r, const char *what, const char *path)
{
	if (r < 0)
		panic("init: %s %s: error %d.  Give a program with init=PATH.",
		    what, path, -r);
}

/*
 * Make process 1 and let it run path.
 *
 * Locks:    none.
 * Context:  the boot thread, may sleep.
 */
void
proc_start_init(const char *path)
{
	struct proc *p = proc_alloc();
	struct task *tk = p != NULL ? task_alloc(p) : NULL;
	struct fsctx *ctx = first_context();
	struct fdtab *fdtab = fdtab_create();
	struct exec_new *x;
	struct thread *t;

	if (tk == NULL || fdtab == NULL)
		panic("init: no memory for process 1");
	words_split(path);
	open_console(fdtab);
	t = thread_create_user("init", NULL);
	p->sighand = sighand_create(SIGACTS_OWN);
	if (t == NULL || p->sighand == NULL)
		panic("init: no memory for the first thread");
	first_limits(p);
	/* The structures of process 1 itself still exist at its end. */
	if (graded_boot()) {
		find_once(path);
		vm_leak_begin();
	}
	must(exec_prepare_kernel(path, start.argv, start.envp, &x),
	    "cannot execute", path);
	t->space = exec_space(x);
	p->exit_signal = SIGCHLD;

	thread_current()->fsctx = NULL;
	t->fsctx = ctx;
	tk->fdtab = fdtab;
	spin_lock(&proc_lock);
	p->pid = p->pgid = p->sid = tk->tid = pid_alloc_locked(&p->cred);
	ASSERT(p->pid == 1);
	task_bind(tk, t);
	t->id = 1;
	task_hash_locked(tk);
	list_push_back(&p->threads, &tk->node);
	p->nthreads = 1;
	p->state = PROC_LIVE;
	proc_hash_locked(p);
	group_enter_locked(p, p->pgid);
	spin_unlock(&proc_lock);
	exec_first(x, p, tk, md_user_frame(&t->md));
	thread_start(t);
}

/* Names are looked up in the context of the boot thread meanwhile. */
static struct fsctx *
first_context(void)
{
	struct fsctx *ctx = fsctx_create();

	if (ctx == NULL)
		panic("init: no memory for its directory");
	thread_current()->fsctx = ctx;
	return ctx;
}

/* A judged program talks by records, everybody else by the console. */
static void
open_console(struct fdtab *t)
{
	static const char *const judged[] = { "/dev/null", "/dev/guest1",
		"/dev/guest2" };
	const char *path = "/dev/console";
	struct file *f;

	for (int fd = 0; fd < 3; fd++) {
		if (graded_boot())
			path = judged[fd];
		must(file_open_path(path, O_RDWR, 0, &f), "cannot open", path);
		must(fdtab_install(t, f, fd, FD_STAYS), "cannot install", path);
	}
}

/* A file system on a disk keeps the inodes that it has read: that is no leak. */
static void
find_once(const char *path)
{
	struct file *f;

	if (file_open_path(path, O_RDONLY, 0, &f) == 0)
		file_put(f);
}

/* Soft and hard; others are unlimited. */
static const struct {
	enum rlimit_id id;
	struct rlimit lim;
} limits[] = {
	{ RLIMIT_STACK, { 8ul << 20, RLIM_INFINITY } },
	{ RLIMIT_CORE, { 0, RLIM_INFINITY } },
	{ RLIMIT_NOFILE, { 1024, 4096 } },
	{ RLIMIT_MEMLOCK, { 8ul << 20, 8ul << 20 } },
	{ RLIMIT_SIGPENDING, { 1024, 1024 } },
	{ RLIMIT_MSGQUEUE, { 819200, 819200 } },
	{ RLIMIT_NICE, { 0, 0 } },
	{ RLIMIT_RTPRIO, { 0, 0 } },
};

static void
first_limits(struct proc *p)
{
	struct limits *l = limits_create();
	struct phys_stat st;
	uint64_t n;

	if (l == NULL)
		panic("init: no memory for limits");
	for (unsigned i = 0; i < ARRAY_LEN(limits); i++)
		l->of[limits[i].id] = limits[i].lim;
	/* As many threads as an eighth of memory has stacks for. */
	phys_stat(&st);
	n = MAX(st.total * PAGE_SIZE / (8 * MD_KSTACK_SIZE), 32);
	l->of[RLIMIT_NPROC] = (struct rlimit){ n, n };
	p->limits = l;
}

/* ---- kernel words ---- */

/* NAME=value, NAME in capitals: for the environment, not for the kernel. */
static bool
is_env(const char *word)
{
	const char *c = word;

	while ((*c >= 'A' && *c <= 'Z') || *c == '_')
		c++;
	return c != word && *c == '=';
}

/* A later definition replaces an earlier one of the same name. */
static void
env_add(const char *word)
{
	size_t name = (size_t)(strchr(word, '=') - word) + 1;
	unsigned i;

	for (i = 0; start.envp[i] != NULL; i++)
		if (strncmp(start.envp[i], word, name) == 0)
			break;
	if (i < ARRAY_LEN(start.envp) - 1)
		start.envp[i] = word;
}

static void
words_split(const char *path)
{
	char *at = start.words, *word;
	unsigned argc = 0;
	bool args = false;

	start.argv[argc++] = path;
	str_copy(start.words, boot_info()->cmdline, sizeof(start.words));
	while (*at != '\0') {
		while (*at == ' ')
			*at++ = '\0';
		word = at;
		while (*at != '\0' && *at != ' ')
			at++;
		if (*at == ' ')
			*at++ = '\0';
		if (args && *word != '\0' && argc <= WORDS)
			start.argv[argc++] = word;
		else if (strcmp(word, "--") == 0)
			args = true;
		else if (is_env(word))
			env_add(word);
	}
}
