/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * code.c: which functions of the source an instruction belongs to
 *
 * Problem   gcc -O2 leaves no call behind for most of the small static functions:
 *           symbols know half of what a reader meets.  The debug information
 *           (DWARF) knows which instructions came from which function, and what
 *           that was inlined into.
 *
 * Picture   subprogram vm_fault ─ ranges
 *             └ inlined_subroutine fault_once ─ ranges
 *                 └ inlined_subroutine map_lock ─ ranges      ← innermost: pc
 *           assembler: the last global symbol before pc
 *
 * Rules     1. Two functions are the same if name, file and line are.
 *           2. Helpers are all of lib/ and kern/ and what is inline in a header:
 *              a reader of a walk does not go into them.
 *           3. A function of which the compiler left no instruction is not met.
 *
 * Read next way.c.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <err.h>
#include <fcntl.h>
#include <gelf.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "road.h"
#include "../../grading/witness/witness.h"

struct code_range {
	uint64_t lo, hi;
	struct scope *scope;
	unsigned depth;
};

struct symbol {
	uint64_t va;
	const char *name;
	bool global;
	struct scope *scope; /* made when asked for */
};

struct code {
	Elf *elf;
	Dwarf *dw;
	struct code_range *range; /* by lo, then depth */
	size_t nranges;
	struct symbol *symbol; /* by va */
	size_t nsymbols;
	uint64_t text_va, text_bytes;
	const uint8_t *text;
	void *fns; /* tsearch, by fn_order */
	struct {
		uint64_t pc;
		struct scope *scope;
	} * cache; /* by a hash of pc */
};

#define CACHE 65536u

char *
text(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	return s;
}

/* Room for n + 1 elements: grows by doubling. */
void *
room(void *old, size_t n, size_t size)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return old;
	old = realloc(old, (n == 0 ? 1 : 2 * n) * size);
	if (old == NULL)
		abort();
	return old;
}

/* ---- functions ---- */

static int
fn_order(const void *a, const void *b)
{
	const struct fn *f = a, *g = b;
	int r = strcmp(f->name, g->name);

	if (r == 0)
		r = strcmp(f->file, g->file);
	return r != 0 ? r : (f->line > g->line) - (f->line < g->line);
}

/* From kernel/ on, whatever folder the compiler ran in. */
static const char *
short_file(const char *path)
{
	const char *at = strstr(path, "kernel/"), *next;

	while (at != NULL && (next = strstr(at + 1, "/kernel/")) != NULL)
		at = next + 1;
	if (at == NULL)
		at = strstr(path, "gen/");
	return at == NULL ? path : strncmp(at, "kernel/", 7) == 0 ? at + 7 : at;
}

static struct fn *
fn_of(struct code *c, const char *name, const char *path, unsigned line)
{
	const char *file = short_file(path);
	struct fn key = {
		.name = (char *)name, .file = (char *)file, .line = line
	};
	struct fn **found = tfind(&key, &c->fns, fn_order), *f;
	size_t n = strlen(file);

	if (found != NULL)
		return *found;
	f = calloc(1, sizeof *f);
	if (f == NULL)
		abort();
	f->name = strdup(name);
	f->file = strdup(file);
	f->line = line;
	f->vm = strncmp(file, "vm/", 3) == 0;
	f->machine = strncmp(file, "amd64/", 6) == 0;
	f->helper = strncmp(file, "lib/", 4) == 0 ||
	            strncmp(file, "kern/", 5) == 0 ||
	            strncmp(file, "gen/", 4) == 0 ||
	            (n > 2 && strcmp(file + n - 2, ".h") == 0);
	tsearch(f, &c->fns, fn_order);
	return f;
}

/* ---- debug information ---- */

static struct scope *
scope_make(struct code *c, Dwarf_Die *die, struct scope *up)
{
	const char *name = dwarf_diename(die), *file = dwarf_decl_file(die);
	struct scope *s = calloc(1, sizeof *s);
	Dwarf_Attribute a;
	Dwarf_Addr entry = 0;
	Dwarf_Word off;
	int line = 0;

	if (s == NULL)
		abort();
	(void)dwarf_decl_line(die, &line);
	s->fn = fn_of(c, name != NULL ? name : "?", file != NULL ? file : "?",
	    (unsigned)line);
	s->up = up;
	s->off = dwarf_dieoffset(die);
	if (dwarf_entrypc(die, &entry) != 0)
		entry = 0;
	/* DWARF 5: an offset from the unit's or the range's beginning. */
	if (dwarf_attr(die, DW_AT_entry_pc, &a) != NULL &&
	    dwarf_whatform(&a) != DW_FORM_addr &&
	    dwarf_formudata(&a, &off) == 0 && dwarf_lowpc(die, &entry) == 0)
		entry += off;
	s->entry = entry;
	return s;
}

static void
add_ranges(struct code *c, Dwarf_Die *die, struct scope *s, unsigned depth)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0) {
		if (lo >= hi)
			continue;
		c->range = room(c->range, c->nranges, sizeof *c->range);
		c->range[c->nranges++] = (struct code_range){ lo, hi, s, depth };
	}
}

/* Everything below a function's or a block's entry. */
static void
read_below(struct code *c, Dwarf_Die *parent, struct scope *up, unsigned depth)
{
	struct scope *s;
	Dwarf_Die die;
	int tag;

	if (dwarf_child(parent, &die) != 0)
		return;
	do {
		tag = dwarf_tag(&die);
		if (tag == DW_TAG_lexical_block)
			read_below(c, &die, up, depth);
		if (tag != DW_TAG_inlined_subroutine)
			continue;
		s = scope_make(c, &die, up);
		add_ranges(c, &die, s, depth);
		read_below(c, &die, s, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static void
read_unit(struct code *c, Dwarf_Die *unit)
{
	struct scope *s;
	Dwarf_Die die;
	size_t before;

	if (dwarf_child(unit, &die) != 0)
		return;
	do {
		if (dwarf_tag(&die) != DW_TAG_subprogram ||
		    dwarf_func_inline(&die) == DW_INL_inlined)
			continue;
		before = c->nranges;
		s = scope_make(c, &die, NULL);
		add_ranges(c, &die, s, 0);
		if (c->nranges == before) {
			free(s);
			continue;
		}
		read_below(c, &die, s, 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int
range_order(const void *a, const void *b)
{
	const struct code_range *r = a, *s = b;

	if (r->lo != s->lo)
		return r->lo < s->lo ? -1 : 1;
	return (r->depth > s->depth) - (r->depth < s->depth);
}

static void
read_units(struct code *c)
{
	Dwarf_Off at = 0, next;
	size_t head;
	Dwarf_Die unit;

	while (dwarf_nextcu(c->dw, at, &next, &head, NULL, NULL, NULL) == 0) {
		if (dwarf_offdie(c->dw, at + head, &unit) != NULL)
			read_unit(c, &unit);
		at = next;
	}
	qsort(c->range, c->nranges, sizeof *c->range, range_order);
}

/* ---- symbols and text ---- */

static int
symbol_order(const void *a, const void *b)
{
	const struct symbol *s = a, *t = b;

	if (s->va != t->va)
		return s->va < t->va ? -1 : 1;
	return (int)t->global - (int)s->global;
}

static void
read_symbols(struct code *c, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t i, n = sh->sh_size / sh->sh_entsize;
	GElf_Sym sym;

	for (i = 0; i < n; i++) {
		if (gelf_getsym(data, (int)i, &sym) == NULL ||
		    GELF_ST_TYPE(sym.st_info) > STT_FUNC || sym.st_value == 0)
			continue;
		c->symbol = room(c->symbol, c->nsymbols, sizeof *c->symbol);
		c->symbol[c->nsymbols++] = (struct symbol){ sym.st_value,
			elf_strptr(c->elf, sh->sh_link, sym.st_name),
			GELF_ST_BIND(sym.st_info) == STB_GLOBAL, NULL };
	}
	qsort(c->symbol, c->nsymbols, sizeof *c->symbol, symbol_order);
}

static void
read_sections(struct code *c)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;
	size_t names = 0;
	const char *name;

	(void)elf_getshdrstrndx(c->elf, &names);
	while ((scn = elf_nextscn(c->elf, scn)) != NULL) {
		if (gelf_getshdr(scn, &sh) == NULL)
			continue;
		if (sh.sh_type == SHT_SYMTAB)
			read_symbols(c, scn, &sh);
		name = elf_strptr(c->elf, names, sh.sh_name);
		if (name == NULL || strcmp(name, ".text") != 0)
			continue;
		c->text = elf_getdata(scn, NULL)->d_buf;
		c->text_va = sh.sh_addr;
		c->text_bytes = sh.sh_size;
	}
}

uint64_t
code_symbol(const struct code *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->nsymbols; i++)
		if (strcmp(c->symbol[i].name, name) == 0)
			return c->symbol[i].va;
	return 0;
}

/* gcc names the part that it cut off a function f.part.0. */
static void
mark_parts(struct code *c)
{
	size_t i, j;

	for (i = j = 0; i < c->nsymbols; i++) {
		if (strstr(c->symbol[i].name, ".part.") == NULL)
			continue;
		while (j < c->nranges && c->range[j].lo < c->symbol[i].va)
			j++;
		for (; j < c->nranges && c->range[j].lo == c->symbol[i].va; j++)
			if (c->range[j].depth == 0)
				c->range[j].scope->part = true;
	}
}

struct code *
code_open(const char *elf, char **why)
{
	struct code *c = calloc(1, sizeof *c);
	int fd = open(elf, O_RDONLY | O_CLOEXEC);

	if (c == NULL)
		abort();
	if (fd < 0) {
		*why = text("%s: cannot be read; make image builds it", elf);
		return NULL;
	}
	elf_version(EV_CURRENT);
	c->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	c->dw =
	    c->elf == NULL ? NULL : dwarf_begin_elf(c->elf, DWARF_C_READ, NULL);
	if (c->dw == NULL) {
		*why = text("%s: no debug information; make image builds a "
			    "kernel that has it",
		    elf);
		return NULL;
	}
	c->cache = calloc(CACHE, sizeof *c->cache);
	if (c->cache == NULL)
		abort();
	read_sections(c);
	read_units(c);
	mark_parts(c);
	if (c->nranges == 0 || c->text == NULL) {
		*why = text("%s: its debug information names no function", elf);
		return NULL;
	}
	return c;
}

/* ---- asking ---- */

/* Of assembler: its last global name. */
static struct scope *
symbol_at(struct code *c, uint64_t pc)
{
	size_t lo = 0, hi = c->nsymbols, mid;
	const char *file = "?";
	struct symbol *s;
	Dwarf_Die unit;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (c->symbol[mid].va <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo > 0 && !c->symbol[lo - 1].global)
		lo--;
	if (lo == 0)
		errx(1, "%#lx: no symbol there", pc);
	s = &c->symbol[lo - 1];
	if (s->scope == NULL) {
		s->scope = calloc(1, sizeof *s->scope);
		if (s->scope == NULL)
			abort();
		if (dwarf_addrdie(c->dw, pc, &unit) != NULL)
			file = dwarf_diename(&unit);
		s->scope->fn = fn_of(c, s->name, file, 0);
		s->scope->entry = s->va;
	}
	return s->scope;
}

/* The deepest of the ranges around pc.  Ranges of one function lie together. */
static struct scope *
find(struct code *c, uint64_t pc)
{
	size_t lo = 0, hi = c->nranges, mid;
	struct code_range *best = NULL, *r;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (c->range[mid].lo <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Behind the beginning of a range of depth 0 that has pc, all have it. */
	while (lo > 0) {
		r = &c->range[--lo];
		if (pc < r->hi && (best == NULL || r->depth > best->depth))
			best = r;
		if (r->depth == 0)
			break;
	}
	return best != NULL ? best->scope : symbol_at(c, pc);
}

struct scope *
code_at(struct code *c, uint64_t pc)
{
	size_t i = pc * 0x9e3779b97f4a7c15ul >> 48;

	while (c->cache[i].scope != NULL && c->cache[i].pc != pc)
		i = (i + 1) % CACHE;
	if (c->cache[i].scope == NULL) {
		c->cache[i].pc = pc;
		c->cache[i].scope = find(c, pc);
	}
	return c->cache[i].scope;
}

enum insn_kind
code_insn(const struct code *c, uint64_t pc)
{
	const uint8_t *at = c->text + (pc - c->text_va), *op;
	size_t n = 15;

	if (pc < c->text_va || pc - c->text_va + n > c->text_bytes)
		return INSN_OTHER;
	op = opcode(at, &n);
	if (is_call(op, n))
		return op[0] == 0xff ? INSN_CALL_POINTER : INSN_CALL;
	if (is_return(op))
		return INSN_RETURN;
	return op[0] == 0xcf || (op[0] == 0x0f && op[1] == 0x07) ? INSN_IRET
	                                                         : INSN_OTHER;
}
