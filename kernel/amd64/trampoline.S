/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trampoline.S: another CPU, from real mode to smp_entry()
 *
 * Problem   A CPU that gets STARTUP begins in real mode at a page below
 *           1 MiB, knowing nothing.
 *
 * Picture   trampoline_start … trampoline_end is copied to TRAMPOLINE_PA:
 *           real mode → protected mode → loader's tables, long mode →
 *           high half → kernel_root → smp_entry()
 *
 * Rules     1. In the copied part only addresses relative to its start, plus
 *              TRAMPOLINE_PA, mean anything.
 *           2. The stack is mapped by the kernel's tables only: CR3 first.
 *
 * Read next kernel/amd64/smp.c
 */
#include "amd64/asm.h"

#define HERE(sym) ((sym) - trampoline_start + TRAMPOLINE_PA)

	.section .rodata
	.globl trampoline_start, trampoline_end
	.balign 16
trampoline_start:
	.code16
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl HERE(gdt_pointer)
	movl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl $SEL_CODE32, $HERE(protected)

	.code32
protected:
	movl $SEL_KDATA, %eax
	movl %eax, %ds
	movl %eax, %ss
	movl $(boot_pml4 - IMAGE_BASE), %eax
	movl %eax, %cr3
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_LME | EFER_NXE | EFER_SCE), %eax
	wrmsr
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0          /* clears CD and NW too */
	ljmp $SEL_KCODE, $HERE(long_mode)

	.code64
long_mode:
	movabsq $enter_high, %rax
	jmp *%rax

	.balign 8
	.set SEL_CODE32, 0x18
gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* SEL_KCODE */
	.quad 0x00cf93000000ffff /* SEL_KDATA */
	.quad 0x00cf9b000000ffff /* SEL_CODE32 */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long HERE(gdt)
trampoline_end:

	.text
enter_high:
	movq smp_boot, %rax
	movq %rax, %cr3
	movq smp_boot + 8, %rsp
	movq smp_boot + 16, %rdi
	xorl %ebp, %ebp
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	call smp_entry
	ud2

	.section .note.GNU-stack, "", @progbits
