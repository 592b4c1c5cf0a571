/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * graded.c: boots that somebody outside judges (boot word graded=KEY)
 *
 * Problem   Counters at marks, results of checks and failed claims must reach
 *           the host as the kernel saw them, in order, and nothing that a
 *           program prints may pass for one of them.
 *
 * Picture   HELLO names ─→ MARK 1 values ─→ CHECK ─→ MARK 2 values ─→ … ─→ EXIT
 *             └ SEAL 1      └ SEAL 2        └ SEAL 3
 *           seal = HMAC(key, last seal, number, type, length, payload)
 *
 * Rules     1. The key comes with the boot and is wiped from the boot words: it
 *              is for this boot only.  Code in ring 0 can still find it; so
 *              the host accepts a record only if its own observer outside the
 *              machine agrees.
 *           2. Each frame of a graded boot is followed by its seal, output of
 *              programs included; the frame's mutex keeps them together.
 *           3. HELLO names the values of the marks once, in their order.
 *
 * Read next channel/record.c sends; grading/boot/records.c reads.
 */
#include "channel/channelfn.h"
#include "kern/kern.h"
#include "lib/sha256.h"
#include "lib/string.h"

#define KEY_BYTES 32u
#define SEAL_SENT 16u
#define NAMES_BYTES 8192u
#define TEXT_BYTES 200u

struct mark_head {
	uint16_t id, count;
	uint32_t rsv;
	uint64_t time_ns;
};

static struct {
	bool on;                      /* [c] after graded_init() */
	uint8_t key[KEY_BYTES];       /* [c] */
	uint8_t last[SHA256_BYTES];   /* the seal before; record lock */
	uint32_t number;              /* record lock */
	char names[NAMES_BYTES];      /* boot only */
	struct {
		struct mark_head head;
		uint64_t value[EV_COUNT];
	} mark;                       /* the marks' lock */
} graded;

static bool read_key(const char *hex);
static void say_hello(void);
static void send_mark(unsigned id, uint64_t time_ns, const uint64_t *value);

/*
 * Read the key, if there is one, and say hello.
 *
 * Locks:    none; once, behind record_init().
 */
void
graded_init(void)
{
	const char *hex = option_str("graded");

	if (hex == NULL)
		return;
	graded.on = read_key(hex);
	if (!graded.on) {
		klog("graded: the key has %u hexadecimal digits", 2 * KEY_BYTES);
		return;
	}
	option_hide("graded");
	say_hello();
	ev_set_mark_hook(send_mark);
}

bool
graded_boot(void)
{
	return graded.on;
}

/* Of 0-9 and a-f, by no branch: all keys take the same instructions. */
static unsigned
digit(char c)
{
	return ((unsigned)c & 15) + 9 * ((unsigned)c >> 6);
}

static bool
read_key(const char *hex)
{
	unsigned i;

	if (strlen(hex) != 2 * KEY_BYTES)
		return false;
	for (i = 0; i < KEY_BYTES; i++)
		graded.key[i] =
		    (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	return true;
}

static void
say_hello(void)
{
	struct out_buf buf;
	unsigned i;

	out_buf_init(&buf, graded.names, sizeof(graded.names));
	for (i = 0; i < EV_COUNT; i++)
		out_printf(&buf.out, "%s\n", ev_rows[i].name);
	record_frame(RECORD_HELLO, graded.names, strlen(graded.names));
}

/*
 * The seal of a frame that is being sent.
 *
 * Locks:    the record lock.
 * Returns:  bytes in out, at most GRADED_SEAL; 0: this boot is not graded.
 */
size_t
graded_seal(const uint8_t head[4], const void *payload, size_t n, uint8_t *out)
{
	struct hmac m;

	if (!graded.on)
		return 0;
	graded.number++;
	hmac_init(&m, graded.key, KEY_BYTES);
	hmac_add(&m, graded.last, sizeof(graded.last));
	hmac_add(&m, &graded.number, sizeof(graded.number));
	hmac_add(&m, head, 4);
	hmac_add(&m, payload, n);
	hmac_end(&m, graded.last);
	memcpy(out, &graded.number, sizeof(graded.number));
	memcpy(out + sizeof(graded.number), graded.last, SEAL_SENT);
	return sizeof(graded.number) + SEAL_SENT;
}

/* Locks: the marks' lock. */
static void
send_mark(unsigned id, uint64_t time_ns, const uint64_t *value)
{
	graded.mark.head.id = (uint16_t)id;
	graded.mark.head.count = EV_COUNT;
	graded.mark.head.time_ns = time_ns;
	memcpy(graded.mark.value, value, sizeof(graded.mark.value));
	record_frame(RECORD_MARK, &graded.mark, sizeof(graded.mark));
}

/*
 * Report the findings of vm_check(level) or of the leak check at a mark; nothing in a
 * boot that is not graded.
 *
 * Locks:    none of a spin lock.
 */
void
graded_check(enum graded_check what, unsigned mark, unsigned findings)
{
	struct {
		uint16_t mark, what;
		uint32_t findings;
	} rec = { (uint16_t)mark, (uint16_t)what, findings };

	if (graded.on)
		record_frame(RECORD_CHECK, &rec, sizeof(rec));
}

/*
 * A line for the grader: a claim that failed, or a thread that waits.
 *
 * Locks:    none of a spin lock.
 */
void
graded_say(const char *fmt, ...)
{
	char text[TEXT_BYTES];
	va_list ap;

	if (!graded.on)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	record_frame(RECORD_TEXT, text, strlen(text));
}
