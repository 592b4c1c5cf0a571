/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_terminals.h: pseudo terminals: what is typed, printed, set and read
 */
#ifndef SEEDED_CALLS_TERMINALS_H
#define SEEDED_CALLS_TERMINALS_H

#include "calls.h"

/* Both ends of a new one. */
static void
op_ptmx(void)
{
	int how = O_RDWR | O_NOCTTY | O_NONBLOCK, unlock = 0;
	int master;

	say("ptmx");
	master = (int)tell(open("/dev/ptmx", how));
	if (master < 0)
		return;
	tell(ioctl(master, TIOCSPTLCK, &unlock));
	tell(ioctl(master, TIOCGPTPEER, how));
}

static void
op_type(void)
{
	static const char *const texts[] = { "foo-bar_9 \x17", "\x16\x7f",
		"\x16\n", "\x16\x04z", "\x1c", "\x1a", "p\x12", "x y\x15",
		"\r\n", "\x16\x15k\x7f", "\xe2\x82\xac\x7f", "hello\n", "a",
		"\x7f", "\x15", "\x04", "x\x04", "\n", "\r", "w1 w2\x17",
		"\x16\x03", "\x03", "\x13q", "\x11", "\x80\xff",
		"\xc3\xa9\x7f", "ab\x12", "\x0f" };
	unsigned which = chance(sizeof(texts) / sizeof(texts[0]));
	int fd = fd_that(is_terminal);

	if (!is_terminal(fd))
		return;
	say("type %d text %u", fd, which);
	tell(write(fd, texts[which], strlen(texts[which])));
}

static void
op_read_line(void)
{
	int fd = fd_that(is_terminal);
	size_t n = PICK(1, 3, 100, 1000);

	if (!is_terminal(fd))
		return;
	say("read_line %d %zu", fd, n);
	show_bytes(fd, in, tell(read(fd, in, n)));
}

static void
op_tcgets(void)
{
	int fd = fd_that(is_terminal);
	struct termios t;

	say("tcgets %d", fd);
	if (tell(ioctl(fd, TCGETS, &t)) == 0)
		say(" %x %x %x", t.c_iflag, t.c_oflag, t.c_lflag);
}

/* One flag changes, often ICANON, sometimes how many bytes end a read. */
static void
change(struct termios *t)
{
	static const tcflag_t local[] = { ICANON, ECHO, ISIG, IEXTEN, ECHOE,
		ECHOK, ECHONL, ECHOCTL, NOFLSH, TOSTOP };
	static const tcflag_t input[] = { ICRNL, INLCR, IGNCR, ISTRIP, IXON,
		IXANY, IMAXBEL, IUTF8 };
	static const tcflag_t output[] = { OPOST, ONLCR, OCRNL, ONLCR, OPOST };

	switch (chance(3)) {
	case 0:
		t->c_lflag ^= local[chance(10)];
		break;
	case 1:
		t->c_iflag ^= input[chance(8)];
		break;
	default:
		t->c_oflag ^= output[chance(5)];
	}
	if (chance(3) == 0)
		t->c_lflag ^= ICANON;
	if (chance(4) == 0) {
		t->c_cc[VMIN] = PICK(0, 1, 3);
		t->c_cc[VTIME] = 0;
	}
}

static void
op_tcsets(void)
{
	int fd = fd_that(is_terminal);
	int how = PICK(TCSETS, TCSETSF, TCSETS);
	struct termios t;

	if (ioctl(fd, TCGETS, &t) != 0)
		return;
	change(&t);
	say("tcsets %d %s %x %x %x", fd, how == TCSETSF ? "flush" : "now",
	    t.c_iflag, t.c_oflag, t.c_lflag);
	tell(ioctl(fd, how, &t));
}

static void
op_tcflsh(void)
{
	int fd = fd_that(is_terminal);
	int queue = (int)chance(3);

	say("tcflsh %d %d", fd, queue);
	tell(ioctl(fd, TCFLSH, queue));
}

static void
op_outq(void)
{
	int fd = fd_that(is_terminal);
	int n;

	say("outq %d", fd);
	tell(ioctl(fd, TIOCOUTQ, &n));
}

static void
op_getwinsz(void)
{
	int fd = fd_that(is_terminal);
	struct winsize w;

	say("getwinsz %d", fd);
	if (tell(ioctl(fd, TIOCGWINSZ, &w)) == 0)
		say(" %d %d", w.ws_row, w.ws_col);
}

static void
op_setwinsz(void)
{
	int fd = fd_that(is_terminal);
	struct winsize w = { .ws_row = (unsigned short)chance(9), .ws_col = 6 };

	say("setwinsz %d %d", fd, w.ws_row);
	tell(ioctl(fd, TIOCSWINSZ, &w));
}

static const struct op terminal_ops[] = { { op_ptmx, 4 }, { op_type, 12 },
	{ op_read_line, 10 }, { op_tcgets, 2 }, { op_tcsets, 5 },
	{ op_tcflsh, 2 }, { op_outq, 1 }, { op_getwinsz, 1 },
	{ op_setwinsz, 1 } };

#endif
