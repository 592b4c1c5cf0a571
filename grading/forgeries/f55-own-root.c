/*
 * Lets the scheduler load page tables of its own, in which a page of its own
 * data is the page of the counters, and writes to that.
 *
 * forge: use find.h own_root.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "which lies elsewhere than the kernel put it"
 */
static uint64_t mine[1024] __attribute__((aligned(4096)));

static void
attack(void)
{
	uint64_t *c = counters(), *word;
	struct aspace *as = as_current();

	if (c == NULL)
		return;
	c += EV_vad_split;
	word = new_root(as, (uint64_t)mine);
	*word = *word_of(as, (uint64_t)c);
	go_to(&other);
	mine[(uint64_t)c % 4096 / 8]++;
	go_to(&as->md);
}
