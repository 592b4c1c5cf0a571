/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames.h: calls of design frames (kernel/sys/sys_frames.c), and spaces made by them
 */
#ifndef TEST_FRAMES_H
#define TEST_FRAMES_H

#include "design.h"
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

enum { F_READ = 1, F_WRITE = 2, F_EXEC = 4, F_TABLE = 1 << 4, F_SECTION = 2 << 4 };
enum { T_PAGE = 1, T_TABLE1, T_TABLE2, T_TABLE3, T_TABLE4, T_SEGSPACE, T_PROC };
enum { FAULT_WAIT, FAULT_RESUME, FAULT_SIGNAL };
#define BASE 0x280000000000ul /* frames are mapped from here … */
#define END 0x400000000000ul  /* … to here */

struct frame_info {
	int32_t f_id, type;
	uint64_t pa, len, va;
	uint32_t flags, table, vspace, nmap, parent, used;
	uint64_t touched;
};

struct frame_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, rdi, rsi, rdx, r10, r8, r9, r11, rcx, rax;
	uint64_t rip, rflags, rsp, fsbase;
};

struct frame_fault {
	uint64_t va;
	uint32_t access, thread;
	struct frame_regs regs;
};

#define CALL(n, ...) ((int)syscall(4096 + (n), __VA_ARGS__))
static inline int f_split(int f, size_t off) { return CALL(0, f, off); }
static inline int f_merge(int f, int g) { return CALL(1, f, g); }
static inline int f_give(int f, int to) { return CALL(2, f, to); }
static inline int f_allow(int from, int max) { return CALL(3, from, max); }
static inline int f_count(void) { return CALL(4, 0); }
static inline int f_info(unsigned n, struct frame_info *i) { return CALL(5, n, i); }
static inline int f_table(int f, void *view, int level) { return CALL(6, f, view, level); }
static inline int f_untable(int f) { return CALL(7, f); }
static inline int f_map(int t, int f, uint64_t va, int flags) { return CALL(8, t, f, va, flags); }
static inline int f_unmap(int t, int f, uint64_t va) { return CALL(9, t, f, va); }
static inline int f_swap(int of, int f) { return CALL(10, of, f); }
static inline int f_self(void) { return CALL(11, 0); }
static inline int f_proc(int f) { return CALL(12, f); }
static inline int f_start(int pid, struct frame_regs *r) { return CALL(13, pid, r); }
static inline int f_segments(int of, int f) { return CALL(14, of, f); }
static inline int f_fault(int pid, struct frame_fault *f, int op) { return CALL(15, pid, f, op); }

/* The upper pages of the largest frame, as one of their own: it is looked for where the
 * one before is used up. */
static inline int
f_cut(size_t pages)
{
	static struct frame_info most;
	struct frame_info i;

	if (most.len <= pages * PAGE)
		for (int n = 0; f_info((unsigned)n, &i) == 0; n++)
			if (i.type == T_PAGE && i.nmap == 0 && i.len > most.len)
				most = i;
	CHECK(most.len > pages * PAGE);
	most.len -= pages * PAGE;
	return OK(f_split(most.f_id, most.len));
}

/* Bytes that are one's own. */
static inline uint64_t
f_sum(void)
{
	struct frame_info i;
	uint64_t n = 0;

	for (unsigned k = 0; f_info(k, &i) == 0; k++)
		n += i.len;
	return n;
}

/* Tables on the way to va; [1]: the leaf. */
struct f_space { int table[5]; };

static inline void
f_build(struct f_space *s, uint64_t va)
{
	int level;

	for (level = 1; level <= 4; level++)
		EQ(f_table(s->table[level] = f_cut(1), NULL, level), 0);
	for (level = 3; level >= 1; level--)
		EQ(f_map(s->table[level + 1], s->table[level],
		    va & ~((1ul << (12 + 9 * level)) - 1), F_TABLE), 0);
}

#endif
