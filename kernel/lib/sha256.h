/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sha256.h: SHA-256, a cryptographic digest, and a seal (HMAC) made of it
 *
 * Rules     The HMAC is RFC 2104 over FIPS 180-4; test/host/t_sha256.c checks
 *           it against their vectors and the host's own library.
 */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include "lib/types.h"

#define SHA256_BYTES 32u
#define SHA256_BLOCK 64u

struct sha256 {
	uint32_t state[8];
	uint64_t bytes;                /* so far */
	uint8_t block[SHA256_BLOCK];   /* the part of it that fills no block */
};

void sha256_init(struct sha256 *);
void sha256_add(struct sha256 *, const void *, size_t n);
void sha256_end(struct sha256 *, uint8_t out[SHA256_BYTES]);

/* A seal of bytes that only those who know the key can make. */
struct hmac {
	struct sha256 inner;
	uint8_t key[SHA256_BLOCK];
};

/* A key of at most SHA256_BLOCK bytes. */
void hmac_init(struct hmac *, const uint8_t *key, size_t n);
void hmac_add(struct hmac *, const void *, size_t n);
void hmac_end(struct hmac *, uint8_t out[SHA256_BYTES]);

#endif
