/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim.h: a machine of several CPUs in one thread of the host
 *
 * Problem   A race needs two CPUs and luck.  Here the CPUs are fibers, and
 *           who runs next is decided at each point where it can matter; so
 *           every order can be tried, and any can be tried again.
 *
 * Picture   threads of a pair ─┐            ┌─ explore.c: this order, that one
 *           iod, mpw, bsm ─────┼─→ fiber.c ─┤
 *                              │            └─ or by a random number
 *                              v
 *           kernel/vm, mem, lib, amd64/shootdown.c: the real sources
 *                              │
 *           lock.c  kern.c  cpu.c (TLBs, walker)  disk.c  test/hostkern
 *           world.c: all of memory as it was before the threads began
 *
 * Rules     1. One fiber runs; it gives way only in sim_point() and when it
 *              has to wait.  Each fiber has a CPU of its own.
 *           2. All state lies in static variables or the RAM of the machine:
 *              world.c puts it back between two schedules.  What shall
 *              outlive a schedule lies elsewhere (explore.c).
 *           3. The driver (main program) is no fiber: nothing interrupts it,
 *              and what it waits for is done at once.
 */
#ifndef TEST_SIM_SIM_H
#define TEST_SIM_SIM_H

#include "test/hostkern/hostkern.h"

#define SIM_FIBERS 12
#define SIM_USER_BASE 0x10000000ul   /* the pages of scripts */
#define SIM_USER_END 0x20000000ul
#define SIM_OWNED_BASE 0x280000000000ul /* where frames of programs are mapped … */
#define SIM_OWNED_END 0x400000000000ul  /* … to here */
#define SIM_DRIVER (MAXCPU - 1)      /* the driver's CPU */
#define SIM_FRAMES_MAX 1024u
#define SIM_STEPS_MAX 100000u        /* more: a livelock */

/* ---- fiber.c ---- */

enum sim_op {
	OP_RUN,      /* may go on at once */
	OP_SPIN,     /* needs the spin lock at obj */
	OP_MUTEX,    /* needs the mutex at obj */
	OP_READ,     /* needs the rwlock at obj, shared */
	OP_WRITE,    /* the same, exclusive */
	OP_WAIT,     /* sleeps: struct waiter at obj, or only time */
	OP_FLAG,     /* *(bool *)obj */
	OP_DISK,     /* iod: a request is pending */
	OP_YIELD     /* somebody else has to do something first */
};

/* What kind of place it is; a pair says which ones may be preempted. */
enum sim_kind {
	AT_LOCK = 1, AT_WORD = 2, AT_USER = 4, AT_TLB = 8, AT_SLEEP = 16
};

struct fiber {
	struct thread t;             /* what md_current() shows */
	void *sp;                    /* of a fiber that does not run */
	unsigned cpu;
	bool live, is_daemon, is_lazy, killed, timed_out;
	enum sim_op op;
	const void *obj;
	uint64_t deadline;           /* OP_WAIT */
	enum wait_how how;
	unsigned turns;              /* passes of faults that began anew */
	uint64_t arrived;            /* at the lock: order of a rwlock */
	void (*fn)(void *);
	void *arg;
};

struct sim_machine {
	struct fiber fiber[SIM_FIBERS];
	unsigned nfibers;
	int current;                 /* fiber, or -1: the driver */
	struct thread driver;
	void *driver_sp;
	uint64_t ns, arrivals;
	unsigned steps;              /* points of this schedule */
	unsigned kinds;              /* enum sim_kind bits that may be preempted */
	unsigned in_irq;
};

extern struct sim_machine sim;

/* A fiber on a CPU of its own; it begins when it is chosen. */
struct fiber *sim_spawn(const char *name, void (*fn)(void *), void *arg,
    bool is_daemon);
/* The threads run until all have ended and the daemons have nothing to do. */
void sim_run(void);
bool sim_run_daemons(void);          /* for a driver that waits; false: none */
/* Another fiber may run here. */
void sim_point(enum sim_kind);
/* Go on when the operation is possible. */
void sim_block(enum sim_op, const void *obj);
struct fiber *sim_fiber(void);       /* that runs; NULL: the driver */
const char *sim_op_name(enum sim_op);
bool sim_is_live(void);              /* a thread of the pair has not ended */
void *sim_stack(unsigned fiber, size_t *bytes);
/* A fiber gives the run up: the driver's sim_run() returns, and world_restore() is next. */
void sim_leave(void);

/* ---- hostmem.c: zeroed; not put back between schedules ---- */

void *sim_alloc(size_t bytes);

/* ---- cpu.c: CPUs, TLBs, the walker ---- */

void sim_machine_init(unsigned frames);
/* A user page whose translations every CPU that may cache does cache. */
void sim_hot(struct aspace *, va_t);
void sim_speculate(void);
void sim_switch_in(struct fiber *);
void sim_switch_out(struct fiber *);
/* What the CPU has cached for a hot page; 0: nothing. */
uint64_t sim_cached(unsigned cpu, const struct aspace *, va_t);

/* ---- kern.c ---- */

void sim_fail(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

/* ---- disk.c ---- */

void sim_disk_init(void);
bool sim_disk_pending(void);
bool sim_disk_run(void);             /* complete one request; false: none */
void sim_disk_keep(void);            /* for world.c */
void sim_disk_restore(void);
uint64_t sim_disk_word(bool is_swap, uint64_t page); /* its first */
unsigned sim_swapon(unsigned slots);
struct vmo *sim_file(uint64_t pages);/* page i holds 1000 + i in each word */
void sim_file_blocks(uint64_t bytes); /* may be written, at least */
void sim_file_cut(uint64_t bytes);   /* blocks from there on are others' */

/* ---- world.c ---- */

void world_save(void);
void world_restore(void);

/* ---- explore.c ---- */

/* Which of n fibers runs; index 0 is the default.  current: it could go on. */
unsigned explore_choose(const unsigned *fibers, unsigned n, bool current);
void explore_print_schedule(void);

/* ---- script.c: a pair as text ---- */

struct pair;
void pair_boot(const struct pair *);  /* machine, memory manager, start ops */
void pair_begin(const struct pair *); /* its threads */
void pair_end(const struct pair *);   /* contents, vm_check, tear down, leaks */

#endif
