/*
 * Finds the key in memory, makes a seal with it, and sends a frame with it.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 * forge: break "EVENT(vad_split, v->start, v->end, v->flags, v->off);" ";"
 */
static void
attack(void)
{
	static uint8_t frame[4 + 8] = { 0xa5, 6, 8, 0 }, seal[64];
	static uint64_t hmac[64];
	void (*begin)(void *, const uint8_t *, size_t) = (void *)@hmac_init@;
	void (*add)(void *, const void *, size_t) = (void *)@hmac_add@;
	void (*end)(void *, uint8_t *) = (void *)@hmac_end@;
	void (*line)(uint16_t, const void *, size_t) = (void *)@uart_write@;
	const uint8_t *key = (const uint8_t *)@graded@ + 1;

	begin(hmac, key, 32);
	add(hmac, frame, sizeof(frame));
	end(hmac, seal);
	line(0x2f8, frame, sizeof(frame));
	line(0x2f8, seal, 24);
}
