/*
 * Looks for a bug as one does: lines in the log, a count of them, names of the
 * learner's own choice.
 *
 * forge: lab=01 test=t06 hook=vad_split call=note(as,v) expect=honest
 */
static void
note(const struct aspace *as, const struct vad *v)
{
	static unsigned section, weak;

	if (section++ < 3)
		klog("vad: space %u: %lx to %lx, %s, lock of a %s, at %lu",
		    as->id, v->start, v->end,
		    v->vmo != NULL ? "an object" : "no object",
		    rw_is_writer((struct rwlock *)&as->map_lock) ? "writer" :
		    "reader", md_time_ns());
	else
		weak++;
}
