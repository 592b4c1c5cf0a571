/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * border.c: what of a graded kernel is the submission's, and what it did beyond
 *
 * Problem   The witness sees addresses.  Which of them are the submission's, a
 *           function that it may call, data of what judges, only the linker
 *           knows.
 *
 * Picture   map of the link, names of the kernel ─→ lines for the witness:
 *             lab LO HI    import LO HI    own LO HI OBJECT    judge OBJECT …
 *           "border 4 FROM TO" of the witness ─→ a sentence
 *
 * Rules     1. The submission may enter what its object imports, and functions
 *              that stand in tables of kernel/vm (ops of designs, hooks of
 *              trees): those it is meant to call through.
 *           2. Only a kernel that grading/link made has a map; without one (our
 *              own kernel, a debugger's) there is no border to watch.
 *
 * Read next witness_border.c watches.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "witness/border.h"

struct part {
	char *section, *object;
	uint64_t lo, hi;
};

struct map {
	struct part *part;
	size_t n;
	struct symbols *symbols;
	const char *dir;
	FILE *out;
};

/* Objects by which somebody is judged, or that tell the judge. */
static const char *const judges[] = { "/kern/events.o", "/channel/graded.o",
	"/channel/record.o", "/kern/inject.o", "/dev/uart.o", "/kern/options.o",
	"/dev/power.o", "/kern/panic.o", "/vm/evidence/check.o",
	"/vm/evidence/leak.o", "/test/boot/selftest.o", "/sys/syscall.o" };
/* The kernel's tests of a lab: they judge by what they keep on their stack. */
#define TESTS "/test/boot/"
/* Where the file may write for them: lab.h's GIVEN. */
#define GIVEN ".data.given"
/* Those that write wherever they are told, for judges too. */
static const char *const helpers[] = { "/lib/sha256.o", "/lib/fmt.o",
	 "/kern/mutex.o", "/kern/rwlock.o", "/kern/lockrank.o", "/kern/lockstat.o",
	"/lib/spin.o", "/kern/wait.o", "/kern/sched.o", "/kern/timer.o",
	"/dev/chr.o" };
/* What is called by its name, and never by way of a pointer. */
static const char *const sealed[] = { "ev_mark", "ev_take_all", "ev_set_mark_hook",
	"ev_set_gauge", "ev_set_gauge_word", "graded_check", "graded_say", "graded_seal",
	"record_frame", "record_exit", "power_end", "inject_set",
	"option_hide", "panic_set_end", "uart_write", "vm_leak_begin" };
/* Those that write a word of a page table wherever they are told. */
static const char *const words[] = { "word_set", "word_set_locked",
	"word_enter", "word_settle",
	"put_word", "word_change" };
/* Of kernel/lib/string.c: those that write upwards only. */
static const char *const fills[] = { "memcpy", "memset" };
/* Those that write a frame that they are told. */
static const char *const copies[] = { "page_copy", "page_zero" };
static const char *const counters[] = { "ev_add", "ev_record" };
/* Rooms with caches of objects that a lab's file writes to. */
static const char *const lenders[] = { "/kernel/vm/", "/kernel/mem/kmalloc.o",
	"labs/reference/" };
/* Single names that are looked for. */
static const char *const places[] = { "image_start", "text_end", "rodata_end",
	"image_end", "trap_stubs", "boot_stack", "trap_common", "syscall_entry",
	"switch_first", "page_set_home", "kernel_root", "ev_cells",
	"mark_check" };

/* ---- the linker's map ---- */

static void
part_add(struct map *m, const char *section, uint64_t lo, uint64_t n,
    const char *object)
{
	struct part *p;

	/* Debug sections have addresses, too: offsets. */
	if (n == 0 || lo < 1ul << 63)
		return;
	m->part = realloc(m->part, (m->n + 1) * sizeof *m->part);
	if (m->part == NULL)
		abort();
	p = &m->part[m->n++];
	*p = (struct part){ xstrdup(section), xstrdup(object), lo, lo + n };
}

/* " .text  0xffffffff80201000  0x3f0 build/kernel/vm/ws/ws.o"; long names wrap. */
static void
parts_read(struct map *m, char *text)
{
	char *line, section[128], object[512], name[128] = "";
	unsigned long long lo, n;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (sscanf(line, " %127s 0x%llx 0x%llx %511s", section, &lo, &n,
			object) == 4 && line[0] == ' ' && section[0] == '.') {
			part_add(m, section, lo, n, object);
			name[0] = '\0';
		} else if (name[0] != '\0' &&
			   sscanf(line, " 0x%llx 0x%llx %511s", &lo, &n,
			       object) == 3) {
			part_add(m, name, lo, n, object);
			name[0] = '\0';
		} else if (line[0] == ' ' && line[1] == '.' &&
			   sscanf(line, " %127s %511s", section, object) == 1) {
			strcpy(name, section);
		} else {
			name[0] = '\0';
		}
	}
}

static bool
ends(const char *s, const char *with)
{
	size_t n = strlen(s), k = strlen(with);

	return n >= k && strcmp(s + n - k, with) == 0;
}

static bool
is_code(const struct part *p)
{
	return strncmp(p->section, ".text", 5) == 0;
}

/* Data and zeroed data of all objects. */
static bool
is_data(const struct part *p)
{
	return strncmp(p->section, ".data", 5) == 0 ||
	    strncmp(p->section, ".bss", 4) == 0;
}

/* Of one object: all its sections of code, or of data. */
static void
say_parts(const struct map *m, const char *word, const char *object, bool code)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (ends(m->part[i].object, object) &&
		    is_code(&m->part[i]) == code)
			fprintf(m->out, "%s %llx %llx\n", word,
			    (unsigned long long)m->part[i].lo,
			    (unsigned long long)m->part[i].hi);
}

/* A number for each object, from 1: that of its first part. */
static size_t
object_of(const struct map *m, size_t part)
{
	size_t i;

	for (i = 0; strcmp(m->part[i].object, m->part[part].object) != 0; i++)
		;
	return i + 1;
}

static bool
is_one_of(const char *object, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n && !ends(object, list[i]); i++)
		;
	return i < n;
}

/* The folder of an object, as a number; may a file write to what it allocates? */
static void
say_room(const struct map *m, const char *object, size_t id)
{
	const char *slash = strrchr(object, '/');
	size_t n = slash != NULL ? (size_t)(slash - object) : 0, i;

	for (i = 0; i < m->n; i++)
		if (strncmp(m->part[i].object, object, n) == 0 &&
		    strrchr(m->part[i].object, '/') == m->part[i].object + n)
			break;
	fprintf(m->out, "folder %zx %zx\n", id, i + 1);
	for (i = 0; i < sizeof lenders / sizeof lenders[0]; i++)
		if (strstr(object, lenders[i]) != NULL)
			fprintf(m->out, "lends %zx 0\n", id);
}

/* Whose code and data lies where, and who judges or helps. */
static void
say_objects(const struct map *m)
{
	const struct part *p;
	size_t i, id;

	for (i = 0; i < m->n; i++) {
		p = &m->part[i];
		id = object_of(m, i);
		if (id == i + 1)
			say_room(m, p->object, id);
		if (is_code(p))
			fprintf(m->out, "code %llx %llx %zx\n",
			    (unsigned long long)p->lo,
			    (unsigned long long)p->hi, id);
		else if (strcmp(p->section, GIVEN) == 0)
			fprintf(m->out, "data %llx %llx\n",
			    (unsigned long long)p->lo,
			    (unsigned long long)p->hi);
		else if (is_data(p))
			fprintf(m->out, "own %llx %llx %zx\n",
			    (unsigned long long)p->lo,
			    (unsigned long long)p->hi, id);
		if (id != i + 1)
			continue;
		if (is_one_of(p->object, judges, sizeof judges / sizeof judges[0]))
			fprintf(m->out, "judge %zx 0\n", id);
		else if (strstr(p->object, TESTS) != NULL)
			fprintf(m->out, "test %zx 0\n", id);
		if (is_one_of(p->object, helpers,
			sizeof helpers / sizeof helpers[0]))
			fprintf(m->out, "helper %zx 0\n", id);
	}
}

/* DIR/uses: which variables of others an object names, by grading/link. */
static void
say_uses(const struct map *m)
{
	char *path = xprintf("%s/uses", m->dir), *text = file_read(path, NULL);
	char *rest = text, *line, object[512], name[256];
	uint64_t va, lo, hi;
	size_t i;

	lo = symbols_find(m->symbols, "rodata_end");
	hi = symbols_find(m->symbols, "image_end");
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (sscanf(line, "%511s %255s", object, name) != 2 ||
		    (va = symbols_find(m->symbols, name)) < lo || va >= hi)
			continue;
		for (i = 0; i < m->n; i++)
			if (strcmp(m->part[i].object, object) == 0)
				break;
		if (i < m->n)
			fprintf(m->out, "uses %llx %zx\n",
			    (unsigned long long)va, i + 1);
	}
	free(text);
	free(path);
}

/* ---- functions ---- */

static void
say_all_functions(const struct map *m, uint64_t end)
{
	uint64_t pc, next;
	const char *name;
	size_t i;

	for (i = 0; symbols_nth(m->symbols, i, &pc, &next); i++) {
		if (pc >= end || next <= pc)
			continue;
		if (next > end)
			next = end;
		fprintf(m->out, "function %llx %llx\n",
		    (unsigned long long)pc, (unsigned long long)next);
		name = symbols_at(m->symbols, pc);
		if (name != NULL && strstr(name, ".cold") != NULL)
			fprintf(m->out, "cold %llx %llx\n",
			    (unsigned long long)pc, (unsigned long long)next);
	}
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Of the image's data: from one name to the next, and never beyond the object
 * that it is of, for what lies behind that is chance; locks by how they are named.
 */
static void
say_variables(const struct map *m, const struct part *p)
{
	uint64_t at = p->lo, va, next;
	size_t i;

	for (i = 0; symbols_nth(m->symbols, i, &va, &next); i++) {
		if (next <= at || va >= p->hi)
			continue;
		if (va > at)
			fprintf(m->out, "variable %llx %llx\n",
			    (unsigned long long)at, (unsigned long long)va);
		at = next < p->hi ? next : p->hi;
		fprintf(m->out, "%s%llx %llx\n",
		    ends(symbols_at(m->symbols, va), "_lock") ?
		    "lock " : "variable ",
		    (unsigned long long)(va > p->lo ? va : p->lo),
		    (unsigned long long)at);
	}
	if (at < p->hi)
		fprintf(m->out, "variable %llx %llx\n", (unsigned long long)at,
		    (unsigned long long)p->hi);
}

struct numbers {
	uint64_t *v;
	size_t n;
};

static void
number_add(struct numbers *w, uint64_t v)
{
	w->v = realloc(w->v, (w->n + 1) * sizeof *w->v);
	if (w->v == NULL)
		abort();
	w->v[w->n++] = v;
}

/* Words of [lo, hi) of the image that are begins of functions. */
static void
pointers_in(const struct map *m, const char *elf, size_t bytes, uint64_t lo,
    uint64_t hi, struct numbers *to)
{
	const Elf64_Ehdr *e = (const void *)elf;
	const Elf64_Phdr *p = (const void *)(elf + e->e_phoff);
	uint64_t at, v;
	int i;

	for (i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type != PT_LOAD || lo < p[i].p_vaddr ||
		    hi > p[i].p_vaddr + p[i].p_filesz)
			continue;
		for (at = (lo + 7) & ~7ul; at + 8 <= hi; at += 8) {
			uint64_t off = p[i].p_offset + at - p[i].p_vaddr;

			if (off + 8 > bytes)
				return;
			memcpy(&v, elf + off, 8);
			if (symbols_begins(m->symbols, v))
				number_add(to, v);
		}
	}
}

static void
say_imports(const struct map *m, const char *kernel)
{
	char *object = xprintf("%s/lab.o", m->dir), *out = NULL, *rest, *name;
	char *argv[] = { (char *)"nm", (char *)"-u", object, NULL };
	struct numbers to = { 0 };
	size_t i, bytes = 0;
	char *elf = file_read(kernel, &bytes);
	uint64_t pc;

	command(argv, &out);
	for (rest = out; (name = strsep(&rest, "\n")) != NULL;) {
		name += strspn(name, " U");
		pc = *name != '\0' ? symbols_find(m->symbols, name) : 0;
		if (pc != 0)
			number_add(&to, pc);
	}
	for (i = 0; elf != NULL && i < m->n; i++)
		if (strstr(m->part[i].object, "/vm/") != NULL &&
		    (strncmp(m->part[i].section, ".rodata", 7) == 0 ||
			strncmp(m->part[i].section, ".data", 5) == 0))
			pointers_in(m, elf, bytes, m->part[i].lo,
			    m->part[i].hi, &to);
	if (to.n > 0)
		qsort(to.v, to.n, sizeof *to.v, by_value);
	for (i = 0; i < to.n; i++)
		if (i == 0 || to.v[i] != to.v[i - 1])
			fprintf(m->out, "import %llx %llx\n",
			    (unsigned long long)to.v[i],
			    (unsigned long long)to.v[i] + 1);
	free(to.v);
	free(elf);
	free(out);
	free(object);
}

/* Functions by their names, sorted by where they lie. */
static void
say_functions(const struct map *m, const char *word, const char *const *name,
    size_t n)
{
	struct numbers to = { 0 };
	uint64_t pc, next;
	size_t i, k;

	for (i = 0; i < n; i++) {
		pc = symbols_find(m->symbols, name[i]);
		if (pc != 0)
			number_add(&to, pc);
	}
	if (to.n > 0)
		qsort(to.v, to.n, sizeof *to.v, by_value);
	for (i = k = 0; i < to.n; i++) {
		while (symbols_nth(m->symbols, k, &pc, &next) && pc < to.v[i])
			k++;
		fprintf(m->out, "%s %llx %llx\n", word,
		    (unsigned long long)to.v[i], (unsigned long long)next);
	}
	free(to.v);
}

static void
say_place(const struct map *m, const char *word, const char *from,
    uint64_t bytes)
{
	uint64_t pc = symbols_find(m->symbols, from);

	fprintf(m->out, "%s %llx %llx\n", word, (unsigned long long)pc,
	    (unsigned long long)(pc + bytes));
}

/* ---- counters ---- */

#define CPUS 16ul        /* kernel/md.h: MAXCPU */
#define ROW_BYTES 4096ul /* and MD_ROW */

/* "vad_split" and so on, in the order of the cells; read once. */
static const struct words *
counter_names(void)
{
	static struct words all;
	char *text, *rest, *line;

	if (all.n > 0)
		return &all;
	text = rest = file_read("build/grading/include/gen/events.h", NULL);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "\tEV_", 4) != 0)
			continue;
		line[strcspn(line, ",")] = '\0';
		if (strcmp(line, "\tEV_COUNT") != 0)
			words_add(&all, line + 4);
	}
	free(text);
	return &all;
}

static int
counter_place(const char *name)
{
	const struct words *all = counter_names();
	size_t i;

	for (i = 0; i < all->n; i++)
		if (strcmp(all->v[i], name) == 0)
			return (int)i;
	return -1;
}

/* "vad.split", of the cell at va. */
static char *
counter_at(const struct symbols *s, uint64_t va)
{
	const struct words *all = counter_names();
	size_t i = (va - symbols_find(s, "ev_cells")) % ROW_BYTES / 8;
	char *name = xstrdup(i < all->n ? all->v[i] : "no counter");

	name[strcspn(name, "_")] = name[strcspn(name, "_")] != '\0' ? '.' : '\0';
	return name;
}

/* Those that our own file counts, and the headers for it: names/FILE.names. */
static void
say_counters(const struct map *m)
{
	char *path = xprintf("%s/names", m->dir);
	char *text = file_read(path, NULL), *rest = text, *line;
	uint64_t at = symbols_find(m->symbols, "ev_cells");
	int place;

	fprintf(m->out, "cells %llx %llx\nrow %lx 0\n", (unsigned long long)at,
	    (unsigned long long)(at + CPUS * ROW_BYTES), ROW_BYTES);
	while ((line = strsep(&rest, "\n")) != NULL) {
		place = strncmp(line, "E ", 2) == 0 ? counter_place(line + 2) : -1;
		if (place >= 0)
			fprintf(m->out, "count %x 0\n", place);
	}
	free(text);
	free(path);
}

static void
say_all(struct map *m, const char *kernel)
{
	static const char own[] = "./lab.o"; /* as grading/link names it */
	uint64_t end = symbols_find(m->symbols, "text_end");
	size_t i;

	fprintf(m->out, "image %llx %llx %llx\n",
	    (unsigned long long)symbols_find(m->symbols, "image_start"),
	    (unsigned long long)symbols_find(m->symbols, "rodata_end"),
	    (unsigned long long)symbols_find(m->symbols, "image_end"));
	say_parts(m, "lab", own, true);
	say_parts(m, "lab", "./labstring.o", true);
	say_parts(m, "data", own, false);
	say_parts(m, "string", "kernel/lib/string.o", true);
	say_functions(m, "fill", fills, sizeof fills / sizeof fills[0]);
	say_functions(m, "word", words, sizeof words / sizeof words[0]);
	say_functions(m, "copy", copies, sizeof copies / sizeof copies[0]);
	say_functions(m, "counter", counters,
	    sizeof counters / sizeof counters[0]);
	say_counters(m);
	say_place(m, "stubs", "trap_stubs", 256 * 16);
	say_place(m, "bootstack", "boot_stack", 16384);
	say_place(m, "entry", "trap_common", 64);
	say_place(m, "entry", "syscall_entry", 128);
	say_place(m, "start", "switch_first", 1);
	say_place(m, "sethome", "page_set_home", 0);
	say_place(m, "root", "kernel_root", 8);
	/* kernel/md.h */
	fputs("base ffff800000000000 ffffd00000000000\n"
	      "arena ffffe00000000000 ffffe08000000000\n"
	      "kpaged ffffc00000000000 ffffc10000000000\n", m->out);
	say_all_functions(m, end);
	for (i = 0; i < m->n; i++)
		if (is_data(&m->part[i]))
			say_variables(m, &m->part[i]);
	say_imports(m, kernel);
	say_functions(m, "sealed", sealed, sizeof sealed / sizeof sealed[0]);
	say_objects(m);
	say_uses(m);
}

/*
 * A file for the witness, of the kernel and the map that lies beside it.
 *
 * Returns:  its descriptor; -1: there is no map.
 */
int
border_map(const char *kernel, struct symbols *symbols)
{
	const char *slash = strrchr(kernel, '/');
	struct map m = { .symbols = symbols };
	char *dir = strndup(kernel, slash != NULL ? slash - kernel : 0);
	char *path = xprintf("%s/map", dir), *text = file_read(path, NULL);
	int fd = -1;
	size_t i;

	if (text != NULL && symbols != NULL)
		fd = memfd_create("border", 0);
	if (fd >= 0 && (m.out = fdopen(dup(fd), "w")) != NULL) {
		m.dir = dir;
		parts_read(&m, text);
		say_all(&m, kernel);
		fclose(m.out);
	}
	for (i = 0; i < m.n; i++) {
		free(m.part[i].section);
		free(m.part[i].object);
	}
	free(m.part);
	free(text);
	free(path);
	free(dir);
	return fd;
}

static bool
is_in(const char *name, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

#define IN(name, list) is_in(name, list, sizeof(list) / sizeof(list)[0])

/* Does the judge find its way by this name?  Then there must be no second one. */
bool
border_looks_for(const char *name)
{
	return IN(name, sealed) || IN(name, words) || IN(name, fills) ||
	       IN(name, copies) || IN(name, counters) || IN(name, places);
}

/* ---- what was seen ---- */

/* name+offset, or the address. */
static char *
place(const struct symbols *s, uint64_t va)
{
	const char *name = symbols_at(s, va);
	uint64_t at = name != NULL ? symbols_find(s, name) : 0;

	if (name == NULL || va - at > 1 << 20)
		return xprintf("0x%llx", (unsigned long long)va);
	return va == at ? xstrdup(name)
			: xprintf("%s+%llu", name, (unsigned long long)(va - at));
}

#define COUNTS 17 /* B_COUNT */

/* Order of enum border in witness.h: of the stores only what judges is not. */
bool
border_may_be_a_bug(int64_t kind)
{
	return (kind >= 5 && kind <= 9) || kind == 18;
}

/* One thing that the witness saw at the border, in words; malloc'd. */
char *
border_sentence(const struct symbols *s, const int64_t v[3])
{
	static const char *const forms[] = {
		"%s goes to %s, which the file does not import",
		"%s does not return to where it was called from, but to %s",
		"in %s a return goes to %s: somebody wrote over it",
		"%s jumps through a pointer into the middle of %s",
		"%s calls %s through a pointer: that is called by name only",
		"%s writes to a page table at %s: words are set by word_set() "
		"and its like",
		"%s writes to memory of a program at %s",
		"%s writes to data of the kernel that is not the file's: %s",
		"%s writes to memory of the kernel that is not the file's: %s",
		"%s writes over the saved registers of a program at %s",
		"%s writes to what counts, records or checks: %s",
		"the kernel's code or its constants are not what they were%.0s"
		"%.0s",
		"%s reads the kernel's code at %s",
		"%s writes to data of the kernel on behalf of the file: %s",
		"%s writes to the home of a frame at %s: page_set_home() and "
		"its like give it",
		"%s maps memory of the kernel's image: %s",
		"%s writes to %s, which lies elsewhere than the kernel put it: "
		"whose page tables are loaded?",
		"%s adds to %s at the file's wish: that is counted by another "
		"file",
		"%s writes to what its callers keep on the stack: %s"
	};
	char *from = place(s, (uint64_t)v[1]), *text;
	char *to = v[0] == COUNTS ? counter_at(s, (uint64_t)v[2])
				  : place(s, (uint64_t)v[2]);

	if (v[0] < 0 || v[0] >= (int64_t)(sizeof forms / sizeof forms[0])) {
		text = xprintf("border %lld: %s, %s", (long long)v[0], from, to);
	} else {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		text = xprintf(forms[v[0]], from, to);
#pragma GCC diagnostic pop
	}
	free(from);
	free(to);
	return text;
}
