/* NEEDS: MEM=64M CPUS=2 TIMEOUT=600 ARGS=7:2000 LONG=1 SWEEP=no */
/*
 * The 2000 mutants of elf_mutate.c in one boot.
 */
#include "elf_mutate.c"
