/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys.c: self-test of the keyboard: what its controller sends is what a program reads
 *
 * Problem   Who tests over a serial line never presses a key.
 *
 * Rules     The controller gives a byte back as if a key had sent it (command 0xd2 of the
 *           8042), with its interrupt: nothing stands in for the hardware.
 */
#include "dev/dev.h"
#include "kern/kern.h"
#include "lib/string.h"
#include "md.h"
#include "test/boot/selftest.h"

#define PORT_DATA 0x60
#define PORT_STATUS 0x64         /* read; written: a command */
#define STATUS_FULL 0x01         /* a byte waits for the kernel */
#define STATUS_BUSY 0x02         /* the controller has not taken the last one yet */
#define NO_PORT 0xff
#define SEND_AS_KEY 0xd2
#define UP 0x80                  /* the key is let go */
#define LIMIT_NS (10 * NS_PER_S)

/* Until none of these bits is set; false: they stayed. */
static bool
port_waits(uint8_t bits)
{
	uint64_t end = md_time_ns() + LIMIT_NS;

	while ((md_in8(PORT_STATUS) & bits) != 0) {
		if (md_time_ns() > end)
			return false;
		sleep_until(md_time_ns() + 1000000, WAIT_PLAIN);
	}
	return true;
}

static void
keys_send(const uint8_t *codes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		EXPECT(port_waits(STATUS_BUSY | STATUS_FULL));
		md_out8(PORT_STATUS, SEND_AS_KEY);
		EXPECT(port_waits(STATUS_BUSY));
		md_out8(PORT_DATA, codes[i]);
	}
	EXPECT(port_waits(STATUS_BUSY | STATUS_FULL));
}

/* Letters, shift and caps lock, the keypad, an arrow, and the Enter of the keypad. */
static void
keys_become_bytes(void)
{
	static const uint8_t codes[] = { 0x1e, 0x1e | UP, 0x2a, 0x03, 0x03 | UP, 0x2a | UP,
		0x3a, 0x3a | UP, 0x30, 0x30 | UP, 0x3a, 0x3a | UP, 0x30, 0x30 | UP,
		0x4a, 0x4a | UP, 0x4e, 0x4e | UP, 0x37, 0x37 | UP, 0xe0, 0x35, 0xe0, 0x35 | UP,
		0xe0, 0x48, 0xe0, 0x48 | UP, 0xe0, 0x1c, 0xe0, 0x1c | UP };
	static const char expected[] = "a@Bb-+*/\033[A\n";
	struct chr_dev *d = chr_find(5, 1); /* the console */
	uint64_t end = md_time_ns() + LIMIT_NS;
	char text[64];
	ssize_t n;

	if (md_in8(PORT_STATUS) == NO_PORT)
		return;
	keys_send(codes, sizeof(codes));
	while ((n = d->ops->read(d->dev, text, sizeof(text), true)) == -EAGAIN &&
	    md_time_ns() < end)
		sleep_until(md_time_ns() + 1000000, WAIT_PLAIN);
	EXPECT_IS(n, ==, (ssize_t)sizeof(expected) - 1);
	EXPECT(memcmp(text, expected, sizeof(expected) - 1) == 0);
}

const struct selftest selftests_keys[] = {
	{ "keys", keys_become_bytes, "what a key sends is what a program reads" },
	{ NULL, NULL, NULL },
};
