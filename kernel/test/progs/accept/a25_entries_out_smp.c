/* NEEDS: MEM=64M SWAP=1G CPUS=2,4 TIMEOUT=240 MORE=all */
/*
 * a25_entries_out.c on several processors.
 */
#include "a25_entries_out.c"
