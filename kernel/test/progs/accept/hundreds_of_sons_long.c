/* NEEDS: MEM=48M SWAP=40G CPUS=1,4 TIMEOUT=1800 ARGS=512:64:1 LONG=1 KIND=bounded */
/* BOUNDED: 40 GiB of swap are a disk of the host */
/*
 * The 512 sons of hundreds_of_sons.c, of 64 MiB each.
 */
#include "hundreds_of_sons.c"
