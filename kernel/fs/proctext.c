/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proctext.c: a file of /proc is a text made when it is read
 *
 * Problem   A reader takes the text in pieces and expects them to fit; the
 *           state behind it changes meanwhile, and may be much longer than the
 *           memory that a reader can be given.
 *
 * Picture   row->next(&at) → a record → struct text, kept by the open file
 *           text:  … made and gone │ record: begin … begin + len │ at: the next
 *           read in or behind the record → go on          before it → anew from 0
 *
 * Rules     1. One record is kept; a text that is not made by records is one.
 *              Later records are made when the reader comes to them, so pieces
 *              fit, and each record is of one moment.
 *           2. A read at 0 makes a new text.
 *           3. A record that is too large for memory, or RECORD_MAX, is -ENOMEM; a
 *              reader never gets half of it.
 *           4. Between records a fatal signal ends the read.
 *           5. A write is handed over as a whole, with a NUL behind it.
 *           6. A file of /proc/PID belongs to the process, not to the number:
 *              when another has the number, all is -ESRCH.
 *           7. A file about its memory belongs to the space that it had at
 *              open, also after an exec.
 *
 * Locks     None, where rows are asked: readers of one open file come one after the
 *           other (file_alone_begin()).  Rows look at descriptors, and who looks may
 *           be the last to put a file.
 *
 * Read next procfs.c.
 */
#include "fs/procfs.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define TEXT_MIN 1024ul
#define RECORD_MAX (4ul << 20)
#define READ_MAX (16 * PAGE_SIZE) /* of one read: others may wait for it */
#define WRITE_MAX PAGE_SIZE

/* A sink that grows. */
struct text {
	struct out out;
	char *buf;       /* NULL: none yet */
	size_t len, cap; /* of the record */
	bool failed;
	uint64_t begin;  /* of the record in the whole text */
};

/* The struct behind file->priv. */
struct proc_file {
	struct text text;  /* [own] the reader's */
	struct aspace *as; /* [c] a reference; NULL: none, or not guarded */
	bool by_root;      /* [c] opened by root */
	uint64_t at[];     /* [own] of row->next, its place: the record behind text's */
};

static struct proc_file *
proc_file_of(const struct file *f)
{
	return f->priv;
}

static void
text_free(struct text *t)
{
	room_free(t->buf, t->cap);
	t->buf = NULL;
	t->cap = t->len = 0;
}

/* Room for at least n bytes more. */
static bool
text_grow(struct text *t, size_t n)
{
	struct text bigger = *t;

	bigger.cap = MAX(t->cap, TEXT_MIN);
	while (bigger.cap < t->len + n)
		bigger.cap *= 2;
	if (bigger.cap == t->cap)
		return true;
	bigger.buf = bigger.cap <= RECORD_MAX ? room_alloc_raw(bigger.cap) : NULL;
	if (bigger.buf == NULL)
		return false;
	if (t->buf != NULL)
		memcpy(bigger.buf, t->buf, t->len);
	text_free(t);
	*t = bigger;
	return true;
}

static void
text_put(struct out *out, const char *s, size_t n)
{
	struct text *t = CONTAINER_OF(out, struct text, out);

	if (t->failed || !text_grow(t, n)) {
		t->failed = true;
		return;
	}
	memcpy(t->buf + t->len, s, n);
	t->len += n;
}

/* A text that is made whole is one record: is it to be made? */
static bool
is_first(uint64_t *at)
{
	return (*at)++ == 0;
}

/* The next record of a row of /proc/PID; as: rule 7. */
static int
pid_record(const struct proc_node *pn, struct aspace *as, uint64_t *at,
    struct out *out)
{
	const struct procfs_pid_row *row = pn->pid_row;
	int r = 0;

	if (row->show == NULL && row->next == NULL)
		return -EINVAL;
	if (row->next != NULL) {
		if (!row->guarded || (as != NULL && as_users(as) != 0))
			r = row->next(pn->tid, as, at, out);
	} else if (is_first(at)) {
		r = pn->in_task && row->show_alone != NULL ?
		    row->show_alone(pn->tid, out) : row->show(pn->tid, out);
		r = r == 0 ? 1 : r;
	}
	return r >= 0 && !procpid_is_there(pn) ? -ESRCH : r;
}

static int
row_record(const struct procfs_row *row, uint64_t *at, struct out *out)
{
	if (row->next != NULL)
		return row->next(at, out);
	if (row->show == NULL && row->text == NULL && row->number == NULL &&
	    row->get == NULL)
		return -EINVAL;
	if (!is_first(at))
		return 0;
	if (row->show != NULL)
		row->show(out);
	else if (row->text != NULL)
		out_printf(out, "%s\n", row->text);
	else
		out_printf(out, "%lu\n", row->get != NULL ? row->get() :
		    atomic_load(row->number));
	return 1;
}

/* The text begins anew; its buffer stays. */
static void
text_rewind(struct proc_file *pf)
{
	struct text *t = &pf->text;

	pf->at[0] = 0;
	t->begin = 0;
	t->len = 0;
	t->failed = false;
}

/*
 * The record behind the one that t has.
 *
 * Locks:    none; the reader is alone.
 * Returns:  1; 0: the text ends here, t has the last one still; -EINTR (a fatal
 *           signal), -ENOMEM, -ESRCH, …: t is at the begin.
 */
static int
text_next(struct file *f, struct text *t)
{
	const struct proc_node *pn = proc_node_of(f->vn);
	struct proc_file *pf = proc_file_of(f);
	size_t len = t->len;
	int r;

	t->len = 0;
	if (thread_is_killed())
		r = -EINTR;
	else if (pn->kind == PN_PID_ROW)
		r = pid_record(pn, pf->as, pf->at, &t->out);
	else if (pn->kind == PN_FDINFO)
		r = is_first(pf->at) ? procpid_fdinfo(pn, &t->out) : 0;
	else
		r = row_record(pn->row, pf->at, &t->out);
	if (r >= 0 && t->failed)
		r = -ENOMEM;
	if (r > 0)
		t->begin += len;
	else if (r == 0)
		t->len = len;
	else
		text_rewind(pf);
	return r;
}

static ssize_t
text_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct text *t = &proc_file_of(f)->text;
	ssize_t n = 0, done = 0;
	uint64_t end;

	if (*off == 0 || *off < t->begin)
		text_rewind(proc_file_of(f));
	while (u->left > 0 && done < (ssize_t)READ_MAX) {
		end = t->begin + t->len;
		if (*off >= end) {
			n = text_next(f, t);
		} else {
			n = uio_put(u, t->buf + (*off - t->begin),
			    MIN(u->left, end - *off));
			*off += (uint64_t)MAX(n, 0);
			done += MAX(n, 0);
		}
		if (n <= 0)
			break;
	}
	return done > 0 ? done : n;
}

/* One number, spaces around it; as on Linux, what is behind a space is not read.
 * The bytes that were, -EINVAL, -errno of who has the number. */
static ssize_t
number_write(const struct procfs_row *row, const char *s, size_t n)
{
	const char *at = str_skip_spaces(s), *end;
	uint64_t v = str_to_number(at, &end);
	int r = 0;

	if (end == at || v > INT64_MAX ||
	    ((size_t)(end - s) < n && memchr(" \t\n", *end, 3) == NULL))
		return -EINVAL;
	if (row->set != NULL)
		r = row->set(v);
	else
		atomic_store(row->number, v);
	return r < 0 ? r : str_skip_spaces(end) - s;
}

static ssize_t
write_over(const struct proc_node *pn, const char *s, size_t n)
{
	int r;

	if (pn->kind == PN_PID_ROW)
		r = !procpid_is_there(pn) ? -ESRCH : pn->pid_row->write(pn->tid, s, n);
	else if (pn->row->write != NULL)
		r = pn->row->write(s, n);
	else
		return number_write(pn->row, s, n);
	return r < 0 ? r : (ssize_t)n;
}

/* Only root may write /proc/sys, even if root has opened the file. */
static bool
is_roots(const struct proc_node *pn)
{
	return pn->kind == PN_ROW && strncmp(pn->row->name, "sys/", 4) == 0;
}

static ssize_t
text_write(struct file *f, uint64_t *off, struct uio *u)
{
	const struct proc_node *pn = proc_node_of(f->vn);
	size_t want = u->left;
	ssize_t n;
	char *s;

	if (is_roots(pn) && fs_cred()->euid != 0)
		return -EPERM;
	if (want >= WRITE_MAX)
		return -EINVAL;
	s = kmem_alloc(want + 1);
	if (s == NULL)
		return -ENOMEM;
	n = uio_get(u, s, want);
	if (n >= 0 && (size_t)n < want)
		n = -EFAULT;
	if (n > 0) {
		s[n] = '\0';
		n = write_over(pn, s, (size_t)n);
	}
	kmem_free(s);
	return n;
}

static void
text_close(struct file *f)
{
	text_free(&proc_file_of(f)->text);
	if (proc_file_of(f)->as != NULL)
		as_put(proc_file_of(f)->as);
	kmem_free(f->priv);
}

static bool
is_writable(const struct proc_node *pn)
{
	if (pn->kind == PN_PID_ROW)
		return pn->pid_row->write != NULL || pn->pid_row->pwrite != NULL;
	return pn->kind == PN_ROW && (pn->row->mode & 0222) != 0;
}

/* Of what row->next goes on from. */
static size_t
place_bytes(const struct proc_node *pn)
{
	return MAX(pn->kind == PN_ROW ? pn->row->place : 0, sizeof(uint64_t));
}

/*
 * Opening; who has a file open may read it ever after, but for rule 7.
 *
 * Returns:  0, -EACCES (for writing, and it is read-only; or guarded),
 *           -ENOMEM.
 */
int
proc_text_opened(struct vnode *v, struct file *f)
{
	struct proc_file *pf;
	int r;

	if ((f->flags & O_ACCMODE) != O_RDONLY && !is_writable(proc_node_of(v)))
		return -EACCES;
	pf = kmem_zalloc(sizeof(*pf) + place_bytes(proc_node_of(v)));
	if (pf == NULL)
		return -ENOMEM;
	pf->text.out.put = text_put;
	pf->by_root = fs_may(CAP_SYS_ADMIN);
	r = procpid_may_look(proc_node_of(v), &pf->as);
	if (r != 0)
		kmem_free(pf);
	else
		f->priv = pf;
	f->knows = KNOWS_HINTS;
	return r;
}

const struct file_ops proc_text_ops = {
	.seek = SEEKS_POSITION,
	.writes_alone = true,
	.reads_alone = true,
	.read = text_read,
	.write = text_write,
	.close = text_close,
};

/* ---- what is no text: bytes at a position ---- */

/* Nobody may use the space any more: then there is nothing. */
static ssize_t
bytes_move(struct file *f, uint64_t *off, struct uio *u,
    ssize_t (*move)(struct aspace *, bool, uint64_t, struct uio *))
{
	const struct proc_file *pf = proc_file_of(f);
	struct aspace *as = pf->as;
	ssize_t n = as != NULL && as_users(as) != 0 ?
	    move(as, pf->by_root, *off, u) : 0;

	if (n > 0)
		*off += (uint64_t)n;
	return n;
}

static ssize_t
bytes_read(struct file *f, uint64_t *off, struct uio *u)
{
	return bytes_move(f, off, u, proc_node_of(f->vn)->pid_row->pread);
}

static ssize_t
bytes_write(struct file *f, uint64_t *off, struct uio *u)
{
	return bytes_move(f, off, u, proc_node_of(f->vn)->pid_row->pwrite);
}

const struct file_ops proc_bytes_ops = {
	.seek = SEEKS_POSITION,
	.read = bytes_read,
	.write = bytes_write,
	.close = text_close,
};
