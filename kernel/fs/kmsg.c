/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmsg.c: /dev/kmsg, the log line by line
 *
 * Problem   A reader follows the log: each line with its number, its time and its
 *           urgency, and then the next one, when there is one.
 *
 * Picture   "6,17,2345678,-;vadose: root on sda": urgency, number, microseconds
 *
 * Rules     1. The position of the file is the number of a line, under pos_lock, and
 *              lseek goes to the first line or the end only.
 *           2. Each read returns the next line, even if the last one did not fit.
 *           3. Lines come from anywhere, under any lock, and wake nobody.  A waiting
 *              reader looks ten times a second.
 *
 * Read next kern/log.c, dev/memdev.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "mem/mem.h"

#define LOOK_NS (NS_PER_S / 10)
#define RECORD_BYTES (4 * KLOG_LINE_BYTES + 64) /* all of it in hex, and the numbers */

static struct {
	struct ready ready;     /* [c] nobody wakes its sleepers: rule 3 */
	struct timer timer;
	struct work tell;       /* [c] */
	uint64_t told;          /* [own] of the worker: lines that there were */
} kmsg;

/* Rule 3: tell who polls, if there are lines that they have not heard of, and come again
 * as long as somebody does.  Context: the worker. */
static void
kmsg_tell(void *arg)
{
	uint64_t n = klog_lines();

	if (n != kmsg.told)
		ready_tell(&kmsg.ready, POLL_RD);
	kmsg.told = n;
	if (!list_is_empty(&kmsg.ready.watches))
		timer_arm(&kmsg.timer, md_time_ns() + LOOK_NS);
}

/* The timer, in an interrupt. */
static void
kmsg_look(void *arg)
{
	work_queue(&kmsg.tell);
}

void
kmsg_init(void)
{
	ready_init(&kmsg.ready);
	timer_init(&kmsg.timer, kmsg_look, NULL);
	work_init(&kmsg.tell, kmsg_tell, NULL);
}

/* Opening it: reading is root's.  0, -EPERM. */
int
kmsg_opened(struct file *f, unsigned flags)
{
	if ((flags & O_ACCMODE) != O_WRONLY && !fs_may(CAP_SYSLOG))
		return -EPERM;
	f->ops = &kmsg_file_ops;
	f->pos = klog_first();
	return 0;
}

/* Rule 2.  0, -EAGAIN, -EPIPE: lines are lost, the next is the first that is there. */
static int
line_take(struct file *f, struct klog_line *l, uint64_t *nr)
{
	int r;

	mutex_lock(&f->pos_lock);
	*nr = f->pos;
	r = klog_line(f->pos, l);
	if (r == 0)
		f->pos++;
	else if (r == -EPIPE)
		f->pos = klog_first();
	mutex_unlock(&f->pos_lock);
	return r;
}

/* The text for programs: other than plain characters are in hex. */
static void
line_put(struct out *o, uint64_t nr, const struct klog_line *l)
{
	out_printf(o, "%u,%lu,%lu,-;", l->prio, nr, l->ns / 1000);
	for (size_t i = 0; i < l->n; i++) {
		unsigned char c = (unsigned char)l->text[i];

		out_printf(o, c < ' ' || c >= 127 || c == '\\' ? "\\x%02x" : "%c", c);
	}
	o->put(o, "\n", 1);
}

/* Wait for the next line, unless f does not.  0, -EAGAIN, -EPIPE, -ERESTARTSYS. */
static int
line_wait(struct file *f, struct klog_line *l, uint64_t *nr)
{
	int r;

	while ((r = line_take(f, l, nr)) == -EAGAIN && (f->flags & O_NONBLOCK) == 0)
		if (wait_until(&kmsg.ready.sleepers, WAIT_INTR, md_time_ns() + LOOK_NS,
		    false) == -EINTR)
			return -ERESTARTSYS;
	return r;
}

static ssize_t
kmsg_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct {
		struct klog_line line;
		char text[RECORD_BYTES];
	} *rec = kmem_alloc(sizeof(*rec));
	struct out_buf o;
	uint64_t nr;
	ssize_t n;

	if (rec == NULL)
		return -ENOMEM;
	n = line_wait(f, &rec->line, &nr);
	if (n == 0) {
		out_buf_init(&o, rec->text, sizeof(rec->text));
		line_put(&o.out, nr, &rec->line);
		n = o.len > u->left ? -EINVAL : uio_put(u, rec->text, o.len);
	}
	kmem_free(rec);
	return n;
}

static unsigned
kmsg_poll(struct file *f, struct ready **at)
{
	uint64_t pos = file_position(f);

	*at = &kmsg.ready;
	if (pos < klog_lines())
		return POLL_RD | (pos < klog_first() ? POLLERR | POLLPRI : 0);
	timer_arm(&kmsg.timer, md_time_ns() + LOOK_NS);
	return 0;
}

/* Rule 1. */
static int64_t
kmsg_seek(struct file *f, int64_t off, int whence)
{
	if (off != 0)
		return -ESPIPE;
	if (whence != SEEK_SET && whence != SEEK_DATA && whence != SEEK_END)
		return -EINVAL;
	file_set_position(f, whence == SEEK_END ? klog_lines() : klog_first());
	return 0;
}

const struct file_ops kmsg_file_ops = {
	.seek = SEEKS_IGNORED,
	.writes_nothing = true,
	.reads_nothing = true,
	.read = kmsg_read,
	.write = chr_write,
	.poll = kmsg_poll,
	.seek_to = kmsg_seek,
};
