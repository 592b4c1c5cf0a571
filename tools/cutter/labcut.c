/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labcut: the starter of a lab out of the kernel's own file
 *
 * Problem   A starter kept by hand drifts from the kernel.  So it is made: the
 *           functions that cut.list names lose their bodies, private helpers
 *           go, all the rest stays as it is.
 *
 * Picture   labcut labs/05-fork/cut.list kernel/vm/design/fmo/fork.c > fork.c
 *           labcut --partial 2 …     with the bodies of steps 1 and 2: tests
 *                                    of the grader
 *
 * Read next tools/cutter/cut.c.
 */
#include "csource.h"
#include "cut.h"

#include <stdlib.h>
#include <string.h>

static int
usage(bool asked)
{
	fprintf(asked ? stdout : stderr, "usage: labcut [--partial STEPS] CUT.LIST FILE.c\n"
	    "Writes the starter (or the solution of so many steps) to "
	    "standard output.\n");
	return asked ? 0 : 64;
}

int
main(int argc, char **argv)
{
	struct cutlist list;
	int steps = 0;
	size_t n;
	char *src, *end;

	if (argc == 5 && strcmp(argv[1], "--partial") == 0) {
		steps = (int)strtol(argv[2], &end, 10);
		if (*end != '\0' || end == argv[2])
			return usage(false);
		argv += 2;
		argc -= 2;
	}
	if (argc != 3 || argv[1][0] == '-')
		return usage(argc == 2 && strcmp(argv[1], "--help") == 0);
	src = csource_read(argv[2], &n);
	if (src == NULL || cutlist_read(&list, argv[1]) != 0)
		return 1;
	if (cut_source(&list, argv[2], src, n, steps, stdout) != 0)
		return 1;
	return fflush(stdout) == 0 ? 0 : 1;
}
