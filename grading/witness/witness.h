/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness.h: the plugin interface of QEMU, and what the witness's files share
 *
 * Own declarations of the interface, version 1 (QEMU 7.2): Debian ships no
 * header.  Licensed so that it may be loaded into QEMU; nothing else of the tree
 * is linked with it.
 */
#ifndef GRADING_WITNESS_H
#define GRADING_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the interface, as far as it is used ---- */

enum { PLUGIN_NO_REGS = 0, PLUGIN_VERSION = 1 };
enum { PLUGIN_MEM_R = 1, PLUGIN_MEM_W = 2 };

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

#define EXPORT __attribute__((visibility("default")))

void qemu_plugin_register_vcpu_tb_trans_cb(
    uint64_t id, void (*)(uint64_t id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *,
    void (*)(unsigned cpu, void *), int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
    void (*)(unsigned cpu, void *), int flags, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *,
    void (*)(unsigned cpu, uint32_t info, uint64_t va, void *), int flags,
    int rw, void *);
bool qemu_plugin_mem_is_store(uint32_t info);
/* Of the access that is called back for: where the processor's tables led it. */
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t va);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *);
/* Of the access: 0 one byte, 3 eight. */
unsigned qemu_plugin_mem_size_shift(uint32_t info);
void qemu_plugin_register_atexit_cb(
    uint64_t id, void (*)(uint64_t id, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(
    const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

/* ---- blocks ---- */

/* How a block ends: by what it goes on elsewhere. */
enum block_end {
	END_FALLS, END_DIRECT, END_POINTER, END_RETURN, END_IRET, END_OTHER
};

struct block {
	uint64_t insns, va;
	uint64_t target;      /* of END_DIRECT */
	uint64_t fn, fn_end;  /* the function that va lies in; 0: not the kernel's */
	uint32_t nth;         /* of the functions, from 1; 0: none */
	bool cold;            /* of another one, what the compiler put elsewhere */
	uint8_t end;          /* enum block_end */
	bool calls;           /* it ends with a call or a return */
	uint8_t fills;        /* it is a loop that writes so many bytes each time */
	bool lab;             /* the submission's code */
	bool import;          /* begins a function that the submission may call */
	bool sealed;          /* begins a function that is called by name only */
	bool stub;            /* where exceptions and interrupts enter */
	bool string;          /* memcpy() and its like: writes for its caller */
};

/* ---- witness_code.c ---- */

/* Behind the prefixes; *n becomes what is left. */
const uint8_t *opcode(const uint8_t *, size_t *n);
bool is_call(const uint8_t *opcode, size_t n);
bool is_return(const uint8_t *opcode);
bool is_push(const uint8_t *, size_t n);
/* It pushes a register that a function has to keep for its caller: a bit of it. */
uint8_t saved_register(const uint8_t *, size_t n);
/* Sets end and target by the last instruction, which is at va. */
void end_of(struct block *, uint64_t va, const uint8_t *, size_t n);
/* Can it write elsewhere than to the frame that it stands in? */
bool stores_elsewhere(const uint8_t *, size_t n);
/* Bytes that a plain MOV writes to memory; 0: it is none. */
unsigned mov_bytes(const uint8_t *, size_t n);

/* ---- witness_map.c ---- */

#define IMAGE_BASE 0xffffffff80000000ul
#define PAGE 4096ul
#define OBJECTS 2048u
#define VARIABLES 8192u
#define COUNTERS 512u

struct range {
	uint64_t lo, hi;
};

struct list {
	struct range *v;
	size_t n;
};

/* kernel/mem/page.h */
enum home {
	HOME_NONE = 0, HOME_PTE = 1, HOME_VNODE = 4, HOME_TABLE = 5, HOME_KPAGED = 6,
	HOME_ANON = 7, HOME_FRAME = 9, HOME_KERNEL = 10,
	HOME_SXANON = 12, HOME_SHADOW = 13
};

extern struct map {
	struct range text;      /* and constants; the image's data lie behind */
	uint64_t image_end;
	struct range stubs, boot_stack, arena, kpaged;
	uint64_t direct, pfdb;
	uint64_t root_at;       /* address of kernel_root */
	uint64_t set_home;      /* page_set_home() */
	struct list lab_code, lab_data, imports, sealed, functions;
	struct list starts;     /* functions that a new stack returns to */
	struct list strings;    /* memcpy() and its like */
	struct list fills;      /* of them: those that go upwards only */
	struct list locks;      /* variables that all take, in line */
	struct list words;      /* functions that set words of page tables */
	struct list entries;    /* code that saves a program's registers */
	struct list cold;       /* parts of functions that lie elsewhere */
	uint8_t *saves;         /* by function, from 1: registers that it pushes */
	uint32_t *cold_of;      /* and its part that lies elsewhere, or 0 */
	struct list copies;     /* functions that fill or copy a frame */
	struct list counters;   /* ev_add(), by which a file counts */
	struct range cells;     /* what it adds to: rows of a CPU each */
	uint64_t row;           /* bytes of a row */
	bool counts[COUNTERS];  /* those of the file */
	uint16_t *code_of, *data_of;    /* objects */
	bool *lent;             /* by word of data: others have business with it */
	uint16_t *variable_of;  /* by byte of data, from 1 */
	bool *known;            /* by variable and object, 0 a function of words */
	bool judges[OBJECTS], helpers[OBJECTS];
	bool tests[OBJECTS];    /* of the kernel's tests: what they keep on a stack */
	uint16_t folder[OBJECTS];
	bool lends[OBJECTS];    /* the file may write to objects of its caches */
} map;

bool map_read(const char *path);
/* The object whose code or data lies there; 0: none. */
unsigned map_code_of(uint64_t pc);
unsigned map_data_of(uint64_t va);
/* Has code of that object (0: what sets words) business with the variable at va? */
bool *map_known(uint64_t va, unsigned object);
/* The range that va is in: of a sorted list; of any. */
const struct range *list_find(const struct list *, uint64_t va);
bool list_has(const struct list *, uint64_t va);

/* ---- witness_ram.c ---- */

/* What is said; grading/witness/border.c has the sentences. */
enum border {
	B_CALL, B_RETURN, B_RETURN_KERNEL, B_POINTER, B_SEALED, B_STORE_TABLE,
	B_STORE_PROGRAM, B_STORE_IMAGE, B_STORE_OTHER, B_STORE_FRAME,
	B_STORE_JUDGE, B_TEXT, B_READ_TEXT, B_STORE_BEHALF, B_STORE_HOME,
	B_ALIAS, B_ELSEWHERE, B_COUNT, B_STORE_CALLER, B_KINDS
};

/* The guest's memory; false: it cannot be read. */
bool ram_open(const char *path);
/* A word by its address in the kernel's half; 0: not mapped. */
uint64_t ram_word(uint64_t va);
bool ram_is_direct(uint64_t va);
/* Does the access at va, for which we are called back, go where va belongs? */
bool ram_is_where(uint32_t info, uint64_t va);
/* Are these the n bytes of the kernel's code at va? */
bool ram_is_code(uint64_t va, const uint8_t *bytes, size_t n);
/* The object whose cache the slab at va belongs to; 0: it is no slab. */
unsigned ram_slab_owner(uint64_t va);
/* Of a program or a file, and not given to it in this activation? */
bool ram_is_program(uint64_t va, uint32_t activation);
/* A page table of the kernel's half, as far as it was seen. */
bool ram_is_table(uint64_t pa);
/* May the submission write there?  Neither its data nor a stack.  B_KINDS: yes. */
enum border ram_judge(uint64_t va);
/* The instruction at pc wrote a word there: does it map what it must not? */
void ram_word_stored(uint64_t pa, uint64_t pc);
/*
 * It wrote to the frame database; by_file: the submission asked for this home.
 * activation: on behalf of which of it, or 0.
 */
enum border ram_home_stored(uint64_t va, bool by_file, uint32_t activation);
/* Text, constants and the kernel's tables, as they are now. */
void ram_check(void);

/* ---- witness_border.c ---- */

/* A block was translated; its instructions are watched from now on. */
void border_translated(struct block *, struct qemu_plugin_tb *);
/* It runs on a CPU. */
void border_runs(unsigned cpu, const struct block *);
/* Something that must not be: where it was done, to what. */
void border_seen(enum border, uint64_t from, uint64_t to);

/* ---- witness.c ---- */

/* One line of the report. */
void witness_say(const char *what, const uint64_t *v, size_t n);

#endif
