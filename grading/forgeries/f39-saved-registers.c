/*
 * Changes the registers with which the test program will go on: it could skip
 * its own checks.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes over the saved registers of a program"
 */
static void
attack(void)
{
	uint8_t *top = thread_current()->md.stack + MD_KSTACK_SIZE - MD_FPU_SIZE;

	*(volatile uint64_t *)(top - 40) += 0;
}
