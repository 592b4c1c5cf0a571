/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostmem.c: memory of the host that is not part of the world
 *
 * Alone in its file: the host's header and vm.h both have MAP_ names.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

void *sim_alloc(size_t bytes);

void *
sim_alloc(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}
