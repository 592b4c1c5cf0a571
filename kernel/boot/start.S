/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.S: from the loader's 32-bit world to the first C function
 *
 * Problem   QEMU (PVH) and GRUB (multiboot2) leave us in protected mode
 *           without paging, at physical addresses.  Get to long mode at the
 *           address for which the kernel is linked.
 *
 * Picture   one table for 0…4 GiB in 2 MiB pages, seen three times:
 *             at 0 (we stand there while paging goes on; also for the
 *             real-mode start of the other CPUs), at MD_DIRECT_BASE, and its
 *             first GiB at MD_IMAGE_BASE.
 *
 * Rules     1. Until start_high addresses are physical: symbol - IMAGE_BASE.
 *           2. These tables are writable and executable; md_init_early()
 *              replaces them, md_start_cpus() clears them.
 *           3. edi holds the loader's magic, esi its information, throughout.
 *
 * Read next kernel/boot/memmap.c, kernel/amd64/init.c.  Book: ch03.
 */
#include "amd64/asm.h"

#define PA(sym) ((sym) - IMAGE_BASE)
#define PVH_MAGIC 0x336ec578
#define MB2_HEADER 0xe85250d6
#define COM1 0x3f8

	.section .multiboot, "a"
	.balign 8
header:
	.long MB2_HEADER, 0, header_end - header
	.long -(MB2_HEADER + 0 + (header_end - header))
	.word 3, 0               /* entry address */
	.long 12
	.long PA(multiboot2_entry)
	.balign 8
	.word 6, 0               /* modules start on a page */
	.long 8
	.word 0, 0               /* end */
	.long 8
header_end:

	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 4, 18           /* name bytes, value bytes, PHYS32_ENTRY */
	.asciz "Xen"
	.long PA(pvh_entry)

	.section .text.boot, "ax"
	.code32
	.globl pvh_entry, multiboot2_entry

pvh_entry:
	movl $PVH_MAGIC, %eax
multiboot2_entry:
	cli
	cld
	movl %eax, %edi
	movl %ebx, %esi
	movl $PA(boot_stack_top), %esp

	movl $0x80000001, %eax   /* long mode and NX, or we cannot run */
	cpuid
	andl $0x20100000, %edx
	cmpl $0x20100000, %edx
	jne no_long_mode

enter_long_mode:
	call make_tables
	movl $PA(boot_pml4), %eax
	movl %eax, %cr3
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(EFER_LME | EFER_NXE | EFER_SCE), %eax
	wrmsr
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0
	lgdt PA(boot_gdt_pointer)
	ljmp $SEL_KCODE, $PA(start_low)

/* Fill the tables of the picture; they are zero before. */
make_tables:
	movl $PA(boot_pd), %ebx
	movl $0x83, %eax         /* present, writable, 2 MiB */
	movl $2048, %ecx
1:	movl %eax, (%ebx)
	addl $0x200000, %eax
	addl $8, %ebx
	loop 1b
	movl $(PA(boot_pd) + 3), %eax
	movl %eax, PA(boot_pdpt)
	movl %eax, PA(boot_pdpt_high + 510 * 8)
	addl $4096, %eax
	movl %eax, PA(boot_pdpt + 8)
	addl $4096, %eax
	movl %eax, PA(boot_pdpt + 16)
	addl $4096, %eax
	movl %eax, PA(boot_pdpt + 24)
	movl $(PA(boot_pdpt) + 3), %eax
	movl %eax, PA(boot_pml4)
	movl %eax, PA(boot_pml4 + 256 * 8)
	movl $(PA(boot_pdpt_high) + 3), %eax
	movl %eax, PA(boot_pml4 + 511 * 8)
	ret

no_long_mode:
	movl $PA(no_long_mode_text), %esi
1:	lodsb
	testb %al, %al
	jz 3f
	movb %al, %ah
	movw $(COM1 + 5), %dx
2:	inb %dx, %al
	testb $0x20, %al
	jz 2b
	movb %ah, %al
	movw $COM1, %dx
	outb %al, %dx
	jmp 1b
3:	hlt
	jmp 3b

	.code64
start_low:
	movabsq $start_high, %rax
	jmp *%rax

start_high:
	movl $SEL_KDATA, %eax
	movl %eax, %ss
	xorl %eax, %eax          /* null: an iret to user mode clears others */
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_top, %rsp
	xorl %ebp, %ebp
	pushq %rsi
	pushq %rdi
	call md_early_init
	popq %rdi
	popq %rsi
	movl %edi, %edi
	movl %esi, %esi
	call boot_collect
	call kernel_main
1:	cli
	hlt
	jmp 1b

	.section .rodata
no_long_mode_text:
	.asciz "vadose: this CPU has no 64-bit mode with NX\n"
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* SEL_KCODE: 64-bit code */
	.quad 0x00cf93000000ffff /* SEL_KDATA */
boot_gdt_pointer:
	.word boot_gdt_pointer - boot_gdt - 1
	.long PA(boot_gdt)

	.section .boot_tables, "aw", @nobits
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_pd:
	.skip 4 * 4096

	.section .note.GNU-stack, "", @progbits
