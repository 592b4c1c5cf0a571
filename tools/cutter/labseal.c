/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labseal: an object forgets which of its functions calls which
 *
 * Problem   A relocation says where each call of a function goes and where the
 *           function begins: with it one function can be cut out of an object.
 *
 * Picture   call vad_find    R_X86_64_PLT32 vad_find-4 ─→ e8 1c 02 00 00
 *           .quad compare    R_X86_64_64 compare       ─→ R_X86_64_64 .text+0x40
 *
 * Rules     1. Within a section a distance is final: it is written down, and
 *              the relocation becomes none.
 *           2. Whatever else names a place of this object names its section.
 *              Then no local symbol is needed, and objcopy -x drops them.
 *
 * Read next tools/cutter/labbundle.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct object {
	char *bytes;
	size_t n;
	Elf64_Ehdr *head;
	Elf64_Shdr *section;
	Elf64_Sym *symbol;
	size_t nsymbols;
	uint32_t *of_section; /* its symbol, by section */
};

static bool
read_object(struct object *o, const char *path)
{
	FILE *f = fopen(path, "rbe");
	size_t i, most = 64u << 20;

	if (f == NULL)
		return false;
	o->bytes = malloc(most);
	o->n = o->bytes != NULL ? fread(o->bytes, 1, most, f) : 0;
	fclose(f);
	if (o->n < sizeof *o->head || memcmp(o->bytes, ELFMAG, SELFMAG) != 0)
		return false;
	o->head = (Elf64_Ehdr *)o->bytes;
	o->section = (Elf64_Shdr *)(o->bytes + o->head->e_shoff);
	o->of_section = calloc(o->head->e_shnum, sizeof *o->of_section);
	for (i = 0; i < o->head->e_shnum; i++)
		if (o->section[i].sh_type == SHT_SYMTAB) {
			o->symbol = (Elf64_Sym *)(o->bytes +
						  o->section[i].sh_offset);
			o->nsymbols = o->section[i].sh_size /
				      sizeof *o->symbol;
		}
	for (i = 0; o->of_section != NULL && i < o->nsymbols; i++)
		if (ELF64_ST_TYPE(o->symbol[i].st_info) == STT_SECTION &&
		    o->symbol[i].st_shndx < o->head->e_shnum)
			o->of_section[o->symbol[i].st_shndx] = (uint32_t)i;
	return o->symbol != NULL && o->of_section != NULL;
}

static bool
is_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32;
}

/* One relocation of section at; false: neither its section nor it has a name that stays. */
static bool
seal(struct object *o, Elf64_Rela *r, unsigned at)
{
	const Elf64_Sym *s = &o->symbol[ELF64_R_SYM(r->r_info)];
	uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info), whole;
	int32_t distance;

	if (s->st_shndx == SHN_UNDEF || s->st_shndx >= o->head->e_shnum)
		return true;
	if (s->st_shndx == at && is_relative(type)) {
		distance = (int32_t)((int64_t)s->st_value + r->r_addend -
				     (int64_t)r->r_offset);
		memcpy(o->bytes + o->section[at].sh_offset + r->r_offset,
		    &distance, sizeof distance);
		*r = (Elf64_Rela){ .r_info = ELF64_R_INFO(0, R_X86_64_NONE) };
		return true;
	}
	whole = o->of_section[s->st_shndx];
	/* Data that others know by its name, and nobody of this object by its section. */
	if (whole == 0)
		return ELF64_ST_BIND(s->st_info) == STB_GLOBAL;
	r->r_addend += (int64_t)s->st_value;
	r->r_info = ELF64_R_INFO((uint64_t)whole, type);
	return true;
}

static bool
seal_all(struct object *o)
{
	const Elf64_Shdr *s;
	Elf64_Rela *r;
	size_t i, k;

	for (i = 0; i < o->head->e_shnum; i++) {
		s = &o->section[i];
		if (s->sh_type != SHT_RELA)
			continue;
		r = (Elf64_Rela *)(o->bytes + s->sh_offset);
		for (k = 0; k < s->sh_size / sizeof *r; k++)
			if (!seal(o, &r[k], s->sh_info))
				return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct object o = { 0 };
	FILE *f;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(argc == 2 ? stdout : stderr, "usage: labseal OBJECT.o\n"
			"Resolves in place what an object says of itself.\n");
		return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 64;
	}
	if (!read_object(&o, argv[1]) || !seal_all(&o)) {
		fprintf(stderr, "labseal: %s: not an object of ours\n", argv[1]);
		return 1;
	}
	f = fopen(argv[1], "wbe");
	if (f == NULL || fwrite(o.bytes, 1, o.n, f) != o.n || fclose(f) != 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
