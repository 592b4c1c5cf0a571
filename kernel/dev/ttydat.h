/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttydat.h: a terminal: its line discipline, and the driver below it
 *
 * Problem   A serial line and a pseudo terminal differ in where bytes go; lines,
 *           echo, signals, jobs and the window's size are the same for both.
 *
 * Picture   program ─ chr_ops ─→ ttyio.c ─ tty_ops.send ─→ console.c │ pty.c
 *                      ↑ lines    tty.c  ←─ tty_receive ──┘
 *           ttyctl.c: ioctl       ttyjob.c: whose terminal it is
 *
 * Tags      [c] constant after construction   [A] atomic
 *           [T] tty->lock                     [S] the lock of ttyjob.c
 */
#ifndef DEV_TTYDAT_H
#define DEV_TTYDAT_H

#include "dev/devfn.h"

#define NCCS 19
#define O_NOCTTY 0400u

/* struct termios of the Linux ABI: 36 bytes. */
struct termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[NCCS];
};

/* The same with speeds that no code in cflag names: 44 bytes. */
struct termios2 {
	struct termios t;
	uint32_t ispeed, ospeed;
};

struct winsize {
	uint16_t row, col, xpixel, ypixel;
};

enum tty_iflag { BRKINT = 2, PARMRK = 8, ISTRIP = 0x20, INLCR = 0x40, IGNCR = 0x80,
	ICRNL = 0x100, IUCLC = 0x200, IXON = 0x400, IXANY = 0x800, IUTF8 = 0x4000 };
enum tty_oflag { OPOST = 1, OLCUC = 2, ONLCR = 4, OCRNL = 8, ONOCR = 0x10,
	ONLRET = 0x20, XTABS = 0x1800 };
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
#define TTY_COOKED 12544 /* about what Linux takes of what nobody reads */
#define TTY_TAB 8u      /* columns */

/* Elements of the cooked ring: a byte, and whether a line ends here. */
#define COOKED_BYTE 0xff  /* marks are above it, in canonical mode only */
#define COOKED_EOL 0x100
#define COOKED_EOF 0x200 /* ends a line, but carries no byte */
#define COOKED_PART 0    /* no line ends */

enum tty_side { TTY_PROGRAM, TTY_DRIVER }; /* TTY_DRIVER: who has the other end asks */

struct tty;

/* The driver of a terminal, below its line discipline.  It hands incoming bytes
 * to tty_receive(). */
struct tty_ops {
	/* Send the bytes unchanged, all or none; how many were sent.  Does not sleep;
	 * takes tty->lock or leaf locks. */
	size_t (*send)(struct tty *, const char *, size_t n);
	/* How many bytes of a write may be sent now; echo is not limited.  NULL:
	 * any number. */
	size_t (*room)(struct tty *);
	/* No lock, also for those that follow.  Input was read: there is room for more.
	 * NULL: nobody waits for that; bytes that do not fit are dropped. */
	void (*taken)(struct tty *);
	/* An event, as bits TIOCPKT_*.  NULL: nobody listens. */
	void (*note)(struct tty *, unsigned bits);
	/* The last reference is gone.  NULL: it never is. */
	void (*free)(struct tty *);
};

enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH }; /* TCFLSH: what */
enum tty_note { TIOCPKT_FLUSHREAD = 1, TIOCPKT_FLUSHWRITE = 2, TIOCPKT_STOP = 4,
	TIOCPKT_START = 8, TIOCPKT_NOSTOP = 16, TIOCPKT_DOSTOP = 32 };

#define ECHO_KEPT 256
struct tty {
	const struct tty_ops *ops;     /* [c] */
	struct chr_dev *chr;           /* [c] what /dev/tty stands for */
	struct list_node all;          /* [S] */
	unsigned refs;                 /* [S] its session, and what the driver has */
	int session, fg;               /* [S] read without; 0: none */
	bool hung;                     /* [S] read without: the driver is gone */
	bool alone[2];                 /* [A] by tty_side: TIOCEXCL, root alone opens it */
	struct spinlock lock;          /* LR_DEV, irq */
	struct termios t;              /* [T] */
	uint32_t ispeed, ospeed;       /* [T] as TCSETS2 had them, or cflag */
	struct winsize ws;             /* [T] */
	bool stopped;                  /* [T] ^S, or TCOOFF */
	bool held;                     /* [T] TCOOFF: TCOON alone starts it again */
	char kept[ECHO_KEPT];          /* [T] echo that waits for ^Q */
	unsigned nkept;                /* [T] */
	unsigned column;               /* [T] where the next byte stands, by OPOST */
	unsigned begin;                /* [T] where the line that is edited began */
	bool lnext;                    /* [T] ^V: the next byte is literal */
	struct mutex writing;          /* a leaf: whose bytes are going out */
	char line[TTY_LINE];           /* [T] being edited */
	unsigned nline;                /* [T] */
	uint16_t cooked[TTY_COOKED];   /* [T] ring: ready to be read */
	unsigned chead, ntotal, nlines; /* [T] */
	struct ready ready;            /* data, ^Q, room, whose turn it is */
};

extern const struct tty_job_ops *tty_job; /* [c] NULL until proc/ registers */

/* tty.c */
void tty_setup(struct tty *, const struct tty_ops *, struct chr_dev *);
size_t tty_receive(struct tty *, const char *s, size_t n);
size_t tty_room(struct tty *);
void tty_flush_input(struct tty *);
void tty_change_mode(struct tty *);
void tty_start_locked(struct tty *);

/* ttyio.c */
ssize_t tty_read(void *dev, void *buf, size_t n, bool nonblock);
ssize_t tty_write(void *dev, const void *buf, size_t n, bool nonblock);
unsigned tty_poll(void *dev, struct ready **at);
size_t tty_post(struct tty *, char c, char *to);
bool tty_is_within_char(const struct tty *, uint8_t c);
void tty_echo(struct tty *, const char *s, size_t n);
void tty_note(struct tty *, unsigned bits);
int tty_take_turn(struct mutex *, struct waitq *, bool nonblock);
void tty_end_turn(struct mutex *, struct waitq *);
int tty_wait(struct waitq *, int (*state)(void *), void *arg, bool nonblock);

/* ttyctl.c */
int64_t tty_ioctl(void *dev, unsigned cmd, uint64_t arg);
int64_t tty_ioctl_as(struct tty *, enum tty_side, unsigned cmd, uint64_t arg);
int64_t tty_answer(uint64_t arg, int value);

/* ttyspeed.c */
void tty_set_speeds(struct termios2 *);

/* ttyjob.c */
void tty_add(struct tty *);
void tty_put(struct tty *);
void tty_hangup(struct tty *);
uint32_t tty_dev(const struct tty *);
bool tty_is_mine(const struct tty *);
struct tty *tty_current(void);
void tty_signal(struct tty *, int sig);
int tty_may_change(const struct tty *);
bool tty_may_open(const struct tty *);
void tty_opened(struct tty *, unsigned flags);
int tty_set_session(struct tty *, uint64_t steal);
int tty_drop_session(struct tty *);
int tty_set_group(struct tty *, int pgid);

#endif
