/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * screen.c: the VGA text screen as a small VT100
 *
 * Problem   On a real PC and in the windows of the emulators the console is an
 *           80×25 grid of cells; programs send text with escape sequences.
 *
 * Picture   bytes ─→ state machine ─→ cell[][] (in memory) ─→ 0xb8000
 *
 * Rules     1. Display memory is only written, never read: it is slow, and in a
 *              machine without a screen it is not there (screen_probe).
 *           2. Understood: CR LF BS TAB, CSI A B C D G H J K d f m and the
 *              save/restore of the cursor; others are swallowed whole.
 *
 * Read next dev/console.c.
 */
#include "dev/devfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define COLS 80
#define ROWS 25
#define TEXT_PA 0xb8000          /* display memory; a cell is a colour and a character */
#define NORMAL 0x07              /* colour: grey on black */
#define BLANK (NORMAL << 8 | ' ')
#define MAXARGS 8
#define ARG_MAX 1000u            /* of CSI: more than that is beyond any grid */

/* The display's controller: an index port, a data port. */
enum { CRTC_INDEX = 0x3d4, CRTC_DATA = 0x3d5, CRTC_CURSOR_HIGH = 14,
	CRTC_CURSOR_LOW = 15 };

enum screen_state { S_TEXT, S_ESC, S_CSI };

static struct {
	struct spinlock lock; /* rank NONE: a leaf, also under the log lock */
	volatile uint16_t *mem;        /* display memory, NULL: no screen */
	uint16_t cell[ROWS][COLS];
	unsigned row, col, save_row, save_col;
	uint8_t color;
	bool reverse;
	enum screen_state state;
	unsigned arg[MAXARGS], nargs;
} scr = { .lock = SPIN_INIT(LR_NONE), .color = NORMAL };

static bool screen_probe(void);
static void screen_byte(uint8_t c);
static void text_byte(uint8_t c);
static void csi_byte(uint8_t c);
static void csi_end(uint8_t c);
static void set_colors(void);
static void put_cell(unsigned row, unsigned col, uint16_t cell);
static void clear(unsigned row, unsigned col, unsigned n);
static void new_line(void);
static void show_cursor(void);
static unsigned arg_or(unsigned i, unsigned dflt);

/*
 * Find the screen, clear it and take part in the log.
 *
 * Locks:    none held.
 */
void
screen_init(void)
{
	scr.mem = kva_map_device(TEXT_PA, 2 * ROWS * COLS);
	if (scr.mem == NULL || !screen_probe()) {
		scr.mem = NULL;
		return;
	}
	clear(0, 0, ROWS * COLS);
	klog_add_sink(screen_write);
}

/*
 * Show text.
 *
 * Locks:    takes the screen's lock, interrupts off meanwhile.
 * Context:  any.
 */
void
screen_write(const char *s, size_t n)
{
	uint64_t flags;
	size_t i;

	if (scr.mem == NULL)
		return;
	flags = klog_is_emergency() ? md_irq_save() :
	    spin_lock_irq(&scr.lock);
	for (i = 0; i < n; i++) {
		if (s[i] == '\n' && (i == 0 || s[i - 1] != '\r'))
			scr.col = 0;
		screen_byte((uint8_t)s[i]);
	}
	show_cursor();
	if (klog_is_emergency())
		md_irq_restore(flags);
	else
		spin_unlock_irq(&scr.lock, flags);
}

/* Does the display memory keep what is written? */
static bool
screen_probe(void)
{
	scr.mem[0] = BLANK ^ 0x55;
	scr.mem[1] = BLANK ^ 0xaa;
	return scr.mem[0] == (BLANK ^ 0x55) && scr.mem[1] == (BLANK ^ 0xaa);
}

static void
screen_byte(uint8_t c)
{
	switch (scr.state) {
	case S_TEXT:
		text_byte(c);
		return;
	case S_ESC:
		scr.state = c == '[' ? S_CSI : S_TEXT;
		scr.nargs = 0;
		memset(scr.arg, 0, sizeof(scr.arg));
		if (c == '7') {
			scr.save_row = scr.row;
			scr.save_col = scr.col;
		} else if (c == '8') {
			scr.row = scr.save_row;
			scr.col = scr.save_col;
		}
		return;
	case S_CSI:
		csi_byte(c);
		return;
	}
}

static void
text_byte(uint8_t c)
{
	if (c == '\033') {
		scr.state = S_ESC;
	} else if (c == '\n') {
		new_line();
	} else if (c == '\r') {
		scr.col = 0;
	} else if (c == '\b') {
		scr.col -= scr.col > 0;
	} else if (c == '\t') {
		scr.col = MIN((scr.col | 7) + 1, COLS - 1);
	} else if (c >= ' ') {
		if (scr.col == COLS) {
			scr.col = 0;
			new_line();
		}
		put_cell(scr.row, scr.col++, (uint16_t)(scr.color << 8 | c));
	}
}

/* Within CSI: arguments, with ; between them, and a letter that ends it. */
static void
csi_byte(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		if (scr.arg[scr.nargs] < ARG_MAX)
			scr.arg[scr.nargs] = scr.arg[scr.nargs] * 10 + c - '0';
	} else if (c == ';') {
		scr.nargs += scr.nargs < MAXARGS - 1;
	} else if (c >= '@') {
		scr.state = S_TEXT;
		csi_end(c);
	}
}

/* The letter c has ended a sequence: do what it says; see rule 2. */
static void
csi_end(uint8_t c)
{
	unsigned here = scr.row * COLS + MIN(scr.col, COLS - 1);

	if (c == 'A')
		scr.row -= MIN(arg_or(0, 1), scr.row);
	else if (c == 'B')
		scr.row = MIN(scr.row + arg_or(0, 1), ROWS - 1);
	else if (c == 'C')
		scr.col = MIN(scr.col + arg_or(0, 1), COLS - 1);
	else if (c == 'D')
		scr.col -= MIN(arg_or(0, 1), scr.col);
	else if (c == 'G')
		scr.col = MIN(arg_or(0, 1), COLS) - 1;
	else if (c == 'd')
		scr.row = MIN(arg_or(0, 1), ROWS) - 1;
	else if (c == 'm')
		set_colors();
	else if (c == 'K' && scr.arg[0] == 0)
		clear(scr.row, MIN(scr.col, COLS - 1), COLS - here % COLS);
	else if (c == 'K' && scr.arg[0] == 1)
		clear(scr.row, 0, here % COLS + 1);
	else if (c == 'K')
		clear(scr.row, 0, COLS);
	else if (c == 'J' && scr.arg[0] == 0)
		clear(scr.row, here % COLS, ROWS * COLS - here);
	else if (c == 'J' && scr.arg[0] == 1)
		clear(0, 0, here + 1);
	else if (c == 'J')
		clear(0, 0, ROWS * COLS);
	if (c == 'H' || c == 'f') {
		scr.row = MIN(arg_or(0, 1), ROWS) - 1;
		scr.col = MIN(arg_or(1, 1), COLS) - 1;
	}
}

/* SGR: ANSI counts colours red-green-blue, VGA blue-green-red. */
static void
set_colors(void)
{
	static const uint8_t vga[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };
	unsigned i, a, fg = scr.color & 15, bg = scr.color >> 4;

	if (scr.reverse) {
		a = fg;
		fg = bg;
		bg = a;
	}
	for (i = 0; i <= scr.nargs; i++) {
		a = scr.arg[i];
		if (a == 0) {
			fg = 7;
			bg = 0;
			scr.reverse = false;
		} else if (a == 1) {
			fg |= 8;
		} else if (a == 7 || a == 27) {
			scr.reverse = a == 7;
		} else if (a >= 30 && a <= 37) {
			fg = (fg & 8) | vga[a - 30];
		} else if (a >= 40 && a <= 47) {
			bg = vga[a - 40];
		}
	}
	scr.color = (uint8_t)(scr.reverse ? (fg & 7) << 4 | bg : bg << 4 | fg);
}

static unsigned
arg_or(unsigned i, unsigned dflt)
{
	return i <= scr.nargs && scr.arg[i] != 0 ? scr.arg[i] : dflt;
}

static void
put_cell(unsigned row, unsigned col, uint16_t cell)
{
	if (scr.cell[row][col] == cell)
		return;
	scr.cell[row][col] = cell;
	scr.mem[row * COLS + col] = cell;
}

static void
clear(unsigned row, unsigned col, unsigned n)
{
	for (; n > 0 && row < ROWS; n--) {
		put_cell(row, col, BLANK);
		if (++col == COLS) {
			col = 0;
			row++;
		}
	}
}

static void
new_line(void)
{
	unsigned row, col;

	if (scr.row < ROWS - 1) {
		scr.row++;
		return;
	}
	for (row = 0; row < ROWS - 1; row++) {
		for (col = 0; col < COLS; col++)
			put_cell(row, col, scr.cell[row + 1][col]);
	}
	clear(ROWS - 1, 0, COLS);
}

static void
show_cursor(void)
{
	unsigned at = scr.row * COLS + MIN(scr.col, COLS - 1);

	md_out8(CRTC_INDEX, CRTC_CURSOR_LOW);
	md_out8(CRTC_DATA, (uint8_t)at);
	md_out8(CRTC_INDEX, CRTC_CURSOR_HIGH);
	md_out8(CRTC_DATA, (uint8_t)(at >> 8));
}
