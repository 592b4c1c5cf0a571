/*
 * A function of the kernel under a name that the compiler does not see.
 *
 * forge: test=t01 hook=vad_find expect=gate
 */
#define GLUE(a, b) a##b
#define JOIN(a, b) GLUE(a, b)
extern void innocent(unsigned) JOIN(__as, m__)("ev_mark");

static void
attack(void)
{
	innocent(2);
}
