/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asm.h: numbers that assembly and C must agree on
 *
 * Rules     CPU_ and TF_ are offsets in struct cpu and struct trapframe;
 *           cpu.c asserts that they are true.
 */
#ifndef AMD64_ASM_H
#define AMD64_ASM_H

#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_UBASE 0x23 /* sysret: stack selector +8, code selector +16 */
#define SEL_UDATA 0x2b
#define SEL_UCODE 0x33
#define SEL_TSS 0x38

#define CPU_USER_RSP 8
#define CPU_KSTACK 16
#define CPU_CURRENT 24
#define CPU_PREEMPT 32
#define CPU_IRQ_DEPTH 36
#define CPU_NEED_RESCHED 40
#define CPU_ID 44
#define CPU_LOCK_WORD 48
#define CPU_WORD 72

#define TF_SIZE 176
#define TF_ARGS 48
#define TF_CS 144

#define VEC_SYSCALL 256
#define VEC_DB 1
#define VEC_NMI 2
#define VEC_DF 8
#define VEC_MC 18

#define TRAMPOLINE_PA 0x8000 /* real-mode start of the other CPUs */
#define IMAGE_BASE 0xffffffff80000000

#define MSR_APIC_BASE 0x1b
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE 0x001
#define EFER_LME 0x100
#define EFER_NXE 0x800

#define CR0_PE 0x00000001
#define CR0_MP 0x00000002
#define CR0_EM 0x00000004
#define CR0_TS 0x00000008
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_AM 0x00040000 /* EFLAGS.AC means something, in user mode */
#define CR0_NW 0x20000000
#define CR0_CD 0x40000000
#define CR0_PG 0x80000000

#define CR4_PAE 0x000020
#define CR4_PGE 0x000080
#define CR4_OSFXSR 0x000200
#define CR4_OSXMMEXCPT 0x000400
#define CR4_UMIP 0x000800
#define CR4_SMEP 0x100000
#define CR4_SMAP 0x200000

#endif
