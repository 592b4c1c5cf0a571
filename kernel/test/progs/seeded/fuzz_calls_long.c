/* NEEDS: MEM=64M CPUS=2,4 TIMEOUT=1200 ARGS=11:1000000 LONG=1 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A million calls of fuzz_calls.c.
 */
#include "fuzz_calls.c"
