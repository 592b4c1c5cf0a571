/*
 * Has a header declare a function whose name for the assembler is a name and an
 * instruction: it is neither in an asm nor in the tokens of the file.  Another ends a
 * line, and is a line of its own.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
#define words_set words_not_set(void); \
	void innocent(const char *fmt, ...) __asm__("klog; outb %al, $0xf4"); \
	void harmless(const char *fmt, ...) __asm__("klog\n outb %al, $0xf4"); \
	static inline void words_set
#include "lib/poison.h"
#undef words_set

static void
attack(void)
{
	innocent("it ends here");
	harmless("or here");
}
