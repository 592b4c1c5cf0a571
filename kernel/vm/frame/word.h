/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * word.h: the words of page tables and records
 *
 * The bits of a page-table word are the machine's where it is VALID; all other
 * kinds are ours (book: words).
 */
#ifndef VM_FRAME_WORD_H
#define VM_FRAME_WORD_H

#include "mem/mem.h"
#include "vm/vm.h"

enum pte_kind {
	PTE_ABSENT, /* all bits 0: the VAD says what it means */
	PTE_VALID,
	PTE_TRANS,  /* 1: resident, not mapped here */
	PTE_BUSY,   /* 2: frame is being filled */
	PTE_SWAP,   /* 3: in a slot */
	PTE_FORK,   /* 4: an entry of a forked memory object */
	PTE_ERROR   /* 5: could not be read */
};

enum pte_src {         /* bits 10:9 of a VALID word */
	SRC_OBJ,       /* home VNODE or AOBJ */
	SRC_PRIV,      /* home is this word */
	SRC_FORK,      /* home is an FMO entry */
	SRC_SPEC       /* zero page, device: no mapcount, no ws.pages */
};

#define PTE_SRC_SHIFT 9
#define PTE_SRC_MASK (3ul << PTE_SRC_SHIFT)
#define PTE_LOCK (1ul << 11)
#define PTE_AGE_SHIFT 52
#define PTE_AGE_MASK (3ul << PTE_AGE_SHIFT)
#define PTE_ZERO_MASK 0x7fc0000000000000ul /* 62:54 must be 0 when VALID */
#define PTE_GONE (1ul << 54) /* in a batch only: no word names the page */
#define PTE_KIND_SHIFT 1
#define PTE_KIND_MASK (7ul << PTE_KIND_SHIFT)
#define PTE_PFN_MASK MD_PTE_PFN
#define PTE_ERRNO_SHIFT 8 /* 15:8 of an ERROR word */

void pte_corrupt(uint64_t word) NORETURN;

/* The kind of a word, which is a copy; panics where no kind has this pattern. */
static inline enum pte_kind
pte_kind(uint64_t word)
{
	unsigned k = (unsigned)((word & PTE_KIND_MASK) >> PTE_KIND_SHIFT);

	if ((word & MD_PTE_P) != 0)
		return PTE_VALID;
	if (word == 0)
		return PTE_ABSENT;
	if (k == 0 || k > PTE_ERROR - 1)
		pte_corrupt(word);
	return (enum pte_kind)(k + 1);
}

const char *pte_kind_name(enum pte_kind);

static inline enum pte_src
pte_src(uint64_t w)
{
	return (enum pte_src)((w & PTE_SRC_MASK) >> PTE_SRC_SHIFT);
}

static inline pfn_t
pte_pfn(uint64_t w)
{
	return (pfn_t)((w & PTE_PFN_MASK) >> PAGE_SHIFT);
}

static inline struct vm_page *
pte_page(uint64_t w)
{
	return &pfdb[pte_pfn(w)];
}

/* How long ago a VALID word was used, in age passes. */
static inline unsigned
pte_age(uint64_t w)
{
	return (unsigned)((w & PTE_AGE_MASK) >> PTE_AGE_SHIFT);
}

/* Does the word refer to a frame (VALID, TRANS, BUSY)?  Counts in nres. */
static inline bool
pte_names_frame(uint64_t w)
{
	/* Bit i: a word that ends in these four bits does.  Odd ones are VALID. */
	const unsigned by_end = 0xaaaa | 1u << (1 << PTE_KIND_SHIFT) |
	    1u << (2 << PTE_KIND_SHIFT);

	return (by_end >> (w & 0xf) & 1) != 0;
}

/* TRANS or BUSY: such words change under [P] (R5). */
static inline bool
pte_is_unmapped_frame(uint64_t w)
{
	return (w & MD_PTE_P) == 0 && pte_names_frame(w);
}

/* SWAP or TRANS: a page, or its slot, that no word need map. */
static inline bool
pte_is_away(uint64_t w)
{
	enum pte_kind kind = pte_kind(w);

	return kind == PTE_SWAP || kind == PTE_TRANS;
}

/* Is the word of this kind?  Faster than pte_kind(). */
static inline bool
pte_is_trans(uint64_t w)
{
	return (w & (MD_PTE_P | PTE_KIND_MASK)) ==
	    (uint64_t)(PTE_TRANS - 1) << PTE_KIND_SHIFT;
}

/* Has a store gone through the word, which was VALID? */
static inline enum page_dirt
word_dirt(uint64_t w)
{
	return (w & MD_PTE_D) != 0 ? PAGE_DIRTY : PAGE_CLEAN;
}

/* VALID, and mlock keeps it so. */
static inline bool
pte_is_locked(uint64_t w)
{
	return (w & (MD_PTE_P | PTE_LOCK)) == (MD_PTE_P | PTE_LOCK);
}

/* VALID, and names the zero page or a device. */
static inline bool
pte_is_special(uint64_t w)
{
	return (w & (MD_PTE_P | PTE_SRC_MASK)) ==
	    (MD_PTE_P | (uint64_t)SRC_SPEC << PTE_SRC_SHIFT);
}
/* VALID, and names a page of the space's own, or one shared with those who forked. */
#define PTE_WHOSE (MD_PTE_P | PTE_SRC_MASK)
#define PTE_PRIVATE (MD_PTE_P | (uint64_t)SRC_PRIV << PTE_SRC_SHIFT)
#define PTE_FORKED (MD_PTE_P | (uint64_t)SRC_FORK << PTE_SRC_SHIFT)
static inline bool
pte_is_private(uint64_t w)
{
	return (w & PTE_WHOSE) == PTE_PRIVATE || (w & PTE_WHOSE) == PTE_FORKED;
}
/* The zero page, mapped ahead as a neighbour of another page, and not used yet. */
static inline bool
pte_is_unread_zero(uint64_t w)
{
	return pte_is_special(w) && (w & MD_PTE_A) == 0;
}

static inline uint64_t
pte_make_soft(enum pte_kind kind, uint64_t payload_at_12)
{
	return ((uint64_t)(kind - 1) << PTE_KIND_SHIFT) |
	    (payload_at_12 << PAGE_SHIFT);
}

/* The payload of a soft word of this kind; of any other word: too large a number. */
static inline uint64_t
pte_payload(enum pte_kind kind, uint64_t w)
{
	uint64_t payload = w - pte_make_soft(kind, 0);

	return payload << (64 - PAGE_SHIFT) | payload >> PAGE_SHIFT;
}

/* A table on swap, or on its way: its parent's word, TRANS, BUSY, SWAP or ERROR, keeps
 * two fields of its descriptor.  Words of data pages have none of them. */
#define PTE_TABLE_LATE (1ul << 62)        /* tbl.late */
#define PTE_TABLE_USED_SHIFT 52           /* 61:52 nused */
#define PTE_TABLE_USED_MASK (0x3fful << PTE_TABLE_USED_SHIFT)
#define PTE_TABLE_MASK (PTE_TABLE_LATE | PTE_TABLE_USED_MASK)

static inline unsigned
pte_table_used(uint64_t w)
{
	return (unsigned)((w & PTE_TABLE_USED_MASK) >> PTE_TABLE_USED_SHIFT);
}

static inline uint64_t
pte_make_trans(const struct vm_page *pg)
{
	return pte_make_soft(PTE_TRANS, page_pfn(pg));
}

/* flags: MD_PTE_W | _D | _A | _NX | PTE_LOCK; U and P are added. */
static inline uint64_t
pte_make_valid(const struct vm_page *pg, enum pte_src src, uint64_t flags)
{
	return page_pa(pg) | MD_PTE_P | MD_PTE_U |
	    ((uint64_t)src << PTE_SRC_SHIFT) | flags;
}

#define SWAP_INDEX_BITS 28        /* slot_t: area << 28 | index; 0: none */
#define SWAP_INDEX_MAX ((1u << SWAP_INDEX_BITS) - 1)

/* The SWAP word of a slot: index in 43:12, area in 47:44 (book: words). */
static inline uint64_t
swap_word(slot_t slot)
{
	uint64_t area = slot >> SWAP_INDEX_BITS;

	ASSERT(slot != 0);
	return pte_make_soft(PTE_SWAP, area << 32 | (slot & SWAP_INDEX_MAX));
}

/* The slot that a SWAP word names. */
static inline slot_t
swap_slot(uint64_t word)
{
	uint64_t payload = (word & PTE_PFN_MASK) >> PAGE_SHIFT;

	ASSERT(pte_kind(word) == PTE_SWAP);
	return (slot_t)((payload >> 32) << SWAP_INDEX_BITS |
	    (payload & SWAP_INDEX_MAX));
}

#endif
