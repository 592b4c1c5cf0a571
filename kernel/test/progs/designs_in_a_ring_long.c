/* NEEDS: MEM=48M SWAP=256M CPUS=4 TIMEOUT=1500 SWEEP=no ARGS=2:300 LONG=1 */
/*
 * The five minutes of designs_in_a_ring.c.
 */
#include "designs_in_a_ring.c"
