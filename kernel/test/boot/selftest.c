/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * selftest.c: runs the kernel's own tests before user space
 *
 * Problem   Locks, shootdown and the traps that guard the kernel need the real
 *           machine; a host unit test cannot show them.
 *
 * Picture   selftest=NAME ─→ table ─→ fn() ─→ EXPECT… ─→ vm_check(2) ─→ status
 *
 * Rules     1. A test leaves everything as it found it; vm_check(2) follows.
 *           2. Tests named trap_* end in a panic when all is well: the host
 *              looks for it (test/cases/programs/hardening.sh).  "all" leaves them out.
 *
 * Read next machine.c, kern.c, vm.c, blk.c in this folder.
 */
#include "channel/channel.h"
#include "kern/kern.h"
#include "lib/string.h"
#include "test/boot/lab/lab.h"
#include "test/boot/selftest.h"
#include "vm/vm.h"

/* A loop of claims would say for ever what a few lines tell. */
#define CLAIMS_LOGGED 50
#define CLAIMS_SAID 8

static struct {
	_Atomic unsigned failures; /* [A] claims that did not hold */
	unsigned ran;
	const char *first;           /* the test in which that was so first; NULL: none */
	const struct selftest *now;  /* the one that runs, one after another */
} self;

static const struct selftest *const tables[] = {
	selftests_machine,
	selftests_kern,
	selftests_keys,
	selftests_vm,
	selftests_kpaged,
	selftests_blk,
	selftests_part,
	selftests_lab_tour,
	selftests_lab_twist,
	selftests_lab_vad,
	selftests_lab_vadcut,
	selftests_lab_vadjoin,
	selftests_lab_fault,
	selftests_lab_faultcase,
	selftests_lab_faultfile,
	selftests_lab_fork,
	selftests_lab_forkpages,
	selftests_lab_forkparts,
	selftests_lab_forkagain,
	selftests_lab_forkwhen,
	selftests_lab_forkfaults,
	selftests_lab_last,
	selftests_lab_laststeal,
	selftests_lab_lastrace,
	selftests_lab_lastpace,
	selftests_lab_anon,
	selftests_lab_anonlook,
	selftests_lab_anonpage,
	selftests_lab_anonshape,
	selftests_lab_anoncut,
	selftests_lab_cache,
	selftests_lab_cacheread,
	selftests_lab_cachehow,
	selftests_lab_cachewrite,
	selftests_lab_cachecut,
	selftests_lab_swap,
	selftests_lab_swapout,
	selftests_lab_swapin,
	selftests_lab_swaperr,
	selftests_lab_swapfile,
	selftests_lab_swapwindow,
	selftests_lab_ws,
	selftests_lab_wsage,
	selftests_lab_wspolicy,
	selftests_lab_wsfile,
	selftests_lab_tablepin,
	selftests_lab_tableout,
	selftests_lab_tablein,
	selftests_lab_tablepolicy,
	selftests_lab_amap,
	selftests_lab_amapstop,
	selftests_lab_amappace,
	selftests_lab_shadow,
	selftests_lab_shadowkin,
	selftests_lab_frames,
	selftests_lab_framesafe,
	selftests_lab_framesrandom,
};

static bool wanted(const char *names, const char *name);
static void run_one(const struct selftest *t);

void
selftest_run(const char *names)
{
	const struct selftest *t;
	unsigned i;

	for (i = 0; i < ARRAY_LEN(tables); i++) {
		for (t = tables[i]; t->name != NULL; t++) {
			if (wanted(names, t->name))
				run_one(t);
		}
	}
	if (self.ran == 0) {
		klog("selftest: no test is called '%s'", names);
		record_exit(0, 2);
	}
	klog("selftest: %u ran, %u claims failed%s%s", self.ran, self.failures,
	    self.first == NULL ? "" : ", the first one in ",
	    self.first == NULL ? "" : self.first);
	ev_mark(GRADED_LAST_MARK);
	record_exit(0, self.failures != 0);
}

void
selftest_fail(const char *file, int line, const char *fmt, ...)
{
	char text[200], *tab;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tab = strchr(text, '\t');
	if (self.first == NULL && self.now != NULL)
		self.first = self.now->name;
	if (atomic_load(&self.failures) < CLAIMS_LOGGED)
		klog("selftest: %s:%d: does not hold: %.*s%s%s", file, line,
		    tab != NULL ? (int)(tab - text) : (int)sizeof(text), text,
		    tab != NULL ? ", expected " : "", tab != NULL ? tab + 1 : "");
	if (atomic_load(&self.failures) < CLAIMS_SAID)
		graded_say("claim %s:%d: %s", file, line, text);
	atomic_add(&self.failures, 1);
}

/* A number as people write it: addresses in hexadecimal. */
static void
number(char *out, size_t n, long value)
{
	bool is_small = value > -(1l << 40) && value < 1l << 40;

	snprintf(out, n, is_small ? "%ld" : "%#lx", value);
}

void
selftest_differs(const char *file, int line, const char *a, long is,
    const char *op, const char *b, long shall)
{
	bool same = strcmp(op, "==") == 0, is_plain = *b >= '0' && *b <= '9';
	char left[24], right[24];

	number(left, sizeof(left), is);
	number(right, sizeof(right), shall);
	selftest_fail(file, line, "%s is %s\t%s%s%s%s%s%s", a, left,
	    same ? "" : op, same ? "" : " ", b, is_plain ? "" : " (",
	    is_plain ? "" : right, is_plain ? "" : ")");
}

void
selftest_held(void)
{
	EVENT(check_claims);
}

/* Is name one of the words of a comma-separated list, or meant by "all"? */
static bool
wanted(const char *names, const char *name)
{
	size_t n = strlen(name);
	const char *p = names;

	if (strcmp(names, "all") == 0)
		return strncmp(name, "trap_", 5) != 0;
	while (p != NULL && *p != 0) {
		if (strncmp(p, name, n) == 0 && (p[n] == 0 || p[n] == ','))
			return true;
		p = strchr(p, ',');
		p = p == NULL ? NULL : p + 1;
	}
	return false;
}

static void
run_one(const struct selftest *t)
{
	klog("selftest: %s: %s", t->name, t->claim);
	self.ran++;
	self.now = t;
	t->fn();
	if (vm_check(2) != 0)
		selftest_fail(__FILE__, __LINE__, "vm_check(2) after %s",
		    t->name);
}
