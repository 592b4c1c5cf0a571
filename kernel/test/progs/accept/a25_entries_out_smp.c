/* NEEDS: MEM=64M SWAP=1G CPUS=2,4 TIMEOUT=240 MORE=all KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * a25_entries_out.c on several processors.
 */
#include "a25_entries_out.c"
