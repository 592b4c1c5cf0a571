/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_swap.c: a disk to swap to, and disks that are memory
 *
 * Problem   --swap 40G must give a swap area at once, on a host that has
 *           neither the room nor mkswap; --icount must repeat, with disks, too.
 *
 * Picture   sparse file in the machine's folder: header in page 0, as mkswap
 *           writes it; the rest is a hole until the guest swaps out
 *           one more disk, the last of its bus ─→ swap=vdb
 *           with --icount: that much more memory ─→ ramdisk=SIZE swap=rama,
 *             memory │ swap │ root │ first files ─→ rootdisk= … root=ramb
 *
 * Rules     1. A file that is given is used as it is, and kept.
 *           2. What was made here goes with the folder.
 *           3. A disk of the emulator ends a request when the host pleases: who
 *              counts instructions swaps to memory, which QEMU takes as it is
 *              touched, and has a root that is not kept in memory.
 *
 * Read next tools/emulator/guestlib.c, kernel/vm/swap/swaparea.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guestlib.h"

#define SWAP_PAGE 4096
#define LOW_MEMORY (2ull << 30)
#define FIRMWARE (4ull << 20) /* more than it copies itself to */
#define REQUEST_NS 100000u     /* of the root: as long as a good disk's */
#define MIB_UP(n) (((uint64_t)(n) + 0xfffff) & ~0xfffffull)
#define SWAP_MAGIC "SWAPSPACE2"
#define SWAP_MAGIC_AT (SWAP_PAGE - 10)
#define SWAP_INFO_AT 1024 /* version, last page, bad pages: 32 bits each */
#define SWAP_SLOTS_MAX (1u << 28)

static char *make_area(struct machine *, uint64_t bytes, char **why);
static bool header_write(int fd, uint64_t bytes);
static bool has_header(const char *file);

/* Where the kernel will find a disk behind all others of its bus. */
static void
name_disk(const struct guest_job *job, char name[4])
{
	unsigned nide = job->root != NULL, nvirtio = 0;
	size_t i;

	for (i = 0; i < job->ndisks; i++) {
		nide += job->disk[i].bus == GUEST_IDE;
		nvirtio += job->disk[i].bus == GUEST_VIRTIO;
	}
	if (job->emulator == GUEST_QEMU)
		snprintf(name, 4, "vd%c", 'a' + (nvirtio & 15));
	else
		snprintf(name, 4, "sd%c", 'a' + (nide & 3));
}

/* More words in front of the job's. */
static void
words_before(struct machine *m, struct guest_job *job, const char *words)
{
	char *append;

	if (asprintf(&append, "%s%s%s", words, job->append != NULL ? " " : "",
		job->append != NULL ? job->append : "") < 0)
		abort();
	free(m->made.append);
	job->append = m->made.append = append;
}

/* One more disk, and the word that says which: Bochs has IDE disks only. */
static void
add_disk(struct machine *m, struct guest_job *job, const char *file)
{
	struct guest_disk *disk = calloc(job->ndisks + 1, sizeof *disk);
	char name[4], word[16];

	name_disk(job, name);
	snprintf(word, sizeof word, "swap=%s", name);
	if (disk == NULL)
		abort();
	if (job->ndisks > 0)
		memcpy(disk, job->disk, job->ndisks * sizeof *disk);
	disk[job->ndisks++] = (struct guest_disk){
		.bus = job->emulator == GUEST_QEMU ? GUEST_VIRTIO : GUEST_IDE,
		.file = file,
	};
	job->disk = m->made.disk = disk;
	words_before(m, job, word);
}

/* The kernel cuts it off before it counts its memory (kernel/dev/ramdisk.c). */
static void
swap_in_memory(struct machine *m, struct guest_job *job)
{
	char words[64];

	snprintf(words, sizeof words, "ramdisk=%lluM swap=rama",
	    (unsigned long long)job->swap_bytes >> 20);
	words_before(m, job, words);
	job->memory += job->swap_bytes;
}

/*
 * Behind all other memory, with room for what the machine puts at the end: the
 * first files and, while it starts, itself.  From 3 GiB on are no addresses of
 * memory: there it lies within the rest.
 */
static bool
root_in_memory(struct machine *m, struct guest_job *job, char **why)
{
	struct stat root, files;
	char words[100];

	if (stat(job->root, &root) != 0 || fstat(m->initrd, &files) != 0) {
		if (asprintf(why, "%s: %s", job->root, strerror(errno)) < 0)
			*why = NULL;
		return false;
	}
	job->root_at = job->memory < LOW_MEMORY ? job->memory : LOW_MEMORY;
	if ((uint64_t)root.st_size > LOW_MEMORY / 4) {
		if (asprintf(why, "%s: too large for memory", job->root) < 0)
			*why = NULL;
		return false;
	}
	job->memory += MIB_UP(root.st_size) + MIB_UP(files.st_size) + FIRMWARE;
	snprintf(words, sizeof words, "rootdisk=%llu rootdisk_at=%llu rootdisk_ns=%u",
	    (unsigned long long)root.st_size, (unsigned long long)job->root_at,
	    REQUEST_NS);
	words_before(m, job, words);
	return true;
}

static bool
swap_prepare(struct machine *m, struct guest_job *job, char **why)
{
	char *file;

	if (job->swap_file == NULL && job->swap_bytes == 0)
		return true;
	if (job->swap_file == NULL && job->icount) {
		swap_in_memory(m, job);
		return true;
	}
	if (job->swap_file == NULL) {
		file = make_area(m, job->swap_bytes, why);
	} else if (has_header(job->swap_file)) {
		file = strdup(job->swap_file);
	} else {
		file = NULL;
		if (asprintf(why, "%s: no swap area (mkswap makes one)",
			job->swap_file) < 0)
			*why = NULL;
	}
	m->made.file = file;
	if (file == NULL)
		return false;
	add_disk(m, job, file);
	return true;
}

bool
disks_prepare(struct machine *m, struct guest_job *job, char **why)
{
	bool ok = swap_prepare(m, job, why);

	if (ok && job->icount && job->root != NULL && !job->root_kept)
		ok = root_in_memory(m, job, why);
	return ok;
}

void
disks_close(struct machine *m)
{
	free(m->made.file);
	free(m->made.disk);
	free(m->made.append);
}

/* The name of a new one in the machine's folder; NULL: why is set. */
static char *
make_area(struct machine *m, uint64_t bytes, char **why)
{
	char *path = NULL;
	int fd;

	if (!machine_dir(m, why))
		return NULL;
	if (asprintf(&path, "%s/swap.img", m->dir) < 0)
		abort();
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && ftruncate(fd, bytes) == 0 && header_write(fd, bytes) &&
	    close(fd) == 0)
		return path;
	if (asprintf(why, "%s: %s", path, strerror(errno)) < 0)
		*why = NULL;
	free(path);
	return NULL;
}

static bool
has_header(const char *file)
{
	char magic[sizeof SWAP_MAGIC] = "";
	int fd = open(file, O_RDWR | O_CLOEXEC);
	bool ok;

	ok = fd >= 0 && pread(fd, magic, 10, SWAP_MAGIC_AT) == 10 &&
	     strcmp(magic, SWAP_MAGIC) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
header_write(int fd, uint64_t bytes)
{
	uint8_t page[SWAP_PAGE] = { 0 };
	uint64_t pages = bytes / SWAP_PAGE;
	uint32_t info[2] = { 1, 0 };

	if (pages > SWAP_SLOTS_MAX)
		pages = SWAP_SLOTS_MAX;
	info[1] = pages - 1;
	memcpy(page + SWAP_INFO_AT, info, sizeof info);
	memcpy(page + SWAP_MAGIC_AT, SWAP_MAGIC, 10);
	return pwrite(fd, page, sizeof page, 0) == (ssize_t)sizeof page;
}
