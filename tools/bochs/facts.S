/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.S: a boot sector for doctor: into long mode, one store, the end
 *
 * Picture   tables at 0x1000 … 0x4000 map the first 2 MiB page by page;
 *           the store to 0x9000 makes the processor set A and D of the word
 *           at 0x4048.
 *
 * Read next tools/bochs/facts plays it.
 */
	.globl start, long, stored
	.code16
start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movw	$0x1000, %di
	movw	$0x1800, %cx
	rep stosw                       /* three tables of zeros */
	movw	$0x2003, 0x1000
	movw	$0x3003, 0x2000
	movw	$0x4003, 0x3000
	movl	$3, %eax                /* and one full of pages */
1:	stosl
	movl	$0, (%di)
	addw	$4, %di
	addl	$0x1000, %eax
	cmpw	$0x5000, %di
	jne	1b
	movl	$0x20, %eax             /* PAE */
	movl	%eax, %cr4
	movl	$0x1000, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx       /* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	$0x00087c00, 0x80e0     /* a gate for page faults */
	movl	$0x00008e00, 0x80e4
	lidt	idtr
	lgdt	gdtr
	movl	%cr0, %eax
	orl	$0x80000001, %eax
	movl	%eax, %cr0
	ljmp	$8, $long
	.code64
long:
	movl	$0x9000, %ebx
	movl	$0x12345678, (%rbx)
stored:
	movl	$line, %esi             /* to standard output */
	movl	$9, %ecx
	movw	$0xe9, %dx
	rep outsb
	movl	$word, %esi             /* this ends the machine */
	movl	$8, %ecx
	movw	$0x8900, %dx
	rep outsb
2:	hlt
	jmp	2b

	.balign 8
gdt:	.quad	0, 0x00209a0000000000
gdtr:	.word	15
	.long	gdt
idtr:	.word	255
	.long	0x8000
line:	.ascii	"port 0xe9"
word:	.ascii	"Shutdown"
	.org	510
	.word	0xaa55
