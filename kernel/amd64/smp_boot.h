/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_boot.h: the parameters that smp.c gives to trampoline.S
 */
#ifndef AMD64_SMP_BOOT_H
#define AMD64_SMP_BOOT_H

#include "amd64/amd64.h"

struct smp_boot {
	uint64_t root;    /* 0: physical address of the kernel's tables */
	uint64_t stack;   /* 8: top of the idle thread's stack */
	struct cpu *cpu;  /* 16 */
};

extern struct smp_boot smp_boot;

#endif
