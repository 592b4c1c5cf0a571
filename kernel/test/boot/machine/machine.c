/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c: the traps that guard the kernel from itself, and the clock
 *
 * Problem   NX, W^X, SMEP, SMAP and guard pages are switches in registers and
 *           tables; that they are set is shown only by the trap.
 *
 * Rules     A trap_* test does what the kernel must never do; if it survives,
 *           it says so, and the host's test fails for want of a panic.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/selftest.h"
#include "vm/space/space.h"
#include "vm/vm.h"

static void
survived(const char *what)
{
	selftest_fail(__FILE__, __LINE__, "%s did not trap", what);
}

/* A page of user memory that begins with a ret instruction. */
static va_t
user_page(void)
{
	struct map_args a = { .len = PAGE_SIZE, .prot = PROT_R | PROT_W | PROT_X,
		.maxprot = PROT_R | PROT_W | PROT_X,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS, .privileged = true };
	static const uint8_t ret = 0xc3;
	struct aspace *as;
	va_t va = 0;

	if (as_create(NULL, &as) < 0)
		panic("selftest: no memory for an address space");
	as_attach_user(as);
	as_bind_thread(thread_current(), as);
	thread_set_space(as_space(as));
	if (map_mmap(as, &a, &va) < 0 || as_write(as, va, &ret, 1) != 1)
		panic("selftest: no memory for a user page");
	return va;
}

static void
trap_smep(void)
{
	((void (*)(void))user_page())();
	survived("running user code in the kernel (SMEP)");
}

static void
trap_smap(void)
{
	volatile uint8_t *p = (volatile uint8_t *)user_page();

	if (*p == 0xc3)
		survived("reading user memory without stac (SMAP)");
}

static void
trap_nx(void)
{
	static uint8_t data[16] = { 0xc3 };

	((void (*)(void))(uintptr_t)data)();
	survived("running data (NX)");
}

static void
trap_direct(void)
{
	uint8_t *p = kmem_alloc(64);

	p[0] = 0xc3;
	((void (*)(void))(uintptr_t)p)();
	survived("running the direct map (NX)");
}

static void
trap_wx(void)
{
	volatile uint8_t *text = (volatile uint8_t *)(uintptr_t)trap_nx;

	*text = 0xcc;
	survived("writing kernel text (W^X)");
}

static void
trap_rodata(void)
{
	volatile char *p = (volatile char *)(uintptr_t)selftests_machine;

	*p = 1;
	survived("writing constant data");
}

static void
trap_null(void)
{
	volatile uint8_t *volatile p = NULL;

	if (*p == 0)
		survived("reading address 0");
}

static unsigned deeper(unsigned n);
/* Volatile, or the compiler makes a loop of the recursion. */
static unsigned (*volatile go_deeper)(unsigned) = deeper;

/* Frames of 256 bytes until the guard page below the stack is met. */
static unsigned
deeper(unsigned n)
{
	volatile uint8_t frame[256];

	frame[n & 255] = (uint8_t)n;
	return frame[n & 255] + (n < 1000000 ? go_deeper(n + 1) : 0) + 1;
}

static void
trap_guard(void)
{
	if (deeper(0) != 0)
		survived("running over the kernel stack's end");
}

static void
trap_canary(void)
{
	volatile char small[16];
	volatile char *volatile p = small;
	unsigned i;

	for (i = 0; i < 48; i++)
		p[i] = 'x';
}

static void
trap_assert(void)
{
	ASSERT(md_ncpus() == 0);
}

static void
assert_in_timer(void *arg)
{
	ASSERT(!md_in_irq() && arg == NULL);
}

static void
trap_assert_irq(void)
{
	static struct timer t;

	timer_init(&t, assert_in_timer, NULL);
	timer_arm(&t, md_time_ns() + 1000000);
	sleep_until(md_time_ns() + 50000000, WAIT_PLAIN);
	survived("an assert in an interrupt");
}

static void
clock_goes_forward(void)
{
	uint64_t last = md_time_ns(), now, start = last;
	unsigned i;

	for (i = 0; i < 20000; i++) {
		now = md_time_ns();
		if (now < last)
			selftest_fail(__FILE__, __LINE__,
			    "clock went back by %lu ns", last - now);
		last = now;
	}
	sleep_until(start + 50000000, WAIT_PLAIN);
	EXPECT_IS(md_time_ns(), >=, start + 50000000);
}

static void
count_call(void *arg)
{
	_Atomic unsigned *n = arg;

	atomic_add(n, 1);
}

static void
call_reaches_all_cpus(void)
{
	_Atomic unsigned n = 0;
	unsigned i;

	for (i = 0; i < 100; i++)
		md_call_others(count_call, &n);
	EXPECT_IS(n, ==, 100 * (md_ncpus() - 1));
}

const struct selftest selftests_machine[] = {
	{ "clock", clock_goes_forward, "time never goes back, sleeps last" },
	{ "call_others", call_reaches_all_cpus, "every CPU runs each call once" },
	{ "trap_smep", trap_smep, "the kernel cannot run user code" },
	{ "trap_smap", trap_smap, "the kernel cannot read user memory by chance" },
	{ "trap_nx", trap_nx, "data cannot be run" },
	{ "trap_direct", trap_direct, "the direct map cannot be run" },
	{ "trap_wx", trap_wx, "kernel text cannot be written" },
	{ "trap_rodata", trap_rodata, "constants cannot be written" },
	{ "trap_null", trap_null, "address 0 is not mapped in the kernel" },
	{ "trap_guard", trap_guard, "a stack overflow meets the guard page" },
	{ "trap_canary", trap_canary, "an overrun buffer is noticed" },
	{ "trap_assert", trap_assert, "an assert ends in a panic" },
	{ "trap_assert_irq", trap_assert_irq, "in an interrupt, too" },
	{ NULL, NULL, NULL },
};
