/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * Files that are no programs get the error that Linux gives, the caller
 * lives; those with wrong segments die or are refused, never run.
 */
#include "lib/elf.h"
#include "lib/host.h"

static struct small_elf e;

/* 0: it ran and exited 42; errno of exec; or 1000 + signal. */
static int
outcome(const char *path)
{
	int fd[2], err = 0, status;
	char *argv[] = { (char *)path, NULL };
	pid_t pid;

	OK(pipe2(fd, O_CLOEXEC));
	pid = OK(fork());
	if (pid == 0) {
		execve(path, argv, environ);
		err = errno;
		if (write(fd[1], &err, sizeof(err)) < 0)
			_exit(8);
		_exit(7);
	}
	close(fd[1]);
	if (read(fd[0], &err, sizeof(err)) < 0)
		FAIL("read: errno %d", errno);
	close(fd[0]);
	status = reap(pid);
	if (err != 0)
		return err;
	if (WIFSIGNALED(status))
		return 1000 + WTERMSIG(status);
	EQ(WEXITSTATUS(status), 42);
	return 0;
}

static int
try(size_t size)
{
	make_file("bad", &e, size, 0755);
	return outcome("./bad");
}

static void
fresh(void)
{
	elf_make(&e, elf_exit42, sizeof(elf_exit42));
}

#define NOEXEC(change, size)                                                   \
	do {                                                                   \
		fresh();                                                       \
		change;                                                        \
		EQ(try(size), ENOEXEC);                                        \
	} while (0)

/* SIGSEGV (or SIGKILL), or a refusal. */
#define DIES(change)                                                           \
	do {                                                                   \
		int o;                                                         \
		fresh();                                                       \
		change;                                                        \
		o = try(sizeof(e));                                            \
		if (o != 1000 + SIGSEGV && o != 1000 + SIGKILL &&              \
		    o != ENOEXEC && o != EINVAL && o != ENOMEM)                \
			FAIL("%s: expected a signal or an errno, seen %d",     \
			    #change, o);                                       \
	} while (0)

static void
headers(void)
{
	fresh();
	EQ(try(sizeof(e)), 0);
	NOEXEC(, 0);
	NOEXEC(, 1);
	NOEXEC(, 63);
	NOEXEC(e.eh.e_ident[1] = 'X', sizeof(e));
	NOEXEC(e.eh.e_machine = EM_386, sizeof(e));
	NOEXEC(e.eh.e_type = ET_REL, sizeof(e));
	NOEXEC(e.eh.e_type = ET_CORE, sizeof(e));
	NOEXEC(e.eh.e_phentsize = 55, sizeof(e));
	NOEXEC(e.eh.e_phnum = 0, sizeof(e));
	NOEXEC(e.eh.e_phnum = 2000, sizeof(e));
	NOEXEC(e.eh.e_phoff = 1UL << 40, sizeof(e));
	NOEXEC(e.eh.e_phoff = sizeof(e) - 20, sizeof(e));
	NOEXEC(, sizeof(e.eh) + 20);
}

static void
interpreters(void)
{
	static const struct {
		const char *path;
		size_t size;
		int error;
	} rows[] = { { "x", 1, ENOEXEC }, { "/abcd", 5, ENOEXEC },
		{ "/no/such/file", 14, ENOENT }, { "./plain", 8, EACCES },
		{ "/lib", 5000, ENOEXEC } };

	make_file("plain", "not a program, but long enough to be read as one",
	    48, 0644);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fresh();
		e.eh.e_phnum = 2;
		e.ph[1] = (Elf64_Phdr){ .p_type = PT_INTERP,
			.p_offset = ELF_CODE + 0x800,
			.p_filesz = rows[i].size };
		memcpy(e.code + 0x800, rows[i].path, strlen(rows[i].path));
		EQ(try(sizeof(e)), rows[i].error);
	}
}

static void
segments(void)
{
	DIES(e.ph[0].p_memsz = 0x800);
	DIES(e.ph[0].p_memsz = 1UL << 46);
	DIES(e.ph[0].p_memsz = -1UL);
	DIES(e.ph[0].p_vaddr = 0xffffffff80000000);
	DIES(e.ph[0].p_vaddr = ELF_BASE + 8);
	DIES(e.ph[0].p_type = PT_NOTE);
	DIES(e.eh.e_entry = 0);
	DIES(e.eh.e_entry = 0x10000000);
	DIES(e.eh.e_entry = 0xffffffff80000000);
	DIES(e.ph[0].p_flags = PF_R);
	fresh();
	e.ph[0].p_memsz = e.ph[0].p_filesz = 0x10000; /* longer than the file */
	EQ(try(sizeof(e)), 0);
}

static void
names(void)
{
	char *argv[] = { "x", NULL };

	EQ(outcome("/no/such"), ENOENT);
	EQ(outcome("."), EACCES);
	EQ(outcome("./plain"), EACCES);
	EQ(outcome("./plain/x"), ENOTDIR);
	ERR(syscall(SYS_execve, NULL, argv, environ), EFAULT);
	ERR(syscall(SYS_execve, "./bad", 8, environ), EFAULT);
	ERR(syscall(SYS_execve, "./bad", argv, -8L), EFAULT);
	make_file("text", "echo no magic here, just words in a file\n", 41,
	    0755);
	EQ(outcome("./text"), ENOEXEC);
}

static void
too_big(void)
{
	char *big = malloc(140 * KIB), *argv[200];

	memset(big, 'a', 140 * KIB - 1);
	big[140 * KIB - 1] = 0;
	argv[0] = big;
	argv[1] = NULL;
	ERR(execve("./bad", argv, environ), E2BIG);
	big[100 * KIB] = 0;
	for (int i = 0; i < 199; i++)
		argv[i] = big;
	argv[199] = NULL;
	if (!is_watched()) /* the same for 500 pages of strings */
		ERR(execve("./bad", argv, environ), E2BIG);
	free(big);
}

int
main(void)
{
	need_tmp_without(ST_NOEXEC);
	enter_tmp();
	headers();
	interpreters();
	segments();
	names();
	too_big();
	OK(unlink("bad"));
	OK(unlink("plain"));
	OK(unlink("text"));
	leave_tmp();
	return test_done();
}
