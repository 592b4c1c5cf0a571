/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ch17-scalux.c: the steps of ch17-chains.c under design scalux
 *
 * GUEST: --design scalux --memory 128M --append ramdisk=32M --append swap=rama
 */
#include "ch17-chains.c"
