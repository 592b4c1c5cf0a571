/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=600 ARGS=2:200000 LONG=1 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The 200 000 random operations of rand_vm.c.
 */
#include "rand_vm.c"
