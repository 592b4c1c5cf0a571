/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apic.c: interrupts between devices, the timer and CPUs
 *
 * Problem   Each CPU has a local APIC (timer, messages to other CPUs); an
 *           IOAPIC turns the wires of devices into messages to CPU 0.
 *
 * Picture   device ─ irq ─ IOAPIC ─┐                ┌ local APIC 0 → CPU 0
 *                                  ├ vector, CPU ──→┤
 *           apic_send() ───────────┘                └ local APIC n → CPU n
 *
 * Rules     1. The old 8259 is moved off the exceptions and masked.
 *           2. Writing a message takes two stores: interrupts are off, and
 *              the one before must have left.
 *           3. An ISA interrupt may be shared; each handler looks at its own
 *              device.  Handlers are added and never removed.
 *
 * Read next kernel/amd64/smp.c, kernel/amd64/clock.c
 */
#include "amd64/amd64.h"

enum {
	LAPIC_ID = 0x20, LAPIC_TPR = 0x80, LAPIC_EOI = 0xb0, LAPIC_SVR = 0xf0,
	LAPIC_ICR = 0x300, LAPIC_ICR_HIGH = 0x310, LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350, LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370, LAPIC_TIMER_START = 0x380,
	LAPIC_TIMER_NOW = 0x390, LAPIC_TIMER_DIVIDE = 0x3e0
};

enum {
	SVR_ENABLE = 0x100, LVT_MASKED = 0x10000, LVT_PERIODIC = 0x20000,
	LVT_NMI = 0x400, DIVIDE_BY_16 = 3,
	ICR_NMI = 0x400, ICR_INIT = 0x500, ICR_STARTUP = 0x600,
	ICR_BUSY = 0x1000, ICR_ASSERT = 0x4000
};

enum {
	IOAPIC_SELECT = 0, IOAPIC_WINDOW = 0x10, IOAPIC_VERSION = 1,
	IOAPIC_ROWS = 0x10, ROW_LOW = 0x2000, ROW_LEVEL = 0x8000,
	ROW_MASKED = 0x10000
};

enum {
	PIC1 = 0x20, PIC2 = 0xa0, PIC_VECTORS = 0xe0, PIC_INIT = 0x11,
	MSR_APIC_ENABLE = 0x800, SHARERS = 4
};

struct isa_handler {
	void (*fn)(void *);        /* [A] set last */
	void *arg;
};

static struct {
	uint8_t *lapic;            /* [c] the same address on each CPU */
	uint8_t *ioapic[ACPI_MAXIOAPIC];       /* [c] */
	struct spinlock lock;      /* IOAPIC registers, new handlers */
	struct isa_handler isa[ACPI_NISA][SHARERS];
} apic = { .lock = SPIN_INIT(LR_DEV) };

static void pic_disable(void);
static void ioapic_mask_all(unsigned i);
static void ioapic_route(unsigned irq);

static uint32_t
reg_read(uint8_t *base, uint32_t reg)
{
	return *(volatile uint32_t *)(base + reg);
}

static void
reg_write(uint8_t *base, uint32_t reg, uint32_t v)
{
	*(volatile uint32_t *)(base + reg) = v;
}

/*
 * Controllers in a known state, the clock, the tick of CPU 0.
 *
 * Context:  CPU 0, interrupts off, once.
 */
void
apic_init(void)
{
	const struct acpi_info *a = acpi_info();
	unsigned i;

	pic_disable();
	apic.lapic = pt_fix_device(0, a->lapic);
	for (i = 0; i < a->nioapics; i++) {
		apic.ioapic[i] = pt_fix_device(1 + i, a->ioapic[i].pa);
		ioapic_mask_all(i);
	}
	clock_init();
	apic_init_cpu();
}

/* This CPU's local APIC: accept messages, tick at MD_HZ. */
void
apic_init_cpu(void)
{
	uint8_t *l = apic.lapic;

	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | MSR_APIC_ENABLE);
	reg_write(l, LAPIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	reg_write(l, LAPIC_LVT_LINT0, LVT_MASKED);
	reg_write(l, LAPIC_LVT_LINT1, LVT_NMI);
	reg_write(l, LAPIC_LVT_ERROR, LVT_MASKED | VEC_SPURIOUS);
	reg_write(l, LAPIC_TPR, 0);
	cpu_this()->apic_id = apic_id();
	reg_write(l, LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	reg_write(l, LAPIC_LVT_TIMER, LVT_PERIODIC | VEC_TIMER);
	reg_write(l, LAPIC_TIMER_START, clock_lapic_count());
}

uint32_t
apic_id(void)
{
	return reg_read(apic.lapic, LAPIC_ID) >> 24;
}

void
apic_eoi(void)
{
	if (apic.lapic != NULL)
		reg_write(apic.lapic, LAPIC_EOI, 0);
}

/* ---- messages to other CPUs ---- */

static void
send(uint32_t dest, uint32_t command)
{
	uint64_t flags = md_irq_save();

	while ((reg_read(apic.lapic, LAPIC_ICR) & ICR_BUSY) != 0)
		md_pause();
	reg_write(apic.lapic, LAPIC_ICR_HIGH, dest << 24);
	reg_write(apic.lapic, LAPIC_ICR, command);
	md_irq_restore(flags);
}

/* Interrupt vector on CPU cpu, which runs.  Any context. */
void
apic_send(unsigned cpu, unsigned vector)
{
	send(cpu_of(cpu)->apic_id, ICR_ASSERT | vector);
}

/* Reaches a CPU that has interrupts off too. */
void
apic_send_nmi(unsigned cpu)
{
	send(cpu_of(cpu)->apic_id, ICR_ASSERT | ICR_NMI);
}

void
apic_send_init(uint32_t id)
{
	send(id, ICR_ASSERT | ICR_INIT);
}

/* start: a page below 1 MiB, entered in real mode. */
void
apic_send_startup(uint32_t id, pa_t start)
{
	send(id, ICR_ASSERT | ICR_STARTUP | (uint32_t)(start >> PAGE_SHIFT));
}

/* ---- the timer, for calibration ---- */

void
apic_timer_free_run(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | MSR_APIC_ENABLE);
	reg_write(apic.lapic, LAPIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	reg_write(apic.lapic, LAPIC_LVT_TIMER, LVT_MASKED | VEC_TIMER);
	reg_write(apic.lapic, LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	reg_write(apic.lapic, LAPIC_TIMER_START, UINT32_MAX);
}

/* Counts down. */
uint32_t
apic_timer_read(void)
{
	return reg_read(apic.lapic, LAPIC_TIMER_NOW);
}

/* ---- devices ---- */

static void
pic_disable(void)
{
	md_out8(PIC1, PIC_INIT);
	md_out8(PIC2, PIC_INIT);
	md_out8(PIC1 + 1, PIC_VECTORS);
	md_out8(PIC2 + 1, PIC_VECTORS + 8);
	md_out8(PIC1 + 1, 4);
	md_out8(PIC2 + 1, 2);
	md_out8(PIC1 + 1, 1);
	md_out8(PIC2 + 1, 1);
	md_out8(PIC1 + 1, 0xff);
	md_out8(PIC2 + 1, 0xff);
}

static uint32_t
ioapic_read(unsigned i, uint32_t reg)
{
	reg_write(apic.ioapic[i], IOAPIC_SELECT, reg);
	return reg_read(apic.ioapic[i], IOAPIC_WINDOW);
}

static void
ioapic_write(unsigned i, uint32_t reg, uint32_t v)
{
	reg_write(apic.ioapic[i], IOAPIC_SELECT, reg);
	reg_write(apic.ioapic[i], IOAPIC_WINDOW, v);
}

static unsigned
ioapic_rows(unsigned i)
{
	return (ioapic_read(i, IOAPIC_VERSION) >> 16 & 0xff) + 1;
}

static void
ioapic_mask_all(unsigned i)
{
	unsigned row, n = ioapic_rows(i);

	for (row = 0; row < n; row++)
		ioapic_write(i, IOAPIC_ROWS + 2 * row, ROW_MASKED);
}

/*
 * Add a handler for an ISA interrupt; the first one unmasks it, to CPU 0.
 *
 * Locks:    takes its own; thread context.
 * Context:  handler is called in interrupt, again and again while a level
 *           interrupt is not answered at the device.
 */
void
md_irq_route(unsigned irq, void (*handler)(void *), void *arg)
{
	uint64_t flags;
	unsigned i;

	ASSERT(irq < ACPI_NISA);
	flags = spin_lock_irq(&apic.lock);
	for (i = 0; i < SHARERS && apic.isa[irq][i].fn != NULL; i++)
		;
	ASSERT(i < SHARERS);
	apic.isa[irq][i].arg = arg;
	atomic_store(&apic.isa[irq][i].fn, handler);
	if (i == 0)
		ioapic_route(irq);
	spin_unlock_irq(&apic.lock, flags);
}

/* The row of the IOAPIC that has irq's wire; none: the irq never comes. */
static void
ioapic_route(unsigned irq)
{
	const struct acpi_info *a = acpi_info();
	const struct isa_row *isa = &a->isa[irq];
	uint32_t low = VEC_IRQ0 + irq, reg;
	unsigned i, row;

	low |= (isa->low ? ROW_LOW : 0) | (isa->level ? ROW_LEVEL : 0);
	for (i = 0; i < a->nioapics; i++) {
		row = isa->gsi - a->ioapic[i].gsi_base;
		if (row >= ioapic_rows(i))
			continue;
		reg = IOAPIC_ROWS + 2 * row;
		ioapic_write(i, reg + 1, cpu_of(0)->apic_id << 24);
		ioapic_write(i, reg, low);
	}
}

void
apic_isa_interrupt(unsigned irq)
{
	void (*fn)(void *);
	unsigned i;

	for (i = 0; i < SHARERS; i++) {
		fn = atomic_load(&apic.isa[irq][i].fn);
		if (fn == NULL)
			return;
		fn(apic.isa[irq][i].arg);
	}
}
