/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_bochs.c: the machine as a Bochs configuration
 *
 * Problem   Bochs boots from a disk by a BIOS, wants files for everything,
 *           and Debian's starts in its debugger.
 *
 * Picture   private folder: boot.iso (GRUB, kernel, initrd), bochsrc, go;
 *           COM1 and COM2 are pipes that it opens by /proc/self/fd
 *
 * Rules     1. Everything is in the folder, which goes at the end.
 *           2. The rfb display takes the first free port, so runs do not
 *              clash; nobody looks at it.
 *
 * Read next tools/bochs/bochsrc.in, tools/image/mkiso.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guestlib.h"

#define BOCHS_DISKS 3

static bool bochs_terminal(struct machine *);
static bool bochs_iso(struct machine *, const struct guest_job *, char **why);
static bool bochs_rc(struct machine *, const struct guest_job *, char **why);
static bool bochs_disks(
    FILE *out, struct machine *, const struct guest_job *, char **why);
static bool bochs_disk(FILE *out, struct machine *, size_t n, const char *image,
    bool kept, char **why);
static void rc_line(FILE *out, const char *line, const struct machine *,
    const struct guest_job *);

bool
bochs_prepare(struct machine *m, const struct guest_job *job, char **why)
{
	if ((job->interactive && !bochs_terminal(m)) || !machine_dir(m, why) ||
	    !bochs_iso(m, job, why) || !bochs_rc(m, job, why))
		return false;
	machine_arg(m, "bochs");
	machine_arg(m, "-q");
	machine_arg(m, "-f");
	machine_arg(m, "%s/bochsrc", m->dir);
	if (job->monitor != NULL)
		return true;
	/* Debian's Bochs stops in its debugger first: let it go on. */
	machine_arg(m, "-rc");
	machine_arg(m, "%s/go", m->dir);
	return true;
}

/* COM1 both ways: a terminal of its own. */
static bool
bochs_terminal(struct machine *m)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return false;
	close(m->com1);
	close(m->child1);
	m->com1 = master;
	m->keys = fcntl(master, F_DUPFD_CLOEXEC, 0);
	m->child1 = open(ptsname(master), O_RDWR | O_NOCTTY);
	return m->child1 >= 0;
}

/* tools/image/mkiso OUT KERNEL INITRD CMDLINE */
static bool
bochs_iso(struct machine *m, const struct guest_job *job, char **why)
{
	char *mkiso = guest_tool("image/mkiso"), *cmdline = guest_cmdline(job);
	char *diag;
	char iso[128], initrd[64];
	int status = -1;
	pid_t pid;

	snprintf(iso, sizeof iso, "%s/boot.iso", m->dir);
	snprintf(initrd, sizeof initrd, "/proc/self/fd/%d", m->initrd);
	pid = fork();
	if (pid == 0) {
		dup2(m->diag, 1);
		dup2(m->diag, 2);
		execl("/bin/sh", "sh", mkiso, iso, job->kernel, initrd, cmdline,
		    NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	free(mkiso);
	free(cmdline);
	if (status == 0) /* its banner is not the emulator's word */
		return ftruncate(m->diag, 0) == 0 &&
		       lseek(m->diag, 0, SEEK_SET) == 0;
	diag = machine_diag(m);
	if (asprintf(why, "no boot CD for Bochs: %s", diag) < 0)
		*why = NULL;
	free(diag);
	return false;
}

/* bochsrc.in with @NAME@ filled in. */
static bool
bochs_rc(struct machine *m, const struct guest_job *job, char **why)
{
	char *tmpl = guest_tool("bochs/bochsrc.in");
	char path[128], line[512];
	bool ok;
	FILE *in = fopen(tmpl, "re"), *out, *go;

	snprintf(path, sizeof path, "%s/bochsrc", m->dir);
	out = fopen(path, "we");
	snprintf(path, sizeof path, "%s/go", m->dir);
	go = fopen(path, "we");
	if (in == NULL || out == NULL || go == NULL) {
		if (asprintf(why, "%s: %s", tmpl, strerror(errno)) < 0)
			*why = NULL;
		return false;
	}
	while (fgets(line, sizeof line, in) != NULL)
		rc_line(out, line, m, job);
	ok = bochs_disks(out, m, job, why);
	fputs("c\nquit\n", go);
	fclose(in);
	fclose(out);
	fclose(go);
	free(tmpl);
	return ok;
}

/* The CD is the second cable's master. */
static bool
bochs_disks(
    FILE *out, struct machine *m, const struct guest_job *job, char **why)
{
	size_t i, n = 0;

	if (job->root != NULL &&
	    !bochs_disk(out, m, n++, job->root, job->root_kept, why))
		return false;
	for (i = 0; i < job->ndisks; i++) {
		const struct guest_disk *d = &job->disk[i];

		if (n == BOCHS_DISKS || d->file == NULL ||
		    d->bus != GUEST_IDE) {
			*why = strdup("Bochs has room for three IDE disks, "
				      "each a file");
			return false;
		}
		if (!bochs_disk(out, m, n++, d->file, true, why))
			return false;
	}
	return true;
}

/*
 * Bochs puts its lock beside the path it is given: a link in the folder, so
 * that a killed run leaves none behind.
 */
static bool
bochs_disk(FILE *out, struct machine *m, size_t n, const char *image, bool kept,
    char **why)
{
	static const char *const place[BOCHS_DISKS] = { "ata0-master",
		"ata0-slave", "ata1-slave" };
	char link[128], *file = realpath(image, NULL);

	snprintf(link, sizeof link, "%s/disk%zu.img", m->dir, n);
	if (file == NULL || symlink(file, link) < 0) {
		if (asprintf(why, "%s: %s", image, strerror(errno)) < 0)
			*why = NULL;
		free(file);
		return false;
	}
	free(file);
	fprintf(out, "%s: type=disk, path=\"%s\", ", place[n], link);
	if (kept)
		fprintf(out, "mode=flat\n");
	else
		fprintf(out, "mode=volatile, journal=\"%s/disk%zu.redo\"\n",
		    m->dir, n);
	return true;
}

static void
rc_line(FILE *out, const char *line, const struct machine *m,
    const struct guest_job *job)
{
	struct {
		const char *name;
		char value[128];
	} var[7] = {
		{ "@DIR@", "" },
		{ "@CPUS@", "" },
		{ "@MEMORY@", "" },
		{ "@HOST@", "" },
		{ "@COM1@", "" },
		{ "@COM2@", "" },
		{ NULL, "" },
	};
	unsigned long long mib = job->memory >> 20;
	int i;

	snprintf(var[0].value, 128, "%s", m->dir);
	snprintf(var[1].value, 128, "%u", job->cpus);
	snprintf(var[2].value, 128, "%llu", mib);
	snprintf(var[3].value, 128, "%llu", mib > 2048 ? 2048 : mib);
	snprintf(var[4].value, 128,
	    job->interactive ? "mode=term, dev=/proc/self/fd/%d"
			     : "mode=file, dev=/proc/self/fd/%d",
	    m->child1);
	snprintf(
	    var[5].value, 128, "mode=file, dev=/proc/self/fd/%d", m->child2);
	while (*line != '\0') {
		for (i = 0; var[i].name != NULL; i++)
			if (strncmp(line, var[i].name, strlen(var[i].name)) ==
			    0)
				break;
		if (var[i].name == NULL) {
			fputc(*line++, out);
			continue;
		}
		fputs(var[i].value, out);
		line += strlen(var[i].name);
	}
}

/* tools/NAME of the checkout in which build/tools/… lies. */
char *
guest_tool(const char *name)
{
	char exe[4096], *path;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (n < 0)
		n = 0;
	exe[n] = '\0';
	if (asprintf(&path, "%s/../../tools/%s", dirname(exe), name) < 0)
		abort();
	return path;
}
