/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.h: what the kernel's tests of the labs share
 *
 * Offers    marks around what is counted, random numbers, an address space.
 * Needs     vm/, kern/.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_H
#define TEST_BOOT_LAB_H

#include "test/boot/selftest.h"
#include "vm/access/access.h"
#include "vm/cache/cache.h"
#include "vm/calls/calls.h"
#include "vm/design/design.h"
#include "vm/evidence/evidence.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/map/map.h"
#include "vm/object/object.h"
#include "vm/pte/pte.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/vm.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"

/* Parameter t.NAME=VALUE of the boot, or def: the tests also run by hand. */
uint64_t lab_param(const char *name, uint64_t def);
/* xorshift64*; *state is not 0. */
uint64_t lab_random(uint64_t *state);
/* An empty space in use, and its end. */
struct aspace *lab_space(void);
struct aspace *lab_space_of(const struct design *design);
void lab_space_end(struct aspace *);
/* A private anonymous mapping of so many pages. */
va_t lab_map(struct aspace *, uint64_t pages);

/* EXPECT, said in words: what does not hold is what the learner reads. */
#define CLAIM(e, ...)                                                  \
	do {                                                           \
		if (!(e))                                              \
			selftest_fail(__FILE__, __LINE__, __VA_ARGS__); \
		else                                                   \
			selftest_held();                               \
	} while (0)

/* A line for the learner, whether the test passes or not: what was measured. */
void lab_show(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* lab_vad.c: of VADs by hand; map_lock is held from begin to end. */
struct aspace *lab_vads_begin(void);
void lab_vads_end(struct aspace *);
/* A VAD of [lo, hi), readable and writable, not in the tree. */
struct vad *lab_vad(struct aspace *, struct vmo *, uint64_t lo, uint64_t hi);
/* vm_check, which takes map_lock itself, finds nothing. */
bool lab_is_sound(struct aspace *);

extern const struct selftest selftests_lab_vad[];   /* lab_vad.c */
extern const struct selftest selftests_lab_vadcut[]; /* lab_vadcut.c */
extern const struct selftest selftests_lab_vadjoin[]; /* lab_vadjoin.c */
extern const struct selftest selftests_lab_fault[]; /* lab_fault.c */
extern const struct selftest selftests_lab_faultcase[]; /* lab_faultcase.c */
extern const struct selftest selftests_lab_faultfile[]; /* lab_faultfile.c */
extern const struct selftest selftests_lab_fork[];  /* lab_fork.c */
extern const struct selftest selftests_lab_forkparts[];  /* lab_forkparts.c */
extern const struct selftest selftests_lab_forkpages[];  /* lab_forkpages.c */
extern const struct selftest selftests_lab_forkagain[];  /* lab_forkagain.c */
extern const struct selftest selftests_lab_forkwhen[]; /* lab_forkwhen.c */
extern const struct selftest selftests_lab_forkfaults[]; /* lab_forkfaults.c */
extern const struct selftest selftests_lab_last[];  /* lab_last.c */
extern const struct selftest selftests_lab_laststeal[]; /* lab_laststeal.c */
extern const struct selftest selftests_lab_lastrace[]; /* lab_lastrace.c */
extern const struct selftest selftests_lab_lastpace[]; /* lab_lastpace.c */
extern const struct selftest selftests_lab_anon[];  /* lab_anon.c */
extern const struct selftest selftests_lab_anonlook[]; /* lab_anonlook.c */
extern const struct selftest selftests_lab_anonpage[]; /* lab_anonpage.c */
extern const struct selftest selftests_lab_anonshape[]; /* lab_anonshape.c */
extern const struct selftest selftests_lab_anoncut[]; /* lab_anoncut.c */
extern const struct selftest selftests_lab_cache[];      /* lab_cache.c */
extern const struct selftest selftests_lab_cacheread[];  /* lab_cacheread.c */
extern const struct selftest selftests_lab_cachehow[];   /* lab_cachehow.c */
extern const struct selftest selftests_lab_cachewrite[]; /* lab_cachewrite.c */
extern const struct selftest selftests_lab_cachecut[];   /* lab_cachecut.c */
extern const struct selftest selftests_lab_swap[];     /* lab_swap.c */
extern const struct selftest selftests_lab_swapout[];  /* lab_swapout.c */
extern const struct selftest selftests_lab_swapin[];   /* lab_swapin.c */
extern const struct selftest selftests_lab_swaperr[];  /* lab_swaperr.c */
extern const struct selftest selftests_lab_swapfile[]; /* lab_swapfile.c */
extern const struct selftest selftests_lab_swapwindow[]; /* lab_swapwindow.c */
extern const struct selftest selftests_lab_ws[];       /* lab_ws.c */
extern const struct selftest selftests_lab_wsage[];    /* lab_wsage.c */
extern const struct selftest selftests_lab_wspolicy[]; /* lab_wspolicy.c */
extern const struct selftest selftests_lab_wsfile[];  /* lab_wsfile.c */
extern const struct selftest selftests_lab_tablepin[]; /* lab_tablepin.c */
extern const struct selftest selftests_lab_tableout[]; /* lab_tableout.c */
extern const struct selftest selftests_lab_tablein[];  /* lab_tablein.c */
extern const struct selftest selftests_lab_tablepolicy[]; /* lab_tablepolicy.c */
extern const struct selftest selftests_lab_twist[];    /* lab_twist.c */
extern const struct selftest selftests_lab_amap[];     /* lab_amap.c */
extern const struct selftest selftests_lab_amapstop[]; /* lab_amapstop.c */
extern const struct selftest selftests_lab_amappace[]; /* lab_amappace.c */
extern const struct selftest selftests_lab_shadow[];   /* lab_shadow.c */
extern const struct selftest selftests_lab_shadowkin[]; /* lab_shadowkin.c */
extern const struct selftest selftests_lab_frames[];   /* lab_frames.c */
extern const struct selftest selftests_lab_framesafe[]; /* lab_framesafe.c */
extern const struct selftest selftests_lab_framesrandom[]; /* lab_framesrandom.c */
extern const struct selftest selftests_lab_tour[];  /* lab_tour.c */

#endif
