/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * A file that begins with #! is run by its interpreter: arguments, errors,
 * depth.  The interpreter is this program, which prints its arguments.  execveat runs
 * both by a descriptor, too, and tells the program that it is /dev/fd/N.
 */
#include "lib/host.h"
#include <sys/auxv.h>

static char self[256];

static void
script(const char *name, const char *text)
{
	make_file(name, text, strlen(text), 0755);
}

static int
exec_errno(const char *path)
{
	char *argv[] = { (char *)path, NULL };
	pid_t pid = OK(fork());

	if (pid == 0) {
		execve(path, argv, environ);
		_exit(errno);
	}
	return WEXITSTATUS(reap(pid));
}

/* The words that the interpreter saw, each with a | behind it. */
static void
expect_at(int dir, const char *path, int flags, const char *words)
{
	char got[4200] = "", *argv[] = { "zero", "first", NULL };
	int fd[2];
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		dup2(fd[1], 1);
		syscall(SYS_execveat, dir, path, argv, environ, flags);
		_exit(errno);
	}
	REAP(pid, 0);
	OK(read(fd[0], got, sizeof(got) - 1));
	if (strcmp(got, words) != 0)
		FAIL("%s: expected %s, seen %s", path, words, got);
	close(fd[0]);
	close(fd[1]);
}

static void
expect(const char *path, const char *words)
{
	expect_at(AT_FDCWD, path, 0, words);
}

static void
by_descriptor(void)
{
	int dir = OK(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)), file, status;
	char want[64], *argv[] = { "zero", "first", NULL };
	pid_t pid;

	file = OK(open("plain", O_RDONLY));
	snprintf(want, sizeof(want), "/dev/fd/%d|first|", file);
	expect_at(file, "", AT_EMPTY_PATH, want);
	OK(close(file));
	expect_at(dir, self, 0, "first|");
	file = OK(open(self, O_PATH | O_CLOEXEC));
	expect_at(file, "", AT_EMPTY_PATH, "first|");
	pid = OK(fork());
	if (pid == 0) {
		argv[1] = NULL; /* tells its name */
		argv[0] = "name";
		syscall(SYS_execveat, file, "", argv, environ, AT_EMPTY_PATH);
		_exit(errno);
	}
	REAP(pid, file);
	pid = OK(fork());
	if (pid == 0) {
		syscall(SYS_execveat, dir, "plain", argv, environ, 0);
		_exit(errno);
	}
	status = reap(pid);
	EQ(WEXITSTATUS(status), ENOENT); /* the script's name goes with dir */
	ERR(syscall(SYS_execveat, dir, "plain", argv, environ, 1), EINVAL);
	OK(symlink("plain", "link"));
	ERR(syscall(SYS_execveat, dir, "link", argv, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
	OK(unlink("link"));
	OK(close(dir));
	OK(close(file));
}

/* Of a line only 256 bytes are looked at; a name must end within them. */
static void
long_lines(void)
{
	static char text[400], want[400];
	int cut = 254 - strlen(self);

	memset(text, '/', sizeof(text));
	memcpy(text, "#!", 2);
	strcpy(text + 2 + cut, self);
	strcat(text, "more\n");
	script("long", text);
	EQ(exec_errno("./long"), ENOEXEC);
	text[256] = '\0'; /* the file ends, and no name */
	script("long", text);
	EQ(exec_errno("./long"), ENOEXEC);
	strcpy(text + 2 + cut - 1, self);
	script("long", text);
	expect("./long", "./long|first|");
	memset(text + 255, ' ', 100);
	strcpy(text + 300, "more\n");
	script("long", text);
	expect("./long", "./long|first|");
	memset(text + 2, ' ', 300);
	script("long", text);
	EQ(exec_errno("./long"), ENOEXEC);
	sprintf(text, "#!%s ", self);
	cut = strlen(text);
	memset(text + cut, 'y', 300);
	strcpy(text + 300, "\n");
	script("long", text);
	memcpy(want, text + cut, 255 - cut);
	strcpy(want + 255 - cut, "|./long|first|");
	expect("./long", want);
	OK(unlink("long"));
}

/* A name may be as long as any, and goes to the interpreter whole. */
static void
long_names(void)
{
	char name[4096] = "", want[4200];

	for (int i = 0; i < 2040; i++)
		strcat(name, "./");
	strcat(name, "plain");
	snprintf(want, sizeof(want), "%s|first|", name);
	expect(name, want);
}

/* Five scripts, each run by the next one, and then a program; of a sixth the interpreter
 * is opened, no more. */
static void
levels(void)
{
	char text[300];

	script("s1", "#!./s2\n");
	script("s2", "#!./s3 a\n");
	script("s3", "#!./s4\n");
	script("s4", "#!./s5 b\n");
	snprintf(text, sizeof(text), "#!%s c\n", self);
	script("s5", text);
	expect("./s1", "c|./s5|b|./s4|./s3|a|./s2|./s1|first|");
	script("s5", "#!./s6\n");
	script("s6", text);
	EQ(exec_errno("./s1"), ELOOP);
	script("s6", "#!/no/such/interpreter\n");
	EQ(exec_errno("./s1"), ENOENT);
	for (char c = '1'; c <= '6'; c++) {
		snprintf(text, sizeof(text), "s%c", c);
		OK(unlink(text));
	}
}

int
main(int argc, char **argv)
{
	char text[600];
	int n;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			printf("%s|", argv[i]);
		return 0;
	}
	if (strcmp(argv[0], "name") == 0)
		return sscanf((char *)getauxval(AT_EXECFN), "/dev/fd/%d", &n) == 1 ? n : 99;
	if (!realpath((char *)getauxval(AT_EXECFN), self))
		FAIL("realpath: errno %d", errno);
	need_tmp_without(ST_NOEXEC);
	enter_tmp();
	snprintf(text, sizeof(text), "#!%s\nrest", self);
	script("plain", text);
	expect("./plain", "./plain|first|");
	snprintf(text, sizeof(text), "#! \t%s  one two \t\nrest", self);
	script("arg", text);
	expect("./arg", "one two|./arg|first|");
	script("chain", "#!./plain more\n");
	expect("./chain", "./plain|more|./chain|first|");
	script("none", "#!/no/such/interpreter\n");
	EQ(exec_errno("./none"), ENOENT);
	script("dir", "#!/tmp\n");
	EQ(exec_errno("./dir"), EACCES);
	script("empty", "#!\nabc abc abc\n");
	EQ(exec_errno("./empty"), ENOEXEC);
	script("endless", "#! ");
	EQ(exec_errno("./endless"), EACCES);
	script("own", "#!./own\n");
	EQ(exec_errno("./own"), ELOOP);
	long_lines();
	long_names();
	levels();
	by_descriptor();
	EQ(unlink("plain") | unlink("arg") | unlink("chain"), 0);
	EQ(unlink("none") | unlink("dir") | unlink("empty"), 0);
	EQ(unlink("endless"), 0);
	EQ(unlink("own"), 0);
	leave_tmp();
	return test_done();
}
