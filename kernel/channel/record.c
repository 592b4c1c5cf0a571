/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.c: the record channel, COM2
 *
 * Problem   A command's standard output and error must reach the host byte for
 *           byte, apart from each other and from the kernel's messages, and its
 *           exit status too: no emulator's exit code carries 8 bits.
 *
 * Picture   A5 type length(2, little endian) payload…
 *           type 1 standard output, 2 standard error, 3 exit status {kind, value}
 *           4 … 9: of graded boots, channel/graded.c
 *
 * Rules     1. A frame is sent whole: the mutex keeps writers apart.
 *           2. Writing a status to guestctl ends the machine: the frame before
 *              it has left the transmitter then.
 *
 * Read next tools/emulator/record.c reads what this writes.
 */
#include "channel/channelfn.h"

#define RECORD_MAGIC 0xA5

static struct {
	struct mutex lock; /* one frame at a time */
} record;

static ssize_t record_write(void *dev, const void *buf, size_t n, bool nonblock);
static ssize_t record_end(void *dev, const void *buf, size_t n, bool nonblock);

static const struct chr_ops stream_ops = {
	.write = record_write,
};
static const struct chr_ops ctl_ops = {
	.write = record_end,
};
static uint8_t stream_type[2] = { RECORD_STDOUT, RECORD_STDERR };
static struct chr_dev nodes[] = {
	{ .name = "guest1", .major = 240, .minor = 1, .mode = 0666,
	  .ops = &stream_ops, .dev = &stream_type[0] },
	{ .name = "guest2", .major = 240, .minor = 2, .mode = 0666,
	  .ops = &stream_ops, .dev = &stream_type[1] },
	{ .name = "guestctl", .major = 240, .minor = 0, .mode = 0600,
	  .ops = &ctl_ops },
};

void
record_init(void)
{
	unsigned i;

	mutex_init(&record.lock, LR_VNODE);
	for (i = 0; i < ARRAY_LEN(nodes); i++)
		chr_register(&nodes[i]);
}

static void
frame_head(uint8_t head[4], enum record_type type, size_t n)
{
	head[0] = RECORD_MAGIC;
	head[1] = (uint8_t)type;
	head[2] = (uint8_t)n;
	head[3] = (uint8_t)(n >> 8);
}

/*
 * Send a frame, and in a graded boot its seal.
 *
 * Locks:    takes the record lock; no spin lock.
 * Context:  thread, may sleep.
 */
void
record_frame(enum record_type type, const void *buf, size_t n)
{
	uint8_t head[4], seal[GRADED_SEAL];
	size_t sealed;

	frame_head(head, type, n);
	mutex_lock_nested(&record.lock);
	uart_write(UART_COM2, head, sizeof(head));
	uart_write(UART_COM2, buf, n);
	sealed = graded_seal(head, buf, n, seal);
	if (sealed != 0) {
		frame_head(head, RECORD_SEAL, sealed);
		uart_write(UART_COM2, head, sizeof(head));
		uart_write(UART_COM2, seal, sealed);
	}
	mutex_unlock(&record.lock);
}

static ssize_t
record_write(void *dev, const void *buf, size_t n, bool nonblock)
{
	const uint8_t *type = dev;

	record_frame((enum record_type)*type, buf, n);
	return (ssize_t)n;
}

/* Two bytes, {kind, value}: the command has ended, and so does the machine. */
static ssize_t
record_end(void *dev, const void *buf, size_t n, bool nonblock)
{
	const uint8_t *status = buf;

	if (n != 2)
		return -EINVAL;
	record_exit(status[0], status[1]);
}

/*
 * Tell the host how the command ended, and end the machine.
 *
 * Locks:    none held.
 * Returns:  never.
 */
void
record_exit(uint8_t kind, uint8_t value)
{
	uint8_t status[2] = { kind, value };

	power_prepare();
	record_frame(RECORD_EXIT, status, sizeof(status));
	power_end(POWER_OFF);
}
