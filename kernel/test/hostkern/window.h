/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * window.h: addresses of kernel paged memory that really fault, on the host
 *
 * Offers    the RAM of the machine under test, and a window on which its frames
 *           can be mapped; an access to what is not mapped calls the machine.
 * Needs     the host's mmap and SIGSEGV.  No header of the kernel: theirs and
 *           the host's have MAP_ names in common.
 */
#ifndef TEST_HOSTKERN_WINDOW_H
#define TEST_HOSTKERN_WINDOW_H

#define WINDOW_BASE 0x200000000000ul

/* RAM that can be mapped a second time; zeroed. */
void *window_ram(unsigned long bytes);
/* From now on touch(va, write) is called for an access that found no mapping;
 * the access is repeated when it returns. */
void window_open(unsigned long bytes, void (*touch)(unsigned long va, int write));
/* As a TLB does: map a page of RAM, forget the pages of a range, or all. */
void window_map(unsigned long va, unsigned long pa, int write);
void window_forget(unsigned long va, unsigned long bytes);
void window_forget_all(void);
/* Out of reach until window_show(): a lock is held under which nothing may be
 * touched.  Does something only where something is mapped. */
void window_hide(void);
void window_show(void);
int window_is_hidden(void);
/* Is va mapped, if perhaps hidden, with this right? */
int window_has(unsigned long va, int write);

#endif
