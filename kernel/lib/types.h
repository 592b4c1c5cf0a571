/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h: names for the plain integers of the design
 *
 * Offers    va_t, pa_t, vpn_t, pfn_t, slot_t, page arithmetic, min/max.
 * Needs     nothing.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t va_t;   /* virtual address, bytes */
typedef uint64_t pa_t;   /* physical address, bytes */
typedef uint64_t vpn_t;  /* va >> 12 */
typedef uint32_t pfn_t;  /* pa >> 12; 0 means none */
typedef uint32_t slot_t; /* swap slot; 0 means none */
typedef int64_t ssize_t;
typedef int64_t off_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (PAGE_SIZE - 1)
#define PAGE_DOWN(x) ((x) & ~PAGE_MASK)
#define PAGE_UP(x) (((x) + PAGE_MASK) & ~PAGE_MASK)

#define BIT(n) (1ul << (n))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* Each argument is asked once: what others change may be another the second time. */
#define MIN(a, b) PICK_AS(a, <, b, __COUNTER__)
#define MAX(a, b) PICK_AS(a, >, b, __COUNTER__)
#define PICK_AS(a, is, b, n) PICK_OF(a, is, b, n)
#define PICK_OF(a, is, b, n) PICK_ONCE(a, is, b, a_##n, b_##n)
#define PICK_ONCE(a, is, b, x, y) \
	({ __typeof__(1 ? (a) : (b)) x = (a), y = (b); x is y ? x : y; })
#define CONTAINER_OF(p, type, field) \
	((type *)((char *)(p) - offsetof(type, field)))

#endif
