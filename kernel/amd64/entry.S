/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry.S: into the kernel by exception, interrupt or syscall, and out again
 *
 * Problem   Save all registers in a struct trapframe, be on the kernel's GS,
 *           call C; undo it in reverse order.  syscall changes no stack and
 *           leaves rip in rcx, rflags in r11: it builds the same frame.
 *
 * Picture   processor pushed:  ss rsp rflags cs rip [error]
 *           stub pushes:       [0] vector
 *           trap_common:       rax … r15          ← rdi = struct trapframe *
 *
 * Rules     1. A frame from user mode lies at the very top of the kernel
 *              stack (TSS.rsp0): md_user_frame() finds it there.
 *           2. With SMAP, AC is cleared: the interrupted code may be in the
 *              middle of md_copy_user().  iret gives it back.
 *           3. #DF, NMI, #MC and #DB may come between entry and swapgs: they
 *              look at the sign of GS base, not at the saved cs; no user can
 *              make it negative.
 *           4. #DB of a user goes on as any exception does, on the kernel stack.
 *              In the kernel nothing steps, and what is watched there is the
 *              user's; but where a program has TF set, some processors (Bochs)
 *              trap once more at syscall_entry, on the user's stack pointer.
 *              So #DB has a stack of its own, and is over before the next one
 *              can come: TF is off inside.
 *           5. At a syscall the processor clears IF, DF, TF, NT, AC, IOPL (SFMASK).
 *           6. sysret only when may_sysret() of trap.c says that it gives exactly
 *              what the frame says; a non-canonical rip in sysret would fault
 *              in the kernel on the user's stack.
 *           7. Then rbx, rbp, r12 … r15 are the program's already: C has kept
 *              them, and who writes others into the frame changes rip too.
 *
 * Read next kernel/amd64/trap.c
 */
#include "amd64/asm.h"

/*
 * One stub for each vector: all are of one length, and make the same frame.  For some
 * traps the processor pushes an error code (Intel SDM vol. 3A, table 6-1): #DF, #TS, #NP,
 * #SS, #GP, #PF, #AC, #CP, and AMD's #VC, #SX; for the others a 0 stands there.
 */
	.text
	.balign 16
	.globl trap_stubs
trap_stubs:
	vector = 0
	.rept 256
	.balign 16
	has_error = vector == 8 || vector == 17 || vector == 21
	has_error = has_error || vector == 29 || vector == 30
	.if !(has_error || (vector >= 10 && vector <= 14))
	pushq $0
	.endif
	.byte 0x68               /* pushq imm32, always in 5 bytes */
	.long vector
	.if vector == VEC_NMI || vector == VEC_DF || vector == VEC_MC
	jmp trap_paranoid_entry
	.elseif vector == VEC_DB
	jmp trap_debug_entry
	.else
	jmp trap_common
	.endif
	vector = vector + 1
	.endr

	.macro push_registers
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
	.endm

	.macro pop_callers       /* those that a call does not keep */
	popq %rdi
	popq %rsi
	popq %rdx
	popq %r10
	popq %r8
	popq %r9
	popq %r11
	popq %rcx
	popq %rax
	.endm

	.macro pop_registers
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	pop_callers
	addq $16, %rsp           /* vector, error */
	.endm

	.macro clear_ac
	cmpb $0, cpu_smap
	je 9f
	clac
9:
	.endm

	.balign 16
trap_common:
	cld
	push_registers
	clear_ac
	testb $3, TF_CS(%rsp)
	jz 1f
	swapgs
1:
trap_call:
	movq %rsp, %rdi
	call trap
trap_leave:                      /* interrupts are off */
	testb $3, TF_CS(%rsp)
	jz 1f
	swapgs
1:	pop_registers
	iretq

/* trap_resume(frame): out of the kernel by this frame; interrupts off. */
	.globl trap_resume
trap_resume:
	movq %rdi, %rsp
	jmp trap_leave

/*
 * trap_assert(frame): panic_assert(what), what being rdi of the frame, called from
 * where the frame is of.  Rip, above the registers, is where a call would have put
 * it; the frame was pushed at a multiple of 16, so the stack is aligned, too.
 */
	.globl trap_assert
trap_assert:
	movq %rdi, %rsp
	pop_registers
	jmp panic_assert

	/*
	 * Picture: vector, error, rip, cs, rflags, rsp, ss from (%rsp) on.  A
	 * frame of user mode is moved to where md_user_frame() looks for it.
	 */
	.balign 16
trap_debug_entry:
	testb $3, 24(%rsp)
	jz trap_paranoid_entry
	swapgs
	pushq %rax
	movq %rsp, %rax
	movq %gs:CPU_KSTACK, %rsp
	pushq 56(%rax)           /* ss */
	pushq 48(%rax)
	pushq 40(%rax)
	pushq 32(%rax)
	pushq 24(%rax)
	pushq 16(%rax)
	pushq 8(%rax)            /* vector */
	movq (%rax), %rax
	cld
	push_registers
	clear_ac
	jmp trap_call

	.balign 16
trap_paranoid_entry:
	cld
	push_registers
	clear_ac
	xorl %ebx, %ebx          /* 1: swapgs on the way out */
	movl $MSR_GS_BASE, %ecx
	rdmsr
	testl %edx, %edx
	js 1f
	swapgs
	movl $1, %ebx
1:	movq %rsp, %rdi
	call trap_paranoid
	testl %ebx, %ebx
	jz 1f
	swapgs
1:	pop_registers
	iretq

/* ---- the fast way in ---- */

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
	push_registers
	movq %rsp, %rdi
	call trap_syscall        /* true: sysret gives what the frame says */
	testb %al, %al
	jz 1f
	addq $TF_ARGS, %rsp      /* rule 7 */
	pop_callers
	movq 40(%rsp), %rsp      /* over vector, error, rip, cs, rflags */
	swapgs
	sysretq
1:	movq %rsp, %rdi
	jmp trap_resume

	.section .note.GNU-stack, "", @progbits
