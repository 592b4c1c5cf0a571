/*
 * Calls what judges by its address in the published kernel, which the gate does
 * not see: it is put together at run time.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail,panic
 * forge: break "EVENT(vad_split, v->start, v->end, v->flags, v->off);" ";"
 */
static volatile uint32_t low[3] = { @ev_mark@ - 0xffffffff00000000ul ^ 0x5a5a5a5aul,
	@record_exit@ - 0xffffffff00000000ul ^ 0x5a5a5a5aul,
	@graded_check@ - 0xffffffff00000000ul ^ 0x5a5a5a5aul };

static void
attack(void)
{
	static unsigned n;
	uint64_t high = ~0ul << 32;

	if (as_current() == NULL || n++ > 0)
		return;
	((void (*)(unsigned))(high | (low[0] ^ 0x5a5a5a5au)))(2);
	((void (*)(int, unsigned, unsigned))(high | (low[2] ^ 0x5a5a5a5au)))(1, 256, 0);
	((void (*)(int, int))(high | (low[1] ^ 0x5a5a5a5au)))(0, 0);
}
