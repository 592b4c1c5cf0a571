/*
 * An object that fills the disk.
 *
 * forge: test=t01 hook=vad_find expect=build
 */
static char bomb[3ul << 30] = { 1 };

static void
attack(void)
{
	bomb[7]++;
}
