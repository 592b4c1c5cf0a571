/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * Tiny, packed and odd ELF files: which of them run, and what their memory
 * holds.  Segments are mapped in their order, the later over the earlier; of
 * the header only what the loader needs is looked at.  What Linux kills because
 * the old program is gone by then may be refused here.
 */
#include "lib/elf.h"
#include "lib/host.h"

#define RUNS 0
#define DIES (-1000) /* a signal, or a refusal */

static struct small_elf e;
static const char *row;

/* The exit status of ./odd, -errno of exec, or DIES. */
static int
outcome(void)
{
	char *argv[] = { "./odd", NULL };
	int fd[2], err = 0, status;
	pid_t pid;

	OK(pipe2(fd, O_CLOEXEC));
	pid = OK(fork());
	if (pid == 0) {
		execve(argv[0], argv, environ);
		err = errno;
		_exit(write(fd[1], &err, sizeof(err)) != sizeof(err));
	}
	OK(close(fd[1]));
	EQ(read(fd[0], &err, sizeof(err)) >= 0, 1);
	OK(close(fd[0]));
	status = reap(pid);
	if (err != 0)
		return -err;
	return WIFSIGNALED(status) ? DIES : WEXITSTATUS(status);
}

/* RUNS: it exits with `seen`. */
static void
expect_of(const void *file, size_t size, int expected, int seen)
{
	int o;

	make_file("odd", file, size, 0755);
	o = outcome();
	if (expected == DIES ? o < 0 : o == (expected == RUNS ? seen : expected))
		return;
	FAIL("%s: expected %d, seen %d", row, expected == RUNS ? seen :
	    expected, o);
}

static void
fresh(void)
{
	elf_make(&e, elf_exit42, sizeof(elf_exit42));
}

#define ROW(expected, change)                                                  \
	do {                                                                   \
		row = #change;                                                 \
		fresh();                                                       \
		change;                                                        \
		expect_of(&e, sizeof(e), expected, 42);                        \
	} while (0)

static void
header(void)
{
	ROW(RUNS, e.eh.e_ident[EI_CLASS] = 1);
	ROW(RUNS, e.eh.e_ident[EI_CLASS] = 0);
	ROW(RUNS, e.eh.e_ident[EI_DATA] = 2);
	ROW(RUNS, e.eh.e_ident[EI_VERSION] = 9);
	ROW(RUNS, memset(e.eh.e_ident + 4, 0xff, 12));
	ROW(RUNS, e.eh.e_version = 0);
	ROW(RUNS, e.eh.e_ehsize = 0);
	ROW(RUNS, e.eh.e_flags = ~0U);
	ROW(RUNS, e.eh.e_shoff = ~0UL; e.eh.e_shnum = 0xffff;
	    e.eh.e_shentsize = 7; e.eh.e_shstrndx = 0xfff0);
	ROW(-ENOEXEC, e.eh.e_ident[0] = 0x7e);
	ROW(-ENOEXEC, e.eh.e_machine = 0);
	ROW(-ENOEXEC, e.eh.e_machine = EM_AARCH64);
	ROW(-ENOEXEC, e.eh.e_type = ET_NONE);
	ROW(-ENOEXEC, e.eh.e_type = 0xfe00);
	ROW(-ENOEXEC, e.eh.e_phentsize = 0);
	ROW(-ENOEXEC, e.eh.e_phentsize = 64);
	ROW(-ENOEXEC, e.eh.e_phnum = 0);
	ROW(RUNS, e.eh.e_phnum = 4);
	ROW(RUNS, e.eh.e_phnum = 73);
	ROW(-ENOEXEC, e.eh.e_phnum = 0xffff);
	ROW(-ENOEXEC, e.eh.e_phoff = sizeof(e));
	ROW(-ENOEXEC, e.eh.e_phoff = -56L);
	ROW(RUNS, e.eh.e_phoff = 71; memmove((char *)&e + 71, &e.ph[0], 56));
	ROW(RUNS, e.eh.e_phoff = sizeof(e) - 56;
	    memcpy((char *)(&e + 1) - 56, &e.ph[0], 56));
	ROW(DIES, e.ph[0].p_type = PT_NULL);
	ROW(DIES, e.eh.e_entry = 0);
	ROW(DIES, e.eh.e_entry = ~0UL);
}

static void
alignment(void)
{
	ROW(RUNS, e.ph[0].p_align = 0);
	ROW(RUNS, e.ph[0].p_align = 1);
	ROW(RUNS, e.ph[0].p_align = 3);
	ROW(RUNS, e.ph[0].p_align = 12288);
	ROW(RUNS, e.ph[0].p_align = 1UL << 50);
	ROW(RUNS, e.ph[0].p_align = ~0UL);
	ROW(RUNS, e.ph[0].p_paddr = 0x123456789);
	/* Not from a page's start, but the same place in it. */
	ROW(RUNS, e.ph[0].p_offset = 0x123; e.ph[0].p_vaddr = ELF_BASE + 0x123;
	    e.ph[0].p_filesz = e.ph[0].p_memsz = ELF_SIZE - 0x123);
	ROW(DIES, e.ph[0].p_vaddr = ELF_BASE + 1);
	ROW(DIES, e.ph[0].p_offset = 8);
	ROW(RUNS, e.ph[0].p_offset = ELF_CODE; e.eh.e_entry = ELF_BASE);
	ROW(RUNS, e.ph[0].p_filesz = 1; e.ph[0].p_memsz = ELF_SIZE;
	    e.ph[0].p_offset = ELF_CODE; e.eh.e_entry = ELF_BASE);
}

/* Programs of position-independent type. */
static void
anywhere(void)
{
	ROW(RUNS, e.eh.e_type = ET_DYN);
	ROW(RUNS, e.eh.e_type = ET_DYN; e.ph[0].p_vaddr = 0;
	    e.eh.e_entry = ELF_CODE);
	ROW(RUNS, e.eh.e_type = ET_DYN; e.ph[0].p_align = 2 * MIB);
	ROW(RUNS, e.eh.e_type = ET_DYN; e.ph[0].p_align = 3);
	ROW(RUNS, e.eh.e_type = ET_DYN; e.eh.e_phnum = 2;
	    e.ph[1] = e.ph[0]; e.ph[0].p_vaddr += 4 * MIB);
}

static const Elf64_Phdr data_page = { .p_type = PT_LOAD,
	.p_flags = PF_R | PF_W, .p_offset = ELF_CODE,
	.p_vaddr = ELF_BASE + 0x10000, .p_filesz = 0x1000, .p_memsz = 0x1000,
	.p_align = PAGE };

#define DATA (ELF_BASE + 0x10000)
#define SEEN_AT 0x900 /* of the code's page: 0x77 */

/* A program that exits with the byte at an address, and a second segment. */
static void
looks_at(uint32_t at)
{
	unsigned char code[] = { 0x0f, 0xb6, 0x3c, 0x25, 0, 0, 0, 0, 0xb8, 60,
		0, 0, 0, 0x0f, 0x05 };

	memcpy(code + 4, &at, sizeof(at));
	elf_make(&e, code, sizeof(code));
	e.code[SEEN_AT] = 0x77;
	e.eh.e_phnum = 2;
	e.ph[1] = data_page;
}

#define LOOK(seen, at, change)                                                 \
	do {                                                                   \
		row = #at ": " #change;                                        \
		looks_at(at);                                                  \
		change;                                                        \
		expect_of(&e, sizeof(e), (seen) < 0 ? (seen) : RUNS, seen);    \
	} while (0)

static void
zeroes(void)
{
	LOOK(0x77, DATA + SEEN_AT, );
	/* Only memory, at odd places. */
	LOOK(0, DATA + SEEN_AT, e.ph[1].p_filesz = 0);
	LOOK(0, DATA + SEEN_AT, e.ph[1].p_filesz = 0; e.ph[1].p_offset = ~0UL);
	LOOK(0, DATA + SEEN_AT, e.ph[1].p_filesz = 0; e.ph[1].p_vaddr += 0x123);
	LOOK(0, DATA + 16 * MIB, e.ph[1].p_filesz = 0;
	    e.ph[1].p_memsz = 16 * MIB + 1);
	LOOK(0, DATA, e.ph[1].p_filesz = 0; e.ph[1].p_flags = 0);
	LOOK(DIES, DATA, e.ph[1].p_filesz = e.ph[1].p_memsz = 0);
	LOOK(0x77, ELF_BASE + ELF_CODE + SEEN_AT,
	    e.ph[1].p_filesz = e.ph[1].p_memsz = 0; e.ph[1].p_vaddr = 3);
	/* Behind the file's bytes: zeroes if it can be written. */
	LOOK(0x77, DATA + SEEN_AT, e.ph[1].p_filesz = SEEN_AT + 1);
	LOOK(0, DATA + SEEN_AT, e.ph[1].p_filesz = SEEN_AT);
	LOOK(0x77, DATA + SEEN_AT, e.ph[1].p_filesz = SEEN_AT;
	    e.ph[1].p_flags = PF_R);
	LOOK(0x77, DATA + SEEN_AT,
	    e.ph[1].p_filesz = e.ph[1].p_memsz = SEEN_AT);
	LOOK(DIES, DATA, e.ph[1].p_filesz = 0x1001);
	LOOK(DIES, DATA, e.ph[1].p_memsz = 0x2000; e.ph[1].p_filesz = 0x1800;
	    e.ph[1].p_offset = 0x1000);
	LOOK(0x77, DATA + SEEN_AT, e.ph[1].p_memsz = 0x3000;
	    e.ph[1].p_filesz = 0x2000);
	LOOK(DIES, DATA + 0x1000, e.ph[1].p_filesz = e.ph[1].p_memsz = 0x2000);
}

static void
overlaps(void)
{
	/* The second over the first, and the other way round. */
	LOOK(0x77, ELF_BASE + SEEN_AT, e.ph[1].p_vaddr = ELF_BASE);
	LOOK(0, ELF_BASE + SEEN_AT, e.ph[1].p_vaddr = ELF_BASE;
	    e.ph[2] = e.ph[0]; e.eh.e_phnum = 3);
	LOOK(0, ELF_BASE + SEEN_AT, e.ph[1].p_vaddr = ELF_BASE;
	    e.ph[1].p_filesz = 0);
	/* The whole of it twice. */
	LOOK(0x77, ELF_BASE + ELF_CODE + SEEN_AT, e.ph[1] = e.ph[0]);
	/* In one page: the later has all of it. */
	LOOK(0x77, DATA + SEEN_AT, e.ph[2] = e.ph[1];
	    e.ph[1].p_offset = 0; e.ph[1].p_filesz = e.ph[1].p_memsz = 0x100;
	    e.ph[2].p_vaddr += 0x800; e.ph[2].p_offset += 0x800;
	    e.ph[2].p_filesz = e.ph[2].p_memsz = 0x200; e.eh.e_phnum = 3);
	/* A later one inside what is memory only. */
	LOOK(0x77, DATA + SEEN_AT, e.ph[2] = e.ph[1];
	    e.ph[1].p_vaddr -= 0x8000; e.ph[1].p_memsz = 0x10000;
	    e.eh.e_phnum = 3);
	LOOK(0, DATA + SEEN_AT, e.ph[2] = e.ph[1];
	    e.ph[2].p_vaddr -= 0x8000; e.ph[2].p_memsz = 0x10000;
	    e.eh.e_phnum = 3);
	/* The code where memory was before, and the order turned round. */
	LOOK(0x77, DATA + SEEN_AT, e.ph[2] = e.ph[0]; e.ph[0] = e.ph[1];
	    e.ph[1] = e.ph[2]);
	LOOK(0, DATA, e.ph[2] = e.ph[0]; e.ph[0] = e.ph[1];
	    e.ph[1] = e.ph[2]; e.ph[0].p_filesz = 0;
	    e.ph[0].p_vaddr = ELF_BASE; e.ph[0].p_memsz = 0x11000);
}

static void
low(void)
{
	row = "a page at 0x1000, by root";
	fresh();
	e.ph[0].p_vaddr = 0x1000;
	e.eh.e_entry = 0x1000 + ELF_CODE;
	expect_of(&e, sizeof(e), RUNS, 42);
}

static void
interpreter(const char *path, size_t size, size_t offset, int expected)
{
	row = path;
	fresh();
	e.eh.e_phnum = 2;
	e.ph[1] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_offset = offset,
		.p_filesz = size };
	memcpy(e.code + 0x800, path, strlen(path));
	expect_of(&e, sizeof(e), expected, 42);
}

static void
interpreters(void)
{
	size_t at = ELF_CODE + 0x800;

	fresh();
	make_file("ld", &e, sizeof(e), 0755);
	make_file("short", "\177ELF", 4, 0755);
	make_file("text", "no program, but longer than the header of one is, "
	    "which has 64 bytes", 68, 0755);
	interpreter("./ld", 5, at, RUNS); /* over the program */
	interpreter("./short", 8, at, -EIO);
	interpreter("./text", 7, at, -ELIBBAD);
	interpreter("./ld", 5, sizeof(e), -EIO);
	interpreter("./ld", 5, sizeof(e) - 2, -EIO);
	interpreter("./ld", 4, at, -ENOEXEC);
	interpreter("", 2, at, -EACCES); /* the folder, as for "." */
	interpreter("", 1, at, -ENOEXEC);
	interpreter(".", 2, at, -EACCES);
	e.eh.e_type = ET_DYN;
	make_file("ld", &e, sizeof(e), 0755);
	interpreter("./ld", 5, at, RUNS);
	OK(unlink("ld") | unlink("short") | unlink("text"));
}

/*
 * The program is in its own header: 120 bytes, of which the file may have less
 * than a header; the header of its segment may lie in the one of the file.
 */
static void
tiny(void)
{
	static const unsigned char code[] = { 0xb0, 60, 0x40, 0xb7, 42, 0x0f,
		0x05 };
	unsigned char b[160] = { 0 };
	Elf64_Ehdr *eh = (Elf64_Ehdr *)b;
	Elf64_Phdr *ph = (Elf64_Phdr *)(b + 64);

	row = "120 bytes";
	memcpy(b, ELFMAG, 4);
	memcpy(b + 4, code, sizeof(code));
	eh->e_type = ET_EXEC;
	eh->e_machine = EM_X86_64;
	eh->e_entry = ELF_BASE + 4;
	eh->e_phoff = 64;
	eh->e_phentsize = 56;
	eh->e_phnum = 1;
	*ph = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X,
		.p_vaddr = ELF_BASE, .p_filesz = 120, .p_memsz = 120 };
	expect_of(b, 120, RUNS, 42);
	row = "119 bytes";
	expect_of(b, 119, -ENOEXEC, 0);
	/* e_phentsize, e_phnum, e_shentsize, e_shnum: p_type and p_flags there. */
	row = "the segment begins in the header";
	memmove(b + 56, b + 64, 56);
	eh->e_phoff = 56;
	eh->e_phnum = 1; /* the low half of p_type; its high half, e_shentsize: 0 */
	eh->e_phentsize = 56;
	memcpy(b + 54, (uint16_t[]){ 56, 1, 0, 5, 0 }, 10);
	expect_of(b, 112, RUNS, 42);
}

int
main(void)
{
	need_tmp_without(ST_NOEXEC);
	enter_tmp();
	header();
	alignment();
	anywhere();
	zeroes();
	overlaps();
	low();
	interpreters();
	tiny();
	OK(unlink("odd"));
	leave_tmp();
	return test_done();
}
