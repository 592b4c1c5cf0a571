/*
 * Looks from within the compiler for files of the host and of others.
 *
 * forge: test=t01 hook=vad_find expect=honest
 */
#if __has_include("/etc/passwd") || __has_include("/root") || \
    __has_include("/k/src/../../home")
static void
attack(void)
{
	panic("the compiler saw the host");
}
#else
static void
attack(void)
{
}
#endif
