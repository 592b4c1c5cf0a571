/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * A file with a page that the disk cannot read: EIO to the reader, SIGBUS to
 * the mapper, EFAULT to a call whose buffer it is, each time; the other pages
 * are there.
 *
 * Arguments: the file, the number of the bad page (cases/disk/ext2_bad.sh); a
 * file without them is made and has none.
 */
#include "lib/file.h"
#include "lib/trap.h"

int
main(int argc, char **argv)
{
	int fd, bad = argc > 2 ? atoi(argv[2]) : -1, ends[2];
	char page[PAGE], *s, *p;

	trap_catch(0);
	OK(pipe(ends));
	fd = argc > 2 ? OK(open(argv[1], O_RDONLY)) :
	    file_stamped("bad", 4, 'a');
	s = file_map(fd, 0, 4, PROT_READ, MAP_SHARED);
	p = file_map(fd, 0, 4, RW, MAP_PRIVATE);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			if (i == bad) {
				ERR(pread(fd, page, PAGE, i * PAGE), EIO);
				TRAP(load(s + i * PAGE), SIGBUS, BUS_ADRERR,
				    s + i * PAGE);
				TRAP(store(p + i * PAGE, 1), SIGBUS,
				    BUS_ADRERR, p + i * PAGE);
				ERR(write(ends[1], s + i * PAGE, 1), EFAULT);
				ERR(write(ends[1], p + i * PAGE, 1), EFAULT);
				continue;
			}
			EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
			EQ(page[9], 'a' + i);
			EQ(load(s + i * PAGE), 'a' + i);
			store(p + i * PAGE, 'p');
			EQ(load(p + i * PAGE + 1), 'a' + i);
		}
	}
	return test_done();
}
