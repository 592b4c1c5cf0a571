/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * without.h: the kernel without its asserts, to see what they cost
 *
 * Included before all else in a kernel of make bench-evidence.
 */
#include "lib/assert.h"

#undef ASSERT
#undef ASSERT_SAYS
#undef CHECK
#define ASSERT(e) ((void)sizeof(!(e)))
#define ASSERT_SAYS(e, text) ASSERT(e)
#define CHECK(e) ((void)(e))
