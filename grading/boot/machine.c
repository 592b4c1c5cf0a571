/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c: a test as files, boot words and a machine
 *
 * Problem   The program is process 1, alone in its file system, under a name
 *           that says nothing.
 *
 * Picture   PROGRAM fork_share --pages $pages --data @challenge
 *             → t/kqzw…  (build/labs/progs/fork_share)   t/mfpa…  (challenge)
 *             → init=/t/kqzw… graded=KEY … -- --pages 231 --data /t/mfpa…
 *
 * Rules     1. A program is build/labs/progs/NAME, build/grading/progs/NAME or,
 *              for kind L, /bin/busybox.
 *           2. Memory is MEM; a swap area in memory comes on top of it, and above
 *              that the root's disk, if there is one (ROOT), and what firmware
 *              keeps at the very end.
 *           3. Without ROOT the files are in an archive, which the kernel unpacks
 *              into its root in memory.  With it nothing is unpacked: the kernel
 *              boots without one anonymous object.
 *
 * Read next boot.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/image/newc.h"
#include "boot/machine.h"
#include "boot/boot.h"

#define CPU_MODEL "qemu64,+smep,+smap,+umip,+fsgsbase"

/* ---- files ---- */

static char *
find_program(const char *name)
{
	static const char *const dirs[] = { "build/labs/progs",
		"build/grading/progs" };
	char *path;
	size_t i;

	if (strcmp(name, "busybox") == 0)
		return xstrdup("/bin/busybox");
	for (i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		path = xprintf("%s/%s", dirs[i], name);
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static bool
put_host(struct newc *n, const char *host, const char *guest, unsigned mode)
{
	size_t len;
	void *data = newc_read_file(host, &len);

	if (data == NULL)
		return false;
	newc_entry(n, guest, S_IFREG | mode, data, len);
	free(data);
	return true;
}

static char *
put_program(struct newc *n, const struct boot_job *job)
{
	const char *name = job->test->program.v[0];
	char *host = find_program(name), *why = NULL;
	char *guest = strcmp(name, "busybox") == 0
			  ? xstrdup("t/busybox")
			  : xprintf("t/%s", job->draw->argv0);

	if (host == NULL || !put_host(n, host, guest, 0755))
		why = xprintf("program %s is not built (make grader)", name);
	free(host);
	free(guest);
	return why;
}

static char *
put_files(struct newc *n, const struct boot_job *job)
{
	const struct words *w = &job->test->files;
	char *guest, *why = NULL;
	const char *base;
	size_t i;

	for (i = 0; i < w->n && why == NULL; i++) {
		base = strrchr(w->v[i], '/');
		guest = xprintf("t/%s", base != NULL ? base + 1 : w->v[i]);
		if (!put_host(n, w->v[i], guest, 0755))
			why = xprintf("%s: %s", w->v[i], strerror(errno));
		free(guest);
	}
	return why;
}

static int
archive(const struct boot_job *job, char **why)
{
	int fd = memfd_create("initrd", 0);
	struct newc n = { 0 };
	char *path;

	*why = NULL;
	newc_entry(&n, "t", S_IFDIR | 0755, NULL, 0);
	newc_entry(&n, "tmp", S_IFDIR | 01777, NULL, 0);
	if (job->test->program.n > 0)
		*why = put_program(&n, job);
	if (*why == NULL)
		*why = put_files(&n, job);
	if (job->test->challenge > 0) {
		path = xprintf("t/%s", job->draw->challenge_name);
		newc_entry(&n, path, S_IFREG | 0644, job->draw->challenge,
		    job->draw->challenge_len);
		free(path);
	}
	newc_end(&n);
	if (*why == NULL &&
	    (fd < 0 || write(fd, n.buf, n.len) != (ssize_t)n.len))
		*why = xprintf("no memory file: %s", strerror(errno));
	newc_free(&n);
	if (*why == NULL)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- the same as a disk ---- */

#define FIRMWARE (4ll << 20) /* more than it copies itself to, at the end of memory */

static int64_t
root_at(const struct test *t)
{
	return t->mem + t->swap;
}

int64_t
boot_memory(const struct test *t)
{
	return t->mem + t->swap + (t->root > 0 ? t->root + FIRMWARE : 0);
}

/* Lines for tools/image/mkimage; false: *why. */
static bool
image_list(FILE *f, const struct boot_job *job, const char *challenge,
    char **why)
{
	const struct test *t = job->test;
	const char *name = t->program.n > 0 ? t->program.v[0] : NULL, *base;
	char *host = name != NULL ? find_program(name) : NULL;
	size_t i;

	fputs("dir 0755 t\ndir 1777 tmp\ndir 0755 dev\ndir 0555 proc\n", f);
	if (name != NULL && host == NULL)
		*why = xprintf("program %s is not built (make grader)", name);
	else if (name != NULL)
		fprintf(f, "file 0755 t/%s %s\n", strcmp(name, "busybox") == 0
		    ? name : job->draw->argv0, host);
	for (i = 0; i < t->files.n; i++) {
		base = strrchr(t->files.v[i], '/');
		fprintf(f, "file 0755 t/%s %s\n",
		    base != NULL ? base + 1 : t->files.v[i], t->files.v[i]);
	}
	if (t->challenge > 0)
		fprintf(f, "file 0644 t/%s %s\n", job->draw->challenge_name,
		    challenge);
	free(host);
	return *why == NULL;
}

/* An ext2 file system with the same files in it. */
static int
disk_image(const struct boot_job *job, char **why)
{
	char *dir = tidy_folder(), *list = xprintf("%s/list", dir);
	char *data = xprintf("%s/challenge", dir), *out = NULL;
	char *mib = xprintf("%lld", (long long)(job->test->root >> 20));
	char *path = xprintf("%s/disk", dir);
	FILE *f = fopen(list, "we");
	int fd = -1;

	*why = NULL;
	if (f != NULL && image_list(f, job, data, why) && fflush(f) == 0 &&
	    file_write(data, job->draw->challenge, job->draw->challenge_len) &&
	    shell_within(NULL, &out, "sh tools/image/mkimage \"$1\" \"$2\" <\"$3\"", path,
		mib, list, NULL) == 0)
		fd = open(path, O_RDWR);
	if (fd < 0 && *why == NULL)
		*why = xprintf("no disk: %s", out != NULL ? out : strerror(errno));
	if (f != NULL)
		fclose(f);
	tidy_remove(dir);
	free(dir);
	free(list);
	free(data);
	free(mib);
	free(path);
	free(out);
	return fd;
}

int
boot_files(const struct boot_job *job, char **why)
{
	return job->test->root > 0 ? disk_image(job, why) : archive(job, why);
}

/* ---- words ---- */

/* Append printf-like, with a blank before. */
static void
add(char **s, char *more)
{
	char *t = xprintf("%s%s%s", *s, **s != '\0' ? " " : "", more);

	free(*s);
	free(more);
	*s = t;
}

static void
add_program(char **s, const struct boot_job *job)
{
	const struct words *w = &job->test->program;
	bool busybox = w->n > 0 && strcmp(w->v[0], "busybox") == 0;
	size_t i;

	if (w->n == 0)
		return;
	add(s, xprintf("init=/t/%s", busybox ? "busybox" : job->draw->argv0));
	add(s, xstrdup("--"));
	for (i = 1; i < w->n; i++)
		add(s, draw_fill(job->draw, w->v[i]));
}

static void
add_selftest(char **s, const struct boot_job *job)
{
	size_t i;

	if (job->test->selftest == NULL)
		return;
	add(s, xprintf("selftest=%s", job->test->selftest));
	add(s, xprintf("t.seed=%llu",
	    (unsigned long long)(job->draw->seed & 0xffffffff)));
	for (i = 0; i < job->draw->n; i++)
		add(s, xprintf("t.%s=%lld", job->draw->name[i],
		    (long long)job->draw->value[i]));
}

char *
boot_words(const struct boot_job *job, const uint8_t key[32])
{
	const struct test *t = job->test;
	char *s = xstrdup("idlezero=0 norandom=1 graded="), hex[3];
	size_t i;

	for (i = 0; i < 32; i++) {
		snprintf(hex, sizeof hex, "%02x", key[i]);
		s = xrealloc(s, strlen(s) + 3);
		strcat(s, hex);
	}
	add(&s, xprintf("vmm=%s", t->design));
	if (job->trace != NULL)
		add(&s, xstrdup("trace=shm,words"));
	if (t->swap > 0 && strcmp(t->disk, "mem") == 0)
		add(&s, xprintf("ramdisk=%lldM swap=rama",
		    (long long)(t->swap >> 20)));
	if (t->root > 0)
		add(&s, xprintf("rootdisk=%lld rootdisk_at=%lld root=ramb",
		    (long long)t->root, (long long)root_at(t)));
	if (job->sched >= 0)
		add(&s, xprintf("sched=%d", job->sched + 1));
	if (job->inject >= 0)
		add(&s, xprintf("inject=%s:%lld", t->inject,
		    (long long)job->inject));
	if (t->prefault)
		add(&s, xstrdup("prefault=1"));
	if (t->shared_image)
		add(&s, xstrdup("shared_image=1"));
	for (i = 0; i < t->options.n; i++)
		add(&s, draw_fill(job->draw, t->options.v[i]));
	add_selftest(&s, job);
	add_program(&s, job);
	return s;
}

/* ---- the machine ---- */

static bool
have_sandbox(void)
{
	static int known = -1;
	const char *argv[] = { "bwrap", "--ro-bind", "/", "/", "--unshare-net",
		"true", NULL };
	char *out = NULL;

	if (known < 0) {
		known = command(argv, &out) == 0;
		free(out);
	}
	return known;
}

/* ram: a file that somebody else reads, too; -1: none. */
static char *
memory_object(long long mib, int ram)
{
	if (ram < 0)
		return xprintf("memory-backend-ram,id=ram,size=%lldM,"
			       "reserve=off", mib);
	return xprintf("memory-backend-file,id=ram,size=%lldM,share=on,"
		       "reserve=off,mem-path=/proc/self/fd/%d", mib, ram);
}

void
boot_machine(struct words *argv, const struct boot_job *job, const char *words,
    int files, const int line[2], int ram)
{
	static const char *const sandbox[] = { "bwrap", "--ro-bind", "/", "/",
		"--dev", "/dev", "--unshare-net", "--die-with-parent" };
	static const char *const fixed[] = { "qemu-system-x86_64",
		"-nodefaults", "-no-user-config", "-no-reboot", "-display",
		"none", "-machine", "pc,memory-backend=ram", "-cpu", CPU_MODEL,
		"-accel", "tcg", "-icount", "shift=0,sleep=off", "-rtc",
		"base=2000-01-01,clock=vm", "-device",
		"isa-debug-exit,iobase=0xf4,iosize=0x04", "-sandbox", "on" };
	const struct test *t = job->test;
	char *own_gdb;
	long long mib = boot_memory(t) >> 20;
	char *disk = xprintf("loader,file=/proc/self/fd/%d,addr=0x%llx,"
			     "force-raw=on", files, (long long)root_at(t));
	const struct {
		const char *key;
		char *value;
	} own[] = { { "-object", memory_object(mib, ram) },
		{ "-m", xprintf("%lld", mib) },
		{ "-smp", xprintf("%d", t->cpus) },
		{ "-seed", xprintf("%u", (unsigned)job->draw->seed) },
		{ "-kernel", xstrdup(job->kernel) },
		{ t->root > 0 ? "-device" : "-initrd", t->root > 0 ? disk
			: xprintf("/proc/self/fd/%d", files) },
		{ "-append", xstrdup(words) },
		{ "-chardev", xprintf("file,id=com1,path=/proc/self/fd/%d",
				  line[0]) },
		{ "-chardev", xprintf("file,id=com2,path=/proc/self/fd/%d",
				  line[1]) },
		{ "-serial", xstrdup("chardev:com1") },
		{ "-serial", xstrdup("chardev:com2") } };
	size_t i;

	/* A debugger's socket must appear in the host's folder. */
	if (job->gdb == NULL && have_sandbox())
		for (i = 0; i < sizeof sandbox / sizeof sandbox[0]; i++)
			words_add(argv, sandbox[i]);
	for (i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		words_add(argv, fixed[i]);
	for (i = 0; i < sizeof own / sizeof own[0]; i++) {
		words_add(argv, own[i].key);
		words_add(argv, own[i].value);
		if (own[i].value != disk)
			free(own[i].value);
	}
	free(disk);
	if (job->gdb == NULL)
		return;
	words_add(argv, "-S");
	words_add(argv, "-gdb");
	own_gdb = xprintf("unix:%s,server=on,wait=off", job->gdb);
	words_add(argv, own_gdb);
	free(own_gdb);
}

void
boot_trace(struct words *argv, int memory, size_t bytes)
{
	char *backend = xprintf("memory-backend-file,id=trace,share=on,"
				"size=%zu,mem-path=/proc/self/fd/%d",
	    bytes, memory);

	words_add(argv, "-object");
	words_add(argv, backend);
	words_add(argv, "-device");
	words_add(argv, "ivshmem-plain,memdev=trace");
	free(backend);
}
