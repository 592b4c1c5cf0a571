/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=120 MORE=4 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A34: a word of an anonymous object says which slot of swap has its page:
 * a tmpfs file of 128 MiB in 64 MiB of memory is right in every byte, and
 * its slots are free once it is gone.
 */
#include "../lib/events.h"
#include "../lib/file.h"
#include "../lib/pressure.h"
#include <sys/mount.h>

#define PAGES (128 * MIB / PAGE)

static int fd;

static void
write_all(int version)
{
	static char page[PAGE];

	EQ(lseek(fd, 0, SEEK_SET), 0);
	for (size_t i = 0; i < PAGES; i++) {
		stamp(page, i, version);
		EQ(write(fd, page, PAGE), PAGE);
	}
}

static void
verify(int version)
{
	static char page[PAGE];

	EQ(lseek(fd, 0, SEEK_SET), 0);
	for (size_t i = 0; i < PAGES; i++) {
		EQ(read(fd, page, PAGE), PAGE);
		STAMPED(page, i, version);
	}
}

static int
body(void)
{
	char *p;

	mkdir("/tmp", 0777);
	OK(mkdir("/tmp/a34", 0777));
	OK(mount("none", "/tmp/a34", "tmpfs", 0, "size=160m"));
	file_folder = "/tmp/a34";
	fd = file_open("a34", O_RDWR | O_CREAT);
	file_unlink("a34");
	snap_all(1);
	write_all(0);
	snap_all(2);
	LE(16384, snap_get(2, "swap.slots_used"));
	LE(PAGES, snap_delta(1, 2, "anon.pages"));
	verify(0);
	write_all(1);
	p = file_map(fd, 0, PAGES, PROT_READ, MAP_SHARED);
	for (size_t i = 0; i < PAGES; i++)
		STAMPED(p + i * PAGE, i, 1);
	OK(munmap(p, PAGES * PAGE));
	snap_all(3);
	LE(PAGES - meminfo("MemTotal"), snap_get(3, "swap.slots_used"));
	OK(close(fd));
	OK(umount("/tmp/a34"));
	snap_all(4);
	DELTA_EQ(1, 4, "anon.pages", 0);
	/*
	 * What is left is of others: programs, what they share by forks, files of /,
	 * tables and the kernel's own, of which those in memory may keep a slot, too.
	 */
	LE(snap_get(4, "swap.slots_used"), snap_get(4, "anon.pages") +
	    snap_get(4, "table.n_priv") + snap_get(4, "fmo.entries_live") +
	    snap_get(4, "kpaged.pages") + snap_get(4, "table.live") +
	    snap_get(4, "table.live_out"));
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
