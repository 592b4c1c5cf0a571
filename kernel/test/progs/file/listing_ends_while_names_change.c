/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * Who reads a directory and meanwhile gives each name that he reads another
 * one, or makes one more, comes to an end; what is not touched is listed once.
 * Argument: a folder, on any file system.
 */
#include <dirent.h>

#include "lib/file.h"

#define FILES 600
#define CALM 50          /* names that nobody touches: q0 to q49 */

enum change { RENAMED, ADDED, LINKED, CHANGES };

static void
make(const char *letter, int i)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%d", letter, i);
	OK(close(OK(open(name, O_CREAT | O_WRONLY, 0600))));
}

static void
change(enum change how, const char *name, int i)
{
	char other[64];

	snprintf(other, sizeof(other), "z%d-%d", how, i);
	if (how == RENAMED)
		OK(rename(name, other));
	else if (how == ADDED)
		make("y", i);
	else {
		OK(link(name, other));
		OK(unlink(name));
	}
}

/* A listing with changes: how many names it had. */
static int
list(enum change how, int *calm)
{
	struct dirent *e;
	DIR *d = opendir(".");
	int n = 0;

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (e->d_name[0] == 'q')
			calm[atoi(e->d_name + 1)]++;
		else
			change(how, e->d_name, n);
		LE(++n, 2 * (FILES + CALM));
	}
	closedir(d);
	return n;
}

static int
empty(void)
{
	struct dirent *e;
	DIR *d = opendir(".");
	int n = 0;

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			OK(unlink(e->d_name));
			n++;
		}
	closedir(d);
	return n;
}

/* Places that telldir() has told are found again. */
static void
places_are_kept(void)
{
	char name[CALM][256];
	struct dirent *e;
	long at[CALM];
	DIR *d = opendir(".");
	int n = 0;

	CHECK(d != NULL);
	for (; n < CALM; n++) {
		at[n] = telldir(d);
		e = readdir(d);
		if (e == NULL)
			break;
		snprintf(name[n], sizeof(name[n]), "%s", e->d_name);
	}
	while (n-- > 0) {
		seekdir(d, at[n]);
		e = readdir(d);
		CHECK(e != NULL && strcmp(e->d_name, name[n]) == 0);
	}
	closedir(d);
}

int
main(int argc, char **argv)
{
	char folder[256];
	int i;

	file_args(argc, argv);
	snprintf(folder, sizeof(folder), "%s/listing", file_folder);
	for (enum change how = 0; how < CHANGES; how++) {
		int calm[CALM] = { 0 };

		OK(mkdir(folder, 0700));
		OK(chdir(folder));
		for (i = 0; i < FILES; i++) {
			make("x", i);
			if (i % (FILES / CALM) == 0)
				make("q", i / (FILES / CALM));
		}
		list(how, calm);
		for (i = 0; i < CALM; i++)
			EQ(calm[i], 1);
		places_are_kept();
		LE(FILES + CALM, empty());
		OK(chdir("/"));
		OK(rmdir(folder));
	}
	return test_done();
}
