/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seal.c: is this result as it was written?
 *
 * Problem   A result file from a student's machine can be edited.  With the key
 *           of a course the instructor sees it.
 *
 * Picture   result.json ─ HMAC-SHA256(key) ─→ result.json.hmac
 *
 * Rules     The seal shows that a file is unchanged, not that its machine was
 *           honest: only a run on the instructor's machine counts.
 *
 * Read next json.c.
 */
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

/* The seal of a file in hexadecimal digits, malloc'd; NULL: unreadable. */
static char *
seal_of(const char *path, const char *keyfile)
{
	size_t n, nkey, len = 32;
	char *text = file_read(path, &n), *key = file_read(keyfile, &nkey);
	unsigned char md[32];
	char *hex = NULL;
	gcry_mac_hd_t h;
	int i;

	if (text != NULL && key != NULL && nkey >= 16 &&
	    gcry_mac_open(&h, GCRY_MAC_HMAC_SHA256, 0, NULL) == 0) {
		gcry_mac_setkey(h, key, nkey);
		gcry_mac_write(h, text, n);
		gcry_mac_read(h, md, &len);
		gcry_mac_close(h);
		hex = xalloc(66);
		for (i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02x", md[i]);
	}
	free(text);
	free(key);
	return hex;
}

bool
seal_write(const char *path, const char *keyfile)
{
	char *hex = seal_of(path, keyfile), *to = xprintf("%s.hmac", path);
	bool ok = hex != NULL && file_write(to, hex, strlen(hex));

	free(hex);
	free(to);
	return ok;
}

/* verify RESULT.json KEY: 0, or 1: it is not what was sealed. */
int
cmd_verify(const char *path, const char *keyfile)
{
	char *hex = seal_of(path, keyfile), *from = xprintf("%s.hmac", path);
	char *said = file_read(from, NULL);
	bool ok = hex != NULL && said != NULL && strcmp(hex, said) == 0;

	if (!ok)
		printf("%s: not as it was sealed\n", path);
	free(hex);
	free(from);
	free(said);
	return !ok;
}
