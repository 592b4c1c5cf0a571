/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * md.h: the machine, as the rest of the kernel sees it
 *
 * Offers    CPUs, interrupts, time, thread switching, page-table bits, kernel
 *           mappings, TLB shootdown, user copies, traps, ports, console bytes.
 * Needs     mem/ for frames of kernel page tables.
 * Sleeps?   Never.
 * In interrupts?  All but md_tlb_flush (rule R6a) and those that say so.
 *
 * kernel/amd64/ implements this for the machine, kernel/test/hostkern and the
 * programs above it for the host; nobody else knows page-table hardware.
 */
#ifndef MD_H
#define MD_H

#include "lib/assert.h"
#include "lib/types.h"

#define MAXCPU 16
/* Bytes from one CPU's row to the next of a table that MD_COUNT() adds to. */
#define MD_ROW 4096
/*
 * Words of each CPU that one instruction reads, or adds to: MD_WORD(),
 * md_add_word().  kern/events.c says what the first are; from MD_WORD_PAGES on there
 * is one for each state of a page, then one for each home (mem/page.c).
 */
enum md_word { MD_WORD_EVSET, MD_WORD_WHO, MD_WORD_RING, MD_WORD_PAGES,
	MD_WORD_HOMES = MD_WORD_PAGES + 9, MD_WORDS = MD_WORD_HOMES + 14 };

/* Functions that are inline on the machine: amd64/inline.h.  On the host none is. */
#if __STDC_HOSTED__
#define MD_INLINE
#elif !defined(MD_INLINE)
#define MD_INLINE inline
#endif

struct thread; /* begins with its struct md_thread */

/* ---- start-up of CPU 0 ---- */

/* kernel/main.c: entered from boot/start.S on the boot stack, interrupts off. */
void kernel_main(void) NORETURN;
/*
 * First of all in kernel_main(): ACPI tables, final page tables.  Until
 * phys_init() is through, tables for md_kmap() come from boot_take().
 */
void md_init_early(void);
/*
 * Right after phys_init(): APICs, clock, timer tick (interrupts stay off).
 * From here on tables for md_kmap() come from phys_alloc().
 */
void md_init(void);

/* ---- atomics: sequentially consistent unless the name says otherwise ---- */

#define atomic_load(p) __atomic_load_n(p, __ATOMIC_SEQ_CST)
#define atomic_load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define atomic_store(p, v) __atomic_store_n(p, v, __ATOMIC_SEQ_CST)
/* Between a store and a load of a word that another CPU stores before its load. */
#define atomic_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define atomic_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define atomic_xchg(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_add(p, v) __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST) /* new */
#define atomic_sub(p, v) __atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST) /* new */
#define atomic_or(p, v) __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)   /* old */
#define atomic_and(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST) /* old */
/* *p == *expected: store v, true; else load *p into *expected, false. */
#define atomic_cas(p, expected, v)                                       \
	__atomic_compare_exchange_n(p, expected, v, false,               \
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
/*
 * One more reference, unless the last one has gone: false.  No function: clang, which
 * may compile a lab's file, takes no _Atomic here.  refs is looked at twice.
 */
#define atomic_get(refs)                                                  \
	({                                                                \
		uint32_t n_ = atomic_load(refs);                          \
		while (n_ != 0 && !atomic_cas(refs, &n_, n_ + 1))         \
			;                                                 \
		n_ != 0;                                                  \
	})

/* ---- CPUs, preemption, interrupts ---- */

MD_INLINE unsigned md_cpu(void);    /* this CPU's number, 0…; preemption off */
unsigned md_ncpus(void);            /* CPUs that run */
struct md_processor {
	char vendor[13], name[49];
	unsigned family, model, stepping;
	unsigned cache_kb;          /* L2; 0: it does not say */
};
void md_processor(struct md_processor *); /* what it says of itself; all are alike */
void md_features(void (*fn)(void *arg, const char *name, size_t len), void *arg);
MD_INLINE uint64_t md_online_mask(void); /* bit per running CPU */
MD_INLINE struct thread *md_current(void); /* running; NULL in early boot */
void md_set_current(struct thread *);
void md_set_word(unsigned cpu, enum md_word, uint64_t); /* itself: MD_SET_WORD() */
MD_INLINE void md_add_word(unsigned word, int64_t n); /* this CPU's */
/* The sum over all CPUs; it may be a little off while they add. */
int64_t md_word_sum(unsigned word);

MD_INLINE void md_preempt_disable(void);   /* counts; per CPU */
/* At 0 with a resched due: calls trap_ops.resched. */
MD_INLINE void md_preempt_enable(void);
MD_INLINE unsigned md_preempt_count(void);
MD_INLINE bool md_may_sleep(void);  /* it is 0, and this is no interrupt handler */
MD_INLINE uint32_t md_lock_word(void); /* md_cpu() + 1: whom a spin lock names */
MD_INLINE bool md_lock_word_is(uint32_t);
void md_set_need_resched(void);     /* this CPU */
bool md_take_need_resched(void);    /* read and clear, this CPU */
void md_try_resched(void);          /* once, as if it were due, this CPU */

MD_INLINE uint64_t md_irq_save(void);      /* disable, return old state */
MD_INLINE void md_irq_restore(uint64_t flags);
/* The same for a few instructions that wake nobody: no test of need_resched. */
MD_INLINE uint64_t md_irq_hold(void);
MD_INLINE void md_irq_release(uint64_t flags);
MD_INLINE void md_irq_enable(void);
MD_INLINE void md_irq_disable(void);
MD_INLINE bool md_irq_is_enabled(void);
MD_INLINE bool md_in_irq(void);     /* inside an interrupt handler */

void md_pause(void);                /* in a spin loop */
void md_idle(void);                 /* enable interrupts and halt until one */
void md_send_resched(unsigned cpu); /* IPI: it looks at its run queue; waits for our locks */

/* Start the other CPUs; each calls fn on its idle thread's stack. */
void md_start_cpus(struct thread *(*make_idle)(unsigned cpu),
    void (*fn)(unsigned cpu));
/* Stop the others for good (panic). */
void md_stop_others(void);
/*
 * Call fn(arg) on every other CPU and wait until all have run it (IPI).
 * Not with interrupts off, nor under a spin lock of rank >= 7.
 */
void md_call_others(void (*fn)(void *), void *arg);

/* ---- time ---- */

#define MD_HZ 100

#define NS_PER_S 1000000000ul
uint64_t md_time_ns(void);          /* since boot; never goes back, all CPUs */
MD_INLINE uint64_t md_cycles(void); /* raw counter of this CPU, for traces */
MD_INLINE void md_cycles_to(uint64_t *at); /* the same, stored there */
uint64_t md_entropy(void);          /* hardware random or jitter */

/* CPUID.1:EDX, for AT_HWCAP. */
static inline uint32_t
md_hwcap(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d;
}

/* ---- threads ---- */

/* User registers at entry to the kernel; lies at the top of the kernel stack. */
struct trapframe {
	uint64_t r15, r14, r13, r12, rbp, rbx; /* those that C functions keep */
	union {
		struct {
			uint64_t rdi, rsi, rdx, r10, r8, r9;
		};
		uint64_t arg[6];    /* of a system call, in their order */
	};
	uint64_t r11, rcx, rax;
	uint64_t vector, error;     /* vector 256: system call; error: its number */
	uint64_t rip, cs, rflags, rsp, ss;
};

#define MD_VEC_SYSCALL 256
#define MD_KSTACK_SIZE 8192ul
#define MD_FPU_SIZE 512             /* FXSAVE image */

/* Debug registers as a debugger has set them. */
struct md_debug {
	uint64_t at[4], control;
	uint64_t status;            /* [own] of the last trap; bits turned: 0 is none */
};

struct md_thread {
	uint64_t ksp;               /* [c by switch] saved kernel stack pointer */
	uint8_t *stack;             /* [c] lowest byte of the kernel stack */
	uint64_t fsbase, gsbase;    /* user TLS bases; of current: live in MSRs */
	void *fpu;                  /* 512 B, in the stack; NULL: kernel thread */
	struct md_debug *debug;     /* of proc/ptrace.c; NULL: nobody has set any */
};

/* Prepare a thread so that its first switch-in calls fn(arg), interrupts on. */
void md_thread_init(struct md_thread *, void (*fn)(void *), void *arg);
void md_thread_give_fpu(struct md_thread *);   /* it is to run a user program */
/*
 * Switch stacks and FPU/TLS state.  Interrupts off.  Returns when someone
 * switches back; the value is what that switcher passed as prev.
 */
struct thread *md_switch(struct md_thread *from, struct md_thread *to,
    struct thread *prev);
/* The frame to which this user thread returns. */
struct trapframe *md_user_frame(struct md_thread *);
/* Leave the kernel by md_user_frame(current); runs trap_ops.user_return first. */
void md_enter_user(void) NORETURN;
/* A frame for a new program: its entry state (book: abi 2). */
void md_frame_init(struct trapframe *, va_t entry, va_t sp);
/* FPU image of a new program (book: abi 2): mxcsr 0x1f80, control 0x37f. */
void md_fpu_init(void *fpu);
void md_fpu_save(struct md_thread *);          /* current's live state → fpu */
/*
 * image (512 B, any buffer but fpu itself) → live state of current, in one step
 * against switches.  False: bits of mxcsr that the CPU refuses; nothing loaded.
 */
bool md_fpu_load(struct md_thread *, const void *image);
bool md_fpu_is_valid(const void *image);       /* would it be loaded? */
void md_set_tls(struct md_thread *, uint64_t fsbase, uint64_t gsbase);
void md_get_tls(struct md_thread *, uint64_t *fsbase, uint64_t *gsbase);
void md_debug_load(struct md_thread *);        /* of current: they have changed */
bool md_debug_has_hit(const struct md_thread *); /* of current: the last #DB */
uint64_t md_debug_get(const struct md_debug *, unsigned n); /* also of NULL */
/* 0, -EINVAL (kernel addresses, not aligned, ports), -EIO: there is no such one. */
int md_debug_set(struct md_debug *, unsigned n, uint64_t v) MUST_CHECK;
/* Make user-writable registers of a frame harmless (sigreturn; book: abi 4). */
bool md_frame_sanitize(struct trapframe *, uint64_t now);

/* ---- traps: filled in by rooms above, called from entry code ---- */

enum access { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXEC = 4 };

struct trap_ops {
	/*
	 * Page fault.  user: from user mode (interrupts on on return; the
	 * handler sends signals itself, result unused).  Kernel mode: 0 =
	 * made present, else the fixup table ends the copy with -EFAULT.
	 */
	int (*fault)(struct trapframe *, va_t va, enum access, bool user);
	/* Any other exception from user mode. */
	void (*exception)(struct trapframe *, unsigned vector);
	/* A system call: its number in rax, its arguments in arg. */
	void (*syscall)(struct trapframe *);
	/* Before each return to user mode, interrupts on; delivers signals. */
	void (*user_return)(struct trapframe *);
	/* Timer tick on this CPU; in interrupt. user: user mode interrupted. */
	void (*tick)(bool user);
	/* Give the CPU away if a better thread waits; preemption allowed here. */
	void (*resched)(void);
};

/* kern registers tick and resched, proc the rest; called once each. */
void md_trap_set_sched(void (*tick)(bool user), void (*resched)(void));
void md_trap_set_user(const struct trap_ops *);

/* Route ISA interrupt irq to handler; called in interrupt, CPU 0. */
void md_irq_route(unsigned irq, void (*handler)(void *), void *arg);

/* ---- memory: direct map, page-table words ---- */

#define MD_DIRECT_BASE 0xffff800000000000ul
#ifndef MD_KPAGED_BASE /* the host's tests have these elsewhere */
#define MD_KPAGED_BASE 0xffffc00000000000ul
#endif
#define MD_KPAGED_SIZE 0x0000010000000000ul /* 1 TiB */
#ifndef MD_PFDB_BASE
#define MD_PFDB_BASE 0xffffd00000000000ul
#endif
#ifndef MD_ARENA_BASE
#define MD_ARENA_BASE 0xffffe00000000000ul
#define MD_ARENA_SIZE 0x0000008000000000ul /* 512 GiB: one PML4 slot */
#endif
#define MD_IMAGE_BASE 0xffffffff80000000ul
#define MD_USER_END 0x00007ffffffff000ul    /* one page below 2^47 */

extern uint64_t md_direct_base; /* MD_DIRECT_BASE; elsewhere on the host */

static inline void *
pa2va(pa_t pa)
{
	return (void *)(md_direct_base + pa);
}

static inline pa_t
va2pa(const void *va)
{
	return (uint64_t)va - md_direct_base; /* direct-map addresses only */
}

#define MD_PTE_P 0x001ul
#define MD_PTE_W 0x002ul
#define MD_PTE_U 0x004ul
#define MD_PTE_PCD 0x010ul
#define MD_PTE_A 0x020ul
#define MD_PTE_D 0x040ul
#define MD_PTE_PS 0x080ul
#define MD_PTE_G 0x100ul
#define MD_PTE_NX (1ul << 63)
#define MD_PTE_PFN 0x000ffffffffff000ul
#define MD_PT_LEVELS 4              /* 4 = root … 1 = leaf table */
#define MD_PT_WORDS 512

static inline unsigned
md_pt_index(va_t va, int level)
{
	return (va >> (PAGE_SHIFT + 9 * (level - 1))) & 511;
}

/* A new root, all zero, gets the kernel half; it loses that, and is all zero again. */
void md_root_init(pa_t root);
void md_root_clear(pa_t root);

/*
 * Kernel mappings.  prot is MD_PTE_W | MD_PTE_NX | MD_PTE_PCD.  Kernel tables
 * are made on demand (class KERNEL) and never freed.
 *
 * Returns:  0, -ENOMEM (no frame for a table).
 */
int md_kmap(va_t va, pa_t pa, uint64_t prot) MUST_CHECK;
/*
 * The same for a whole region that is never unmapped: 2 MiB pages where both
 * addresses are aligned to them.  For the frame database.
 */
int md_kmap_large(va_t va, pa_t pa, size_t bytes, uint64_t prot) MUST_CHECK;
/* Remove; returns the old word.  The caller flushes before reuse. */
uint64_t md_kunmap(va_t va);
/* Frames taken for kernel tables since phys_init(); they are never freed. */
uint64_t md_ktables(void);
/* The leaf word of a kernel address; NULL: none, or no memory for tables. */
uint64_t *md_kpte(va_t va);
uint64_t *md_kpte_make(va_t va); /* makes the tables */

/* ---- TLB shootdown (book: tlb), kernel/test/models/tlb.pml ---- */

struct md_space {
	pa_t root_pa;                /* [c]; 0 once torn down */
	_Atomic uint64_t cpus;       /* [A] CPUs that may hold entries */
	_Atomic uint64_t tlb_gen;    /* [A] bumped per flush request */
	uint8_t design;              /* [c] its number + 1, for trace records */
};

/* Run with this space (user threads).  Interrupts off; called by the scheduler. */
void md_space_enter(struct md_space *);
/* Run a kernel thread on whatever root is loaded.  Interrupts off. */
void md_space_lazy(void);
/* Words of pages have changed, or page tables were unlinked, too. */
enum md_flush { FLUSH_PAGES, FLUSH_TABLES };

/*
 * Flush [lo, hi) of space on all CPUs that may hold it and wait for the acks.
 * space NULL: kernel addresses, all CPUs.
 *
 * Locks:    the space's ws_lock (one initiator per space); none of rank >= 7;
 *           interrupts on (R6a).
 */
void md_tlb_flush(struct md_space *, va_t lo, va_t hi, enum md_flush);
void md_tlb_local(va_t va);          /* invlpg, this CPU */
/* All CPUs leave this root for the kernel's; afterwards cpus == 0. */
void md_space_kick(struct md_space *);

/* ---- copies that may fault (use vm/access/uaccess.c, not these) ---- */

/* Returns 0 or -EFAULT; a user fault is first offered to trap_ops.fault. */
int md_copy_user(void *dst, const void *src, size_t n) MUST_CHECK;
/* Copy the two bytes at every step-th byte of the n from src (kernel) on, to the same
 * places of dst (user); n is not 0, and a multiple of step. */
int md_store_user_each(void *dst, const void *src, size_t n, size_t step) MUST_CHECK;

/* ---- devices ---- */

uint8_t md_in8(uint16_t port);
uint16_t md_in16(uint16_t port);
uint32_t md_in32(uint16_t port);
void md_out8(uint16_t port, uint8_t v);
void md_out16(uint16_t port, uint16_t v);
void md_out32(uint16_t port, uint32_t v);
/* n bytes to one port by a string instruction. */
void md_outs8(uint16_t port, const void *buf, size_t n);
/* n words of 16 bits from, to one port. */
void md_ins16(uint16_t port, void *buf, size_t n);
void md_outs16(uint16_t port, const void *buf, size_t n);
/* COM1 by polling; works before and after everything else. */
void md_early_write(const char *s, size_t n);

/* ---- panic ---- */

struct md_regs_dump {
	const struct trapframe *tf;  /* NULL: panic was called */
	uint64_t cr2, cr3;
};

/* A fault of the kernel itself; kern/panic.c has it. */
void panic_trap(const struct trapframe *, uint64_t cr2, const char *what)
    NORETURN;
/* Return addresses of the current stack, newest first; returns how many. */
unsigned md_backtrace(uint64_t *pcs, unsigned max, const struct trapframe *);
/* Lock-free reset when even the emulator's exit does not work. */
void md_halt_forever(void) NORETURN;

#if !__STDC_HOSTED__
#include "amd64/inline.h"
#endif

#endif
