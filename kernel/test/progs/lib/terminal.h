/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.h: a terminal for the programs about sessions and jobs
 *
 * On Linux a new one, with a hand that types; ours is the only one.  It is of
 * no session yet.
 */
#ifndef TEST_TERMINAL_H
#define TEST_TERMINAL_H

#include "test.h"
#include <poll.h>
#include <sys/ioctl.h>

static int terminal_hand = -1; /* its other end; ours has none */

static inline int
terminal(void)
{
	int fd, zero = 0;

	if (on_vadose())
		return OK(open("/dev/ttyS0", O_RDWR | O_NOCTTY));
	fd = terminal_hand = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	OK(ioctl(fd, TIOCSPTLCK, &zero));
	return OK(ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY));
}

/* Is output not stopped? */
static inline bool
can_write(int tty)
{
	struct pollfd p = { .fd = tty, .events = POLLOUT };

	OK(poll(&p, 1, 0));
	return (p.revents & POLLOUT) != 0;
}

#endif
