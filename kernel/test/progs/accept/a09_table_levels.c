/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A9: the table of an anonymous object has levels: five pages between 0
 * and 100 TiB cost as many tables as there are levels above them.
 */
#include "../lib/events.h"
#include "../lib/file.h"

static const off_t place[] = { 0, 2 * MIB, GIB, 512 * GIB, 100 * 1024 * GIB };

#define PLACES (int)(sizeof(place) / sizeof(place[0]))
#define TABLES (0 + 1 + 2 + 3 + 4)

static int
body(void)
{
	int fd;

	snap_all(1);
	fd = OK(syscall(SYS_memfd_create, "a09", 0));
	OK(ftruncate(fd, 128 * 1024 * GIB));
	for (int i = 0; i < PLACES; i++)
		file_poke(fd, place[i] + i, 'a' + i);
	snap_all(2);
	DELTA_EQ(1, 2, "anon.pages", PLACES);
	DELTA_LE(1, 2, "anon.tables", TABLES);
	DELTA_EQ(1, 2, "anon.page_new", PLACES);
	for (int i = 0; i < PLACES; i++) {
		char *p = file_map(fd, place[i] / PAGE, 1, RW, MAP_SHARED);

		EQ(file_byte(fd, place[i] + i), 'a' + i);
		EQ(p[i], 'a' + i);
		EQ(p[PAGE - 1], 0);
		OK(munmap(p, PAGE));
	}
	snap_all(3);
	DELTA_EQ(2, 3, "anon.pages", 0);
	DELTA_EQ(2, 3, "anon.tables", 0);
	OK(close(fd));
	snap_all(4);
	DELTA_EQ(1, 4, "anon.tables", 0);
	DELTA_EQ(1, 4, "anon.pages", 0);
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
