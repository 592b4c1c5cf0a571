/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=120 ARGS=1:300 SWEEP=no MORE=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Mutated ELF files: exec answers with an allowed errno, or the program
 * dies of a signal, or it runs.  Arguments: seed:count.  Half of the
 * mutants are of a small program with four headers, half of this one.
 */
#include "lib/elf.h"
#include "lib/host.h"
#include <sys/auxv.h>

#define HEAD 1024

static struct small_elf e;
static char *own; /* this program's file */
static long own_size;

static const int allowed[] = { ENOEXEC, ENOENT, EACCES, ELIBBAD, EINVAL,
	ENOMEM, ENAMETOOLONG, ENOTDIR, ELOOP, EISDIR, EIO, EPERM };

static void
fresh(void)
{
	elf_make(&e, elf_exit42, sizeof(elf_exit42));
	e.eh.e_phnum = 4;
	e.ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W,
		.p_offset = ELF_CODE, .p_vaddr = ELF_BASE + 0x3000,
		.p_filesz = 0x800, .p_memsz = 0x3800, .p_align = PAGE };
	e.ph[2] = (Elf64_Phdr){ .p_type = PT_GNU_STACK,
		.p_flags = PF_R | PF_W };
	e.ph[3] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 0x200,
		.p_filesz = 32 };
}

static uint64_t
wild_value(uint64_t *seed)
{
	static const uint64_t wild[] = { 0, 1, 2, 3, 0x38, 0x40, 0xfff, 0x1000,
		0x1001, 0xffff, 0x10000, 0x400000, 0x401000, 0x7fffffff,
		0x80000000, 0xffffffff, 0x7fffffffe000, 0x7ffffffff000,
		0x800000000000, 0xffff800000000000, 0xffffffff80000000,
		0x7fffffffffffffff, 0x8000000000000000, -1UL, -4096UL };

	return rnd(seed) % 3 ? wild[rnd(seed) % (sizeof(wild) / 8)] :
	    rnd(seed);
}

/* Change one to four fields of 1, 2, 4 or 8 bytes among the headers. */
static void
mutate(unsigned char *p, size_t head, uint64_t *seed)
{
	for (int n = 1 + rnd(seed) % 4; n > 0; n--) {
		size_t width = 1UL << rnd(seed) % 4;
		size_t at = rnd(seed) % head / width * width;
		uint64_t v = wild_value(seed);

		if (width == 1 && rnd(seed) % 2)
			p[at] ^= 1 << rnd(seed) % 8;
		else
			memcpy(p + at, &v, width);
	}
}

static void
write_mutant(uint64_t *seed, bool small)
{
	unsigned char head[HEAD];
	size_t size = sizeof(e);
	int fd = OK(open("mutant", O_WRONLY | O_CREAT, 0755));

	if (small) {
		fresh();
		mutate((void *)&e, sizeof(e.eh) + 4 * sizeof(e.ph[0]), seed);
		if (rnd(seed) % 16 == 0)
			size = rnd(seed) % size;
		OK(ftruncate(fd, 0));
		EQ(write(fd, &e, size), (long)size);
	} else {
		memcpy(head, own, HEAD);
		mutate(head, sizeof(e.eh) + 7 * sizeof(e.ph[0]), seed);
		EQ(write(fd, own, own_size), own_size);
		OK(ftruncate(fd, own_size));
		EQ(pwrite(fd, head, HEAD, 0), HEAD);
	}
	OK(close(fd));
}

static void
try_mutant(long i)
{
	char *argv[] = { "mutant", "child", NULL };
	int err = 0, fd[2], status;
	bool ok = false;
	pid_t pid;

	OK(pipe2(fd, O_CLOEXEC));
	pid = OK(fork());
	if (pid == 0) {
		struct rlimit rl = { 0, 0 };

		int null = open("/dev/null", O_RDWR);

		for (int k = 0; k < 3; k++)
			dup2(null, k);
		setrlimit(RLIMIT_CORE, &rl);
		alarm(1);
		execv("./mutant", argv);
		err = errno;
		_exit(write(fd[1], &err, sizeof(err)) < 0);
	}
	OK(close(fd[1]));
	if (read(fd[0], &err, sizeof(err)) != sizeof(err))
		err = 0;
	OK(close(fd[0]));
	status = reap(pid);
	if (err == 0)
		return; /* it ran, or a signal ended it */
	for (size_t k = 0; k < sizeof(allowed) / sizeof(allowed[0]); k++)
		ok |= err == allowed[k];
	if (!ok)
		FAIL("mutant %ld: errno %d (%s), status %#x", i, err,
		    strerror(err), status);
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	long count = 300;
	int fd;

	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 42;
	seed_count(argc, argv, &seed, &count);
	seed = seed * 0x9e3779b97f4a7c15UL | 1;
	fd = OK(open((char *)getauxval(AT_EXECFN), O_RDONLY));
	own_size = OK(lseek(fd, 0, SEEK_END));
	own = malloc(own_size);
	EQ(pread(fd, own, own_size, 0), own_size);
	need_tmp_without(ST_NOEXEC);
	enter_tmp();
	for (long i = 0; i < count; i++) {
		if (i == 40)
			leak_mark();
		write_mutant(&seed, i % 2);
		try_mutant(i);
		OK(unlink("mutant"));
	}
	if (count > 40)
		leak_diff();
	leave_tmp();
	return test_done();
}
