/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.h: small static ELF programs made in memory
 */
#ifndef TEST_ELF_H
#define TEST_ELF_H

#include "test.h"
#include <elf.h>

#define ELF_BASE 0x400000UL
#define ELF_CODE 0x1000UL /* file offset of the code */
#define ELF_SIZE (ELF_CODE + 0x1000UL)

struct small_elf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[4];
	char pad[ELF_CODE - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
	unsigned char code[0x1000];
};

/* One segment R+X that is the whole file; it starts at the code. */
static inline void
elf_make(struct small_elf *e, const void *code, size_t n)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->eh.e_ident, ELFMAG "\2\1\1", 7);
	e->eh.e_type = ET_EXEC;
	e->eh.e_machine = EM_X86_64;
	e->eh.e_version = 1;
	e->eh.e_entry = ELF_BASE + ELF_CODE;
	e->eh.e_phoff = sizeof(e->eh);
	e->eh.e_ehsize = sizeof(e->eh);
	e->eh.e_phentsize = sizeof(Elf64_Phdr);
	e->eh.e_phnum = 1;
	e->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X,
		.p_vaddr = ELF_BASE, .p_filesz = ELF_SIZE,
		.p_memsz = ELF_SIZE, .p_align = PAGE };
	memcpy(e->code, code, n);
}

/* exit(42) */
static const unsigned char elf_exit42[] = { 0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0,
	0, 0x0f, 0x05 };

#endif
