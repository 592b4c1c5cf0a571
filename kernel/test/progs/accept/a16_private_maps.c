/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A16: MAP_PRIVATE involves no object of its own: 1000 private mappings of
 * a file, a page of each written: 1000 copies, no object made.
 *
 * Argument: folder (/tmp).
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define MAPS 1000
#define PAGES 4
#define LINK 64          /* in the file's list; the mapping itself is paged */
#define SLACK (8 * PAGE) /* slab pages are not full */

static char *map[MAPS];
static int fd;

static int
body(void)
{
	snap_all(1);
	snap_self(2);
	for (int i = 0; i < MAPS; i++) {
		map[i] = file_map(fd, 0, PAGES, RW, MAP_PRIVATE);
		map[i][PAGE] = i;
	}
	snap_self(3);
	snap_all(4);
	DELTA_EQ(1, 4, "cache.objs", 0);
	DELTA_EQ(1, 4, "anon.create", 0);
	DELTA_EQ(1, 4, "fmo.live", 0);
	DELTA_EQ(2, 3, "fault.private_copy", MAPS);
	DELTA_LE(1, 4, "page.nonpaged_bytes", MAPS * LINK + SLACK);
	for (int i = 0; i < MAPS; i++) {
		EQ(map[i][PAGE], (char)i);
		EQ(map[i][0], 'a');
	}
	EQ(file_byte(fd, PAGE), 'a' + 1);
	for (int i = 0; i < MAPS; i++)
		OK(munmap(map[i], PAGES * PAGE));
	return test_done();
}

int
main(int argc, char **argv)
{
	snap_init();
	file_args(argc, argv);
	fd = file_stamped("a16", PAGES, 'a');
	for (int i = 0; i < MAPS; i++)
		map[i] = NULL;
	return run_on_shared_stack(body);
}
