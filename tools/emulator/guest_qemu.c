/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_qemu.c: the machine as QEMU's arguments
 *
 * Problem   A machine that starts fast, needs no file, and can be larger than
 *           the host.
 *
 * Picture   kernel ELF (PVH) + initrd as a memory file; COM1 and COM2 are
 *           pipes that it opens by /proc/self/fd, COM1 a socket for a shell
 *
 * Rules     1. Nothing is shared with another run: no port, no path.  The root
 *              disk is an overlay that QEMU throws away (snapshot), or memory.
 *           2. The CPU is TCG's: the same on every host.
 *
 * Read next tools/emulator/guestlib.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guestlib.h"

#define QEMU "qemu-system-x86_64"
#define CPU_MODEL "qemu64,+smep,+smap,+umip,+rdrand,+fsgsbase"

static bool qemu_terminal(struct machine *);
static bool qemu_trace(struct machine *);
static bool qemu_disks(struct machine *, const struct guest_job *, char **why);
static char *quoted(const char *file);
static void qemu_drive(struct machine *, unsigned nr, const char *file,
    const char *more);

bool
qemu_prepare(struct machine *m, const struct guest_job *job, char **why)
{
	unsigned long long mib = job->memory >> 20;
	char *cmdline = guest_cmdline(job);

	machine_arg(m, QEMU);
	machine_arg(m, "-nodefaults");
	machine_arg(m, "-no-user-config");
	machine_arg(m, "-no-reboot");
	machine_arg(m, "-display");
	machine_arg(m, "none");
	machine_arg(m, "-machine");
	machine_arg(m, "pc,memory-backend=ram");
	/* Without reserve=off the host must promise all of it at once. */
	machine_arg(m, "-object");
	machine_arg(m, "memory-backend-ram,id=ram,size=%lluM,reserve=off", mib);
	machine_arg(m, "-m");
	machine_arg(m, "%llu", mib);
	machine_arg(m, "-smp");
	machine_arg(m, "%u", job->cpus);
	machine_arg(m, "-cpu");
	machine_arg(m, CPU_MODEL);
	machine_arg(m, "-accel");
	machine_arg(m, job->icount ? "tcg" : "tcg,thread=multi");
	if (job->icount) {
		machine_arg(m, "-icount");
		/* Time that leapt while a disk is waited for would be chance. */
		machine_arg(m, "shift=%u,sleep=%s", job->shift,
		    guest_waits(job) ? "on" : "off");
		machine_arg(m, "-rtc");
		machine_arg(m, "base=2000-01-01,clock=vm");
		/* What the processor draws by chance: addresses, too. */
		machine_arg(m, "-seed");
		machine_arg(m, "1");
	}
	machine_arg(m, "-device");
	machine_arg(m, "isa-debug-exit,iobase=0xf4,iosize=0x04");
	machine_arg(m, "-kernel");
	machine_arg(m, "%s", job->kernel);
	machine_arg(m, "-initrd");
	machine_arg(m, "/proc/self/fd/%d", m->initrd);
	machine_arg(m, "-append");
	machine_arg(m, "%s", cmdline);
	free(cmdline);
	if (!qemu_disks(m, job, why))
		return false;
	if (job->interactive && !qemu_terminal(m))
		return false;
	machine_arg(m, "-chardev");
	machine_arg(m,
	    job->interactive ? "socket,id=com1,fd=%d"
			     : "file,id=com1,path=/proc/self/fd/%d",
	    m->child1);
	machine_arg(m, "-chardev");
	machine_arg(m, "file,id=com2,path=/proc/self/fd/%d", m->child2);
	machine_arg(m, "-serial");
	machine_arg(m, "chardev:com1");
	machine_arg(m, "-serial");
	machine_arg(m, "chardev:com2");
	if (m->sink != NULL && !qemu_trace(m))
		return false;
	if (job->control != NULL) {
		machine_arg(m, "-chardev");
		machine_arg(m, "socket,id=qmp,path=%s,server=on,wait=off",
		    job->control);
		machine_arg(m, "-mon");
		machine_arg(m, "chardev=qmp,mode=control");
	}
	if (job->plugin != NULL) {
		machine_arg(m, "-plugin");
		machine_arg(m, "%s", job->plugin);
	}
	if (!job->gdb)
		return true;
	if (!machine_dir(m, why))
		return false;
	machine_arg(m, "-S");
	machine_arg(m, "-chardev");
	machine_arg(m, "socket,id=gdb,path=%s/gdb,server=on,wait=off", m->dir);
	machine_arg(m, "-gdb");
	machine_arg(m, "chardev:gdb");
	return true;
}

/* Memory that machine and host share, as a device on PCI. */
static bool
qemu_trace(struct machine *m)
{
	size_t bytes;
	int fd = sink_memory(m->sink, &bytes);

	if (fd < 0)
		return false;
	machine_arg(m, "-object");
	machine_arg(m,
	    "memory-backend-file,id=trace,share=on,size=%zu,"
	    "mem-path=/proc/self/fd/%d", bytes, fd);
	machine_arg(m, "-device");
	machine_arg(m, "ivshmem-plain,memdev=trace");
	return true;
}

/* COM1 both ways. */
static bool
qemu_terminal(struct machine *m)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return false;
	close(m->com1);
	close(m->child1);
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	m->com1 = pair[0];
	m->keys = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
	m->child1 = pair[1];
	return true;
}

/* The root is the first on the cables (sda), then the others in order. */
static bool
qemu_disks(struct machine *m, const struct guest_job *job, char **why)
{
	unsigned nr = 0, nide = 0;
	char *name;
	size_t i;

	/*
	 * The firmware leaves alone what it cannot boot from.  Else it takes
	 * memory for each disk, at last that in which the initrd lies.
	 */
	machine_arg(m, "-boot");
	machine_arg(m, "strict=on");
	if (job->root_at != 0) {
		machine_arg(m, "-device");
		machine_arg(m, "loader,addr=0x%llx,force-raw=on,file=%s",
		    (unsigned long long)job->root_at, name = quoted(job->root));
		free(name);
	} else if (job->root != NULL) {
		qemu_drive(m, nr, job->root,
		    job->root_kept ? "format=raw" : "format=raw,snapshot=on");
		machine_arg(m, "-device");
		machine_arg(m, "ide-hd,drive=d%u,bus=ide.0,unit=0", nr++);
		nide++;
	}
	for (i = 0; i < job->ndisks; i++, nr++) {
		const struct guest_disk *d = &job->disk[i];

		qemu_drive(m, nr, d->file,
		    d->file != NULL ? "format=raw" : d->options);
		machine_arg(m, "-device");
		if (d->bus == GUEST_VIRTIO) {
			machine_arg(m,
			    "virtio-blk-pci,drive=d%u,"
			    "werror=report,rerror=report",
			    nr);
			continue;
		}
		machine_arg(m,
		    "ide-hd,drive=d%u,bus=ide.%u,unit=%u,"
		    "werror=report,rerror=report",
		    nr, nide / 2, nide % 2);
		nide++;
	}
	if (nide > 4)
		*why = strdup("more than four IDE disks");
	return nide <= 4;
}

/* A comma in a file's name is written twice.  Malloc'd. */
static char *
quoted(const char *file)
{
	char *name = calloc(2, strlen(file) + 1), *to = name;

	if (name == NULL)
		abort();
	while (*file != '\0') {
		if (*file == ',')
			*to++ = ',';
		*to++ = *file++;
	}
	return name;
}

/* file or NULL: more says all. */
static void
qemu_drive(struct machine *m, unsigned nr, const char *file, const char *more)
{
	char *name = quoted(file != NULL ? file : "");

	machine_arg(m, "-drive");
	machine_arg(m, "if=none,id=d%u,cache=writeback,%s%s%s%s", nr,
	    file != NULL ? "file=" : "", name, file != NULL ? "," : "", more);
	free(name);
}
