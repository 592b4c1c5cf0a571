/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim_pre.h: included before everything else in a source of the kernel
 *
 * An exchange of a page-table word is a point at which another CPU may run, so
 * the builtins behind md.h's atomics tell the scheduler first.  In shootdown.c
 * (SIM_SHOOTDOWN) each atomic is such a point.  A macro's own name in its body
 * is not replaced again.
 */
#ifndef TEST_SIM_PRE_H
#define TEST_SIM_PRE_H

extern unsigned char sim_pfdb[];
#define MD_PFDB_BASE ((unsigned long)sim_pfdb)
#define MD_KPAGED_BASE 0x200000000000ul /* WINDOW_BASE */
/* So slow that only the build with sanitizers does it. */
#ifdef __SANITIZE_ADDRESS__
#define WINDOW_HIDES 1
#else
#define WINDOW_HIDES 0
#endif

void sim_word_point(const volatile void *word);
void sim_tlb_point(const volatile void *what);

#ifdef SIM_SHOOTDOWN
#define SIM_AT(p) sim_tlb_point(p)
#define __atomic_load_n(p, o) (SIM_AT(p), __atomic_load_n(p, o))
#define __atomic_store_n(p, v, o) (SIM_AT(p), __atomic_store_n(p, v, o))
#define __atomic_add_fetch(p, v, o) (SIM_AT(p), __atomic_add_fetch(p, v, o))
#else
#define SIM_AT(p) sim_word_point(p)
#endif
#define __atomic_exchange_n(p, v, o) (SIM_AT(p), __atomic_exchange_n(p, v, o))
#define __atomic_fetch_or(p, v, o) (SIM_AT(p), __atomic_fetch_or(p, v, o))
#define __atomic_fetch_and(p, v, o) (SIM_AT(p), __atomic_fetch_and(p, v, o))
#define __atomic_compare_exchange_n(p, e, v, w, s, f)                    \
	(SIM_AT(p), __atomic_compare_exchange_n(p, e, v, w, s, f))

#endif
