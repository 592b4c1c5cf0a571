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
enum block_end { END_FALLS, END_DIRECT, END_POINTER, END_RETURN, END_OTHER };

struct block {
	uint64_t insns, va;
	uint64_t target;      /* of END_DIRECT */
	uint64_t fn, fn_end;  /* the function that va lies in; 0: not the kernel's */
	uint8_t end;          /* enum block_end */
	bool lab;             /* the submission's code */
	bool import;          /* begins a function that the submission may call */
	bool sealed;          /* begins a function that is called by name only */
	bool stub;            /* where exceptions and interrupts enter */
	bool turns;           /* takes another thread's stack */
};

/* ---- witness_code.c ---- */

/* Behind the prefixes; *n becomes what is left. */
const uint8_t *opcode(const uint8_t *, size_t *n);
bool is_call(const uint8_t *opcode, size_t n);
bool is_return(const uint8_t *opcode);
/* Sets end and target by the last instruction, which is at va. */
void end_of(struct block *, uint64_t va, const uint8_t *, size_t n);
/* Can it write elsewhere than to the frame that it stands in? */
bool stores_elsewhere(const uint8_t *, size_t n);

/* ---- witness_border.c ---- */

/* The file that says where what lies (grading/border.c); RAM of the guest. */
bool border_read(const char *path);
bool border_ram(const char *path);
/* A block was translated; its instructions are watched from now on. */
void border_translated(struct block *, struct qemu_plugin_tb *);
/* It runs on a CPU. */
void border_runs(unsigned cpu, const struct block *);
/* Is the kernel's text what it was?  Says so if not. */
void border_check_text(void);

/* witness.c: one line of the report. */
void witness_say(const char *what, const uint64_t *v, size_t n);

#endif
