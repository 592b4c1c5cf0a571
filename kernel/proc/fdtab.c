/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdtab.c: descriptors: small numbers for open files
 *
 * Problem   A process names its open files by the lowest free number; threads
 *           share the table, so numbers and files must change together.
 *
 * Picture   files:    0 ● 1 ● 2 ● 3 – 4 ● …      one reference each
 *           cloexec:  bit per number             closed at exec
 *
 * Rules     1. The spin lock guards both arrays; a file is put, and memory
 *              allocated, without it.
 *           2. The arrays grow by doubling and never shrink; a thread that waited
 *              for memory looks again.
 *           3. Each close of a number drops the POSIX locks that the process
 *              has on that file, as POSIX demands.
 *           4. Only tasks change a table.  If a table has one task and nobody looks
 *              at it from outside, the task finds a file without the lock: a look
 *              that begins now changes nothing, and only it could add a task.
 *
 * Read next fs/file.c.
 */
#include "proc/proc.h"
#include "fs/fscall.h"
#include "lib/string.h"
#include "mem/mem.h"

#define FD_FIRST 8u             /* numbers that every table has room for */
#define FD_MAX (1u << 20)       /* as fs.nr_open */

/* The two arrays, in one piece of memory. */
struct fdarrays {
	unsigned size;           /* [c] FD_FIRST, doubled as often as need be */
	uint64_t *cloexec;       /* bit per number */
	struct file *file[];     /* NULL: free */
};

struct fdtab {
	uint32_t refs;           /* [A] tasks that share it, and who looks */
	uint32_t tasks;          /* [A] tasks only */
	struct spinlock lock;    /* the rest */
	struct fdarrays *a;
	unsigned hint;           /* no number below it is free */
	unsigned end;            /* no number from it on has ever been in use */
};

static struct fdarrays *arrays_alloc(unsigned size);
static void arrays_free(struct fdarrays *a);
static void forget(struct fdtab *t, struct file *f);

/* An empty table with one reference.  NULL: no memory. */
struct fdtab *
fdtab_create(void)
{
	struct fdtab *t = kmem_zalloc(sizeof(*t));

	if (t == NULL)
		return NULL;
	t->refs = t->tasks = 1;
	spin_init(&t->lock, LR_LEAF);
	t->a = arrays_alloc(FD_FIRST);
	if (t->a == NULL) {
		kmem_free(t);
		return NULL;
	}
	return t;
}

/* Large tables need no adjacent frames. */
static size_t
arrays_bytes(unsigned size)
{
	return sizeof(struct fdarrays) + size * sizeof(struct file *) +
	    (size + 63) / 64 * sizeof(uint64_t);
}

static struct fdarrays *
arrays_alloc(unsigned size)
{
	struct fdarrays *a = room_alloc(arrays_bytes(size));

	if (a == NULL)
		return NULL;
	a->size = size;
	a->cloexec = (uint64_t *)&a->file[size];
	return a;
}

static void
arrays_free(struct fdarrays *a)
{
	room_free(a, arrays_bytes(a->size));
}

/* Copy the first n numbers into b, which is as large; the references move. */
static void
arrays_move(struct fdarrays *b, const struct fdarrays *a, unsigned n)
{
	memcpy(b->file, a->file, n * sizeof(a->file[0]));
	memcpy(b->cloexec, a->cloexec, (n + 7) / 8);
}

static bool
cloexec_get(const struct fdarrays *a, unsigned fd)
{
	return (a->cloexec[fd / 64] & BIT(fd % 64)) != 0;
}

static void
cloexec_set(struct fdarrays *a, unsigned fd, enum fd_at_exec at_exec)
{
	if (at_exec == FD_CLOSES)
		a->cloexec[fd / 64] |= BIT(fd % 64);
	else
		a->cloexec[fd / 64] &= ~BIT(fd % 64);
}

/*
 * Room for number fd.
 *
 * Locks:    takes the table's.
 * Returns:  0, -ENOMEM.
 */
static int
grow_to(struct fdtab *t, unsigned fd)
{
	struct fdarrays *b, *old = NULL;
	unsigned size = FD_FIRST;

	while (size <= fd)
		size *= 2;
	b = arrays_alloc(size);
	if (b == NULL)
		return -ENOMEM;
	spin_lock(&t->lock);
	if (t->a->size < size) {
		arrays_move(b, t->a, t->end);
		old = t->a;
		t->a = b;
	}
	spin_unlock(&t->lock);
	arrays_free(old != NULL ? old : b);
	return 0;
}

/* How many numbers there is room for; it only grows.  Locks: takes the table's. */
unsigned
fdtab_size(struct fdtab *t)
{
	return UNDER(&t->lock, t->a->size);
}

/*
 * The table of a forked child: the same files.
 *
 * Returns:  NULL: no memory.
 */
struct fdtab *
fdtab_copy(struct fdtab *from)
{
	struct fdtab *t = fdtab_create();
	unsigned fd, size;
	bool fits;

	if (t == NULL)
		return NULL;
	do {
		size = fdtab_size(from);
		if (t->a->size < size && grow_to(t, size - 1) != 0)
			goto undo_create;
		spin_lock(&from->lock);
		fits = from->a->size <= t->a->size;
		if (fits) {
			arrays_move(t->a, from->a, from->end);
			for (fd = 0; fd < from->end; fd++)
				if (t->a->file[fd] != NULL)
					file_get(t->a->file[fd]);
			t->hint = from->hint;
			t->end = from->end;
		}
		spin_unlock(&from->lock);
	} while (!fits);
	return t;

undo_create:
	fdtab_put(t);
	return NULL;
}

void
fdtab_get(struct fdtab *t)
{
	CHECK(atomic_add(&t->refs, 1) > 1);
	CHECK(atomic_add(&t->tasks, 1) > 1);
}

/* Do other tasks use it, of this process or another? */
bool
fdtab_is_shared(struct fdtab *t)
{
	return atomic_load(&t->tasks) > 1;
}

/* Keep a table of another task in being: fdtab_look_end(). */
struct fdtab *
fdtab_look(struct fdtab *t)
{
	CHECK(atomic_add(&t->refs, 1) > 1);
	return t;
}

/* The last one closes all files.  May sleep. */
void
fdtab_put(struct fdtab *t)
{
	atomic_sub(&t->tasks, 1);
	fdtab_look_end(t);
}

/* The counterpart of fdtab_look(). */
void
fdtab_look_end(struct fdtab *t)
{
	unsigned fd;

	if (atomic_sub(&t->refs, 1) != 0)
		return;
	for (fd = 0; fd < t->end; fd++)
		if (t->a->file[fd] != NULL)
			forget(t, t->a->file[fd]);
	arrays_free(t->a);
	kmem_free(t);
}

/* Rule 3, and the table's reference.  Locks: none. */
static void
forget(struct fdtab *t, struct file *f)
{
	file_unlock_owner(f, t);
	file_put(f);
}

/* Of the current process. */
struct fdtab *
fdtab_current(void)
{
	return proc_current_fdtab();
}

/* Take fd out, with its reference; NULL: it is free. */
static struct file *
take_out_locked(struct fdtab *t, unsigned fd)
{
	struct file *f;

	HELD(&t->lock);
	if (fd >= t->a->size)
		return NULL;
	f = t->a->file[fd];
	t->a->file[fd] = NULL;
	cloexec_set(t->a, fd, FD_STAYS);
	if (f != NULL)
		t->hint = MIN(t->hint, fd);
	return f;
}

/*
 * exec: close the marked descriptors.  The table is the process's own by then.
 *
 * Context:  may sleep.
 */
void
fdtab_close_exec(struct fdtab *t)
{
	struct file *f;
	unsigned fd;

	for (fd = 0; fd < t->end; fd++) {
		f = NULL;
		spin_lock(&t->lock);
		if (cloexec_get(t->a, fd))
			f = take_out_locked(t, fd);
		spin_unlock(&t->lock);
		if (f != NULL)
			forget(t, f);
	}
}

/* Number fd, which is free and below the size, becomes f. */
static void
put_in_locked(struct fdtab *t, unsigned fd, struct file *f, enum fd_at_exec at_exec)
{
	HELD(&t->lock);
	t->a->file[fd] = f;
	cloexec_set(t->a, fd, at_exec);
	t->end = MAX(t->end, fd + 1);
}

/* Lowest free number >= min, or the size of the arrays. */
static unsigned
find_free_locked(struct fdtab *t, unsigned min)
{
	unsigned fd = MAX(min, t->hint);

	HELD(&t->lock);
	while (fd < t->a->size && t->a->file[fd] != NULL)
		fd++;
	if (min <= t->hint)
		t->hint = fd;
	return fd;
}

/*
 * Give f the lowest free number >= min.
 *
 * Returns:  the number; -EMFILE, -EINVAL (min beyond the limit), -ENOMEM.
 * Owns:     takes the reference to f on success only.
 */
int
fdtab_install(struct fdtab *t, struct file *f, int min, enum fd_at_exec at_exec)
{
	uint64_t limit = MIN(proc_rlimit_nofile(), (uint64_t)FD_MAX);
	unsigned fd;
	bool fits;

	if (min < 0 || (min > 0 && (uint64_t)min >= limit))
		return -EINVAL;
	do {
		spin_lock(&t->lock);
		fd = find_free_locked(t, (unsigned)min);
		fits = fd < t->a->size;
		if (fits && fd < limit)
			put_in_locked(t, fd, f, at_exec);
		spin_unlock(&t->lock);
		if (fd >= limit)
			return -EMFILE;
		if (!fits && grow_to(t, fd) != 0)
			return -ENOMEM;
	} while (!fits);
	return (int)fd;
}

/* Would fdtab_install() find a number now?  Locks: none. */
bool
fdtab_has_room(struct fdtab *t)
{
	uint64_t limit = MIN(proc_rlimit_nofile(), (uint64_t)FD_MAX);

	return UNDER(&t->lock, find_free_locked(t, 0)) < limit;
}

/*
 * dup2: fd becomes f, whatever it was.
 *
 * Returns:  0, -EBADF (beyond the limit), -ENOMEM.
 * Owns:     takes the reference to f on success only.
 */
int
fdtab_replace(struct fdtab *t, int fd, struct file *f, enum fd_at_exec at_exec)
{
	uint64_t limit = MIN(proc_rlimit_nofile(), (uint64_t)FD_MAX);
	struct file *old;

	if (fd < 0 || (uint64_t)fd >= limit)
		return -EBADF;
	if ((unsigned)fd >= fdtab_size(t) && grow_to(t, (unsigned)fd) != 0)
		return -ENOMEM;
	spin_lock(&t->lock);
	old = take_out_locked(t, (unsigned)fd);
	put_in_locked(t, (unsigned)fd, f, at_exec);
	spin_unlock(&t->lock);
	if (old != NULL)
		forget(t, old);
	return 0;
}

/* Locks:    the table's; or nobody but the caller knows it. */
static inline struct file *
get_file(const struct fdtab *t, int fd)
{
	struct file *f = NULL;

	if ((unsigned)fd < t->a->size)
		f = t->a->file[(unsigned)fd];
	return f != NULL ? file_get(f) : NULL;
}

static __attribute__((noinline)) struct file *
get_file_of_many(struct fdtab *t, int fd)
{
	return UNDER(&t->lock, get_file(t, fd));
}

/* The file of a number with a reference, or NULL.  Rule 4: of 45 instructions 20. */
struct file *
fdtab_file(struct fdtab *t, int fd)
{
	return atomic_load(&t->refs) == 1 ? get_file(t, fd) :
	    get_file_of_many(t, fd);
}

/* close(2).  0, -EBADF.  May sleep. */
int
fdtab_close(struct fdtab *t, int fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd >= 0)
		f = take_out_locked(t, (unsigned)fd);
	spin_unlock(&t->lock);
	if (f == NULL)
		return -EBADF;
	forget(t, f);
	return 0;
}

/*
 * The call that has given fd to f fails: fd is free again, unless another thread
 * has made it another file.  May sleep.
 */
void
fdtab_take_back(struct fdtab *t, int fd, const struct file *f)
{
	struct file *old = NULL;

	spin_lock(&t->lock);
	if (t->a->file[fd] == f)
		old = take_out_locked(t, (unsigned)fd);
	spin_unlock(&t->lock);
	if (old != NULL)
		forget(t, old);
}

/* F_GETFD: 1 close-on-exec, 0 not, -EBADF. */
int
fdtab_cloexec(struct fdtab *t, int fd)
{
	int r = -EBADF;

	spin_lock(&t->lock);
	if (fd >= 0 && (unsigned)fd < t->a->size && t->a->file[fd] != NULL)
		r = cloexec_get(t->a, (unsigned)fd);
	spin_unlock(&t->lock);
	return r;
}

/* F_SETFD.  0, -EBADF. */
int
fdtab_set_cloexec(struct fdtab *t, int fd, enum fd_at_exec at_exec)
{
	int r = -EBADF;

	spin_lock(&t->lock);
	if (fd >= 0 && (unsigned)fd < t->a->size && t->a->file[fd] != NULL) {
		cloexec_set(t->a, (unsigned)fd, at_exec);
		r = 0;
	}
	spin_unlock(&t->lock);
	return r;
}

/* Next number >= fd that is in use, its file with a reference; -1: none. */
int
fdtab_next(struct fdtab *t, int fd, struct file **out)
{
	unsigned i;
	int found = -1;

	spin_lock(&t->lock);
	for (i = fd < 0 ? 0 : (unsigned)fd; i < t->a->size; i++)
		if (t->a->file[i] != NULL) {
			file_get(t->a->file[i]);
			*out = t->a->file[i];
			found = (int)i;
			break;
		}
	spin_unlock(&t->lock);
	return found;
}
