/*
 * Makes the kernel's text writable through the direct map, where its tables
 * lie, and makes a function of it return at once.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "the kernel's code or its constants are not what they were"
 */

static void
attack(void)
{
	struct aspace *as = as_current();
	uint64_t va = (uint64_t)klog, at;
	static bool done;

	if (done || as == NULL)
		return;
	done = true;
	at = (uint64_t)pa2va(va - IMAGE);
	*word_of(as, at - 1) |= MD_PTE_W;
	*word_of(as, at) |= MD_PTE_W;
	*(volatile uint8_t *)at = *(volatile uint8_t *)at;
	/* Padding in front of the function: nothing runs it. */
	*(volatile uint8_t *)(at - 1) ^= 1;
}
