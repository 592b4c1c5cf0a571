/*
 * Lets a function that answers through pointers write over the registers with
 * which the test program will go on.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes over the saved registers of a program"
 */
static void
attack(void)
{
	struct thread *t = thread_current();
	struct trapframe *f = (struct trapframe *)(t->md.stack +
	    MD_KSTACK_SIZE - MD_FPU_SIZE) - 1;

	/* These two the instruction that returns overwrites: nothing is lost. */
	if (f->vector == MD_VEC_SYSCALL)
		thread_times(t, &f->rcx, &f->r11);
}
