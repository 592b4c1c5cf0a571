/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_sym.c: the symbol table of an ELF file
 *
 * Problem   Sessions name functions; Bochs wants addresses and shows names.
 *
 * Picture   .symtab: FILE a.c, f, g, FILE b.c, f …  ─→  a.c:f, g, b.c:f by address
 *
 * Rules     1. Two functions of one name are known only as "file.c:name".
 *           2. Code that has no size ends where the next symbol begins.
 *
 * Read next bstep_bochs.c.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bstep.h"

struct image {
	const uint8_t *p;
	size_t n;
};

/* NULL: not within the file. */
static const void *
part(const struct image *e, uint64_t at, uint64_t n)
{
	return at <= e->n && n <= e->n - at ? e->p + at : NULL;
}

/* Is a section of this number code?  Labels of assembly have no type. */
static bool
is_code(const struct image *e, unsigned section)
{
	const Elf64_Ehdr *h = part(e, 0, sizeof *h);
	const Elf64_Shdr *s =
	    part(e, h->e_shoff, (uint64_t)h->e_shnum * sizeof *s);

	return s != NULL && section < h->e_shnum &&
	       (s[section].sh_flags & SHF_EXECINSTR) != 0;
}

static const Elf64_Shdr *
table_of(const struct image *e, const Elf64_Shdr **strings)
{
	const Elf64_Ehdr *h = part(e, 0, sizeof *h);
	const Elf64_Shdr *s;
	unsigned i;

	if (h == NULL || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
	    h->e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	s = part(e, h->e_shoff, (uint64_t)h->e_shnum * sizeof *s);
	for (i = 0; s != NULL && i < h->e_shnum; i++)
		if (s[i].sh_type == SHT_SYMTAB && s[i].sh_link < h->e_shnum) {
			*strings = &s[s[i].sh_link];
			return &s[i];
		}
	return NULL;
}

static int
by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void
add(struct symbols *s, const struct image *e, const Elf64_Sym *sym,
    const char *file, const char *name)
{
	bool local = ELF64_ST_BIND(sym->st_info) == STB_LOCAL;

	s->v = reallocarray(s->v, s->n + 1, sizeof *s->v);
	if (s->v == NULL)
		abort();
	s->v[s->n++] =
	    (struct symbol){ sym->st_value, sym->st_value + sym->st_size,
		    local ? text_of("%s:%s", file, name) : strdup(name),
		    is_code(e, sym->st_shndx) };
}

static void
collect(struct symbols *s, const struct image *e, const Elf64_Shdr *table,
    const Elf64_Shdr *strings)
{
	const Elf64_Sym *sym = part(e, table->sh_offset, table->sh_size);
	const char *text = part(e, strings->sh_offset, strings->sh_size);
	const char *file = "?", *name;
	size_t i;

	for (i = 0;
	     sym != NULL && text != NULL && i < table->sh_size / sizeof *sym;
	     i++) {
		unsigned type = ELF64_ST_TYPE(sym[i].st_info);

		if (sym[i].st_name >= strings->sh_size)
			continue;
		name = text + sym[i].st_name;
		if (type == STT_FILE)
			file = name;
		else if (*name != '\0' && sym[i].st_shndx != SHN_UNDEF &&
			 sym[i].st_shndx != SHN_ABS && type <= STT_FUNC)
			add(s, e, &sym[i], file, name);
	}
}

static const char *
plain(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

/* How many have this plain name? */
static size_t
namesakes(const struct symbols *s, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		n += strcmp(plain(s->v[i].name), name) == 0;
	return n;
}

/* Names that are unique lose their file; ends that are not given are found. */
static void
finish(struct symbols *s)
{
	size_t i;

	qsort(s->v, s->n, sizeof *s->v, by_address);
	for (i = 0; i < s->n; i++) {
		const char *p = plain(s->v[i].name);

		if (p != s->v[i].name && namesakes(s, p) == 1)
			memmove(s->v[i].name, p, strlen(p) + 1);
		if (s->v[i].end == s->v[i].start && i + 1 < s->n)
			s->v[i].end = s->v[i + 1].start;
	}
}

bool
symbols_load(struct symbols *s, const char *elf, char **why)
{
	const Elf64_Shdr *table, *strings = NULL;
	struct image e = { MAP_FAILED, 0 };
	struct stat st;
	int fd = open(elf, O_RDONLY | O_CLOEXEC);

	*s = (struct symbols){ .elf = text_of("%s", elf) };
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		e.n = (size_t)st.st_size;
		e.p = mmap(NULL, e.n, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	if (e.p == MAP_FAILED) {
		*why = text_of("%s: %s", elf, strerror(errno));
		return false;
	}
	table = table_of(&e, &strings);
	if (table != NULL) {
		collect(s, &e, table, strings);
		finish(s);
	} else {
		*why = text_of("%s: no ELF file with a symbol table", elf);
	}
	munmap((void *)e.p, e.n);
	return table != NULL;
}

void
symbols_free(struct symbols *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->v[i].name);
	free(s->v);
	free(s->elf);
	*s = (struct symbols){ 0 };
}

static char *
which(const struct symbols *s, const char *name)
{
	char *all = strdup(""), *more;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(plain(s->v[i].name), name) != 0)
			continue;
		more = text_of("%s %s", all, s->v[i].name);
		free(all);
		all = more;
	}
	more = all[0] == '\0'
	           ? text_of("no symbol \"%s\"; was it renamed, or is "
			     "it a part of its caller now?",
			 name)
	           : text_of("\"%s\" is several:%s", name, all);
	free(all);
	return more;
}

const struct symbol *
symbols_named(const struct symbols *s, const char *name, char **why)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, name) == 0)
			return &s->v[i];
	*why = which(s, name);
	return NULL;
}

/* Code only: data has no frames of a call. */
const struct symbol *
symbols_at(const struct symbols *s, uint64_t address)
{
	size_t i;

	for (i = s->n; i-- > 0;)
		if (s->v[i].is_code && address >= s->v[i].start &&
		    address < s->v[i].end)
			return &s->v[i];
	return NULL;
}

uint64_t
symbols_next(const struct symbols *s, uint64_t address)
{
	char *command, line[256];
	unsigned long long at;
	uint64_t next = 0;
	FILE *listing;

	if (symbols_at(s, address) == NULL)
		return 0;
	command = text_of("objdump -d -w --start-address=%#llx "
			  "--stop-address=%#llx \"$BSTEP_ELF\"",
	    (unsigned long long)address, (unsigned long long)address + 32);
	setenv("BSTEP_ELF", s->elf, 1); /* no word for a shell to read */
	listing = popen(command, "re");
	while (listing != NULL && fgets(line, sizeof line, listing) != NULL)
		if (next == 0 && sscanf(line, " %llx:", &at) == 1 && at > address)
			next = at;
	if (listing != NULL)
		pclose(listing);
	free(command);
	return next;
}

bool
symbols_write(const struct symbols *s, const char *file)
{
	FILE *out = fopen(file, "we");
	size_t i;

	for (i = 0; out != NULL && i < s->n; i++)
		fprintf(out, "%016llx %s\n", (unsigned long long)s->v[i].start,
		    s->v[i].name);
	return out != NULL && fclose(out) == 0;
}
