/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scene.c: the program: one scene in, its graph out
 *
 * Problem   The sources of the kernel keep their state in static variables, so a
 *           process can boot once, and plays one scene.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tools/scene/scene.h"

static void
usage(FILE *out, int status)
{
	fputs("scene: all states of a small world, as the kernel's own sources make them\n\n"
	    "  scene [options] FILE.scene      its graph as JSON\n\n"
	    "  -o FILE   there; else to the standard output\n"
	    "  -d NAME   under that design, one of those that the scene names\n"
	    "  -p        with the bug of the scene planted in this program\n"
	    "  -s        a line of figures instead of the graph\n\n"
	    "scene.h and file.c say what a scene is; tools/scene/graphs makes all of them.\n",
	    out);
	exit(status);
}

int
main(int argc, char **argv)
{
	static const struct option help[] = { { "help", no_argument, NULL, 'h' },
		{ 0 } };
	bool planted = false, short_form = false;
	const char *path = NULL, *design = "";
	struct scene *sc;
	struct graph *g;
	FILE *out = stdout;
	int c;

	while ((c = getopt_long(argc, argv, "d:ho:ps", help, NULL)) != -1) {
		switch (c) {
		case 'd': design = optarg; break;
		case 'o': path = optarg; break;
		case 'p': planted = true; break;
		case 's': short_form = true; break;
		default: usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
		}
	}
	if (optind + 1 != argc)
		usage(stderr, 2);
	sc = scene_read(argv[optind]);
	snprintf(sc->design, sizeof(sc->design), "%s", design);
	if (design[0] != '\0')
		snprintf(sc->boot + strlen(sc->boot), sizeof(sc->boot) - strlen(sc->boot),
		    "%svmm=%s", sc->boot[0] == '\0' ? "" : " ", design);
	play_boot(sc);
	g = graph_make(sc, planted);
	if (path != NULL)
		out = fopen(path, "w");
	if (out == NULL) {
		perror(path);
		return 2;
	}
	if (short_form)
		fprintf(out, "%s: %u states, %u steps\n", sc->id, g->nstates,
		    g->nsteps);
	else
		json_write(sc, g, planted, out);
	return fclose(out) == 0 ? 0 : 1;
}
