/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.c: boot arguments, one row each
 *
 * Problem   All boot options and their defaults should stand in one place.
 *
 * Picture   "vmm=fmo locks=1 quiet"  →  options[]: value, else default
 *
 * Rules     1. A word without = has the value 1.  The last of several wins.
 *           2. Unknown words are skipped with a log line; key.sub=… silently,
 *              they are for programs.
 *           3. A value that its row does not take is logged, and the default stays.
 *           4. Constant after options_init(), which runs first of all.
 *
 * Read next main.c.
 */
#include "boot/boot.h"
#include "kern/kernfn.h"
#include "lib/string.h"

struct option {
	const char *name;
	const char *value;     /* default, then what was given; NULL: none */
	const char *takes;     /* a|b: one of these, or several with commas; #: a number;
	                        * NULL: any text, which its reader judges */
	const char *help;
};

static struct {
	char text[BOOT_CMDLINE]; /* [c] cut into words */
} options_text;

static struct option options[] = {
	{ "vmm", "fmo", NULL,
	    "design of the first process: fmo, eager, uvm, scalux, shadow, frames" },
	{ "uvm", "early", "early|late",
	    "when design uvm copies amaps: early, at fork; late, at the first write" },
	{ "idlezero", "1", "#",
	    "free frames are cleared ahead, by idle CPUs, or left clear" },
	{ "around", "16", "#", "pages mapped around a read fault; 1: none" },
	{ "hold", "4", "#", "restarts after which a fault pins what it reads" },
	{ "inject", NULL, NULL, "POINT:FIRST[:EVERY[:COUNT[:PID]]] or POINT:probe" },
	{ "check", NULL, "#|sys", "N: vm_check after every N-th fault; sys: at each call" },
	{ "locks", "0", "#", "1: check the lock order, time what is held: /proc/vm/locks" },
	{ "reserve", NULL, "#", "frames that only pageout may take" },
	{ "frames", NULL, "#", "size: memory that programs of design frames own" },
	{ "wsmax", NULL, "#", "pages: no working set is larger; 16 at least" },
	{ "poison", "0", "#", "1: fill freed frames" },
	{ "trace", "on", "on|off|pages|words|shm|debugcon",
	    "on, off; pages, words: their changes too; shm, debugcon: to the host" },
	{ "trace_records", NULL, "#", "size of each CPU's trace ring" },
	{ "sched", NULL, "#", "seed of forced preemptions" },
	{ "smp", NULL, "#", "most CPUs to start" },
	{ "init", NULL, NULL, "first program; default /init" },
	{ "selftest", NULL, NULL, "kernel tests to run: a name, or all" },
	{ "norandom", "0", "#", "1: no address space randomisation" },
	{ "brk", NULL, "off", "off: brk() moves nothing, so malloc maps" },
	{ "ata", NULL, "pio", "pio: the processor moves the words of IDE disks" },
	{ "sleep", NULL, "off", "off: time leaps while all sleep, so no disk is late" },
	{ "root", NULL, NULL, "device of the root file system" },
	{ "swap", NULL, NULL, "device of the first swap area" },
	{ "graded", NULL, NULL, "key: records for a judge outside (channel/graded.c)" },
	{ "ramdisk", NULL, "#", "size: memory as the disk rama, an empty swap area" },
	{ "rootdisk", NULL, "#", "size: memory as the disk ramb, as it was loaded" },
	{ "rootdisk_at", NULL, "#", "the address of that memory" },
	{ "rootdisk_ns", NULL, "#", "each of its requests takes so long" },
	{ "quiet", "0", "#", "1: only a panic is printed" },
};

static struct option *
find_option(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].name[0] == name[0] &&
		    strncmp(options[i].name, name, n) == 0 &&
		    options[i].name[n] == '\0')
			return &options[i];
	}
	return NULL;
}

/* Where the number at s ends, K, M or G with it; s: there is none. */
static const char *
number_end(const char *s)
{
	const char *end;

	(void)str_to_u64(s, &end);
	if (end != s && *end != '\0' && strchr("KkMmGg", *end) != NULL)
		end++;
	return end;
}

/* Is s[0 … n) one of the words that takes names? */
static bool
is_named(const char *takes, const char *s, size_t n)
{
	const char *end;

	for (; *takes != '\0'; takes = *end == '|' ? end + 1 : end) {
		for (end = takes; *end != '\0' && *end != '|'; end++)
			;
		if (*takes != '#' && n == (size_t)(end - takes) &&
		    strncmp(s, takes, n) == 0)
			return true;
	}
	return false;
}

/* A number, where takes begins with one; else words that it names, commas between. */
static bool
row_takes(const struct option *o, const char *value)
{
	const char *end;

	if (o->takes == NULL ||
	    (*o->takes == '#' && *value != '\0' && *number_end(value) == '\0'))
		return true;
	for (;; value = end + 1) {
		for (end = value; *end != '\0' && *end != ','; end++)
			;
		if (!is_named(o->takes, value, (size_t)(end - value)))
			return false;
		if (*end == '\0')
			return true;
	}
}

static void
set_option(char *word)
{
	char *eq = strchr(word, '=');
	size_t n = eq != NULL ? (size_t)(eq - word) : strlen(word);
	struct option *o = find_option(word, n);
	const char *value = eq != NULL ? eq + 1 : "1";

	if (o != NULL && row_takes(o, value))
		o->value = value;
	else if (o != NULL)
		klog("options: passed over: %s; it takes %s", word,
		    strcmp(o->takes, "#") == 0 ? "a number, K, M or G behind it" : o->takes);
	else if (strchr(word, '.') == NULL)
		klog("options: unknown: %s", word);
}

/* Cut s at the next space; returns the rest. */
static char *
cut_word(char *s)
{
	while (*s != '\0' && *s != ' ')
		s++;
	if (*s == ' ')
		*s++ = '\0';
	return s;
}

/* Locks:    none; before everything else. */
void
options_init(const char *cmdline)
{
	char *s = options_text.text, *word;

	str_copy(s, cmdline, sizeof(options_text.text));
	while (*s != '\0') {
		word = s;
		s = cut_word(s);
		if (*word != '\0')
			set_option(word);
	}
}

const char *
option_str(const char *name)
{
	struct option *o = find_option(name, strlen(name));

	if (o == NULL)
		panic("option_str: no row for %s", name);
	return o->value;
}

uint64_t
option_u64(const char *name)
{
	const char *s = option_str(name), *end;
	uint64_t v;

	if (s == NULL)
		return 0;
	v = str_to_u64(s, &end);
	switch (*end) {
	case 'K': case 'k':
		return v << 10;
	case 'M': case 'm':
		return v << 20;
	case 'G': case 'g':
		return v << 30;
	default:
		return v;
	}
}

bool
option_is(const char *name, const char *value)
{
	const char *s = option_str(name);

	return s != NULL && strcmp(s, value) == 0;
}

/* Is word one of the value's words, which are separated by commas? */
bool
option_has(const char *name, const char *word)
{
	const char *s = option_str(name);
	size_t n = strlen(word);

	for (; s != NULL; s = strchr(s, ','), s = s != NULL ? s + 1 : NULL) {
		if (strncmp(s, word, n) == 0 && (s[n] == '\0' || s[n] == ','))
			return true;
	}
	return false;
}

/*
 * Nobody reads the value of a row from here on.
 *
 * Locks:    none; at boot.
 */
void
option_hide(const char *name)
{
	struct option *o = find_option(name, strlen(name));
	size_t at;

	if (o == NULL || o->value == NULL || o->value < options_text.text ||
	    o->value >= options_text.text + sizeof(options_text.text))
		return;
	at = (size_t)(o->value - options_text.text);
	boot_hide(at, strlen(o->value));
	memset(options_text.text + at, 'x', strlen(o->value));
}

/* All rows: name=value and help.  Locks: none. */
void
options_show(struct out *o)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(options); i++)
		out_printf(o, "%s=%s\t%s\n", options[i].name,
		    options[i].value != NULL ? options[i].value : "",
		    options[i].help);
}

/*
 * Start the parts of kern/ that depend on options and memory.  Threads can be spawned
 * afterwards; they run from sched_start() on.
 *
 * Locks:    none; CPU 0 alone, after kva_init().
 */
void
kern_init(void)
{
	lockrank_init();
	inject_init();
	events_init();
	trace_init();
	sched_init();
}
