/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness_code.c: which instructions call, return, jump through a pointer?
 *
 * Problem   A plugin of the emulator sees bytes.
 * Rules     As much of the encoding as a compiler for general registers makes.
 * Read next witness_border.c; tools/road reads code by it, too.
 */
#include "witness/witness.h"

/* The opcode behind the prefixes. */
const uint8_t *
opcode(const uint8_t *p, size_t *n)
{
	while (*n > 1 && (p[0] == 0x66 || p[0] == 0x67 || p[0] == 0xf2 ||
			     p[0] == 0xf3 || p[0] == 0x2e || p[0] == 0x3e ||
			     p[0] == 0xf0 || p[0] == 0x65 ||
			     (p[0] & 0xf0) == 0x40)) {
		p++;
		--*n;
	}
	return p;
}

bool
is_call(const uint8_t *p, size_t n)
{
	return p[0] == 0xe8 || (p[0] == 0xff && n > 1 && (p[1] & 0x38) == 0x10);
}

bool
is_return(const uint8_t *p)
{
	return p[0] == 0xc3 || p[0] == 0xc2;
}

bool
is_by_pointer(const uint8_t *p, size_t n)
{
	p = opcode(p, &n);
	return p[0] == 0xff && n > 1 &&
	       ((p[1] & 0x38) == 0x10 || (p[1] & 0x38) == 0x20);
}
