/* NEEDS: MEM=48M SWAP=256M CPUS=4 TIMEOUT=1500 SWEEP=no ARGS=2:300 LONG=1 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The five minutes of designs_in_a_ring.c.
 */
#include "designs_in_a_ring.c"
