/*
 * Fills the log until the host gives up.
 *
 * forge: test=t01 hook=vad_find expect=timeout
 */
static void
attack(void)
{
	for (;;)
		klog("0123456789012345678901234567890123456789012345678901234567");
}
