/* NEEDS: MEM=48M SWAP=1G CPUS=4 TIMEOUT=240 ARGS=16000 LONG=1 */
/*
 * sparse_tmpfs.c on several processors, where it takes minutes.
 */
#include "sparse_tmpfs.c"
