/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poison.h: values that make a stray use legible, and non-canonical
 */
#ifndef LIB_POISON_H
#define LIB_POISON_H

#define POISON_FRAME 0xF7EEF7EEF7EEF7EEul  /* freed frame */
#define POISON_FREE 0xDEADDEADDEADDEADul   /* freed object */
#define POISON_NEW 0x5EED5EED5EED5EEDul    /* object never initialised */
#define POISON_RED 0xB0B0B0B0B0B0B0B0ul    /* red zone after an object */

#endif
