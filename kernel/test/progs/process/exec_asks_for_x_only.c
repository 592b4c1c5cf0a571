/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * A program, and an interpreter, that may be executed and not read runs for
 * another user, who cannot look into it; without the x bit it does not.  A set-user-id program gives
 * its owner's rights, but not on a mount with nosuid.
 *
 * Who may not mount anything skips the last part.
 */
#include "lib/elf.h"
#include "lib/host.h"
#include <sys/mount.h>

#define USER 1000

static struct small_elf e;

/* exit(geteuid() + 1) */
static const unsigned char exit_euid[] = { 0xb8, SYS_geteuid, 0, 0, 0, 0x0f,
	0x05, 0x8d, 0x78, 0x01, 0xb8, SYS_exit, 0, 0, 0, 0x0f, 0x05 };

/* exit(42), or 43 if others may look into it: PR_GET_DUMPABLE is 1 */
static const unsigned char exit_seen[] = { 0xb8, SYS_prctl, 0, 0, 0, 0xbf, 3, 0,
	0, 0, 0x0f, 0x05, 0x31, 0xff, 0xff, 0xc8, 0x40, 0x0f, 0x94, 0xc7, 0x83,
	0xc7, 42, 0xb8, SYS_exit, 0, 0, 0, 0x0f, 0x05 };

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

	elf_make(&e, exit_seen, sizeof(exit_seen));
	make_file("prog", &e, sizeof(e), 0755);
	EQ(run_as_user("./prog"), 43);
	OK(chmod("prog", 0711));
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
	e.code[22] = 50; /* what the interpreter does not start */
	make_file("dynamic", &e, sizeof(e), 0755);
	EQ(run_as_user("./dynamic"), 42);
	OK(chmod("prog", 0755));
	EQ(run_as_user("./script"), 43);
	EQ(run_as_user("./dynamic"), 43);
	OK(chmod("prog", 0700));
	EQ(run_as_user("./script"), 200 + EACCES);
	EQ(run_as_user("./dynamic"), 200 + EACCES);
	EQ(unlink("script") | unlink("dynamic") | unlink("prog"), 0);
}

static void
set_id(void)
{
	elf_make(&e, exit_euid, sizeof(exit_euid));
	make_file("suid", &e, sizeof(e), 04755);
	EQ(run_as_user("./suid"), 0 + 1);
	OK(unlink("suid"));
	OK(mkdir("mnt", 0755));
	if (own_mounts() &&
	    mount("none", "mnt", "tmpfs", MS_NOSUID, NULL) == 0) {
		OK(chmod("mnt", 0755));
		make_file("mnt/suid", &e, sizeof(e), 04755);
		EQ(run_as_user("mnt/suid"), (USER + 1) % 256);
		OK(umount("mnt"));
	}
	OK(rmdir("mnt"));
}

int
main(void)
{
	if (geteuid() != 0)
		return test_done();
	need_tmp_without(ST_NOEXEC);
	enter_tmp();
	programs();
	interpreters();
	if (!tmp_forbids(ST_NOSUID))
		set_id();
	leave_tmp();
	return test_done();
}
