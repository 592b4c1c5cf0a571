/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_pre.h: included before everything else in a host build
 *
 * The frame database lies where the host has room for it.
 */
#ifndef TEST_HOST_PRE_H
#define TEST_HOST_PRE_H

extern unsigned long host_pfdb_base;
#define MD_PFDB_BASE host_pfdb_base

#endif
