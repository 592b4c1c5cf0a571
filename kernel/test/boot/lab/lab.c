/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.c: helpers of the kernel's tests of the labs
 *
 * Problem   A lab's first steps are tested before a program can run: the test
 *           stands in the kernel, and gets its numbers with the boot.
 *
 * Picture   boot words "selftest=lab_vad_many t.n=10000 t.seed=7"
 *
 * Read next lab_vad.c, lab_fault.c, lab_fork.c, lab_tour.c.
 */
#include "test/boot/lab/lab.h"
#include "boot/boot.h"
#include "channel/channel.h"
#include "kern/kern.h"
#include "lib/string.h"

uint64_t
lab_param(const char *name, uint64_t def)
{
	const char *s = boot_info()->cmdline, *end;
	size_t n = strlen(name);

	for (; s != NULL; s = strchr(s, ' ')) {
		s += *s == ' ';
		if (strncmp(s, "t.", 2) == 0 && strncmp(s + 2, name, n) == 0 &&
		    s[n + 2] == '=')
			return str_to_u64(s + n + 3, &end);
	}
	return def;
}

uint64_t
lab_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dul;
}

void
lab_show(const char *fmt, ...)
{
	char text[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	klog("selftest: %s", text);
	graded_say("show %s", text);
}

struct aspace *
lab_space_of(const struct design *design)
{
	struct aspace *as;

	CHECK(as_create(design, &as) == 0);
	as_attach_user(as);
	return as;
}

/* Of the design that the kernel was booted with. */
struct aspace *
lab_space(void)
{
	return lab_space_of(NULL);
}

void
lab_space_end(struct aspace *as)
{
	as_detach_user(as);
	as_put(as);
}

va_t
lab_map(struct aspace *as, uint64_t pages)
{
	struct map_args a = { .len = pages * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS };
	va_t va = 0;

	CHECK(map_mmap(as, &a, &va) == 0);
	return va;
}
