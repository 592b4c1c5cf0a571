/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ksym.h: the table of the kernel's functions, made by tools/gen/symtab.awk
 *
 * Offers    ascending addresses, and names.  Weak: the first link has none.
 */
#ifndef KERN_KSYM_H
#define KERN_KSYM_H

#include "lib/types.h"

extern const uint64_t ksym_count __attribute__((weak));
extern const uint64_t ksym_addr[] __attribute__((weak));
extern const uint32_t ksym_name[] __attribute__((weak)); /* into ksym_str */
extern const char ksym_str[] __attribute__((weak));

#endif
