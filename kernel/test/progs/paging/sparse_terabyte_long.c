/* NEEDS: MEM=64M SWAP=2G CPUS=1,4 TIMEOUT=3000 ARGS=1:100000 LONG=1 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The 100,000 places of sparse_terabyte.c, whose page tables alone are six
 * times as large as the memory.
 */
#include "sparse_terabyte.c"
