/*
 * Takes a frame with each fault and forgets it.
 *
 * forge: test=t06 expect=fail
 * forge: break "return f1_zero_fill(f);" "return fault_take_spare(f, FRAME_ZEROED) == NULL ? FAULT_NEEDMEM : f1_zero_fill(f);"
 * forge: say "leak.pages"
 */
