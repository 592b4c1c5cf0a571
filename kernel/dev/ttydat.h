/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttydat.h: the terminal's state, shared by tty.c (lines) and ttyctl.c (ioctl)
 */
#ifndef DEV_TTYDAT_H
#define DEV_TTYDAT_H

#include "dev/devfn.h"

#define NCCS 19

/* struct termios of the Linux ABI: 36 bytes. */
struct termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[NCCS];
};

struct winsize {
	uint16_t row, col, xpixel, ypixel;
};

enum tty_iflag { BRKINT = 2, ISTRIP = 0x20, INLCR = 0x40, IGNCR = 0x80,
	ICRNL = 0x100, IXON = 0x400 };
enum tty_oflag { OPOST = 1, ONLCR = 4, OCRNL = 8 };
enum tty_lflag { ISIG = 1, ICANON = 2, ECHO = 8, ECHOE = 0x10, ECHOK = 0x20,
	ECHONL = 0x40, NOFLSH = 0x80, TOSTOP = 0x100, ECHOCTL = 0x200,
	ECHOKE = 0x800, IEXTEN = 0x8000 };
enum tty_cc { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART,
	VSTOP, VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2 };

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGCONT 18
#define SIGTSTP 20
#define SIGWINCH 28

#define TTY_LINE 4096   /* longest canonical line */
#define TTY_COOKED 8192
#define TTY_RAW 1024

/* Elements of the cooked ring: a byte, and whether a line ends here. */
#define COOKED_EOL 0x100
#define COOKED_EOF 0x200 /* ends a line, but carries no byte */
#define COOKED_PART 0    /* no line ends */

struct tty {
	struct spinlock lock;          /* guards all below; LR_DEV, irq */
	struct termios t;
	struct winsize ws;
	int session, fg;               /* 0: none */
	bool stopped;                  /* ^S, or TCOOFF */
	bool held;                     /* TCOOFF: TCOON alone starts it again */
	bool lnext;                    /* ^V: the next byte is literal */
	char line[TTY_LINE];           /* being edited */
	unsigned nline;
	uint16_t cooked[TTY_COOKED];   /* ring: ready to be read */
	unsigned chead, ntotal, nlines;
	char raw[TTY_RAW];             /* ring: from the interrupt */
	unsigned rhead, nraw;
	struct mutex writing;          /* a leaf: whose turn on the wire it is */
	struct waitq readers;          /* data, or ^Q */
	struct ready ready;            /* who watches for the same */
	struct work input;             /* raw → line discipline */
};

extern struct tty tty;
extern const struct tty_ops *tty_job; /* [c] NULL until proc/ registers */

/* ttyctl.c */
int64_t tty_ioctl(void *dev, unsigned cmd, uint64_t arg);
int tty_open(void *dev, unsigned flags);
int tty_open_current(void *dev, unsigned flags);

/* tty.c */
void tty_flush_input(void);
void tty_change_mode(void);
void tty_start_locked(void);
void tty_tell(unsigned bits);

#endif
