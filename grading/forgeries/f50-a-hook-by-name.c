/*
 * Makes the kernel call a function of the file, later and from elsewhere.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
static bool
nobody(void)
{
	return false;
}

static void
attack(void)
{
	vm_set_user_fn(nobody);
}
