/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.h: what an operation of the benchmark has at hand
 *
 * An operation prepares, calls begin(), does the thing n times, calls end(n),
 * and clears away.  bench.c calls it some times and takes the least.
 */
#ifndef BENCH_H
#define BENCH_H

#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE 4096ul
#define TABLE (512 * PAGE) /* what one leaf table maps */
#define MIB (1ul << 20)
#define GIB (1ul << 30)

struct op {
	const char *name; /* stable: goals.tab and baseline.tab know it */
	const char *per;  /* what the figure is for: call, page, round ... */
	void (*run)(void);
};

/* The tables end with a row without a name. */
extern const struct op fault_ops[], map_ops[], file_ops[], proc_ops[],
    growth_ops[], swap_ops[], smp_ops[];

/* The clock of the machine runs between them; end() says for how many. */
void begin(void);
void end(unsigned long n);

/* Memory at an address of whole tables, without huge pages. */
char *map_private(size_t bytes);
void unmap(void *, size_t bytes);
/* A store to each page. */
void touch(char *, size_t bytes);
/* A load from each page. */
void look(const char *, size_t bytes);

/* A file of so many bytes in memory, all of its pages there; its descriptor. */
int file_of(size_t bytes);

/* The child ran to its end with status 0, or the benchmark ends here. */
void reap(pid_t);
long must(long result, const char *what);

extern const char *self; /* the path of the program */

#endif
