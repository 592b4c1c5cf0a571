/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: a CPU becomes ours, and the steps of the machine's start
 *
 * Problem   The loader leaves one CPU in long mode with tables of its own; each
 *           CPU needs segments, gates, control bits and GS before it may fault.
 *
 * Rules     1. The order of the steps is in amd64.h.
 *           2. The stack canary is set before the first function that keeps
 *              it for long: md_early_init() itself has none.
 *
 * Read next kernel/amd64/cpu.c, kernel/amd64/gdt.c, kernel/amd64/smp.c.  Book: ch03.
 */
#include "amd64/amd64.h"

#define RAM_MIN_SMP (31ul << 20) /* "32 MiB", less the firmware's share */

static uint8_t boot_ist[IST_BYTES] __attribute__((aligned(16)));

static void load_control_registers(void);
static void load_syscall_registers(void);

/*
 * The first C function: make faults reportable and set the canary.
 *
 * Context:  CPU 0, boot stack, interrupts off, loader's map.
 */
__attribute__((no_stack_protector)) void
md_early_init(void)
{
	struct cpu *c = &cpu_rows[0];

	cpu_find_features();
	c->ist = boot_ist;
	cpu_load(c);
	earlycon_init();
	/* The lowest byte is 0: a string cannot run over the canary. */
	__stack_chk_guard = md_entropy() & ~0xfful;
}

/*
 * Make this CPU the one described by c, whose ist is set.
 *
 * Context:  once per CPU, interrupts off.
 */
void
cpu_load(struct cpu *c)
{
	c->self = c;
	c->id = c - cpu_rows;
	c->lock_word = c->id + 1;
	c->tlb_state = TLB_NONE;
	gdt_load(c);
	idt_load();
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	load_control_registers();
	load_syscall_registers();
	fpu_init();
}

static void
load_control_registers(void)
{
	uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (cpu_features.smep)
		cr4 |= CR4_SMEP;
	if (cpu_features.smap)
		cr4 |= CR4_SMAP;
	if (cpu_features.umip)
		cr4 |= CR4_UMIP;
	write_cr0(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_MP | CR0_PE);
	write_cr4(cr4);
}

static void
load_syscall_registers(void)
{
	wrmsr(MSR_EFER, EFER_LME | EFER_NXE | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)SEL_UBASE << 48 | (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_CSTAR, 0);
	wrmsr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL |
	    RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
}

/* ---- start-up in steps: the order is in amd64.h ---- */

static void
check_memory(void)
{
	const struct boot_info *b = boot_info();
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < b->nranges; i++)
		bytes += b->range[i].end - b->range[i].start;
	if (acpi_info()->ncpus > 1 && bytes < RAM_MIN_SMP)
		boot_fatal("%lu KiB of memory is too little for %u CPUs: "
		    "32 MiB are needed", bytes >> 10, acpi_info()->ncpus);
}

void
md_init_early(void)
{
	acpi_init();
	check_memory();
	pt_init();
}

void
md_init(void)
{
	pt_use_phys();
	apic_init();
}
