/*
 * Patches the kernel's text and puts it back before anybody compares.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to a page table"
 */

static void
attack(void)
{
	struct aspace *as = as_current();
	uint64_t at = (uint64_t)pa2va((uint64_t)klog - IMAGE);
	volatile uint8_t *p = (volatile uint8_t *)at - 1;

	if (as == NULL)
		return;
	*word_of(as, at) |= MD_PTE_W;
	*p ^= 1;
	*p ^= 1;
	*word_of(as, at) &= ~MD_PTE_W;
}
