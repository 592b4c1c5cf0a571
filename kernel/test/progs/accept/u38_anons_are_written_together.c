/* NEEDS: MEM=64M SWAP=256M CPUS=1 TIMEOUT=120 TURN=3 APPEND=vmm=uvm KIND=exact */
/* u38: an anon has no neighbours; it is written with those behind it in the queue. */
#define READS_GO_TOGETHER 0
#include "a38_clusters.c"
