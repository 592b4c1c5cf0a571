/*
 * A fault that is called done, and nothing was done.
 *
 * forge: test=t06 expect=timeout
 * forge: break "return f1_zero_fill(f);" "return f->va >> 40 == 0x7f && ev_read(EV_fault_zerofill) > 30 ? FAULT_DONE : f1_zero_fill(f);"
 * forge: say "livelock: the same fault again and again"
 */
