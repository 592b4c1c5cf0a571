/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64.h: what the files of amd64/ share
 *
 * Offers    struct cpu, control registers, vectors, and the order of start-up.
 * Needs     md.h, boot/, mem/.  Nobody outside amd64/ includes this.
 * Sleeps?   Never.
 * In interrupts?  See md.h.
 *
 * Start-up, CPU 0:
 *   boot/start.S           long mode, first tables, boot stack; then calls
 *   md_early_init()        console, GDT, IDT, GS, control bits, stack canary
 *   boot_collect()         boot/: the memory map and the modules
 *   kernel_main()          main.c, which calls in this order:
 *     md_init_early()      ACPI, final page tables (from boot_take())
 *     phys_init()          mem/: takes the rest of RAM
 *     md_init()            APICs, clock, timer tick
 *     md_trap_set_sched(), md_trap_set_user(), md_start_cpus()
 * Other CPUs: amd64/trampoline.S, smp_entry(), the function of md_start_cpus().
 */
#ifndef AMD64_AMD64_H
#define AMD64_AMD64_H

#include "amd64/asm.h"
#include "boot/boot.h"
#include "lib/spin.h"
#include "lib/types.h"
#include "md.h"

#define VEC_IRQ0 32    /* ISA interrupts 0…15 */
#define VEC_TIMER 48
#define VEC_RESCHED 0xf0
#define VEC_TLB 0xf1
#define VEC_CALL 0xf2
#define VEC_SPURIOUS 0xff

#define RFLAGS_CF 0x000001ul
#define RFLAGS_TF 0x000100ul
/* RFLAGS_IF: inline.h */
#define RFLAGS_DF 0x000400ul
#define RFLAGS_IOPL 0x003000ul
#define RFLAGS_NT 0x004000ul
#define RFLAGS_RF 0x010000ul
#define RFLAGS_AC 0x040000ul

#define IST_DF 1
#define IST_NMI 2
#define IST_MC 3
#define IST_DB 4
#define IST_BYTES 32768 /* all four of a CPU: gdt.c */

/* May this CPU use user addresses of cur_space (book: tlb)? */
enum tlb_state { TLB_ACTIVE, TLB_LAZY, TLB_LAZY_STALE, TLB_NONE };

enum tlb_request { TLB_FLUSH_KERNEL, TLB_FLUSH_USER, TLB_LEAVE };

/* One mailbox slot: written by its initiating CPU, read by the owner. */
struct tlb_slot {
	enum tlb_request what;   /* this and the next: valid while pending */
	bool full;
	struct md_space *space;
	va_t lo, hi;
	uint64_t gen;
	uint32_t pending;        /* [A] set last by the initiator, cleared by us */
};

struct tss {
	uint32_t rsv0;
	uint64_t rsp[3];
	uint64_t rsv1;
	uint64_t ist[7];         /* ist[0] is IST 1 */
	uint64_t rsv2;
	uint16_t rsv3;
	uint16_t iomap;
} __attribute__((packed));

/* Of another CPU, decided by one exchange: it came, or it is too late. */
enum cpu_start { CPU_AWAITED, CPU_STARTED, CPU_GIVEN_UP };

/* Bits of need_resched: this CPU's run queue; other CPUs are to be called; a try (FI_PREEMPT). */
enum { RESCHED_HERE = 1, RESCHED_THERE = 2, RESCHED_TRY = 4 };

/* One CPU.  GS points at it in the kernel; the first fields: asm.h. */
struct cpu {
	struct cpu *self;        /* [c] */
	uint64_t user_rsp;       /* [cpu] scratch of syscall_entry */
	uint64_t kstack;         /* [cpu] top of the current kernel stack */
	struct thread *current;  /* [cpu] */
	uint32_t preempt;        /* [cpu] > 0: stays on this CPU */
	uint32_t irq_depth;      /* [cpu] read as one word with preempt */
	uint32_t need_resched;   /* [cpu] */
	uint32_t id;             /* [c] */
	uint32_t lock_word;      /* [c] id + 1 */
	uint32_t apic_id;        /* [c] */
	uint32_t start;          /* [A] enum cpu_start */
	uint32_t tlb_state;      /* [A] enum tlb_state */
	uint64_t owed;           /* [cpu] CPUs to be called, md_send_resched() */
	uint64_t word[MD_WORDS]; /* [cpu] MD_WORD() */
	struct md_thread *md;    /* [cpu] of current */
	bool debugged;           /* [cpu] debug registers are loaded */
	struct md_space *cur_space; /* [cpu] whose root CR3 holds; NULL: kernel's */
	uint64_t seen_gen;       /* [cpu] of cur_space */
	struct tlb_slot box[MAXCPU]; /* by initiating CPU */
	uint8_t *ist;            /* [c] IST_BYTES */
	struct tss tss;
	uint64_t gdt[9];         /* [c] */
} __attribute__((aligned(MD_ROW)));

extern struct cpu cpu_rows[MAXCPU];

/* Can rip hold it?  Bits 63 to 47 are equal. */
static inline bool
is_canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/* ---- the machine's instructions ---- */

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid
cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpuid r;

	__asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
	    : "a"(leaf), "c"(sub));
	return r;
}

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v),
	    "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t
read_cr0(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static inline void
write_cr0(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}

static inline uint64_t
read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

static inline uint64_t
read_cr3(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr3, %0" : "=r"(v) : : "memory");
	return v;
}

static inline void
write_cr3(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint64_t
read_cr4(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

static inline void
write_cr4(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

/* The CPU we run on; preemption off, or the result is only a hint. */
static inline struct cpu *
cpu_this(void)
{
	struct cpu *c;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}

/* ---- cpu.c ---- */

struct cpu_features {
	bool smep, smap, umip, rdrand;
	bool canary_is_set;
};

extern struct cpu_features cpu_features;
extern uint8_t cpu_smap;          /* read by usercopy.S and entry.S */

extern uintptr_t __stack_chk_guard; /* the name is the compiler's */

struct cpu *cpu_of(unsigned id);
void cpu_find_features(void);

/* ---- init.c ---- */

void md_early_init(void);
/* Control registers, MSRs, GDT, TSS, IDT, GS of the CPU that runs this. */
void cpu_load(struct cpu *);

/* ---- gdt.c ---- */

void gdt_load(struct cpu *);
void idt_load(void);

/* ---- debug.c ---- */

void debug_switch(struct cpu *, const struct md_thread *to);
void debug_trap(struct trapframe *);
bool debug_trap_kernel(void);

/* ---- pt.c ---- */

extern pa_t kernel_root;
void pt_init(void);
/* From now on tables come from mem/phys.c. */
void pt_use_phys(void);
/* Is this kernel address mapped by kernel_root?  Any context. */
bool pt_is_mapped(va_t);
/* Fixed places for the registers of the APICs, uncached. */
void *pt_fix_device(unsigned slot, pa_t);

/* ---- acpi.c ---- */

#define ACPI_MAXIOAPIC 4
#define ACPI_NISA 16

struct ioapic_row {
	pa_t pa;
	uint32_t gsi_base;
};

struct isa_row {
	uint32_t gsi;
	bool level, low;
};

struct acpi_info {
	unsigned ncpus, nioapics;
	uint32_t apic_id[MAXCPU];  /* [c] usable CPUs, ours included */
	pa_t lapic;
	struct ioapic_row ioapic[ACPI_MAXIOAPIC];
	struct isa_row isa[ACPI_NISA];
};

/* Reads the tables; the loader's 4 GiB map must still be loaded. */
void acpi_init(void);
const struct acpi_info *acpi_info(void);

/* ---- apic.c ---- */

void apic_init(void);              /* PIC off, IOAPICs masked, clock, timer */
void apic_init_cpu(void);          /* this CPU's local APIC and timer */
uint32_t apic_id(void);
void apic_eoi(void);
void apic_send(unsigned cpu, unsigned vector);
void apic_send_nmi(unsigned cpu);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, pa_t start);
void apic_isa_interrupt(unsigned irq);

/* ---- clock.c ---- */

void clock_init(void);             /* calibrates; LAPIC must be mapped */
void clock_spin_ns(uint64_t ns);   /* busy wait */
uint32_t clock_lapic_count(void);  /* timer counts for 1/MD_HZ s */
/* apic.c for clock.c: the free-running counter of the local timer. */
void apic_timer_free_run(void);
uint32_t apic_timer_read(void);

/* ---- fpu.c ---- */

void fpu_init(void);
void fpu_switch(struct md_thread *from, struct md_thread *to);

/* ---- shootdown.c ---- */

void tlb_interrupt(void);

/* ---- smp.c ---- */

void smp_entry(struct cpu *) NORETURN;

/* ---- ipi.c ---- */

void smp_call_interrupt(void);
bool smp_is_stopping(void);

/* ---- trap.c and the .S files ---- */

void trap(struct trapframe *);
void trap_paranoid(struct trapframe *);
bool trap_syscall(struct trapframe *);
void trap_user_exit(struct trapframe *);
void trap_tick_ops(void (**tick)(bool), void (**resched)(void));
void trap_call_resched(void);

extern uint8_t trap_stubs[];       /* 256 stubs of 16 bytes */
void syscall_entry(void);
void trap_resume(struct trapframe *) NORETURN;
void trap_assert(struct trapframe *) NORETURN;
struct thread *switch_stacks(uint64_t *save_ksp, uint64_t new_ksp,
    struct thread *prev);
void switch_first(void);

/* ---- earlycon.c ---- */

void earlycon_init(void);
void earlycon_drain(void);

/* ---- kernel.ld ---- */

extern uint8_t text_end[], rodata_end[]; /* image_start, image_end: boot.h */
extern uint8_t boot_stack_guard[], boot_stack[], boot_stack_top[];
extern uint64_t boot_pml4[];
extern uint8_t trampoline_start[], trampoline_end[];

struct ex_row {
	uint64_t rip, fixup;
};

extern const struct ex_row ex_table_start[], ex_table_end[];

#endif
