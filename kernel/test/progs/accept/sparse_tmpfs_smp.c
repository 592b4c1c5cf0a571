/* NEEDS: MEM=48M SWAP=1G CPUS=4 TIMEOUT=240 ARGS=16000 MORE=all KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * sparse_tmpfs.c on several processors.
 */
#include "sparse_tmpfs.c"
