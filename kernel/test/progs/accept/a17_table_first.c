/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A17: the page table has precedence over the object: a written private
 * page answers without a fault whatever the file becomes; when its word
 * goes, the object answers again.  The answers themselves: T4.
 *
 * Argument: folder (/tmp).
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define PAGES 50

static int fd;

static int
body(void)
{
	volatile char *p = file_map(fd, 0, PAGES, RW, MAP_PRIVATE);

	snap_self(1);
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = 'p';
	snap_self(2);
	DELTA_EQ(1, 2, "fault.private_copy", PAGES);
	DELTA_EQ(1, 2, "table.n_priv", PAGES);
	for (int i = 0; i < PAGES; i++)
		file_poke(fd, i * PAGE, 'F');
	snap_self(3);
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], 'p');
	snap_self(4);
	DELTA_EQ(3, 4, "fault.total", 0);
	OK(madvise((void *)p, PAGES * PAGE, MADV_DONTNEED));
	snap_self(5);
	DELTA_EQ(4, 5, "table.n_priv", -PAGES);
	for (int i = 0; i < PAGES; i++)
		EQ(p[i * PAGE], 'F');
	snap_self(6);
	DELTA_EQ(5, 6, "fault.private_copy", 0);
	DELTA_EQ(5, 6, "table.n_priv", 0);
	return test_done();
}

int
main(int argc, char **argv)
{
	snap_init();
	file_args(argc, argv);
	fd = file_stamped("a17", PAGES, '0');
	for (int i = 0; i < 8; i++) /* touch what snapshots need */
		snap_self(i);
	file_poke(fd, 0, 'x');
	return run_on_shared_stack(body);
}
