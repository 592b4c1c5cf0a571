/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alarms.h: signals for the programs about calls that are interrupted
 */
#ifndef TEST_ALARMS_H
#define TEST_ALARMS_H

#include "test.h"

/* A handler. */
static inline void
nothing(int signo)
{
	(void)signo;
}

/* Again and again: the first may come before the wait does. */
static inline void
alarms(int usec)
{
	const struct itimerval it = { { 0, usec }, { 0, usec } };

	OK(setitimer(ITIMER_REAL, &it, NULL));
}

#endif
