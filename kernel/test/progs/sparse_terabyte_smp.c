/* NEEDS: MEM=32M SWAP=128M CPUS=4 TIMEOUT=200 ARGS=1:4000 LONG=1 */
/*
 * sparse_terabyte.c on several processors, where it takes minutes.
 */
#include "sparse_terabyte.c"
