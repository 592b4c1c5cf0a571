/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kbd.c: PS/2 keyboard, scan code set 1 to bytes of a terminal
 *
 * Problem   Someone types at the screen of the emulator; the tty wants what a
 *           serial terminal would have sent.
 *
 * Rules     1. The controller translates to set 1 (its reset state).
 *           2. Keys without a character send the escape sequences of a VT100.
 *           3. Only make codes count, but for the shift keys.
 *
 * Read next dev/console.c.
 */
#include "dev/devfn.h"
#include "lib/string.h"

#define PORT_DATA 0x60
#define PORT_STATUS 0x64
#define STATUS_FULL 0x01
#define STATUS_MOUSE 0x20
#define NO_PORT 0xff             /* nothing answers */

/* Scan codes of set 1.  A key that is let go sends its code and KEY_RELEASED; PREFIX
 * comes before the codes of those keys that the first PC did not have. */
enum { KEY_CTRL = 0x1d, KEY_LEFT_SHIFT = 0x2a, KEY_RIGHT_SHIFT = 0x36, KEY_ALT = 0x38,
	KEY_CAPS = 0x3a, KEY_RELEASED = 0x80, PREFIX = 0xe0 };

enum kbd_mod { MOD_SHIFT = 1, MOD_CTRL = 2, MOD_ALT = 4, MOD_CAPS = 8 };

/* Characters by scan code; 0: none. */
static const char plain[] =
    "\0\033" "1234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033" "!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static const struct {
	uint8_t code;
	const char *text;
} special[] = { /* arrows, Home, End, Page Up and Down, Insert, Delete, the keypad's own */
	{ 0x48, "\033[A" }, { 0x50, "\033[B" }, { 0x4d, "\033[C" },
	{ 0x4b, "\033[D" }, { 0x47, "\033[H" }, { 0x4f, "\033[F" },
	{ 0x49, "\033[5~" }, { 0x51, "\033[6~" }, { 0x52, "\033[2~" },
	{ 0x53, "\033[3~" }, { 0x1c, "\r" }, { 0x35, "/" }, { 0x4a, "-" },
	{ 0x4e, "+" },
};

static struct {
	uint8_t mods;   /* [interrupt] MOD_* held */
	bool extended;  /* [interrupt] the last byte was PREFIX */
} kbd;

static void kbd_interrupt(void *arg);
static void kbd_code(uint8_t code);
static bool kbd_modifier(uint8_t code, bool make);
static void kbd_special(uint8_t code);
static void kbd_char(char c);

void
kbd_init(void)
{
	while (md_in8(PORT_STATUS) & STATUS_FULL) {
		if (md_in8(PORT_DATA) == NO_PORT)
			return;
	}
	md_irq_route(1, kbd_interrupt, NULL);
}

static void
kbd_interrupt(void *arg)
{
	uint8_t status, code;

	for (;;) {
		status = md_in8(PORT_STATUS);
		if (status == NO_PORT || !(status & STATUS_FULL))
			return;
		code = md_in8(PORT_DATA);
		if (!(status & STATUS_MOUSE))
			kbd_code(code);
	}
}

static void
kbd_code(uint8_t code)
{
	bool make = (code & KEY_RELEASED) == 0, extended = kbd.extended;
	uint8_t key = code & (uint8_t)~KEY_RELEASED;

	kbd.extended = code == PREFIX;
	if (kbd.extended || kbd_modifier(key, make) || !make)
		return;
	if (extended || key >= sizeof(plain) - 1) {
		kbd_special(key);
		return;
	}
	kbd_char((kbd.mods & MOD_SHIFT) ? shifted[key] : plain[key]);
}

/* Shift, control, alt, caps lock: true if the key was one of them. */
static bool
kbd_modifier(uint8_t key, bool make)
{
	uint8_t mod = 0;

	if (key == KEY_LEFT_SHIFT || key == KEY_RIGHT_SHIFT)
		mod = MOD_SHIFT;
	else if (key == KEY_CTRL)
		mod = MOD_CTRL;
	else if (key == KEY_ALT)
		mod = MOD_ALT;
	if (key == KEY_CAPS && make)
		kbd.mods ^= MOD_CAPS;
	if (make)
		kbd.mods |= mod;
	else
		kbd.mods &= (uint8_t)~mod;
	return mod != 0 || key == KEY_CAPS;
}

static void
kbd_special(uint8_t key)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(special); i++) {
		if (special[i].code == key)
			console_input(special[i].text, strlen(special[i].text));
	}
}

static void
kbd_char(char c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	char alt[2] = { '\033', 0 };

	if (c == 0)
		return;
	if (letter && (kbd.mods & MOD_CAPS))
		c ^= 'a' ^ 'A';
	if ((kbd.mods & MOD_CTRL) && c >= '@')
		c &= 0x1f; /* Ctrl-A is 1 */
	if (kbd.mods & MOD_ALT) {
		alt[1] = c;
		console_input(alt, 2);
	} else {
		console_input(&c, 1);
	}
}
