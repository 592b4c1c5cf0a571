/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memdev.c: mem, null, zero, full, random, urandom, kmsg
 *
 * Problem   Devices without hardware that every Unix program expects.
 *
 * Rules     Random bytes come from a small mixer (xorshift* seeded and stirred
 *           by md_entropy()); they are for hash seeds and stack canaries of a
 *           teaching system, not for keys.
 *
 * Read next fs/devfs.c.
 */
#include "dev/devfn.h"
#include "lib/string.h"

static struct {
	struct spinlock lock; /* state */
	uint64_t state;       /* of the mixer; never 0 */
} rnd = { SPIN_INIT(LR_DEV), 0 };

static ssize_t
null_read(void *dev, void *buf, size_t n, bool nonblock)
{
	return 0;
}

static ssize_t
zero_read(void *dev, void *buf, size_t n, bool nonblock)
{
	memset(buf, 0, n);
	return (ssize_t)n;
}

static uint64_t
random_word(void)
{
	uint64_t x, flags = spin_lock_irq(&rnd.lock);

	rnd.state ^= md_entropy() | 1;
	rnd.state ^= rnd.state >> 12;
	rnd.state ^= rnd.state << 25;
	rnd.state ^= rnd.state >> 27;
	x = rnd.state * 0x2545F4914F6CDD1Dul;
	spin_unlock_irq(&rnd.lock, flags);
	return x;
}

static ssize_t
random_read(void *dev, void *buf, size_t n, bool nonblock)
{
	uint8_t *p = buf;
	uint64_t word;
	size_t i;

	for (i = 0; i < n; i += sizeof(word)) {
		word = random_word();
		memcpy(p + i, &word, MIN(sizeof(word), n - i));
	}
	return (ssize_t)n;
}

/* It stirs without being told to: what a program adds is read, and left. */
static ssize_t
random_write(void *dev, const void *buf, size_t n, bool nonblock)
{
	return (ssize_t)n;
}

/* There is always a byte to read; on Linux it asks for none once it is seeded. */
static unsigned
random_poll(void *dev, struct ready **at)
{
	return POLL_RD;
}

static int64_t
random_ioctl(void *dev, unsigned cmd, uint64_t arg)
{
	return -EINVAL;
}

#define PRIO_USER 8u            /* a program's, not the kernel's */
#define PRIO_WARNING 4u

/* "<14>": urgency 6 of facility 1; *s is behind it then. */
static unsigned
prio_of(const char **s, size_t *n)
{
	unsigned prio = 0;
	size_t i = 1;

	while (i < *n && (*s)[i] >= '0' && (*s)[i] <= '9')
		prio = prio * 10 + (unsigned)((*s)[i++] - '0');
	if (i == 1 || i >= *n || (*s)[0] != '<' || (*s)[i] != '>')
		return PRIO_USER | PRIO_WARNING;
	*s += i + 1;
	*n -= i + 1;
	return prio < PRIO_USER ? prio | PRIO_USER : prio;
}

/* A line written by a program goes to the log; fs/kmsg.c reads it there.  One that is
 * longer than the log keeps is refused. */
static ssize_t
kmsg_write(void *dev, const void *buf, size_t n, bool nonblock)
{
	size_t len = n;
	const char *s = buf;
	unsigned prio = prio_of(&s, &len);

	if (n > KLOG_LINE_BYTES)
		return -EINVAL;
	while (len > 0 && s[len - 1] == '\n')
		len--;
	klog_text(prio, s, len);
	return (ssize_t)n;
}

static const struct chr_ops null_ops = { .read = null_read };
static const struct chr_ops zero_ops = { .read = zero_read };
/* As Linux has them: only the first of the two says when it is ready. */
static const struct chr_ops random_ops = { .read = random_read,
	.write = random_write, .poll = random_poll, .ioctl = random_ioctl };
static const struct chr_ops urandom_ops = { .read = random_read,
	.write = random_write, .ioctl = random_ioctl };
static const struct chr_ops kmsg_ops = { .write = kmsg_write };

static const struct chr_ops mem_ops = { .read = NULL }; /* it is mapped */

static struct chr_dev nodes[] = {
	{ .name = "mem", .major = 1, .minor = 1, .mode = 0600, .ops = &mem_ops,
	  .is_physical = true },
	{ .name = "null", .major = 1, .minor = 3, .mode = 0666, .ops = &null_ops,
	  .takes = TAKES_ALL },
	{ .name = "zero", .major = 1, .minor = 5, .mode = 0666, .ops = &zero_ops,
	  .is_zero = true, .takes = TAKES_ALL, .is_endless = true },
	{ .name = "full", .major = 1, .minor = 7, .mode = 0666, .ops = &zero_ops,
	  .takes = TAKES_NOTHING, .is_endless = true },
	{ .name = "random", .major = 1, .minor = 8, .mode = 0666,
	  .ops = &random_ops, .is_endless = true },
	{ .name = "urandom", .major = 1, .minor = 9, .mode = 0666,
	  .ops = &urandom_ops, .is_endless = true },
	{ .name = "kmsg", .major = 1, .minor = 11, .mode = 0644, .ops = &kmsg_ops,
	  .is_log = true },
};

void
memdev_init(void)
{
	unsigned i;

	rnd.state = md_entropy() | 1;
	for (i = 0; i < ARRAY_LEN(nodes); i++)
		chr_register(&nodes[i]);
}
