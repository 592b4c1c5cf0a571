/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tidy.c: nothing of a run is left over, whatever ends it
 *
 * Problem   Ctrl-C, a closed terminal and a CI job that is cancelled come in the
 *           middle of things: folders would stay in /tmp for ever.
 *
 * Picture   tidy_folder() ─→ a slot ─→ tidy_remove()
 *                              └ SIGINT, SIGTERM, SIGHUP: each slot is removed,
 *                                then the signal ends us as if we had no handler
 *
 *           killed (SIGKILL, a host that went down): the next run sweeps what
 *           has no owner: a folder of a run that lives is locked
 *
 * Rules     1. The handler does only what a handler may: fork, exec, wait, kill.
 *           2. A folder is made with the signals blocked: it has a slot as soon
 *              as it is there.
 *           3. Emulators and compilers are killed by the kernel when we die
 *              (PR_SET_PDEATHSIG).
 *
 * Read next boot/build.c makes the folders.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#define FOLDERS 16
#define PATH_BYTES 256
#define SWEPT_AFTER 3600 /* seconds: whoever made it has long locked it */

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP };

static struct {
	pid_t owner;
	char folder[FOLDERS][PATH_BYTES]; /* "": a free slot */
	int lock[FOLDERS];                /* of the folder, as long as we live */
} tidy;

/* rm -rf, of what a handler may call. */
static void
remove_once(const char *path)
{
	char *argv[] = { (char *)"rm", (char *)"-rf", (char *)"--",
		(char *)path, NULL };
	char *envp[] = { NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execve("/bin/rm", argv, envp);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/*
 * Gone, also if a compiler that does not know yet still writes into it: 5 s are
 * more than any file of ours takes.
 */
static void
remove_folder(const char *path)
{
	const struct timespec t = { .tv_nsec = 50 * 1000 * 1000 };
	int tries;

	for (tries = 0; tries < 100 && access(path, F_OK) == 0; tries++) {
		if (tries > 0)
			nanosleep(&t, NULL);
		remove_once(path);
	}
}

static void
end_by(int sig)
{
	size_t i;

	if (getpid() == tidy.owner)
		for (i = 0; i < FOLDERS; i++)
			if (tidy.folder[i][0] != '\0')
				remove_folder(tidy.folder[i]);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
deadly_set(sigset_t *set)
{
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		sigaddset(set, deadly[i]);
}

static const char *
tidy_place(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp != NULL ? tmp : "/tmp";
}

/* Open and locked; -1: no folder, or somebody's who lives. */
static int
folder_lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* One folder of ours that nobody has any more goes. */
static void
sweep(const char *path)
{
	struct stat st;
	int fd = folder_lock(path);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    st.st_mtime < time(NULL) - SWEPT_AFTER)
		remove_once(path);
	close(fd);
}

static void
sweep_all(void)
{
	static const char key[] = "grade.";
	DIR *d = opendir(tidy_place());
	struct dirent *e;
	char *path;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, key, strlen(key)) != 0 ||
		    strlen(e->d_name) != strlen(key) + 6)
			continue;
		path = xprintf("%s/%s", tidy_place(), e->d_name);
		sweep(path);
		free(path);
	}
	if (d != NULL)
		closedir(d);
}

void
tidy_init(void)
{
	struct sigaction act = { .sa_handler = end_by }, old;
	size_t i;

	tidy.owner = getpid();
	deadly_set(&act.sa_mask);
	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		/* Who is told to ignore one (nohup) goes on ignoring it. */
		if (sigaction(deadly[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(deadly[i], &act, NULL);
	sweep_all();
}

/*
 * A new folder $TMPDIR/grade.XXXXXX.
 *
 * Returns:  its path; NULL: errno.
 * Owns:     the caller frees the path behind tidy_remove().
 */
char *
tidy_folder(void)
{
	char *path = xprintf("%s/grade.XXXXXX", tidy_place());
	sigset_t set, old;
	bool ok = false;
	size_t i;

	deadly_set(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	for (i = 0; i < FOLDERS && tidy.folder[i][0] != '\0'; i++)
		;
	errno = ENAMETOOLONG;
	if (i < FOLDERS && strlen(path) < PATH_BYTES)
		ok = mkdtemp(path) != NULL;
	if (ok)
		strcpy(tidy.folder[i], path);
	if (ok)
		tidy.lock[i] = folder_lock(path);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (ok)
		return path;
	free(path);
	return NULL;
}

/* A file in a new folder of its own; tidy_remove(its folder) removes both. */
char *
tidy_file(const char *name)
{
	char *folder = tidy_folder(), *path;

	if (folder == NULL) {
		fprintf(stderr, "grade: no temporary folder: %s\n",
		    strerror(errno));
		exit(GRADE_INFRA);
	}
	path = xprintf("%s/%s", folder, name);
	free(folder);
	return path;
}

/* The folder, or the folder of a file of tidy_file(), and all that is in it. */
void
tidy_remove(const char *path)
{
	size_t i, n;

	for (i = 0; path != NULL && i < FOLDERS; i++) {
		n = strlen(tidy.folder[i]);
		if (n == 0 || strncmp(path, tidy.folder[i], n) != 0 ||
		    (path[n] != '\0' && path[n] != '/'))
			continue;
		remove_folder(tidy.folder[i]);
		tidy.folder[i][0] = '\0';
		if (tidy.lock[i] >= 0)
			close(tidy.lock[i]);
	}
}
