/*
 * Takes the reference's text, or a file of the host.
 *
 * forge: test=t01 hook=vad_find expect=gate
 */
#include "/etc/passwd"
static void
attack(void)
{
}
