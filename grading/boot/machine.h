/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h: between boot.c and machine.c
 */
#ifndef GRADING_MACHINE_H
#define GRADING_MACHINE_H

#include "boot/boot.h"

/* The first files of the guest, an archive or a disk, as a file; -1: *why. */
int boot_files(const struct boot_job *, char **why);
/* Bytes of the machine's memory, with what is cut off for disks. */
int64_t boot_memory(const struct test *);
/* The boot words; the program's arguments last. */
char *boot_words(const struct boot_job *, const uint8_t key[32]);
/* The emulator's arguments. */
void boot_machine(struct words *argv, const struct boot_job *,
    const char *words, int files, const int line[2], int ram);
/* More of them: the memory that it shares with the sink of a trace. */
void boot_trace(struct words *argv, int memory, size_t bytes);

#endif
