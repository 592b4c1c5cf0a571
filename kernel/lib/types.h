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
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CONTAINER_OF(p, type, field) \
	((type *)((char *)(p) - offsetof(type, field)))

#endif
