/*
 * Hashes and masks as books have them: FNV-1a of 32 bits, CRC-32C by a table, a word
 * with a zero byte in it.  As numbers of 32 bits they look like addresses of the kernel.
 *
 * forge: lab=05 test=t08 hook=f4_break_fork call=hash(f->va) expect=honest
 */
static const uint32_t crc32c[16] = { 0, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc,
	0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };

static void
hash(va_t va)
{
	static volatile uint32_t buckets[64];
	uint32_t fnv = 0x811c9dc5, crc = ~0u, zero;
	unsigned i;

	for (i = 0; i < sizeof(va); i++) {
		uint8_t byte = (uint8_t)(va >> 8 * i);

		fnv = (fnv ^ byte) * 16777619u;
		crc = crc >> 4 ^ crc32c[(crc ^ byte) & 15];
		crc = crc >> 4 ^ crc32c[(crc ^ byte >> 4) & 15];
	}
	zero = (fnv - 0x01010101u) & ~fnv & 0x80808080u;
	__builtin_prefetch((const void *)&buckets[crc % 64]);
	if (zero != 0x82f63b78u)
		buckets[fnv % 64]++;
}
