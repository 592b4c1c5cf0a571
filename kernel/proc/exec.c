/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exec.c: a new program in an old process
 *
 * Problem   Replace memory, handlers and registers, keep number, files and
 *           parents; and fail cleanly up to the last moment.
 *
 * Picture   path ─→ #! (≤ 5 levels) ─→ elf_open ─→ new space: stack, strings,
 *           segments, interpreter          │ any failure: the old one runs on
 *           ────────────── point of no return ──────────────
 *           other threads end ─→ leave old memory ─→ new space ─→ handlers,
 *           descriptors, identity ─→ first instruction
 *
 * Rules     1. The new space is complete before the old one is touched; the
 *              last thing that can fail is the end of the other threads.
 *           2. An executable cannot be written from its open here to the end of
 *              the last process that runs it.
 *           3. The design of the new space is the process's next_design.
 *           4. A set-id program must not share its working directory (CLONE_FS):
 *              the other process could change the meaning of a name between two
 *              look-ups.  As on Linux it gets no rights then.
 *
 * Read next proc/elf.c, proc/execargs.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/elfdef.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/tracee.h"

#include "fs/fscall.h"
#include "fs/fsflags.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define SCRIPT_LEVELS 6           /* the interpreter of the last may not be run */
#define SCRIPT_LINE 256
#define ARG_MAX_BYTES (6ul << 20)
#define ARG_SOME_BYTES (128ul << 10) /* however small the stack's quarter */
#define ARG_NO_BYTES (2 * PAGE_SIZE) /* of the stack: auxv, and the first frames */
#define STACK_SECURE (8ul << 20) /* the most that a set-id program may have */
#define BRK_RANDOM_PAGES 0x2000

/* All of a program that is about to start. */
struct exec_new {
	char *path;              /* PATH_MAX; AT_EXECFN: as asked for, behind /dev/fd/N */
	struct path_at at;       /* the same, to be opened; dirf is referenced */
	bool at_closes;          /* exec closes the descriptor of dirf */
	uint8_t *buf;            /* a page, for the strings; at last FPU registers */
	char line[SCRIPT_LEVELS][SCRIPT_LINE + 1]; /* of #!, of each script */
	const char *prefix[2 * SCRIPT_LEVELS + 1]; /* what replaces argv[0]; last first */
	unsigned nprefix;
	struct file *file;       /* write denied */
	struct elf_image prog, interp;
	struct aspace *as;       /* attached as a user */
	struct proc_image image;
	struct map_limits lim;
	uint64_t rss;            /* bytes: RLIMIT_RSS */
	struct cred cred;        /* as it will be */
	bool secure;             /* AT_SECURE: has another's rights, or would have */
	bool dropped;            /* its set-id bits count for nothing: it is traced */
	bool hidden;             /* the caller may run it and not read it */
	va_t entry, sp;
	struct fdtab *files;     /* a copy of a table that others share */
	struct fsctx *place;     /* secure: a copy of where it stands: rule 4 */
	struct sighand *own;     /* handlers that nobody shares */
	char comm[16];
};

static struct exec_new *exec_alloc(void);
static int exec_name(struct exec_new *, int fd, va_t path, unsigned flags);
static int exec_prepare(struct exec_new *, struct arg_src *,
    const struct design *);
static uint64_t arg_limit(uint64_t stack);
static int exec_open(struct exec_new *);
static int script_line(struct exec_new *, char *line, const char **self);
static int exec_space_make(struct exec_new *, struct arg_src *,
    const struct design *);
static int exec_interp(struct exec_new *, va_t stack_lo);
static void exec_cred(struct exec_new *);
static int exec_unshare(struct exec_new *, struct task *);
static void exec_free(struct exec_new *);
static int others_end(struct task *);
static void exec_commit(struct exec_new *, struct task *);

/*
 * execveat(2), and execve(2) with AT_FDCWD.
 *
 * Locks:    none.
 * Context:  user thread, may sleep.
 * Returns:  0: the frame of the thread is the new program's; -errno as
 *           (book: abi 2), and the old program is untouched.
 */
int
proc_exec(int fd, va_t path, va_t argv, va_t envp, unsigned flags)
{
	struct task *tk = task_current();
	struct proc *p = tk->proc;
	struct arg_src src = { .as = p->as, .argv = argv, .envp = envp };
	struct exec_new *x = exec_alloc();
	int r, tid = tk->tid;

	if (x == NULL)
		return -ENOMEM;
	r = exec_name(x, fd, path, flags);
	if (r == 0)
		r = exec_prepare(x, &src, p->next_design);
	if (r == 0)
		r = exec_unshare(x, tk);
	if (r == 0)
		r = others_end(tk);
	if (r == 0)
		exec_commit(x, tk);
	exec_free(x);
	if (r == 0 && UNLIKELY(tk->traced != NULL))
		trace_exec(tid);
	return r;
}

/*
 * The same up to the point of no return, for process 1, with strings of the
 * kernel.
 *
 * Owns:     *out until exec_first() or forever: the machine stops otherwise.
 * Returns:  0, -errno.
 */
int
exec_prepare_kernel(const char *path, const char *const *argv,
    const char *const *envp, struct exec_new **out)
{
	struct arg_src src = { .kargv = argv, .kenvp = envp };
	struct exec_new *x = exec_alloc();

	if (x == NULL)
		return -ENOMEM;
	*out = x;
	str_copy(x->path, path, PATH_MAX);
	x->at.path = x->path;
	return exec_prepare(x, &src, NULL);
}

/* Which file, as the caller names it.  0, -EFAULT, -ENAMETOOLONG, -ENOENT. */
static int
exec_name(struct exec_new *x, int fd, va_t path, unsigned flags)
{
	char before[24];
	ssize_t n = copyin_str(x->path, path, PATH_MAX);
	size_t len;

	if (n < 0)
		return (int)n;
	if (n == 0 && (flags & AT_EMPTY_PATH) == 0)
		return -ENOENT;
	x->at = (struct path_at){ .path = x->path, .flags = flags };
	if (fd == AT_FDCWD || x->path[0] == '/')
		return 0;
	x->at.dirf = fdtab_file(proc_current_fdtab(), fd);
	x->at.error = x->at.dirf == NULL ? -EBADF : 0;
	x->at_closes = fdtab_cloexec(proc_current_fdtab(), fd) > 0;
	len = (size_t)snprintf(before, sizeof(before), "/dev/fd/%d%s", fd,
	    n > 0 ? "/" : "");
	if (len + (size_t)n >= PATH_MAX)
		return -ENAMETOOLONG;
	memmove(x->path + len, x->path, (size_t)n + 1);
	memcpy(x->path, before, len);
	x->at.path = x->path + len;
	return 0;
}

/* Frame by frame: adjacent ones are rare when memory is full. */
static struct exec_new *
exec_alloc(void)
{
	struct exec_new *x = kmem_zalloc(sizeof(*x));

	if (x == NULL)
		return NULL;
	x->path = kmem_zalloc(PATH_MAX);
	x->buf = kmem_alloc(PAGE_SIZE);
	if (x->path != NULL && x->buf != NULL)
		return x;
	exec_free(x);
	return NULL;
}

/* Where its first thread runs. */
struct md_space *
exec_space(struct exec_new *x)
{
	return as_space(x->as);
}

/* ---- before the point of no return ---- */

/* The checks and the new space, while the old program could still go on: an error is its
 * own. */
static int
exec_prepare(struct exec_new *x, struct arg_src *src,
    const struct design *design)
{
	struct task *tk = thread_current()->proc;
	const char *base;
	int r;

	r = tk != NULL ? limits_check_exec(tk->proc) : 0;
	if (r < 0)
		return r;
	x->rss = proc_limit(RLIMIT_RSS);
	proc_map_limits(&x->lim);
	x->cred = *fs_cred();
	src->buf = x->buf;
	r = args_check(src, arg_limit(x->lim.stack));
	if (r < 0)
		return r;
	base = strrchr(x->path, '/');
	str_copy(x->comm, base != NULL ? base + 1 : x->path, sizeof(x->comm));
	r = exec_open(x);
	if (r < 0)
		return r;
	x->hidden = !file_may_read(x->file);
	exec_cred(x);
	x->prog.random = option_u64("norandom") == 0 &&
	    (tk == NULL || !tk->no_random || x->secure);
	src->path = x->path;
	src->prefix = x->prefix;
	src->nprefix = x->nprefix;
	return exec_space_make(x, src, design);
}

/* So many bytes may strings and pointers have. */
static uint64_t
arg_limit(uint64_t stack)
{
	uint64_t some = MIN(ARG_SOME_BYTES, stack - MIN(stack, ARG_NO_BYTES));

	return MIN(ARG_MAX_BYTES, MAX(stack / 4, some));
}

/* Open for execution; the file stays denied for writing. */
static int
open_denied(const struct path_at *at, struct file **out)
{
	struct file *f;
	int r = file_open_exec(at, &f);

	if (r < 0)
		return r;
	r = file_deny_write(f);
	if (r < 0)
		file_put(f);
	else
		*out = f;
	return r;
}

static void
close_denied(struct file **f)
{
	if (*f == NULL)
		return;
	file_allow_write(*f);
	file_put(*f);
	*f = NULL;
}

/* Follow #! lines to a program; x->file and x->prog are it. */
static int
exec_open(struct exec_new *x)
{
	const char *self = x->path;
	struct path_at at = x->at;
	char *line;
	ssize_t n;
	int r = 0;

	for (unsigned level = 0; r == 0; level++) {
		r = open_denied(&at, &x->file);
		if (r == 0 && level == SCRIPT_LEVELS)
			r = -ELOOP;
		if (r < 0)
			break;
		line = x->line[level];
		n = file_pread_kernel(x->file, 0, line, SCRIPT_LINE);
		if (n < 2 || line[0] != '#' || line[1] != '!') {
			r = n < 0 ? (int)n : elf_open(x->file, &x->prog);
			break;
		}
		line[n] = '\0';
		r = script_line(x, line, &self);
		if (r == 0 && level == 0 && x->at_closes)
			r = -ENOENT;     /* the interpreter could not open it */
		at = (struct path_at){ .path = self };
		close_denied(&x->file);
	}
	return r;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * "interp [one argument]" becomes two strings; full: where the line ends if it is
 * longer than what was read.  It is cut then, but not within interp, which would be
 * some other program's name; and the last byte is where Linux has its NUL.
 *
 * Returns:  0, -ENOEXEC; -EACCES: no name, nor an end of the line, for which Linux opens
 *           the current folder.
 */
static int
script_words(char *line, const char *full, char **name, char **arg)
{
	char *end = strchr(line, '\n');
	bool ends = end != NULL;

	if (!ends)
		end = line + strlen(line);
	while (is_blank(*line))
		line++;
	*name = line;
	while (line < end && !is_blank(*line))
		line++;
	if (line == *name || line == full)
		return ends || line == full ? -ENOEXEC : -EACCES;
	*arg = line;
	if (end == full)
		end--;
	while (end > line && is_blank(end[-1]))
		end--;
	*end = '\0';
	while (is_blank(**arg))
		*(*arg)++ = '\0';
	return 0;
}

/*
 * "#!interp [one argument]": interp, the argument, and the script's own path, *self,
 * replace argv[0], which at the next level is interp: *self.
 */
static int
script_line(struct exec_new *x, char *line, const char **self)
{
	char *name, *arg;
	int r = script_words(line + 2, line + SCRIPT_LINE, &name, &arg);

	if (r < 0)
		return r;
	if (x->nprefix > 0)
		x->nprefix--;
	x->prefix[x->nprefix++] = *self;
	if (*arg != '\0')
		x->prefix[x->nprefix++] = arg;
	x->prefix[x->nprefix++] = *self = name;
	return 0;
}

/* Are its effective ids those of the user who started it? */
static bool
acts_as_itself(const struct cred *c)
{
	return c->euid == c->uid && c->egid == c->gid;
}

static bool
gains_nothing(const struct cred *old, const struct cred *new)
{
	return (new->caps.permitted & ~old->caps.permitted) == 0;
}

/* Does it act as who ran before? */
static bool
acts_as_before(const struct cred *old, const struct cred *new)
{
	return old->euid == new->euid && old->egid == new->egid &&
	    old->fsuid == new->fsuid && old->fsgid == new->fsgid &&
	    gains_nothing(old, new);
}

/* What the users make of the capabilities of who ran before: root has what is not
 * bounded.  gains: they may become more. */
static void
caps_exec(struct cred *c, bool is_set_id, bool gains)
{
	struct caps *s = &c->caps;
	uint64_t most = gains ? CAP_ALL : s->permitted;

	s->ambient = is_set_id ? 0 : s->ambient;
	s->permitted = s->ambient;
	if (c->uid == 0 || c->euid == 0)
		s->permitted |= (s->bounding | s->inheritable) & most;
	s->effective = c->euid == 0 ? s->permitted : s->ambient;
}

/* Set-id bits of the file; not for scripts, nor on a nosuid mount. */
static void
exec_cred(struct exec_new *x)
{
	struct task *tk = thread_current()->proc;
	struct file_rights f = file_rights(x->file);
	struct cred *c = &x->cred, old = x->cred;
	bool kept = tk != NULL && tk->no_new_privs;

	if (tk != NULL && UNLIKELY(tk->traced != NULL)) {
		spin_lock(&proc_lock);
		x->dropped = trace_drops_rights_locked(tk);
		spin_unlock(&proc_lock);
	}
	if (!kept && !file_is_nosuid(x->file)) {
		if ((f.mode & S_ISUID) != 0)
			c->euid = f.uid;
		if ((f.mode & S_ISGID) != 0 && (f.mode & 0010) != 0)
			c->egid = f.gid;
	}
	/* As on Linux, one that is refused them is no less careful. */
	x->secure = !acts_as_itself(c);
	if (x->dropped && !cred_may(&old, CAP_SETUID) && (c->euid != old.euid || c->egid != old.egid)) {
		c->euid = c->uid;
		c->egid = c->gid;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	caps_exec(c, x->secure, !kept && !x->dropped);
}

/* The new space: stack and strings, program, interpreter, break. */
static int
exec_space_make(struct exec_new *x, struct arg_src *src,
    const struct design *design)
{
	struct auxv_in aux = { .prog = &x->prog, .cred = &x->cred,
		.secure = x->secure };
	va_t top = MD_USER_END, stack_lo, brk;
	uint64_t stack = x->secure ? MIN(x->lim.stack, STACK_SECURE) : x->lim.stack;
	int r = as_create(design, &x->as);

	if (r < 0)
		return r;
	as_attach_user(x->as);
	as_set_rss(x->as, x->rss);
	if (x->prog.random) {
		as_slide_maps(x->as);
		top -= (md_entropy() % STACK_TOP_RANDOM) << PAGE_SHIFT;
	}
	map_set_limit(x->as, LIMIT_DATA,
	    x->lim.data != 0 ? x->lim.data : UINT64_MAX);
	map_set_limit(x->as, LIMIT_SIZE, x->lim.as);
	r = map_stack(x->as, top, stack, PROT_R | PROT_W |
	    (x->prog.exec_stack ? PROT_X : 0));
	if (r < 0)
		return r;
	stack_lo = top - map_stack_room(stack);
	x->prog.privileged = cred_may(&x->cred, CAP_SYS_RAWIO);
	r = elf_map(&x->prog, x->as, &x->lim, stack_lo);
	if (r < 0)
		return r;
	x->entry = x->prog.base + x->prog.entry;
	brk = PAGE_UP(x->prog.base + x->prog.hi);
	if (x->prog.random)
		brk += (md_entropy() % BRK_RANDOM_PAGES) << PAGE_SHIFT;
	map_set_brk(x->as, brk);
	if (x->prog.interp != NULL) {
		r = exec_interp(x, stack_lo);
		if (r < 0)
			return r;
		aux.interp_base = x->interp.base;
	}
	x->image = x->prog.where;
	r = args_push(x->as, top, arg_limit(x->lim.stack), src, &aux, &x->image,
	    &x->sp);
	/* The memory that its first instructions need must be there now. */
	return r < 0 ? r : map_prepay_start(x->as);
}

/* PT_INTERP: that program is loaded too and started instead. */
static int
exec_interp(struct exec_new *x, va_t stack_lo)
{
	struct file *f = NULL;
	const char *path = x->prog.interp;
	const struct path_at at = { .path = path[0] != '\0' ? path : "." };
	int r = open_denied(&at, &f);

	if (r < 0)
		return r;
	x->hidden |= !file_may_read(f);
	/* Only of the program may the header be cut. */
	r = file_size(f) < sizeof(struct elf_ehdr) ? -EIO :
	    elf_open(f, &x->interp);
	x->interp.is_interp = true;
	x->interp.privileged = x->prog.privileged;
	if (r == -ENOEXEC || r == -EINVAL)
		r = -ELIBBAD;
	if (r == 0)
		r = elf_map(&x->interp, x->as, &x->lim, stack_lo);
	x->entry = x->interp.base + x->interp.entry;
	close_denied(&f);
	x->interp.file = NULL;
	return r;
}

/* A program that runs with another's rights has a soft limit of its stack that is not
 * the caller's choice.  0, -ENOMEM. */
static int
exec_limit_stack(struct proc *p)
{
	struct rlimit lim;
	int r = 0;

	spin_lock(&proc_lock);
	lim = p->limits->of[RLIMIT_STACK];
	if (lim.cur > STACK_SECURE) {
		lim.cur = STACK_SECURE;
		r = limits_set_locked(p, RLIMIT_STACK, &lim);
	}
	spin_unlock(&proc_lock);
	return r;
}

/* Copy the structures that the new program must not share with other processes: the last
 * step that may fail while the old program goes on. */
static int
exec_unshare(struct exec_new *x, struct task *tk)
{
	x->own = sighand_create(SIGACTS_OWN);
	if (x->own == NULL)
		return -ENOMEM;
	if (fdtab_is_shared(tk->fdtab) &&
	    (x->files = fdtab_copy(tk->fdtab)) == NULL)
		return -ENOMEM;
	if (x->secure &&
	    (x->place = fsctx_copy(tk->thread->fsctx)) == NULL)
		return -ENOMEM;
	return x->secure ? exec_limit_stack(tk->proc) : 0;
}

/* Give back all that does not belong to the process yet. */
static void
exec_free(struct exec_new *x)
{
	elf_close(&x->prog);
	elf_close(&x->interp);
	close_denied(&x->file);
	if (x->files != NULL)
		fdtab_put(x->files);
	if (x->place != NULL)
		fsctx_put(x->place);
	if (x->own != NULL)
		sighand_discard(x->own);
	if (x->as != NULL) {
		as_detach_user(x->as);
		as_put(x->as);
	}
	if (x->at.dirf != NULL)
		file_put(x->at.dirf);
	kmem_free(x->path);
	kmem_free(x->buf);
	kmem_free(x);
}

/* ---- the point of no return ---- */

static bool
is_alone(struct proc *p)
{
	return UNDER(&proc_lock, p->nthreads == 1);
}

/*
 * End all other threads and take the leader's number.
 *
 * Returns:  0, -EINTR: we are to end ourselves.
 */
static int
others_end(struct task *tk)
{
	struct proc *p = tk->proc;
	int r = 0;

	spin_lock(&proc_lock);
	if (p->group_exit || p->execing != NULL)
		r = -EINTR;
	else
		p->execing = tk;
	if (r == 0)
		kill_others_locked(p, tk);
	spin_unlock(&proc_lock);
	if (r < 0)
		return r;
	if (!is_alone(p))
		r = wait_until(&p->thread_wq, WAIT_KILLABLE, WAIT_FOREVER, is_alone(p));
	spin_lock(&proc_lock);
	p->execing = NULL;
	if (p->group_exit)
		r = -EINTR;
	if (r == 0 && tk->tid != p->pid) {
		list_remove(&tk->hash);
		tk->tid = p->pid;
		trace_renamed_locked(tk);
		task_hash_locked(tk);
		tk->thread->id = (uint32_t)p->pid;
		ev_runs(tk->thread);
	}
	spin_unlock(&proc_lock);
	return r;
}

/* Caught signals are caught no longer; ignored ones stay ignored.  Process 1 has
 * none of either. */
static void
reset_handlers_locked(struct proc *p, struct sighand *own)
{
	HELD(&proc_lock);
	sighand_clear_locked(own, p->sighand);
	sighand_put_locked(p->sighand);
	p->sighand = own;
}

/* Take over what x made; the process's parts of an exec. */
static void
adopt(struct exec_new *x, struct proc *p, struct task *tk)
{
	struct aspace *old;
	bool as_before;

	spin_lock(&proc_lock);
	old = p->as;
	p->as = x->as;
	limits_to_space_locked(p);
	if (old != NULL)
		limits_left_locked(old);
	p->exe = x->file;
	p->image = x->image;
	as_before = acts_as_before(&p->cred, &x->cred);
	p->cred = x->cred;
	p->dumpable = as_before && acts_as_itself(&x->cred) && !x->hidden;
	p->execs++;
	p->barriers = false;
	tk->keep_caps = false;
	if (x->secure || !as_before)
		p->pdeath_sig = 0;
	if (x->secure)
		tk->no_random = false;
	p->exit_signal = SIGCHLD;
	if (x->secure && !x->dropped && trace_drops_rights_locked(tk))
		tracee_let_go_locked(tk->traced, 0);
	if (x->own != NULL)
		reset_handlers_locked(p, x->own);
	sigpend_flush_timers_locked(&p->pending);
	sigpend_flush_timers_locked(&tk->pending);
	memcpy(p->comm, x->comm, sizeof(p->comm));
	memcpy(tk->thread->name, x->comm, sizeof(tk->thread->name));
	sig_recalc_locked(tk);
	spin_unlock(&proc_lock);
	x->as = NULL;
	x->file = NULL;
	x->own = NULL;
}

/* The copies are the thread's; what it had is put by exec_free(). */
static void
exec_move(struct exec_new *x, struct task *tk)
{
	struct fdtab *files = tk->fdtab;
	struct fsctx *place = tk->thread->fsctx;
	bool shared = fdtab_is_shared(files);

	spin_lock(&proc_lock);
	if (shared) {
		tk->fdtab = x->files;
		x->files = files;
	}
	if (x->place != NULL) {
		tk->thread->fsctx = x->place;
		x->place = place;
	}
	spin_unlock(&proc_lock);
}

/* Start the new program in the current thread.  Cannot fail. */
static void
exec_commit(struct exec_new *x, struct task *tk)
{
	struct proc *p = tk->proc;
	struct thread *t = tk->thread;
	struct aspace *old = p->as;
	struct file *old_exe = p->exe;

	proc_keep_peak(p);
	ptimers_end(p);
	trace_debug_ends(t);
	task_leave_memory(tk);
	thread_set_space(as_space(x->as));
	as_bind_thread(t, x->as);
	adopt(x, p, tk);
	vfork_release(tk);
	as_detach_user(old);
	as_put(old);
	close_denied(&old_exe);

	exec_move(x, tk);
	fdtab_close_exec(tk->fdtab);
	tk->altstack = (struct abi_stack){ .flags = SS_DISABLE };
	tk->restart_fn = NULL;
	md_frame_init(md_user_frame(&t->md), x->entry, x->sp);
	md_fpu_init(x->buf);
	CHECK(md_fpu_load(&t->md, x->buf));
	md_set_tls(&t->md, 0, 0);
}

/*
 * The first program of process 1, whose thread has not started yet.
 *
 * Owns:     x is freed.
 */
void
exec_first(struct exec_new *x, struct proc *p, struct task *tk,
    struct trapframe *tf)
{
	as_bind_thread(tk->thread, x->as);
	md_frame_init(tf, x->entry, x->sp);
	adopt(x, p, tk);
	exec_free(x);
}
