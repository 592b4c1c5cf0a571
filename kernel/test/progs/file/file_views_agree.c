/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 SWEEP=no MORE=1 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * One file by pread, pwrite, O_DIRECT, a shared and a private mapping, ftruncate,
 * fallocate, holes, copy_file_range, splice, msync, fsync and MADV_DONTNEED, in random
 * order: every view agrees with the model.
 *
 * Arguments: folder (/tmp), steps (20000, on Linux 5000), seed (1).
 */
#include "lib/test.h"

#define PAGES 32UL
#define BYTES (PAGES * PAGE)

static uint8_t model[BYTES + PAGE], copy[PAGES][PAGE];
static uint8_t buf[3 * PAGE] __attribute__((aligned(4096)));
static bool own[PAGES];     /* the private mapping has a copy */
static uint8_t *shared, *private;
static size_t size;
static int fd, direct; /* direct: -1 where the file system has none */
static uint64_t seed = 1;

static size_t
below(size_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(seed >> 33) % n;
}

static void
fill(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)(1 + below(255));
}

static void
do_write(int by, size_t off, size_t n)
{
	fill(n);
	EQ(pwrite(by, buf, n, (off_t)off), n);
	memcpy(model + off, buf, n);
	if (off + n > size)
		size = off + n;
}

static void
do_read(int by, size_t off, size_t n)
{
	size_t want = off >= size ? 0 : n < size - off ? n : size - off;

	EQ(pread(by, buf, n, (off_t)off), want);
	EQ(memcmp(buf, model + off, want), 0);
}

static void
do_resize(size_t bytes)
{
	size_t i;

	OK(ftruncate(fd, (off_t)bytes));
	if (bytes < size)
		memset(model + bytes, 0, size - bytes);
	size = bytes;
	for (i = (bytes + PAGE - 1) / PAGE; i < PAGES; i++)
		own[i] = false;
}

static void
do_store(size_t off, size_t n)
{
	if (off + n > size)
		return;
	fill(n);
	memcpy(shared + off, buf, n);
	memcpy(model + off, buf, n);
}

static void
do_store_private(size_t off)
{
	size_t i = off / PAGE;

	if (off >= size)
		return;
	if (!own[i])
		memcpy(copy[i], model + i * PAGE, PAGE);
	own[i] = true;
	private[off] = copy[i][off % PAGE] = (uint8_t)below(256);
}

static void
compare(void)
{
	size_t i, end = (size + PAGE - 1) / PAGE;

	EQ(memcmp(shared, model, end * PAGE), 0);
	for (i = 0; i < end; i++)
		EQ(memcmp(private + i * PAGE, own[i] ? copy[i] :
		    model + i * PAGE, PAGE), 0);
}

/* The source of the write is the mapping of another part of the file. */
static void
do_copy(size_t from, size_t to, size_t n)
{
	size_t apart = from > to ? from - to : to - from;

	if (n > apart)
		n = apart;
	if (from + n > size || n == 0)
		return;
	EQ(pwrite(fd, shared + from, n, (off_t)to), n);
	memcpy(model + to, model + from, n);
	if (to + n > size)
		size = to + n;
}

/* In sectors. */
static void
do_direct(size_t off, size_t n)
{
	off -= off % 512;
	n = (n + 511) / 512 * 512;
	if (direct < 0)
		return;
	if (below(2) != 0)
		do_read(direct, off, n);
	else
		do_write(direct, off, n);
}

/* A hole; or places, where the file system gives any. */
static void
do_range(size_t off, size_t n)
{
	int mode = below(3) != 0 ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : 0;
	int r = fallocate(fd, mode, (off_t)off, (off_t)n);

	if (r != 0)
		EQ(errno, EOPNOTSUPP);
	else if (mode != 0)
		memset(model + off, 0, n);
	else if (off + n > size)
		size = off + n;
}

/* A page of the file, through the kernel alone, becomes another of its pages. */
static void
do_move(off_t from, off_t to)
{
	off_t in = from, out = to;
	int p[2];

	if (from == to || (size_t)from + PAGE > size)
		return;
	if (below(2) != 0) {
		EQ(copy_file_range(fd, &in, fd, &out, PAGE, 0), PAGE);
	} else {
		OK(pipe(p));
		EQ(splice(fd, &in, p[1], NULL, PAGE, 0), PAGE);
		EQ(splice(p[0], NULL, fd, &out, PAGE, 0), PAGE);
		OK(close(p[0]) | close(p[1]));
	}
	EQ(in - from, PAGE);
	EQ(out - to, PAGE);
	memcpy(model + to, model + from, PAGE);
	if ((size_t)to + PAGE > size)
		size = (size_t)to + PAGE;
}

/* What is said to be a hole is zero. */
static void
do_seek(size_t off)
{
	off_t data;

	if (off >= size)
		return;
	data = lseek(fd, (off_t)off, SEEK_DATA);
	for (; off < (data < 0 ? size : (size_t)data); off++)
		EQ(model[off], 0);
}

static void
step(void)
{
	size_t off = below(BYTES - sizeof(buf)), n = 1 + below(sizeof(buf));
	size_t i = below(PAGES), k = 1 + below(PAGES - i);

	switch (below(20)) {
	case 0:
	case 1:
		do_write(fd, off, n);
		break;
	case 2:
		do_write(fd, off / PAGE * PAGE, PAGE);
		break;
	case 3:
	case 4:
		do_read(fd, off, n);
		break;
	case 5:
		do_resize(below(BYTES));
		break;
	case 6:
		do_resize(size + below(BYTES - size + 1));
		break;
	case 7:
	case 8:
		do_store(off, n);
		break;
	case 9:
	case 10:
		do_store_private(below(BYTES));
		break;
	case 11:
		OK(msync(shared + i * PAGE, k * PAGE, MS_SYNC));
		break;
	case 12:
		OK(fsync(fd));
		break;
	case 13:
		OK(madvise(private + i * PAGE, k * PAGE, MADV_DONTNEED));
		memset(own + i, 0, k);
		OK(madvise(shared + i * PAGE, k * PAGE, MADV_DONTNEED));
		break;
	case 14:
		do_copy(off, below(BYTES - sizeof(buf)), n);
		break;
	case 15:
		compare();
		break;
	case 16:
		do_direct(off, n);
		break;
	case 17:
		do_range(off, n);
		break;
	case 18:
		do_move((off_t)(i * PAGE), (off_t)(below(PAGES) * PAGE));
		break;
	case 19:
		do_seek(off);
		break;
	}
}

int
main(int argc, char **argv)
{
	char path[128];
	/* A host's disk may be slow: every eighth step waits for it. */
	int steps = argc > 2 ? atoi(argv[2]) : on_vadose() ? 20000 : 5000;

	if (argc > 3)
		seed = strtoull(argv[3], NULL, 0);
	snprintf(path, sizeof(path), "%s/views.%d", argc > 1 ? argv[1] : "/tmp",
	    (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	direct = open(path, O_RDWR | O_DIRECT);
	shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(shared != MAP_FAILED && private != MAP_FAILED);
	while (steps-- > 0)
		step();
	compare();
	do_read(fd, 0, sizeof(buf));
	unlink(path);
	return test_done();
}
