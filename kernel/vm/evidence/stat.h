/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evidence/stat.h: what the memory manager says of itself, for proc/ and sys/
 *
 * Offers    numbers and text for /proc, vm_check, the search for leaks.
 * Needs     vm.h.
 * Sleeps?   Yes: no lock of rank >= 2 is held, but where vm_check says so.
 * In interrupts?  Never.
 */
#ifndef VM_EVIDENCE_STAT_H
#define VM_EVIDENCE_STAT_H

#include "vm/vm.h"

/* Of a space, in pages unless said: [own]. */
struct vm_as_stat {
	uint64_t size, resident, text, data, stack, locked;
	uint64_t size_peak, peak;   /* of size, of resident */
	uint64_t rss_anon, rss_file, rss_shmem, swap, tables;
	uint64_t commit, late, nvads;
	va_t brk0;                  /* where the heap begins */
	const char *design;         /* its name */
};
void vm_as_stat(struct aspace *, struct vm_as_stat *);       /* what is kept; else 0 */
void vm_as_stat_kinds(struct aspace *, struct vm_as_stat *); /* all: a walk */
uint64_t vm_as_gauge(struct aspace *, enum ev_id);  /* rows with p and gauge */
/*
 * Text that may be long is made record by record: each call prints the record at *at
 * (0: the first) and moves *at behind it.  Each returns 1; 0: there is no more
 * record.
 */
int stat_maps(struct aspace *, uint64_t *at, struct out *);
int stat_smaps(struct aspace *, uint64_t *at, struct out *);
int stat_smaps_rollup(struct aspace *, uint64_t *at, struct out *);
int stat_vadtree(struct aspace *, uint64_t *at, struct out *);
int stat_vmstat(struct aspace *, uint64_t *at, struct out *);
int stat_shared_of(struct aspace *, uint64_t *at, struct out *);
int stat_shared(uint64_t *at, struct out *);
int stat_vmos(uint64_t *at, struct out *);
int stat_shadow(uint64_t at[2], struct out *);
void stat_ws(struct aspace *, struct out *);
/* Linux's /proc/PID/pagemap: words of n pages from vpn on; pfn: with frames. */
enum pagemap_pfn { PAGEMAP_NO_PFN, PAGEMAP_PFN };
void stat_pagemap(struct aspace *, uint64_t vpn, uint64_t *words, unsigned n,
    enum pagemap_pfn);
/* Text of the system: /proc/vm/NAME. */
void stat_pages(struct out *);
void stat_queues(struct out *);
void stat_commit(struct out *);
void stat_swaps(struct out *);      /* /proc/swaps */
void stat_swap(struct out *);       /* /proc/vm/swap */
void stat_slabs(struct out *);
void stat_frames(struct out *);
void stat_owners(struct out *);     /* who owns which frames, of design frames */
void stat_frame_states(struct out *);
void stat_stacks(struct out *);
void stat_check(struct out *);      /* the last report */

/* Of the system, in bytes: [own]. */
struct vm_mem_info {
	uint64_t total, free, avail, cached, anon, mapped, shmem, slab, tables;
	uint64_t commit_limit, commit_total;
	uint64_t locked;
	uint64_t dirty, writeback;
	uint64_t swap_total, swap_free, swap_cached;
};
void vm_mem_info(struct vm_mem_info *);
/* Walk the invariants (book: invariants).  Returns how many findings; stops
 * the machine's other threads at safe points meanwhile. */
unsigned vm_check(int level);
void vm_leak_begin(void);
/* Findings against the last begin; text goes to stat_check(). */
unsigned vm_leak_end(void);
/* At the end of each system call, where evidence_is_asked(); check=sys: vm_check(). */
void vm_check_syscall(void);

#endif
