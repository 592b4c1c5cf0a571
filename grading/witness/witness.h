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

struct block {
	uint64_t insns, va;
	bool lab;       /* the submission's code */
	bool pointer;   /* it ends with a jump or a call through a pointer */
	bool returns;   /* or with a return */
	bool sealed;    /* begins a function that is called by name only */
	size_t within;  /* which of those it lies in; 0: none */
	bool counts;    /* of ev_add() and its like */
	bool counter;   /* and begins one of them */
};

/* ---- witness_code.c ---- */

/* Behind the prefixes; *n becomes what is left. */
const uint8_t *opcode(const uint8_t *, size_t *n);
bool is_call(const uint8_t *opcode, size_t n);
bool is_return(const uint8_t *opcode);
/* A call or a jump whose target is read from a register or from memory. */
bool is_by_pointer(const uint8_t *, size_t n);

/* ---- witness_border.c ---- */

/* What is said; grading/witness/border.c has the sentences. */
enum border { B_TEXT, B_CALL, B_POINTER, B_COUNT, B_STORE, B_KINDS };

/* Lines of grading/witness/border.c; the guest's memory.  false: they cannot be read. */
bool border_open(const char *path);
bool border_ram(const char *path);
/* A block was translated. */
void border_translated(struct block *, struct qemu_plugin_tb *);
/* It runs on a CPU. */
void border_runs(unsigned cpu, const struct block *);
/* Code and constants, as they are now. */
void border_check(void);

/* ---- witness.c ---- */

/* One line of the report. */
void witness_say(const char *what, const uint64_t *v, size_t n);

#endif
