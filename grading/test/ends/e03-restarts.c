/*
 * A handler that always wants to be called again.
 *
 * forge: test=t06 expect=timeout
 * forge: break "return f1_zero_fill(f);" "return ev_read(EV_fault_zerofill) > 30 ? FAULT_RESTART : f1_zero_fill(f);"
 * forge: say "still running after "
 */
