/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * A file that begins with #! is run by its interpreter: arguments, errors,
 * depth.  The interpreter is this program, which prints its arguments.
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
expect(const char *path, const char *words)
{
	char got[512] = "", *argv[] = { "zero", "first", NULL };
	int fd[2];
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		dup2(fd[1], 1);
		execve(path, argv, environ);
		_exit(errno);
	}
	REAP(pid, 0);
	OK(read(fd[0], got, sizeof(got) - 1));
	if (strcmp(got, words) != 0)
		FAIL("%s: expected %s, seen %s", path, words, got);
	close(fd[0]);
	close(fd[1]);
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

int
main(int argc, char **argv)
{
	char text[600];

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			printf("%s|", argv[i]);
		return 0;
	}
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
	EQ(unlink("plain") | unlink("arg") | unlink("chain"), 0);
	EQ(unlink("none") | unlink("dir") | unlink("empty"), 0);
	EQ(unlink("endless"), 0);
	EQ(unlink("own"), 0);
	leave_tmp();
	return test_done();
}
