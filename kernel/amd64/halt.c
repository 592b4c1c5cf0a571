/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * halt.c: the last things: who called whom, and the end
 *
 * Problem   A panic wants the chain of callers from a stack that may be
 *           damaged, and an end that needs nothing of the kernel.
 *
 * Picture   rbp → ┌ saved rbp ┐ → ┌ saved rbp ┐ → … 0
 *                 └ return pc ┘   └ return pc ┘
 *
 * Rules     1. Everything is checked: a frame must be mapped, aligned and above
 *              the one before, on one stack; a pc must lie in the text.
 *           2. No locks.
 *
 * Read next kern/panic.c
 */
#include "amd64/amd64.h"
#include "lib/string.h"

enum {
	BOCHS_END = 0x8900, KEYBOARD = 0x64, KEYBOARD_RESET = 0xfe
};

struct call_frame {
	struct call_frame *up;
	uint64_t pc;
};

static bool is_plausible(const struct call_frame *, const struct call_frame *below);

/*
 * Return addresses, newest first; from tf's point if tf is not NULL.
 *
 * Locks:    none; any context.
 * Returns:  how many.
 */
unsigned
md_backtrace(uint64_t *pcs, unsigned max, const struct trapframe *tf)
{
	const struct call_frame *f = __builtin_frame_address(0), *below = NULL;
	unsigned n = 0;

	if (tf != NULL) {
		f = (const struct call_frame *)tf->rbp;
		if (n < max)
			pcs[n++] = tf->rip;
	}
	while (n < max && is_plausible(f, below)) {
		pcs[n++] = f->pc;
		below = f;
		f = f->up;
	}
	return n;
}

static bool
is_plausible(const struct call_frame *f, const struct call_frame *below)
{
	va_t va = (va_t)f;

	if (va % 8 != 0 || !pt_is_mapped(va) || !pt_is_mapped(va + 8))
		return false;
	if (below != NULL && (f <= below || va - (va_t)below > MD_KSTACK_SIZE))
		return false;
	return f->pc >= (va_t)image_start && f->pc < (va_t)text_end;
}

/*
 * End the machine by any means: Bochs's port, the keyboard controller, at last a
 * triple fault.
 *
 * Locks:    none.
 * Returns:  never.
 */
void
md_halt_forever(void)
{
	static const char word[] = "Shutdown";
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt;

	md_irq_disable();
	earlycon_drain();
	md_outs8(BOCHS_END, word, sizeof(word) - 1);
	md_out8(KEYBOARD, KEYBOARD_RESET);
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
	for (;;)
		__asm__ volatile("cli; hlt");
}
