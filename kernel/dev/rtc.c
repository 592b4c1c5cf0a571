/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc.c: the wall clock
 *
 * Problem   Seconds since 1970 from the battery-backed clock; after that,
 *           md_time_ns() counts on.
 *
 * Rules     The registers are read until two readings agree, since an update
 *           may fall between them (Motorola MC146818A data sheet).
 */
#include "dev/devfn.h"

#define PORT_INDEX 0x70
#define PORT_DATA 0x71
#define REG_STATUS_A 0x0a
#define REG_STATUS_B 0x0b

struct rtc_time {
	unsigned sec, min, hour, day, month, year;
};

static struct {
	_Atomic uint64_t boot_seconds; /* [A] 0: not yet read */
} rtc;

static uint8_t
rtc_reg(uint8_t reg)
{
	md_out8(PORT_INDEX, reg);
	return md_in8(PORT_DATA);
}

static void
rtc_read(struct rtc_time *t)
{
	while (rtc_reg(REG_STATUS_A) & 0x80)
		md_pause();
	t->sec = rtc_reg(0);
	t->min = rtc_reg(2);
	t->hour = rtc_reg(4);
	t->day = rtc_reg(7);
	t->month = rtc_reg(8);
	t->year = rtc_reg(9);
}

static bool
rtc_equal(const struct rtc_time *a, const struct rtc_time *b)
{
	return a->sec == b->sec && a->min == b->min && a->hour == b->hour &&
	    a->day == b->day && a->month == b->month && a->year == b->year;
}

static unsigned
from_bcd(unsigned v)
{
	return (v >> 4) * 10 + (v & 15);
}

/* Registers → binary, 24 hours, full year. */
static void
rtc_decode(struct rtc_time *t)
{
	uint8_t b = rtc_reg(REG_STATUS_B);
	bool pm = (t->hour & 0x80) != 0;

	t->hour &= 0x7f;
	if (!(b & 4)) {
		t->sec = from_bcd(t->sec);
		t->min = from_bcd(t->min);
		t->hour = from_bcd(t->hour);
		t->day = from_bcd(t->day);
		t->month = from_bcd(t->month);
		t->year = from_bcd(t->year);
	}
	if (!(b & 2))
		t->hour = t->hour % 12 + (pm ? 12 : 0);
	t->year += t->year < 70 ? 2000 : 1900;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static uint64_t
days_to(unsigned year, unsigned month, unsigned day)
{
	/* March is month 0, so that the leap day ends the year. */
	unsigned y = month <= 2 ? year - 1 : year;
	unsigned m = month <= 2 ? month + 9 : month - 3;
	uint64_t days = 365ul * y + y / 4 - y / 100 + y / 400;

	return days + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* Apart from who asks: it needs registers, which a file that is written does not save. */
static __attribute__((noinline)) uint64_t
boot_seconds_from_clock(void)
{
	struct rtc_time a, b;
	uint64_t now;

	do {
		rtc_read(&a);
		rtc_read(&b);
	} while (!rtc_equal(&a, &b));
	rtc_decode(&a);
	now = days_to(a.year, a.month, a.day) * 86400 + a.hour * 3600 +
	    a.min * 60 + a.sec;
	now -= md_time_ns() / 1000000000;
	atomic_store(&rtc.boot_seconds, now);
	return now;
}

/*
 * The time at which md_time_ns() was 0.
 *
 * Locks:    none.
 * Returns:  seconds since 1970-01-01 00:00 UTC.
 */
uint64_t
rtc_boot_seconds(void)
{
	uint64_t now = atomic_load(&rtc.boot_seconds);

	return now != 0 ? now : boot_seconds_from_clock();
}
