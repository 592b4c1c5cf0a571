/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_faultpass.h: one pass of a fault, and what it must have left
 *
 * Offers    a call of a handler with all that the driver gives it, and claims
 *           about the word, the page, the counts after it.
 * Needs     vm/, lab.h.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_FAULTPASS_H
#define TEST_BOOT_LAB_FAULTPASS_H

#include "test/boot/lab/lab.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/space/space.h"
#include "vm/vm.h"
#include "vm/want/want.h"

#define R ACCESS_READ
#define W ACCESS_WRITE
#define X ACCESS_EXEC
#define P_R PROT_R
#define P_RW (PROT_R | PROT_W)
#define P_RWX (PROT_R | PROT_W | PROT_X)
/* Of a word that was made for a store. */
#define NEW_BITS (MD_PTE_U | MD_PTE_W | MD_PTE_A | MD_PTE_D)

/* Call handler once for f's address; other: with the object's next page. */
enum fault_outcome pass_of(struct fctx *f,
    enum fault_outcome (*handler)(struct fctx *), bool other);
/* The design's fault, once; the caller gives back what f has. */
enum fault_outcome pass_once(struct fctx *f, struct aspace *as, va_t va,
    enum access access);
/* A whole fault; its outcome. */
enum fault_outcome pass_all(struct aspace *as, va_t va, enum access access);
/* A private or shared mapping of vmo, or (NULL) of nothing. */
va_t pass_map(struct aspace *as, struct vmo *vmo, uint64_t pages, unsigned prot,
    unsigned flags);
uint64_t pass_word(struct aspace *as, va_t va);
/* VALID words of a mapping: fault-around makes more than one. */
unsigned pass_mapped(struct aspace *as, va_t va, uint64_t pages);

/* ---- claims; what: the case, for the message ---- */

void pass_says(const char *what, enum fault_outcome got,
    enum fault_outcome want);
/* The word is VALID with just these bits, U among them. */
void pass_word_is(const char *what, struct aspace *as, va_t va,
    enum pte_src src, uint64_t bits);
void pass_word_stays(const char *what, struct aspace *as, va_t va,
    uint64_t was);
/* Nobody pins it, so many words map it, it counts as dirty or not. */
#define PASS_ANY UINT32_MAX
void pass_page_is(const char *what, const struct vm_page *pg, unsigned mapped,
    bool dirty);

/* What a space counts of its pages, and what is promised. */
struct pass_counts {
	uint64_t ws, priv, late, total;
};

struct pass_counts pass_counts(struct aspace *as);
void pass_counts_moved(const char *what, struct aspace *as,
    struct pass_counts was, unsigned ws, unsigned priv, unsigned late);
/* A store for which there is no frame at first; for which nobody pays. */
void pass_without_frame(const char *what, struct aspace *as, va_t va);
void pass_without_money(const char *what, struct aspace *as, va_t va);

#endif
