/*
 * Prints what a passed test prints.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail
 * forge: break "EVENT(vad_split, v->start, v->end, v->flags, v->off);" ";"
 */
static void
attack(void)
{
	klog("90/t02 unmap-middle PASS 40/40");
	klog("vad.split 1");
}
