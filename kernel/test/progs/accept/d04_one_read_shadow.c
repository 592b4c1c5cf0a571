/* NEEDS: MEM=64M SWAP=256M CPUS=2,4 TIMEOUT=120 MORE=2 TURN=3 APPEND=vmm=shadow KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/* d04 under shadow: whose object a page in swap belongs to, it is read once. */
#include "d04_one_read.c"
