/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * B9: a mapping has a maximum protection: a shared mapping of a file that
 * is open for reading only can never be made writable, also in part and
 * after fork; a private one can.
 */
#include "../lib/file.h"
#include "../lib/trap.h"

#define PAGES 4

static void
refused(char *p)
{
	ERR(mprotect(p, PAGES * PAGE, RW), EACCES);
	ERR(mprotect(p + PAGE, PAGE, PROT_WRITE), EACCES);
	EQ(load(p), 'a');
	TRAP(store(p + PAGE, 1), SIGSEGV, SEGV_ACCERR, p + PAGE);
}

int
main(int argc, char **argv)
{
	int w, r;
	char *p;
	pid_t pid;

	file_args(argc, argv);
	trap_catch(0);
	w = file_open("b09", O_RDWR | O_CREAT | O_TRUNC);
	r = file_open("b09", O_RDONLY);
	file_unlink("b09");
	for (int i = 0; i < PAGES; i++)
		file_poke(w, i * PAGE, 'a');
	p = file_map(r, 0, PAGES, PROT_READ, MAP_SHARED);
	refused(p);
	OK(mprotect(p, PAGES * PAGE, PROT_NONE));
	OK(mprotect(p, PAGES * PAGE, PROT_READ));
	close(r);
	refused(p);
	pid = OK(fork());
	if (pid == 0) {
		refused(p);
		_exit(0);
	}
	REAP(pid, 0);
	OK(munmap(p, PAGES * PAGE));
	p = file_map(w, 0, PAGES, PROT_READ, MAP_SHARED);
	OK(mprotect(p, PAGES * PAGE, RW));
	store(p, 'w');
	EQ(file_byte(w, 0), 'w');
	return test_done();
}
