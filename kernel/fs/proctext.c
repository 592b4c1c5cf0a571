/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proctext.c: a file of /proc is a text made when it is read
 *
 * Problem   A reader takes the text in pieces and expects them to fit; the
 *           state behind it changes meanwhile.
 *
 * Picture   read at 0 → show(out) → struct text, kept by the open file
 *           read at n → from the same text          read at 0 → a new text
 *
 * Rules     1. show runs without any lock of fs/: it may take what it wants.
 *           2. A text that memory, or TEXT_MAX, does not hold is -ENOMEM; a
 *              reader never gets half of it.
 *           3. A write is handed over as a whole, with a NUL behind it.
 *           4. A file of /proc/PID belongs to the process, not to the number:
 *              when another has the number, all is -ESRCH.
 *           5. A file about its memory belongs to the space that it had at
 *              open: what an exec brings was not asked about.
 *
 * Read next procfs.c.
 */
#include "fs/procfs.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define TEXT_MIN 1024ul
#define TEXT_MAX (4ul << 20)
#define TEXT_KMEM_MAX PAGE_SIZE   /* larger ones need no adjacent frames */
#define WRITE_MAX PAGE_SIZE

/* A sink that grows. */
struct text {
	struct out out;
	char *buf;      /* NULL: none yet */
	size_t len, cap;
	bool failed;
};

/* What file->priv is. */
struct proc_file {
	struct text text;  /* [Q] */
	struct aspace *as; /* [c] a reference; NULL: none, or not guarded */
};

static struct proc_file *
proc_file_of(const struct file *f)
{
	return f->priv;
}

static char *
buf_alloc(size_t cap)
{
	return cap <= TEXT_KMEM_MAX ? kmem_alloc(cap) :
	    kva_alloc(cap >> PAGE_SHIFT);
}

static void
text_free(struct text *t)
{
	if (t->cap <= TEXT_KMEM_MAX)
		kmem_free(t->buf);
	else
		kva_free(t->buf, t->cap >> PAGE_SHIFT);
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
	bigger.buf = bigger.cap <= TEXT_MAX ? buf_alloc(bigger.cap) : NULL;
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

/* Text of a row of /proc/PID; as: rule 5. */
static int
show_pid(const struct proc_node *pn, struct aspace *as, struct out *out)
{
	const struct procfs_pid_row *row = pn->pid_row;
	int r = 0;

	if (row->show == NULL && row->show_space == NULL)
		return -EINVAL;
	if (pn->in_task && row->show_alone != NULL)
		r = row->show_alone(pn->tid, out);
	else if (row->show != NULL)
		r = row->show(pn->tid, out);
	else if (as != NULL && as_users(as) != 0)
		r = row->show_space(pn->tid, as, out);
	return r == 0 && !procpid_is_there(pn) ? -ESRCH : r;
}

static int
show(const struct proc_node *pn, struct aspace *as, struct out *out)
{
	if (pn->kind == PN_PID_ROW)
		return show_pid(pn, as, out);
	if (pn->row->show == NULL)
		return -EINVAL;
	pn->row->show(out);
	return 0;
}

/* Not a text: read where it is. */
static bool
is_binary(const struct file *f)
{
	const struct proc_node *pn = proc_node_of(f->vn);

	return pn->kind == PN_PID_ROW && pn->pid_row->pread != NULL;
}

/* A read comes: at 0, make a new text. */
static int
text_prepare(struct file *f, uint64_t off)
{
	struct proc_file *pf = proc_file_of(f);
	struct text fresh = { .out.put = text_put }, old;
	int r;

	if (is_binary(f))
		return 0;
	if (off != 0 && atomic_load(&pf->text.buf) != NULL)
		return 0;
	r = show(proc_node_of(f->vn), pf->as, &fresh.out);
	if (r == 0 && fresh.failed)
		r = -ENOMEM;
	if (r != 0) {
		text_free(&fresh);
		return r;
	}
	mutex_lock(&f->pos_lock);
	old = pf->text;
	pf->text = fresh;
	mutex_unlock(&f->pos_lock);
	text_free(&old);
	return 0;
}

static ssize_t
text_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct aspace *as = proc_file_of(f)->as;
	struct text *t = &proc_file_of(f)->text;
	const struct proc_node *pn = proc_node_of(f->vn);
	ssize_t n;

	if (is_binary(f))
		n = !procpid_is_there(pn) ? -ESRCH :
		    as != NULL ? pn->pid_row->pread(as, *off, u) : 0;
	else if (*off >= t->len)
		return 0;
	else
		n = uio_put(u, t->buf + *off, MIN(u->left, t->len - *off));
	if (n > 0)
		*off += (uint64_t)n;
	return n;
}

static int
write_over(const struct proc_node *pn, const char *s, size_t n)
{
	if (pn->kind == PN_PID_ROW)
		return !procpid_is_there(pn) ? -ESRCH :
		    pn->pid_row->write(pn->tid, s, n);
	return pn->row->write(s, n);
}

static ssize_t
text_write(struct file *f, uint64_t *off, struct uio *u)
{
	size_t want = u->left;
	ssize_t n;
	char *s;
	int r;

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
		r = write_over(proc_node_of(f->vn), s, (size_t)n);
		n = r < 0 ? r : n;
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
	return pn->kind == PN_PID_ROW ? pn->pid_row->write != NULL :
	    pn->row->write != NULL;
}

/*
 * Opening; who has a file open may read it ever after, but for rule 5.
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
	pf = kmem_zalloc(sizeof(*pf));
	if (pf == NULL)
		return -ENOMEM;
	r = procpid_may_look(proc_node_of(v), &pf->as);
	if (r != 0)
		kmem_free(pf);
	else
		f->priv = pf;
	return r;
}

const struct file_ops proc_text_ops = {
	.seek = SEEKS_POSITION,
	.prepare = text_prepare,
	.read = text_read,
	.write = text_write,
	.close = text_close,
};
