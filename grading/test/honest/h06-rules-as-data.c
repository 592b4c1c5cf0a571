/*
 * Has the handlers in a table by case, with a column for what each may cost.
 *
 * forge: lab=02 test=t03 hook=fault_by_pte call=look_up(f) expect=honest
 */
static const struct rule {
	enum fault_outcome (*handler)(struct fctx *);
	uint8_t frames;
	char alias[8];
} rules[] = {
	[FC_F0] = { f0_spurious, 0, "nothing" },
	[FC_F1] = { f1_zero_fill, 1, "zeros" },
	[FC_F1Z] = { f1z_zero_page, 0, "common" },
	[FC_F2] = { f2_map_file, 0, "file" },
	[FC_F3] = { f3_private_copy, 1, "copy" },
	[FC_UPGRADE] = { f_upgrade, 0, "rights" },
};

static inline const struct rule *
rule_of(enum fault_case c)
{
	_Static_assert(sizeof(rules) < 4096, "a small table");
	return (size_t)c < sizeof(rules) / sizeof(rules[0]) &&
	    rules[c].handler != NULL ? &rules[c] : NULL;
}

static void
look_up(const struct fctx *f)
{
	const struct rule *r = rule_of(fault_classify(f, word_get(f->word)));
	static uint64_t used[2];

	if (__builtin_expect(r != NULL, 1))
		used[r->frames]++;
	ASSERT(used[0] + used[1] > 0 || r == NULL);
}
