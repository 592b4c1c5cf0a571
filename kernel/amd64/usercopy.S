/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usercopy.S: copies that may fault
 *
 * Problem   The user's end of a copy may be unmapped, read-only, swapped out
 *           or not an address at all.
 *
 * Picture   rep movs faults → trap.c finds its address in __ex_table →
 *           trap_ops.fault(): 0, so the copy goes on where it stopped
 *           (rcx, rsi, rdi say where); else it continues at the fixup.
 *
 * Rules     1. With SMAP, user memory is reachable between stac and clac only.
 *           2. Callers have checked that the user's end is below MD_USER_END.
 *           3. Eight bytes at a time: an interrupt between two of them shows
 *              others no aligned word that is half old and half new.
 *
 * Read next fixup() in kernel/amd64/trap.c
 */
#define EFAULT 14

	.text
/* int md_copy_user(void *dst, const void *src, size_t n) */
	.balign 16
	.globl md_copy_user
md_copy_user:
	pushq %rbp
	movq %rsp, %rbp
	movq %rdx, %rcx
	shrq $3, %rcx
	cmpb $0, cpu_smap
	je 1f
	stac
1:	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
2:	rep movsb
	xorl %eax, %eax
3:	cmpb $0, cpu_smap
	je 4f
	clac
4:	popq %rbp
	ret

5:	movl $-EFAULT, %eax
	jmp 3b

/* int md_store_user_each(void *dst, const void *src, size_t n, size_t step) */
	.balign 16
	.globl md_store_user_each
md_store_user_each:
	pushq %rbp
	movq %rsp, %rbp
	xorl %r8d, %r8d
	cmpb $0, cpu_smap
	je 6f
	stac
6:	movzwl (%rsi,%r8), %eax
7:	movw %ax, (%rdi,%r8)
	addq %rcx, %r8
	cmpq %rdx, %r8
	jb 6b
	xorl %eax, %eax
	jmp 3b

	.section __ex_table, "a"
	.balign 8
	.quad 1b, 5b
	.quad 2b, 5b
	.quad 7b, 5b

	.section .note.GNU-stack, "", @progbits
