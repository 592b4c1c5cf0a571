/* NEEDS: MEM=48M SWAP=4G CPUS=2,4 TIMEOUT=300 ARGS=48:24:1 MORE=2 SHORT=16:24:1 TURN=3 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * hundreds_of_sons.c on several processors.
 */
#include "hundreds_of_sons.c"
