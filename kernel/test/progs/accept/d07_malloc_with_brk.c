/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/* d07: the same stress where brk works. */
#define BRK_WORKS 1
#include "d07_malloc_without_brk.c"
