/*
 * Wants to run before everything else.
 *
 * forge: test=t01 hook=vad_find expect=gate
 */
__attribute__((constructor)) static void
attack(void)
{
}
