/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c: which CPUs and interrupt controllers there are
 *
 * Problem   Firmware describes the machine in tables that start from a root
 *           pointer which the loader gave us.
 *
 * Picture   RSDP → XSDT (or RSDT) → "APIC" table (MADT): rows of
 *             0 local APIC = a CPU     1 IOAPIC
 *             2 an ISA interrupt that is wired otherwise than by default
 *             5 address of the local APICs
 *
 * Rules     1. Read once, under the loader's map (0…4 GiB), into constants:
 *              the final tables do not map firmware memory.
 *           2. Firmware may lie: lengths and checksums are tested; without a
 *              MADT there is one CPU with everything at its usual place.
 *
 * Read next kernel/amd64/apic.c, kernel/amd64/smp.c
 */
#include "amd64/amd64.h"
#include "lib/string.h"

#define MAP_LIMIT (4ul << 30)      /* rule 1 */
#define RSDP_SUMMED 20u            /* bytes of version 1, which every version has */
#define LAPIC_PA 0xfee00000u       /* rule 2 */
#define IOAPIC_PA 0xfec00000u

enum { ROW_CPU = 0, ROW_IOAPIC = 1, ROW_ISA = 2, ROW_LAPIC_ADDRESS = 5 };
enum { CPU_ENABLED = 1 };          /* else there is only a socket */

struct rsdp {
	char sign[8];
	uint8_t sum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t sum2, rsv[3];
} __attribute__((packed));

struct table {
	char sign[4];
	uint32_t length;
	uint8_t revision, sum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct madt {
	struct table head;
	uint32_t lapic, flags;
	uint8_t rows[];
} __attribute__((packed));

struct madt_row {
	uint8_t type, length;
	union {
		struct {
			uint8_t acpi_id, apic_id;
			uint32_t flags;
		} __attribute__((packed)) cpu;
		struct {
			uint8_t id, rsv;
			uint32_t address, gsi_base;
		} __attribute__((packed)) ioapic;
		struct {
			uint8_t bus, irq;
			uint32_t gsi;
			uint16_t flags;
		} __attribute__((packed)) isa;
		struct {
			uint16_t rsv;
			uint64_t address;
		} __attribute__((packed)) lapic;
	};
} __attribute__((packed));

static struct {
	struct acpi_info info;     /* [c] after acpi_init() */
} acpi;

static void set_defaults(void);
static const struct rsdp *check_rsdp(pa_t);
static const struct madt *find_madt(const struct rsdp *);
static const struct table *check_table(pa_t, const char *sign);
static void read_row(const struct madt_row *);
static void add_cpu(const struct madt_row *);
static void add_ioapic(const struct madt_row *);
static void set_isa(const struct madt_row *);
static bool sum_is_zero(const void *, size_t);

/*
 * Read the tables.
 *
 * Context:  CPU 0, loader's map, once.
 */
void
acpi_init(void)
{
	const struct rsdp *rsdp = check_rsdp(boot_info()->rsdp);
	const struct madt *m = rsdp != NULL ? find_madt(rsdp) : NULL;
	const uint8_t *p, *end;
	const struct madt_row *row;

	set_defaults();
	if (m == NULL)
		return;
	acpi.info.nioapics = 0;
	acpi.info.lapic = m->lapic;
	end = (const uint8_t *)m + m->head.length;
	for (p = m->rows; p + 2 <= end; p += row->length) {
		row = (const struct madt_row *)p;
		if (row->length < 2 || p + row->length > end)
			break;
		read_row(row);
	}
}

const struct acpi_info *
acpi_info(void)
{
	return &acpi.info;
}

/* This CPU is number 0, at any place in the table. */
static void
set_defaults(void)
{
	unsigned i;

	acpi.info.ncpus = 1;
	acpi.info.apic_id[0] = cpuid(1, 0).b >> 24;
	acpi.info.lapic = LAPIC_PA;
	acpi.info.nioapics = 1;
	acpi.info.ioapic[0].pa = IOAPIC_PA;
	for (i = 0; i < ACPI_NISA; i++)
		acpi.info.isa[i].gsi = i;
}

/* ---- finding the table ---- */

static const struct rsdp *
check_rsdp(pa_t pa)
{
	const struct rsdp *r = pa2va(pa);

	if (pa == 0 || pa >= MAP_LIMIT || memcmp(r->sign, "RSD PTR ", 8) != 0)
		return NULL;
	return sum_is_zero(r, RSDP_SUMMED) ? r : NULL;
}

static const struct madt *
find_madt(const struct rsdp *r)
{
	bool wide = r->revision >= 2 && r->xsdt != 0;
	const struct table *root, *t;
	const uint8_t *p, *end;
	uint64_t pa;

	root = wide ? check_table(r->xsdt, "XSDT") : NULL;
	if (root == NULL) {
		wide = false;
		root = check_table(r->rsdt, "RSDT");
	}
	if (root == NULL)
		return NULL;
	end = (const uint8_t *)root + root->length;
	for (p = (const uint8_t *)(root + 1); p < end; p += wide ? 8 : 4) {
		pa = 0;
		memcpy(&pa, p, wide ? 8 : 4);
		t = check_table(pa, "APIC");
		if (t != NULL)
			return (const struct madt *)t;
	}
	return NULL;
}

static const struct table *
check_table(pa_t pa, const char *sign)
{
	const struct table *t = pa2va(pa);

	if (pa == 0 || pa >= MAP_LIMIT - PAGE_SIZE)
		return NULL;
	if (memcmp(t->sign, sign, 4) != 0 || t->length < sizeof(*t))
		return NULL;
	if (t->length > MAP_LIMIT - pa || !sum_is_zero(t, t->length))
		return NULL;
	return t;
}

static bool
sum_is_zero(const void *start, size_t n)
{
	const uint8_t *p = start;
	uint8_t sum = 0;

	while (n-- > 0)
		sum += *p++;
	return sum == 0;
}

/* ---- rows ---- */

static void
read_row(const struct madt_row *row)
{
	if (row->type == ROW_CPU)
		add_cpu(row);
	else if (row->type == ROW_IOAPIC)
		add_ioapic(row);
	else if (row->type == ROW_ISA)
		set_isa(row);
	else if (row->type == ROW_LAPIC_ADDRESS)
		acpi.info.lapic = row->lapic.address;
}

static void
add_cpu(const struct madt_row *row)
{
	struct acpi_info *a = &acpi.info;

	if ((row->cpu.flags & CPU_ENABLED) == 0 || row->cpu.apic_id == a->apic_id[0])
		return;
	if (a->ncpus < MAXCPU)
		a->apic_id[a->ncpus++] = row->cpu.apic_id;
}

static void
add_ioapic(const struct madt_row *row)
{
	struct acpi_info *a = &acpi.info;

	if (a->nioapics == ACPI_MAXIOAPIC)
		return;
	a->ioapic[a->nioapics].pa = row->ioapic.address;
	a->ioapic[a->nioapics].gsi_base = row->ioapic.gsi_base;
	a->nioapics++;
}

/* Flags: 1:0 polarity, 3:2 trigger; 3 is low and level, else ISA's own. */
static void
set_isa(const struct madt_row *row)
{
	struct isa_row *isa;

	if (row->isa.irq >= ACPI_NISA)
		return;
	isa = &acpi.info.isa[row->isa.irq];
	isa->gsi = row->isa.gsi;
	isa->low = (row->isa.flags & 3) == 3;
	isa->level = (row->isa.flags >> 2 & 3) == 3;
}
