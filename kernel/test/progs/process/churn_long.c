/* NEEDS: MEM=64M CPUS=2,4 TIMEOUT=600 ARGS=3:2000 LONG=1 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The 2000 runs of churn.c, 200 of them killed half-way.
 */
#include "churn.c"
