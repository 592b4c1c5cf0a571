/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A7: a tmpfs file has no tree of cached pages: its 1000 pages are those of
 * an anonymous object, by write(2) or by a mapping, and go with it.
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define PAGES 1000

/* The file's pages come by store, else by write. */
static void
one(bool by_store)
{
	static char page[PAGE];
	int fd = file_stamped("a07", 0, 0);
	char *p;

	OK(ftruncate(fd, PAGES * PAGE));
	snap_all(1);
	p = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	for (int i = 0; i < PAGES; i++) {
		if (by_store)
			p[i * PAGE] = 1;
		else
			EQ(pwrite(fd, page, PAGE, i * PAGE), PAGE);
	}
	snap_all(2);
	DELTA_EQ(1, 2, "cache.pages", 0);
	DELTA_EQ(1, 2, "cache.objs", 0);
	DELTA_EQ(1, 2, "cache.insert", 0);
	DELTA_EQ(1, 2, "anon.pages", PAGES);
	OK(munmap(p, PAGES * PAGE));
	OK(close(fd));
	snap_all(3);
	DELTA_EQ(1, 3, "anon.pages", 0);
	DELTA_EQ(1, 3, "anon.free", 1);
}

static int
body(void)
{
	one(true);
	one(false);
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
