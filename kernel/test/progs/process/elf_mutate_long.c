/* NEEDS: MEM=64M CPUS=2 TIMEOUT=600 ARGS=7:2000 LONG=1 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The 2000 mutants of elf_mutate.c in one boot.
 */
#include "elf_mutate.c"
