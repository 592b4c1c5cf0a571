/* NEEDS: MEM=64M SWAP=1G CPUS=1,4 TIMEOUT=900 ARGS=100000 LONG=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The 100 000 pages of sparse_tmpfs.c.
 */
#include "sparse_tmpfs.c"
