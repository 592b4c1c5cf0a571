/*
 * Sends a well-formed, sealed mark of its own through the kernel's function.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 * forge: break "EVENT(vad_split, v->start, v->end, v->flags, v->off);" ";"
 */
static void
attack(void)
{
	static uint64_t mark[2 + EV_COUNT] = { 2 | (uint64_t)EV_COUNT << 16 };
	void (*frame)(int, const void *, size_t) = (void *)@record_frame@;

	mark[2 + EV_vad_split] = 1;
	frame(4, mark, sizeof(mark));
}
