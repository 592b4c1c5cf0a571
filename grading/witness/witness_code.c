/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness_code.c: what an instruction does to the border
 *
 * Problem   The plugin sees bytes.  Which of them call, return, jump through a
 *           pointer, write to memory?
 *
 * Rules     1. As much of the encoding as a compiler for general registers
 *              makes; grading/gate/listing.c lets nothing else in.
 *           2. In doubt it writes: then it is watched.
 *
 * Read next witness_border.c.
 */
#include "witness/witness.h"

#include <string.h>

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
is_push(const uint8_t *p, size_t n)
{
	size_t left = n;

	p = opcode(p, &left);
	return (p[0] & 0xf8) == 0x50 || p[0] == 0x68 || p[0] == 0x6a ||
	       (p[0] == 0xff && left > 1 && (p[1] & 0x38) == 0x30);
}

uint8_t
saved_register(const uint8_t *p, size_t n)
{
	bool high = n == 2 && p[0] == 0x41;
	unsigned reg;

	if ((p[n - 1] & 0xf8) != 0x50 || (n != 1 && !high))
		return 0;
	reg = p[n - 1] & 7;
	if (high)
		return reg >= 4 ? (uint8_t)(1u << reg) : 0; /* r12 to r15 */
	return reg == 3 ? 1 : reg == 5 ? 2 : 0;             /* rbx, rbp */
}

void
end_of(struct block *blk, uint64_t va, const uint8_t *p, size_t n)
{
	size_t left = n;
	int32_t off;

	p = opcode(p, &left);
	blk->end = END_FALLS;
	if (left >= 5 && (p[0] == 0xe8 || p[0] == 0xe9)) {
		memcpy(&off, p + 1, 4);
		blk->end = END_DIRECT;
		blk->target = va + n + (uint64_t)(int64_t)off;
	} else if (left >= 6 && p[0] == 0x0f && (p[1] & 0xf0) == 0x80) {
		memcpy(&off, p + 2, 4);
		blk->end = END_DIRECT;
		blk->target = va + n + (uint64_t)(int64_t)off;
	} else if (left >= 2 && (p[0] == 0xeb || (p[0] & 0xf0) == 0x70)) {
		blk->end = END_DIRECT;
		blk->target = va + n + (uint64_t)(int64_t)(int8_t)p[1];
	} else if (left >= 2 && p[0] == 0xff &&
		   ((p[1] & 0x38) == 0x10 || (p[1] & 0x38) == 0x20)) {
		blk->end = END_POINTER;
	} else if (is_return(p)) {
		blk->end = END_RETURN;
	} else if (p[0] == 0xcf) {
		blk->end = END_IRET;
	} else if (p[0] == 0xf4 || (left >= 2 && p[0] == 0x0f &&
		   (p[1] == 0x07 || p[1] == 0x0b || p[1] == 0x05))) {
		blk->end = END_OTHER;
	}
}

/* Of opcodes whose operand may be memory that is written. */
static bool
is_store(const uint8_t *p, size_t n)
{
	unsigned reg = n > 1 ? (p[1] >> 3) & 7 : 0;

	if (p[0] == 0xa4 || p[0] == 0xa5 || p[0] == 0xaa || p[0] == 0xab)
		return true; /* strings: no operand */
	if (p[0] == 0x0f && n > 2) {
		if ((p[2] & 0xc0) == 0xc0)
			return false;
		return (p[1] & 0xf0) == 0x90 || p[1] == 0xb0 || p[1] == 0xb1 ||
		       p[1] == 0xc0 || p[1] == 0xc1 || p[1] == 0xc7 ||
		       p[1] == 0xab || p[1] == 0xb3 || p[1] == 0xbb ||
		       p[1] == 0xba || p[1] == 0xa4 || p[1] == 0xa5 ||
		       p[1] == 0xac || p[1] == 0xad || p[1] == 0xc3 ||
		       p[1] == 0xae;
	}
	if (n < 2 || (p[1] & 0xc0) == 0xc0)
		return false;
	if (p[0] < 0x38)
		return (p[0] & 6) == 0; /* op to memory: 00 01 08 09 … 31 */
	return p[0] == 0x88 || p[0] == 0x89 || p[0] == 0xc6 || p[0] == 0xc7 ||
	       p[0] == 0x86 || p[0] == 0x87 || p[0] == 0x8f ||
	       (p[0] >= 0x80 && p[0] <= 0x83 && reg != 7) ||
	       ((p[0] == 0xf6 || p[0] == 0xf7) && (reg == 2 || reg == 3)) ||
	       ((p[0] == 0xfe || p[0] == 0xff) && reg < 2) ||
	       p[0] == 0xc0 || p[0] == 0xc1 || (p[0] >= 0xd0 && p[0] <= 0xd3);
}

/* Is its operand in the frame that it stands in: 8(%rbp), 8(%rsp)? */
static bool
is_in_frame(const uint8_t *p, size_t n)
{
	if (p[0] == 0x0f) {
		p++;
		n--;
	}
	if (n < 3 || (p[1] & 0xc0) == 0)
		return false;
	return (p[1] & 7) == 5 || ((p[1] & 7) == 4 && p[2] == 0x24);
}

/* Can it write elsewhere than to the frame that it stands in? */
bool
stores_elsewhere(const uint8_t *p, size_t n)
{
	size_t left = n;
	const uint8_t *op;
	unsigned i;

	op = opcode(p, &left);
	for (i = 0; i + left < n; i++) {
		if (p[i] == 0x65)
			return false; /* the processor's own struct */
		if ((p[i] & 0xf1) == 0x41)
			return is_store(op, left); /* another base */
	}
	return is_store(op, left) && !is_in_frame(op, left);
}

/* Bytes that a plain MOV writes to memory; 0: it is none. */
unsigned
mov_bytes(const uint8_t *p, size_t n)
{
	size_t left = n, i;
	const uint8_t *op = opcode(p, &left);
	bool wide = false, half = false;

	for (i = 0; i + left < n; i++) {
		wide = wide || (p[i] & 0xf8) == 0x48;
		half = half || p[i] == 0x66;
	}
	if (left < 2 || (op[1] & 0xc0) == 0xc0)
		return 0;
	if (op[0] == 0x88 || op[0] == 0xc6)
		return 1;
	if (op[0] != 0x89 && op[0] != 0xc7)
		return 0;
	return wide ? 8 : half ? 2 : 4;
}
