/*
 * Looks for a function of the kernel by its first bytes.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "reads the kernel's code"
 */
static volatile uint64_t found, back = 64;

static void
attack(void)
{
	const uint8_t *p = (const uint8_t *)klog - back;
	unsigned i;

	for (i = 0; i < 4096; i++)
		if (p[i] == 0x55 && p[i + 1] == 0x48)
			found++;
}
