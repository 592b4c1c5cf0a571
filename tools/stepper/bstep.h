/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep.h: between the files of bstep
 */
#ifndef TOOLS_BSTEP_H
#define TOOLS_BSTEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* What a play ends with: the exit status of bstep. */
enum end {
	END_GOOD = 0,
	END_FALSE = 1,   /* an expect does not hold */
	END_SCRIPT = 2,  /* the session cannot be read */
	END_MACHINE = 3, /* the emulator, or the guest, did not do it */
};

/* malloc'd text, printf-like. */
char *text_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- bstep_script.c: a session as a list of commands ---- */

enum verb {
	V_BOOT,
	V_BREAK,
	V_CPU,
	V_EXPECT,
	V_FORGET,
	V_LET,
	V_MARK,
	V_QUIT,
	V_RUN,
	V_SAY,
	V_SHOW,
	V_STEP,
	V_SYM,
	V_UNBREAK,
	V_UNTIL,
	V_UNWATCH,
	V_WALK,
	V_WATCH,
	V_WHERE,
	VERBS,
};

struct command {
	enum verb verb;
	int line;
	char *text; /* the line as written, without its note */
	char *args; /* of the verb */
	char *note; /* behind '#', or NULL */
	char *name; /* break unbreak sym: what is quoted; let: the variable */
	char *expr; /* expect let until walk watch unwatch: what to compute */
	uint64_t number; /* run step mark cpu: N; watch: how many bytes */
	char kind;       /* watch: 'r' or 'w'; break unbreak: 'p', physical */
};

struct script {
	const char *file;
	struct command *v;
	size_t n;
};

extern const char *const verb_name[VERBS];
#define VERB_LIST \
	"boot break cpu expect forget let mark quit run say show step sym " \
	"unbreak until unwatch walk watch where"

/* One line; false: *why.  A line without a command has text == NULL. */
bool command_read(struct command *, const char *line, char **why);
/* The usage of the command whose name is nearly the first word; or NULL. */
const char *command_meant(const char *line);
void command_free(struct command *);
/* A whole file; false: what is wrong has been said, with its line. */
bool script_read(struct script *, const char *file);
void script_free(struct script *);
/* Words of args, as a shell splits them without expanding; NULL-terminated. */
char **words_of(const char *args);
void words_drop(char **);

/* ---- bstep_expr.c: numbers, names, what the machine says ---- */

struct expr_env {
	void *arg;
	/* What is true of the machine; false: *why, malloc'd. */
	bool (*name)(void *arg, const char *name, uint64_t *v, char **why);
	bool (*symbol)(void *arg, const char *name, uint64_t *start,
	    uint64_t *end, char **why);
	bool (*memory)(
	    void *arg, bool physical, uint64_t at, uint64_t *v, char **why);
	/* Of the last comparison that stands outside of parentheses. */
	bool compared;
	uint64_t left, right;
};

bool expr_eval(struct expr_env *, const char *text, uint64_t *v, char **why);

/* ---- bstep_sym.c: the symbol table of an ELF file ---- */

struct symbols {
	struct symbol *v; /* by address */
	size_t n;
	char *elf; /* the file */
};

struct symbol {
	uint64_t start, end;
	char *name; /* "file.c:name" where two functions have one name */
	bool is_code;
};

bool symbols_load(struct symbols *, const char *elf, char **why);
void symbols_free(struct symbols *);
/* NULL: *why says that there is none, or which there are. */
const struct symbol *symbols_named(
    const struct symbols *, const char *name, char **why);
const struct symbol *symbols_at(const struct symbols *, uint64_t address);
/* Where the instruction after that at `address` begins; 0: not in this file. */
uint64_t symbols_next(const struct symbols *, uint64_t address);
/* For Bochs' ldsym. */
bool symbols_write(const struct symbols *, const char *file);

/* ---- bstep_bochs.c: Bochs' debugger on a terminal of its own ---- */

struct bochs {
	pid_t pid; /* of tools/guest; 0: not running */
	int tty;
	char dir[64];    /* private: log, symbols, words of the guest */
	uint64_t ticks;  /* instructions, all processors */
	uint64_t alarm;  /* the pending sba, or 0 */
	uint64_t rip;    /* where the machine stands */
	unsigned cpu;    /* the one that stopped */
	double patience; /* seconds for one answer */
	bool via_gdb;    /* it is gdb, and QEMU (bstep_gdb.c) */
	unsigned cpus;   /* processors of the machine */
};

enum stop { STOP_HERE, STOP_BOUND, STOP_KEY, STOP_GONE };

bool bochs_start(struct bochs *, const char *kernel, char **words, char **why);
void bochs_end(struct bochs *);
/* One command; what Bochs answers, malloc'd; NULL: it is gone. */
char *bochs_ask(struct bochs *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Does this answer say that there is no such command?  *why: what it says. */
bool bochs_refused(const char *answer, char **why);
/* Until the next stop, at most bound instructions. */
enum stop bochs_run(struct bochs *, uint64_t bound);
bool bochs_step(struct bochs *, uint64_t n);
bool bochs_reg(struct bochs *, const char *name, uint64_t *v);
bool bochs_memory(struct bochs *, bool physical, uint64_t at, uint64_t *v);
bool bochs_break(struct bochs *, uint64_t address, unsigned *number);
/* Turn breakpoint number off, on, or take it away. */
enum turn { TURN_OFF, TURN_ON, TURN_AWAY };
void bochs_turn(struct bochs *, unsigned number, enum turn);
/* From a signal handler: stop a machine that runs. */
void bochs_interrupt(const struct bochs *);
/* Why the machine ended: a panic, the last words of the kernel; malloc'd. */
char *bochs_last_words(const struct bochs *);

/* ---- bstep_gdb.c: the same questions to gdb ---- */

bool gdb_settle(struct bochs *);
enum stop gdb_run(struct bochs *);
bool gdb_step(struct bochs *, uint64_t n);
bool gdb_reg(struct bochs *, const char *name, uint64_t *v);
bool gdb_memory(struct bochs *, bool physical, uint64_t at, uint64_t *v);
bool gdb_break(struct bochs *, uint64_t address, unsigned *number);

/* ---- bstep_show.c: numbers as a reader wants them ---- */

#define IMAGE_BASE 0xffffffff80000000ull /* MD_IMAGE_BASE of kernel/md.h */
#define IMAGE_LOW 0x400000ull            /* programs are above, physical code below */

struct shown {
	bool normal; /* for a transcript: by meaning, not by address */
	const struct symbols *kernel, *program;
	uint64_t frame[64]; /* P1, P2 … in order of appearance */
	size_t nframes;
	uint64_t object[64]; /* K1, K2 …: pointers of the kernel */
	size_t nobjects;
};

/* What had a name may be gone: whatever comes next gets a new one. */
void show_forget(struct shown *);
/* These return buf. */
char *show_frame(struct shown *, uint64_t pa, char buf[64]);
char *show_value(struct shown *, uint64_t v, char buf[64]);
char *show_place(const struct shown *, uint64_t rip, char buf[128]);
char *show_ticks(const struct shown *, uint64_t ticks, char buf[32]);
/* A word of a page table: flags, and the frame that it names. */
char *show_word(struct shown *, uint64_t word, bool leaf, char buf[128]);
void show_line(struct shown *, const char *line, FILE *out);
/* A transcript like the recorded one, numbers of instructions within 2 times? */
bool show_same(const char *now, const char *then, char **why);

/* ---- bstep_play.c: what each command does ---- */

/*
 * Of several processors Bochs runs a few instructions each, and does not look at
 * breakpoints at the first of them.  So there is a second one behind it.
 */
struct place_to_stop {
	uint64_t address, next; /* next instruction; 0: one processor */
	unsigned number, number_of_next;
};

struct play {
	struct bochs machine;
	struct shown shown;
	struct symbols kernel, program;
	const char *kernel_file;
	const char *file; /* of the session, for messages */
	struct command *current;
	struct {
		char *name;
		uint64_t value;
	} var[64];
	size_t nvars;
	struct place_to_stop stop[32];
	size_t nstops;
	uint64_t last_stop[32]; /* of each processor: where, as the debugger said */
	int only_cpu;  /* -1: any */
	unsigned held; /* expects that held */
	FILE *out;     /* what is seen */
};

bool play_open(struct play *, const char *kernel, const char *file);
/* One command; *quit after the verb of this name. */
enum end play_command(struct play *, struct command *, bool *quit);
void play_close(struct play *);
/* Where, what, and the line itself. */
enum end play_trouble(struct play *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void play_bind(struct play *, const char *name, const char *tail, uint64_t);
enum end play_gone(struct play *);
/* False: said. */
bool play_compute(
    struct play *, struct expr_env *, const char *text, uint64_t *v);
/* arg is the play. */
bool play_symbol(
    void *arg, const char *name, uint64_t *start, uint64_t *end, char **why);

/* ---- bstep_look.c ---- */

extern const char *const play_levels[4];
enum end play_show(struct play *, const struct command *);
enum end play_walk(struct play *, const struct command *);
enum end play_where(struct play *, const struct command *);

/* ---- bstep_check.c: a session is sound before it is played ---- */

/* Names are bound before they are used, symbols exist: without a machine. */
bool play_check(struct play *, const struct script *);

#endif
