/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_pre.h: included before everything else in a host build
 *
 * The frame database and the arena lie where the host has room for them.
 */
#ifndef TEST_HOST_PRE_H
#define TEST_HOST_PRE_H

extern unsigned long host_pfdb_base;
#define MD_PFDB_BASE host_pfdb_base
extern unsigned long host_arena_base;
#define MD_ARENA_BASE host_arena_base
#define MD_ARENA_SIZE (1ul << 28)
#define MD_KPAGED_BASE 0x200000000000ul /* WINDOW_BASE */
#define WINDOW_HIDES 1

#endif
