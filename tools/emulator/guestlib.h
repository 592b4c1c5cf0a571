/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guestlib.h: run a program in a fresh kernel inside an emulator
 *
 * Offers    guest_run(): from a description of the machine and the command to
 *           the command's output and status.  Used by tools/guest; made to be
 *           linked into other host programs.
 * Needs     an emulator, a kernel ELF, its first files (build/initrd.cpio).
 */
#ifndef TOOLS_GUESTLIB_H
#define TOOLS_GUESTLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tools/image/newc.h"
#include "tools/trace/tracesink.h"

/* What tools/guest exits with when the command itself did not decide. */
enum {
	GUEST_TIMEOUT = 124,
	GUEST_PANIC = 125,
	GUEST_CANNOT = 126,
	GUEST_NOTFOUND = 127,
};

enum guest_emulator { GUEST_QEMU, GUEST_BOCHS };

struct guest_add {
	const char *host;
	const char *guest;
};

enum guest_bus { GUEST_IDE, GUEST_VIRTIO };

struct guest_disk {
	enum guest_bus bus;
	const char *file;    /* raw image, or NULL: options */
	const char *options; /* of QEMU's -drive */
};

struct guest_job {
	enum guest_emulator emulator;
	unsigned cpus;
	uint64_t memory;    /* bytes */
	const char *kernel; /* ELF */
	const char *initrd; /* newc archive, also several in one file */
	const char *append; /* more boot arguments, or NULL */
	const struct guest_add *add;
	size_t nadd;
	const struct guest_disk *disk;
	size_t ndisks;
	uint64_t swap_bytes;    /* a new area to swap to; 0: none */
	const char *swap_file;  /* or one that is there, or NULL */
	const char *root;       /* image of the root; NULL: in memory */
	bool root_kept;         /* what is written stays in the image */
	uint64_t root_at;       /* memory in which the root lies; 0: on a disk */
	char *const *argv;      /* the command; NULL: a shell */
	const char *stdin_file; /* NULL: /dev/null */
	const char *log_file;   /* kernel messages, or NULL */
	const char *trace_file; /* its trace, tools/trace/vtr.h, or NULL */
	bool trace_words;       /* with page.word */
	double timeout;         /* seconds; 0: none */
	bool verbose;           /* kernel messages to standard error */
	bool interactive;       /* COM1 is our terminal */
	bool icount;
	unsigned shift; /* with icount: an instruction takes 2^shift ns */
	bool gdb;     /* stopped; gdb runs on our terminal, if any */
	const char *monitor; /* terminal of Bochs' debugger, or NULL */
	const char *control; /* socket that QEMU makes for stop and cont, or NULL */
	const char *plugin;  /* what QEMU shall load, with its options, or NULL */
	int out, err; /* where the command's output goes */
};

struct guest_result {
	int status; /* 0…255: exit status as of a shell */
	char *why;  /* malloc'd sentence(s), or NULL */
	char *lost; /* what the trace lacks, malloc'd, or NULL */
	int signal; /* not 0: we were told to stop by it */
};

/*
 * Run the job to its end.  Leaves no process and no file behind, also when
 * SIGINT, SIGTERM, SIGHUP or SIGQUIT arrives; the caller raises it again.
 *
 * Returns:  nothing that can fail: whatever goes wrong is a status and a why.
 */
void guest_run(const struct guest_job *, struct guest_result *);

/* ---- between the files of the library ---- */

/* A machine that is being prepared or runs. */
struct machine {
	char dir[64]; /* private folder, or "" */
	char **argv;  /* of the emulator */
	size_t nargs;
	int com1, com2;     /* our ends, to read from; -1: closed */
	int keys;           /* to write to COM1, or -1 */
	int watch;          /* end of file: the debugger is gone; or -1 */
	int child1, child2; /* the emulator's ends */
	int initrd;         /* memory file */
	int diag;           /* memory file: the emulator's own words */
	int port, child_port; /* its debug port, read for the trace; or -1 */
	struct sink *sink;  /* NULL: no trace is wanted */
	FILE *log;          /* kernel messages, or NULL */
	struct {
		char *file, *append;
		struct guest_disk *disk;
	} made; /* by disks_prepare() */
	pid_t pid;
};

/* Append one argument to m->argv, printf-like. */
void machine_arg(struct machine *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Has it disks that the host answers for? */
bool guest_waits(const struct guest_job *);
/* The boot arguments of a job, malloc'd. */
char *guest_cmdline(const struct guest_job *);
/* tools/NAME of this checkout, malloc'd. */
char *guest_tool(const char *name);
/* What the emulator has said itself, malloc'd, at most 4 KB. */
char *machine_diag(const struct machine *);
/* Make m->dir, once. False: why is set. */
bool machine_dir(struct machine *, char **why);
/*
 * Add the swap disk to the job, if it wants one, and the memory of disks that
 * are memory. False: why is set.
 */
bool disks_prepare(struct machine *, struct guest_job *, char **why);
void disks_close(struct machine *);
/* Fill m->argv (and make files). False: why is set. */
bool qemu_prepare(struct machine *, const struct guest_job *, char **why);
bool bochs_prepare(struct machine *, const struct guest_job *, char **why);

/* The frames of COM2: {0xA5, type, length (2, little endian), payload}. */
enum record_type {
	RECORD_STDOUT = 1,
	RECORD_STDERR = 2,
	RECORD_EXIT = 3,
	RECORD_MARK = 4,
};
enum exit_kind {
	EXIT_EXITED = 0,
	EXIT_SIGNALLED = 1,
	EXIT_NOEXEC = 2,
	EXIT_CHECK = 3,
};

struct record_reader {
	uint8_t head[4];
	unsigned nhead;
	unsigned left; /* payload bytes still to come */
	uint8_t exitb[2];
	unsigned nexit;
	bool ended;  /* an exit frame came */
	size_t lost; /* bytes outside of any frame */
	void (*data)(void *arg, enum record_type, const uint8_t *, size_t);
	void *arg;
};

void record_feed(struct record_reader *, const uint8_t *, size_t);

#endif
