/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scene.h: a small world whose every state is looked at
 *
 * Problem   A reader asks "and what if the child stores first?"  The kernel
 *           knows; so it is asked, for each question that a world of a few
 *           pages allows, and the answers are written down.
 *
 * Picture   NAME.scene ─file.c─→ struct scene
 *           struct scene ─graph.c─→ each action in each state, by play.c on the
 *              machine of kernel/test/sim, read by look.c
 *           struct graph ─json.c─→ NAME.json, which the book plays
 *
 * Rules     1. A state is what a reader is shown of it: items, text.  Two that
 *              read the same are one.
 *           2. To be in a state again its actions are done again from the start:
 *              the machine repeats exactly.
 *           3. What is here lies in memory of its own (sim_alloc): world_restore()
 *              puts all other data back.
 */
#ifndef TOOLS_SCENE_H
#define TOOLS_SCENE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROCS 4              /* processes of a scene, at most */
#define CPUS 2               /* that the reader schedules */
#define PAGES 8
#define FRAMES 24            /* in a state */
#define ACTS 40
#define OPS 8                /* of an action, or of a CPU */
#define LISTS 24             /* names, puzzles, outcomes */
#define PATH 64              /* actions from the start, at most */
#define TEXT 160
#define BODY 4096            /* a state as text */

/* "shows" of a scene. */
enum show {
	SHOW_ENTRIES = 1, SHOW_FILE = 2, SHOW_SWAP = 4, SHOW_QUEUES = 8,
	SHOW_AGE = 16, SHOW_OBJECT = 32, SHOW_VADS = 64, SHOW_TABLES = 128,
	SHOW_WALK = 256
};

struct act {
	int who;                     /* process; -1: the kernel */
	char label[48];
	char *op[OPS];
	unsigned nops;
};

/* What a step is called: the first whose counter has moved; "-": none did. */
struct outcome {
	char counter[32];
	char text[TEXT];
};

/* A state with a name: the end of a way, or the first that shows all patterns. */
struct name {
	char id[32];
	char text[TEXT];
	char way[TEXT * 2];          /* "A fork B; B store", or "" */
	char when[TEXT];             /* patterns of lines, or "" */
};

struct puzzle {
	unsigned steps;
	char at[32];                 /* a name, or "" */
	char counter[32];            /* that a step moves, or "" */
	char text[TEXT];
};

struct scene {
	char id[48], title[TEXT];
	unsigned shows, frames, slots, npages, file, object, bound;
	unsigned at[PAGES];          /* which pages: 0, 1, … unless it says */
	char boot[TEXT];
	char designs[TEXT];          /* it is played under each of them; "" */
	char design[16];             /* this one now, by -d; "" */
	char proc[PROCS][8];
	unsigned nprocs;
	char *start[OPS * 2];
	unsigned nstart;
	struct act act[ACTS];
	unsigned nacts;
	struct {
		unsigned proc;
		char *op[OPS];
		unsigned nops;
	} cpu[CPUS];
	unsigned ncpus;              /* 0: no scheduling, each action is done whole */
	struct outcome outcome[LISTS];
	unsigned noutcomes;
	struct name name[LISTS];
	unsigned nnames;
	struct puzzle puzzle[LISTS];
	unsigned npuzzles;
	char bug[64], reaches[32];   /* a planted bug, and the name that only it reaches */
};

/* Whose name is whose: what stands behind P1, E1 (an entry, or an anon), S1, M1, V1, X1
 * (an object of a chain). */
struct labels {
	uint64_t frame[FRAMES], entry[FRAMES], slot[FRAMES], amap[FRAMES];
	uint64_t vad[FRAMES], object[FRAMES];
	unsigned nframes, nentries, nslots, namaps, nvads, nobjects;
};

/* A state as it is read: lines, a name and what it is, divided by |. */
struct view {
	char body[BODY];
	struct labels labels;
};

#define EVENTS 64
struct happened {
	uint16_t event[EVENTS];      /* enum ev_id of trace events, in order */
	unsigned nevents;
	int64_t *moved;              /* by enum ev_id: what counters gained */
	char says[32];               /* what a load read, or the signal */
	bool refused;                /* it cannot be done here */
};

/* file.c.  Exits with a message that names the line. */
struct scene *scene_read(const char *path);

/* play.c */
void play_boot(const struct scene *);
void play_keep(void);        /* what is now will be so again at each start of a way */
/* The actions of path from the start; view after the last, what it did in *h. */
void play(const unsigned *path, unsigned n, struct view *before, struct view *after,
    struct happened *h);

/* look.c */
void look(const struct scene *, struct view *);

/* graph.c */
struct edge {
	unsigned act, to, note;
	int outcome;
};
struct state {
	char *body;
	struct edge *step;
	unsigned nsteps, depth, from, by; /* first met by action `by` of state `from` */
};
struct graph {
	struct state *state;
	unsigned nstates, max;
	char **note;                 /* "says|events|counters|renamed" */
	unsigned nnotes;
	unsigned name[LISTS];        /* states; UINT32_MAX: not reached */
	unsigned least[LISTS];       /* steps that a puzzle takes */
	unsigned nsteps;
};
struct graph *graph_make(const struct scene *, bool planted);

/* json.c */
void json_write(const struct scene *, const struct graph *, bool planted, FILE *);

#endif
