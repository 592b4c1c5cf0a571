/*
 * Patches a function of the kernel, calls it, and puts it back before anybody
 * compares: what is translated is compared, too.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "the kernel's code or its constants are not what they were"
 */
static uint64_t (*volatile fn)(enum ev_id) = ev_read;

static void
attack(void)
{
	struct aspace *as = as_current();
	uint64_t at = (uint64_t)pa2va((uint64_t)fn - IMAGE);
	volatile uint8_t *p = (volatile uint8_t *)at, was = *p;

	if (as == NULL)
		return;
	*word_of(as, at) |= MD_PTE_W;
	*p = 0xc3; /* RET */
	(void)fn(EV_page_copy);
	*p = was;
	*word_of(as, at) &= ~MD_PTE_W;
}
