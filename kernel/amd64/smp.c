/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c: starting the other CPUs
 *
 * Problem   The other CPUs wait for a message that lets them run in real
 *           mode below 1 MiB.  Bring them, one after the other, to the
 *           kernel's tables and the stack of their idle thread.
 *
 * Picture   INIT ─ 10 ms ─ STARTUP ─→ trampoline.S at 8000h ─→ smp_entry()
 *                                      real → long mode        → online bit
 *
 * Rules     1. One CPU starts at a time: smp_boot is its parameter block.
 *           2. The loader's tables are needed for the way into long mode
 *              only and are cleared afterwards: they are writable and
 *              executable.
 *
 * Read next kernel/amd64/trampoline.S, kernel/amd64/ipi.c.  Book: ch03.
 */
#include "amd64/amd64.h"
#include "amd64/smp_boot.h"
#include "lib/floor.h"
#include "lib/string.h"
#include "mem/mem.h"

#define INIT_WAIT_NS 10000000ul
#define RETRY_WAIT_NS 1000000ul
#define ONLINE_WAIT_NS 20000000000ul /* an emulated CPU may wait for its host */
#define IST_ORDER 3                /* IST_BYTES */

struct smp_boot smp_boot;          /* read by trampoline.S */

static void (*start_fn)(unsigned cpu); /* [c] of md_start_cpus() */

uint64_t md_online = 1; /* [A] bit per running CPU */

static bool start_cpu(unsigned id, struct thread *idle);
static bool wait_online(unsigned id, uint64_t ns);
static bool give_up(struct cpu *c);

unsigned
md_ncpus(void)
{
	uint64_t mask = md_online_mask();
	unsigned n;

	for (n = 0; mask != 0; n++)
		mask &= mask - 1;
	return n;
}

/*
 * Start all CPUs that ACPI lists; each ends in fn(its number), interrupts
 * off, as the idle thread that make_idle() gives for it.
 *
 * Locks:    none.
 * Context:  CPU 0, after md_init(), kva_init(), md_trap_set_sched().
 */
void
md_start_cpus(struct thread *(*make_idle)(unsigned cpu),
    void (*fn)(unsigned cpu))
{
	unsigned id, n = acpi_info()->ncpus, most = (unsigned)option_u64("smp");
	struct thread *idle;

	start_fn = fn;
	if (most != 0)
		n = MIN(n, most);
	memcpy(pa2va(TRAMPOLINE_PA), trampoline_start,
	    (size_t)(trampoline_end - trampoline_start));
	for (id = 1; id < n; id++) {
		idle = make_idle(id);
		if (idle == NULL || !start_cpu(id, idle)) {
			klog("smp: CPU %u does not start, %u run", id,
			    md_ncpus());
			break;
		}
	}
	/* A CPU that was given up may still come by the trampoline. */
	if (id == n)
		memset(boot_pml4, 0, PAGE_SIZE);
}

static bool
start_cpu(unsigned id, struct thread *idle)
{
	uint32_t target = acpi_info()->apic_id[id];
	struct vm_page *ist = phys_alloc_run(IST_ORDER);
	struct cpu *c = cpu_of(id);

	if (ist == NULL)
		return false;
	c->ist = pa2va(page_pa(ist));
	c->current = idle;
	c->md = (struct md_thread *)idle;
	smp_boot.root = kernel_root;
	smp_boot.stack = (uint64_t)c->md->stack + MD_KSTACK_SIZE;
	smp_boot.cpu = c;

	apic_send_init(target);
	clock_spin_ns(INIT_WAIT_NS);
	apic_send_startup(target, TRAMPOLINE_PA);
	if (wait_online(id, RETRY_WAIT_NS))
		return true;
	apic_send_startup(target, TRAMPOLINE_PA);
	return wait_online(id, ONLINE_WAIT_NS) || !give_up(c);
}

/* True: c will not run; false: it came at the last moment. */
static bool
give_up(struct cpu *c)
{
	uint32_t state = CPU_AWAITED;

	if (atomic_cas(&c->start, &state, CPU_GIVEN_UP))
		return true;
	while ((md_online_mask() & BIT(c->id)) == 0)
		md_pause();
	return false;
}

static bool
wait_online(unsigned id, uint64_t ns)
{
	uint64_t end = md_time_ns() + ns;

	while ((md_online_mask() & BIT(id)) == 0) {
		if (md_time_ns() >= end)
			return false;
		md_pause();
	}
	return true;
}

/*
 * The first C function of another CPU.
 *
 * Context:  interrupts off, the idle thread's stack, kernel tables.
 */
void
smp_entry(struct cpu *c)
{
	uint32_t state = CPU_AWAITED;

	if (!atomic_cas(&c->start, &state, CPU_STARTED))
		md_halt_forever();
	cpu_load(c);
	apic_init_cpu();
	(void)atomic_or(&md_online, BIT(c->id));
	start_fn(c->id);
	panic("smp: the idle loop of CPU %u returned", c->id);
}
