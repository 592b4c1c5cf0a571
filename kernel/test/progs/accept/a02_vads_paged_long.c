/* NEEDS: MEM=64M SWAP=512M CPUS=1,4 TIMEOUT=1800 ARGS=50000:4000 LONG=1 */
/*
 * The 200 000 mappings of a02_vads_paged.c.
 */
#include "a02_vads_paged.c"
