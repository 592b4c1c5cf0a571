/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * A mapping of a file in memory may begin further on than any page of such a file
 * can lie: nothing is there, and each call that looks for pages says so.
 */
#include "lib/trap.h"

#define FAR (1l << 50)
#define BYTES (16 * PAGE)

/* What /proc/self/FILE says of it, as far as anybody may ask: it comes to its end. */
static void
read_all(const char *file)
{
	static char text[64 * KIB];
	int fd = OK(open(file, O_RDONLY | O_CLOEXEC));

	while (OK(read(fd, text, sizeof(text))) > 0)
		;
	OK(close(fd));
}

static void
pagemap(const char *p)
{
	uint64_t word[2] = { 1, 1 };
	int fd = OK(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));

	EQ(pread(fd, word, sizeof(word), (off_t)((uintptr_t)p / PAGE * 8)),
	    sizeof(word));
	EQ(word[0] & 1ull << 63, 0);
	EQ(word[1] & 1ull << 62, 0);
	OK(close(fd));
}

static void
look(char *p, int fd)
{
	static const int advice[] = { MADV_WILLNEED, MADV_RANDOM, 20 /* COLD */,
		21 /* PAGEOUT */, MADV_DONTNEED };
	unsigned char in[16];
	pid_t pid;

	memset(in, 1, sizeof(in));
	OK(mincore(p, BYTES, in));
	for (size_t i = 0; i < sizeof(in); i++)
		EQ(in[i] & 1, 0);
	pagemap(p);
	read_all("/proc/self/smaps");
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		OK(madvise(p, BYTES, advice[i]));
	OK(msync(p, BYTES, MS_SYNC));
	ERR(lseek(fd, FAR, SEEK_DATA), ENXIO);
	EQ(pread(fd, in, 1, FAR), 0);
	pid = OK(fork());
	if (pid == 0) {
		(void)*(volatile char *)p;
		_exit(0);
	}
	REAP_SIGNAL(pid, SIGBUS);
}

/* A page that is kept behind the end: where none can be, it is refused and leaves
 * nothing.  Linux has room for it further on than we. */
static void
kept(int fd)
{
	static const off_t at[] = { FAR, 1l << 48, (1l << 48) - PAGE };
	struct stat st;

	if (!on_vadose())
		return;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, at[i], 2 * PAGE), EFBIG);
	OK(fstat(fd, &st));
	EQ(st.st_size, PAGE);
	EQ(st.st_blocks, 0);
	/* A write that begins before the end has what fits. */
	EQ(pwrite(fd, "xy", 2, (1l << 48) - 1), 1);
	ERR(pwrite(fd, "x", 1, 1l << 48), EFBIG);
	OK(ftruncate(fd, 1l << 48));
	ERR(ftruncate(fd, (1l << 48) + 1), EFBIG);
	OK(ftruncate(fd, PAGE));
}

static void
all(int fd)
{
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE };
	char *p;

	OK(ftruncate(fd, PAGE));
	for (size_t i = 0; i < 2; i++) {
		p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, kinds[i], fd, FAR);
		CHECK(p != MAP_FAILED);
		look(p, fd);
		p = mremap(p, BYTES, 2 * BYTES, MREMAP_MAYMOVE);
		CHECK(p != MAP_FAILED);
		look(p, fd);
		OK(mprotect(p, BYTES, PROT_READ));
		if (kinds[i] == MAP_SHARED) {
			OK(mprotect(p, BYTES, PROT_READ | PROT_WRITE));
			OK(madvise(p, BYTES, MADV_REMOVE));
		}
		OK(munmap(p, 2 * BYTES));
	}
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FAR, PAGE));
	kept(fd);
	OK(close(fd));
}

int
main(void)
{
	all(OK(memfd_create("far", MFD_CLOEXEC)));
	all(nameless_file("/dev/shm"));
	return 0;
}
