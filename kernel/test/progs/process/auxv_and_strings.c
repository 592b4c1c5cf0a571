/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * The stack that exec builds: argv, envp, auxv, 16 random bytes, then the
 * strings, argument and environment adjacent, the name of the file last.
 */
#include "lib/test.h"
#include <elf.h>
#include <sys/auxv.h>

static void
vector(char **argv)
{
	char **env = environ, *end;
	Elf64_auxv_t *av;
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	EQ(((long *)argv)[-1], argc);
	EQ((uintptr_t)(argv - 1) % 16, 0);
	CHECK(env == argv + argc + 1);
	end = argv[0];
	for (int i = 0; i < argc; i++) {
		CHECK(argv[i] == end);
		end += strlen(end) + 1;
	}
	for (; *env != NULL; env++) {
		CHECK(*env == end);
		end += strlen(end) + 1;
	}
	for (av = (void *)(env + 1); av->a_type != AT_NULL; av++)
		if (av->a_type == AT_EXECFN)
			CHECK((char *)av->a_un.a_val == end);
	end += strlen(end) + 1;
	EQ(*(long *)end, 0);
	EQ(((uintptr_t)end + 8) % PAGE, 0);
}

static void
values(void)
{
	Elf64_Phdr *ph = (void *)getauxval(AT_PHDR);
	const char *platform = (char *)getauxval(AT_PLATFORM);

	EQ(getauxval(AT_PAGESZ), PAGE);
	EQ(getauxval(AT_PHENT), sizeof(*ph));
	CHECK(getauxval(AT_PHNUM) > 1 && ph != NULL);
	EQ(getauxval(AT_BASE), 0);
	EQ(getauxval(AT_CLKTCK), 100);
	EQ(getauxval(AT_UID), getuid());
	EQ(getauxval(AT_EUID), geteuid());
	EQ(getauxval(AT_GID), getgid());
	EQ(getauxval(AT_EGID), getegid());
	EQ(getauxval(AT_SECURE), 0);
	CHECK(getauxval(AT_HWCAP) != 0);
	CHECK(getauxval(AT_RANDOM) != 0);
	CHECK(getauxval(AT_ENTRY) != 0);
	CHECK(getauxval(AT_MINSIGSTKSZ) >= 900);
	EQ(strcmp(platform, "x86_64"), 0);
}

/* A program has a name, if only an empty one. */
static void
nameless(char *const *argv)
{
	char *none[] = { NULL };
	pid_t pid = OK(fork());

	if (pid == 0) {
		syscall(SYS_execve, getauxval(AT_EXECFN), argv, none);
		_exit(9);
	}
	REAP(pid, 44);
}

int
main(int argc, char **argv)
{
	unsigned char seen[2][16];
	char *none[] = { NULL };
	int fd[2];

	if (argv[0][0] == '\0') {
		vector(argv);
		EQ(argc, 1);
		return 44;
	}
	if (argc > 1) {
		vector(argv);
		EQ(strcmp(argv[1], "one"), 0);
		EQ(strcmp(argv[2], ""), 0);
		EQ(strcmp(argv[3], "three words here"), 0);
		EQ(argc, 4);
		EQ(strcmp(getenv("A"), "b=c"), 0);
		return write(3, (void *)getauxval(AT_RANDOM), 16) != 16;
	}
	values();
	vector(argv);
	nameless(none);
	nameless(NULL);
	OK(pipe(fd));
	for (int i = 0; i < 2; i++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			char *av[] = { "x", "one", "", "three words here",
				NULL };
			char *ev[] = { "A=b=c", "B=", NULL };

			dup2(fd[1], 3);
			execve((char *)getauxval(AT_EXECFN), av, ev);
			_exit(9);
		}
		REAP(pid, 0);
		EQ(read(fd[0], seen[i], 16), 16);
	}
	CHECK(memcmp(seen[0], seen[1], 16) != 0);
	return test_done();
}
