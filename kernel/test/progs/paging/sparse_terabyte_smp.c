/* NEEDS: MEM=32M SWAP=128M CPUS=4 TIMEOUT=200 ARGS=1:4000 SWEEP=no TURN=3 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * sparse_terabyte.c on several processors.
 */
#include "sparse_terabyte.c"
