/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.S: the fast way into the kernel
 *
 * Problem   syscall changes no stack and leaves rip in rcx, rflags in r11.
 *           Build the same struct trapframe that an exception would.
 *
 * Rules     1. IF, DF, TF, NT, AC, IOPL are cleared by the processor (SFMASK).
 *           2. sysret only when may_sysret() of trap.c says that it gives exactly
 *              what the frame says; a non-canonical rip in sysret would fault
 *              in the kernel on the user's stack.
 *           3. Then rbx, rbp, r12 … r15 are the program's already: C has kept
 *              them, and who writes others into the frame changes rip too.
 *
 * Read next trap_syscall() in kernel/amd64/trap.c
 */
#include "amd64/asm.h"

	.text
	.balign 16
	.globl syscall_entry
syscall_entry:
	swapgs
	movq %rsp, %gs:CPU_USER_RSP
	movq %gs:CPU_KSTACK, %rsp
	pushq $SEL_UDATA
	pushq %gs:CPU_USER_RSP
	pushq %r11
	pushq $SEL_UCODE
	pushq %rcx
	pushq %rax               /* error: the number of the call */
	pushq $VEC_SYSCALL
	pushq %rax
	pushq %rcx
	pushq %r11
	pushq %r9
	pushq %r8
	pushq %r10
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	call trap_syscall        /* true: sysret gives what the frame says */
	testb %al, %al
	jz 1f
	addq $TF_ARGS, %rsp      /* rule 3 */
	popq %rdi
	popq %rsi
	popq %rdx
	popq %r10
	popq %r8
	popq %r9
	popq %r11
	popq %rcx
	popq %rax
	movq 40(%rsp), %rsp      /* over vector, error, rip, cs, rflags */
	swapgs
	sysretq
1:	movq %rsp, %rdi
	jmp trap_resume

	.section .note.GNU-stack, "", @progbits
