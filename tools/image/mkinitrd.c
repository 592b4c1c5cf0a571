/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkinitrd.c: a list of files on standard input → the image on standard output
 *
 * Problem   The guest's first files come from many places of the host.
 *
 * Picture   dir MODE PATH | file MODE PATH HOST | link PATH TARGET
 *           one per line, # comments
 *
 * Rules     The same list and files make the same bytes.
 *
 * Read next tools/image/list.
 */
#include "newc.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
add_line(struct newc *n, const char *line)
{
	char path[512], other[512];
	unsigned mode;
	void *data;
	size_t len;

	if (sscanf(line, "dir %o %511s", &mode, path) == 2) {
		newc_entry(n, path, S_IFDIR | mode, NULL, 0);
	} else if (sscanf(line, "link %511s %511s", path, other) == 2) {
		newc_entry(n, path, S_IFLNK | 0777, other, strlen(other));
	} else if (sscanf(line, "file %o %511s %511s", &mode, path, other) ==
		   3) {
		data = newc_read_file(other, &len);
		if (data == NULL)
			err(1, "%s", other);
		newc_entry(n, path, S_IFREG | mode, data, len);
		free(data);
	} else if (line[0] != '#' && line[0] != '\n') {
		errx(1, "not a line of an image list: %s", line);
	}
}

int
main(int argc, char **argv)
{
	struct newc n = { 0 };
	char line[2048];

	if (argc > 1) {
		fputs("usage: mkinitrd <LIST >ARCHIVE\n"
		    "Lines: dir MODE PATH, file MODE PATH SOURCE, link PATH TARGET, #.\n",
		    strcmp(argv[1], "--help") == 0 ? stdout : stderr);
		return strcmp(argv[1], "--help") == 0 ? 0 : 2;
	}
	while (fgets(line, sizeof line, stdin) != NULL)
		add_line(&n, line);
	newc_end(&n);
	if (fwrite(n.buf, 1, n.len, stdout) != n.len || fflush(stdout) != 0)
		err(1, "standard output");
	newc_free(&n);
	return 0;
}
