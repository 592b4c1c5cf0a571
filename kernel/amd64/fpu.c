/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu.c: x87 and SSE registers of user threads
 *
 * Problem   The kernel does not use them, user threads do: each has its own.
 *
 * Rules     1. Eager: saved and loaded at each switch between user threads.
 *              No lazy trap, so nobody ever sees another one's registers.
 *           2. An image from user memory is loaded only if its mxcsr has no
 *              bit that this CPU reserves: else fxrstor would fault.
 *           3. AVX is not enabled (CR4.OSXSAVE is 0), so 512 bytes are all.
 *
 * Read next kernel/amd64/thread.c
 */
#include "amd64/amd64.h"
#include "lib/string.h"

/* Intel SDM vol. 1: 11.6.6, 8.1.5, 11.6.4.  START: all exceptions masked, round to
 * nearest, x87 with 64 bits of precision. */
enum { MXCSR_MASK_DEFAULT = 0xffbf, FCW_START = 0x37f, MXCSR_START = 0x1f80 };

struct fx_image {
	uint16_t fcw, fsw, ftw, fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t registers[480];
};

_Static_assert(sizeof(struct fx_image) == MD_FPU_SIZE, "FXSAVE");

static struct {
	uint32_t mxcsr_mask; /* [c] */
} fpu;

static void
fx_save(void *image)
{
	__asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
}

static void
fx_load(const void *image)
{
	__asm__ volatile("fxrstor64 (%0)" : : "r"(image) : "memory");
}

/* Switch it on, on this CPU; find the bits of mxcsr that exist. */
void
fpu_init(void)
{
	struct fx_image image __attribute__((aligned(16)));

	__asm__ volatile("fninit");
	memset(&image, 0, sizeof(image));
	fx_save(&image);
	fpu.mxcsr_mask = image.mxcsr_mask;
	if (fpu.mxcsr_mask == 0)
		fpu.mxcsr_mask = MXCSR_MASK_DEFAULT;
	md_fpu_init(&image);
	fx_load(&image);
}

/* The image of a new program (book: abi 2). */
void
md_fpu_init(void *image)
{
	struct fx_image *f = image;

	memset(f, 0, sizeof(*f));
	f->fcw = FCW_START;
	f->mxcsr = MXCSR_START;
}

/* Rule 1; NULL: a thread of the kernel.  Context: the switch, interrupts off. */
void
fpu_switch(struct md_thread *from, struct md_thread *to)
{
	if (from->fpu != NULL)
		fx_save(from->fpu);
	if (to->fpu != NULL)
		fx_load(to->fpu);
}

/*
 * Live registers of the current thread t → its image.
 *
 * Context:  thread t; a switch in between saves the same registers.
 */
void
md_fpu_save(struct md_thread *t)
{
	uint64_t flags = md_irq_save();

	fx_save(t->fpu);
	md_irq_restore(flags);
}

/* Has the image only bits of mxcsr that this CPU knows?  Locks: none. */
bool
md_fpu_is_valid(const void *image)
{
	const struct fx_image *f = image;

	return (f->mxcsr & ~fpu.mxcsr_mask) == 0;
}

/*
 * Give the current thread t the registers of an image.  A switch saves over
 * t->fpu, so the image lies elsewhere, and copy and load are one step.
 *
 * Locks:    none.
 * Returns:  false: the image has bits that the CPU refuses; nothing loaded.
 */
bool
md_fpu_load(struct md_thread *t, const void *image)
{
	const struct fx_image *f = image;
	uint64_t flags;

	if (!md_fpu_is_valid(image))
		return false;
	flags = md_irq_save();
	memcpy(t->fpu, f, sizeof(*f));
	fx_load(t->fpu);
	md_irq_restore(flags);
	return true;
}
