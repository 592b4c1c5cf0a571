/* NEEDS: MEM=40M SWAP=256M CPUS=1 TIMEOUT=300 ARGS=600 SHORT=40 LINUX=no SWEEP=no KIND=exact */
/*
 * Calls have the same answers while all that a process has goes out to swap:
 * calls_beside_others.c beside a process that has more than there are frames.
 */
#define PRESSED_BYTES (64 * MIB)
#include "calls_beside_others.c"
