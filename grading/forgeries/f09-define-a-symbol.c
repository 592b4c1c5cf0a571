/*
 * Defines a function of the kernel anew.
 *
 * forge: test=t01 hook=vad_find expect=build
 */
void
md_tlb_flush(void)
{
}

static void
attack(void)
{
}
