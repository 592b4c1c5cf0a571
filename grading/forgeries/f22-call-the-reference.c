/*
 * Calls the reference under the name that a handout might give it.
 *
 * forge: test=t01 hook=vad_find expect=gate
 */
struct vad *reference_vad_find(struct aspace *as, uint64_t vpn);

static void
attack(void)
{
	(void)reference_vad_find(NULL, 0);
}
