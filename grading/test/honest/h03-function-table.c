/*
 * Calls the kernel's functions and its own through a table, and takes memory for
 * the time of a call.
 *
 * forge: lab=01 test=t09 hook=vad_protect_range call=walk(as,lo,hi) expect=honest
 */
typedef struct vad *(*step_fn)(struct aspace *, uint64_t);

static struct vad *
first_above(struct aspace *as, uint64_t vpn)
{
	struct vad *v;

	VAD_FOREACH(v, as)
		if (v->end > vpn)
			break;
	return v;
}

static const struct way {
	const char *name;
	step_fn find;
} ways[] = { { "down the tree", vad_find_above }, { "in a row", first_above } };

static void
walk(struct aspace *as, uint64_t lo, uint64_t hi)
{
	uint8_t *map = kmem_zalloc(512);
	struct vad *found[2] = { NULL, NULL };
	unsigned i;

	if (map == NULL)
		return;
	for (i = 0; i < 2; i++)
		found[i] = ways[i].find(as, lo);
	if (found[0] != found[1])
		panic("%s and %s differ at %lx", ways[0].name, ways[1].name, lo);
	for (i = 0; i < 512 && lo + i < hi; i++)
		map[i] = vad_find_above(as, lo + i) == found[0];
	kmem_free(map);
}
