/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c: time since boot, and how fast the counters run
 *
 * Problem   The time stamp counter is fast to read, but its frequency is not
 *           known; nor is the local APIC timer's.  Both are measured against
 *           the old timer (PIT), which runs at 1.193182 MHz.
 *
 * Picture   sample ─ 5 ms by the PIT ─ sample;  each sample: TSC, PIT, TSC
 *           ns = (tsc - base) * mult >> 32
 *
 * Rules     1. A sample taken while an emulator was busy elsewhere shows a
 *              wide gap between its two TSC values: of several, the narrowest
 *              counts.
 *           2. The PIT counts for 55 ms.  If an emulator was stopped for longer,
 *              its output says so, and all is measured again.  One count of the PIT
 *              is 168 millionths of 5 ms, so samples are taken where the count
 *              changes: their error is their gap.
 *           3. Counters of two CPUs may differ a little: the last value
 *              handed out is kept, and nobody gets an older one.
 *
 * Read next kernel/amd64/apic.c, kern/timer.c
 */
#include "amd64/amd64.h"

enum {
	PIT_HZ = 1193182, PIT_CH2 = 0x42, PIT_MODE = 0x43, PIT_GATE = 0x61,
	PIT_CH2_ONESHOT = 0xb0, PIT_CH2_LATCH = 0x80,
	PIT_OUTPUT = 0x20, /* of PIT_GATE: channel 2 has counted to 0 */
	SAMPLES = 8, WAIT_COUNTS = PIT_HZ / 200, TRIES = 1000
};

struct sample {
	uint64_t tsc, gap;
	uint32_t pit, lapic;
};

static struct {
	uint64_t base, mult;       /* [c] after clock_init() */
	uint32_t lapic_count;      /* [c] */
	uint64_t last_ns;          /* [A] newest value handed out */
	uint64_t jitter;           /* [A] state of md_entropy() */
} hw_clock;

static bool measure(struct sample *a, struct sample *b);
static void pit_start(void);
static uint32_t pit_read(void);
static void take_sample(struct sample *);

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/*
 * Measure both counters; md_time_ns() runs from here on.
 *
 * Context:  CPU 0, interrupts off; takes 5 ms, more on a busy host.
 */
void
clock_init(void)
{
	struct sample a, b;
	uint64_t tsc_hz, lapic_hz;
	uint32_t counts;
	int tries = 0;

	while (!measure(&a, &b))
		if (++tries == TRIES)
			boot_fatal("the clock cannot be measured");
	counts = a.pit - b.pit;
	tsc_hz = (b.tsc - a.tsc) * PIT_HZ / counts;
	lapic_hz = (uint64_t)(a.lapic - b.lapic) * PIT_HZ / counts;
	if (tsc_hz == 0 || lapic_hz < MD_HZ)
		boot_fatal("the clock does not run");
	hw_clock.lapic_count = lapic_hz / MD_HZ;
	hw_clock.mult = (NS_PER_S << 32) / tsc_hz;
	hw_clock.base = rdtsc();
}

/* Two samples 5 ms apart.  False: the PIT has ended between them. */
static bool
measure(struct sample *a, struct sample *b)
{
	apic_timer_free_run();
	pit_start();
	take_sample(a);
	while (a->pit - pit_read() < WAIT_COUNTS)
		md_pause();
	take_sample(b);
	return (md_in8(PIT_GATE) & PIT_OUTPUT) == 0;
}

/* Channel 2 counts 65535 down to 0 once, with the speaker off. */
static void
pit_start(void)
{
	md_out8(PIT_GATE, (md_in8(PIT_GATE) & ~2) | 1);
	md_out8(PIT_MODE, PIT_CH2_ONESHOT);
	md_out8(PIT_CH2, 0xff);
	md_out8(PIT_CH2, 0xff);
}

static uint32_t
pit_read(void)
{
	uint32_t v;

	md_out8(PIT_MODE, PIT_CH2_LATCH);
	v = md_in8(PIT_CH2);
	return v | (uint32_t)md_in8(PIT_CH2) << 8;
}

/* Sample just after a count of the PIT, if it can be read faster than it counts. */
static void
take_sample(struct sample *best)
{
	struct sample s;
	uint32_t before;
	uint64_t t;
	int i;

	best->gap = UINT64_MAX;
	for (i = 0; i < SAMPLES; i++) {
		before = pit_read();
		do {
			t = rdtsc();
			s.pit = pit_read();
		} while (s.pit == before);
		s.lapic = apic_timer_read();
		s.gap = rdtsc() - t;
		s.tsc = t + s.gap / 2;
		if (s.gap < best->gap)
			*best = s;
	}
}

uint32_t
clock_lapic_count(void)
{
	return hw_clock.lapic_count;
}

/* Nanoseconds since md_init(); never goes back on any CPU.  Any context. */
uint64_t
md_time_ns(void)
{
	unsigned __int128 wide;
	uint64_t last, ns;

	last = atomic_load(&hw_clock.last_ns);
	wide = (unsigned __int128)(rdtsc() - hw_clock.base) * hw_clock.mult;
	ns = (uint64_t)(wide >> 32);
	do {
		if ((int64_t)(ns - last) <= 0)
			return last;
	} while (!atomic_cas(&hw_clock.last_ns, &last, ns));
	return ns;
}

void
clock_spin_ns(uint64_t ns)
{
	uint64_t end = md_time_ns() + ns;

	while (md_time_ns() < end)
		md_pause();
}

static bool
rdrand(uint64_t *out)
{
	bool ok = false;
	int i;

	for (i = 0; i < 10 && !ok; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(*out), "=qm"(ok)
		    : : "cc");
	return ok;
}

/* Multiply and fold until each bit of x has reached all others. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ul;
	x = (x ^ x >> 29) * 0xa3b195354a39b70dul;
	return x ^ x >> 32;
}

/* Hardware random if there is, folded with the jitter of the counter. */
uint64_t
md_entropy(void)
{
	uint64_t hw = 0;

	if (cpu_features.rdrand && !rdrand(&hw))
		hw = 0;
	return mix(atomic_add(&hw_clock.jitter, rdtsc() | 1)) ^ hw;
}
