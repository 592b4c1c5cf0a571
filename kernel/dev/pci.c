/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.c: the devices on the PCI bus
 *
 * Problem   A driver must learn whether its device is there, at which ports
 *           it answers and which interrupt it raises.
 *
 * Picture   bus 0 ─ slot ─ function ─ 256 bytes of registers:
 *             0 vendor, device   8 class   10…24 BARs   3c interrupt
 *             └ class 06 04: a bridge; behind it lies another bus
 *
 * Rules     1. Configuration mechanism 1: address to port cf8, data at cfc;
 *              both under one lock.
 *           2. Addresses and interrupts are those that the firmware chose; on
 *              an i440FX its router leads the four PCI lines to ISA
 *              interrupts, which the ACPI table describes (level).
 *           3. Read once at boot; there is no hot plug.
 *
 * Read next dev/ata.c, dev/virtio_blk.c.
 */
#include "dev/pci.h"
#include "kern/kern.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA 0xcfc
#define ENABLE 0x80000000u
#define SLOTS 32u                /* of a bus */
#define MAX_DEVS 64u
#define MAX_BUSES 32u

enum { REG_ID = 0, REG_COMMAND = 4, REG_CLASS = 8, REG_HEADER = 0xc,
	REG_BAR = 0x10, REG_BUSES = 0x18, REG_SUBSYSTEM = 0x2c, REG_IRQ = 0x3c };

enum { NO_VENDOR = 0xffff, HEADER_SHARED = 0x80, HEADER_KIND = 0x7f,
	BAR_IO = 1, CLASS_BRIDGE = 6, BRIDGE_TO_PCI = 4, ISA_IRQS = 16 };

static struct {
	struct spinlock lock;       /* rule 1: the two ports */
	struct pci_dev dev[MAX_DEVS]; /* [c] */
	unsigned n;                 /* [c] */
	unsigned nbuses;            /* [c] */
} pci = { .lock = SPIN_INIT(LR_DEV) };

static void scan_bus(unsigned bus);
static bool scan_function(struct pci_dev *);
static void read_bars(struct pci_dev *);

/*
 * Find all functions.
 *
 * Context:  boot, once.
 */
void
pci_init(void)
{
	md_out32(PORT_ADDRESS, ENABLE);
	if (md_in32(PORT_ADDRESS) != ENABLE) {
		klog("pci: there is none");
		return;
	}
	scan_bus(0);
}

/* Every slot of a bus; only a device that says so has more functions than number 0. */
static void
scan_bus(unsigned bus)
{
	struct pci_dev probe = { .bus = (uint8_t)bus };
	unsigned nfns;

	if (++pci.nbuses > MAX_BUSES)
		return; /* bridges that lead in a ring */
	for (; probe.slot < SLOTS; probe.slot++) {
		probe.fn = 0;
		if (!scan_function(&probe))
			continue;
		nfns = (pci_read(&probe, REG_HEADER) >> 16 & HEADER_SHARED) ? 8 : 1;
		for (probe.fn = 1; probe.fn < nfns; probe.fn++)
			(void)scan_function(&probe);
	}
}

/* One function, and what lies behind it; false: nothing there. */
static bool
scan_function(struct pci_dev *probe)
{
	uint32_t id = pci_read(probe, REG_ID), class;
	struct pci_dev *d;
	uint8_t behind; /* the bus behind a bridge */

	if ((uint16_t)id == NO_VENDOR || pci.n == MAX_DEVS)
		return false;
	d = &pci.dev[pci.n++];
	*d = *probe;
	class = pci_read(d, REG_CLASS);
	d->vendor = (uint16_t)id;
	d->device = (uint16_t)(id >> 16);
	d->class = (uint8_t)(class >> 24);
	d->subclass = (uint8_t)(class >> 16);
	d->prog_if = (uint8_t)(class >> 8);
	d->revision = (uint8_t)class;
	if ((pci_read(d, REG_HEADER) >> 16 & HEADER_KIND) == 0) {
		read_bars(d);
		return true;
	}
	behind = (uint8_t)(pci_read(d, REG_BUSES) >> 8);
	if (d->class == CLASS_BRIDGE && d->subclass == BRIDGE_TO_PCI && behind != 0)
		scan_bus(behind);
	return true;
}

/* Where its ports are, and its interrupt, as the firmware has set them. */
static void
read_bars(struct pci_dev *d)
{
	uint32_t bar;
	unsigned i;

	for (i = 0; i < PCI_BARS; i++) {
		bar = pci_read(d, REG_BAR + 4 * i);
		d->io[i] = (bar & BAR_IO) != 0 ? (uint16_t)(bar & ~3u) : 0;
	}
	d->subsystem = (uint16_t)(pci_read(d, REG_SUBSYSTEM) >> 16);
	d->irq = (uint8_t)pci_read(d, REG_IRQ);
	if (d->irq >= ISA_IRQS)
		d->irq = 0;
}

/*
 * Call fn for each function.
 *
 * Context:  boot; fn may sleep.
 */
void
pci_walk(void (*fn)(const struct pci_dev *))
{
	unsigned i;

	for (i = 0; i < pci.n; i++)
		fn(&pci.dev[i]);
}

/* ---- registers ---- */

static void
select_reg(const struct pci_dev *d, unsigned reg)
{
	ASSERT(reg < 256 && reg % 4 == 0);
	md_out32(PORT_ADDRESS, ENABLE | (uint32_t)d->bus << 16 |
	    (uint32_t)d->slot << 11 | (uint32_t)d->fn << 8 | reg);
}

/* Locks:    takes its own. */
uint32_t
pci_read(const struct pci_dev *d, unsigned reg)
{
	uint64_t flags = spin_lock_irq(&pci.lock);
	uint32_t v;

	select_reg(d, reg);
	v = md_in32(PORT_DATA);
	spin_unlock_irq(&pci.lock, flags);
	return v;
}

void
pci_enable(const struct pci_dev *d, unsigned what)
{
	uint64_t flags = spin_lock_irq(&pci.lock);

	select_reg(d, REG_COMMAND);
	/* The upper half is status bits, cleared by writing 1. */
	md_out32(PORT_DATA, (md_in32(PORT_DATA) & 0xffff) | what);
	spin_unlock_irq(&pci.lock, flags);
}
