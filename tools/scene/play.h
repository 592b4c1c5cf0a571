/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * play.h: between look.c, play.c and owned.c
 */
#ifndef TOOLS_SCENE_PLAY_H
#define TOOLS_SCENE_PLAY_H

#include "tools/scene/scene.h"
#include "vm/space/space.h"

/* A value as it is shown: "A" for what process A has stored, "f0" of a file. */
const char *play_value(uint64_t value, char *buf);
unsigned play_cpu_no(unsigned cpu);  /* the machine's number of the scene's CPU */
const char *play_cpu_text(unsigned cpu, char *buf, size_t size);
const char *play_cpu_read(unsigned cpu); /* what its loads have read so far */
/* The leaf word of va as a processor walks to it; NULL: no table. */
uint64_t *scene_word(const struct aspace *, va_t);

/* owned.c: the same actions under design frames */
bool owned_is(const struct scene *);
void owned_map(unsigned pages);
uint64_t *owned_touch(unsigned proc, unsigned page, bool write); /* NULL: a mistake */
void owned_fork(unsigned proc, unsigned child);
void owned_exit(unsigned proc);      /* not the first */
void owned_begin(void);              /* of an action, for: */
bool owned_moved(const char *what);  /* "copied", "faults", "spaces" of the library */
/* What the program's library knows of a page, and where it is; NULL: nothing. */
const void *owned_record(unsigned proc, unsigned page, pa_t *frame, uint32_t *refs,
    uint32_t *maps);

#endif
