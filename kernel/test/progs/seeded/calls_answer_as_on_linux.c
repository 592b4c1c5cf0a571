/* NEEDS: MEM=64M CPUS=1 TIMEOUT=120 ARGS=600 SHORT=300 LINUX=no SWEEP=no KIND=exact */
/*
 * Calls with arguments by chance answer as on Linux 6.1: on files and their
 * names, descriptors, locks, pipes, sockets, epoll, terminals, mappings,
 * signals, and in forked children.
 *
 * Linux's text of a seed (calls_seed.h) has a digest in calls_on_linux.h; ours
 * must have the same.  What hangs on time, on numbers of processes or inodes, on
 * sizes of buffers or on other liberties of a kernel is not in the text.
 *
 * make check-linux SHOW=SEED prints Linux's text, to be compared.  Other Linuxes
 * answer some calls differently, so it is run on none but the one that recorded.
 */
#include "calls_seed.h"
#include "calls_on_linux.h"
#include "seeded_on_linux.h"

#define SEEDS 600

/* The digest of the text. */
static uint32_t
run(uint64_t seed)
{
	run_seed(seed);
	return fnv(record->text, record->used);
}

/* What we answer otherwise: a sendfile of nothing from a socket that listens is not
 * refused; one to a socket copies, so that what the file is later does not come out. */
static const unsigned liberties[] = { 268, 525 };

static const struct compared compared = {
	"calls_answer_as_on_linux", "SHOW", run, on_linux, SEEDS,
	COUNT(on_linux), liberties, COUNT(liberties)
};

int
main(int argc, char **argv)
{
	begin_seeds();
	compare_with_linux(&compared, argc, argv);
	leave_tmp();
	return test_done();
}
