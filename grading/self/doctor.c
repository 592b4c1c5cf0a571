/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor.c: can this host grade?
 *
 * Problem   A missing plugin or sandbox should be named before the first test,
 *           with its remedy.
 *
 * Read next tools/doctor, which calls this.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self/self.h"

static bool
probe(const char *what, const char *line, const char *remedy)
{
	const char *argv[] = { "sh", "-c", line, NULL };
	char *out = NULL;
	bool ok = command(argv, &out) == 0;

	printf("%-34s %s\n", what, ok ? "ok" : "MISSING");
	if (!ok)
		printf("    %s\n", remedy);
	free(out);
	return ok;
}

/* QEMU begins, is told to quit, and fails where it could not begin with what follows. */
#define COMES_UP "echo quit | timeout 60 qemu-system-x86_64 -M none -accel tcg " \
	"-display none -monitor stdio -S "

static const struct {
	const char *what, *line, *remedy;
	bool needed;
} probes[] = {
	{ "QEMU", "qemu-system-x86_64 --version",
	    "apt-get install qemu-system-x86", true },
	{ "QEMU with -icount and -seed",
	    COMES_UP "-icount shift=0,sleep=off -seed 1",
	    "a QEMU of version 7.2 or later", true },
	{ "the witness loads (plugin ABI 1)",
	    "f=$(mktemp); " COMES_UP "-plugin build/grading/witness.so,out=$f,limit=9; "
	    "r=$?; rm $f; exit $r",
	    "make grader; QEMU must be built with plugins", true },
	{ "bubblewrap", "bwrap --ro-bind / / --unshare-all true",
	    "apt-get install bubblewrap; without it the compiler sees the host",
	    false },
	{ "compiler and linker", "gcc --version && ld --version",
	    "apt-get install gcc binutils", true },
	{ "objdump, readelf, nm, addr2line",
	    "objdump --version && readelf --version && nm --version && "
	    "addr2line --version",
	    "apt-get install binutils", true },
	{ "reference objects", "xargs ls <build/grading/objects",
	    "make grader", true },
};

int
cmd_doctor(int argc, char **argv)
{
	int bad = 0;
	size_t i;

	for (i = 0; i < sizeof probes / sizeof probes[0]; i++)
		if (!probe(probes[i].what, probes[i].line, probes[i].remedy))
			bad += probes[i].needed;
	return bad != 0 ? GRADE_INFRA : 0;
}
