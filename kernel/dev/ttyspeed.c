/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttyspeed.c: the speed that a terminal reports
 *
 * Problem   An old program names a speed by a code in cflag, a new one by a number;
 *           each asks for what the other has set.
 *
 * Rules     The speed is stored and reported; it changes nothing else.
 *
 * Read next ttyctl.c.
 */
#include "dev/ttydat.h"

#define CBAUD 0x100fu
#define CBAUDEX 0x1000u      /* alone, without a code: the number counts */
#define IBSHIFT 16u

/* By code; those with CBAUDEX are behind the first 16. */
static const uint32_t speeds[] = { 0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800,
	2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000, 576000,
	921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000 };

/* Of a code; number: what counts if there is none. */
static uint32_t
speed_of(uint32_t code, uint32_t number)
{
	uint32_t i = code & ~CBAUDEX;

	if (code == CBAUDEX)
		return number;
	if ((code & CBAUDEX) != 0)
		i += 15;
	return i < ARRAY_LEN(speeds) ? speeds[i] : 0;
}

/* Where codes name speeds, the numbers are those. */
void
tty_set_speeds(struct termios2 *t)
{
	uint32_t out = t->t.cflag & CBAUD, in = t->t.cflag >> IBSHIFT & CBAUD;

	t->ospeed = speed_of(out, t->ospeed);
	t->ispeed = in == 0 ? t->ospeed : speed_of(in, t->ispeed);
}
