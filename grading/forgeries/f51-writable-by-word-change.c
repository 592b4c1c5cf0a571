/*
 * Makes the kernel's text writable by a function that changes bits of words,
 * patches it by the same function, and puts all of it back.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "maps memory of the kernel's image"
 */
static void (*volatile fn)(const char *, ...) = klog;

static void
attack(void)
{
	uint64_t at = (uint64_t)pa2va((uint64_t)fn - IMAGE) & ~7ul, *p;
	struct aspace *as = as_current();
	uint64_t *word, bit;

	if (as == NULL)
		return;
	word = word_of(as, at);
	for (p = (uint64_t *)at; (*p & MD_PTE_P) == 0;)
		p--;
	bit = ~*p & (*p + 1);
	word_change(word, 0, MD_PTE_W);
	word_change(p, 0, bit);
	word_change(p, bit, 0);
	word_change(word, MD_PTE_W, 0);
}
