/* NEEDS: MEM=64M CPUS=1 TIMEOUT=120 ARGS=36 SHORT=12 LINUX=no SWEEP=no KIND=exact */
/*
 * Scripts by chance, of a shell and its commands, do as on Linux 6.1: pipes,
 * fifos, jobs that work at once, signals and traps, job control on a terminal,
 * descriptors, limits, files and archives, and files that are programs.
 *
 * A seed makes a script of STATEMENTS statements, odd ones root's, even ones a
 * user's; busybox runs it in a fresh folder.  What it prints, its status and the
 * tree it leaves is a text, which must be Linux's, whose digests are in
 * scripts_on_linux.h.  seeded_on_linux.h has the arguments; show prints the scripts, too.
 */
#include "lib/children.h"
#include "scripts.h"
#include "scripts_on_linux.h"
#include "scripts_pieces.h"
#include "seeded_on_linux.h"
#include <dirent.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <termios.h>

#define SEEDS 36
#define STATEMENTS 14
#define SECONDS 60 /* no script takes longer */
#define FOLDER "/tmp/scripts"

/* ---- the script ---- */

static const struct kind *
kind_of_letter(char letter)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].letter == letter)
			return &kinds[i];
	FAIL("no pieces for @%c", letter);
}

static void
expand_one(const char *piece)
{
	expand(piece);
	expand("\necho \"= $?\"\n");
}

/* Job control is of the script's own shell only. */
static void
make_script(uint64_t seed)
{
	chances = (seed + 1) * 0x9e3779b97f4a7c15UL;
	script.n = script.numbers = script.depth = 0;
	put(start, strlen(start));
	for (int i = 0; i < STATEMENTS; i++)
		if (chance(6) == 0) {
			expand_one("trap : INT; set -m");
			expand_one("@7");
			expand("set +m; trap - INT\n");
		} else
			expand_one("@s");
	make_file("script", script.text, script.n, 0644);
	put("", 1);
}

/* ---- its folder ---- */

static void
make_files(uid_t user)
{
	OK(mkdir("w", 0755));
	OK(mkdir("beside", 0755));
	make_file("w/r", "root's\n", 7, 0600);
	make_file("w/ro", "to read\n", 8, 0644);
	OK(mkdir("w/rd", 0755));
	make_file("w/rd/x", "", 0, 0666);
	OK(chown("w", user, user));
	OK(chown("beside", user, user));
}

/* What to do with each name of a folder, which is the current one. */
static void
each_name(void todo(const char *))
{
	struct dirent **names;
	int n = OK(scandir(".", &names, NULL, alphasort));

	for (int i = 0; i < n; i++) {
		if (strcmp(names[i]->d_name, ".") != 0 &&
		    strcmp(names[i]->d_name, "..") != 0)
			todo(names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* As deep as it is: no path is longer than a name. */
static void
in_folder(const char *name, void todo(const char *))
{
	OK(chdir(name));
	each_name(todo);
	OK(chdir(".."));
}

static void
remove_tree(const char *name)
{
	if (unlink(name) == 0)
		return;
	in_folder(name, remove_tree);
	OK(rmdir(name));
}

static uint32_t
digest_of(const char *name)
{
	static char bytes[4 * MIB];
	int fd = OK(open(name, O_RDONLY));
	ssize_t n = OK(read(fd, bytes, sizeof(bytes)));

	OK(close(fd));
	return fnv(bytes, n);
}

static void
tell_tree(const char *name)
{
	char to[PAGE];
	struct stat st;

	OK(lstat(name, &st));
	say("%s %o %u:%u", name, st.st_mode, st.st_uid, st.st_gid);
	if (S_ISREG(st.st_mode))
		say(" %u %ld %08x", (unsigned)st.st_nlink, (long)st.st_size,
		    digest_of(name));
	if (S_ISLNK(st.st_mode))
		say(" -> %.*s", (int)OK(readlink(name, to, PAGE)), to);
	say("\n");
	if (!S_ISDIR(st.st_mode))
		return;
	in_folder(name, tell_tree);
	say("%s/\n", name);
}

/* ---- its run ---- */

/* A session of its own, whose terminal's other end is descriptor 9. */
static void __attribute__((noreturn))
run_script(int typing, uid_t user)
{
	char *const argv[] = { "sh", "../script", NULL };
	char *const envp[] = { "PATH=/bin", "HOME=/", NULL };
	int unlocked = 0, n, out;
	char terminal[32];

	OK(setsid());
	out = OK(open("out", O_WRONLY | O_CREAT | O_APPEND, 0600));
	OK(ioctl(typing, TIOCSPTLCK, &unlocked));
	OK(ioctl(typing, TIOCGPTN, &n));
	snprintf(terminal, sizeof(terminal), "/dev/pts/%d", n);
	OK(chown(terminal, user, user));
	OK(ioctl(OK(open(terminal, O_RDWR | O_CLOEXEC)), TIOCSCTTY, 0));
	OK(dup2(typing, 9));
	OK(dup2(OK(open("/dev/null", O_RDONLY)), 0));
	OK(dup2(out, 1));
	OK(dup2(out, 2));
	OK(syscall(SYS_close_range, 10, ~0u, 0));
	for (int fd = 3; fd < 9; fd++)
		close(fd);
	OK(chdir("w"));
	umask(022);
	OK(setgroups(0, NULL));
	OK(setresgid(user, user, user));
	OK(setresuid(user, user, user));
	execve("/bin/busybox", argv, envp);
	_exit(127);
}

/* Nobody looks at what the terminal shows, but somebody must take it. */
static void
take(int typing)
{
	char shown[PAGE];

	while (poll_now(typing) & POLLIN)
		if (read(typing, shown, sizeof(shown)) <= 0)
			break;
}

/* Its status; -1: it does not end. */
static int
wait_for_script(pid_t pid, int typing)
{
	uint64_t late = now_ns() + SECONDS * 1000000000UL;
	int status;

	for (;;) {
		pid_t r = waitpid(-1, &status, WNOHANG);

		if (r == pid)
			return status;
		if (r == 0 && now_ns() > late)
			return -1;
		take(typing);
		if (r == 0)
			sleep_ms(1);
	}
}

/* What the script has left running is ours when its parent has gone. */
static void
kill_the_rest(void)
{
	do
		kill_children();
	while (waitpid(-1, NULL, 0) > 0);
}

static void
tell_output(void)
{
	int fd = OK(open("out", O_RDONLY));
	size_t room = TEXT_SIZE - record->used;
	ssize_t n = OK(read(fd, record->text + record->used, room));

	OK(close(fd));
	record->used += n;
	record->full |= (size_t)n == room;
}

static uint32_t
run(uint64_t seed)
{
	uid_t user = seed % 2 ? 0 : USER;
	int typing = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
	int status;
	pid_t pid;

	record->used = 0;
	umask(0);
	make_script(seed);
	make_files(user);
	say("%s", script.text);
	pid = OK(fork());
	if (pid == 0)
		run_script(typing, user);
	status = wait_for_script(pid, typing);
	kill_the_rest();
	OK(close(typing));
	say("---- status %x\n", status);
	tell_output();
	say("----\n");
	tell_tree("w");
	CHECK(!record->full);
	each_name(remove_tree);
	return fnv(record->text, record->used);
}

static const struct compared compared = {
	"scripts_run_as_on_linux", "SCRIPT", run, on_linux, SEEDS,
	COUNT(on_linux), NULL, 0
};

int
main(int argc, char **argv)
{
	mkdir("/tmp", 0777);
	OK(mkdir(FOLDER, 0755));
	OK(chdir(FOLDER));
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	begin_record();
	compare_with_linux(&compared, argc, argv);
	OK(chdir("/"));
	OK(rmdir(FOLDER));
	return test_done();
}
