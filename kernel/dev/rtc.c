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
enum { REG_SEC = 0, REG_MIN = 2, REG_HOUR = 4, REG_DAY = 7, REG_MONTH = 8,
	REG_YEAR = 9, REG_STATUS_A = 0x0a, REG_STATUS_B = 0x0b };
#define A_UPDATING 0x80
#define B_24_HOURS 0x02
#define B_BINARY 0x04
#define HOUR_PM 0x80

/* Days from 1 March of year 0 to 1 January 1970. */
#define EPOCH_DAYS 719468

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
	while (rtc_reg(REG_STATUS_A) & A_UPDATING)
		md_pause();
	t->sec = rtc_reg(REG_SEC);
	t->min = rtc_reg(REG_MIN);
	t->hour = rtc_reg(REG_HOUR);
	t->day = rtc_reg(REG_DAY);
	t->month = rtc_reg(REG_MONTH);
	t->year = rtc_reg(REG_YEAR);
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
	bool pm = (t->hour & HOUR_PM) != 0;

	t->hour &= ~(unsigned)HOUR_PM;
	if (!(b & B_BINARY)) {
		t->sec = from_bcd(t->sec);
		t->min = from_bcd(t->min);
		t->hour = from_bcd(t->hour);
		t->day = from_bcd(t->day);
		t->month = from_bcd(t->month);
		t->year = from_bcd(t->year);
	}
	if (!(b & B_24_HOURS))
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

	/* Months from March on: 31 30 31 30 31 days, together 153, and so again. */
	return days + (153 * m + 2) / 5 + day - 1 - EPOCH_DAYS;
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
	now -= md_time_ns() / NS_PER_S;
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
