/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs_host.c: what fs/ needs besides the VM: devices, a clock, deferred work
 */
#include <string.h>

#include "dev/dev.h"
#include "fs/fs.h"
#include "test/host/host.h"

static ssize_t
null_read(void *dev, void *buf, size_t n, bool nonblock)
{
	return 0;
}

static ssize_t
full_write(void *dev, const void *buf, size_t n, bool nonblock)
{
	return -ENOSPC;
}

static const struct chr_ops null_ops = { .read = null_read,
	.write = full_write };

static struct chr_dev devices[] = {
	{ .name = "null", .major = 1, .minor = 3, .mode = 0666,
		.ops = &null_ops },
	{ .name = "zero", .major = 1, .minor = 5, .mode = 0666,
		.ops = &null_ops, .is_zero = true },
	{ .name = "full", .major = 1, .minor = 7, .mode = 0666,
		.ops = &null_ops },
};

void
chr_walk(void (*fn)(void *arg, struct chr_dev *), void *arg)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(devices); i++)
		fn(arg, &devices[i]);
}

int
pty_of_master(const struct chr_dev *d)
{
	return -ENOTTY;
}

int
tty_front(const struct chr_dev *d)
{
	return -ENOTTY;
}

void
pty_set_ops(const struct pty_ops *ops)
{
}

struct chr_dev *
chr_find(uint32_t major, uint32_t minor)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(devices); i++)
		if (devices[i].major == major && devices[i].minor == minor)
			return &devices[i];
	return NULL;
}

void
power_set_prepare(void (*fn)(void))
{
}

uint64_t
rtc_boot_seconds(void)
{
	return 1700000000;
}

int
wait_sleep_many(enum wait_how how, uint64_t deadline, struct waiter *ws,
    unsigned n)
{
	return wait_sleep(ws, how, deadline);
}

/* Nothing is told in interrupts here: who tells does it himself. */
void
work_init(struct work *w, void (*fn)(void *), void *arg)
{
}

void
work_queue(struct work *w)
{
}

void
timer_init(struct timer *t, void (*fn)(void *), void *arg)
{
}

void
timer_arm(struct timer *t, uint64_t deadline)
{
}

/* The log is empty. */
uint64_t
klog_first(void)
{
	return 0;
}

uint64_t
klog_lines(void)
{
	return 0;
}

int
klog_line(uint64_t nr, struct klog_line *l)
{
	return -EAGAIN;
}
