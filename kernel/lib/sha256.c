/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sha256.c: digest and seal
 *
 * Problem   Records leave the machine on a line that a program could imitate;
 *           each carries a seal that takes a key to make.
 *
 * Picture   64 bytes ─→ 64 words, each mixed of earlier ones ─→ 64 rounds over
 *           8 words of state ─→ added to the state before
 *           seal = H(key^5c… H(key^36… bytes))
 *
 * Rules     The constants are the first 32 bits behind the point of the roots
 *           of the first primes: square roots to start, cube roots per round.
 *
 * Read next channel/record.c.
 */
#include "lib/sha256.h"
#include "lib/string.h"

static const uint32_t start[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void block_add(struct sha256 *h, const uint8_t *p);

void
sha256_init(struct sha256 *h)
{
	memcpy(h->state, start, sizeof(start));
	h->bytes = 0;
}

void
sha256_add(struct sha256 *h, const void *data, size_t n)
{
	const uint8_t *p = data;
	size_t at, piece;

	while (n > 0) {
		at = h->bytes % SHA256_BLOCK;
		piece = MIN(n, SHA256_BLOCK - at);
		memcpy(h->block + at, p, piece);
		h->bytes += piece;
		if (at + piece == SHA256_BLOCK)
			block_add(h, h->block);
		p += piece;
		n -= piece;
	}
}

/* A one bit, zeros, and the length in bits fill the last block. */
void
sha256_end(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
	static const uint8_t pad[SHA256_BLOCK] = { 0x80 };
	uint64_t bits = h->bytes * 8;
	uint8_t length[8];
	unsigned i;

	for (i = 0; i < 8; i++)
		length[i] = (uint8_t)(bits >> (56 - 8 * i));
	sha256_add(h, pad, 1 + (119 - h->bytes % SHA256_BLOCK) % SHA256_BLOCK);
	sha256_add(h, length, sizeof(length));
	for (i = 0; i < SHA256_BYTES; i++)
		out[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

static uint32_t
turn(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

/* The words of a block, the later ones mixed of the earlier. */
static void
schedule(uint32_t w[64], const uint8_t *p)
{
	uint32_t a, b;
	unsigned i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
		    (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (; i < 64; i++) {
		a = w[i - 15];
		b = w[i - 2];
		w[i] = w[i - 16] + w[i - 7] +
		    (turn(a, 7) ^ turn(a, 18) ^ a >> 3) +
		    (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}
}

static void
block_add(struct sha256 *h, const uint8_t *p)
{
	uint32_t w[64], s[8], t1, t2;
	unsigned i;

	schedule(w, p);
	memcpy(s, h->state, sizeof(s));
	for (i = 0; i < 64; i++) {
		t1 = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
		    ((s[4] & s[5]) ^ (~s[4] & s[6])) + rounds[i] + w[i];
		t2 = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) +
		    ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		h->state[i] += s[i];
}

/* ---- the seal ---- */

static void
key_mask(struct hmac *m, uint8_t mask)
{
	unsigned i;

	for (i = 0; i < SHA256_BLOCK; i++)
		m->key[i] ^= mask;
}

void
hmac_init(struct hmac *m, const uint8_t *key, size_t n)
{
	memset(m->key, 0, sizeof(m->key));
	memcpy(m->key, key, MIN(n, SHA256_BLOCK));
	key_mask(m, 0x36);
	sha256_init(&m->inner);
	sha256_add(&m->inner, m->key, SHA256_BLOCK);
	key_mask(m, 0x36);
}

void
hmac_add(struct hmac *m, const void *data, size_t n)
{
	sha256_add(&m->inner, data, n);
}

void
hmac_end(struct hmac *m, uint8_t out[SHA256_BYTES])
{
	sha256_end(&m->inner, out);
	key_mask(m, 0x5c);
	sha256_init(&m->inner);
	sha256_add(&m->inner, m->key, SHA256_BLOCK);
	sha256_add(&m->inner, out, SHA256_BYTES);
	sha256_end(&m->inner, out);
	memset(m->key, 0, sizeof(m->key));
}
