/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * More files than the cache of a disk's inodes keeps: while processes write, rename and
 * link them, those that nobody uses leave it, and what is read again is what was written.
 * Argument: a folder on a disk (cases/disk/ext2_cache.sh).
 */
#include "lib/file.h"

#define WRITERS 3
#define DIRS 16
#define FILES 1200u          /* of each writer */
#define STEPS 3000u

static struct file {
	unsigned turn;       /* what was written last, 0: it is not there */
	unsigned links;
} file[FILES];

static const char *
name_of(char *at, unsigned who, unsigned i, bool is_link)
{
	snprintf(at, 64, "w%u/d%u/%s%u", who, i % DIRS, is_link ? "link" : "file", i);
	return at;
}

/* Text of a file: short, or some blocks. */
static size_t
text_of(char *at, unsigned who, unsigned i, unsigned turn)
{
	size_t n = turn % 7 == 0 ? 5000 : 30;

	memset(at, 'a' + (who + i + turn) % 26, n);
	snprintf(at, 30, "%u %u %u", who, i, turn);
	return n;
}

static void
is_whole(unsigned who, unsigned i)
{
	char name[64], want[5000], seen[5001];
	size_t n = text_of(want, who, i, file[i].turn);
	struct stat st;
	int fd;

	if (file[i].turn == 0) {
		ERR(stat(name_of(name, who, i, false), &st), ENOENT);
		return;
	}
	OK(stat(name_of(name, who, i, false), &st));
	EQ(st.st_nlink, file[i].links);
	EQ(st.st_size, n);
	EQ(st.st_mtim.tv_sec, 1000000 + file[i].turn);
	fd = OK(open(name, O_RDONLY));
	EQ(read(fd, seen, sizeof(seen)), n);
	EQ(memcmp(seen, want, n), 0);
	OK(close(fd));
}

static void
write_new(unsigned who, unsigned i, unsigned turn)
{
	struct timespec t[2] = { { 1, 0 }, { 1000000 + turn, 0 } };
	char name[64], text[5000];
	size_t n = text_of(text, who, i, turn);
	int fd = OK(open(name_of(name, who, i, false), O_WRONLY | O_CREAT | O_TRUNC, 0644));

	EQ(write(fd, text, n), n);
	OK(futimens(fd, t));
	OK(close(fd));
	file[i].links += file[i].turn == 0;
	file[i].turn = turn;
}

static void
writer(unsigned who)
{
	char a[64], b[64];
	unsigned i, step;

	snprintf(a, sizeof(a), "w%u", who);
	OK(mkdir(a, 0755));
	for (i = 0; i < DIRS; i++) {
		snprintf(a, sizeof(a), "w%u/d%u", who, i);
		OK(mkdir(a, 0755));
	}
	for (step = 1; step <= STEPS; step++) {
		i = (step * 2654435761u >> 8) % FILES;
		if (step < FILES)
			i = step;
		if (step % 11 == 0)
			is_whole(who, i);
		if (step % 13 == 0 && file[i].links == 1) {
			OK(link(name_of(a, who, i, false), name_of(b, who, i, true)));
			file[i].links = 2;
		} else if (step % 17 == 0 && file[i].links == 2) {
			OK(rename(name_of(b, who, i, true), name_of(a, who, i, false)));
			OK(unlink(b));
			file[i].links = 1;
		} else if (step % 19 == 0 && file[i].links == 1) {
			OK(unlink(name_of(a, who, i, false)));
			file[i] = (struct file){ 0, 0 };
		} else {
			write_new(who, i, step);
		}
	}
	for (i = 0; i < FILES; i++)
		is_whole(who, i);
	for (i = 0; i < FILES; i++) {
		if (file[i].links > 0)
			OK(unlink(name_of(a, who, i, false)));
		if (file[i].links > 1)
			OK(unlink(name_of(a, who, i, true)));
	}
	for (i = 0; i < DIRS; i++) {
		snprintf(a, sizeof(a), "w%u/d%u", who, i);
		OK(rmdir(a));
	}
	snprintf(a, sizeof(a), "w%u", who);
	OK(rmdir(a));
	_exit(0);
}

int
main(int argc, char **argv)
{
	pid_t pid[WRITERS];

	file_args(argc, argv);
	OK(chdir(file_folder));
	for (unsigned i = 0; i < WRITERS; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			writer(i);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		REAP(pid[i], 0);
	return test_done();
}
