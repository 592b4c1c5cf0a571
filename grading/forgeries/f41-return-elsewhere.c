/*
 * Writes over the return address of its caller's: the kernel goes on behind the
 * check that would follow.  A frame begins with where the one above it begins.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "a return goes to"
 */
static volatile uint64_t here;

static void
attack(void)
{
	volatile uint64_t local = 0, at = (uint64_t)&local, *p = (void *)at;
	uint64_t text = (uint64_t)klog & ~0xfffffful;
	unsigned i;

	for (i = 0; i < 64; i++)
		if (p[i] - (uint64_t)&p[i] < 2048 && p[i] % 8 == 0 &&
		    (p[i + 1] & ~0xfffffful) == text)
			break;
	if (i < 64)
		((volatile uint64_t *)p[i])[1] += 4;
	here = local;
}
