/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci.h: functions on the PCI bus
 *
 * Typical:  pci_walk → the driver takes what it knows → pci_enable
 */
#ifndef DEV_PCI_H
#define DEV_PCI_H

#include "lib/types.h"

enum pci_enable { PCI_IO = 1, PCI_MEMORY = 2, PCI_MASTER = 4 };

#define PCI_BARS 6

/* [c] after pci_init() */
struct pci_dev {
	uint8_t bus, slot, fn;
	uint8_t irq;              /* ISA interrupt by the firmware; 0: none */
	uint16_t vendor, device, subsystem;
	uint8_t class, subclass, prog_if, revision;
	uint16_t io[PCI_BARS];    /* port of an I/O BAR, or 0 */
};

void pci_init(void);
void pci_walk(void (*fn)(const struct pci_dev *));
uint32_t pci_read(const struct pci_dev *, unsigned reg);
/* Let it answer and, as PCI_MASTER, read and write memory by itself. */
void pci_enable(const struct pci_dev *, unsigned what);

#endif
