/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * play.h: between look.c and play.c
 */
#ifndef TOOLS_SCENE_PLAY_H
#define TOOLS_SCENE_PLAY_H

#include "tools/scene/scene.h"

/* A value as it is shown: "A" for what process A has stored, "f0" of a file. */
const char *play_value(uint64_t value, char *buf);
unsigned play_cpu_no(unsigned cpu);  /* the machine's number of the scene's CPU */
const char *play_cpu_text(unsigned cpu, char *buf, size_t size);
const char *play_cpu_read(unsigned cpu); /* what its loads have read so far */

#endif
