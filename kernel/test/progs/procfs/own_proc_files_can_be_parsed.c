/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The files that only this kernel has: they exist, their lines have the
 * stated form, and only root writes to check and inject.
 */
#include "lib/vmtext.h"

static const char *const vm_names[] = { "events", "pages", "queues", "commit",
	"fmo", "vmos", "slabs", "check", "inject" };

static void
each_line(const char *text, const char *keys, bool range)
{
	char line[512];
	unsigned long a, b;

	while (*text) {
		size_t n = strcspn(text, "\n");
		char word[64];
		const char *k = keys;
		int used;

		CHECK(text[n] == '\n');
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		if (range)
			EQ(sscanf(line, "%lx-%lx", &a, &b), 2);
		for (; sscanf(k, " %63s%n", word, &used) == 1; k += used)
			if (strstr(line, word) == NULL)
				FAIL("no %s in: %s", word, line);
		text += n + 1;
	}
}

static void
per_process(void)
{
	char *p = pages_private(10);

	memset(p, 1, 5 * PAGE);
	each_line(text_of(0, "vadtree"), "depth=", false);
	each_line(text_of(0, "vmstat"), "kind=", true);
	EQ(vmstat_pages(text_of(0, "vmstat"), p, 10,
	       "kind=VALID src=PRIV w=1"), 5);
	each_line(text_of(0, "fmo"), "base= n= live= nptes=", false);
	CHECK(count_lines(text_of(0, "ws")) > 0);
	snap_self(1);
	CHECK(snap_get(1, "fault.total") > 0);
	CHECK(snap_get(1, "ws.pages") >= 5);
}

int
main(void)
{
	pid_t pid;

	snap_init();
	text_init();
	for (size_t i = 0; i < sizeof(vm_names) / sizeof(char *); i++)
		text_vm(vm_names[i]);
	memset(pages_private(20), 1, 20 * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		each_line(text_vm("fmo"),
		    "base= n= live= nrefs= procs= pages=", false);
		CHECK(count_lines(text_area) >= 1);
		each_line(text_of(0, "fmo"), "base= n= live= nptes=", false);
		CHECK(count_lines(text_area) >= 1);
		OK(setuid(1000));
		EQ(proc_write("/proc/vm/check", "1"), -EACCES);
		EQ(proc_write("/proc/vm/inject", "off"), -EACCES);
		_exit(0);
	}
	REAP(pid, 0);
	per_process();
	CHECK(proc_write("/proc/vm/check", "nonsense") < 0);
	CHECK(proc_write("/proc/vm/inject", "FI_NONE:1") < 0);
	EQ(proc_write("/proc/vm/check", "1"), 0);
	EQ(proc_write("/proc/vm/check", "3"), 0);
	OK(prctl(0x564d, 0));
	ERR(prctl(0x564d, 9), EINVAL);
	OK(prctl(0x564e, 1));
	ERR(prctl(0x564e, 256), EINVAL);
	snap_read("/proc/vmstat", text_area, TEXT_SIZE);
	EQ(snap_find(text_area, "oom_kill"), 0);
	CHECK(snap_find(text_area, "pgfault") > 0);
	return test_done();
}
