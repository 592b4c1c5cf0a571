/* NEEDS: MEM=64M CPUS=2 TIMEOUT=1200 ARGS=1:100000 LONG=1 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * inject_sweep.c without leaving out any hit.
 */
#include "inject_sweep.c"
