/* SPDX-License-Identifier: BSD-2-Clause */
/* ch03-cpus.c: processors that have been started do the same as the first.  GUEST: --cpus 4 */
#define _GNU_SOURCE
#include <sched.h>

#include "run.h"

static void
go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		exit(3);
}

static long
frames_say(const char *name)
{
	char text[512] = { 0 }, *at;
	int fd = open("/proc/vm/frames", O_RDONLY);

	if (read(fd, text, sizeof text - 1) <= 0)
		exit(4);
	close(fd);
	at = strstr(text, name);
	return at == NULL ? -1 : strtol(at + strlen(name), NULL, 10);
}

int
main(void)
{
	volatile char *p = run_map(40, RW, PRIVATE);
	long where = 0, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int cpu;

	run_store(run_map(1, RW, PRIVATE), 1);
	go_to(0);
	run_begin();
	run_note("machine", "cpus", cpus);
	run_note("machine", "frames", frames_say("max_pfn="));
	run_note("machine", "bytes", frames_say("desc="));
	for (cpu = 1; cpu < 4; cpu++) {
		go_to(cpu);
		where = 10 * where + sched_getcpu();
	}
	go_to(0);
	run_step("visit");
	run_note("visit", "where", where);
	for (cpu = 0; cpu < 4; cpu++) {
		go_to(cpu);
		run_store(p + 10 * PAGE * cpu, 10);
	}
	go_to(0);
	run_step("touch");
	return run_end();
}
