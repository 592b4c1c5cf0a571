/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 */
/*
 * A program, and an interpreter, that may be executed and not read runs for
 * another user; without the x bit it does not.
 */
#include "lib/elf.h"

#define USER 1000

static struct small_elf e;

/* Another user starts it.  Its exit code, or 200 + errno of exec. */
static int
run_as_user(const char *path)
{
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		OK(syscall(SYS_setgroups, 0, NULL));
		OK(setresgid(USER, USER, USER));
		OK(setresuid(USER, USER, USER));
		execl(path, path, NULL);
		_exit(200 + errno);
	}
	status = reap(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
programs(void)
{
	int fd;

	elf_make(&e, elf_exit42, sizeof(elf_exit42));
	make_file("prog", &e, sizeof(e), 0711);
	EQ(run_as_user("./prog"), 42);
	OK(chmod("prog", 0744));
	EQ(run_as_user("./prog"), 200 + EACCES);
	OK(chmod("prog", 0755));
	fd = OK(open("prog", O_WRONLY));
	EQ(run_as_user("./prog"), 200 + ETXTBSY);
	OK(close(fd));
	EQ(run_as_user("."), 200 + EACCES);
	OK(mkfifo("fifo", 0777));
	OK(chmod("fifo", 0777));
	EQ(run_as_user("./fifo"), 200 + EACCES);
	OK(unlink("fifo"));
}

/* #! and PT_INTERP; "prog" is the interpreter of both. */
static void
interpreters(void)
{
	char line[128], dir[64];

	OK(chmod("prog", 0711));
	CHECK(getcwd(dir, sizeof(dir)) != NULL);
	snprintf(line, sizeof(line), "#!%s/prog\n", dir);
	make_file("script", line, strlen(line), 0755);
	EQ(run_as_user("./script"), 42);
	e.eh.e_phnum = 2;
	e.ph[1] = e.ph[0];
	e.ph[0] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_flags = PF_R,
		.p_offset = ELF_CODE + 0x800, .p_filesz = strlen(dir) + 6 };
	snprintf((char *)e.code + 0x800, 0x400, "%s/prog", dir);
	e.ph[1].p_vaddr += 0x1000000;
	e.eh.e_entry += 0x1000000;
	e.code[1] = 43; /* what the interpreter does not start */
	make_file("dynamic", &e, sizeof(e), 0755);
	EQ(run_as_user("./dynamic"), 42);
	OK(chmod("prog", 0700));
	EQ(run_as_user("./script"), 200 + EACCES);
	EQ(run_as_user("./dynamic"), 200 + EACCES);
	EQ(unlink("script") | unlink("dynamic") | unlink("prog"), 0);
}

int
main(void)
{
	enter_tmp();
	programs();
	interpreters();
	leave_tmp();
	return test_done();
}
