/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * switch.S: from one thread's stack to the next one's
 *
 * Problem   A thread in the kernel is its stack.  Save what a function must
 *           preserve, change rsp, and return on the other stack.
 *
 * Picture   ksp → r15 r14 r13 r12 rbx rbp  return address
 *           A new thread (md_thread_init): r12 = fn, r13 = arg, and the
 *           return address is switch_first.
 *
 * Read next kernel/amd64/thread.c
 */
	.text
/*
 * prev switch_stacks(uint64_t *save_ksp, uint64_t new_ksp, prev): rax is set
 * here and read by whoever wakes up on the new stack.
 */
	.balign 16
	.globl switch_stacks
switch_stacks:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	movq %rdx, %rax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* The first moments of a thread: call fn(arg); it never returns. */
	.balign 16
	.globl switch_first
switch_first:
	sti
	xorl %ebp, %ebp          /* end of backtraces */
	movq %r13, %rdi
	call *%r12
	ud2

	.section .note.GNU-stack, "", @progbits
