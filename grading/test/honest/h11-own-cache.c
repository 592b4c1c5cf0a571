/*
 * Has a cache of objects of its own, and fills and compares them by listed names.
 *
 * forge: lab=05 test=t08 hook=f4_break_fork call=cached(f->va) expect=honest
 */
#include "lib/string.h"

struct seen {
	va_t va;
	uint8_t pad[40];
};

static struct kmem_cache seen_cache = KMEM_CACHE("seen", struct seen);

static void
cached(va_t va)
{
	struct seen *a = kmem_cache_alloc(&seen_cache);
	struct seen *z = kmem_cache_zalloc(&seen_cache);

	if (a != NULL && z != NULL) {
		memset(a, 0x5a, sizeof(*a));
		a->va = va;
		memcpy(z, a, sizeof(*z));
		ASSERT(memcmp(a, z, sizeof(*a)) == 0);
	}
	if (a != NULL)
		kmem_cache_free(&seen_cache, a);
	if (z != NULL)
		kmem_cache_free(&seen_cache, z);
}
