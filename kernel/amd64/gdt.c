/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdt.c: segments, task state, interrupt gates
 *
 * Problem   Long mode ignores segments but for rights, the stack to load on
 *           entry from user mode (TSS), and the doors to the kernel (IDT).
 *
 * Picture   0x08 kernel code, 0x10 kernel data, 0x2b user data, 0x33 user
 *           code: the order that syscall and sysret want; 0x38 TSS, 16 bytes.
 *
 * Rules     1. #DF, NMI, #MC and #DB have stacks of their own (IST): they may
 *              come when the current stack is unusable.
 *           2. Users may raise only #BP and #OF by themselves; any other
 *              int n ends in #GP.
 *
 * Read next kernel/amd64/entry.S.  Book: ch03.
 */
#include "amd64/amd64.h"

enum { VEC_BP = 3, VEC_OF = 4, STUB_BYTES = 16 };

/* Bits of a descriptor (Intel SDM vol. 3A, 3.4.5): base 0, limit 4 GiB, present. */
#define DESC_FLAT 0x008f90000000ffff
#define DESC_CODE64 0x00200b0000000000
#define DESC_DATA 0x0040030000000000
#define DESC_USER 0x0000600000000000
#define DESC_TSS64 0x0000890000000000
enum { GATE_KERNEL = 0x8e, GATE_USER = 0xee }; /* interrupt gates; USER: by int n, too */

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t high, rsv;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static struct {
	struct gate gate[256]; /* [c] the same for all CPUs */
} idt;

static void fill_tss(struct cpu *);
static void fill_gate(unsigned vector);

/* Load the segments and the TSS of c on this CPU; GS base is void after. */
void
gdt_load(struct cpu *c)
{
	uint64_t base = (uint64_t)&c->tss, limit = sizeof(c->tss) - 1;
	struct table_pointer p = { sizeof(c->gdt) - 1, (uint64_t)c->gdt };

	c->gdt[SEL_KCODE / 8] = DESC_FLAT | DESC_CODE64;
	c->gdt[SEL_KDATA / 8] = DESC_FLAT | DESC_DATA;
	c->gdt[SEL_UDATA / 8] = DESC_FLAT | DESC_DATA | DESC_USER;
	c->gdt[SEL_UCODE / 8] = DESC_FLAT | DESC_CODE64 | DESC_USER;
	c->gdt[SEL_TSS / 8] = limit | (base & 0xffffff) << 16 | DESC_TSS64 |
	    (base >> 24 & 0xff) << 56;
	c->gdt[SEL_TSS / 8 + 1] = base >> 32;
	fill_tss(c);
	__asm__ volatile("lgdt %0" : : "m"(p));
	/* The far return loads the code selector. */
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq\n"
	    "1: movl %1, %%ss" : : "i"(SEL_KCODE), "r"(SEL_KDATA)
	    : "rax", "memory");
	__asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%fs;"
	    "movl %0, %%gs" : : "r"(0));
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	/* After a reset there is a table of 64 KiB at address 0, which a program may map. */
	__asm__ volatile("lldt %w0" : : "r"(0));
}

static void
fill_tss(struct cpu *c)
{
	uint64_t ist = (uint64_t)c->ist;

	/* A panic needs 12 KiB: its stack, or also those below, unused then. */
	c->tss.ist[IST_DF - 1] = ist + 12288;
	c->tss.ist[IST_NMI - 1] = ist + 16384;
	c->tss.ist[IST_DB - 1] = ist + 20480;
	c->tss.ist[IST_MC - 1] = ist + IST_BYTES;
	c->tss.iomap = sizeof(c->tss);
}

/* Load the table of gates on this CPU; CPU 0, the first, fills it. */
void
idt_load(void)
{
	struct table_pointer p = { sizeof(idt.gate) - 1, (uint64_t)idt.gate };
	unsigned v;

	for (v = 0; v < 256 && idt.gate[255].selector == 0; v++)
		fill_gate(v);
	__asm__ volatile("lidt %0" : : "m"(p));
}

static void
fill_gate(unsigned vector)
{
	uint64_t stub = (uint64_t)trap_stubs + vector * STUB_BYTES;
	struct gate *g = &idt.gate[vector];

	g->low = stub;
	g->mid = stub >> 16;
	g->high = stub >> 32;
	g->type = vector == VEC_BP || vector == VEC_OF ? GATE_USER : GATE_KERNEL;
	g->ist = vector == VEC_DF ? IST_DF : vector == VEC_NMI ? IST_NMI :
	    vector == VEC_MC ? IST_MC : vector == VEC_DB ? IST_DB : 0;
	g->selector = SEL_KCODE;
}
