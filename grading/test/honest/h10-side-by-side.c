/*
 * Two functions of our headers in line, one behind the other: between them the
 * compiler writes only its own labels.
 *
 * forge: lab=05 test=t06 hook=f8_fork_map call=side_by_side() expect=honest
 */
static void
side_by_side(void)
{
	uint64_t from = md_cycles(), to = md_cycles();

	md_irq_restore(md_irq_save());
	md_irq_restore(md_irq_save());
	if (to < from)
		panic("fork: time goes back");
}
