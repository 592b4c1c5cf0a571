/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu.c: the per-CPU area, feature bits, interrupt state
 *
 * Problem   Code must know at any moment on which CPU and in which thread it
 *           runs, and must be able to hold off interrupts and the
 *           scheduler.
 *
 * Picture   GS base → struct cpu.  In user mode the other base is loaded;
 *           swapgs at each entry and exit exchanges the two.
 *
 * Rules     One instruction reads or counts a field of this CPU, so that
 *           no interrupt can move us to another CPU in between.
 *
 * Read next kernel/amd64/init.c, kernel/amd64/ipi.c.  Book: ch03.
 */
#define MD_INLINE extern inline /* functions for code that cannot inline them */
#include "amd64/amd64.h"

struct cpu cpu_rows[MAXCPU];

struct cpu_features cpu_features; /* [c] after md_early_init() */
uint8_t cpu_smap;                 /* [c] */
uintptr_t __stack_chk_guard;      /* [c] */

void __stack_chk_fail(void) NORETURN;

_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "asm.h");
_Static_assert(offsetof(struct cpu, kstack) == CPU_KSTACK, "asm.h");
_Static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "asm.h");
_Static_assert(offsetof(struct cpu, preempt) == CPU_PREEMPT, "asm.h");
_Static_assert(offsetof(struct cpu, need_resched) == CPU_NEED_RESCHED, "asm.h");
_Static_assert(offsetof(struct cpu, irq_depth) == CPU_IRQ_DEPTH, "asm.h");
_Static_assert(offsetof(struct cpu, id) == CPU_ID, "asm.h");
_Static_assert(offsetof(struct cpu, lock_word) == CPU_LOCK_WORD, "asm.h");
_Static_assert(offsetof(struct cpu, word) == CPU_WORD, "asm.h");
_Static_assert(CPU_IRQ_DEPTH == CPU_PREEMPT + 4, "md_may_sleep()");
_Static_assert(sizeof(struct cpu) == MD_ROW, "rows of MD_COUNT()");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "asm.h");
_Static_assert(offsetof(struct trapframe, arg) == TF_ARGS, "asm.h");
_Static_assert(offsetof(struct trapframe, cs) == TF_CS, "asm.h");

struct cpu *
cpu_of(unsigned id)
{
	return &cpu_rows[id];
}

/* What the processor offers.  Context: as cpu_load(), on CPU 0. */
void
cpu_find_features(void)
{
	struct cpuid basic = cpuid(0, 0), f = { 0, 0, 0, 0 };

	if (basic.a >= 7)
		f = cpuid(7, 0);
	cpu_features.smep = (f.b & BIT(7)) != 0;
	cpu_features.smap = (f.b & BIT(20)) != 0;
	cpu_features.umip = (f.c & BIT(2)) != 0;
	cpu_features.rdrand = (cpuid(1, 0).c & BIT(30)) != 0;
	cpu_smap = cpu_features.smap;
}

/* The 16 bytes of four registers as text. */
static void
cpuid_text(char *text, const struct cpuid *r)
{
	const uint32_t word[4] = { r->a, r->b, r->c, r->d };

	for (unsigned i = 0; i < sizeof(word); i++)
		text[i] = (char)(word[i / 4] >> i % 4 * 8);
}

/* Source: Intel SDM vol. 2A, CPUID; AMD's Programmer's Manual vol. 3, E.4.5 (L2). */
void
md_processor(struct md_processor *p)
{
	struct cpuid r = cpuid(0, 0), most = cpuid(0x80000000, 0);
	const struct cpuid vendor = { r.b, r.d, r.c, 0 };
	char text[16];

	*p = (struct md_processor){ 0 };
	cpuid_text(text, &vendor);
	for (unsigned i = 0; i < sizeof(p->vendor) - 1; i++)
		p->vendor[i] = text[i];
	r = cpuid(1, 0);
	p->stepping = r.a & 15;
	p->model = r.a >> 4 & 15;
	p->family = r.a >> 8 & 15;
	if (p->family == 6 || p->family == 15)
		p->model |= (r.a >> 16 & 15) << 4;
	if (p->family == 15)
		p->family += r.a >> 20 & 0xff;
	for (uint32_t i = 0; i < 3 && most.a >= 0x80000004; i++) {
		r = cpuid(0x80000002 + i, 0);
		cpuid_text(p->name + 16 * i, &r);
	}
	if (most.a >= 0x80000006)
		p->cache_kb = cpuid(0x80000006, 0).c >> 16;
}

/* Linux's names of features, from bit 0 of a word of CPUID on.  '-': of no use here, as
 * AVX and its kin, which are off (fpu.c). */
static const struct feature_word {
	uint32_t leaf;
	unsigned reg;               /* 1: b, 2: c, 3: d */
	const char *names;
} feature_words[] = {
	{ 1, 3, "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat "
	    "pse36 - clflush - - - mmx fxsr sse sse2" },
	{ 0x80000001, 3, "- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - "
	    "- fxsr_opt - rdtscp - lm 3dnowext 3dnow" },
	{ 1, 2, "pni pclmulqdq - - - - - - - ssse3 - - - cx16 - - - - - sse4_1 sse4_2 "
	    "- movbe popcnt - aes - - - - rdrand hypervisor" },
	{ 0x80000001, 2, "lahf_lm - - - - abm sse4a misalignsse 3dnowprefetch" },
	{ 7, 1, "fsgsbase - - bmi1 - - - smep bmi2 erms - - - - - - - - rdseed adx "
	    "smap - - clflushopt clwb - - - - sha_ni" },
	{ 7, 2, "- - umip" },
};

/* The bits of a word; 0: the processor does not know its leaf. */
static uint32_t
feature_bits(const struct feature_word *w)
{
	struct cpuid r = cpuid(w->leaf & 0x80000000, 0);

	if (r.a < w->leaf)
		return 0;
	r = cpuid(w->leaf, 0);
	return w->reg == 1 ? r.b : w->reg == 2 ? r.c : r.d;
}

/* Calls fn with the name of each feature, which does not end there. */
void
md_features(void (*fn)(void *arg, const char *name, size_t len), void *arg)
{
	for (unsigned i = 0; i < ARRAY_LEN(feature_words); i++) {
		const char *at = feature_words[i].names;
		uint32_t bits = feature_bits(&feature_words[i]);

		for (; *at != '\0'; bits >>= 1) {
			size_t n = 0;

			while (at[n] != '\0' && at[n] != ' ')
				n++;
			if ((bits & 1) != 0 && *at != '-')
				fn(arg, at, n);
			at += n + (at[n] == ' ');
		}
	}
}

void
__stack_chk_fail(void)
{
	panic("stack canary of %p overwritten", __builtin_return_address(0));
}

/* ---- who am I (also inline.h) ---- */

/*
 * The thread that this CPU runs from now on.
 *
 * Context:  interrupts off, or the first thread of the CPU.
 */
void
md_set_current(struct thread *t)
{
	struct cpu *c = cpu_this();

	c->md = (struct md_thread *)t;
	c->current = t;
}

/*
 * Locks:    none; the CPU itself, or before it starts.
 */
void
md_set_word(unsigned cpu, enum md_word word, uint64_t v)
{
	cpu_rows[cpu].word[word] = v;
}

int64_t
md_word_sum(unsigned word)
{
	uint64_t sum = 0, cpus = md_online_mask();

	do {
		sum += atomic_load_relaxed(
		    &cpu_rows[__builtin_ctzl(cpus)].word[word]);
		cpus &= cpus - 1;
	} while (cpus != 0);
	return (int64_t)sum;
}

/* ---- interrupts (also inline.h) ---- */

void
md_irq_on_again(void)
{
	md_irq_enable();
	if (CPU_READ32(CPU_NEED_RESCHED) != 0)
		md_maybe_resched();
}

/* ---- waiting ---- */

void
md_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* sti takes effect after hlt has begun: an interrupt in between wakes it. */
void
md_idle(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}
